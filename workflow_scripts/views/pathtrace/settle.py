"""Set objects down onto the drawn surface of what they stand on.

A house file has the heights of its simulator's furniture, whose seats, mattresses and boards are
not where the furniture drawn here has them. An object moves up or down, never sideways, to the
nearest surface of its parent that carries its base and has room for it. Where another object is
there already, it stands on that one: what was stacked stays so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPoint
from shapely.geometry.base import BaseGeometry

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.views.meshes import Mesh

TOLERANCE_M = 0.01
"""A smaller distance between an object and its surface is left as it is."""
MAX_UP_M, MAX_DOWN_M = 0.25, 0.5
"""Reach of a move; down it has no end beside the back of a seat or the headboard of a bed."""
MAX_UP_ON_SIBLING_M = 0.05
BASE_M = 0.015
"""The base of an object is what is drawn within this of its lowest point."""
MAX_CORNERS = 12
STEP_M = 0.005
"""Heights of surfaces that are tried."""
MIN_ROOM_M = 0.05
"""Less room above a surface is that inside a seat or between a board and its frame."""
MIN_SUPPORT_SHARE = 0.3
MAX_BLOCKED_SHARE = 0.25


@dataclass(frozen=True)
class Placement:
    """How an object meets its parent: the fields of these names in `ObjectRow`."""

    moved_z_m: float
    contact: Literal["", "carried", "unclear"]
    support_z_m: float = 0.0


@dataclass(frozen=True)
class _Body:
    """What a sibling takes up: its outline from above, its heights, and its triangles.

    `moved_m` is how far above its place in the house file that is.
    """

    outline: BaseGeometry
    low_m: float
    high_m: float
    triangles: FloatArray
    moved_m: float


def settle_children(
    children: Mapping[str, Sequence[str]], meshes: Mapping[str, Mesh]
) -> dict[str, Placement]:
    """Return the placement of every object that stands on another.

    Args:
        children: for each object's id the ids of its children; parents come before them.
        meshes: what is drawn of each object, in the world, where the house file has it.
    """
    placements: dict[str, Placement] = {}
    for parent, child_ids in children.items():
        before = placements.get(parent, Placement(0.0, "")).moved_z_m
        surface = meshes[parent].vertices_m[meshes[parent].faces].astype(np.float64)
        surface[..., 2] += before
        placed: list[_Body] = []
        for child in sorted(child_ids, key=lambda name: float(meshes[name].bounds_m[0][2])):
            points = meshes[child].vertices_m.astype(np.float64)
            points[:, 2] += before
            height, contact = _support_height_m(points, surface, placed)
            bottom = float(points[:, 2].min())
            step = 0.0 if height is None or abs(height - bottom) <= TOLERANCE_M else height - bottom
            support_m = height if height is not None and contact == "carried" else 0.0
            placements[child] = Placement(before + step, contact, support_m)
            points[:, 2] += step
            placed.append(_body(points, meshes[child].faces, step))
    return placements


def _support_height_m(
    points: FloatArray, surface: FloatArray, placed: Sequence[_Body]
) -> tuple[float | None, Literal["", "carried", "unclear"]]:
    """Return the height that an object goes to, None if it stays, and its contact there.

    On a sibling its contact with the parent is unclear.
    """
    bottom, top = float(points[:, 2].min()), float(points[:, 2].max())
    if bottom <= surface[..., 2].min() + 2 * TOLERANCE_M:
        return None, ""
    base = points[points[:, 2] <= bottom + BASE_M, :2]
    under_base = _heights_m(surface[_face_up(surface)], _within(base))
    over_all = _heights_m(surface, _within(points[:, :2]))
    found = under_base[np.isfinite(under_base)]
    deepest = -np.inf if _is_beside_back(bottom, surface, over_all) else bottom - MAX_DOWN_M
    near = found[(found <= bottom + MAX_UP_M) & (found >= deepest)]
    heights = set((np.ceil(near / STEP_M) * STEP_M).tolist())
    needed = max(0.9 * (top - bottom), MIN_ROOM_M)
    for height in sorted(heights, key=lambda value: abs(value - bottom)):
        carries = (under_base <= height) & (under_base > height - BASE_M)
        blocks = (over_all > height + TOLERANCE_M) & (over_all < height + needed)
        if (
            carries.any(axis=1).mean() >= MIN_SUPPORT_SHARE
            and blocks.any(axis=1).mean() <= MAX_BLOCKED_SHARE
        ):
            is_there = abs(height - bottom) <= TOLERANCE_M + STEP_M
            siblings = [] if is_there else _colliding(points, height - bottom, placed)
            if siblings:
                return _height_on_m(siblings, points), "unclear"
            return float(under_base[carries].max()), "carried"
    return None, "unclear"


def _face_up(triangles: FloatArray) -> NDArray[np.bool_]:
    ab, ac = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return np.asarray(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] > 0)


def _within(points: FloatArray) -> FloatArray:
    """Return points [n, 2] spread over the outline of points."""
    hull = MultiPoint(points).convex_hull
    corners = np.asarray(
        hull.exterior.coords if hull.geom_type == "Polygon" else hull.coords, dtype=np.float64
    )
    corners = corners[:: max(1, len(corners) // MAX_CORNERS)]
    centre = corners.mean(axis=0)
    return np.concatenate([centre + share * (corners - centre) for share in (0.2, 0.5, 0.8)])


def _heights_m(triangles: FloatArray, points: FloatArray) -> FloatArray:
    """Return the heights [n, f] at which a vertical line through each point meets triangles."""
    low, high = points.min(axis=0), points.max(axis=0)
    flat = triangles[..., :2]
    near = (flat.max(axis=1) >= low).all(axis=1) & (flat.min(axis=1) <= high).all(axis=1)
    a, b, c = np.moveaxis(triangles[near], 1, 0)
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    level = np.abs(area) > 1e-10
    a, ab, ac, area = a[level], ab[level], ac[level], area[level]
    offset = points[:, None, :] - a[None, :, :2]
    u = (offset[..., 0] * ac[:, 1] - offset[..., 1] * ac[:, 0]) / area
    v = (offset[..., 1] * ab[:, 0] - offset[..., 0] * ab[:, 1]) / area
    hit = (u >= 0) & (v >= 0) & (u + v <= 1)
    heights: FloatArray = np.where(hit, a[:, 2] + u * ab[:, 2] + v * ac[:, 2], np.nan)
    return heights


def _is_beside_back(bottom: float, surface: FloatArray, over_all: FloatArray) -> bool:
    """Say whether the parent reaches up to an object and has nothing above it."""
    nothing_above = not (over_all > bottom + MAX_UP_M).any()
    return bool(nothing_above and bottom <= surface[..., 2].max() + TOLERANCE_M)


def _body(points: FloatArray, faces: NDArray[np.integer], moved_m: float) -> _Body:
    outline = MultiPoint(points[:, :2]).convex_hull
    low_m, high_m = float(points[:, 2].min()), float(points[:, 2].max())
    return _Body(outline, low_m, high_m, points[faces], moved_m)


def _colliding(points: FloatArray, step_m: float, others: Sequence[_Body]) -> list[_Body]:
    """Return which bodies an object would share space with after a step up.

    Those that it shares space with in the house file (a pillow that leans on a box) do not count.
    """
    outline = MultiPoint(points[:, :2]).convex_hull
    low_m, high_m = float(points[:, 2].min()), float(points[:, 2].max())
    colliding = []
    for other in others:
        before, after = (
            min(high_m + up, other.high_m + other_up) - max(low_m + up, other.low_m + other_up)
            for up, other_up in ((0.0, -other.moved_m), (step_m, 0.0))
        )
        smaller = min(outline.area, other.outline.area)
        overlaps = outline.intersection(other.outline).area > 0.1 * smaller
        if overlaps and after > TOLERANCE_M and before <= TOLERANCE_M:
            colliding.append(other)
    return colliding


def _height_on_m(siblings: Sequence[_Body], points: FloatArray) -> float | None:
    """Return the height at which an object stands on its siblings, None if that is too far up."""
    bottom = float(points[:, 2].min())
    under = [_heights_m(body.triangles, _within(points[:, :2])) for body in siblings]
    heights = [float(np.nanmax(height)) for height in under if np.isfinite(height).any()]
    height = max(heights, default=np.inf)
    return height if height <= bottom + MAX_UP_ON_SIBLING_M else None
