"""Curves and hollow profiles, against values worked out by hand."""

import numpy as np
import pytest

from workflow_scripts.sources.readers.procthor_assets import assets_in_category
from workflow_scripts.views.furniture import build
from workflow_scripts.views.furniture.curves import arc, catmull_rom, hollow_profile, loft_along_y
from workflow_scripts.views.furniture.materials import plastic
from workflow_scripts.views.furniture.small_objects import BUILDERS


def test_a_curve_runs_through_the_points_it_is_given() -> None:
    knots = [(0.0, 0.0), (1.0, 2.0), (3.0, 2.5), (4.0, 0.0)]
    path = catmull_rom(knots, 10)
    np.testing.assert_allclose(path[::3], knots, atol=1e-12)


def test_a_curve_through_points_in_line_stays_on_the_line() -> None:
    path = catmull_rom([(0, 0, 0), (1, 2, 3), (2, 4, 6)], 9)
    np.testing.assert_allclose(path, np.linspace(0, 2, 9)[:, None] * [1, 2, 3], atol=1e-12)


def test_an_arc_keeps_its_radius() -> None:
    points = arc((1.0, -2.0), 0.5, 30, 200, 7)
    np.testing.assert_allclose(np.hypot(*(points - [1.0, -2.0]).T), 0.5)


def test_a_hollow_beaker_has_a_floor_and_walls_of_the_thickness_asked() -> None:
    profile = hollow_profile([(0.0, 0.0), (0.05, 0.0), (0.05, 0.1)], 0.01)
    expected = [(0, 0), (0.05, 0), (0.05, 0.1), (0.04, 0.1), (0.04, 0.01), (0, 0.01)]
    np.testing.assert_allclose(profile, expected, atol=1e-12)


def test_a_lining_lies_inside_its_vessel_and_ends_under_the_rim() -> None:
    outside = [(0.0, 0.0), (0.05, 0.0), (0.06, 0.1)]
    lining = np.array(hollow_profile(outside, 0.01, 0.002))
    assert lining[:, 1].max() == pytest.approx(0.098)
    assert lining[:, 0].max() == pytest.approx(0.058)
    assert lining[:, 1].min() == pytest.approx(0.002)


def test_sections_along_y_face_outward() -> None:
    mesh = loft_along_y([(-0.1, 0.02, 0.01, 0.0), (0.1, 0.02, 0.01, 0.0)], plastic("#808080"))
    corners = mesh.vertices_m[mesh.faces].astype(np.float64)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    # A superellipse of power 2.5 fills between pi / 4 and all of its 2 x 1 cm box; 20 cm long.
    assert np.pi / 4 * 0.85 < volume / (0.02 * 0.01 * 0.2) < 1


@pytest.mark.parametrize("category", sorted(BUILDERS))
def test_small_objects_have_small_meshes(category: str) -> None:
    asset = assets_in_category(category)[0]
    mesh = build(category, asset.size_m, asset.asset_id)
    low, high = mesh.bounds_m
    np.testing.assert_allclose(high - low, asset.size_m, atol=1e-4)
    assert len(mesh.faces) < 3000
    # Seen from afar they need more than one colour or a distinct shape.
    assert len(mesh.materials) > 1 or len(mesh.faces) > 12
