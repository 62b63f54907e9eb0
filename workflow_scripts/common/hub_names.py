"""Names of models and data sets on the Hugging Face hub, told apart from paths on this machine."""

import os
import re
from pathlib import Path

from workflow_scripts.common.errors import UserError

_HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)


def is_hub_id(name: str) -> bool:
    """Return whether a name is of the hub: owner/name, and nothing on this machine begins so."""
    return (
        _HUB_ID.fullmatch(name) is not None
        and not os.path.lexists(name)
        and not os.path.lexists(name.partition("/")[0])
    )


def require_model(key: str, model: str) -> None:
    """Raise `UserError` for a model that is neither a folder nor an id of the hub.

    A path that does not exist is never looked for on the hub.
    """
    if not Path(model).is_dir() and not is_hub_id(model):
        raise UserError(
            f"{key}: {model}: no such folder; correct the path, or give a model's id on the hub "
            "(owner/name)"
        )
