"""Edges of boxes in pictures: complete in front, cut at the near plane and the border."""

import numpy as np
import pytest

from workflow_scripts.geometry.box_edges import NEAR_M, clip_segments, project_box_edges
from workflow_scripts.geometry.cameras import Camera


def camera() -> Camera:
    """Return a camera at the origin that looks along +Y."""
    return Camera.look(
        (0, 0, 0), yaw_deg=0, pitch_deg=0, width_px=100, height_px=80, vertical_fov_deg=60
    )


def test_a_box_in_front_has_twelve_edges_at_the_right_places():
    edges = project_box_edges((0, 5, 0), (1, 1, 1), 0.0, camera())
    assert edges.shape == (12, 2, 2)
    focal = 40 / np.tan(np.deg2rad(30))
    # The nearer face is 4.5 m away, half a metre to each side.
    assert edges[..., 0].max() == pytest.approx(50 + focal * 0.5 / 4.5)
    assert edges[..., 1].min() == pytest.approx(40 - focal * 0.5 / 4.5)


def test_a_box_behind_has_none_and_one_around_the_camera_is_cut():
    assert len(project_box_edges((0, -5, 0), (1, 1, 1), 0.0, camera())) == 0
    around = project_box_edges((0, 0, 0), (2, 8, 2), 0.0, camera())
    assert len(around)
    assert np.isfinite(around).all()
    assert (around >= 0).all()
    assert (around <= [100, 80]).all()


def test_an_edge_through_the_camera_plane_is_cut_not_mirrored():
    # Without clipping the corner behind would land on the other side of the picture.
    edges = project_box_edges((1, 1, -0.5), (0.02, 6, 0.02), 0.0, camera())
    assert (edges[..., 0] > 50).all()
    assert (edges[..., 1] > 40).all()


def test_a_box_at_the_near_plane_itself():
    assert np.isfinite(project_box_edges((0, NEAR_M, 0), (0.01, 0, 0.01), 0.0, camera())).all()


def test_segments_are_cut_at_every_side():
    segments = [[[-1, 0.5], [2, 0.5]], [[0.5, -1], [0.5, -2]], [[2, 2], [3, 3]], [[0, 0], [1, 1]]]
    cut = clip_segments(segments, [0, 0], [1, 1])
    assert cut.tolist() == [[[0, 0.5], [1, 0.5]], [[0, 0], [1, 1]]]


def test_turned_boxes_turn():
    straight = project_box_edges((0, 5, 0), (2, 0.1, 0.1), 0.0, camera())
    turned = project_box_edges((0, 5, 0), (2, 0.1, 0.1), 90.0, camera())
    assert np.ptp(straight[..., 0]) > 3 * np.ptp(turned[..., 0])
