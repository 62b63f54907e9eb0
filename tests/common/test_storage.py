"""Files and shards are complete or absent; damage is named."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common import storage
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Caption, ObjectRow, ViewRow, records_to_frame
from workflow_scripts.common.view_shard import ViewShard, table_path


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return write_shard(tmp_path / "0000.zarr", {"house-1": living_room_scene(32, 24)})


def test_atomic_write_leaves_nothing_behind_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "x.txt"

    def fail_half_way() -> None:
        with storage.atomic_write(target) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(target.parent.iterdir()) == []


def test_atomic_write_replaces_a_folder_and_ignores_a_killed_run(tmp_path: Path) -> None:
    target = tmp_path / "x"
    partial_of_parent = tmp_path / f".x.{platform.node()}-{os.getppid()}.partial"
    partial_of_parent.touch()
    for content in ("first", "second"):
        dead = tmp_path / f".x.{platform.node()}-999999999.partial"
        dead.mkdir()
        (dead / "left-over").touch()
        with storage.atomic_write(target) as partial:
            partial.mkdir()
            (partial / "file").write_text(content)
    assert [file.name for file in target.iterdir()] == ["file"]
    assert (target / "file").read_text() == "second"
    assert partial_of_parent.exists()
    assert sorted(tmp_path.iterdir()) == [partial_of_parent, target]


def test_killed_writer_leaves_no_target(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from workflow_scripts.common.storage import atomic_write\n"
        "with atomic_write(pathlib.Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half'); print('ready', flush=True); time.sleep(60)\n"
    )
    target = tmp_path / "x.txt"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
    assert not target.exists()
    storage.write_text(target, "all of it")
    assert [file.name for file in tmp_path.iterdir()] == ["x.txt"]


def test_shard_reads_back_exactly(shard: Path) -> None:
    opened = ViewShard.open(shard)
    assert len(opened) == 2
    assert opened.rgb(0).shape == (24, 32, 3)
    assert opened.depth_m(0).dtype == np.float32
    assert opened.views["is_best"].tolist() == [True, False]
    camera = opened.camera(0)
    assert (camera.width_px, camera.height_px) == (32, 24)
    np.testing.assert_allclose(camera.position_m, [2.5, 0.3, 1.576])


def test_shard_bytes_do_not_depend_on_the_run(tmp_path: Path) -> None:
    scene = {"house-1": living_room_scene(16, 16)}
    first = write_shard(tmp_path / "a" / "0000.zarr", scene)
    second = write_shard(tmp_path / "b" / "0000.zarr", scene)
    files = sorted(path.relative_to(first.parent) for path in first.parent.rglob("*"))
    assert files == sorted(path.relative_to(second.parent) for path in second.parent.rglob("*"))
    for file in files:
        if (first.parent / file).is_file():
            assert (first.parent / file).read_bytes() == (second.parent / file).read_bytes(), file


def test_each_array_is_one_shard_file(shard: Path) -> None:
    for name in ("rgb", "depth_m", "instance", "intrinsics", "world_from_camera"):
        assert sum(file.is_file() for file in (shard / name / "c").rglob("*")) == 1


def test_lost_array_file_is_named(shard: Path) -> None:
    next(file for file in (shard / "depth_m" / "c").rglob("*") if file.is_file()).unlink()
    with pytest.raises(UserError, match=r"0000\.zarr.*'depth_m'.*lost"):
        ViewShard.open(shard)


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_cut_array_file_is_named(shard: Path, keep: int) -> None:
    file = next(file for file in (shard / "rgb" / "c").rglob("*") if file.is_file())
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"rgb.*damaged"):
        ViewShard.open(shard).rgb(1)


def test_missing_shard_and_cut_table_are_named(tmp_path: Path, shard: Path) -> None:
    with pytest.raises(UserError, match=r"0009\.zarr"):
        ViewShard.open(tmp_path / "0009.zarr")
    objects = table_path(shard, "objects")
    objects.write_bytes(objects.read_bytes()[:50])
    with pytest.raises(UserError, match=r"objects\.parquet"):
        _ = ViewShard.open(shard).objects


def test_records_round_trip_and_name_the_bad_line(tmp_path: Path) -> None:
    caption = Caption(
        source="procthor", kind="room", status="ok", text="Ein Zimmer – schön.",
        backend="scene", model="", prompt="",
    )  # fmt: skip
    path = tmp_path / "captions.jsonl"
    storage.write_records(path, [caption, caption])
    assert storage.read_records(path, Caption) == [caption, caption]
    with path.open("a") as file:
        file.write('{"source": "procthor"}\n')
    with pytest.raises(UserError, match=r"captions\.jsonl, line 3: not a Caption"):
        storage.read_records(path, Caption)


def test_empty_table_has_typed_columns() -> None:
    rows = records_to_frame([], ViewRow)
    assert rows["view"].dtype == "int64"
    assert rows["is_best"].dtype == "bool"
    assert list(records_to_frame([], ObjectRow)) == list(ObjectRow.model_fields)
