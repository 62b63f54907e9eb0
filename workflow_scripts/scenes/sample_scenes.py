"""Write one shard of scenes: houses read or generated, checked, and drawn from above."""

import logging
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.records import SPLITS, Scene
from workflow_scripts.common.splits import assign_split, content_hash
from workflow_scripts.common.storage import write_records
from workflow_scripts.scenes.floor_plan_sheet import draw_floor_plan_sheet
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.scenes.house_reader import HouseEntry, read_houses
from workflow_scripts.scenes.house_validation import unusable_reason

GENERATE = "generate"
log = logging.getLogger(__name__)


def scene_of(entry: HouseEntry, *, source: str, shares: dict[str, float]) -> Scene:
    """Turn an entry into a scene: a checked house in its split, or the reason why there is none.

    The split depends on the house's content alone, so equal houses never part.
    """
    reason = entry.reason or unusable_reason(entry.content)
    return Scene(
        source=source,
        scene_id=f"{source}-{entry.index:06d}",
        split=assign_split(content_hash(entry.content), shares),
        origin=entry.origin,
        house=None if reason else entry.content,
        skipped=reason,
    )


def generated_entries(*, seed: int, start: int, stop: int) -> Iterator[HouseEntry]:
    """Yield generated houses [start, stop); each depends on the seed and its index only."""
    for index in range(start, stop):
        yield HouseEntry(
            index, f"generated: seed {seed}, house {index}", generate_house(seed, index)
        )


def main(
    *,
    source: str,
    houses: str,
    start: int,
    stop: int,
    seed: int,
    splits: tuple[float, float, float],
    out: Path,
    picture: Path,
) -> None:
    """Write the scenes [start, stop) of a source and a contact sheet of their plans.

    Args:
        source: name of the source, the first part of every scene id.
        houses: "generate", "procthor-10k" or the path of a .jsonl, .jsonl.gz or .json file.
        start: index of the first house.
        stop: index after the last house.
        seed: the workflow's seed; used by "generate".
        splits: shares of train, val and test.
        out: the shard, one `Scene` a line.
        picture: the contact sheet (PNG).
    """
    entries = (
        generated_entries(seed=seed, start=start, stop=stop)
        if houses == GENERATE
        else read_houses(houses, start=start, stop=stop)
    )
    shares = dict(zip(SPLITS, splits, strict=True))
    scenes = [
        scene_of(entry, source=source, shares=shares)
        for entry in progress(entries, desc="houses", total=stop - start)
    ]
    for scene in scenes:
        if scene.skipped:
            log.warning("%s (%s) left out: %s", scene.scene_id, scene.origin, scene.skipped)
    log.info("%d houses, %d left out", len(scenes), sum(bool(scene.skipped) for scene in scenes))
    draw_floor_plan_sheet(picture, scenes)
    write_records(out, scenes)


if __name__ == "__main__":
    run(main)
