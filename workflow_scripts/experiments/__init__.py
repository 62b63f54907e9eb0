"""What is trained and scored: one file a kind of experiment, registered here; the first is the
kind of an experiment that names none."""

from collections.abc import Mapping

from workflow_scripts.config.base import Settings
from workflow_scripts.experiments.pose import PoseSettings
from workflow_scripts.experiments.vlm import VlmSettings

EXPERIMENT_SETTINGS: Mapping[str, type[Settings]] = {"vlm": VlmSettings, "pose": PoseSettings}
