"""Houses as scenes: read from a file or generated, checked, each in its split."""

from collections.abc import Iterator, Mapping

from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Scene
from workflow_scripts.common.splits import assign_split, content_hash
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.scenes.house_reader import HouseEntry, read_houses
from workflow_scripts.scenes.house_validation import unusable_reason
from workflow_scripts.sources.base import SampleRequest
from workflow_scripts.sources.procthor import GENERATE, HousesSettings
from workflow_scripts.sources.readers.house_corners import without_repeated_corners


def scene_of(
    entry: HouseEntry,
    *,
    source: str,
    shares: Mapping[str, float],
    errors: ItemErrors | None = None,
) -> Scene:
    """Turn an entry into a scene: a checked house in its split, or the reason why there is none.

    The split depends on the house's content alone, so equal houses never part.
    """
    house = entry.content
    try:
        house = without_repeated_corners(entry.content)
        reason = entry.reason or unusable_reason(house)
    # No check foresees every JSON file.
    except Exception as error:
        reason = (errors or ItemErrors()).reason(error, entry.origin)
    return Scene(
        source=source,
        scene_id=f"{source}-{entry.index:06d}",
        split=assign_split(content_hash(house), shares),
        origin=entry.origin,
        house=None if reason else house,
        skipped=reason,
    )


def generated_entries(*, seed: int, start: int, stop: int) -> Iterator[HouseEntry]:
    """Yield generated houses [start, stop); each depends on the seed and its index only."""
    for index in range(start, stop):
        yield HouseEntry(
            index, f"generated: seed {seed}, house {index}", generate_house(seed, index)
        )


def sample_houses(settings: HousesSettings, request: SampleRequest) -> Iterator[Scene]:
    """Yield the houses of a shard; the seed is used by `houses: generate` only."""
    entries = (
        generated_entries(seed=request.seed, start=request.start, stop=request.stop)
        if settings.houses == GENERATE
        else read_houses(settings.houses, start=request.start, stop=request.stop)
    )
    errors = ItemErrors()
    num_usable = 0
    for entry in entries:
        scene = scene_of(entry, source=request.source, shares=request.shares, errors=errors)
        num_usable += scene.house is not None
        yield scene
    errors.require_some(num_usable)
