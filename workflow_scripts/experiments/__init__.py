"""Kinds of experiments: a module of this package each, which defines `KIND`, and its name here.

The first is the kind of an experiment that names none. Commands of stages must not import this
registry: the fingerprint of their code would follow the modules that every kind names.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_scripts.config.base import Settings
    from workflow_scripts.experiments.base import ExperimentKind

KIND_NAMES = (
    "vlm",
    "pose",
    "api",
    "reconstruction",
    "video",
)


class _Registry(Mapping[str, "ExperimentKind"]):
    """The kinds by name; a module is imported when its kind is asked for."""

    def __getitem__(self, name: str) -> "ExperimentKind":
        if name not in KIND_NAMES:
            raise KeyError(name)
        kind: ExperimentKind = import_module(f"workflow_scripts.experiments.{name}").KIND
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(KIND_NAMES)

    def __len__(self) -> int:
        return len(KIND_NAMES)


EXPERIMENT_KINDS: "Mapping[str, ExperimentKind]" = _Registry()


def settings_models() -> "dict[str, type[Settings]]":
    """Return the model of each kind's settings by name."""
    return {name: kind.settings for name, kind in EXPERIMENT_KINDS.items()}
