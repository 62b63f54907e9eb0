"""Write small shards with the boxes backend and take their fingerprints."""

import hashlib
from pathlib import Path

from workflow_scripts.common.records import Scene
from workflow_scripts.common.storage import write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.views import shard

ROOT = Path(__file__).parents[2]
SMALL = {"width_px": 64, "height_px": 48, "min_pixels": 10, "seed": 3}
ENDINGS = (
    "credits.csv",
    "objects.parquet",
    "png",
    "skipped.jsonl",
    "views.parquet",
    "visibility.parquet",
    "zarr",
)


def scene(scene_id: str, house: dict | None, skipped: str | None = None) -> Scene:
    return Scene(
        source="procthor",
        scene_id=scene_id,
        split="train",
        origin="by hand",
        house=house,
        skipped=skipped,
    )


def render(folder: Path, scenes: list[Scene], **flags) -> ViewShard:
    write_records(folder / "scenes.jsonl", scenes)
    out = folder / "0000.zarr"
    settings = {"backend": "boxes", **SMALL, **flags}
    shard.main(scenes=folder / "scenes.jsonl", out=out, **settings)
    return ViewShard.open(out)


def fingerprint(folder: Path) -> dict[str, str]:
    """Return a hash of every file of a shard, those inside the Zarr folder included."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "scenes.jsonl"
    }
