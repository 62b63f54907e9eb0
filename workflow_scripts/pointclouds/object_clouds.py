"""Which pixels of a view show an object's surface: masks and depth, cleaned, as one cloud each.

Depth that is not exact is cut where it lies: at the mask's border, on ramps between two surfaces
(mixed pixels), where the confidence is low, in sparse strays and in all but the largest cluster.
All objects of a view are cleaned at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.pointclouds.depth_error import DepthErrorModel

MIN_POINTS = 16
STEEPEST_RAMP_TAN = 5.0
"""Depth that changes faster than this per unit across the line of sight is no surface (79 deg)."""
CLUSTER_M, CLUSTER_SHARE, CLUSTER_PX = 0.2, 0.15, 4.0
"""Reach of the clustering: metres, or a fraction of the object's size in the image (the shade and
the pole of a lamp are apart), or pixels where those are wider apart than that."""
CLUSTER_POINTS, LINE_SHARE = 8, 0.5
"""A point with fewer points within reach is a stray: eight, or a quarter of what a line of single
pixels has, which is what a chair's leg is from afar."""
OCCLUDER_M = 0.05
OCCLUDED_SHARE = 0.08
OUTERMOST_PX, OUTERMOST_SHARE = 2, 0.5
"""An end of the mask is covered if half of its outermost rows' outline is."""


@dataclass(frozen=True, eq=False)
class ObjectClouds:
    """Points of n objects laid one after the other, and what the picture says about each.

    `point_m` f64 [p, 3] in the gravity-aligned frame, `depth_m` [p] planar; the points of object i
    are `start[i]:start[i + 1]`. `border_px`: by how much the cleaned mask lies inside the true
    outline. `lost_px` [n, 2]: by how many pixels more, across and down, the mask reaches further
    than the points. An object with fewer than `MIN_POINTS` points has none, and a reason.
    """

    instance: np.ndarray
    point_m: np.ndarray
    depth_m: np.ndarray
    start: np.ndarray
    pixels: np.ndarray
    box_px: np.ndarray
    truncated: np.ndarray
    occluded: np.ndarray
    reason: tuple[str, ...]
    border_px: float
    lost_px: np.ndarray


def object_clouds(
    depth_m: np.ndarray,
    instance: np.ndarray,
    camera: Camera,
    wanted_instances: Sequence[int],
    *,
    error: DepthErrorModel,
    confidence: np.ndarray | None = None,
    min_confidence: float = 0.0,
) -> ObjectClouds:
    """Return the clean points of the wanted instances of a view, in the order of `wanted`.

    `depth_m` f32 [h, w], `instance` u16 [h, w], `confidence` [h, w] of an estimator. A wanted
    instance without a pixel gets a reason like any other.
    """
    height, width = depth_m.shape
    slot = np.full(max(int(instance.max(initial=0)), *wanted_instances, 0) + 1, -1, np.int32)
    slot[list(wanted_instances)] = np.arange(len(wanted_instances), dtype=np.int32)
    owner = slot[instance]
    number = len(wanted_instances)
    with np.errstate(invalid="ignore"):
        has_depth = (owner >= 0) & np.isfinite(depth_m) & (depth_m > 0)
    rows, columns = np.nonzero(owner >= 0)
    box_px = _boxes_px(owner[rows, columns], rows, columns, number)
    keep = has_depth.copy()
    if confidence is not None:
        keep &= confidence >= min_confidence
    if not error.is_exact:
        keep &= _erode_masks(owner)
        keep &= ~_mixed_pixels(depth_m, focal_px=float(camera.intrinsics[0, 0]))
    pixel = np.flatnonzero(keep)
    pixel = pixel[np.argsort(owner.ravel()[pixel], kind="stable")]
    point_owner = owner.ravel()[pixel]
    depth = depth_m.ravel()[pixel].astype(np.float64)
    points = _back_project_pixels(pixel, depth, camera)
    if not error.is_exact and len(pixel):
        in_cluster = _largest_clusters(points, point_owner, depth, camera, box_px)
        pixel, point_owner, depth, points = (
            pixel[in_cluster],
            point_owner[in_cluster],
            depth[in_cluster],
            points[in_cluster],
        )
    counts = np.bincount(point_owner, minlength=number)
    pixels = np.bincount(owner.ravel()[owner.ravel() >= 0], minlength=number)
    with_depth = np.bincount(owner[has_depth], minlength=number)
    has_too_few = counts < MIN_POINTS
    cut_px = 0 if error.is_exact else 1
    shrink_px = np.abs(_boxes_px(point_owner, *np.divmod(pixel, width), number) - box_px)
    lost_px = np.maximum(shrink_px[:, :2], shrink_px[:, 2:]) - cut_px
    kept = ~has_too_few[point_owner]
    return ObjectClouds(
        instance=np.asarray(wanted_instances, dtype=np.int64),
        point_m=points[kept],
        depth_m=depth[kept],
        start=np.concatenate([[0], np.cumsum(np.where(has_too_few, 0, counts))]),
        pixels=pixels,
        box_px=box_px,
        truncated=(pixels > 0)
        & ((box_px[:, :2] == 0).any(axis=1) | (box_px[:, 2] == width) | (box_px[:, 3] == height)),
        occluded=_find_occluded(
            depth_m, owner, box_px, focal_px=float(camera.intrinsics[0, 0]), error=error
        ),
        reason=tuple(map(_reason, pixels, with_depth, counts)),
        border_px=cut_px + 0.25,
        lost_px=np.maximum(lost_px, 0.0),
    )


def _reason(pixels: int, with_depth: int, points: int) -> str:
    if not pixels:
        return "no pixel in its mask"
    if with_depth < MIN_POINTS:
        return f"fewer than {MIN_POINTS} pixels with depth"
    if points < MIN_POINTS:
        return f"fewer than {MIN_POINTS} points left after cleaning"
    return ""


def _back_project_pixels(pixel: np.ndarray, depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the points [p, 3] of flat pixel numbers with planar depths."""
    k, pose = camera.intrinsics, camera.world_from_camera
    row, column = np.divmod(pixel, camera.width_px)
    x = (column + (0.5 - k[0, 2])) * (depth / k[0, 0])
    y = (row + (0.5 - k[1, 2])) * (depth / k[1, 1])
    points = np.stack([x, y, depth], axis=1) @ pose[:3, :3].T
    points += pose[:3, 3]
    return points


def _erode_masks(owner: np.ndarray) -> np.ndarray:
    """Return the mask [h, w] without border pixels, except where an object is too thin for one.

    A table leg two pixels wide is all border; without it the table would have no height.
    """
    padded = np.pad(owner, 1, constant_values=-2)
    middle = padded[1:-1, 1:-1]
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    core = np.ones(owner.shape, bool)
    for neighbour in around:
        # The picture's border is no border of the mask.
        core &= (neighbour == middle) | (neighbour == -2)
    marked = np.pad(np.where(core, owner, -3), 1, constant_values=-3)
    near_core = np.zeros(owner.shape, bool)
    for rows in range(3):
        for columns in range(3):
            part = marked[rows : rows + owner.shape[0], columns : columns + owner.shape[1]]
            near_core |= part == owner
    return core | ~near_core


def _mixed_pixels(depth_m: np.ndarray, *, focal_px: float) -> np.ndarray:
    """Return the mask [h, w] of pixels on a ramp too steep for a surface: between two surfaces."""
    limit = depth_m * (STEEPEST_RAMP_TAN / focal_px)
    ramps = np.zeros(depth_m.shape, bool)
    with np.errstate(invalid="ignore"):
        for axis in (0, 1):
            step = np.diff(depth_m, axis=axis)
            before = step[:-1] if axis == 0 else step[:, :-1]
            after = step[1:] if axis == 0 else step[:, 1:]
            inner = (slice(1, -1), slice(None)) if axis == 0 else (slice(None), slice(1, -1))
            same = np.sign(before) == np.sign(after)
            smaller = np.minimum(np.abs(before), np.abs(after))
            ramps[inner] |= same & (smaller > limit[inner])
    return ramps


def _largest_clusters(
    points: np.ndarray,
    point_owner: np.ndarray,
    depth: np.ndarray,
    camera: Camera,
    box_px: np.ndarray,
) -> np.ndarray:
    """Return which points [p] are in the largest cluster of their object, and no strays.

    DBSCAN (Ester et al., 1996) on the occupied cells of a grid of half its reach: a cell is a core
    if enough points lie within reach of its centre. The reach widens with the spacing of pixels,
    so that far objects are not split. Cells of different objects are kept apart by a fourth
    coordinate.
    """
    number = len(box_px)
    counts = np.bincount(point_owner, minlength=number)
    spacing = (
        np.bincount(point_owner, depth, number) / np.maximum(counts, 1) / camera.intrinsics[0, 0]
    )
    across_px = np.hypot(*(box_px[:, 2:] - box_px[:, :2]).T)
    reach = np.maximum(CLUSTER_M, np.maximum(CLUSTER_SHARE * across_px, CLUSTER_PX) * spacing)
    scaled = points / reach[point_owner, None] * 2
    cell = np.floor(scaled).astype(np.int64)
    cell -= cell.min(axis=0)
    widths = cell.max(axis=0) + 1
    code = ((point_owner * widths[0] + cell[:, 0]) * widths[1] + cell[:, 1]) * widths[2] + cell[
        :, 2
    ]
    _, first, cell_of_point, weight = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    cells, own_cell = len(first), point_owner[first]
    totals = [np.bincount(cell_of_point, scaled[:, axis], cells) / weight for axis in range(3)]
    centre = np.stack([*totals, own_cell * 1e6], axis=1)
    pairs = cKDTree(centre).query_pairs(2.0, output_type="ndarray")
    near = np.bincount(pairs[:, 0], weight[pairs[:, 1]], cells)
    near += np.bincount(pairs[:, 1], weight[pairs[:, 0]], cells) + weight
    enough = np.maximum(CLUSTER_POINTS, LINE_SHARE * reach / np.maximum(spacing, 1e-9))
    core = near >= enough[own_cell]
    joined = pairs[core[pairs].all(axis=1)]
    graph = sparse.coo_array((np.ones(len(joined)), joined.T), shape=(cells, cells))
    _, cluster = sparse.csgraph.connected_components(graph, directed=False)
    size = np.bincount(cluster, weight * core, int(cluster.max(initial=0)) + 1)
    # The largest cluster of each object; of equals the one that was numbered first.
    order = np.lexsort((cluster, -size[cluster], own_cell))
    largest_cells = order[np.unique(own_cell[order], return_index=True)[1]]
    best = np.full(number, -1)
    best[own_cell[largest_cells]] = cluster[largest_cells]
    in_best = core & (cluster == best[own_cell])
    # Border cells: within reach of a core cell of the best cluster.
    reached = in_best.copy()
    for neighbour_depth, other in ((0, 1), (1, 0)):
        reached[pairs[in_best[pairs[:, neighbour_depth]], other]] = True
    result: np.ndarray = reached[cell_of_point]
    return result


def _boxes_px(
    point_owner: np.ndarray, rows: np.ndarray, columns: np.ndarray, number: int
) -> np.ndarray:
    """Return (x0, y0, x1, y1) i64 [n, 4] of masks, upper bounds exclusive; zeros without pixels.

    `own` [p] says whose a pixel at `rows` and `columns` [p] is.
    """
    boxes = np.zeros((number, 4), np.int64)
    for index, values in ((0, columns), (1, rows)):
        low = np.full(number, np.iinfo(np.int64).max)
        high = np.full(number, -1)
        np.minimum.at(low, point_owner, values)
        np.maximum.at(high, point_owner, values)
        boxes[:, index] = np.where(high >= 0, low, 0)
        boxes[:, index + 2] = high + 1
    return boxes


def _find_occluded(
    depth_m: np.ndarray,
    owner: np.ndarray,
    box_px: np.ndarray,
    *,
    focal_px: float,
    error: DepthErrorModel,
) -> np.ndarray:
    """Return which objects [n] have a nearer object along enough of their outline, or at an end.

    Nearer means by more than a few centimetres, the steepest slope of a surface over a pixel and
    three sigmas of noise. What an object stands on comes nearer too, but steadily: where the slope
    of the two pixels outside leads to the outline's own depth there is no step, and nothing is
    covered. An end, such as the foot of a lamp, is a small part of the outline, but its place is
    what a box is measured by.
    """
    number = len(box_px)
    outline, covered = np.zeros(number), np.zeros(number)
    has_covered_end = np.zeros(number, bool)
    clean = np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.inf)
    for axis in (0, 1):
        for step in (1, -1):
            outside = _shift_image(owner, axis, step)
            edge = (owner >= 0) & (outside != owner) & (outside != -2)
            point_owner, depth = owner[edge], clean[edge]
            neighbour_depth, second_depth = (
                _shift_image(clean, axis, reach * step)[edge] for reach in (1, 2)
            )
            slope_m = depth * (STEEPEST_RAMP_TAN / focal_px)
            with np.errstate(invalid="ignore"):
                limit = OCCLUDER_M + slope_m + 3 * error.sigma_m(depth)
                nearer = (
                    np.maximum(neighbour_depth, 2 * neighbour_depth - second_depth) < depth - limit
                )
            outline += np.bincount(point_owner, minlength=number)
            covered += np.bincount(point_owner, nearer, number)
            pixel_index = np.nonzero(edge)[axis]
            box_axis = 1 - axis
            end = (
                box_px[point_owner, box_axis + 2] - 1 - pixel_index
                if step > 0
                else pixel_index - box_px[point_owner, box_axis]
            )
            last = end < OUTERMOST_PX
            ends = np.bincount(point_owner[last], minlength=number)
            at_end = np.bincount(point_owner[last], nearer[last], number)
            has_covered_end |= (ends > 0) & (at_end >= OUTERMOST_SHARE * ends)
    return has_covered_end | (covered > OCCLUDED_SHARE * np.maximum(outline, 1))


def _shift_image(image: np.ndarray, axis: int, step: int) -> np.ndarray:
    """Return the image moved so that each pixel holds its neighbour `step` away; -2 outside."""
    out = np.full_like(image, -2 if image.dtype.kind == "i" else np.inf)
    source: list[slice] = [slice(None), slice(None)]
    target: list[slice] = [slice(None), slice(None)]
    source[axis] = slice(step, None) if step > 0 else slice(None, step)
    target[axis] = slice(None, -step) if step > 0 else slice(-step, None)
    out[tuple(target)] = image[tuple(source)]
    return out
