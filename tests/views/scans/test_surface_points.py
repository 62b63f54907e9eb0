"""Points on surfaces: the first in every cube, in the order of the triangles."""

import numpy as np
import shapely

from workflow_scripts.views.scans.surface_points import SPACING_M, SurfacePoints, sample_triangles


def test_every_cube_that_a_surface_passes_has_its_first_point() -> None:
    generator = np.random.default_rng(0)
    corners = generator.uniform((-1, -2, -0.3), (2, 1, 2.5), size=(40, 1, 3))
    triangles = corners + generator.uniform(-0.4, 0.4, size=(40, 3, 3))
    points = SurfacePoints.of_triangles("a", triangles, shapely.box(-9, -9, 9, 9)).points_m
    sampled = sample_triangles(triangles, SPACING_M)
    cubes = np.floor(np.round(sampled / SPACING_M, 4)).astype(int)
    _, first = np.unique(cubes, axis=0, return_index=True)
    np.testing.assert_array_equal(points, sampled[np.sort(first)].astype(np.float32))
    assert 500 < len(points) < len(sampled)


def test_no_triangle_above_the_area_gives_no_point() -> None:
    far = np.full((3, 3, 3), 50.0) + np.eye(3)
    assert SurfacePoints.of_triangles("a", far, shapely.box(0, 0, 1, 1)).points_m.shape == (0, 3)
