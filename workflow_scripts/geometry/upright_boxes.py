"""Upright boxes, many at a time: corners, extents along axes, gaps between all pairs.

A box is a centre [n, 3] and size [n, 3] in metres and a yaw [n] in degrees, counter-clockwise
about +Z; its footprint is the turned rectangle that it covers seen from above.
"""

import numpy as np
from numpy.typing import ArrayLike

from workflow_scripts.geometry.cameras import FloatArray

_UNIT_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2.0
_FOOTPRINT = _UNIT_CORNERS[[0, 2, 6, 4], :2]


def footprint_axes(yaw_deg: FloatArray) -> FloatArray:
    """Return the horizontal unit vectors [n, 2 (x axis, y axis of the box), 2] of boxes."""
    yaw = np.deg2rad(yaw_deg)
    axes = np.empty((*yaw.shape, 2, 2))
    axes[..., 0, 0] = axes[..., 1, 1] = np.cos(yaw)
    axes[..., 0, 1] = np.sin(yaw)
    axes[..., 1, 0] = -axes[..., 0, 1]
    return axes


def box_corners(centre_m: ArrayLike, size_m: ArrayLike, yaw_deg: ArrayLike) -> FloatArray:
    """Return the corners [..., 8, 3] of boxes with centre and size [..., 3] and yaw [...].

    The signs of the corners along the box's axes are (-, -, -), (-, -, +), (-, +, -) and so on.
    """
    offsets = _UNIT_CORNERS * np.asarray(size_m, dtype=np.float64)[..., None, :]
    axes = footprint_axes(np.asarray(yaw_deg, dtype=np.float64))
    horizontal = np.einsum("...ka,...ax->...kx", offsets[..., :2], axes)
    corners = np.concatenate([horizontal, offsets[..., 2:]], axis=-1)
    return corners + np.asarray(centre_m, dtype=np.float64)[..., None, :]


def distance_to_point_m(
    centre_m: FloatArray, size_m: FloatArray, yaw_deg: FloatArray, point_m: FloatArray
) -> FloatArray:
    """Return the distances [n] from a point [3] to boxes, 0 inside."""
    offset = point_m - centre_m
    horizontal = np.einsum("nax,nx->na", footprint_axes(yaw_deg), offset[:, :2])
    in_box_frame = np.concatenate([horizontal, offset[:, 2:]], axis=-1)
    result: FloatArray = np.linalg.norm(np.maximum(np.abs(in_box_frame) - size_m / 2, 0.0), axis=-1)
    return result


def box_gaps_m(centre_m: FloatArray, size_m: FloatArray, yaw_deg: FloatArray) -> FloatArray:
    """Return the least distances [n, n] between boxes, 0 where they touch or overlap.

    As all stand upright, a gap is made of the distance between two footprints and the vertical
    gap between bottoms and tops.
    """
    vertical = np.abs(centre_m[:, None, 2] - centre_m[None, :, 2])
    vertical -= (size_m[:, None, 2] + size_m[None, :, 2]) / 2
    gaps = np.hypot(footprint_gaps_m(centre_m, size_m, yaw_deg), np.maximum(vertical, 0.0))
    np.fill_diagonal(gaps, 0.0)
    return gaps


def footprint_gaps_m(centre_m: FloatArray, size_m: FloatArray, yaw_deg: FloatArray) -> FloatArray:
    """Return the least horizontal distances [n, n] between footprints, 0 where they overlap.

    Two rectangles are apart if an axis of one of them separates them; their distance is then
    from a corner of one to the other.
    """
    axes = footprint_axes(yaw_deg)
    half = size_m[:, :2] / 2
    corners = np.einsum("nka,nax->nkx", _FOOTPRINT * size_m[:, None, :2], axes)
    corners = corners + centre_m[:, None, :2]
    # [i, j, k, a]: corner k of box j along axis a of box i, from the centre of box i.
    relative = corners[None] - centre_m[:, None, None, :2]
    in_box_frame = np.einsum("ijkx,iax->ijka", relative, axes)
    outside = np.maximum(np.abs(in_box_frame) - half[:, None, None], 0.0)
    distance = np.sqrt((outside**2).sum(axis=-1)).min(axis=-1)
    is_separated = (
        (in_box_frame.min(axis=2) > half[:, None]) | (in_box_frame.max(axis=2) < -half[:, None])
    ).any(axis=-1)
    distance = np.minimum(distance, distance.T)
    return np.where(is_separated | is_separated.T, distance, 0.0)


def enclosing_upright_box(
    centre_m: FloatArray, size_m: FloatArray, rotation: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return centre [3], size [3] and yaw in degrees of the upright box around an oriented one.

    Columns of `rotation` [3, 3] are the box's axes; left-handed ones are allowed. The axis that is
    nearest to the vertical becomes the height; a box that stands upright is returned as it is.
    """
    axes = np.asarray(rotation, dtype=np.float64)
    vertical = int(np.argmax(np.abs(axes[2])))
    first = axes[:, [1, 2, 0][vertical]] if vertical != 2 else axes[:, 0]
    yaw_deg = float(np.rad2deg(np.arctan2(first[1], first[0])))
    corners = (_UNIT_CORNERS * np.asarray(size_m)) @ axes.T
    turned = np.concatenate(
        [corners[:, :2] @ footprint_axes(np.array(yaw_deg)).T, corners[:, 2:]], axis=-1
    )
    return np.array(centre_m, dtype=np.float64), np.ptp(turned, axis=0), yaw_deg
