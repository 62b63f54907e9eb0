"""Loops over pixels that NumPy cannot do in one pass, compiled by Numba at their first call."""

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers, in IEEE arithmetic, so that bytes are repeatable.

    The machine code is kept beside the source, or in the user's cache, for the next process;
    where neither can be written (NUMBA_CACHE_DIR names another folder) every process compiles anew.
    """
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:
        return numba.njit(function)
