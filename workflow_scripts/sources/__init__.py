"""Where scenes come from: one file a source, registered here by one line, in the order of a run."""

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow_scripts.config.base import Settings
    from workflow_scripts.sources.base import Source

#: The description of each source; loaded when it is asked for.
_DESCRIPTIONS = {
    "procthor": "workflow_scripts.sources.procthor:SOURCE",
    "images": "workflow_scripts.sources.images:SOURCE",
    "rlbench": "workflow_scripts.sources.rlbench:SOURCE",
    "scans": "workflow_scripts.sources.scans:SOURCE",
}


class _Registry(Mapping[str, "Source[Any]"]):
    def __getitem__(self, name: str) -> "Source[Any]":
        module, _, attribute = _DESCRIPTIONS[name].partition(":")
        source: Source[Any] = getattr(importlib.import_module(module), attribute)
        return source

    def __iter__(self) -> Iterator[str]:
        return iter(_DESCRIPTIONS)

    def __len__(self) -> int:
        return len(_DESCRIPTIONS)


#: Descriptions of all sources by name.
SOURCES: Mapping[str, "Source[Any]"] = _Registry()


def settings_models() -> "dict[str, type[Settings]]":
    """Return the model of each source's settings by name."""
    return {name: source.settings for name, source in SOURCES.items()}
