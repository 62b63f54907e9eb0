"""The model of the whole configuration, for tests."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts import experiments, sources
from workflow_scripts.config.load import load_config
from workflow_scripts.config.root import build_config_model

MODEL = build_config_model(sources.settings_models(), experiments.settings_models())


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with every default filled in, as rules see it."""
    return load_config(config, MODEL).model_dump(mode="json")
