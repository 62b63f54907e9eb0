"""Loops over pixels that NumPy cannot do in one pass, compiled by Numba at their first call."""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

log = logging.getLogger(__name__)

# A division by 0 gives infinity or NaN, as NumPy's does; to check every one for an exception costs
# rendering a fifth of its time.
_OPTIONS: dict[str, Any] = {"error_model": "numpy"}


def numba_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers, in IEEE arithmetic, so that bytes are repeatable.

    The machine code is kept beside the source, or in the user's cache, for the next process;
    where neither can be written (NUMBA_CACHE_DIR names another folder) every process compiles anew.
    """
    compiled: Any = numba.njit(function, **_OPTIONS)
    with contextlib.suppress(RuntimeError):  # no such folder
        compiled._cache = _CodeCache(function)
    kernel: Callable[..., Any] = compiled
    return kernel


class _CodeCache(FunctionCache):
    """Machine code that is read where it is whole, and written where there is room for it.

    Numba's own gives up on a cut file and on a full disk; here the function is compiled anew.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        source_stamp = self._impl.locator.get_source_stamp()
        self.stamp = (source_stamp, _used_stamps(function), _OPTIONS)
        self._cache_file = _ContentNamedCacheFile(
            self.cache_path, self._impl.filename_base, self.stamp
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a cut pickle raises nearly anything
            log.debug("kept machine code cannot be read: %r", error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            log.debug("machine code cannot be kept: %s", error)


def _used_stamps(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    """Return the stamps of the kernels, and the numbers, that a function takes from its module.

    Its machine code holds theirs, and they may have been imported from another file.
    """
    stamps: list[tuple[str, Any]] = []
    for name in function.__code__.co_names:
        used = function.__globals__.get(name)
        cache = getattr(used, "_cache", None)
        if isinstance(cache, _CodeCache):
            stamps.append((name, cache.stamp))
        elif isinstance(used, int | float):
            stamps.append((name, used))
    return stamps


class _ContentNamedCacheFile(IndexDataCacheFile):
    """Files named after what is in them: sources, types of the arguments, processor, Numba.

    Numba's own are numbered in an index, where two processes that compile at once, for two kinds
    of processor that share a folder, may both take number 1, and one then runs the other's code.
    """

    def save(self, key: Any, data: Any) -> None:
        self._save_data(self._name(key), data)

    def load(self, key: Any) -> Any:
        return self._load_data(self._name(key))

    def _name(self, key: Any) -> str:
        key_text = repr((self._version, self._source_stamp, key)).encode()
        return self._data_name_pattern.format(
            number=int(hashlib.sha256(key_text).hexdigest()[:15], 16)
        )
