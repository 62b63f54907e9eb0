"""Write small shards with the boxes backend and take their fingerprints."""

import hashlib
from pathlib import Path

from workflow_scripts.common.records import Scene
from workflow_scripts.common.storage import write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.views import PolicySettings, ViewsSettings
from workflow_scripts.config.vqa import RoomRecordSettings
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms
from workflow_scripts.views import shard
from workflow_scripts.vqa.rooms import write_room_records

ROOT = Path(__file__).parents[2]
SMALL = {"width_px": 64, "height_px": 48, "min_pixels": 10}
SEED = 3
ENDINGS = (
    "credits.csv",
    "objects.parquet",
    "png",
    "skipped.jsonl",
    "surface_gaps.parquet",
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


def view_settings(backend: str = "boxes", **changes: object) -> ViewsSettings:
    """Return small views; policies are named without `policies.`; four of those not named."""
    values = {**SMALL, **changes}
    given = {name: values.pop(name) for name in PolicySettings.model_fields if name in values}
    policies = {"corner": 4, "random": 4, "top_down": 1, **given}
    settings = ViewsSettings.parse({**values, "policies": policies})
    # The backends of tests are no choice of a user's.
    return settings.model_copy(update={"backend": backend})


def render(folder: Path, scenes: list[Scene], **changes: object) -> ViewShard:
    write_records(folder / "scenes.jsonl", scenes)
    out = folder / "0000.zarr"
    settings = view_settings(**changes)  # type: ignore[arg-type]
    shard.main(scenes=folder / "scenes.jsonl", out=out, seed=SEED, settings=settings)
    return ViewShard.open(out)


def fingerprint(folder: Path) -> dict[str, str]:
    """Return a hash of every file of a shard, those inside the Zarr folder included."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "scenes.jsonl"
    }


def room_records(shard_of_views: ViewShard, images: Path) -> list[RoomRecord]:
    """Write the records of the rooms of a shard that `render` made; every seen object counts."""
    folder = shard_of_views.path.parent
    write_room_records.main(
        scenes=folder / "scenes.jsonl",
        views=shard_of_views.path,
        out=folder / "rooms.parquet",
        images=images,
        skipped=folder / "rooms.skipped.jsonl",
        settings=RoomRecordSettings(min_pixels=1, min_fraction_visible=0),
    )
    return read_rooms(folder / "rooms.parquet")
