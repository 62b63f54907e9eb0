"""Intersections of oriented boxes, beside shapely, half-space intersections and sums by hand."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection
from scipy.spatial.transform import Rotation
from shapely import Polygon

from workflow_scripts.geometry.box_overlap import (
    OrientedBoxes,
    intersection_volumes_m3,
    iou_matrix,
    pairwise_iou,
    size_iou,
)
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.geometry.upright_boxes import box_corners


def upright_boxes(centre_m: np.ndarray, size_m: np.ndarray, yaw_deg: np.ndarray) -> OrientedBoxes:
    return OrientedBoxes(centre_m, size_m, np.array([rotation_about_up(yaw) for yaw in yaw_deg]))


def one_box(centre: list[float], size: list[float], yaw_deg: float = 0.0) -> OrientedBoxes:
    return upright_boxes(np.array([centre]), np.array([size]), np.array([yaw_deg]))


def random_boxes(count: int, seed: int) -> OrientedBoxes:
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(count, random_state=seed).as_matrix()
    return OrientedBoxes(
        rng.normal(scale=0.4, size=(count, 3)), rng.uniform(0.05, 1.5, (count, 3)), rotations
    )


def volume_of_half_spaces(a: OrientedBoxes, b: OrientedBoxes, index: int) -> float:
    planes = []
    for box in (a, b):
        for axis in range(3):
            for side in (-1, 1):
                normal = side * box.rotation[index, :, axis]
                offset = -normal @ box.centre_m[index] - box.size_m[index, axis] / 2
                planes.append([*normal, offset])
    half_spaces = np.array(planes)
    deepest = linprog(
        [0, 0, 0, -1],
        A_ub=np.c_[half_spaces[:, :3], np.ones(12)],
        b_ub=-half_spaces[:, 3],
        bounds=[(None, None)] * 4,
    ).x
    if deepest[3] < 1e-7:
        return 0.0
    corners = HalfspaceIntersection(half_spaces, deepest[:3]).intersections
    return float(ConvexHull(corners).volume)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        (one_box([0, 0, 0], [1, 1, 1]), one_box([0, 0, 0], [1, 1, 1]), 1.0),
        (one_box([0, 0, 0], [1, 1, 1]), one_box([1, 0, 0], [1, 1, 1]), 0.0),  # they touch
        (one_box([0, 0, 0], [1, 1, 1]), one_box([0.5, 0, 0], [1, 1, 1]), 1 / 3),
        (one_box([0, 0, 0], [2, 2, 2]), one_box([0.5, 0.5, 0.5], [1, 1, 1]), 1 / 8),
        (one_box([9, 9, 9], [1, 2, 1]), one_box([9, 9, 9], [2, 1, 1], 90), 1.0),
        # A square turned by 45 degrees within an equal one: an octagon of 2 (sqrt 2 - 1).
        (
            one_box([0, 0, 0], [1, 1, 1]),
            one_box([0, 0, 0], [1, 1, 1], 45),
            (2 * (2**0.5 - 1)) / (2 - 2 * (2**0.5 - 1)),
        ),
        (one_box([0, 0, 0], [1, 1, 0]), one_box([0, 0, 0], [1, 1, 1]), 0.0),  # no volume
        (one_box([0, 0, 0], [1, 1, -1]), one_box([0, 0, 0], [1, 1, 1]), 0.0),
    ],
)
def test_by_hand(a: OrientedBoxes, b: OrientedBoxes, iou: float) -> None:
    assert pairwise_iou(a, b)[0] == pytest.approx(iou, abs=1e-9)
    assert pairwise_iou(b, a)[0] == pytest.approx(iou, abs=1e-9)


def test_turned_any_way_beside_half_spaces() -> None:
    a, b = random_boxes(150, 1), random_boxes(150, 2)
    volumes = intersection_volumes_m3(a, b)
    assert (volumes > 0).sum() > 50
    for index in range(150):
        assert volumes[index] == pytest.approx(volume_of_half_spaces(a, b, index), abs=1e-6)


def test_upright_beside_shapely_on_one_floor_and_in_the_air() -> None:
    rng = np.random.default_rng(3)
    centre, size = rng.normal(scale=0.5, size=(2, 200, 3)), rng.uniform(0.1, 2, (2, 200, 3))
    centre[:, :100, 2] = size[:, :100, 2] / 2  # their bottoms lie in one plane
    yaw = rng.uniform(-180, 180, (2, 200))
    yaw[1, :40] = yaw[0, :40] + rng.integers(0, 4, 40) * 90  # their sides are parallel
    a, b = (upright_boxes(centre[k], size[k], yaw[k]) for k in range(2))
    volumes = intersection_volumes_m3(a, b)
    for index in range(200):
        floors = [
            Polygon(box_corners(centre[k, index], size[k, index], yaw[k, index])[[0, 2, 6, 4], :2])
            for k in range(2)
        ]
        top = min(centre[k, index, 2] + size[k, index, 2] / 2 for k in range(2))
        bottom = max(centre[k, index, 2] - size[k, index, 2] / 2 for k in range(2))
        expected = max(0.0, top - bottom) * floors[0].intersection(floors[1]).area
        assert volumes[index] == pytest.approx(expected, abs=1e-6)


def test_the_same_in_every_frame_and_order() -> None:
    a, b = random_boxes(300, 4), random_boxes(300, 5)
    turn, shift = Rotation.random(random_state=6).as_matrix(), np.array([30.0, -7.0, 2.0])

    def moved(boxes: OrientedBoxes) -> OrientedBoxes:
        return OrientedBoxes(
            boxes.centre_m @ turn.T + shift, boxes.size_m, np.matmul(turn, boxes.rotation)
        )

    iou = pairwise_iou(a, b)
    np.testing.assert_allclose(pairwise_iou(b, a), iou, atol=1e-8)
    np.testing.assert_allclose(pairwise_iou(moved(a), moved(b)), iou, atol=1e-6)
    np.testing.assert_allclose(pairwise_iou(a, a), 1.0, atol=1e-8)


def test_sizes_alone() -> None:
    a, b = one_box([0, 0, 0], [1, 1, 1]), one_box([5, 0, 0], [0.5, 1, 2], 30)
    assert size_iou(a, b)[0] == pytest.approx(0.5 / 1.5, abs=1e-12)


def test_every_box_with_every_box() -> None:
    a, b = random_boxes(7, 7), random_boxes(5, 8)
    matrix = iou_matrix(a, b)
    assert matrix.shape == (7, 5)
    assert matrix[6, 3] == pairwise_iou(a.take(np.array([6])), b.take(np.array([3])))[0]
    nothing = np.zeros(0, dtype=int)
    assert iou_matrix(a.take(nothing), b).shape == (0, 5)
    assert iou_matrix(a, b.take(nothing)).shape == (7, 0)
    with pytest.raises(ValueError, match="7 boxes cannot be paired with 5"):
        pairwise_iou(a, b)
