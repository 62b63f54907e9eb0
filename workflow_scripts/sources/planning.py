"""Plan the shards of every source that is on, when the workflow is parsed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.sources import SOURCES
from workflow_scripts.sources.base import PlanContext, ShardPlan


def resolved_sources(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Return section `sources` of a configuration with automatic choices replaced."""
    resolved: dict[str, Any] = dict(sources)
    for name, values in sources.items():
        if values is not None:
            source = SOURCES[name]
            settings = source.resolve(source.settings.model_validate(values))
            resolved[name] = settings.model_dump(mode="json")
    return resolved


def plan_sources(config: Mapping[str, Any], basedir: Path) -> dict[str, ShardPlan]:
    """Return the plan of each source that is on.

    `config` is the whole configuration, resolved; `basedir` the folder of the project. Raises
    `UserError` for settings that cannot work together and for input that is missing or of no use.
    """
    plans = {}
    for name, values in config["sources"].items():
        if values is not None:
            source = SOURCES[name]
            context = PlanContext(name, config, basedir)
            settings = source.settings.model_validate(values)
            source.check(settings, context)
            plans[name] = source.plan(settings, context)
    return plans


def views_per_scene(config: Mapping[str, Any], name: str) -> float:
    """Return about how many views a scene of a source has, for estimates."""
    source = SOURCES[name]
    settings = source.settings.model_validate(config["sources"][name])
    return source.views_per_scene(settings, config)


def depth_kind(config: Mapping[str, Any], name: str) -> str:
    """Return how far a source's own depth may be wrong: exact or sensor."""
    source = SOURCES[name]
    return source.depth_kind(source.settings.model_validate(config["sources"][name]))


def input_files(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the user's files or folders that the scenes and views of a source are read from."""
    source = SOURCES[name]
    return source.input_files(source.settings.model_validate(config["sources"][name]))
