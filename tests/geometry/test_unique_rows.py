"""Equal rows: the results of numpy.unique over an axis."""

import numpy as np
import pytest

from workflow_scripts.geometry.unique_rows import row_keys, unique_rows


@pytest.mark.parametrize("scale", [3, 10**6, 2**40])
def test_keys_number_rows_as_numpy_does(scale: int) -> None:
    generator = np.random.default_rng(1)
    distinct = generator.integers(-scale, scale, size=(50, 3))
    rows = distinct[generator.integers(50, size=300)]
    _, first, inverse = np.unique(row_keys(rows), return_index=True, return_inverse=True)
    expected = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(first, expected[1])
    np.testing.assert_array_equal(inverse, expected[2].reshape(-1))


def test_unique_rows_are_those_of_numpy() -> None:
    rows = np.random.default_rng(2).integers(0, 4, size=(300, 3)) / 3.0
    np.testing.assert_array_equal(unique_rows(rows), np.unique(rows, axis=0))


def test_no_row_is_no_error() -> None:
    assert row_keys(np.empty((0, 3), np.int64)).shape == (0,)
    assert unique_rows(np.empty((0, 3))).shape == (0, 3)
