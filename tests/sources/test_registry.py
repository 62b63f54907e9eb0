"""The registry of sources: every description is whole, and planning asks nothing else."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.config import resolved
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SceneRecord
from workflow_scripts.config.base import Settings
from workflow_scripts.sources import SOURCES, settings_models
from workflow_scripts.sources.base import ALL_STAGES, ShardPlan, is_depth_estimated
from workflow_scripts.sources.planning import plan_sources, resolved_sources, views_per_scene

ROOT = Path(__file__).parents[2]


def config(**sources: Any) -> dict[str, Any]:
    return {"depth": {"backend": "simulator", "sources": None}, "sources": sources}


@pytest.mark.parametrize("name", SOURCES)
def test_a_description_is_whole(name: str) -> None:
    source = SOURCES[name]
    assert issubclass(source.settings, Settings)
    assert issubclass(source.record, SceneRecord)
    assert source.stages == tuple(stage for stage in ALL_STAGES if stage in source.stages)
    assert {"scenes", "views"} <= set(source.stages)
    assert source.description
    assert source.license_note
    if source.sample:
        module, _, function = source.sample.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert source.sample_settings is not None
        assert set(source.sample_settings.model_fields) <= set(source.settings.model_fields)


def test_a_source_that_is_not_registered_is_no_source() -> None:
    assert "lidar" not in SOURCES
    with pytest.raises(KeyError):
        SOURCES["lidar"]
    assert list(settings_models()) == list(SOURCES)


def test_sources_that_are_off_have_no_plan() -> None:
    values = {"num_houses": 3, "houses_per_shard": 2}
    whole = resolved_sources({"procthor": values, "images": None})
    assert whole["images"] is None
    assert whole["procthor"] == {"houses": "generate", **values}
    plans = plan_sources(config(**whole), ROOT)
    assert list(plans) == ["procthor"]
    assert list(plans["procthor"].shards) == ["0000", "0001"]


def test_automatic_choices_are_replaced() -> None:
    whole = resolved_sources({"images": {"photos": "p", "masks": "m"}})
    assert whole["images"]["localise"]["backend"] == "masks"


def test_checks_come_before_plans() -> None:
    with pytest.raises(UserError, match="photos have no depth of their own"):
        plan_sources(config(images={"photos": "nowhere"}), ROOT)


def test_depth_is_estimated_for_the_chosen_sources() -> None:
    chosen = {"depth": {"backend": "transformers", "sources": ["images"]}}
    assert is_depth_estimated(chosen, "images")
    assert not is_depth_estimated(chosen, "procthor")
    assert not is_depth_estimated(config(), "images")


def test_views_of_a_scene_are_estimated_for_every_source() -> None:
    given = {"images": {"photos": "p"}, "procthor": {}, "rlbench": {}}
    values = resolved({"sources": given, "train": {"experiments": {"lifter": {"kind": "pose"}}}})
    assert views_per_scene(values, "images") == 1
    assert views_per_scene(values, "procthor") > 1
    assert views_per_scene(values, "rlbench") > 1


def test_a_plan_has_a_digest_for_every_shard() -> None:
    with pytest.raises(ValueError, match="digests of"):
        ShardPlan(ShardPlan.without_input(4, 2).shards, {"0000": ""})
