"""The commands of the stage on whole shards: files, errors, statistics, export, determinism."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import open3d
import pytest
from PIL import Image

from testing.box_scenes import write_shard
from testing.result_files import record_checksum
from workflow_scripts.common.cloud_shard import CloudShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import BoxRow
from workflow_scripts.common.storage import ShardWriter, atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.pointclouds import FusionSettings
from workflow_scripts.pointclouds import cloud_statistics, export_ply, fuse_shard
from workflow_scripts.pointclouds.cloud_statistics import statistics

VOXEL_M = 0.04


def fused(views: Path, out: Path, *, depth: Path | None = None, normals: bool = True) -> Path:
    settings = FusionSettings(voxel_m=VOXEL_M, normals=normals)
    fuse_shard.main(views=views, out=out, seed=7, depth=depth, settings=settings)
    return out


@pytest.fixture(scope="module")
def clouds(shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fused(shard, tmp_path_factory.mktemp("clouds") / "0000.zarr")


def digest(folder: Path) -> str:
    """Hash names and bytes of all files below a folder."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def test_shard_holds_the_scenes_in_order_with_their_splits_and_floors(clouds):
    shard = CloudShard.open(clouds)

    assert [(s.scene_id, s.split, s.num_views) for s in shard.scenes] == [
        ("house-a", "train", 6),
        ("house-b", "test", 4),
    ]
    assert [s.num_pixels for s in shard.scenes] == [6 * 160 * 160, 4 * 160 * 160]
    for number, scene in enumerate(shard.scenes):
        cloud = shard.cloud(number)
        assert len(cloud) == shard.scene_start[number + 1] - shard.scene_start[number] > 10_000
        assert scene.floor.offset_m == pytest.approx(0.0, abs=1e-4)
    assert shard.group["point_m"].dtype == np.float32
    assert shard.group["instance"].dtype == np.uint16
    assert shard.group["point_m"].metadata.dimension_names == ("point", "axis")


def test_boxes_stand_beside_the_true_ones(clouds):
    boxes = CloudShard.open(clouds).boxes
    assert list(boxes.columns) == list(BoxRow.model_fields)
    sofa = boxes[(boxes.scene_id == "house-a") & (boxes.category == "Sofa")].iloc[0]
    assert sofa.true_width_m == 1.8
    assert sofa.width_m == pytest.approx(1.8, abs=VOXEL_M)
    records_to_frame = boxes[
        (boxes.scene_id == "house-b") & (boxes.category == "DiningTable")
    ].iloc[0]
    assert records_to_frame.yaw_deg == pytest.approx(25.0, abs=2.0)


def test_picture_shows_both_scenes(clouds):
    with Image.open(clouds.with_suffix(".png")) as picture:
        assert picture.size == (3 * 560, 2 * 420)
        pixels = np.asarray(picture)
    assert (pixels[:420] < 250).any(axis=2).mean() > 0.2
    assert (pixels[420:] < 250).any(axis=2).mean() > 0.2


def test_same_input_same_bytes(shard, clouds, tmp_path):
    again = fused(shard, tmp_path / "0000.zarr")
    assert digest(again) == digest(clouds)
    for suffix in (".png", ".boxes.parquet"):
        name = f"0000{suffix}"
        assert (tmp_path / name).read_bytes() == (clouds.parent / name).read_bytes()


def test_normals_can_be_left_out(shard, tmp_path):
    cloud = CloudShard.open(fused(shard, tmp_path / "0000.zarr", normals=False))
    assert not cloud.has_normals
    assert cloud.cloud(0).normal is None


def test_estimated_depth_replaces_the_simulators(shard, clouds, tmp_path):
    views = ViewShard.open(shard)
    depth_m = np.stack([views.depth_m(view) for view in range(len(views))])
    with atomic_write(tmp_path / "depth.zarr", checksum=True) as partial:
        ShardWriter(partial, {}).add("depth_m", depth_m * 2, dims=("view", "y", "x"))

    doubled = CloudShard.open(
        fused(shard, tmp_path / "0000.zarr", depth=tmp_path / "depth.zarr")
    ).cloud(1)

    # Twice the depth: from a camera at height 1.5 m the floor seems 1.5 m lower.
    assert np.quantile(doubled.point_m[:, 2], 0.01) == pytest.approx(-1.5, abs=0.05)


def test_a_shard_without_scenes_gives_an_empty_cloud(shard, tmp_path):
    views = ViewShard.open(shard)
    from workflow_scripts.common.records import ObjectRow, ViewRow, records_to_frame
    from workflow_scripts.common.storage import write_table
    from workflow_scripts.common.view_shard import table_path, write_views

    path = tmp_path / "v" / "0000.zarr"
    arrays = {name: array[:0] for name, array in views.group.arrays()}
    write_views(path, arrays, attributes={"source": "procthor"})
    write_table(table_path(path, "views"), records_to_frame([], ViewRow))
    write_table(table_path(path, "objects"), records_to_frame([], ObjectRow))

    cloud = CloudShard.open(fused(path, tmp_path / "c" / "0000.zarr"))

    assert len(cloud) == 0
    assert cloud.boxes.empty
    assert statistics([cloud])["num_points"] == 0


@pytest.mark.parametrize("damage", ["missing folder", "missing file", "cut file", "lost array"])
def test_damaged_views_are_named(shard, tmp_path, damage):
    views = tmp_path / "0000.zarr"
    if damage != "missing folder":
        for path in (*shard.parent.glob("0000*"), shard.parent / ".checksums"):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, tmp_path / path.name)
    data = views / "depth_m" / "c" / "0" / "0" / "0"
    if damage == "missing file":
        data.unlink()
    elif damage == "cut file":
        os.truncate(data, data.stat().st_size // 2)
    elif damage == "lost array":
        shutil.rmtree(views / "depth_m")

    with pytest.raises(UserError, match=r"0000\.zarr.*run the workflow again"):
        fused(views, tmp_path / "out.zarr")

    assert not (tmp_path / "out.zarr").exists()
    assert not list(tmp_path.glob(".out*"))


def test_depth_of_other_views_is_refused(shard, tmp_path):
    with atomic_write(tmp_path / "depth.zarr", checksum=True) as partial:
        ShardWriter(partial, {}).add("depth_m", np.ones((2, 4, 4)), dims=("view", "y", "x"))
    with pytest.raises(UserError, match=r"depth\.zarr: depth_m has shape \(2, 4, 4\)"):
        fused(shard, tmp_path / "out.zarr", depth=tmp_path / "depth.zarr")


def test_command_line_reports_one_line_without_a_stack_trace(shard, tmp_path):
    command = [
        *(sys.executable, "-m", "workflow_scripts.pointclouds.fuse_shard"),
        *("--views", str(shard), "--out", str(tmp_path / "o.zarr"), "--seed", "7"),
        *("--voxel-m", "-1"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    message = "error: voxel_m: Input should be greater than 0 (got -1.0)"
    assert done.stderr.strip() == message


def test_snakemake_s_time_stamp_is_read_past_without_a_word(clouds, tmp_path, recwarn):
    shutil.copytree(clouds, tmp_path / "0000.zarr")
    record_checksum(tmp_path / "0000.zarr")
    (tmp_path / "0000.zarr/.snakemake_timestamp").touch()

    assert len(CloudShard.open(tmp_path / "0000.zarr").cloud(0)) > 10_000
    assert [str(warning.message) for warning in recwarn] == []


def test_ply_is_read_back_by_open3d(clouds, tmp_path):
    export_ply.main(clouds=clouds, out=tmp_path / "ply")

    assert sorted(path.name for path in (tmp_path / "ply").iterdir()) == [
        "house-a.ply",
        "house-b.ply",
    ]
    cloud = CloudShard.open(clouds).cloud(1)
    ply = open3d.t.io.read_point_cloud(str(tmp_path / "ply" / "house-b.ply"))
    np.testing.assert_array_equal(ply.point.positions.numpy(), cloud.point_m)
    np.testing.assert_array_equal(ply.point.colors.numpy(), cloud.colour)
    np.testing.assert_array_equal(ply.point.normals.numpy(), cloud.normal)
    np.testing.assert_array_equal(ply.point.instance.numpy()[:, 0], cloud.instance)


def test_ply_of_one_scene_and_of_an_unknown_one(clouds, tmp_path):
    export_ply.main(clouds=clouds, out=tmp_path / "ply", scene="house-a")
    assert [path.name for path in (tmp_path / "ply").iterdir()] == ["house-a.ply"]
    with pytest.raises(UserError, match=r"no scene 'house-c'.*did you mean"):
        export_ply.main(clouds=clouds, out=tmp_path / "other", scene="house-c")


def test_dask_statistics_equal_numpy(shard, clouds, tmp_path):
    second = tmp_path / "0001.zarr"
    fuse_shard.main(views=shard, out=second, seed=7, settings=FusionSettings(voxel_m=0.1))
    cloud_statistics.main(clouds=[clouds, second], out=tmp_path / "statistics.json", threads=2)
    got = json.loads((tmp_path / "statistics.json").read_text())

    shards = [CloudShard.open(clouds), CloudShard.open(second)]
    all_clouds = [shard.cloud(number) for shard in shards for number in range(2)]
    points = np.concatenate([cloud.point_m for cloud in all_clouds]).astype(np.float64)
    sizes = [len(cloud) for cloud in all_clouds]
    assert got["num_points"] == len(points)
    assert got["points_per_scene"] == {
        "min": min(sizes),
        "median": float(np.median(sizes)),
        "max": max(sizes),
    }
    np.testing.assert_allclose(got["bounds_m"]["low"], points.min(axis=0), atol=1e-6)
    np.testing.assert_allclose(got["bounds_m"]["high"], points.max(axis=0), atol=1e-6)
    np.testing.assert_allclose(got["bounds_m"]["mean"], points.mean(axis=0), atol=1e-5)
    assert sum(got["points_by_category"].values()) == len(points)
    sofa = sum(int((all_clouds[number].instance == 7).sum()) for number in (0, 2))
    assert got["points_by_category"]["Sofa"] == sofa
    assert sum(got["points_by_height_m"].values()) == len(points)
    assert got["num_boxes"] == sum(len(shard.boxes) for shard in shards)
    assert got["categories"]["Sofa"]["num_boxes"] == 2


def test_statistics_do_not_depend_on_threads(clouds, tmp_path):
    for threads in (1, 4):
        cloud_statistics.main(
            clouds=[clouds, clouds], out=tmp_path / f"{threads}.json", threads=threads
        )
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "4.json").read_bytes()


def test_a_point_of_no_known_object_is_counted(tmp_path):
    """A scene of one distant, tiny box: too few points for a box, still in the sum."""
    from testing.box_scenes import Box
    from workflow_scripts.geometry.cameras import Camera

    camera = Camera.look(
        (0, 0, 1), yaw_deg=0.0, pitch_deg=0.0, width_px=32, height_px=32, vertical_fov_deg=60.0
    )
    box = Box("Vase", (0, 3, 1), (0.2, 0.2, 0.2))
    views = write_shard(tmp_path / "v" / "0000.zarr", {"alone": ([box], [camera])})
    cloud = CloudShard.open(fused(views, tmp_path / "c" / "0000.zarr"))
    assert cloud.scenes[0].floor is None
    counted = statistics([cloud])
    assert 0 < counted["num_points"] < 16
    assert counted["points_by_category"] == {cloud_statistics.NO_BOX: counted["num_points"]}


def test_a_scene_that_cannot_be_fused_costs_only_itself(shard, tmp_path, monkeypatch):
    whole = fuse_shard.measure_boxes

    def measure(cloud, objects, *, scene_id, trim):
        if scene_id == "house-a":
            raise np.linalg.LinAlgError("SVD did not converge")
        return whole(cloud, objects, scene_id=scene_id, trim=trim)

    monkeypatch.setattr(fuse_shard, "measure_boxes", measure)
    found = CloudShard.open(fused(shard, tmp_path / "0000.zarr"))

    assert [len(found.cloud(number)) > 0 for number in range(2)] == [False, True]
    assert [scene.skipped for scene in found.scenes] == ["LinAlgError: SVD did not converge", ""]
    assert set(found.boxes.scene_id) == {"house-b"}
