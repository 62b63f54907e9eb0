"""RLBench's pickles are read without running anything in them."""

import contextlib
import os
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.rlbench_recordings import pickle_observations
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.safe_unpickler import read_pickle


class CallsFunction:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def read(content: bytes) -> Any:
    return read_pickle(content, name="low_dim_obs.pkl")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_observations_come_back_as_they_were(protocol: int) -> None:
    state = {
        "joint_positions": np.arange(7.0),
        "gripper_open": np.float64(1.0),
        "mask": np.array([[1, 2], [3, 4]], dtype=np.uint8),
        "matrix": np.asfortranarray(np.arange(12.0, dtype=np.float32).reshape(3, 4)),
        "misc": {"near": 0.01, "joint_poses": [np.eye(2), np.eye(3)]},
        "front_rgb": None,
    }
    found = vars(read(pickle_observations([state], protocol=protocol))._observations[0])
    np.testing.assert_array_equal(found["joint_positions"], state["joint_positions"])
    assert float(np.asarray(found["gripper_open"])) == 1.0
    assert found["mask"].dtype == np.uint8
    np.testing.assert_array_equal(found["mask"], state["mask"])
    np.testing.assert_array_equal(found["matrix"], state["matrix"])
    np.testing.assert_array_equal(found["misc"]["joint_poses"][1], np.eye(3))
    assert found["front_rgb"] is None


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch ran",)),
        (eval, ("open('ran', 'w')",)),
        (exec, ("open('ran', 'w')",)),
        (Path.touch, (Path("ran"),)),
        (np.load, ("ran",)),
        (np.save, ("ran", np.zeros(1))),
        (__import__, ("antigravity",)),
    ],
)
def test_a_pickle_that_runs_code_is_refused_and_runs_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="nothing of it was run"):
        read(pickle.dumps([CallsFunction(function, *arguments)]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["posix system", "builtins eval", "numpy load", "rlbench.demo os"])
def test_a_name_is_refused_however_it_is_spelled(name: str) -> None:
    module, attribute = name.split()
    spelled = (
        pickle.PROTO + b"\x04" + pickle.SHORT_BINUNICODE + bytes([len(module)]) + module.encode()
    )
    spelled += pickle.SHORT_BINUNICODE + bytes([len(attribute)]) + attribute.encode()
    spelled += pickle.STACK_GLOBAL + b"."
    pickletools.dis(spelled, out=open(os.devnull, "w"))  # noqa: SIM115
    for content in (spelled, f"c{module}\n{attribute}\n.".encode()):
        with pytest.raises(UserError, match="nothing of it was run"):
            read(content)


def test_one_file_cannot_spoil_the_reading_of_the_next() -> None:
    # Sets an attribute on the stand-in class itself, which a next file would meet.
    spoil = b"crlbench.demo\nDemo\n(N}V__setstate__\nI1\nstb."
    with contextlib.suppress(UserError):
        read(spoil)
    assert vars(read(pickle_observations([{"a": 1.0}]))._observations[0]) == {"a": 1.0}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle_observations([{"joint_positions": np.arange(7.0)}])[:-20],
        pickle.dumps(np.array([{"a": 1}], dtype=object)),
        pickle.dumps(np.array(["text"])),
    ],
)
def test_damaged_or_odd_pickles_are_one_clear_error(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^low_dim_obs\.pkl: not a readable RLBench recording"):
        read(content)


def test_an_array_larger_than_its_bytes_is_refused() -> None:
    good = pickle.dumps(np.arange(4, dtype="<f8"), protocol=2)
    with pytest.raises(UserError, match="shape"):
        read(good.replace(b"K\x04\x85", b"J\xff\xff\xff\x7f\x85"))


def test_lists_that_hold_themselves_end() -> None:
    loop: list[Any] = [1]
    for _ in range(60):
        loop = [loop, loop]
    loop.append(loop)
    assert len(read(pickle.dumps(loop))) == 3
