"""Boxes along the axes of the world: centre x, y, z and size x, y, z in metres, f64 [n, 6]."""

import numpy as np
from numpy.typing import ArrayLike

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.upright_boxes import box_corners

# Keeps the quotient defined, as published.
_SMALL = 1e-8


def aligned_boxes(centre_m: ArrayLike, size_m: ArrayLike, yaw_deg: ArrayLike) -> FloatArray:
    """Return the aligned boxes [n, 6] around upright ones of centre and size [n, 3] and yaw [n]."""
    corners = box_corners(centre_m, size_m, yaw_deg)
    low, high = corners.min(axis=-2), corners.max(axis=-2)
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def box_iou(
    boxes: FloatArray, others: FloatArray, *, added_volume_m3: float = _SMALL
) -> FloatArray:
    """Return the IoU [n, m] of aligned boxes [n, 6] and [m, 6].

    As published, a small volume is added to the union; without it the IoU is exact, and 0 where
    both boxes have no volume.
    """
    low = np.maximum(_corner(boxes, -1)[:, None], _corner(others, -1)[None])
    high = np.minimum(_corner(boxes, 1)[:, None], _corner(others, 1)[None])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    volumes = boxes[:, 3:].prod(axis=1)[:, None] + others[:, 3:].prod(axis=1)[None]
    union = volumes - shared + added_volume_m3
    iou: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def _corner(boxes: FloatArray, sign: int) -> FloatArray:
    return boxes[:, :3] + sign * boxes[:, 3:] / 2
