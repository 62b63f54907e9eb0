"""Read pickles of data sets without running anything in them: numbers, lists and dicts come out.

A pickle is a program that may call whatever it names. This reader knows the handful of names that
a recording needs and gives them stand-ins of its own that only hold values; any other name ends
the reading with an error before anything is called.
"""

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError

_MAX_ARRAY_BYTES = 1 << 30
_NUMBER_KINDS = "biuf"


class PickledObject:
    """Holds the attributes of an object of a class that need not be installed."""


class _PickledDtype:
    """Holds the description of an array's type, like 'f8', and its byte order."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        self.name, self.is_big_endian = str(name), False

    def __setstate__(self, state: Any) -> None:
        self.is_big_endian = state[1] == ">"

    def dtype(self) -> np.dtype:
        """Return the number type; anything but plain numbers is an error."""
        dtype = np.dtype(self.name)
        if dtype.kind not in _NUMBER_KINDS or dtype.shape or dtype.names:
            raise ValueError(f"an array of type {self.name!r}; only plain numbers are read")
        return dtype.newbyteorder(">" if self.is_big_endian else "<")


class _PickledArray:
    """Holds an array while it is read; `value` is the array."""

    def __init__(self, *_: Any) -> None:
        self.value: np.ndarray = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
        self.value = _from_bytes(content, kind, shape, is_fortran=bool(is_fortran))


def _from_bytes(content: Any, kind: Any, shape: Any, *, is_fortran: bool) -> np.ndarray:
    """Make an array of numbers from bytes that must be exactly as many as its shape needs."""
    if isinstance(content, str):
        content = content.encode("latin1")
    if not isinstance(kind, _PickledDtype) or not isinstance(content, bytes | bytearray):
        raise ValueError("an array whose content is not bytes of numbers")
    sizes = tuple(int(size) for size in shape)
    dtype = kind.dtype()
    needed = dtype.itemsize * int(np.prod([float(size) for size in sizes] or [1.0]))
    if min(sizes, default=0) < 0 or needed > _MAX_ARRAY_BYTES or needed != len(content):
        raise ValueError(f"an array of shape {sizes} with {len(content)} bytes")
    flat = np.frombuffer(bytes(content), dtype=dtype).astype(dtype.newbyteorder("="))
    return flat.reshape(sizes, order="F" if is_fortran else "C")


def _scalar(kind: Any, content: Any = b"") -> Any:
    return _from_bytes(content, kind, (), is_fortran=False).item()


def _frombuffer(content: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    return _from_bytes(content, kind, shape, is_fortran=order == "F")


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if encoding != "latin1":
        raise ValueError(f"text in encoding {encoding!r}")
    return str(text).encode("latin1")


def _reconstruct(*_: Any) -> _PickledArray:
    return _PickledArray()


class _Unpickler(pickle.Unpickler):
    """Finds stand-ins only; classes are made anew for each file, so that none can be spoilt."""

    def __init__(self, content: bytes, kind: str) -> None:
        super().__init__(io.BytesIO(content))
        self._kind = kind
        numpy_names: dict[str, Callable[..., Any]] = {
            "multiarray _reconstruct": _reconstruct,
            "multiarray scalar": _scalar,
            "numeric _frombuffer": _frombuffer,
        }
        self._allowed: dict[str, Any] = {
            "numpy ndarray": _PickledArray,
            "numpy dtype": type("Type", (_PickledDtype,), {}),
            "_codecs encode": _encode,
            "rlbench.demo Demo": type("Demo", (PickledObject,), {}),
            "rlbench.backend.observation Observation": type("Observation", (PickledObject,), {}),
        }
        for package in ("numpy.core", "numpy._core"):
            for name, value in numpy_names.items():
                self._allowed[f"{package}.{name}"] = value

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a name; any other name is refused."""
        if f"{module} {name}" not in self._allowed:
            raise UserError(
                f"it asks for {module}.{name}, which no {self._kind} needs; nothing of it was run. "
                "Do not trust this file"
            )
        return self._allowed[f"{module} {name}"]


def read_pickle(content: bytes, *, name: str, kind: str = "RLBench recording") -> Any:
    """Return what a pickle holds: objects as `PickledObject`, arrays as NumPy arrays.

    `name` and `kind` are for the message of the `UserError` that anything unexpected raises.
    """
    try:
        return _unwrap(_Unpickler(content, kind).load(), {})
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle raises almost any type
        raise UserError(
            f"{name}: not a readable {kind} ({type(error).__name__}: {error}); "
            "copy it again from where it came"
        ) from None


def _unwrap(value: Any, replaced: dict[int, Any]) -> Any:
    """Replace the arrays' holders inside lists, tuples, dicts and objects by the arrays.

    `done` keeps what was replaced, so that something that occurs twice (or in itself) is one.
    """
    if isinstance(value, _PickledArray):
        return value.value
    if isinstance(value, tuple):
        return tuple(_unwrap(item, replaced) for item in value)
    if not isinstance(value, list | dict | PickledObject):
        return value
    if id(value) in replaced:
        return replaced[id(value)]
    replaced[id(value)] = value
    if isinstance(value, list):
        value[:] = [_unwrap(item, replaced) for item in value]
    else:
        items = value if isinstance(value, dict) else vars(value)
        for key in items:
            items[key] = _unwrap(items[key], replaced)
    return value
