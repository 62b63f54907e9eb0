"""A folder of everything that can be wrong with photos and what lies beside them."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from testing.photos import encoded, exif_of, picture
from workflow_scripts.scenes.images import assign_photo_shards, group_photos, hash_photos
from workflow_scripts.sources.images import ImagesSettings, LocaliseSettings
from workflow_scripts.views.images import filter, localise, read, shard

LABELS = [
    *(
        "box",
        "box",
        "",
        " ",
        "...",
        "the",
        "椅子",
        "стул",
        "🪑",
        "a" * 3000,
        "a\tb\nc",
        "\u202eabc",
    ),
    *(
        "<b>x</b>",
        "'; --",
        "../../etc",
        "null",
        "NaN",
        "there is a man in the room",
        "%s{}",
        "\x00",
    ),
]
SEGMENTATIONS = [
    [[20, 20, 60, 20, 60, 50, 20, 50]],
    [[30, 30, 31, 30, 31, 31, 30, 31]],
    [[0, 0, 96, 0, 96, 64, 0, 64]],
    [[-100, -100, 500, -100, 500, 500, -100, 500]],
    [],
    None,
    {"size": [64, 96], "counts": [0, 6144]},
    {"size": [64, 96], "counts": [6144]},
    {"size": [64, 96], "counts": "garbage"},
    [[1, 1, 1, 1, 1, 1]],
]
SOUND = [
    {"label": label, "segmentation": [[x, 12, x + 22, 12, x + 22, y, x, y]], "score": 0.9}
    for label, x, y in (("chair", 6, 30), ("fridge", 36, 56), ("house plant", 66, 40))
]
DEPTHS = [
    np.full((64, 96), 2.0),
    np.zeros((64, 96)),
    np.full((64, 96), np.nan),
    np.full((64, 96), np.inf),
    np.where(np.eye(64, 96) > 0, 2.0, np.nan),
    np.full((64, 96), -1.0),
    np.full((1, 1), 2.0),
    np.full((640, 960), 2.0, np.float16),
    np.ones((64, 96), np.int64),
    np.full((64, 96), 1e-30),
]
CAMERAS = [{"fx": 90, "cx": 48, "cy": 32}, {"fx": 0, "cx": 0, "cy": 0}, [], {"K": "x"}, None]


def write_malformed_photos(folder: Path) -> int:
    """Write 220 photos with companions of every kind, and return how many there are."""
    for name in ("photos", "depth", "masks", "k"):
        (folder / name).mkdir()
    rng = np.random.default_rng(5)
    for number in range(220):
        content = encoded(picture(96, 64, seed=number % 170))
        if number % 11 == 3:
            content = content[: int(rng.integers(0, len(content)))]
        elif number % 11 == 5:
            exif = exif_of(orientation=int(rng.integers(0, 12)), focal_35mm=float(number))
            content = encoded(picture(96, 64, seed=number), kind="JPEG", exif=exif)
        elif number % 11 == 7:
            size = [(1, 1), (1, 300), (300, 1), (15, 15), (2000, 2000), (17, 16)][number % 6]
            content = encoded(picture(*size, seed=number))
        (folder / f"photos/{number:03d}.png").write_bytes(content)
        if number % 3:
            np.save(folder / f"depth/{number:03d}.npy", DEPTHS[number % len(DEPTHS)])
        camera = CAMERAS[number % len(CAMERAS)]
        if camera is not None:
            (folder / f"k/{number:03d}.json").write_text(json.dumps(camera))
        entries = [
            {
                "label": LABELS[int(rng.integers(len(LABELS)))],
                "segmentation": SEGMENTATIONS[int(rng.integers(len(SEGMENTATIONS)))],
                "score": float(rng.choice([0.9, 0.1, np.nan])),
            }
            for _ in range(number % 5)
        ]
        if number % 20 == 0:
            entries = SOUND
            np.save(folder / f"depth/{number:03d}.npy", np.full((64, 96), 2.0 + number / 100))
        if number % 13 == 4:
            values = rng.integers(0, 9, (64, 96)).astype(np.uint8)
            Image.fromarray(values).save(folder / f"masks/{number:03d}.png")
        elif number % 7:
            (folder / f"masks/{number:03d}.json").write_text(json.dumps(entries))
    return 220


@cache
def run_malformed_photos(top: Path) -> int:
    """Write a hostile folder, once a session, take it through every step; how many photos it has.

    The shard of views is `top`/0000.zarr; do not change what is there.
    """
    top.mkdir()
    total = write_malformed_photos(top)
    settings = ImagesSettings(
        photos=str(top / "photos"),
        min_side_px=16,
        max_pixels=10**6,
        width_px=64,
        height_px=64,
        depth=str(top / "depth"),
        intrinsics=str(top / "k"),
        masks=str(top / "masks"),
        localise=LocaliseSettings(backend="masks", min_pixels=1, exclude_labels=()),
    )
    hash_photos.main(
        settings=settings,
        start=0,
        stop=total,
        out=top / "0000.hashes.parquet",
        picture=top / "scenes.png",
    )
    group_photos.main(
        hashes=(top / "0000.hashes.parquet",),
        settings=settings,
        splits=(0.6, 0.2, 0.2),
        out=top / "groups.parquet",
    )
    assign_photo_shards.main(
        source="images",
        hashes=top / "0000.hashes.parquet",
        groups=top / "groups.parquet",
        out=top / "0000.jsonl",
    )
    read.main(
        settings=settings,
        scenes=top / "0000.jsonl",
        out=top / "0000.read.zarr",
    )
    filter.main(
        photo_frames=top / "0000.read.zarr",
        out=top / "0000.filter.parquet",
        settings=settings.filter,
    )
    localise.main(
        photo_frames=top / "0000.read.zarr",
        filter_table=top / "0000.filter.parquet",
        out=top / "0000.masks.parquet",
        settings=settings,
    )
    shard.main(
        scenes=top / "0000.jsonl",
        photo_frames=top / "0000.read.zarr",
        filter_table=top / "0000.filter.parquet",
        masks=top / "0000.masks.parquet",
        out=top / "0000.zarr",
        settings=settings.localise,
    )
    return total
