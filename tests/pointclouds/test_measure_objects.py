"""The command that measures a shard: rows for everything, in step, and the same bytes again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.common.measurements import GroundTruthShard, MeasuredShard
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.pointclouds import measure_objects


@pytest.fixture(scope="module")
def measured(shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("measured") / "0000"
    measure_objects.main(views=shard, out=out, seed=7)
    return out


def rows(out: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(f"{out}.{name}.parquet")


def test_every_object_with_a_pixel_has_a_row(shard, measured):
    found = rows(measured, "measured")
    views = ViewShard.open(shard)
    assert list(found.columns) == list(MeasuredRow.model_fields)
    for view in range(len(views)):
        seen = set(np.unique(views.instance(view)).tolist())
        objects = views.objects[views.objects.scene_id == views.views.scene_id[view]]
        wanted = objects[(objects.kind == "object") & objects.instance.isin(seen)]
        mine = found[found["view"] == view]
        assert list(mine.instance) == list(wanted.instance)
        assert list(mine.label) == list(wanted.category)
    assert list(rows(measured, "gravity").columns) == list(GravityRow.model_fields)
    assert list(rows(measured, "gaps").columns) == list(GapRow.model_fields)


def test_whole_objects_measure_as_they_are(shard, measured):
    views = ViewShard.open(shard)
    truth, found = GroundTruthShard(views), MeasuredShard(views, measured.with_name("0000.zarr"))
    checked = 0
    for view in range(len(views)):
        true, mine = truth.of(view), found.of(view)
        place = {instance: index for index, instance in enumerate(true.instance.tolist())}
        for index, instance in enumerate(mine.instance.tolist()):
            there = place[instance]
            assert mine.label[index] == true.label[there]
            if mine.truncated[index] or mine.occluded[index]:
                continue
            found_m, true_m = np.sort(mine.size_m[index, :2]), np.sort(true.size_m[there, :2])
            off_m, sigma_m = np.abs(found_m - true_m), mine.sigma_size_m[index, :2].max()
            assert (off_m <= 0.03 + 3 * sigma_m).all()
            # A side whose far end is out of sight has a large sigma and is no size to ask for.
            if sigma_m < 0.2:
                # A pixel is 3 cm wide at 2.5 m.
                np.testing.assert_allclose(found_m, true_m, atol=0.06)
                np.testing.assert_allclose(mine.centre_m[index], true.centre_m[there], atol=0.06)
                checked += 1
    assert checked >= 8


def test_same_input_same_bytes(shard, measured, tmp_path):
    measure_objects.main(views=shard, out=tmp_path / "0000", seed=7)
    for name in ("gravity", "measured", "gaps"):
        again = (tmp_path / f"0000.{name}.parquet").read_bytes()
        assert again == Path(f"{measured}.{name}.parquet").read_bytes()


def test_a_view_that_cannot_be_measured_costs_only_itself(shard, measured, tmp_path, monkeypatch):
    whole = measure_objects.measure_view

    def measure(depth_m, instance, camera, objects, gravity, **settings):
        if gravity.view == 1:
            raise FloatingPointError("overflow")
        return whole(depth_m, instance, camera, objects, gravity, **settings)

    monkeypatch.setattr(measure_objects, "measure_view", measure)
    measure_objects.main(views=shard, out=tmp_path / "0000", seed=7)

    for name in ("gravity", "measured", "gaps"):
        before, after = rows(measured, name), rows(tmp_path / "0000", name)
        pd.testing.assert_frame_equal(
            before[before["view"] != 1].reset_index(drop=True),
            after[after["view"] != 1].reset_index(drop=True),
        )
    broken = rows(tmp_path / "0000", "measured").query("view == 1")
    assert len(broken) == (rows(measured, "measured")["view"] == 1).sum() > 0
    assert set(broken.reason) == {"FloatingPointError: overflow"}
    assert broken.x_m.isna().all()
    assert not rows(tmp_path / "0000", "gravity").accepted[1]
    assert MeasuredShard(ViewShard.open(shard), tmp_path / "0000.zarr").of(1) is not None
