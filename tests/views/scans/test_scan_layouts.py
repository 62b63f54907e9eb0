"""A scan in every layout becomes a shard of views whose fused cloud lies on the true walls."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from testing.posed_room import PosedRoom, make_room, surface_distance_m
from testing.scan_layouts.nerfstudio import write_nerfstudio
from testing.scan_layouts.phones import write_arkitscenes, write_polycam, write_record3d
from testing.scan_layouts.scannet import write_annotation, write_posed_images, write_sens
from testing.scan_layouts.slam import write_replica, write_tum
from testing.scan_layouts.stray_scanner import write_stray_scanner
from workflow_scripts.common.records import SPLITS
from workflow_scripts.common.storage import write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry import cameras
from workflow_scripts.scenes.sample_scans import sample_scans
from workflow_scripts.sources.base import SampleRequest
from workflow_scripts.sources.scan_settings import ScanViewSettings
from workflow_scripts.sources.scans import ScansSettings, resolve_format
from workflow_scripts.views.scans import read_scans

SHARES = dict.fromkeys(SPLITS, 1 / 3)
LAYOUTS: dict[str, Callable[[Path, PosedRoom], object]] = {
    "scannet_sens": write_sens,
    "scannet": write_posed_images,
    "nerfstudio": write_nerfstudio,
    "stray_scanner": write_stray_scanner,
    "tum_rgbd": write_tum,
    "arkitscenes": write_arkitscenes,
    "replica": write_replica,
    "polycam": write_polycam,
    "record3d": write_record3d,
}

ONE_CAMERA = ("tum_rgbd", "replica")
"""Layouts whose colour and depth have one K and one size."""


def read(folder: Path, path: Path) -> ViewShard:
    """Read what lies at a path as a user does who does not name the layout."""
    settings = resolve_format(ScansSettings.parse({"format": "auto", "path": str(path)}))
    request = SampleRequest("scans", start=0, stop=1, seed=7, shares=SHARES)
    folder.mkdir()
    write_records(folder / "scenes.jsonl", list(sample_scans(settings, request)))
    read_scans.main(
        scenes=folder / "scenes.jsonl",
        out=folder / "0000.zarr",
        settings=ScanViewSettings(min_pixels=20),
    )
    return ViewShard.open(folder / "0000.zarr")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_scan_of_every_layout_lies_on_the_walls(layout: str, tmp_path: Path) -> None:
    size_px = (64, 48) if layout in ONE_CAMERA else (96, 72)
    room = make_room(6, colour_size_px=size_px)
    source = tmp_path / "source"
    source.mkdir()
    LAYOUTS[layout](source, room)
    shard = read(tmp_path / "out", source)
    assert shard.group.attrs["backend"] == layout
    assert len(shard) == len(room)
    points = []
    for view in range(len(shard)):
        camera = shard.camera(view)
        world = cameras.back_project(
            shard.depth_m(view), camera.intrinsics, camera.world_from_camera
        )
        points.append(world[np.isfinite(world).all(axis=-1)])
    cloud = np.concatenate(points)
    off_m = surface_distance_m(cloud)
    # Edges, where the nearest pixel of a coarse depth picture is taken, are a few pixels.
    assert np.quantile(off_m, 0.9) < 0.01


def test_annotated_scans_have_objects(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_posed_images(source, make_room(6))
    write_annotation(source / "scans/scene0000_00")
    shard = read(tmp_path / "out", source)
    assert {"table", "chair", "cabinet"} <= set(shard.objects.category)
    assert len(shard.visibility) > 3
    assert shard.views.num_visible_objects.max() >= 1
