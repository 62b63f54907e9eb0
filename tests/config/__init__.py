"""The model of the whole configuration, for tests."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts.config.load import load_config
from workflow_scripts.config.root import build_config_model
from workflow_scripts.experiments import EXPERIMENT_SETTINGS
from workflow_scripts.sources import settings_models

MODEL = build_config_model(settings_models(), EXPERIMENT_SETTINGS)


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with every default filled in, as rules see it."""
    return load_config(config, MODEL).model_dump(mode="json")
