"""What families measure: arrays over the n objects of a sight, each with its standard deviation.

Every function returns (value, sigma): [n] for one object, [n, n] for pairs, where entry [i, j] is
of the first-named object i against the second-named j. A difference is antisymmetric, positive
where the family's first pole holds for i against j, and 0 where sensible readings disagree.
"""

from functools import partial

import numpy as np

from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.vqa.sight import Sight, once

Measure = tuple[FloatArray, FloatArray]
# Things sink a little into what they stand on.
CONTACT_M = 0.03


def negative(measure: Measure) -> Measure:
    """Return a measure with its sign turned round."""
    return -measure[0], measure[1]


def agreeing(*differences: FloatArray) -> FloatArray:
    """Return the smallest of differences that have one sign, 0 where their signs disagree.

    An answer then holds under every reading of the question, not just under one of them.
    """
    least = most = differences[0]
    for one in differences[1:]:
        least, most = np.minimum(least, one), np.maximum(most, one)
    return np.maximum(least, 0.0) + np.minimum(most, 0.0)


def exceeding(value: FloatArray) -> FloatArray:
    """Return value[i] - value[j]."""
    return value[:, None] - value


def joint(sigma: FloatArray) -> FloatArray:
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
    return excess, (1 + np.abs(excess)) * joint(relative)


@once
def px_to_the_left(sight: Sight) -> Measure:
    """Return how many pixels i lies left of j, by marks and by middles of what is visible."""
    columns = agreeing(exceeding(-sight.mark_px[:, 0]), exceeding(-sight.middle_px[:, 0]))
    return columns, np.zeros_like(columns)


def px_above(sight: Sight) -> Measure:
    """Return how many pixels i lies above j in the picture."""
    rows = agreeing(exceeding(-sight.mark_px[:, 1]), exceeding(-sight.middle_px[:, 1]))
    return rows, np.zeros_like(rows)


@once
def _sigma_nearer(sight: Sight) -> FloatArray:
    """Return the sigmas [n, n] of how much nearer one is than another."""
    return joint(np.maximum(sight.measured.sigma_distance_m, sight.measured.sigma_nearest_m))


@once
def metres_in_front(sight: Sight) -> Measure:
    """Return by how much i is nearer to the camera than j.

    By planar depth and straight distance of the centres and by the nearest points: nobody who
    reads "behind" in another of these ways gets another answer.
    """
    measured = sight.measured
    metres = agreeing(
        exceeding(-measured.centre_camera_m[:, 2]),
        exceeding(-measured.nearest_m),
        exceeding(-measured.distance_m),
    )
    return metres, _sigma_nearer(sight)


def metres_nearer(sight: Sight) -> Measure:
    """Return by how much i's nearest point and centre are nearer to the camera than j's."""
    measured = sight.measured
    metres = agreeing(exceeding(-measured.nearest_m), exceeding(-measured.distance_m))
    return metres, _sigma_nearer(sight)


def height_overlap_m(sight: Sight) -> FloatArray:
    """Return how many metres of height i and j share; negative for the space between."""
    low, high = sight.measured.low_m[:, 2], sight.measured.high_m[:, 2]
    return np.minimum(high[:, None], high) - np.maximum(low[:, None], low)


def metres_above(sight: Sight) -> Measure:
    """Return by how much i's middle is higher in the room than j's; 0 if they share heights."""
    measured = sight.measured
    apart = height_overlap_m(sight) <= CONTACT_M
    return exceeding(measured.centre_m[:, 2]) * apart, measured.vertical_distance_m[1]


def metres_above_in_picture_too(sight: Sight) -> Measure:
    """Return `metres_above`, 0 where the marks lie the other way round in the picture."""
    metres, sigma = metres_above(sight)
    return metres * (metres * exceeding(-sight.mark_px[:, 1]) > 0), sigma


def metres_top_higher(sight: Sight) -> Measure:
    """Return by how much i's top is higher than j's."""
    return exceeding(sight.measured.high_m[:, 2]), joint(sight.measured.sigma_extent_m[:, 2])


def size_m(axis: int, sight: Sight) -> Measure:
    """Return a side of the objects' own boxes: 0 width, 1 depth, 2 height."""
    return sight.measured.size_m[:, axis], sight.measured.sigma_size_m[:, axis]


width_m = partial(size_m, 0)
height_m = partial(size_m, 2)


def widths_m(sight: Sight) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the least and the greatest that the widths may be, [n] each, and their sigmas.

    Of a box whose front is not known, either horizontal side may be the width.
    """
    level = sight.measured.size_m[:, :2]
    sigma = sight.measured.sigma_size_m[:, :2]
    known = sight.measured.has_front
    return (
        np.where(known, level[:, 0], level.min(axis=1)),
        np.where(known, level[:, 0], level.max(axis=1)),
        np.where(known, sigma[:, 0], sigma.max(axis=1)),
    )


def wider_ratio(sight: Sight) -> Measure:
    """Return by which share i is wider than j, whichever sides are the widths; 0 if they differ."""
    low, high, sigma = widths_m(sight)
    least, most = np.maximum(low, 1e-6), np.maximum(high, 1e-6)
    ahead = least[:, None] / most[None, :] - 1
    excess = np.maximum(ahead, 0.0) - np.maximum(ahead.T, 0.0)
    return excess, (1 + np.abs(excess)) * joint(sigma / least)


def view_width_m(sight: Sight) -> Measure:
    """Return how far the objects reach from left to right, across the camera's level heading."""
    measured = sight.measured
    return (
        measured.high_m[:, 0] - measured.low_m[:, 0],
        np.sqrt(2) * measured.sigma_extent_m[:, 0],
    )


def length_m(sight: Sight) -> Measure:
    """Return the longer horizontal side."""
    level = sight.measured.size_m[:, :2]
    rows, longer = np.arange(len(sight)), level.argmax(axis=1)
    return level[rows, longer], sight.measured.sigma_size_m[rows, longer]


@once
def cube_edge_m(sight: Sight) -> Measure:
    """Return the edge of the cube with the box's volume."""
    size = np.maximum(sight.measured.size_m, 1e-6)
    edge = np.prod(size, axis=1) ** (1 / 3)
    relative = np.sqrt(((sight.measured.sigma_size_m / size) ** 2).sum(axis=1)) / 3
    return edge, edge * relative


@once
def height_ratio(sight: Sight) -> Measure:
    """Return by which share i is taller than j."""
    return ratio_of(height_m(sight))


@once
def cube_edge_ratio(sight: Sight) -> Measure:
    """Return by which share the edge of i's cube is longer than that of j's."""
    return ratio_of(cube_edge_m(sight))


def footprint_m2(sight: Sight) -> Measure:
    """Return the floor area that the boxes cover.

    The errors of the two sides add up: a wrong scale, or a part that is out of sight, makes both
    too short.
    """
    size = np.maximum(sight.measured.size_m[:, :2], 1e-6)
    area = np.prod(size, axis=1)
    return area, area * (sight.measured.sigma_size_m[:, :2] / size).sum(axis=1)


def bottom_m(sight: Sight) -> Measure:
    """Return the heights of the undersides above the floor."""
    return sight.measured.low_m[:, 2], sight.measured.sigma_extent_m[:, 2]


def top_m(sight: Sight) -> Measure:
    """Return the heights of the tops above the floor."""
    return sight.measured.high_m[:, 2], sight.measured.sigma_extent_m[:, 2]


def camera_distance_m(sight: Sight) -> Measure:
    """Return the straight distances from the camera to the centres."""
    return sight.measured.distance_m, sight.measured.sigma_distance_m


def camera_nearest_m(sight: Sight) -> Measure:
    """Return the straight distances from the camera to the nearest points."""
    return sight.measured.nearest_m, sight.measured.sigma_nearest_m


def gap_m(sight: Sight) -> Measure:
    """Return the smallest distances between surfaces, 0 where they touch."""
    return sight.measured.gap_m, sight.measured.sigma_gap_m


def centre_distance_m(sight: Sight) -> Measure:
    """Return the straight distances between centres."""
    return sight.measured.centre_distance_m


def horizontal_distance_m(sight: Sight) -> Measure:
    """Return the distances between centres on the ground plan."""
    return sight.measured.horizontal_distance_m


def vertical_distance_m(sight: Sight) -> Measure:
    """Return the differences in height between centres, without sign.

    A camera that looks down sees tops alone: how far below them a middle lies cannot be measured.
    """
    metres, sigma = sight.measured.vertical_distance_m
    if not (sight.from_truth or sight.is_level):
        sigma = np.full_like(sigma, np.inf)
    return np.abs(metres), sigma


def metres_further_left(sight: Sight) -> Measure:
    """Return how much further left i's centre is than j's, across the camera's level heading."""
    level = sight.measured.centre_level_m[:, 0]
    return exceeding(-level), _sigma_level(sight)


def metres_further_away(sight: Sight) -> Measure:
    """Return how much further i's centre is than j's along the camera's level heading."""
    level = sight.measured.centre_level_m[:, 1]
    return exceeding(level), _sigma_level(sight)


@once
def _sigma_level(sight: Sight) -> FloatArray:
    """Return the sigmas [n, n] of level offsets of centres; a wrong up mixes heights into them."""
    sigma = joint(sight.measured.sigma_centre_m[:, :2].max(axis=1))
    return np.hypot(sigma, sight.measured.sigma_up * exceeding(sight.measured.centre_m[:, 2]))


def metres_higher(sight: Sight) -> Measure:
    """Return how much higher i's centre is than j's."""
    return exceeding(sight.measured.centre_m[:, 2]), sight.measured.vertical_distance_m[1]


@once
def bearing_deg(sight: Sight) -> Measure:
    """Return angles of the centres to the right of the camera's level heading, [-180, 180)."""
    right, forward = sight.measured.centre_level_m[:, 0], sight.measured.centre_level_m[:, 1]
    reach = np.maximum(np.hypot(right, forward), 1e-6)
    sigma = np.rad2deg(sight.measured.sigma_centre_m[:, :2].max(axis=1) / reach)
    return np.rad2deg(np.arctan2(right, forward)), sigma


def between_bearings_deg(sight: Sight) -> Measure:
    """Return the level angles [n, n] between two objects, seen from the camera, [0, 180]."""
    bearing, sigma = bearing_deg(sight)
    return np.abs((exceeding(bearing) + 180.0) % 360.0 - 180.0), joint(sigma)


def direction_deg(sight: Sight) -> Measure:
    """Return the directions [n, n] in which j lies from i, clockwise from the camera's heading.

    0 is away from the camera, 90 to its right, 180 towards it, 270 to its left.
    """
    level = sight.measured.centre_level_m
    right = level[None, :, 0] - level[:, None, 0]
    forward = level[None, :, 1] - level[:, None, 1]
    reach = np.maximum(np.hypot(right, forward), 1e-6)
    sigma = np.rad2deg(joint(sight.measured.sigma_centre_m[:, :2].max(axis=1)) / reach)
    return np.rad2deg(np.arctan2(right, forward)) % 360.0, sigma


def facing_deg(sight: Sight) -> Measure:
    """Return angles [n, n] between where i faces and the way to j's centre, on the plan."""
    measured = sight.measured
    yaw = np.deg2rad(measured.yaw_deg)
    faces = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    way = measured.centre_m[None, :, :2] - measured.centre_m[:, None, :2]
    return _angle_deg(faces[:, None], way), _broad(measured.sigma_yaw_deg)


def facing_camera_deg(sight: Sight) -> Measure:
    """Return where the objects face, counter-clockwise from "towards the camera", [-180, 180).

    Seen from above. An object that faces +90 faces to the camera's right.
    """
    measured = sight.measured
    to_camera = measured.camera.position_m[:2] - measured.centre_m[:, :2]
    back_deg = np.rad2deg(np.arctan2(-to_camera[:, 0], to_camera[:, 1]))
    return (measured.yaw_deg - back_deg + 180.0) % 360.0 - 180.0, measured.sigma_yaw_deg


def _angle_deg(one: FloatArray, other: FloatArray) -> FloatArray:
    cross = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return np.abs(np.rad2deg(np.arctan2(cross, (one * other).sum(axis=-1))))


def _broad(sigma: FloatArray) -> FloatArray:
    return np.broadcast_to(sigma[:, None], (len(sigma), len(sigma)))
