"""Scans as scenes: houses to walk through, or scans that a reader lists, each in its split."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from workflow_scripts.common.splits import assign_split
from workflow_scripts.scenes.sample_houses import sample_houses
from workflow_scripts.sources.base import SampleRequest
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.base import load_reader
from workflow_scripts.sources.readers.scans.language_files import published_splits
from workflow_scripts.sources.scans import ScanFilesSettings


def _simulated_scans(settings: ScanFilesSettings, request: SampleRequest) -> Iterator[ScanScene]:
    """Yield the scans of each house after another."""
    count = settings.scans_per_house
    houses = replace(request, start=request.start // count, stop=-(-request.stop // count))
    for house_number, scene in enumerate(sample_houses(settings, houses), start=houses.start):
        first = house_number * count
        ids = [f"{request.source}-{index:06d}" for index in range(first, first + count)]
        for number, scene_id in enumerate(ids):
            if not request.start <= first + number < request.stop:
                continue
            yield ScanScene(
                **{**scene.model_dump(), "scene_id": scene_id},
                scan_of_house=number,
                first_scan=ids[0],
                format=settings.format,
            )


def sample_scans(settings: ScanFilesSettings, request: SampleRequest) -> Iterator[ScanScene]:
    """Yield the scans of a shard; `settings.format` is not auto any more.

    A simulated scan is in the split of its house, a scan from files in that of its place. Where
    published annotations name the scan or its place, it is in the split that they are given for.
    """
    if settings.path is None:
        yield from _simulated_scans(settings, request)
        return
    entries = load_reader(settings.format).list_scans(Path(settings.path))
    given = settings.annotations
    published = {} if given is None else published_splits(given.files(), entries)
    for entry in entries[request.start : request.stop]:
        place = entry.place or entry.scan_id
        yield ScanScene(
            source=request.source,
            scene_id=f"{request.source}-{entry.scan_id}",
            split=published.get(place) or assign_split(place, request.shares),
            origin=f"{settings.format}: {entry.scan_id}",
            house=None,
            format=settings.format,
            name=entry.scan_id,
            path=str(entry.path),
        )
