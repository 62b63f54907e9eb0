"""What is drawn of each object: its outline from above, its volume, and gaps between objects.

A backend that knows every triangle that it draws has `DrawnSurfaces`; what they measure goes into
the tables, so that no later stage takes the box around an object for its shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from workflow_scripts.common.records import ObjectRow, SurfaceGapRow, VisibilityRow
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.outline import format_outline
from workflow_scripts.geometry.surface_distance import TriangleTree
from workflow_scripts.geometry.unique_rows import row_keys, unique_rows
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.views.meshes import Mesh

WELD_M = 1e-5
"""Corners of triangles this near to one another are one."""
INSIDE_TOLERANCE_M = 0.015
"""What sticks out of a convex outline by no more than this is inside."""


FILL_PX = 200
"""Side of the picture from above in which it is counted how much of an outline is filled."""


@dataclass(frozen=True)
class AssetShape:
    """What is known of an asset however it is placed upright.

    Volumes are those of the convex hull and of a closed surface, 0 if it is open; parts of a
    closed surface that overlap count twice. `outline_fill` is the share of the convex outline
    seen from above that is drawn over.
    """

    hull_volume_m3: float
    solid_volume_m3: float
    outline_fill: float


def asset_shape(mesh: Mesh) -> AssetShape:
    """Return the shape of an asset's mesh in the object frame."""
    corners = mesh.vertices_m.astype(np.float64)
    hull = _hull(corners)
    triangles = corners[mesh.faces]
    return AssetShape(
        float(hull.volume) if hull else 0.0, _solid_m3(triangles), _outline_fill(triangles)
    )


def _outline_fill(triangles: FloatArray) -> float:
    """Return the share of the convex outline of triangles that they cover, seen from above."""
    level = triangles[..., :2]
    hull = _hull(level.reshape(-1, 2))
    if hull is None:
        return 0.0
    low = level.reshape(-1, 2).min(axis=0)
    side_m = float(np.ptp(level.reshape(-1, 2), axis=0).max())
    px = (level - low) * ((FILL_PX - 1) / side_m)
    covered, outline = (Image.new("1", (FILL_PX, FILL_PX)) for _ in range(2))
    ImageDraw.Draw(outline).polygon(px.reshape(-1, 2)[hull.vertices].ravel().tolist(), fill=1)
    draw = ImageDraw.Draw(covered)
    for corners in px.reshape(-1, 6).tolist():
        draw.polygon(corners, fill=1)
    return float(np.asarray(covered).sum() / np.asarray(outline).sum())


def _hull(points_m: FloatArray) -> ConvexHull | None:
    """Return the convex hull of points [n, d]; None if they are flat."""
    try:
        return ConvexHull(points_m)
    except QhullError:
        return None


def _solid_m3(triangles: FloatArray) -> float:
    """Return the volume inside a closed surface, 0 if an edge has a side without a neighbour."""
    welded = np.round(triangles.reshape(-1, 3) / WELD_M).astype(np.int64)
    number = np.unique(row_keys(welded), return_inverse=True)[1].reshape(-1, 3)
    edges = np.concatenate([number[:, [0, 1]], number[:, [1, 2]], number[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    size = int(number.max()) + 1
    ways = np.sort(edges[:, 0] * size + edges[:, 1])
    back = np.sort(edges[:, 1] * size + edges[:, 0])
    if not np.array_equal(ways, back):
        return 0.0
    a, b, c = np.moveaxis(triangles - triangles.reshape(-1, 3).mean(axis=0), 1, 0)
    return max(float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6), 0.0)


class DrawnSurfaces:
    """The triangles of a house's objects in the world, by instance."""

    def __init__(self, triangles: np.ndarray, instance: np.ndarray) -> None:
        """Sort triangles [f, 3, 3] by their instance [f]."""
        order = np.argsort(instance, kind="stable")
        numbers, starts, counts = np.unique(instance[order], return_index=True, return_counts=True)
        self._objects = {
            number: _DrawnObject(triangles[order[start : start + count]])
            for number, start, count in zip(
                numbers.tolist(), starts.tolist(), counts.tolist(), strict=True
            )
        }

    def __contains__(self, instance: int) -> bool:
        return instance in self._objects

    def outline_m(self, instance: int) -> FloatArray:
        """Return the convex outline [k, 2] seen from above, counter-clockwise."""
        return self._objects[instance].outline_m

    def nearest_m(self, instance: int, point_m: FloatArray) -> float:
        """Return the distance from a point to the nearest point of an object's surface."""
        return self._objects[instance].tree.distance_to_point_m(point_m)

    def gap_m(self, one: int, other: int) -> float:
        """Return the least distance between the surfaces of two objects, 0 where they meet."""
        return self._objects[one].tree.gap_m(self._objects[other].tree)

    def share_inside(self, one: int, other: int) -> float:
        """Return the share of the corners of an object that the hull of another encloses."""
        hull = self._objects[other].hull
        if hull is None:
            return 0.0
        corners = self._objects[one].corners_m
        apart = corners @ hull.equations[:, :3].T + hull.equations[:, 3]
        return float((apart <= INSIDE_TOLERANCE_M).all(axis=1).mean())


class _DrawnObject:
    """The triangles [f, 3, 3] of one object, and what follows from them when it is asked for."""

    def __init__(self, triangles: np.ndarray) -> None:
        self._triangles = triangles.astype(np.float64)

    @cached_property
    def tree(self) -> TriangleTree:
        return TriangleTree.of_triangles(self._triangles)

    @cached_property
    def corners_m(self) -> FloatArray:
        return unique_rows(self._triangles.reshape(-1, 3))

    @cached_property
    def hull(self) -> ConvexHull | None:
        return _hull(self.corners_m)

    @cached_property
    def outline_m(self) -> FloatArray:
        level = self.corners_m[:, :2]
        hull = _hull(level)
        if hull is None:
            return np.stack([level[np.lexsort(level.T)[0]], level[np.lexsort(level.T)[-1]]])
        outline: FloatArray = level[hull.vertices]
        return outline


def with_shape(row: ObjectRow, surfaces: DrawnSurfaces, shape: AssetShape) -> ObjectRow:
    """Return the row of an object with the shape that is drawn of it."""
    outline = format_outline(surfaces.outline_m(row.instance))
    return row.model_copy(update={"outline": outline, **asdict(shape)})


def with_nearest(
    rows: Iterable[VisibilityRow], surfaces: DrawnSurfaces, position_m: FloatArray
) -> list[VisibilityRow]:
    """Return the rows of a view with the distance from the camera to the nearest point of each."""
    return [
        row.model_copy(update={"nearest_m": surfaces.nearest_m(row.instance, position_m)})
        if row.instance in surfaces
        else row
        for row in rows
    ]


def surface_gap_rows(
    objects: Sequence[ObjectRow], visible: Iterable[VisibilityRow], surfaces: DrawnSurfaces
) -> list[SurfaceGapRow]:
    """Return a row for every pair of objects of a scene that a view shows together."""
    row_of = {row.instance: row for row in objects if row.kind == "object"}
    shown: dict[int, list[int]] = {}
    for seen in visible:
        if seen.instance in row_of:
            shown.setdefault(seen.view, []).append(seen.instance)
    pairs = sorted({pair for view in shown.values() for pair in combinations(sorted(view), 2)})
    bounds = {instance: _bounds_m(row) for instance, row in row_of.items()}
    rows = []
    for a, b in pairs:
        (low_a, high_a), (low_b, high_b) = bounds[a], bounds[b]
        overlaps = bool((np.maximum(low_a, low_b) <= np.minimum(high_a, high_b)).all())
        rows.append(
            SurfaceGapRow(
                scene_id=row_of[a].scene_id,
                instance_a=a,
                instance_b=b,
                gap_m=surfaces.gap_m(a, b),
                share_a_in_b=surfaces.share_inside(a, b) if overlaps else 0.0,
                share_b_in_a=surfaces.share_inside(b, a) if overlaps else 0.0,
            )
        )
    return rows


def _bounds_m(row: ObjectRow) -> tuple[FloatArray, FloatArray]:
    corners = box_corners(
        (row.x_m, row.y_m, row.z_m), (row.width_m, row.depth_m, row.height_m), row.yaw_deg
    )
    return corners.min(axis=0), corners.max(axis=0)
