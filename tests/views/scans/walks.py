"""Small simulated scans for tests."""

from pathlib import Path

from workflow_scripts.common.storage import write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.scan_settings import WalkRenderSettings
from workflow_scripts.views.scans import render_walks

SMALL = {
    **{"width_px": 64, "height_px": 48, "min_pixels": 10, "preset": "draft"},
    **{"furniture": "procedural", "frames": 12, "rate_hz": 1.0},
}


def scan(scene_id: str, house: dict | None, skipped: str | None = None) -> ScanScene:
    return ScanScene(
        **{"source": "scans", "scene_id": scene_id, "split": "train", "origin": "by hand"},
        **{"house": house, "skipped": skipped, "format": "simulated"},
    )


def render(
    folder: Path, scenes: list[ScanScene], *, measure_surfaces: bool = True, **changes: object
) -> ViewShard:
    """Render a shard of walks below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_records(folder / "scenes.jsonl", scenes)
    settings = WalkRenderSettings.parse({**SMALL, **changes})
    out = folder / "0000.zarr"
    render_walks.main(
        scenes=folder / "scenes.jsonl",
        out=out,
        seed=3,
        settings=settings,
        measure_surfaces=measure_surfaces,
    )
    return ViewShard.open(out)
