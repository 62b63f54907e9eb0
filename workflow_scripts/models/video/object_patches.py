"""Which patches of the frames show which proposal: most of their pixels lie in its box."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.models.video.token_coordinates import TokenGrid, world_from_pixel


@dataclass(frozen=True)
class ObjectPatches:
    """Pairs of a patch and a proposal that it shows, by patch.

    Attributes:
        patch: i64 [pairs], frame * patches of a frame + row * columns + column.
        proposal: i64 [pairs], row of the boxes.
        num_proposals: Of all boxes, also those that no patch shows.
    """

    patch: np.ndarray
    proposal: np.ndarray
    num_proposals: int

    @property
    def num_patches(self) -> np.ndarray:
        """Return i64 [proposals]: how many patches show each proposal."""
        return np.bincount(self.proposal, minlength=self.num_proposals)


def find_object_patches(
    depth_m: np.ndarray,
    intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
    grid: TokenGrid,
    boxes: np.ndarray,
    *,
    share: float = 0.5,
) -> ObjectPatches:
    """Find the patches at least a share of whose pixels have their point in a box.

    Pixels without depth lie in no box. A patch may show several proposals.

    Args:
        depth_m: f32 [frames, height, width], planar; NaN, infinite or not positive is none.
        intrinsics: [frames, 3, 3], of the depth maps.
        world_from_camera: [frames, 4, 4].
        grid: The patches' pixels.
        boxes: [proposals, 6], axis-aligned: centre x, y, z, size x, y, z in metres.
        share: Of a patch's pixels.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 6)
    low, high = boxes[:, :3] - boxes[:, 3:] / 2, boxes[:, :3] + boxes[:, 3:] / 2
    depth = np.ascontiguousarray(depth_m, np.float32)
    matrices, is_usable = world_from_pixel(intrinsics, world_from_camera)
    pixels = np.diff(grid.row_starts)[:, None] * np.diff(grid.column_starts)[None, :]
    needed = np.maximum(np.ceil(pixels * share - 1e-9), 1).astype(np.int64)
    is_shown = np.zeros((len(depth), grid.num_tokens, len(boxes)), np.bool_)
    if len(boxes) and len(depth):
        buffer = np.empty((max(int(pixels.max()), 1), 3))
        _mark_patches(
            depth,
            matrices,
            is_usable,
            grid.row_starts,
            grid.column_starts,
            needed,
            low,
            high,
            buffer,
            is_shown,
        )
    patch, proposal = np.nonzero(is_shown.reshape(len(depth) * grid.num_tokens, len(boxes)))
    return ObjectPatches(patch, proposal, len(boxes))


def mean_patch_features(
    features: torch.Tensor, patch: torch.Tensor, proposal: torch.Tensor, *, num_objects: int
) -> torch.Tensor:
    """Return the mean features f32 [proposals, width] of the patches that show each proposal.

    Zeros where none does (`ObjectPatches.num_patches` says which).

    Args:
        features: [patches of all frames, width].
        patch: i64 [pairs], rows of `features`.
        proposal: i64 [pairs].
        num_objects: Number of proposals.
    """
    shown = features[patch].float()
    sums = shown.new_zeros(num_objects, shown.shape[1]).index_add(0, proposal, shown)
    counts = torch.bincount(proposal, minlength=num_objects).clamp(min=1)
    return sums / counts[:, None]


@numba_kernel
def _mark_patches(
    depth_m: np.ndarray,
    matrices: np.ndarray,
    is_usable: np.ndarray,
    row_starts: np.ndarray,
    column_starts: np.ndarray,
    needed: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    points: np.ndarray,
    is_shown: np.ndarray,
) -> None:
    height, width = depth_m.shape[1], depth_m.shape[2]
    columns = len(column_starts) - 1
    for frame in range(depth_m.shape[0]):
        if not is_usable[frame]:
            continue
        m = matrices[frame]
        for row in range(len(row_starts) - 1):
            for column in range(columns):
                count = 0
                x0, y0, z0 = math.inf, math.inf, math.inf
                x1, y1, z1 = -math.inf, -math.inf, -math.inf
                for v in range(max(row_starts[row], 0), min(row_starts[row + 1], height)):
                    # World coordinates are affine in the column.
                    x_v = m[0, 1] * (v + 0.5) + m[0, 2]
                    y_v = m[1, 1] * (v + 0.5) + m[1, 2]
                    z_v = m[2, 1] * (v + 0.5) + m[2, 2]
                    for u in range(
                        max(column_starts[column], 0), min(column_starts[column + 1], width)
                    ):
                        d = float(depth_m[frame, v, u])
                        if d > 0.0 and d < math.inf:
                            x = (m[0, 0] * (u + 0.5) + x_v) * d + m[0, 3]
                            y = (m[1, 0] * (u + 0.5) + y_v) * d + m[1, 3]
                            z = (m[2, 0] * (u + 0.5) + z_v) * d + m[2, 3]
                            points[count, 0] = x
                            points[count, 1] = y
                            points[count, 2] = z
                            count += 1
                            x0, y0, z0 = min(x0, x), min(y0, y), min(z0, z)
                            x1, y1, z1 = max(x1, x), max(y1, y), max(z1, z)
                if count < needed[row, column]:
                    continue
                for box in range(len(low)):
                    # Most boxes are elsewhere: the points' own bounds decide without a loop.
                    if (
                        x0 > high[box, 0]
                        or x1 < low[box, 0]
                        or y0 > high[box, 1]
                        or y1 < low[box, 1]
                        or z0 > high[box, 2]
                        or z1 < low[box, 2]
                    ):
                        continue
                    inside = 0
                    for point in range(count):
                        x, y, z = points[point, 0], points[point, 1], points[point, 2]
                        if (
                            low[box, 0] <= x <= high[box, 0]
                            and low[box, 1] <= y <= high[box, 1]
                            and low[box, 2] <= z <= high[box, 2]
                        ):
                            inside += 1
                    is_shown[frame, row * columns + column, box] = inside >= needed[row, column]
