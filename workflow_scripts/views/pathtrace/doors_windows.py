"""Build doors and windows in the frame of their wall: x along it, y into its room, z up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.sources.readers.procthor_house import Opening, Wall
from workflow_scripts.views.meshes import Material, Mesh, merge_meshes
from workflow_scripts.views.pathtrace.mesh_builder import MeshBuilder

Hole = tuple[float, float, float, float]

PAINT = Material(colour=(0.80, 0.79, 0.76), roughness=0.45)
DOOR_PAINT = Material(colour=(0.74, 0.72, 0.68), roughness=0.45)
METAL = Material(colour=(0.55, 0.53, 0.50), roughness=0.3, specular=0.5)
GLASS = Material(colour=(0.92, 0.96, 0.95), roughness=0.05, transmission=0.92)
_CASING_M = 0.06
_CASING_DEPTH_M = 0.016
_JAMB_M = 0.035
_LEAF_DEPTH_M = 0.04


@dataclass(frozen=True)
class WallFrame:
    """Axes of a wall: x from `start_m` to `end_m`, y into the room, z up; right-handed.

    Seen from the room, x runs to the left, so `start_m` may be either end of the wall.
    """

    start_m: np.ndarray
    end_m: np.ndarray
    inward: np.ndarray

    @classmethod
    def of(cls, wall: Wall) -> "WallFrame":
        """Return the frame of a wall."""
        along = wall.end_m - wall.start_m
        if along[0] * wall.inward[1] - along[1] * wall.inward[0] > 0:
            return cls(wall.start_m, wall.end_m, wall.inward)
        return cls(wall.end_m, wall.start_m, wall.inward)

    @property
    def along(self) -> np.ndarray:
        span = self.end_m - self.start_m
        direction: np.ndarray = span / np.linalg.norm(span)
        return direction

    @property
    def world_from_wall(self) -> np.ndarray:
        """Return the pose [4, 4]."""
        pose = np.eye(4)
        pose[:2, 0], pose[:2, 1], pose[:2, 3] = self.along, self.inward, self.start_m
        return pose

    def hole(self, opening: Opening, tolerance_m: float = 0.02) -> Hole | None:
        """Return (u0, v0, u1, v1) of an opening in this frame; None if it is elsewhere."""
        wall = opening.wall0
        u0, v0, u1, v1 = opening.hole_m
        along = (wall.end_m - wall.start_m) / wall.length_m
        ends = np.array([wall.start_m + u * along for u in (u0, u1)]) - self.start_m
        if np.abs(ends @ self.inward).max() > tolerance_m:
            return None
        low, high = sorted(ends @ self.along)
        length = np.linalg.norm(self.end_m - self.start_m)
        if high < tolerance_m or low > length - tolerance_m:
            return None
        return float(low), v0, float(high), v1

    def floor_points(self, points_m: np.ndarray) -> np.ndarray:
        """Return world x, y [n, 2] of points (x, y) [n, 2] in this frame."""
        world: np.ndarray = self.start_m + points_m @ np.stack([self.along, self.inward])
        return world

    def rectangle(self, hole: Hole, *, offset_m: float) -> np.ndarray:
        """Return corner, side and up vectors [3, 3] of a hole in the world."""
        u0, v0, u1, v1 = hole
        corner = self.world_from_wall @ np.array([u0, offset_m, v0, 1.0])
        return np.array([corner[:3], [*(u1 - u0) * self.along, 0.0], [0.0, 0.0, v1 - v0]])


def _add_frame(
    builder: MeshBuilder, hole: Hole, back_m: float, *, jamb_m: float, threshold: bool
) -> None:
    """Line a hole with jambs and put a casing on the wall around it, on both sides."""
    u0, v0, u1, v1 = hole
    front = _CASING_DEPTH_M
    back = back_m - _CASING_DEPTH_M
    sides = [((u0, u0 + jamb_m), (v0, v1)), ((u1 - jamb_m, u1), (v0, v1))]
    sides.append(((u0 + jamb_m, u1 - jamb_m), (v1 - jamb_m, v1)))
    if threshold:
        sides.append(((u0 + jamb_m, u1 - jamb_m), (v0, v0 + jamb_m)))
    for (a, b), (c, d) in sides:
        builder.box((a, back, c), (b, front, d), PAINT)
    edge = 0.002
    low = v0 - _CASING_M if threshold else v0
    casing = [((u0 - _CASING_M, u0 + edge), (low, v1 + _CASING_M))]
    casing.append(((u1 - edge, u1 + _CASING_M), (low, v1 + _CASING_M)))
    casing.append(((u0 + edge, u1 - edge), (v1 - edge, v1 + _CASING_M)))
    if threshold:
        casing.append(((u0 + edge, u1 - edge), (v0 - _CASING_M, v0 + edge)))
    for (a, b), (c, d) in casing:
        builder.box((a, 0.0, c), (b, front + 0.002, d), PAINT)
        builder.box((a, back - 0.002, c), (b, back_m, d), PAINT)


def _leaf_mesh(width_m: float, height_m: float) -> Mesh:
    """Build a panelled door leaf: the hinge line is the z axis, x runs across the leaf."""
    builder = MeshBuilder()
    half = _LEAF_DEPTH_M / 2
    stile = min(0.12, width_m / 5)
    builder.box((0, -half + 0.01, 0.001), (width_m, half - 0.01, height_m), DOOR_PAINT)
    rails = [(0.001, 0.2), (height_m * 0.48, height_m * 0.48 + 0.12), (height_m - 0.12, height_m)]
    for low, high in rails:
        builder.box((stile, -half, low), (width_m - stile, half, high), DOOR_PAINT)
    for low, high in ((0.0, stile), (width_m - stile, width_m)):
        builder.box((low, -half, 0.001), (high, half, height_m), DOOR_PAINT)
    x = width_m - stile / 2
    for sign in (-1, 1):
        plate_y = sorted((sign * half, sign * (half + 0.045)))
        builder.box((x - 0.012, plate_y[0], 0.99), (x + 0.012, plate_y[1], 1.014), METAL)
        bar_y = sorted((sign * (half + 0.035), sign * (half + 0.05)))
        builder.box((x - 0.11, bar_y[0], 0.992), (x + 0.012, bar_y[1], 1.012), METAL)
    return builder.mesh()


@dataclass(frozen=True)
class DoorLeaf:
    """A door leaf from above: hinge (x, y), width and angle in radians, in the wall's frame."""

    hinge_m: tuple[float, float]
    width_m: float
    angle_rad: float

    @property
    def segment_m(self) -> np.ndarray:
        """Return hinge and free edge [2, 2]."""
        hinge = np.array(self.hinge_m)
        return np.stack([hinge, hinge + self.width_m * self._along])

    @property
    def _along(self) -> np.ndarray:
        return np.array([np.cos(self.angle_rad), np.sin(self.angle_rad)])

    @property
    def wall_from_leaf(self) -> np.ndarray:
        """Return the pose [4, 4]."""
        pose = np.eye(4)
        pose[:2, 0] = self._along
        pose[:2, 1] = [-np.sin(self.angle_rad), np.cos(self.angle_rad)]
        pose[:2, 3] = self.hinge_m
        return pose


def door_leaves(
    asset_id: str, hole: Hole, back_m: float, openness: float, *, hinge_at_high_u: bool
) -> list[DoorLeaf]:
    """Return the leaves of a door; they swing into the room by 90 degrees times `openness`.

    Assets called "Doorframe..." have no leaf, "...Double..." have two.
    """
    if asset_id.startswith("Doorframe"):
        return []
    openness = min(max(openness, 0.0), 1.0)
    closed = openness < 0.01
    gap = _leaf_gap_m(openness)
    low, high = hole[0] + _JAMB_M + gap, hole[2] - _JAMB_M - gap
    double = "Double" in asset_id
    width = (high - low) / 2 - gap / 2 if double else high - low
    y = back_m / 2 if closed else 0.0
    at_low = DoorLeaf((low, y), width, np.pi / 2 * openness)
    at_high = DoorLeaf((high, y), width, np.pi - np.pi / 2 * openness)
    if double:
        return [at_low, at_high]
    return [at_high if hinge_at_high_u else at_low]


def _leaf_gap_m(openness: float) -> float:
    """Return the gap of a leaf; a closed one overlaps the jambs, so that no daylight shows."""
    return -0.002 if openness < 0.01 else 0.003


def door(hole: Hole, back_m: float, openness: float, leaves: Sequence[DoorLeaf]) -> Mesh:
    """Build the frame of a door and its leaves."""
    builder = MeshBuilder()
    _add_frame(builder, hole, back_m, jamb_m=_JAMB_M, threshold=False)
    u0, v0, u1, v1 = hole
    if back_m < -0.02:
        # The room's floor ends at the face of the wall; the threshold spans its thickness.
        builder.box((u0, back_m, v0 - 0.02), (u1, 0.012, v0 + 0.004), PAINT)
    meshes = [builder.mesh()]
    height_m = v1 - v0 - _JAMB_M - _leaf_gap_m(openness)
    for leaf in leaves:
        pose = leaf.wall_from_leaf
        pose[2, 3] = v0
        meshes.append(_leaf_mesh(leaf.width_m, height_m).transformed(pose))
    return merge_meshes(meshes)


def window(asset_id: str, hole: Hole, back_m: float) -> Mesh:
    """Build frame, sash bars and glass; the bars follow the kind in the asset's name."""
    builder = MeshBuilder()
    border = 0.045
    _add_frame(builder, hole, back_m, jamb_m=border, threshold=True)
    u0, v0, u1, v1 = hole
    middle = back_m / 2 if back_m < -0.02 else 0.0
    bar_y = 0.018
    inside = (u0 + border, v0 + border, u1 - border, v1 - border)
    if "Hung" in asset_id:
        z = (v0 + v1) / 2
        builder.box(
            (inside[0], middle - 0.02, z - bar_y), (inside[2], middle + 0.02, z + bar_y), PAINT
        )
    parts = 2 if "Slider" in asset_id else 3 if "Bay" in asset_id or u1 - u0 > 1.6 else 1
    for part in range(1, parts):
        x = u0 + (u1 - u0) * part / parts
        builder.box(
            (x - bar_y, middle - 0.018, inside[1]), (x + bar_y, middle + 0.018, inside[3]), PAINT
        )
    corners = [(inside[0], middle, inside[1]), (inside[0], middle, inside[3])]
    corners += [(inside[2], middle, inside[3]), (inside[2], middle, inside[1])]
    builder.quad(np.array(corners), np.zeros((4, 2)), GLASS)
    sill = 0.03
    builder.box(
        (u0 - _CASING_M, 0.0, v0 - 0.03),
        (u1 + _CASING_M, _CASING_DEPTH_M + sill, v0 + 0.004),
        PAINT,
    )
    return builder.mesh()
