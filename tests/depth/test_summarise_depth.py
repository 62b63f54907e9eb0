"""Numbers and contact sheet of the depth that later stages use."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import DepthRow
from workflow_scripts.common.storage import ShardWriter, atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.depth.contact_sheet import NO_DEPTH, Tile, colour_depth, draw_contact_sheet
from workflow_scripts.depth.metrics import depth_errors, depth_statistics
from workflow_scripts.depth.summarise_depth import main, select_views


def write_depth(path: Path, depth_m: np.ndarray) -> Path:
    with atomic_write(path, checksum=True) as partial:
        writer = ShardWriter(partial, {"backend": "transformers", "model": "some/model"})
        writer.add("depth_m", depth_m, dims=("view", "y", "x"))
    return path


def true_depth(views: Path) -> np.ndarray:
    shard = ViewShard.open(views)
    return np.stack([shard.depth_m(view) for view in range(len(shard))])


def test_description_by_hand():
    numbers = depth_statistics(np.array([[1.0, 2.0], [4.0, np.nan]]))
    assert numbers == {"valid_share": 0.75, "min_m": 1.0, "median_m": 2.0, "max_m": 4.0}


def test_errors_by_hand():
    """Ratios 1, 1.2, 1.5, 0.5; two pixels lack one of the depths."""
    true = np.array([2.0, 5.0, 2.0, 4.0, np.nan, 1.0])
    estimate = np.array([2.0, 6.0, 3.0, 2.0, 1.0, np.nan])
    numbers = depth_errors(estimate, true)
    assert numbers["abs_rel"] == pytest.approx((0 + 0.2 + 0.5 + 0.5) / 4)
    assert numbers["rmse_m"] == pytest.approx(np.sqrt((0 + 1 + 1 + 4) / 4))
    assert numbers["delta1"] == 0.5
    assert numbers["median_scale"] == pytest.approx(1.1)


def test_nothing_to_describe_or_compare_gives_nan_without_a_warning(recwarn):
    nothing = np.full((2, 2), np.nan)
    assert depth_statistics(nothing)["valid_share"] == 0
    assert np.isnan([*depth_errors(nothing, nothing).values()]).all()
    assert not recwarn.list


def test_simulator_rows_have_no_errors(views, tmp_path):
    main(views=views, out=tmp_path / "t.parquet", picture=tmp_path / "t.png", depth=views)

    rows = pd.read_parquet(tmp_path / "t.parquet")
    assert list(rows.columns) == list(DepthRow.model_fields)
    assert rows.backend.tolist() == ["simulator"] * 3
    assert rows[["abs_rel", "rmse_m", "delta1", "median_scale"]].isna().all(axis=None)
    true = true_depth(views)
    np.testing.assert_allclose(rows.min_m, np.nanmin(true, axis=(1, 2)))
    np.testing.assert_allclose(rows.max_m, np.nanmax(true, axis=(1, 2)))
    np.testing.assert_allclose(rows.valid_share, np.isfinite(true).mean(axis=(1, 2)))


def test_an_estimate_is_compared_with_the_simulator(views, tmp_path):
    depth = write_depth(tmp_path / "d.zarr", true_depth(views) * np.float32(1.1))

    main(views=views, out=tmp_path / "t.parquet", picture=tmp_path / "t.png", depth=depth)

    rows = pd.read_parquet(tmp_path / "t.parquet")
    assert rows.backend.tolist() == ["transformers"] * 3
    np.testing.assert_allclose(rows.abs_rel, 0.1, atol=1e-5)
    np.testing.assert_allclose(rows.median_scale, 1.1, atol=1e-5)
    assert (rows.delta1 == 1).all()
    with Image.open(tmp_path / "t.png") as sheet:
        assert sheet.width > 600


def test_same_input_same_bytes(views, tmp_path):
    for name in ("a", "b"):
        main(views=views, out=tmp_path / f"{name}.parquet", picture=tmp_path / f"{name}.png")
    for kind in ("parquet", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_depth_of_other_views_is_refused(views, tmp_path):
    depth = write_depth(tmp_path / "d.zarr", np.ones((2, 48, 64), np.float32))
    with pytest.raises(UserError, match=r"d\.zarr: depth_m has shape \(2, 48, 64\)"):
        main(views=views, out=tmp_path / "t.parquet", picture=tmp_path / "t.png", depth=depth)
    assert not list(tmp_path.glob("t.*"))


def test_best_views_are_shown(views):
    assert select_views(ViewShard.open(views)) == [0, 1, 2]


def test_near_is_brighter_than_far_and_no_depth_is_grey():
    depth = np.array([[1.0, 3.0, 5.0, np.nan]])
    colours = colour_depth(depth, near_m=1.0, far_m=5.0).astype(int)
    luma = colours @ [0.2126, 0.7152, 0.0722]
    assert luma[0, 0] > luma[0, 1] > luma[0, 2]
    assert tuple(colours[0, 3]) == NO_DEPTH


@pytest.mark.parametrize("depth", [np.full((4, 4), np.nan), np.full((4, 4), 2.0)])
def test_flat_and_empty_depth_can_be_drawn(tmp_path, depth):
    rgb = np.zeros((4, 4, 3), np.uint8)
    draw_contact_sheet(tmp_path / "one.png", [Tile("view", rgb, [depth])], caption="one")
    draw_contact_sheet(tmp_path / "none.png", [], caption="none")
    assert (tmp_path / "one.png").stat().st_size > (tmp_path / "none.png").stat().st_size > 0
