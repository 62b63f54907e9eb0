"""Scans from files as views: a reader of tests hands over a simulated scan."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.views.houses import living_room
from tests.views.scans import walks
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, read_table, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry import cameras
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans import base
from workflow_scripts.sources.readers.scans.base import (
    InstancePoints,
    Scan,
    ScanEntry,
    ScanFrame,
    ScanObject,
)
from workflow_scripts.sources.scan_settings import ScanViewSettings
from workflow_scripts.views.scans import open_scan, read_scans, select_frames
from workflow_scripts.views.scans.frame_pixels import picture_quality, scaled_size, scan_view
from workflow_scripts.views.scans.scan_checks import pose_warnings, scale_warnings

COLOUR_PX, DEPTH_PX = (128, 96), (64, 48)
Change = Callable[[Scan], Scan]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    folder = tmp_path_factory.mktemp("walk")
    return walks.render(folder, [walks.scan("a", living_room())], frames=8)


def frame_of(shard: ViewShard, view: int) -> ScanFrame:
    """Return a frame: colour twice as large as depth, as phones have it."""
    camera = shard.camera(view)
    colour_k = camera.intrinsics.copy()
    colour_k[:2] *= 2
    return ScanFrame(
        frame_id=f"{10 * view:05d}",
        timestamp_s=0.5 * view,
        world_from_camera=camera.world_from_camera,
        depth_intrinsics=camera.intrinsics,
        depth_size_px=DEPTH_PX,
        colour_intrinsics=colour_k,
        colour_size_px=COLOUR_PX,
        load_rgb=lambda: shard.rgb(view).repeat(2, axis=0).repeat(2, axis=1),
        load_depth_m=lambda: shard.depth_m(view),
        load_instance=lambda: shard.instance(view),
    )


def objects_of(shard: ViewShard) -> tuple[ScanObject, ...]:
    return tuple(
        ScanObject(
            row.instance,
            row.object_id,
            row.category,
            (row.x_m, row.y_m, row.z_m),
            (row.width_m, row.depth_m, row.height_m),
            row.yaw_deg,
        )
        for row in shard.objects.itertuples()
    )


def scan_of(shard: ViewShard) -> Scan:
    frames = [frame_of(shard, view) for view in range(len(shard))]
    return Scan("room", frames, has_gravity=True, objects=objects_of(shard))


def read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, scans: list[Scan], **settings: Any
) -> ViewShard:
    """Read scans through a reader that hands them over by name."""
    by_name = {scan.scan_id: scan for scan in scans}

    class Reader:
        def open_scan(self, entry: ScanEntry) -> Scan:
            return by_name[entry.scan_id]

    monkeypatch.setitem(base.__dict__, "load_reader", lambda _: Reader())
    monkeypatch.setattr(open_scan, "load_reader", lambda _: Reader())
    folder.mkdir(exist_ok=True)
    scenes = [
        ScanScene(
            **{"source": "scans", "scene_id": f"scans-{name}", "split": "train", "house": None},
            **{"origin": f"tests: {name}", "format": "tests", "name": name, "path": "nowhere"},
        )
        for name in by_name
    ]
    write_records(folder / "scenes.jsonl", scenes)
    given = ScanViewSettings.parse({"min_pixels": 10, **settings})
    read_scans.main(scenes=folder / "scenes.jsonl", out=folder / "0000.zarr", settings=given)
    return ViewShard.open(folder / "0000.zarr")


def reasons(shard: ViewShard) -> dict[str, str]:
    rows = read_records(shard.path.with_name("0000.skipped.jsonl"), SkippedItem)
    return {row.item: row.reason for row in rows}


def test_a_scan_comes_back_as_it_was(
    simulated: ViewShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = read(tmp_path, monkeypatch, [scan_of(simulated)])
    assert shard.image_shape == (96, 128)
    assert len(shard) == 8
    assert shard.views.frame.tolist() == list(range(8))
    assert shard.views.timestamp_s.tolist() == [0.5 * view for view in range(8)]
    assert set(shard.views.policy) == {"scan"}
    assert set(shard.views.pose_source) == {"given"}
    assert shard.views.is_best.sum() == 1
    assert shard.content(0) == (slice(None), slice(None))
    for view in range(8):
        depth = shard.depth_m(view)
        ratio = depth[::2, ::2] / simulated.depth_m(view)
        assert np.nanmax(np.abs(np.log(ratio))) < 0.05
        assert np.array_equal(shard.instance(view)[::2, ::2], simulated.instance(view))
        camera, true = shard.camera(view), simulated.camera(view)
        assert np.abs(camera.world_from_camera - true.world_from_camera).max() < 1e-12
        assert camera.intrinsics[:2] == pytest.approx(2 * true.intrinsics[:2])
        assert shard.views.yaw_deg[view] == pytest.approx(simulated.views.yaw_deg[view])
    kinds = shard.objects.set_index("category").kind
    assert set(kinds["wall"]) == {"structure"}
    assert kinds["Sofa"] == "object"
    quality = read_table(shard.path.with_name("0000.quality.parquet"))
    assert quality.frame_id.tolist() == [f"{10 * view:05d}" for view in range(8)]
    assert (quality.depth_share > 0.9).all()


def test_frames_that_cannot_be_used_are_rows(
    simulated: ViewShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scan_of(simulated)
    frames = list(scan.frames)
    nothing = np.full(DEPTH_PX[::-1], np.nan, np.float32)

    def damaged() -> np.ndarray:
        raise OSError("cut short")

    frames[0] = replace(frames[0], reason="the pose is not finite", world_from_camera=None)
    frames[1] = replace(frames[1], load_depth_m=lambda: nothing)
    frames[2] = replace(frames[2], load_depth_m=None)
    frames[3] = replace(frames[3], load_rgb=damaged)
    frames[4] = replace(frames[4], load_rgb=lambda: np.zeros((50, 60, 3), np.uint8))
    frames[5] = replace(frames[5], load_depth_m=lambda: nothing[:10])
    shard = read(tmp_path, monkeypatch, [replace(scan, frames=frames)])
    assert shard.views.frame.tolist() == [6, 7]
    found = reasons(shard)
    assert found["frame 00000"] == "the pose is not finite"
    assert found["frame 00010"] == "no pixel has depth"
    assert found["frame 00020"] == "no depth"
    assert "cut short" in found["frame 00030"]
    assert "60 x 50 pixels, K is for 128 x 96" in found["frame 00040"]
    assert "64 x 10 pixels, expected 64 x 48" in found["frame 00050"]


def test_a_long_scan_is_read_in_equal_steps(
    simulated: ViewShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = read(tmp_path, monkeypatch, [scan_of(simulated)], read_frames=3, longest_side_px=64)
    assert shard.views.frame.tolist() == [0, 3, 7]
    assert shard.image_shape == (48, 64)
    assert np.array_equal(shard.depth_m(1), simulated.depth_m(3), equal_nan=True)
    assert "read_frames is 3" in reasons(shard)["5 of 8 frames"]
    one = read(tmp_path / "one", monkeypatch, [scan_of(simulated)], read_frames=1)
    assert len(one) == 1


def test_scans_of_several_sizes_share_a_shard_with_bars(
    simulated: ViewShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upright = []
    for view in range(2):
        frame = frame_of(simulated, view)
        k = frame.colour_intrinsics.copy()
        k[0, 2] -= 32  # the middle half of each row
        upright.append(
            replace(
                frame,
                colour_intrinsics=k,
                colour_size_px=(64, 96),
                load_rgb=lambda frame=frame: frame.load_rgb()[:, 32:96],
            )
        )
    narrow = Scan("narrow", upright, has_gravity=False, objects=objects_of(simulated))
    shard = read(tmp_path, monkeypatch, [scan_of(simulated), narrow])
    assert shard.image_shape == (96, 128)
    assert shard.content(8) == (slice(0, 96), slice(32, 96))
    assert np.isnan(shard.depth_m(8)[:, :32]).all()
    assert (shard.rgb(8)[:, :32] == 128).all()
    assert np.array_equal(shard.depth_m(8)[:, 32:96], shard.depth_m(0)[:, 32:96], equal_nan=True)
    assert shard.camera(8).intrinsics == pytest.approx(shard.camera(0).intrinsics)
    assert shard.views.pose_source.tolist() == ["given"] * 8 + ["none"] * 2


def test_points_with_ids_label_pixels_where_masks_are_missing(
    simulated: ViewShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, ids = [], []
    for view in range(len(simulated)):
        camera = simulated.camera(view)
        world = cameras.back_project(
            simulated.depth_m(view), camera.intrinsics, camera.world_from_camera
        )
        is_known = np.isfinite(world).all(axis=-1)
        points.append(world[is_known])
        ids.append(simulated.instance(view)[is_known])
    mesh = InstancePoints(np.concatenate(points), np.concatenate(ids))
    frames = [replace(frame, load_instance=None) for frame in scan_of(simulated).frames]
    scan = replace(scan_of(simulated), frames=frames, load_points=lambda: mesh)
    shard = read(tmp_path, monkeypatch, [scan], longest_side_px=64)
    for view in range(8):
        same = shard.instance(view)[::2, ::2] == simulated.instance(view)[::2, ::2]
        assert same.mean() > 0.99


def test_a_scan_that_cannot_be_read_does_not_cost_the_others(
    simulated: ViewShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = replace(frame_of(simulated, 0), load_depth_m=None)
    lost = replace(frame_of(simulated, 0), reason="tracking was lost")
    scans = [
        Scan("blind", [blind], has_gravity=True),
        Scan("lost", [lost], has_gravity=True),
        Scan("empty", [], has_gravity=True),
        scan_of(simulated),
    ]
    shard = read(tmp_path, monkeypatch, scans)
    assert set(shard.views.scene_id) == {"scans-room"}
    rows = read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)
    whole = {row.scene_id: row.reason for row in rows if row.item == "scan"}
    assert "none of 1 frames can be used" in whole["scans-blind"]
    assert "tracking was lost" in whole["scans-lost"]
    assert "none of 0 frames" in whole["scans-empty"]
    chosen = tmp_path / "frames.parquet"
    select_frames.main(views=shard.path, out=chosen, picture=tmp_path / "plan.png")
    assert len(read_table(chosen)) == 8


def test_wrong_units_and_axes_are_named(simulated: ViewShard) -> None:
    points, places = [], []
    for view in range(len(simulated)):
        camera = simulated.camera(view)
        places.append(camera.position_m)
        world = cameras.back_project(
            simulated.depth_m(view), camera.intrinsics, camera.world_from_camera
        ).reshape(-1, 3)
        points.append(world[np.isfinite(world).all(axis=1)])
    seen, cameras_m = np.concatenate(points), np.array(places)
    assert scale_warnings(seen, cameras_m) == []
    assert "unit of depth" in scale_warnings(1000 * seen, 1000 * cameras_m)[0]
    assert "unit of depth" in scale_warnings(seen / 1000, cameras_m / 1000)[0]
    y_up = [0, 2, 1]
    assert "is y up?" in scale_warnings(seen[:, y_up], cameras_m[:, y_up])[0]
    assert "is z up" in scale_warnings(seen * (1, 1, -1), cameras_m * (1, 1, -1) - (0, 0, 6))[0]
    assert "all 3 poses are equal" in pose_warnings([np.eye(4)] * 3)[0]
    assert pose_warnings([np.eye(4)]) == []


def test_blur_and_exposure_are_measured() -> None:
    generator = np.random.default_rng(0)
    sharp = generator.integers(0, 256, size=(60, 80, 3)).astype(np.uint8)
    blurred = sharp[:30, :40].repeat(2, axis=0).repeat(2, axis=1) // 4 + 90
    assert picture_quality(sharp).sharpness > 5 * picture_quality(blurred).sharpness
    assert picture_quality(np.full((9, 9, 3), 255, np.uint8)).bright_share == 1
    assert picture_quality(np.zeros((9, 9, 3), np.uint8)).dark_share == 1
    assert picture_quality(np.zeros((1, 1, 3), np.uint8)).sharpness == 0


def test_pictures_are_never_enlarged() -> None:
    assert scaled_size((256, 192), 640) == (256, 192)
    assert scaled_size((1296, 968), 640) == (640, 478)
    assert scaled_size((968, 1296), 640) == (478, 640)
    assert scaled_size((5000, 3), 640) == (640, 1)


def test_depth_with_another_camera_is_met_by_the_same_ray(simulated: ViewShard) -> None:
    """The depth picture of half the field of view covers the middle of the view only."""
    frame = frame_of(simulated, 0)
    k = frame.depth_intrinsics.copy()
    k[:2, 2] -= (16, 12)
    depth = simulated.depth_m(0)[12:36, 16:48]
    cropped = replace(
        frame,
        depth_intrinsics=k,
        depth_size_px=(32, 24),
        load_depth_m=lambda: depth,
        load_instance=None,
    )
    view = scan_view(cropped, size_px=DEPTH_PX)
    inner = view.frame.depth_m[12:36, 16:48]
    assert inner == pytest.approx(depth, rel=1e-6, nan_ok=True)
    assert np.isfinite(view.frame.depth_m).sum() == np.isfinite(depth).sum()


def test_planes_stay_planes_in_larger_pictures() -> None:
    """A tilted wall that a coarse depth picture shows lies on itself at four times the size."""
    width, height = 40, 30
    k = cameras.intrinsics(width_px=width, height_px=height, vertical_fov_deg=60.0)
    normal = np.array([0.5, 0.2, -1.0])
    rays = cameras.rays_camera(k, width_px=width, height_px=height)
    depth = (-2.0 / (rays @ normal)).astype(np.float32)
    depth[:, 20:] += 1.5  # a step
    depth[3, 3] = np.nan
    colour_k = k.copy()
    colour_k[:2] *= 4
    frame = ScanFrame(
        "0",
        0.0,
        np.eye(4),
        k,
        (width, height),
        colour_k,
        (4 * width, 4 * height),
        lambda: np.zeros((4 * height, 4 * width, 3), np.uint8),
        lambda: depth,
    )
    view = scan_view(frame, size_px=(4 * width, 4 * height))
    points = cameras.back_project(view.frame.depth_m, view.camera.intrinsics, np.eye(4))
    off = np.abs(points @ normal + 2.0)[:, : 4 * 20 - 4]
    assert np.nanmax(off[20:-4, 4:]) < 1e-5
    assert np.isnan(view.frame.depth_m[12:16, 12:16]).all()
    # Nothing hangs between the wall and what is behind it.
    near, far = depth[:, 19], depth[:, 20]
    across = view.frame.depth_m[2::4, 4 * 19 : 4 * 21]
    nearest = np.minimum(np.abs(across - near[:, None]), np.abs(across - far[:, None]))
    assert nearest.max() < 0.2
