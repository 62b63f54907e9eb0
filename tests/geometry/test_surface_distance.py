"""Least distances between triangle meshes, against brute force."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from workflow_scripts.geometry.surface_distance import TriangleTree
from workflow_scripts.geometry.upright_boxes import box_corners, box_gaps_m

# Corners of the two triangles of each side, in the order of `box_corners`.
BOX_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


def box_triangles(centre_m, size_m, yaw_deg=0.0):
    return box_corners(centre_m, size_m, yaw_deg)[BOX_FACES]


def tree_of(triangles) -> TriangleTree:
    return TriangleTree.of_triangles(np.asarray(triangles))


def spread(triangles: np.ndarray, number: int = 40) -> np.ndarray:
    """Return points all over triangles."""
    u, v = (one.ravel() for one in np.meshgrid(*[np.linspace(0, 1, number)] * 2))
    u, v = u[u + v <= 1 + 1e-9, None], v[u + v <= 1 + 1e-9, None]
    a, b, c = (triangles[:, None, corner] for corner in range(3))
    return (a + u * (b - a) + v * (c - a)).reshape(-1, 3)


def is_near(gap_m: float, true_m: float) -> bool:
    return true_m - 1e-9 <= gap_m <= 1.002 * true_m + 2.1e-4


def test_boxes_are_as_far_apart_as_the_formula_says():
    rng = np.random.default_rng(1)
    for _ in range(60):
        centre, size = rng.uniform(-2, 2, (2, 3)), rng.uniform(0.05, 1.0, (2, 3))
        yaw = rng.uniform(-180, 180, 2)
        one, other = (tree_of(box_triangles(centre[k], size[k], yaw[k])) for k in range(2))
        true_m = box_gaps_m(centre, size, yaw)[0, 1]
        if true_m > 0:
            assert is_near(one.gap_m(other), true_m)
            assert is_near(other.gap_m(one), true_m)


def test_surfaces_that_cross_or_touch_have_no_gap():
    one = tree_of(box_triangles((0, 0, 0), (1, 1, 1)))
    for centre in ((0.9, 0.2, 0.1), (1.0, 0, 0), (0.7, 0.7, 0.7)):
        assert one.gap_m(tree_of(box_triangles(centre, (1, 1, 1), 20.0))) == pytest.approx(
            0, abs=1e-3
        )
    # A bar goes through, with all of its corners outside.
    assert one.gap_m(tree_of(box_triangles((0, 0, 0), (3, 0.1, 0.1)))) == 0.0


def test_what_is_wholly_inside_is_as_far_from_the_surface_as_it_is():
    shell, inner = (box_triangles((0, 0, 0), (side,) * 3) for side in (2.0, 1.0))
    assert is_near(tree_of(shell).gap_m(tree_of(inner)), 0.5)


@pytest.mark.parametrize("apart", [0.0, 0.3, 1.0, 5.0])
def test_triangles_of_any_shape_against_points_spread_over_them(apart):
    rng = np.random.default_rng(2)
    for _ in range(40):
        one, other = rng.random((2, 6, 3, 3))
        other = other + apart * rng.random(3)
        gap = tree_of(one).gap_m(tree_of(other))
        sampled = cKDTree(spread(one)).query(spread(other))[0].min()
        assert gap <= 1.002 * sampled + 2.1e-4
        assert sampled - gap < 0.06


def test_a_tree_finds_what_all_pairs_of_triangles_give():
    rng = np.random.default_rng(3)
    for _ in range(10):
        one, other = (
            rng.random((number, 3, 3)) * 0.2 + rng.random((number, 1, 3)) for number in (50, 37)
        )
        other += np.array([0.8, 0.2, 0])
        pairs = [tree_of([a]).gap_m(tree_of([b])) for a in one for b in other]
        assert is_near(tree_of(one).gap_m(tree_of(other)), min(pairs))


def test_the_distance_to_a_point():
    tree = tree_of(box_triangles((0, 0, 0), (2, 2, 2)))
    assert is_near(tree.distance_to_point_m(np.array([3.0, 0, 0])), 2.0)
    assert is_near(tree.distance_to_point_m(np.array([2.0, 2.0, 0])), np.sqrt(2))
    assert is_near(tree.distance_to_point_m(np.array([0.75, 0, 0])), 0.25)


def test_triangles_without_area_count_as_the_lines_that_they_are():
    line = tree_of([[[0, 0, 0], [1, 0, 0], [0.5, 0, 0]]])
    point = tree_of([[[0.5, 0, 2]] * 3])
    assert is_near(line.gap_m(point), 2.0)
    assert is_near(line.gap_m(tree_of(box_triangles((0.5, 0, 1.0), (1, 1, 1)))), 0.5)
    with pytest.raises(ValueError, match="at least one"):
        tree_of(np.zeros((0, 3, 3)))
