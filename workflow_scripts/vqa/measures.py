"""What families measure: arrays over the n objects of a view, with standard deviations.

Every function returns (value, sigma): [n] for one object, [n, n] for pairs, where entry [i, j] is
of the first-named object i against the second-named j. A difference is antisymmetric, positive
where the family's first antonym holds for i against j, and 0 where sensible readings disagree.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from workflow_scripts.geometry.cameras import FloatArray, wrap_deg
from workflow_scripts.vqa.contact import CONTACT_M
from workflow_scripts.vqa.view_context import ViewContext, cached_per_view

Measure = tuple[FloatArray, FloatArray]
MIN_OUTLINE_FILL = 0.9


def negated(measure: Measure) -> Measure:
    """Return a measure with its sign turned round."""
    return -measure[0], measure[1]


def smallest_agreeing(*differences: FloatArray) -> FloatArray:
    """Return the smallest of differences that have one sign, 0 where their signs disagree.

    An answer then holds under every reading of the question, not just under one of them.
    """
    least = most = differences[0]
    for one in differences[1:]:
        least, most = np.minimum(least, one), np.maximum(most, one)
    return np.maximum(least, 0.0) + np.minimum(most, 0.0)


def pairwise_difference(value: FloatArray) -> FloatArray:
    """Return value[i] - value[j]."""
    return value[:, None] - value


def pairwise_sigma(sigma: FloatArray) -> FloatArray:
    """Return the sigma [n, n] of a difference of independent values of sigma [n]."""
    variance = sigma**2
    return np.sqrt(variance[:, None] + variance)


def excess_ratio(value: FloatArray) -> FloatArray:
    """Return by which share i is larger than j; minus j's share where j is the larger."""
    safe = np.maximum(value, 1e-6)
    ratio = safe[:, None] / safe
    return np.where(ratio >= 1, ratio - 1, 1 - 1 / ratio)


def ratio_of(measure: Measure) -> Measure:
    """Return the excess ratios [n, n] of a size, and their sigmas."""
    value, sigma = measure
    relative = sigma / np.maximum(value, 1e-6)
    excess = excess_ratio(value)
    return excess, (1 + np.abs(excess)) * pairwise_sigma(relative)


@cached_per_view
def px_to_the_left(view_context: ViewContext) -> Measure:
    """Return how many pixels i lies left of j, by marks and by middles of what is visible."""
    columns = smallest_agreeing(
        pairwise_difference(-view_context.mark_px[:, 0]),
        pairwise_difference(-view_context.middle_px[:, 0]),
    )
    return columns, np.zeros_like(columns)


def px_above(view_context: ViewContext) -> Measure:
    """Return how many pixels i lies above j in the picture."""
    rows = smallest_agreeing(
        pairwise_difference(-view_context.mark_px[:, 1]),
        pairwise_difference(-view_context.middle_px[:, 1]),
    )
    return rows, np.zeros_like(rows)


@cached_per_view
def _sigma_nearer(view_context: ViewContext) -> FloatArray:
    """Return the sigmas [n, n] of how much nearer one is than another."""
    return pairwise_sigma(
        np.maximum(view_context.measured.sigma_distance_m, view_context.measured.sigma_nearest_m)
    )


@cached_per_view
def metres_in_front(view_context: ViewContext) -> Measure:
    """Return by how much i is nearer to the camera than j.

    By planar depth and straight distance of the centres, by the nearest points and by what is
    visible: nobody who reads "behind" in another of these ways gets another answer.
    """
    measured = view_context.measured
    readings = [measured.centre_camera_m[:, 2], measured.nearest_m, measured.distance_m]
    if view_context.visible is not None:
        readings += _known(view_context.visible.depth_m)
    metres = smallest_agreeing(*(pairwise_difference(-reading) for reading in readings))
    return metres, _sigma_nearer(view_context)


def distance_readings_m(view_context: ViewContext) -> list[FloatArray]:
    """Return the straight distances [n] from the camera by centre, nearest point, what is seen."""
    measured = view_context.measured
    readings = [measured.distance_m, measured.nearest_m]
    if view_context.visible is not None:
        readings += _known(view_context.visible.distance_m)
    return readings


def _known(readings: FloatArray) -> list[FloatArray]:
    """Return the columns [n] of readings [n, k] if every row has them."""
    return list(readings.T) if np.isfinite(readings).all() else []


@cached_per_view
def metres_nearer(view_context: ViewContext) -> Measure:
    """Return by how much i is nearer to the camera than j by every reading of its distance."""
    readings = distance_readings_m(view_context)
    metres = smallest_agreeing(*(pairwise_difference(-reading) for reading in readings))
    return metres, _sigma_nearer(view_context)


def height_overlap_m(view_context: ViewContext) -> FloatArray:
    """Return how many metres of height i and j share; negative for the space between."""
    low, high = view_context.measured.low_m[:, 2], view_context.measured.high_m[:, 2]
    return np.minimum(high[:, None], high) - np.maximum(low[:, None], low)


def metres_above(view_context: ViewContext) -> Measure:
    """Return by how much i's middle is higher in the room than j's; 0 if they share heights."""
    measured = view_context.measured
    apart = height_overlap_m(view_context) <= CONTACT_M
    return pairwise_difference(measured.centre_m[:, 2]) * apart, measured.vertical_distance_m[1]


def metres_above_in_picture_too(view_context: ViewContext) -> Measure:
    """Return `metres_above`, 0 where the marks lie the other way round in the picture."""
    metres, sigma = metres_above(view_context)
    return metres * (metres * pairwise_difference(-view_context.mark_px[:, 1]) > 0), sigma


def metres_top_higher(view_context: ViewContext) -> Measure:
    """Return by how much i's top is higher than j's."""
    return pairwise_difference(view_context.measured.high_m[:, 2]), pairwise_sigma(
        view_context.measured.sigma_extent_m[:, 2]
    )


def size_m(axis: int, view_context: ViewContext) -> Measure:
    """Return a side of the objects' own boxes: 0 width, 1 depth, 2 height."""
    return view_context.measured.size_m[:, axis], view_context.measured.sigma_size_m[:, axis]


width_m = partial(size_m, 0)
height_m = partial(size_m, 2)


def widths_m(view_context: ViewContext) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the least and the greatest that the widths may be, [n] each, and their sigmas.

    Of a box whose front is not known, either horizontal side may be the width.
    """
    level = view_context.measured.size_m[:, :2]
    sigma = view_context.measured.sigma_size_m[:, :2]
    known = view_context.has_agreed_front
    return (
        np.where(known, level[:, 0], level.min(axis=1)),
        np.where(known, level[:, 0], level.max(axis=1)),
        np.where(known, sigma[:, 0], sigma.max(axis=1)),
    )


def wider_ratio(view_context: ViewContext) -> Measure:
    """Return by which share i is wider than j, whichever sides are the widths; 0 if they differ."""
    low, high, sigma = widths_m(view_context)
    least, most = np.maximum(low, 1e-6), np.maximum(high, 1e-6)
    ahead = least[:, None] / most[None, :] - 1
    excess = np.maximum(ahead, 0.0) - np.maximum(ahead.T, 0.0)
    return excess, (1 + np.abs(excess)) * pairwise_sigma(sigma / least)


def view_width_m(view_context: ViewContext) -> Measure:
    """Return how far the objects reach from left to right, across the camera's level heading."""
    measured = view_context.measured
    return (
        measured.high_m[:, 0] - measured.low_m[:, 0],
        np.sqrt(2) * measured.sigma_extent_m[:, 0],
    )


def length_m(view_context: ViewContext) -> Measure:
    """Return the longer horizontal side."""
    level = view_context.measured.size_m[:, :2]
    rows, longer = np.arange(len(view_context)), level.argmax(axis=1)
    return level[rows, longer], view_context.measured.sigma_size_m[rows, longer]


def is_taller_than_long(view_context: ViewContext) -> NDArray[np.bool_]:
    """Say which objects are taller than their longer horizontal side is long [n]."""
    size = view_context.measured.size_m
    taller: NDArray[np.bool_] = size[:, 2] > size[:, :2].max(axis=1)
    return taller


@cached_per_view
def height_ratio(view_context: ViewContext) -> Measure:
    """Return by which share i is taller than j."""
    return ratio_of(height_m(view_context))


def footprint_m2(view_context: ViewContext) -> Measure:
    """Return the area of the convex outlines seen from above, or of the boxes.

    The errors of the two sides add up: a wrong scale, or a part that is out of sight, makes both
    too short. An outline that is not filled is nobody's footprint for sure.
    """
    measured = view_context.measured
    size = np.maximum(measured.size_m[:, :2], 1e-6)
    sigma = measured.footprint_m2 * (measured.sigma_size_m[:, :2] / size).sum(axis=1)
    return measured.footprint_m2, np.where(measured.outline_fill < MIN_OUTLINE_FILL, np.inf, sigma)


def bottom_m(view_context: ViewContext) -> Measure:
    """Return the heights of the undersides above the floor."""
    return view_context.measured.low_m[:, 2], view_context.measured.sigma_extent_m[:, 2]


def top_m(view_context: ViewContext) -> Measure:
    """Return the heights of the tops above the floor."""
    return view_context.measured.high_m[:, 2], view_context.measured.sigma_extent_m[:, 2]


def camera_distance_m(view_context: ViewContext) -> Measure:
    """Return the straight distances from the camera to the centres."""
    return view_context.measured.distance_m, view_context.measured.sigma_distance_m


def camera_nearest_m(view_context: ViewContext) -> Measure:
    """Return the straight distances from the camera to the nearest points."""
    return view_context.measured.nearest_m, view_context.measured.sigma_nearest_m


def gap_m(view_context: ViewContext) -> Measure:
    """Return the smallest distances between surfaces, 0 where they touch."""
    return view_context.measured.gap_m, view_context.measured.sigma_gap_m


def centre_distance_m(view_context: ViewContext) -> Measure:
    """Return the straight distances between centres."""
    return view_context.measured.centre_distance_m


def horizontal_distance_m(view_context: ViewContext) -> Measure:
    """Return the distances between centres on the ground plan."""
    return view_context.measured.horizontal_distance_m


def vertical_distance_m(view_context: ViewContext) -> Measure:
    """Return the differences in height between centres, without sign.

    A camera that looks down sees tops alone: how far below them a middle lies cannot be measured.
    """
    metres, sigma = view_context.measured.vertical_distance_m
    if not (view_context.from_truth or view_context.is_level):
        sigma = np.full_like(sigma, np.inf)
    return np.abs(metres), sigma


def metres_further_left(view_context: ViewContext) -> Measure:
    """Return how much further left i's centre is than j's, across the camera's level heading."""
    level = view_context.measured.centre_level_m[:, 0]
    return pairwise_difference(-level), _sigma_level(view_context)


def metres_further_away(view_context: ViewContext) -> Measure:
    """Return how much further i's centre is than j's along the camera's level heading."""
    level = view_context.measured.centre_level_m[:, 1]
    return pairwise_difference(level), _sigma_level(view_context)


@cached_per_view
def _sigma_level(view_context: ViewContext) -> FloatArray:
    """Return the sigmas [n, n] of level offsets of centres; a wrong up mixes heights into them."""
    sigma = pairwise_sigma(view_context.measured.sigma_centre_m[:, :2].max(axis=1))
    return np.hypot(
        sigma,
        view_context.measured.sigma_up * pairwise_difference(view_context.measured.centre_m[:, 2]),
    )


def metres_higher(view_context: ViewContext) -> Measure:
    """Return how much higher i's centre is than j's."""
    return pairwise_difference(
        view_context.measured.centre_m[:, 2]
    ), view_context.measured.vertical_distance_m[1]


@cached_per_view
def bearing_deg(view_context: ViewContext) -> Measure:
    """Return angles of the centres to the right of the camera's level heading, [-180, 180)."""
    right, forward = (
        view_context.measured.centre_level_m[:, 0],
        view_context.measured.centre_level_m[:, 1],
    )
    reach = np.maximum(np.hypot(right, forward), 1e-6)
    sigma = np.rad2deg(view_context.measured.sigma_centre_m[:, :2].max(axis=1) / reach)
    return np.rad2deg(np.arctan2(right, forward)), sigma


def between_bearings_deg(view_context: ViewContext) -> Measure:
    """Return the level angles [n, n] between two objects, seen from the camera, [0, 180]."""
    bearing, sigma = bearing_deg(view_context)
    return np.abs(wrap_deg(pairwise_difference(bearing))), pairwise_sigma(sigma)


def direction_deg(view_context: ViewContext) -> Measure:
    """Return the directions [n, n] in which j lies from i, clockwise from the camera's heading.

    0 is away from the camera, 90 to its right, 180 towards it, 270 to its left.
    """
    level = view_context.measured.centre_level_m
    right = level[None, :, 0] - level[:, None, 0]
    forward = level[None, :, 1] - level[:, None, 1]
    reach = np.maximum(np.hypot(right, forward), 1e-6)
    sigma = np.rad2deg(
        pairwise_sigma(view_context.measured.sigma_centre_m[:, :2].max(axis=1)) / reach
    )
    return np.rad2deg(np.arctan2(right, forward)) % 360.0, sigma


def facing_deg(view_context: ViewContext) -> Measure:
    """Return angles [n, n] between where i faces and the way to j's centre, on the plan."""
    measured = view_context.measured
    yaw = np.deg2rad(measured.yaw_deg)
    faces = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    way = measured.centre_m[None, :, :2] - measured.centre_m[:, None, :2]
    return _angle_deg(faces[:, None], way), _broadcast_rows(measured.sigma_yaw_deg)


def facing_camera_deg(view_context: ViewContext) -> Measure:
    """Return where the objects face, counter-clockwise from "towards the camera", [-180, 180).

    Seen from above. An object that faces +90 faces to the camera's right.
    """
    measured = view_context.measured
    to_camera = measured.camera.position_m[:2] - measured.centre_m[:, :2]
    back_deg = np.rad2deg(np.arctan2(-to_camera[:, 0], to_camera[:, 1]))
    return wrap_deg(measured.yaw_deg - back_deg), measured.sigma_yaw_deg


def _angle_deg(one: FloatArray, other: FloatArray) -> FloatArray:
    cross = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    angle: FloatArray = np.rad2deg(np.arctan2(cross, (one * other).sum(axis=-1)))
    return np.abs(angle)


def _broadcast_rows(sigma: FloatArray) -> FloatArray:
    return np.broadcast_to(sigma[:, None], (len(sigma), len(sigma)))
