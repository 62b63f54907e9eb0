"""Cameras of estimates: given, else EXIF, else the network's guess, else a default; and bars."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.photos import write_photo_shard
from workflow_scripts.common.storage import open_shard, read_array
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.depth import EstimatorSettings
from workflow_scripts.depth import estimate_depth, summarise_depth
from workflow_scripts.depth.backends.transformers import TransformersEstimator, guessed_focal_px
from workflow_scripts.depth.estimator import DepthEstimate
from workflow_scripts.geometry.cameras import Camera

SIZES = [(64, 48), (48, 64), (64, 48), (32, 32)]
SOURCES = ["given", "exif", "default", "default"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photos of three sizes in a frame of 64 x 64; the last came with depth."""
    return write_photo_shard(
        tmp_path / "0000.zarr", sizes=SIZES, intrinsics_sources=SOURCES, own_depth=[3]
    )


class Guessing:
    """An estimator that says 2 m everywhere, and guesses 50 px where the camera is not known."""

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[int, ...], list[bool]]] = []
        self.cameras: list[Camera] = []

    def estimate(self, images, cameras, *, is_known):
        self.seen.append((images.shape, list(is_known)))
        self.cameras += cameras
        focal = np.where(is_known, np.nan, 50.0)
        return DepthEstimate(np.full(images.shape[:3], 2.0, np.float32), focal)


def test_the_better_camera_wins(photos):
    shard = ViewShard.open(photos)
    found = estimate_depth.estimate_shard(Guessing(), shard, batch_size=4)

    assert found.intrinsics_source == ["given", "exif", "network", "network"]
    for view, source in enumerate(found.intrinsics_source):
        known = shard.camera(view).intrinsics
        wanted = 50.0 if source == "network" else known[0, 0]
        assert found.intrinsics[view, 0, 0] == wanted
        assert found.intrinsics[view, 1, 1] == pytest.approx(wanted * known[1, 1] / known[0, 0])
        np.testing.assert_array_equal(found.intrinsics[view, :, 2], known[:, 2])


def test_networks_see_pictures_without_bars(photos):
    guessing, shard = Guessing(), ViewShard.open(photos)
    found = estimate_depth.estimate_shard(guessing, shard, batch_size=4)

    assert [shape[1:3] for shape, _ in guessing.seen] == [(48, 64), (64, 48), (48, 64), (64, 64)]
    assert np.isnan(found.depth_m[0, :8]).all()
    assert np.isnan(found.depth_m[1, :, 56:]).all()
    assert (found.depth_m[0, 8:56] == 2).all()
    # The middle of the picture stays the middle when the bars are cut off.
    for camera in guessing.cameras:
        assert camera.intrinsics[0, 2] == camera.width_px / 2
        assert camera.intrinsics[1, 2] == camera.height_px / 2


def test_photos_of_one_size_share_a_batch(tmp_path):
    path = write_photo_shard(
        tmp_path / "0000.zarr", sizes=[(64, 48)] * 5, intrinsics_sources=["exif"] * 5
    )
    guessing = Guessing()
    estimate_depth.estimate_shard(guessing, ViewShard.open(path), batch_size=2)
    assert [shape[0] for shape, _ in guessing.seen] == [2, 2, 1]


def test_own_depth_is_kept_only_on_request(photos):
    shard = ViewShard.open(photos)
    kept = estimate_depth.estimate_shard(Guessing(), shard, batch_size=4, keep_original=True)
    assert kept.depth_source == ["estimated", "estimated", "estimated", "own"]
    np.testing.assert_array_equal(kept.depth_m[3], shard.depth_m(3))
    assert kept.intrinsics_source[3] == "default"
    replaced = estimate_depth.estimate_shard(Guessing(), shard, batch_size=4)
    assert replaced.depth_source == ["estimated"] * 4
    assert (replaced.depth_m[3] == 2).all()


def test_depth_pro_guesses_only_what_is_not_known(photos, models):
    """Its depth scales with the focal length, so a known camera must not be guessed over."""
    shard = ViewShard.open(photos)
    rows, columns = shard.content(0)
    images = shard.rgb(0)[rows, columns][None]
    camera = estimate_depth.crop_camera(shard.camera(0), rows, columns)
    estimator = TransformersEstimator(str(models["depth_pro"]), device="cpu")

    known = estimator.estimate(images, [camera], is_known=[True])
    guessed = estimator.estimate(images, [camera], is_known=[False])

    assert np.isnan(known.focal_px).all()
    if np.isfinite(guessed.focal_px[0]):
        ratio = guessed.focal_px[0] / camera.intrinsics[0, 0]
        inside = (guessed.depth_m > 1e-3) & (guessed.depth_m < 1e3)
        inside &= (known.depth_m > 1e-3) & (known.depth_m < 1e3)
        np.testing.assert_allclose(
            guessed.depth_m[inside], known.depth_m[inside] * ratio, rtol=1e-3
        )
    else:
        np.testing.assert_array_equal(guessed.depth_m, known.depth_m)


def test_a_guessed_field_of_view_becomes_a_focal_length():
    """f = w / 2 / tan(fov / 2): 90 degrees over 100 px are 50 px."""
    focal = guessed_focal_px(
        np.array([90.0, 90.0, 2.0, 179.0, np.nan, -30.0]),
        width_px=100,
        is_known=[False, True, False, False, False, False],
    )
    assert focal[0] == pytest.approx(50.0)
    assert np.isnan(focal[1:]).all()


def test_later_stages_read_depth_and_cameras_together(photos, models, tmp_path):
    out = tmp_path / "depth.zarr"
    settings = EstimatorSettings(backend="transformers", model=str(models["depth_anything"]))
    estimate_depth.main(views=photos, out=out, settings=settings, keep_original=True)
    used = ViewShard.open(photos, depth=out)
    group = open_shard(out)
    for view in range(4):
        np.testing.assert_array_equal(used.depth_m(view), read_array(group, "depth_m", view))
        np.testing.assert_array_equal(
            used.camera(view).intrinsics, read_array(group, "intrinsics", view)
        )
    own = ViewShard.open(photos)
    np.testing.assert_array_equal(used.rgb(0), own.rgb(0))

    rows = tmp_path / "rows.parquet"
    summarise_depth.main(views=photos, depth=out, out=rows, picture=tmp_path / "sheet.png")
    table = pd.read_parquet(rows)
    assert table.backend.tolist() == ["transformers"] * 3 + ["given"]
    assert table.intrinsics_source.tolist() == SOURCES
    assert table.abs_rel.isna().all()


def test_given_depth_is_no_simulators(photos, tmp_path):
    rows = tmp_path / "rows.parquet"
    summarise_depth.main(views=photos, depth=photos, out=rows, picture=tmp_path / "sheet.png")
    table = pd.read_parquet(rows)
    assert table.backend.tolist() == ["given"] * 4
    assert table.valid_share.tolist() == [0, 0, 0, 1]
