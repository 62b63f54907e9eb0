"""What a shard of simulated scans holds: exact frames in order, the same bytes each time."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.views.houses import l_shaped_room, living_room
from tests.views.scans import walks
from tests.views.shards import fingerprint
from workflow_scripts.common.records import SkippedItem, ViewRow
from workflow_scripts.common.storage import read_records, read_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry import cameras
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.sources.readers.procthor_house import rooms


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    scenes = [
        walks.scan("a", living_room()),
        walks.scan("b", l_shaped_room()),
        walks.scan("c", None, "a wall is missing"),
    ]
    return walks.render(tmp_path_factory.mktemp("walks"), scenes)


def test_frames_are_numbered_and_timed(shard: ViewShard) -> None:
    assert list(shard.views.columns) == list(ViewRow.model_fields)
    for _, rows in shard.views.groupby("scene_id"):
        assert rows.frame.tolist() == list(range(12))
        assert rows.timestamp_s.tolist() == list(np.arange(12.0))
    assert set(shard.views.policy) == {"walk"}
    assert len(shard) == len(shard.views) == 24
    assert shard.views.groupby(["scene_id", "room_id"]).is_best.sum().eq(1).all()
    attributes = dict(shard.group.attrs)
    assert attributes["walk"]["frames"] == 12  # type: ignore[index]


def test_what_cannot_be_walked_is_a_row(shard: ViewShard) -> None:
    (skipped,) = read_records(shard.path.with_name("0000.skipped.jsonl"), SkippedItem)
    assert (skipped.scene_id, skipped.item, skipped.reason) == ("c", "scan", "a wall is missing")


def test_a_shard_without_any_scan_has_rows_that_say_why(tmp_path: Path) -> None:
    shard = walks.render(tmp_path, [walks.scan("c", None, "a wall is missing")])
    assert len(shard) == len(shard.views) == 0
    assert len(read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)) == 1
    assert read_table(tmp_path / "0000.surface.parquet").empty


def test_fused_frames_lie_on_the_walls_and_the_floor(shard: ViewShard) -> None:
    """Poses and depth agree: every pixel of a wall is on that wall's plane within 1 cm."""
    off_m = []
    for row in shard.views.itertuples():
        camera = shard.camera(row.view)
        instance = shard.instance(row.view)
        points = cameras.back_project(
            shard.depth_m(row.view), camera.intrinsics, camera.world_from_camera
        )
        objects = shard.objects[shard.objects.scene_id == row.scene_id].set_index("instance")
        (room,) = rooms(living_room() if row.scene_id == "a" else l_shaped_room())
        for number in np.unique(instance[instance > 0]):
            seen = points[instance == number]
            category = objects.category.loc[number]
            if category == "floor":
                assert np.abs(seen[:, 2]).max() < 0.01
            elif category == "wall":
                wall = objects.loc[number]
                # The middle of a wall's box lies half its thickness behind its visible face.
                normal = cameras.heading_vector(wall.yaw_deg)
                face = np.array([wall.x_m, wall.y_m, wall.z_m]) + normal * wall.depth_m / 2
                off_m.append(np.abs((seen - face) @ normal))
            assert np.isfinite(seen).all() == np.isfinite(seen).any()
        low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
        assert (camera.position_m[:2] > low).all()
        assert (camera.position_m[:2] < high).all()
    off = np.concatenate(off_m)
    assert len(off) > 5000
    # Skirting boards are 12 mm thick, and reveals of doors belong to their walls.
    assert np.median(off) < 2e-3
    assert (off < 0.01).mean() > 0.9


def test_surface_points_lie_on_the_room(shard: ViewShard) -> None:
    surface = read_table(shard.path.with_name("0000.surface.parquet"))
    assert set(surface.scene_id) == {"a", "b"}
    own = surface[surface.scene_id == "a"]
    points = own[["x_m", "y_m", "z_m"]].to_numpy(np.float64)
    assert (points[:, 0] > -0.03).all()
    assert (points[:, 0] < 5.03).all()
    floor = points[np.abs(points[:, 2]) < 1e-3]
    # 5 x 4 m in squares of 5 cm.
    assert len(floor) == pytest.approx(8000, rel=0.1)


def test_the_same_scans_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        walks.render(tmp_path / name, [walks.scan("a", living_room())], frames=3)
    assert fingerprint(tmp_path / "first") == fingerprint(tmp_path / "second")


def test_frames_do_not_depend_on_other_scans(tmp_path: Path) -> None:
    scans = [walks.scan("a", living_room()), walks.scan("b", l_shaped_room())]
    both = walks.render(tmp_path / "both", scans, frames=2)
    alone = walks.render(tmp_path / "alone", scans[1:], frames=2)
    assert np.array_equal(both.rgb(2), alone.rgb(0))
    assert np.array_equal(both.depth_m(3), alone.depth_m(1))
    pd.testing.assert_frame_equal(
        both.views[2:].drop(columns="view").reset_index(drop=True),
        alone.views.drop(columns="view"),
    )


def _render_in_process(folder: Path) -> None:
    walks.render(folder, [walks.scan("a", living_room())], frames=8)


def test_a_killed_job_run_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """Killed at some moment, nothing half is left under the final name."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_render_in_process, args=(tmp_path / "killed",))
    process.start()
    deadline = time.monotonic() + 60
    # Its first frame is on its way once the scenes are written.
    while not (tmp_path / "killed/scenes.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    if process.is_alive() and process.pid is not None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    for name in ("killed", "undisturbed"):
        _render_in_process(tmp_path / name)
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "undisturbed")


def test_a_scan_of_a_house_passes_its_doors(tmp_path: Path) -> None:
    house = generate_house(7, 1)
    whole = walks.render(
        tmp_path / "house", [walks.scan("a", house)], scan_unit="house", frames=60, speed_m_s=1.0
    )
    room = walks.render(tmp_path / "room", [walks.scan("a", house)], frames=4)
    assert whole.views.room_id.nunique() > 1
    assert room.views.room_id.nunique() == 1


def test_scans_of_a_house_are_of_its_other_rooms_and_then_other_walks(tmp_path: Path) -> None:
    house = generate_house(0, 3)
    count = len(rooms(house))
    assert count > 1
    scenes = [
        walks.scan(f"s{number}", house).model_copy(
            update={"first_scan": "s0", "scan_of_house": number}
        )
        for number in range(count + 1)
    ]
    shard = walks.render(tmp_path / "all", scenes, frames=3)
    room_of = shard.views.groupby("scene_id").room_id.agg(lambda ids: ids.value_counts().index[0])
    assert len(set(room_of[:-1])) == count
    assert room_of["s0"] == room_of[f"s{count}"]
    assert not np.allclose(shard.camera(0).position_m, shard.camera(3 * count).position_m)
    assert sorted(shard.objects.scene_id.unique()) == sorted(scene.scene_id for scene in scenes)
    # A scan does not depend on what was built before it.
    alone = walks.render(tmp_path / "alone", scenes[1:2], frames=3)
    assert np.array_equal(alone.rgb(0), shard.rgb(3))


def test_surfaces_are_measured_only_when_asked(tmp_path: Path) -> None:
    scenes = [walks.scan("a", living_room())]
    measured, plain = (
        walks.render(tmp_path / str(choice), scenes, frames=2, measure_surfaces=choice)
        for choice in (True, False)
    )
    assert (measured.objects.hull_volume_m3 > 0).any()
    assert not (plain.objects.hull_volume_m3 > 0).any()
    assert read_table(tmp_path / "False" / "0000.surface_gaps.parquet").empty
    assert np.array_equal(measured.rgb(1), plain.rgb(1))
