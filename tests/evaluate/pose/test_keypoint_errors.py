"""Errors and shares against hand-made numbers."""

import numpy as np
import pytest

from testing import keypoint_tracks
from workflow_scripts.common.seeds import rng
from workflow_scripts.evaluate.metrics import KEYPOINT_METRICS
from workflow_scripts.evaluate.pose.keypoint_errors import (
    KeypointErrors,
    errors_mm,
    pck_curve_area,
    procrustes_errors_mm,
    reprojection_px,
    within_threshold,
)


def test_shares_and_area_count_missing_points_as_missed() -> None:
    errors = np.array([0.0, 5.0, 12.0, 60.0, np.nan])
    assert within_threshold(errors, 5).mean() == pytest.approx(0.4)
    assert within_threshold(errors, 50).mean() == pytest.approx(0.6)
    assert pck_curve_area(errors).mean() == pytest.approx((1 + 0.9 + 0.76) / 5)
    measures = {metric.name: metric.measure for metric in KEYPOINT_METRICS}
    scores = measures["estimated_fraction"](KeypointErrors(errors, errors, errors))
    assert scores.mean() == pytest.approx(0.8)


def test_the_area_is_that_under_the_curve_of_shares() -> None:
    errors = rng(1).exponential(20, size=2000)
    grid = np.linspace(0, 50, 5001)
    heights = [(errors <= limit).mean() for limit in grid]
    assert pck_curve_area(errors).mean() == pytest.approx(np.mean(heights), abs=1e-3)


def test_errors_are_millimetres() -> None:
    assert errors_mm(np.array([[0.0, 0.003, 0.004]]), np.zeros((1, 3)))[0] == pytest.approx(5)


def test_similarity_is_taken_out_and_undefined_for_few_points() -> None:
    generator = rng(2)
    truth = generator.normal(size=(5, 3))
    angle = 0.7
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    moved = 1.7 * truth @ turn.T + [1, 2, 3]
    assert procrustes_errors_mm(moved, truth).max() < 1e-6
    mirrored = truth * [1, 1, -1]
    assert procrustes_errors_mm(mirrored, truth).max() > 1
    for count in (1, 2, 3):
        assert np.isnan(procrustes_errors_mm(truth[:count], truth[:count])).all()
    line = np.outer(np.arange(5.0), [1, 2, 3])
    assert np.isnan(procrustes_errors_mm(line, line)).all()
    partly = moved.copy()
    partly[0] = np.nan
    errors = procrustes_errors_mm(partly, truth)
    assert np.isnan(errors[0])
    assert errors[1:].max() < 1e-6


def test_reprojection_is_in_pixels_and_counts_seen_views_only() -> None:
    track = keypoint_tracks.episode(0, num_steps=5)
    seen = track.visible.copy()
    exact = reprojection_px(
        track.keypoints_m, track.keypoints_px, seen, track.intrinsics, track.world_from_camera
    )
    assert exact.max() < 1e-9
    seen[:, :, 2] = False
    shifted = track.keypoints_px + np.array([3.0, 4.0])
    errors = reprojection_px(
        track.keypoints_m, shifted, seen, track.intrinsics, track.world_from_camera
    )
    assert np.isnan(errors[:, 2]).all()
    assert errors[:, 0] == pytest.approx(5)
