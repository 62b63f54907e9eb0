"""Source procthor: houses, generated or from a file."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, Text


class HousesSettings(Settings):
    """What the houses of a shard depend on."""

    houses: Text = Field(
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
