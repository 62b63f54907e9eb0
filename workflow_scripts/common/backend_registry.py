"""Load a backend by name, only when it is asked for."""

import importlib
from collections.abc import Mapping
from typing import Any

from workflow_scripts.common.errors import UserError, allowed_values


def load_backend(name: str, table: Mapping[str, str], *, kind: str) -> Any:
    """Return the object that `table[name]` ("package.module:attribute") points to.

    Raises `UserError` for an unknown name, and for a backend whose package is not installed
    (an `ImportError` with the package's name), with what to do.
    """
    if name not in table:
        raise UserError(f"unknown {kind} backend {name!r}; {allowed_values(name, table)}")
    module_name, attribute = table[name].split(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(
            f"{kind} backend {name!r} cannot be imported: {error}. "
            "Install what it needs (README.md, 'Bring your own data'), or choose another backend."
        ) from error
    return getattr(module, attribute)
