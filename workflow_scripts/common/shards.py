"""Assign scenes to shards by index: the shard is the job."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_SHARDS = 128
MIN_SCENES_PER_SHARD = 8


@dataclass(frozen=True)
class Shard:
    """The scenes [start, stop) of a source."""

    start: int
    stop: int


def scenes_per_shard(num_scenes: int, setting: int | str) -> int:
    """Return the shard size; "auto" is the smallest power of two that needs <= 128 shards.

    Powers of two keep the size, and so every shard already made, when a few scenes are added.
    """
    if setting != "auto":
        return int(setting)
    size = MIN_SCENES_PER_SHARD
    while size * MAX_SHARDS < num_scenes:
        size *= 2
    return size


def assign_shards(num_scenes: int, size: int) -> dict[str, Shard]:
    """Return shards by name ("0003"), in order.

    The name carries no total, so that a scene added at the end changes the last shard only.
    """
    return {
        f"{number:04d}": Shard(start, min(start + size, num_scenes))
        for number, start in enumerate(range(0, num_scenes, size))
    }


def count_scenes(shards: Mapping[str, Shard]) -> int:
    """Return how many scenes some shards have together."""
    return sum(shard.stop - shard.start for shard in shards.values())
