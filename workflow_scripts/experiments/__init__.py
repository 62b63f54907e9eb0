"""Kinds of experiments: a module of this package each, which defines `KIND`, and its name here.

The first is the kind of an experiment that names none. Commands of stages must not import this
registry: the fingerprint of their code would follow the modules that every kind names.
"""

from collections.abc import Mapping
from importlib import import_module

from workflow_scripts.config.base import Settings
from workflow_scripts.experiments.base import ExperimentKind

KIND_NAMES = (
    "vlm",
    "pose",
)
EXPERIMENT_KINDS: Mapping[str, ExperimentKind] = {
    name: import_module(f"workflow_scripts.experiments.{name}").KIND for name in KIND_NAMES
}
EXPERIMENT_SETTINGS: Mapping[str, type[Settings]] = {
    name: kind.settings for name, kind in EXPERIMENT_KINDS.items()
}
