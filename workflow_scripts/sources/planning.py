"""Plan the shards of every source that is on, when the workflow is parsed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources import SOURCES
from workflow_scripts.sources.base import PlanContext, ShardPlan, Stage


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
    if plans and all(_is_never_asked_about(config, name) for name in plans):
        raise UserError(
            f"sources.{next(iter(plans))}.later_stages: without vqa, and there is no other source, "
            "so that there would be no question; add vqa, or set it to null"
        )
    return plans


def _is_never_asked_about(config: Mapping[str, Any], name: str) -> bool:
    """Say whether the settings of a source leave stage vqa out."""
    return "vqa" in SOURCES[name].stages and "vqa" not in stages(config, name)


def pretraining_sources(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sources that are on whose views the tiny base learns from.

    Raises `UserError` for one whose objects have no names, such as robot tasks.
    """
    chosen = config["train"]["tiny"]["sources"]
    for name in chosen or ():
        if not SOURCES[name].names_objects:
            raise UserError(
                f"train.tiny.sources: {name!r}: its objects have no names that say what they look "
                "like, so the tiny base learns nothing from them; leave it out"
            )
    on = [name for name, values in config["sources"].items() if values is not None]
    learned = [name for name in on if SOURCES[name].names_objects]
    return tuple(name for name in learned if chosen is None or name in chosen)


def stages(config: Mapping[str, Any], name: str) -> tuple[Stage, ...]:
    """Return the stages that a source takes part in."""
    source = SOURCES[name]
    if source.stages_of is None:
        return source.stages
    return source.stages_of(source.settings.model_validate(config["sources"][name]))


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
