"""Equal rows of arrays, many times as fast as numpy.unique over an axis, with its results."""

import numpy as np


def row_keys(rows: np.ndarray) -> np.ndarray:
    """Return a number i64 [n] for each row of integers [n, k], in the order of rows.

    Equal rows have equal numbers, and of two rows the one that is first by its first columns has
    the lower number.
    """
    if not len(rows):
        return np.empty(0, dtype=np.int64)
    low = rows.min(axis=0)
    extent = (rows.max(axis=0) - low + 1).tolist()
    keys: np.ndarray
    if np.prod(np.asarray(extent, dtype=np.float64)) > 2**62:
        keys = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return keys
    keys = np.ravel_multi_index(tuple((rows - low).T), tuple(extent)).astype(np.int64)
    return keys


def unique_rows(rows: np.ndarray) -> np.ndarray:
    """Return the distinct rows of [n, k], sorted by the first column, then the second and so on."""
    if not len(rows):
        return rows
    ordered = rows[np.lexsort(rows.T[::-1])]
    is_new = np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)]
    distinct: np.ndarray = ordered[is_new]
    return distinct
