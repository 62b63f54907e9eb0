"""An item that fails costs itself; what would meet every item ends the job."""

import errno
import logging

import pytest

from workflow_scripts.common.errors import DamagedResultError, UserError
from workflow_scripts.common.item_errors import ItemErrors


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


def test_reasons_are_one_line_and_unforeseen_errors_are_named_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = ItemErrors()
    assert errors.reason(UserError("room 3: no\nfloor"), "house-1") == "room 3: no floor"
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        with pytest.raises(KeyError) as caught:
            dict[str, int]()["polygon"]
        assert errors.reason(caught.value, "house-1") == "KeyError: 'polygon'"
    assert "house-1" in caplog.text
    assert "Traceback" in caplog.text
    assert len(errors.reason(ValueError("x" * 9999), "house-1")) == 300


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOSPC, "No space left on device"),
        DamagedResultError("0000.zarr: damaged"),
        OutOfMemoryError("CUDA out of memory"),
    ],
)
def test_what_is_not_the_items_fault_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        ItemErrors().reason(error, "house-1")


def test_a_shard_that_unforeseen_errors_leave_empty_is_an_error() -> None:
    errors = ItemErrors()
    errors.reason(UserError("too small"), "a")
    errors.require_some(0)
    errors.reason(ZeroDivisionError("division by zero"), "b")
    errors.require_some(1)
    with pytest.raises(ZeroDivisionError):
        errors.require_some(0)
