"""Recordings for the Rerun viewer, logged to a stand-in of its package."""

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pointclouds import rerun_standin
from workflow_scripts.common.cloud_shard import CloudShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.pointclouds import export_rrd, fuse_shard


@pytest.fixture
def clouds(shard: Path, tmp_path: Path) -> Path:
    out = tmp_path / "clouds/0000.zarr"
    fuse_shard.main(views=shard, out=out, seed=7)
    return out


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list:
    monkeypatch.setitem(sys.modules, "rerun", rerun_standin)
    rerun_standin.LOGGED.clear()
    return rerun_standin.LOGGED


def test_a_recording_has_frames_cloud_boxes_and_path(
    shard: Path, clouds: Path, tmp_path: Path, logged: list
) -> None:
    frames = tmp_path / "frames.parquet"
    chosen = pd.DataFrame({"scene_id": ["house-a"] * 2, "view": [1, 4], "rank": [1, 0]})
    write_table(frames, chosen)
    export_rrd.main(views=shard, clouds=clouds, out=tmp_path / "rrd", frames=frames)
    names = sorted(path.name for path in (tmp_path / "rrd").iterdir())
    assert names == ["house-a.rrd", "house-b.rrd"]
    views = ViewShard.open(shard)
    own = [entry for entry in logged if entry[0].name == "house-a.rrd"]
    by_name: dict[str, list] = {}
    for _, times, name, content in own:
        by_name.setdefault(name, []).append((times, content))
    static = ("world", "world/cloud", "world/boxes", "world/camera_path", "world/chosen_frames")
    for name in static:
        ((times, _),) = by_name[name]
        assert times == {}
    cloud = CloudShard.open(clouds).cloud(0)
    assert np.array_equal(by_name["world/cloud"][0][1].positions, cloud.point_m)
    boxes = by_name["world/boxes"][0][1]
    seen = export_rrd.seen_objects(views, views.views[views.views.scene_id == "house-a"])
    assert boxes.labels == seen.category.tolist()
    assert boxes.half_sizes == pytest.approx(seen[["width_m", "depth_m", "height_m"]] / 2)
    assert by_name["world/chosen_frames"][0][1].labels == ["2", "1"]
    assert len(by_name["world/camera_path"][0][1].strips[0]) == 6
    assert [times["frame"] for times, _ in by_name["world/camera/rgb"]] == list(range(6))
    for view, (_, depth) in enumerate(by_name["world/camera/depth"]):
        in_metres = depth.image / depth.meter
        assert np.abs(in_metres - np.nan_to_num(views.depth_m(view))).max() <= 0.0005 + 1e-6
    poses = [content for _, content in by_name["world/camera"] if hasattr(content, "mat3x3")]
    assert np.array_equal(poses[3].translation, views.camera(3).position_m)


def test_scans_have_their_frame_numbers_and_times(
    shard: Path, clouds: Path, tmp_path: Path, logged: list
) -> None:
    views = ViewShard.open(shard)
    rows = views.views[views.views.scene_id == "house-b"].copy()
    rows["frame"], rows["timestamp_s"] = [10, 20, 30, 40], [1.0, 2.0, 3.0, 4.0]
    path = tmp_path / "b.rrd"
    export_rrd.write_recording(
        path, views, rows, CloudShard.open(clouds), None, rerun=rerun_standin
    )
    times = [times for _, times, name, _ in logged if name == "world/camera/rgb"]
    assert times == [{"frame": 10 * n, "time": float(n)} for n in (1, 2, 3, 4)]


def test_the_package_itself_writes_a_recording(shard: Path, clouds: Path, tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    export_rrd.main(views=shard, clouds=clouds, out=tmp_path / "rrd")
    for path in (tmp_path / "rrd").iterdir():
        content = path.read_bytes()
        assert content.startswith(b"RRF2")
        assert b"world/camera/depth" in content


def test_without_the_package_one_line_says_what_to_install(
    shard: Path, clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(UserError, match=r"pip install 'rerun-sdk>=0\.23'"):
        export_rrd.main(views=shard, clouds=clouds, out=tmp_path / "rrd")
    monkeypatch.setitem(sys.modules, "rerun", types.ModuleType("rerun"))
    with pytest.raises(UserError, match="has no RecordingStream"):
        export_rrd.main(views=shard, clouds=clouds, out=tmp_path / "rrd")
    assert not (tmp_path / "rrd").exists()


def test_the_command_fails_in_one_line(shard: Path, tmp_path: Path) -> None:
    (tmp_path / "rerun.py").write_text("raise ImportError('libEGL is missing')\n")
    command = [sys.executable, "-m", "workflow_scripts.pointclouds.export_rrd"]
    paths = ["--views", str(shard), "--clouds", str(shard), "--out", str(tmp_path / "rrd")]
    project = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, *paths],
        cwd=project,
        env={"PYTHONPATH": f"{tmp_path}:{project}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: recordings need the package rerun-sdk (libEGL is missing)")
