"""Photos are read into one frame with the better camera; what cannot be read has a row."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.photos import encoded, exif_of, photo, picture, write_json
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import world_from_camera
from workflow_scripts.sources.images import PhotoReadSettings
from workflow_scripts.sources.readers.photo_records import Photo
from workflow_scripts.views.images import read
from workflow_scripts.views.images.letterbox import Letterbox

PHOTOS = {
    "a.png": encoded(picture(96, 64, seed=0)),
    "b.png": encoded(picture(96, 64, seed=1), exif=exif_of(orientation=6, focal_35mm=36)),
    "c.png": encoded(picture(50, 50, seed=2), exif=exif_of(focal_35mm=36)),
    "d.png": encoded(picture(96, 64, seed=3)),
}
SIZES = {"a.png": (96, 64), "b.png": (64, 96), "c.png": (50, 50), "d.png": (96, 64)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "photos"
    top.mkdir()
    for name, content in PHOTOS.items():
        (top / name).write_bytes(content)
    return top


def records(**skipped: str) -> list[Photo]:
    return [
        photo(
            index,
            origin=name,
            stem=name[0],
            sha256=hashlib.sha256(content).hexdigest(),
            width_px=SIZES[name][0],
            height_px=SIZES[name][1],
            skipped=skipped.get(name[0]),
        )
        for index, (name, content) in enumerate(PHOTOS.items())
    ]


def run(folder: Path, scenes: list[Photo] | None = None, **changes) -> tuple[ViewShard, list]:
    """Read the photos; return the shard and what was left out."""
    write_records(folder.parent / "0000.jsonl", scenes if scenes is not None else records())
    out = folder.parent / "0000.read.zarr"
    values = {"photos": str(folder), "width_px": 80, "height_px": 80, **changes}
    settings = PhotoReadSettings.parse(
        {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    )
    read.main(scenes=folder.parent / "0000.jsonl", out=out, settings=settings)
    return ViewShard.open(out), read_records(out.with_suffix(".skipped.jsonl"), SkippedItem)


def rows_of(shard: ViewShard) -> pd.DataFrame:
    return pd.read_parquet(shard.path.with_suffix(".parquet"))


def test_cameras_by_priority(folder, tmp_path):
    write_json(tmp_path / "k/c.json", {"fx": 70, "fy": 70, "cx": 20, "cy": 30})
    shard, left_out = run(folder, intrinsics=tmp_path / "k")
    rows = rows_of(shard)
    assert rows.intrinsics_source.tolist() == ["default", "exif", "given", "default"]
    # 60 degrees over the 96 px that become 80.
    np.testing.assert_allclose(shard.camera(0).intrinsics[0, 0], 40 / np.tan(np.pi / 6))
    # 36 mm is as long as the longer side of a 3 : 2 picture: 96 px, here 80.
    np.testing.assert_allclose(shard.camera(1).intrinsics[1, 1], 80.0)
    np.testing.assert_allclose(shard.camera(2).intrinsics, [[112, 0, 32], [0, 112, 48], [0, 0, 1]])
    assert [(row.scene_id, row.item) for row in left_out] == [
        (f"images-{index:012x}", "intrinsics") for index in (0, 1, 3)
    ]


def test_photos_without_a_pose_look_level_along_y(folder, tmp_path):
    pose = world_from_camera((1, 2, 3), yaw_deg=40, pitch_deg=-10)
    camera = {"fx": 70, "cx": 48, "cy": 32, "world_from_camera": pose.tolist()}
    write_json(tmp_path / "k/d.json", camera)
    shard, _ = run(folder, intrinsics=tmp_path / "k")
    assert rows_of(shard).pose_source.tolist() == ["none", "none", "none", "given"]
    np.testing.assert_allclose(shard.camera(3).world_from_camera, pose)
    level = shard.camera(0).world_from_camera
    np.testing.assert_allclose(level[:3, 2], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(level[:3, 1], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(level[:3, 3], 0)


def test_given_depth_goes_into_the_frame(folder, tmp_path):
    (tmp_path / "depth").mkdir()
    np.save(tmp_path / "depth/a.npy", np.full((64, 96), 3.0))
    shard, left_out = run(folder, depth=tmp_path / "depth")
    assert rows_of(shard).has_depth.tolist() == [True, False, False, False]
    depth = shard.depth_m(0)
    row = rows_of(shard).iloc[0]
    inside = depth[row.content_y0 : row.content_y1, row.content_x0 : row.content_x1]
    assert (inside == 3).all()
    assert np.isfinite(depth).sum() == inside.size
    assert np.isnan(shard.depth_m(1)).all()
    assert [row.item for row in left_out] == ["depth"] * 3
    assert all(row.reason.startswith("missing") for row in left_out)


def test_wrong_companions_lose_their_photo_only(folder, tmp_path):
    (tmp_path / "depth").mkdir()
    np.save(tmp_path / "depth/a.npy", np.zeros((64, 96)))
    np.save(tmp_path / "depth/b.npy", np.ones((64, 96)))
    write_json(tmp_path / "k/c.json", {"fx": -1})
    shard, left_out = run(folder, depth=tmp_path / "depth", intrinsics=tmp_path / "k")
    assert rows_of(shard).origin.tolist() == ["d.png"]
    photos = {row.scene_id[-1]: row.reason for row in left_out if row.item == "photo"}
    assert photos["0"].startswith("depth: a.npy has no pixel")
    assert photos["1"].startswith("depth: b.npy is 96 x 64, the upright photo 64 x 96")
    assert photos["2"].startswith("intrinsics: c.json")


def test_photos_that_changed_or_went_are_left_out(folder):
    (folder / "a.png").write_bytes(encoded(picture(96, 64, seed=42)))
    (folder / "b.png").write_bytes(b"")
    shard, left_out = run(folder)
    assert rows_of(shard).origin.tolist() == ["c.png", "d.png"]
    assert [row.reason.split(":")[0] for row in left_out] == ["changed", "changed"]


def test_photos_left_out_before_are_not_read(folder):
    shard, left_out = run(folder, records(a="tiny: 1 x 1", c="copy: of a"))
    assert rows_of(shard).origin.tolist() == ["b.png", "d.png"]
    assert left_out == []


def test_nothing_left_is_an_empty_shard(folder):
    shard, _ = run(folder, records(**dict.fromkeys("abcd", "broken")))
    assert len(shard) == 0
    assert rows_of(shard).empty


def test_orientation_is_upright_in_the_frame(folder):
    shard, _ = run(folder)
    row = rows_of(shard).iloc[1]
    assert (row.width_px, row.height_px) == (64, 96)
    inside = shard.rgb(1)[row.content_y0 : row.content_y1, row.content_x0 : row.content_x1]
    wanted = Letterbox.fit(width_px=64, height_px=96, frame_width_px=80, frame_height_px=80).rgb(
        np.rot90(picture(96, 64, seed=1), -1).copy()
    )
    np.testing.assert_array_equal(shard.rgb(1), wanted)
    assert inside.shape == (80, 53, 3)


def test_same_photos_same_bytes(folder):
    run(folder)
    out = folder.parent / "0000.read.zarr"
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    run(folder)
    assert before == {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("key", ["depth", "intrinsics"])
def test_a_folder_of_companions_that_is_not_there(folder, tmp_path, key):
    with pytest.raises(UserError, match=rf"sources\.images\.{key}: .*does not exist"):
        run(folder, **{key: tmp_path / "nowhere"})


def test_a_photo_that_breaks_the_reader_costs_only_itself(folder, monkeypatch):
    whole = read.read_photo

    def read_photo(rgb, stem, settings):
        if stem == "b":
            raise OverflowError("a focal length of 1e999")
        return whole(rgb, stem, settings)

    monkeypatch.setattr(read, "read_photo", read_photo)
    shard, left_out = run(folder)
    assert len(shard) == 3
    assert [(row.scene_id, row.reason) for row in left_out] == [
        (records()[1].scene_id, "OverflowError: a focal length of 1e999")
    ]
