"""Shards of boxes for the tests of clouds."""

from pathlib import Path

import pytest

from testing.box_scenes import Box, living_room_scene, room, write_shard
from workflow_scripts.geometry.cameras import Camera

LOOK = {"width_px": 160, "height_px": 160, "vertical_fov_deg": 90.0}


def corner_cameras() -> list[Camera]:
    """Look into the 5 m x 4 m room from its four corners."""
    corners = [((0.4, 0.4), -50), ((4.6, 0.4), 50), ((4.6, 3.6), 130), ((0.4, 3.6), -130)]
    return [
        Camera.look((x, y, 1.5), yaw_deg=yaw_deg, pitch_deg=-20.0, **LOOK)
        for (x, y), yaw_deg in corners
    ]


@pytest.fixture(scope="session")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes: the living room, and a room with one table turned by 25 degrees."""
    boxes, cameras = living_room_scene(width_px=160, height_px=160)
    table = Box("DiningTable", (2.5, 2.0, 0.4), (1.4, 0.8, 0.8), 25.0, (120, 80, 40))
    return write_shard(
        tmp_path_factory.mktemp("views") / "0000.zarr",
        {
            "house-a": (boxes, corner_cameras() + cameras),
            "house-b": ([*room(), table], corner_cameras()),
        },
        splits={"house-b": "test"},
    )
