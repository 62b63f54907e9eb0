"""Source procthor: houses, generated or from a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Scene
from workflow_scripts.common.shards import assign_shards, scenes_per_shard
from workflow_scripts.config.base import Settings, UserPath
from workflow_scripts.sources.base import PlanContext, ShardPlan, Source
from workflow_scripts.sources.readers.house_files import (
    ROOMS_PER_HOUSE,
    count_houses,
    house_shard_digests,
)

GENERATE = "generate"
PROCTHOR_10K = "procthor-10k"
PROCTHOR_10K_HOUSES = 12_000


class HousesSettings(Settings):
    """What the houses of a shard depend on."""

    houses: UserPath = Field(
        "generate",
        description="generate (ours, nothing to download), procthor-10k (through the package "
        "prior), or the path of a ProcTHOR .jsonl, .jsonl.gz or .json file",
    )


class ProcthorSettings(HousesSettings):
    """ProcTHOR houses; null turns the source off."""

    num_houses: int | None = Field(
        48, ge=1, le=1_000_000, description="how many houses; null takes every house of the file"
    )
    houses_per_shard: Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)] = Field(
        "auto",
        description="houses in one job; auto is the smallest power of two, at least 8, that needs "
        "at most 128 shards",
    )


def house_files(settings: HousesSettings) -> tuple[str, ...]:
    """Return the user's file of houses, if houses come from one."""
    return () if settings.houses in (GENERATE, PROCTHOR_10K) else (settings.houses,)


def plan_houses(settings: ProcthorSettings, context: PlanContext) -> ShardPlan:
    """Return the shards of houses, with a digest of each one's lines of a file."""
    key = f"sources.{context.source}.num_houses"
    return plan_house_shards(settings, settings.num_houses, settings.houses_per_shard, key=key)


def plan_house_shards(
    settings: HousesSettings, wanted: int | None, per_shard: int | str, *, key: str
) -> ShardPlan:
    """Return shards of the first `wanted` houses, None for all of a file; `key` names the number.

    Raises `UserError` where houses are generated and no number is given.
    """
    if settings.houses == GENERATE:
        if wanted is None:
            raise UserError(
                f"{key}: null needs a file of houses; with 'houses: generate' give a number"
            )
        total = wanted
    else:
        is_known = settings.houses == PROCTHOR_10K
        available = PROCTHOR_10K_HOUSES if is_known else count_houses(Path(settings.houses))
        total = available if wanted is None else min(wanted, available)
    size = scenes_per_shard(total, per_shard)
    if not house_files(settings):
        return ShardPlan.without_input(total, size)
    shards = assign_shards(total, size)
    digests = house_shard_digests(Path(settings.houses), size)
    return ShardPlan(shards, dict(zip(shards, digests, strict=False)))


def example_settings(num_houses: int) -> dict[str, Any]:
    """Return settings of a run with many generated houses."""
    return {"num_houses": num_houses, "houses": "generate", "houses_per_shard": "auto"}


def views_per_house(_: Settings, config: Mapping[str, Any]) -> float:
    """Return about how many views a house has: some a room."""
    return float(ROOMS_PER_HOUSE * sum(config["views"]["policies"].values()))


SOURCE = Source(
    settings=ProcthorSettings,
    scene_kind="house",
    record=Scene,
    plan=plan_houses,
    description="rooms of ProcTHOR-schema houses, rendered with exact depth and instance masks",
    license_note="houses and asset tables after ProcTHOR and AI2-THOR, Apache-2.0; furniture "
    "meshes of Sweet Home 3D, where they were used, keep the licenses of their authors "
    "(see the credits beside the views)",
    sample="workflow_scripts.scenes.sample_houses:sample_houses",
    sample_settings=HousesSettings,
    input_files=house_files,
    views_per_scene=views_per_house,
    example_settings=example_settings,
)
