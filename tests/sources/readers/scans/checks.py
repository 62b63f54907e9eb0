"""What a scan that was written and read back must agree with: poses, depth, colours, the room."""

from pathlib import Path

import numpy as np

from testing.posed_room import PosedRoom, colour_at, surface_distance_m
from workflow_scripts.geometry.cameras import back_project
from workflow_scripts.sources.readers.scans.base import (
    Scan,
    ScanFrame,
    ScanReader,
    usable_frames,
)

MILLIMETRE = 0.001


def open_only(reader: ScanReader, path: Path) -> Scan:
    """Open the only scan at a path, which the reader must recognise."""
    assert reader.matches(path)
    (entry,) = reader.list_scans(path)
    return reader.open_scan(entry)


def cloud_of(frame: ScanFrame) -> np.ndarray:
    """Return the world points [n, 3] of a frame's valid depth."""
    assert frame.load_depth_m is not None
    assert frame.world_from_camera is not None
    points = back_project(frame.load_depth_m(), frame.depth_intrinsics, frame.world_from_camera)
    return points[np.isfinite(points).all(axis=-1)]


def colour_error(frame: ScanFrame, to_room: np.ndarray) -> float:
    """Return the mean difference of a frame's colours from those of the surfaces that it sees."""
    assert frame.load_depth_m is not None
    assert frame.world_from_camera is not None
    rgb, depth_m = frame.load_rgb(), frame.load_depth_m()
    points = back_project(depth_m, frame.depth_intrinsics, to_room @ frame.world_from_camera)
    height, width = depth_m.shape
    k, k_depth = frame.colour_intrinsics, frame.depth_intrinsics
    columns = (np.arange(width) + 0.5 - k_depth[0, 2]) / k_depth[0, 0] * k[0, 0] + k[0, 2]
    rows = (np.arange(height) + 0.5 - k_depth[1, 2]) / k_depth[1, 1] * k[1, 1] + k[1, 2]
    columns = np.clip(columns.astype(int), 0, rgb.shape[1] - 1)
    rows = np.clip(rows.astype(int), 0, rgb.shape[0] - 1)
    seen = rgb[rows][:, columns].astype(float)
    is_valid = np.isfinite(depth_m)
    return float(np.abs(seen - colour_at(points))[is_valid].mean())


def assert_is_room(
    scan: Scan,
    room: PosedRoom,
    *,
    unit_m: float = MILLIMETRE,
    pose_tolerance: float = 1e-5,
    aligned: np.ndarray | None = None,
    colour_tolerance: float = 8.0,
) -> None:
    """Check a scan of all frames of a room: poses, depth to its unit, cloud on the walls, colour.

    `aligned` [4, 4] maps the scan's world to the room's where a layout has a world of its own.
    """
    frames = list(usable_frames(scan))
    assert len(frames) == len(room)
    to_room = np.eye(4) if aligned is None else aligned
    for frame, pose, depth_m in zip(frames, room.poses, room.depth_m, strict=True):
        assert frame.world_from_camera is not None
        np.testing.assert_allclose(to_room @ frame.world_from_camera, pose, atol=pose_tolerance)
        if frame.load_depth_m is not None:
            loaded = frame.load_depth_m()
            assert loaded.dtype == np.float32
            assert loaded.shape[::-1] == frame.depth_size_px
            is_valid = np.isfinite(loaded)
            assert is_valid.mean() > 0.9
            assert np.abs(loaded - depth_m)[is_valid].max() <= 0.51 * unit_m + 1e-6
        rgb = frame.load_rgb()
        assert rgb.dtype == np.uint8
        assert rgb.shape[1::-1] == frame.colour_size_px
        if frame.load_depth_m is not None:
            assert colour_error(frame, to_room) < colour_tolerance
    if all(frame.load_depth_m is not None for frame in frames):
        cloud = np.concatenate([cloud_of(frame) for frame in frames])
        cloud = cloud @ to_room[:3, :3].T + to_room[:3, 3]
        assert surface_distance_m(cloud).max() < 0.01
