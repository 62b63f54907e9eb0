"""Time token coordinates and object patches against plain versions in PyTorch; one core.

Run from the repository: `python -m benchmarks.token_coordinates`. Depth is that of a camera that
turns in an empty room with boxes in it. CPU seconds, the least of some rounds.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.figures import Figure, report_figures
from benchmarks.frame_selection import ROOM_M, room_frames
from workflow_scripts.common.cli import run
from workflow_scripts.models.video.object_patches import find_object_patches
from workflow_scripts.models.video.token_coordinates import (
    TokenGrid,
    token_coordinates,
    token_grid,
)


def main(
    *,
    frames: int = 32,
    width_px: int = 640,
    height_px: int = 480,
    side: int = 27,
    proposals: int = 50,
    rounds: int = 3,
) -> None:
    """Print each figure beside its goal.

    Args:
        frames: frames of the scan.
        width_px: width of a depth map.
        height_px: height of a depth map.
        side: tokens in a row and in a column of a frame.
        proposals: boxes.
        rounds: of which the fastest counts.
    """
    import torch

    torch.set_num_threads(1)
    parts = list(zip(*room_frames(frames, width_px, height_px), strict=True))
    geometry = tuple(np.array(part) for part in parts)
    # The square in the middle, as published; PyTorch's version then has windows of one size.
    pixels = min(width_px, height_px) // side * side
    left = (width_px - pixels) // 2
    grid = token_grid((left, 0, left + pixels, pixels), rows=side, columns=side)
    rng = np.random.default_rng(0)
    sizes = rng.uniform(0.3, 2.0, (proposals, 3))
    boxes = np.column_stack([rng.uniform(0, 1, (proposals, 3)) * ROOM_M, sizes])
    names = ("coordinates of tokens", "patches of objects")
    ours: list[Callable[[], Any]] = [
        lambda: token_coordinates(*geometry, grid),
        lambda: find_object_patches(*geometry, grid, boxes),
    ]
    plain: list[Callable[[], Any]] = [
        lambda: torch_token_coordinates(*geometry, grid),
        lambda: torch_object_patches(*geometry, grid, boxes),
    ]
    figures = []
    for name, fast, slow in zip(names, ours, plain, strict=True):
        fast()  # loads the compiled code
        fast_s, slow_s = _seconds(fast, rounds), _seconds(slow, rounds)
        figures.append(
            Figure(
                f"{name}, {frames} frames of {width_px} x {height_px}, of PyTorch's rate",
                f"{slow_s / fast_s:.1f}",
                f"goal: at least 3; {fast_s * 1e3:.0f} against {slow_s * 1e3:.0f} CPU ms",
            )
        )
    report_figures("token_coordinates", figures)


def _seconds(function: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def _torch_points(depth_m: Any, k: np.ndarray, pose: np.ndarray, *, exact: bool) -> tuple[Any, Any]:
    """Return the world points [height, width, 3] of a frame, and which are valid."""
    import torch

    depth = torch.from_numpy(np.asarray(depth_m, np.float32))
    depth = depth.double() if exact else depth
    height, width = depth.shape
    v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    is_valid = torch.isfinite(depth) & (depth > 0)
    depth = torch.where(is_valid, depth, 0.0)
    x = (u - k[0, 2]) / k[0, 0] * depth
    y = (v - k[1, 2]) / k[1, 1] * depth
    points = torch.stack([x, y, depth, torch.ones_like(depth)], dim=-1)
    matrix = torch.from_numpy(np.asarray(pose, np.float64)).to(points.dtype)
    return (points @ matrix.T)[..., :3], is_valid


def _window_sums(values: Any, grid: TokenGrid) -> Any:
    """Return the sums over each token's pixels [rows, columns, channels]."""
    import torch
    from torch.nn import functional

    top, left = int(grid.row_starts[0]), int(grid.column_starts[0])
    heights, widths = np.diff(grid.row_starts), np.diff(grid.column_starts)
    height, width = int(heights[0]), int(widths[0])
    inner = values[top : int(grid.row_starts[-1]), left : int(grid.column_starts[-1])]
    if (heights == height).all() and (widths == width).all():
        image = inner.permute(2, 0, 1)[None]
        pooled = functional.avg_pool2d(image, (height, width)) * (height * width)
        return pooled[0].permute(1, 2, 0)
    rows = [torch.full((int(size),), at) for at, size in enumerate(heights)]
    columns = [torch.full((int(size),), at) for at, size in enumerate(widths)]
    token = torch.cat(rows)[:, None] * grid.columns + torch.cat(columns)
    sums = torch.zeros(grid.num_tokens, values.shape[-1], dtype=values.dtype)
    sums.index_add_(0, token.reshape(-1), inner.reshape(-1, values.shape[-1]))
    return sums.reshape(grid.rows, grid.columns, -1)


def torch_token_coordinates(
    depth_m: np.ndarray,
    intrinsics: np.ndarray,
    poses: np.ndarray,
    grid: TokenGrid,
    *,
    exact: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean points [frames, rows, columns, 3] and validity, by a point per pixel.

    `exact` computes in float64, which is slower.
    """
    import torch

    xyz, validity = [], []
    for depth, k, pose in zip(depth_m, intrinsics, poses, strict=True):
        points, is_valid = _torch_points(depth, k, pose, exact=exact)
        points = torch.where(is_valid[..., None], points, 0.0)
        values = torch.cat([points, is_valid[..., None].to(points.dtype)], dim=-1)
        sums = _window_sums(values, grid)
        total = _window_sums(torch.ones_like(values[..., :1]), grid)
        xyz.append((sums[..., :3] / sums[..., 3:]).float().numpy())
        validity.append((sums[..., 3:] / total)[..., 0].float().numpy())
    return np.array(xyz), np.array(validity)


def torch_object_patches(
    depth_m: np.ndarray,
    intrinsics: np.ndarray,
    poses: np.ndarray,
    grid: TokenGrid,
    boxes: np.ndarray,
    *,
    share: float = 0.5,
    exact: bool = False,
) -> np.ndarray:
    """Return pairs of patch and proposal i64 [pairs, 2], by every pixel and every box.

    `exact` computes in float64, which is slower.
    """
    import torch

    kind = torch.float64 if exact else torch.float32
    low = torch.from_numpy(boxes[:, :3] - boxes[:, 3:] / 2).to(kind)
    high = torch.from_numpy(boxes[:, :3] + boxes[:, 3:] / 2).to(kind)
    found = []
    for frame, (depth, k, pose) in enumerate(zip(depth_m, intrinsics, poses, strict=True)):
        points, is_valid = _torch_points(depth, k, pose, exact=exact)
        total = _window_sums(torch.ones(*points.shape[:2], 1), grid)[..., 0]
        masks = [
            ((points >= low[box]) & (points <= high[box])).all(dim=-1) & is_valid
            for box in range(len(boxes))
        ]
        counts = _window_sums(torch.stack(masks, dim=-1).float(), grid)
        is_shown = counts.round() >= torch.ceil(total.round() * share)[..., None].clamp(min=1)
        pairs = is_shown.reshape(grid.num_tokens, -1).nonzero().numpy()
        found.append(pairs + np.array([frame * grid.num_tokens, 0]))
    return np.concatenate(found)


if __name__ == "__main__":
    run(main)
