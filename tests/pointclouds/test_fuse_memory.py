"""Frames are fused one at a time: memory does not grow with their number."""

import tracemalloc
from pathlib import Path

import numpy as np

from testing.box_scenes import room, write_shard
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.pointclouds import fuse_shard

SIZE_PX = (320, 240)


def peak_mb(folder: Path, num_frames: int) -> float:
    """Return the most memory that fusing a scan of some frames of one room takes."""
    cameras = [
        Camera.look(
            (2.5, 2.0, 1.5),
            yaw_deg=float(yaw_deg),
            pitch_deg=-14.0,
            width_px=SIZE_PX[0],
            height_px=SIZE_PX[1],
            vertical_fov_deg=70.0,
        )
        for yaw_deg in np.arange(num_frames) % 6 * 60.0
    ]
    views = write_shard(folder / f"{num_frames}.zarr", {"a": (room(), cameras)})
    tracemalloc.start()
    try:
        fuse_shard.main(views=views, out=folder / f"clouds{num_frames}.zarr", seed=1)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    peak_mb(tmp_path / "first", 6)  # compiles
    few, many = (peak_mb(tmp_path / str(count), count) for count in (6, 36))
    points_mb = SIZE_PX[0] * SIZE_PX[1] * 3 * 4 / 2**20
    assert many - few < 5 * points_mb, f"{few:.0f} MB of 6 frames, {many:.0f} MB of 36"
