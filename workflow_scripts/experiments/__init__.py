"""Kinds of experiments: one file each, one line here.

The first is the kind of an experiment that names none.
"""

from collections.abc import Mapping

from workflow_scripts.config.base import Settings
from workflow_scripts.experiments.base import ExperimentKind
from workflow_scripts.experiments.pose import POSE
from workflow_scripts.experiments.vlm import VLM

EXPERIMENT_KINDS: Mapping[str, ExperimentKind] = {
    "vlm": VLM,
    "pose": POSE,
}
EXPERIMENT_SETTINGS: Mapping[str, type[Settings]] = {
    name: kind.settings for name, kind in EXPERIMENT_KINDS.items()
}
