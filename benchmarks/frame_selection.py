"""Time voxel counting and frame selection against plain versions of both; one core.

Run from the repository: `python -m benchmarks.frame_selection`. Depth is that of a camera that
walks around in an empty room, made frame by frame and not timed. CPU seconds. PyTorch's version
and the sets are measured on some of the frames where that is enough, and say so.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.figures import Figure, report_figures
from workflow_scripts.common.cli import run
from workflow_scripts.geometry.cameras import intrinsics, rays_camera, world_from_camera
from workflow_scripts.geometry.frame_selection import choose_frames
from workflow_scripts.geometry.voxel_coverage import FrameVoxelCounter, FrameVoxels

ROOM_M = np.array([9.0, 7.0, 2.6])
Frame = tuple[np.ndarray, np.ndarray, np.ndarray]


def main(
    *,
    frames: int = 500,
    width_px: int = 640,
    height_px: int = 480,
    voxel_m: float = 0.1,
    chosen: int = 32,
    torch_frames: int = 20,
) -> None:
    """Print each figure beside its goal.

    Args:
        frames: frames of the scan.
        width_px: width of a frame.
        height_px: height of a frame.
        voxel_m: side of a voxel.
        chosen: frames to choose.
        torch_frames: frames that PyTorch counts.
    """
    _count(room_frames(2, width_px, height_px), voxel_m)  # loads the compiled code
    before_gb = _peak_gb()
    voxels, count_s = _count(room_frames(frames, width_px, height_px), voxel_m)
    _choose(voxels, chosen)
    (order, gains), choose_s = _choose(voxels, chosen)
    memory_gb = _peak_gb()
    torch_s = _torch_seconds(room_frames(torch_frames, width_px, height_px), voxel_m)
    torch_s *= frames / torch_frames
    sets = [set(voxels.of_frame(frame).tolist()) for frame in range(voxels.num_frames)]
    start = time.process_time()
    plain_order, plain_gains = _plain_greedy(sets, chosen)
    plain_s = time.process_time() - start
    if plain_gains != gains.tolist() or plain_order != order.tolist():
        raise AssertionError(f"gains {gains.tolist()} differ from {plain_gains}")
    size = f"{frames} frames of {width_px} x {height_px}"
    report_figures(
        "frame_selection",
        [
            Figure(
                f"voxels of {size}, of PyTorch's rate",
                f"{torch_s / count_s:.1f}",
                f"goal: at least 3; {count_s:.2f} against {torch_s:.1f} CPU s (PyTorch: "
                f"{torch_frames} frames)",
            ),
            Figure(
                f"{chosen} frames by greedy maximum coverage, of the rate of Python's sets",
                f"{plain_s / choose_s:.0f}",
                f"goal: at least 50; {choose_s * 1e3:.1f} against {plain_s * 1e3:.0f} CPU ms for "
                f"{len(voxels.members)} voxels of frames, equal gains",
            ),
            Figure(
                "largest memory of the process, frame by frame",
                f"{memory_gb:.2f} GB",
                f"limit: 1; {before_gb:.2f} GB before",
            ),
        ],
    )


def room_frames(count: int, width_px: int, height_px: int) -> Iterator[Frame]:
    """Yield (depth_m, K, world_from_camera) of a camera that turns and walks in a room."""
    k = intrinsics(width_px=width_px, height_px=height_px, vertical_fov_deg=60.0)
    rays = rays_camera(k, width_px=width_px, height_px=height_px).reshape(-1, 3).T
    rays = rays.astype(np.float32)
    for number in range(count):
        turn = 2 * np.pi * number / 97
        middle = ROOM_M / 2 + (3.0 * np.cos(turn / 3), 2.2 * np.sin(turn / 5), 0.2)
        pitch_deg = -15 + 12 * np.sin(turn * 1.7)
        pose = world_from_camera(middle, yaw_deg=3.7 * number, pitch_deg=float(pitch_deg))
        directions = pose[:3, :3].astype(np.float32) @ rays
        with np.errstate(divide="ignore"):
            walls = np.where(directions > 0, ROOM_M[:, None], 0.0) - middle[:, None]
            depth = np.min(walls / directions, axis=0).astype(np.float32)
        depth[number % 7 :: 50] = np.nan  # holes, as sensors have them
        yield depth.reshape(height_px, width_px), k, pose


def _count(frames: Iterator[Frame], voxel_m: float) -> tuple[FrameVoxels, float]:
    counter, total_s = FrameVoxelCounter(voxel_m), 0.0
    for frame in frames:
        start = time.process_time()
        counter.add(*frame)
        total_s += time.process_time() - start
    return counter.result(), total_s


def _choose(voxels: FrameVoxels, count: int) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    start = time.process_time()
    selection = choose_frames(voxels, strategy="mc", max_frames=count)
    return (selection.frames, selection.gains), time.process_time() - start


def _plain_greedy(sets: list[set[int]], count: int) -> tuple[list[int], list[int]]:
    """Choose by sets: every frame is counted anew for every choice."""
    covered: set[int] = set()
    left = list(range(len(sets)))
    order, gains = [], []
    while left and len(order) < count:
        new = [len(sets[frame] - covered) for frame in left]
        best = int(np.argmax(new))
        gains.append(new[best])
        frame = left.pop(best)
        order.append(frame)
        covered |= sets[frame]
    return order, gains


def _torch_seconds(frames: Iterator[Frame], voxel_m: float) -> float:
    """Return the CPU seconds of the straightforward version in PyTorch."""
    import torch

    torch.set_num_threads(1)
    total_s = 0.0
    for depth_m, k, pose in frames:
        start = time.process_time()
        depth = torch.from_numpy(depth_m)
        height, width = depth.shape
        v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        x = (u - k[0, 2]) / k[0, 0] * depth
        y = (v - k[1, 2]) / k[1, 1] * depth
        points = torch.stack([x, y, depth, torch.ones_like(depth)], dim=-1).reshape(-1, 4)
        world = (points @ torch.from_numpy(pose).to(points.dtype).T)[:, :3]
        world = world[torch.isfinite(depth).reshape(-1)]
        torch.unique(torch.round(world / voxel_m).to(torch.int64), dim=0)
        total_s += time.process_time() - start
    return total_s


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    run(main)
