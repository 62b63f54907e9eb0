"""Distorted pictures become those of a pinhole."""

import numpy as np
import pytest

from workflow_scripts.geometry.lens_distortion import LensDistortion, undistort

K = np.array([[50.0, 0, 40], [0, 52, 29], [0, 0, 1]])
LENSES = [
    LensDistortion("opencv", (-0.2, 0.05, 0.0, 0.0), (0.01, -0.005)),
    LensDistortion("fisheye", (0.05, -0.01, 0.002, 0.0)),
]


def ray_plane(lens: LensDistortion, width: int = 80, height: int = 60) -> np.ndarray:
    """Return a distorted picture [h, w, 2] of the plane at distance 1: its own x and y."""
    wanted_x, wanted_y = np.meshgrid(
        (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]
    )
    x, y = wanted_x.copy(), wanted_y.copy()
    for _ in range(200):
        shown_x, shown_y = lens.distort(x, y)
        x, y = x + 0.5 * (wanted_x - shown_x), y + 0.5 * (wanted_y - shown_y)
    return np.stack([x, y, np.ones_like(x)], axis=-1)


@pytest.mark.parametrize("lens", LENSES)
def test_an_undistorted_picture_is_that_of_a_pinhole(lens: LensDistortion) -> None:
    result = undistort(ray_plane(lens), K, lens)
    height, width = result.shape[:2]
    x, y = np.meshgrid(
        (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]
    )
    is_seen = np.isfinite(result[..., 0])
    assert is_seen.mean() > 0.8
    assert np.abs(result[..., 0] - x)[is_seen].max() < 5e-3
    assert np.abs(result[..., 1] - y)[is_seen].max() < 5e-3


def test_opencv_formula_agrees_with_hand_computed_numbers() -> None:
    lens = LensDistortion("opencv", (0.1, 0.01, 0, 0), (0.02, 0.03))
    x, y = lens.distort(np.array([0.5]), np.array([-0.2]))
    square = 0.29
    factor = 1 + 0.1 * square + 0.01 * square**2
    assert x[0] == pytest.approx(0.5 * factor + 2 * 0.02 * 0.5 * -0.2 + 0.03 * (square + 0.5))
    assert y[0] == pytest.approx(-0.2 * factor + 0.02 * (square + 0.08) + 2 * 0.03 * 0.5 * -0.2)


def test_depth_is_not_interpolated() -> None:
    depth_m = np.where(np.arange(80) < 40, 1.0, 3.0)[None].repeat(60, axis=0).astype(np.float32)
    result = undistort(depth_m, K, LENSES[0], nearest=True)
    assert result.dtype == np.float32
    assert set(np.unique(result[np.isfinite(result)]).tolist()) == {1.0, 3.0}


def test_a_pinhole_changes_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    assert LensDistortion().is_pinhole
    assert not LENSES[1].is_pinhole
    np.testing.assert_array_equal(undistort(picture, K, LensDistortion()), picture)
