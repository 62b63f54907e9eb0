"""The noise model draws what it says, for each episode alike whatever came before."""

import numpy as np
import pytest

from workflow_scripts.common.seeds import rng
from workflow_scripts.models.keypoints.noise import NoiseModel, add_observation_noise

PIXELS = np.full((400, 4, 5, 2), 64.0)
SEEN = np.ones(PIXELS.shape[:-1], dtype=bool)


def drawn(seen: np.ndarray = SEEN, **settings: float) -> tuple[np.ndarray, np.ndarray]:
    return add_observation_noise(
        PIXELS,
        seen,
        width_px=128,
        height_px=128,
        model=NoiseModel(**settings),  # type: ignore[arg-type]
        rng=rng(1, "noise"),
    )


@pytest.mark.parametrize("multiplier", [1, 2, 3])
def test_published_noise_is_1_29_pixels_of_128_a_unit(multiplier: float) -> None:
    observed, _ = drawn(multiplier=multiplier)
    assert (observed - PIXELS).std() == pytest.approx(multiplier * 1.290, rel=0.02)
    assert abs((observed - PIXELS).mean()) < 0.05


def test_exact_without_noise_and_zero_where_unseen() -> None:
    seen = SEEN.copy()
    seen[:, 2] = False
    observed, confidence = drawn(seen, multiplier=0)
    assert (observed[:, [0, 1, 3]] == 64).all()
    assert (observed[:, 2] == 0).all()
    assert confidence[:, 2].max() == 0
    assert confidence[:, 0].min() == 1


def test_confidence_says_nothing_of_the_noise() -> None:
    _, confidence = drawn(multiplier=3, outliers=0.2)
    assert set(np.unique(confidence)) == {1.0}


def test_outliers_lie_anywhere() -> None:
    observed, _ = drawn(multiplier=0, outliers=0.25)
    off = np.linalg.norm(observed - PIXELS, axis=-1) > 5
    assert off.mean() == pytest.approx(0.25, abs=0.02)
    assert observed.min() >= 0
    assert observed.max() <= 128


def test_a_bias_lasts_for_the_episode() -> None:
    observed, _ = drawn(multiplier=0, bias=1)
    assert np.ptp(observed, axis=0).max() < 1e-9
    assert observed[0].std() > 0.5


def test_correlated_noise_changes_slowly_and_is_as_large() -> None:
    observed, _ = drawn(multiplier=1, correlation=0.9)
    noise = observed - PIXELS
    assert noise.std() == pytest.approx(1.29, rel=0.08)
    lag = (noise[1:] * noise[:-1]).mean() / noise.var()
    assert lag == pytest.approx(0.9, abs=0.03)


def test_nothing_is_clamped_to_the_picture() -> None:
    observed, _ = add_observation_noise(
        np.zeros((50, 1, 1, 2)),
        np.ones((50, 1, 1), dtype=bool),
        width_px=128,
        height_px=128,
        model=NoiseModel(multiplier=3),
        rng=rng(1),
    )
    assert observed.min() < 0
