"""Photos become scenes: hashed, grouped, assigned to splits; the commands as a user runs them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from testing.photos import encoded, exif_of, picture
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import read_records, write_table
from workflow_scripts.scenes.images import assign_photo_shards, group_photos, hash_photos
from workflow_scripts.sources.images import PhotoGroupSettings, PhotoHashSettings
from workflow_scripts.sources.readers.photo_records import Photo, PhotoGroup, PhotoHash

SHARES = {"train": 0.5, "val": 0.2, "test": 0.3}
LIMITS = {"min_side_px": 16, "max_pixels": 10**6}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty photos with a smaller and a copied one of each of the first ten, and two broken."""
    top = tmp_path / "photos"
    top.mkdir()
    for seed in range(30):
        rgb = picture(96, 64, seed=seed)
        content = encoded(rgb, exif=exif_of(focal_35mm=36) if seed == 0 else None)
        (top / f"{seed:02d}.png").write_bytes(content)
        if seed < 10:
            small = np.asarray(Image.fromarray(rgb).resize((60, 40)))
            (top / f"{seed:02d}-small.jpg").write_bytes(encoded(small, kind="JPEG"))
            (top / f"x{seed:02d}-copy.png").write_bytes(content)
    (top / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (top / "tiny.png").write_bytes(encoded(picture(8, 8)))
    return top


def scenes_of(folder: Path, out: Path, *, shares: dict[str, float] = SHARES) -> list[Photo]:
    """Run the three steps over two shards."""
    total = len(list(folder.iterdir()))
    parts = [(0, 20), (20, total)]
    for number, (start, stop) in enumerate(parts):
        hash_photos.main(
            start=start,
            stop=stop,
            out=out / f"{number}.hashes.parquet",
            picture=out / f"{number}.png",
            settings=PhotoHashSettings(photos=str(folder), **LIMITS),
        )
    group_photos.main(
        hashes=tuple(out / f"{number}.hashes.parquet" for number in range(2)),
        settings=PhotoGroupSettings(near_duplicate_bits=10),
        splits=tuple(shares.values()),
        out=out / "groups.parquet",
    )
    all_photos: list[Photo] = []
    for number in range(2):
        assign_photo_shards.main(
            source="images",
            hashes=out / f"{number}.hashes.parquet",
            groups=out / "groups.parquet",
            out=out / f"{number}.jsonl",
        )
        all_photos += read_records(out / f"{number}.jsonl", Photo)
    return all_photos


def test_every_photo_is_a_scene_or_a_reason(folder, tmp_path):
    scenes = scenes_of(folder, tmp_path)
    assert [scene.index for scene in scenes] == list(range(52))
    assert len({scene.scene_id for scene in scenes}) == 52
    skipped = {scene.origin: scene.skipped for scene in scenes if scene.skipped}
    assert len(skipped) == 12
    assert skipped["broken.jpg"].startswith("broken")
    assert skipped["tiny.png"] == "tiny: 8 x 8, shorter than 16 px"
    assert skipped["x03-copy.png"] == "copy: the same file as 03.png"
    focal = {scene.origin: scene.focal_px for scene in scenes}
    assert focal["00.png"] == pytest.approx(96.0)
    assert focal["01.png"] is None


def test_near_duplicates_share_a_split_whatever_shard_they_are_in(folder, tmp_path):
    by_name = {scene.origin: scene for scene in scenes_of(folder, tmp_path)}
    for seed in range(10):
        photo, small = by_name[f"{seed:02d}.png"], by_name[f"{seed:02d}-small.jpg"]
        assert photo.group == small.group
        assert photo.split == small.split
    groups: dict[str, set[str]] = {}
    for scene in by_name.values():
        groups.setdefault(scene.group, set()).add(scene.split)
    assert all(len(splits) == 1 for splits in groups.values())
    assert {scene.split for scene in by_name.values()} == set(SHARES)


def test_a_photo_keeps_its_name_and_split_among_others(folder, tmp_path):
    before = {scene.origin: scene for scene in scenes_of(folder, tmp_path / "a")}
    (folder / "0-first.png").write_bytes(encoded(picture(seed=99)))
    after = {scene.origin: scene for scene in scenes_of(folder, tmp_path / "b")}
    for name, scene in before.items():
        if not scene.skipped:
            assert after[name].scene_id == scene.scene_id
            assert after[name].split == scene.split


def test_same_photos_same_bytes(folder, tmp_path):
    scenes_of(folder, tmp_path / "a")
    scenes_of(folder, tmp_path / "b")
    for name in ("0.hashes.parquet", "groups.parquet", "0.jsonl", "1.jsonl", "0.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_sheet_shows_what_is_left_out(folder, tmp_path):
    scenes_of(folder, tmp_path)
    with Image.open(tmp_path / "0.png") as sheet:
        assert sheet.width > 900
        assert sheet.height > 600


def test_a_giant_group_is_warned_of(caplog):
    rows = [
        PhotoHash(
            index=index,
            origin=f"{index}",
            stem=f"{index}",
            sha256=f"{index:064x}",
            fingerprint="0" * 32,
            width_px=9,
            height_px=9,
            focal_px=float("nan"),
            reason="",
        )
        for index in range(30)
    ]
    all_photos = group_photos.group_photos(
        records_to_frame(rows, PhotoHash), max_bits=0, shares=SHARES
    )
    assert {row.group for row in all_photos} == {f"{0:064x}"[:16]}
    assert {row.reason for row in all_photos} == {""}


def test_groups_of_other_photos_are_refused(folder, tmp_path):
    scenes_of(folder, tmp_path)
    groups = pd.read_parquet(tmp_path / "groups.parquet")
    groups.loc[3, "sha256"] = "f" * 64
    write_table(tmp_path / "groups.parquet", groups)
    with pytest.raises(UserError, match=r"does not know photo .*run its rule again"):
        assign_photo_shards.main(
            source="images",
            hashes=tmp_path / "0.hashes.parquet",
            groups=tmp_path / "groups.parquet",
            out=tmp_path / "out.jsonl",
        )
    assert not (tmp_path / "out.jsonl").exists()


def test_only_broken_photos_are_an_error_with_the_most_common_reasons(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(52):
        (folder / f"{number:02d}.jpg").write_bytes(b"no" * number)
    with pytest.raises(UserError, match="none of the 52 photos can be used; 51 times: broken: no"):
        scenes_of(folder, tmp_path)
    assert list(records_to_frame([], PhotoGroup).columns) == list(PhotoGroup.model_fields)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path):
    command = [
        *(sys.executable, "-m", "workflow_scripts.scenes.images.hash_photos"),
        *("--photos", str(tmp_path / "none")),
        *("--start", "0", "--stop", "4", "--min-side-px", "16", "--max-pixels", "1000"),
        *("--out", str(tmp_path / "o.parquet"), "--picture", str(tmp_path / "o.png")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "no such folder of photos" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("o.*"))
