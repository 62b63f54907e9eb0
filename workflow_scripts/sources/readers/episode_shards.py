"""Settings of a source of episodes as flags."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.common.flags import as_flags


def source_flags(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return settings as flags of a command: the backend, its data set, and those named."""
    backend_names = ["backend", "dataset"] if settings["backend"] == "dataset" else ["backend"]
    return as_flags(settings, [*backend_names, *names])
