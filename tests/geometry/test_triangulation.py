"""Triangulation against exact projections, the published floors, and views that are not there."""

import numpy as np
import pytest
import torch

from testing import keypoint_tracks
from workflow_scripts.geometry.triangulation import (
    information,
    moving_average,
    parallax,
    project,
    projection_matrices,
    refine,
    solve_3x3,
    triangulate,
    triangulate_linear,
    triangulate_ransac,
)
from workflow_scripts.models.keypoints.noise import NOISE_UNIT

MATRICES = projection_matrices(
    torch.from_numpy(np.tile(keypoint_tracks.K_PX, (4, 1, 1))),
    torch.from_numpy(keypoint_tracks.POSES),
)
SIGMA_PX = NOISE_UNIT * keypoint_tracks.SIDE_PX


def visible_points(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return points [n, 3] inside every picture and their projections [n, view, 2]."""
    generator = np.random.default_rng(0)
    points = generator.uniform([-0.3, -0.5, 0.75], [0.7, 0.5, 1.3], size=(count, 3))
    pixels, inside = keypoint_tracks.project_to_cameras(points)
    kept = inside.all(axis=0)
    return torch.from_numpy(points[kept]), torch.from_numpy(pixels[:, kept]).transpose(0, 1)


def mean_mm(points: torch.Tensor, truth: torch.Tensor) -> float:
    return 1000 * float((points - truth).norm(dim=-1).mean())


@pytest.fixture(scope="module")
def exact() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    points, pixels = visible_points(20_000)
    return points, pixels, torch.ones(pixels.shape[:-1], dtype=torch.float64)


@pytest.mark.parametrize("method", [triangulate, triangulate_linear])
def test_exact_projections_give_exact_points(exact, method) -> None:
    points, pixels, weights = exact
    assert (method(MATRICES, pixels, weights) - points).abs().max() < 1e-7
    assert (project(MATRICES, points)[0] - pixels).abs().max() < 1e-9


@pytest.mark.parametrize(
    ("multiplier", "dlt_mm", "refined_mm"), [(1, 10.0, 9.7), (2, 20.2, 19.6), (3, 30.2, 29.1)]
)
def test_the_published_floors_are_met(
    exact, multiplier: float, dlt_mm: float, refined_mm: float
) -> None:
    """Points inside all four pictures, 1.29 px of noise a unit: known errors of triangulation."""
    points, pixels, weights = exact
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
    observed = pixels + multiplier * SIGMA_PX * noise
    found = triangulate(MATRICES, observed, weights)
    assert mean_mm(found, points) == pytest.approx(dlt_mm, rel=0.02)
    refined = refine(MATRICES, observed, weights, found)
    assert mean_mm(refined, points) == pytest.approx(refined_mm, rel=0.02)
    linear = triangulate_linear(MATRICES, observed, weights)
    assert mean_mm(linear, points) == pytest.approx(dlt_mm, rel=0.02)


def test_without_the_front_camera_the_error_is_2_7_times_as_large(exact) -> None:
    points, pixels, weights = exact
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
    observed = pixels + SIGMA_PX * noise
    without = weights.clone()
    without[:, 3] = 0
    ratio = mean_mm(triangulate(MATRICES, observed, without), points) / mean_mm(
        triangulate(MATRICES, observed, weights), points
    )
    assert ratio == pytest.approx(2.7, abs=0.15)


def test_too_few_views_or_no_parallax_give_no_point(exact) -> None:
    points, pixels, weights = exact
    one = torch.zeros_like(weights)
    one[:, 1] = 1
    assert triangulate(MATRICES, pixels, one).isnan().all()
    assert triangulate(MATRICES, pixels, torch.zeros_like(weights)).isnan().all()
    same = MATRICES[[0, 0, 0, 0]]
    assert triangulate(same, pixels[:, [0, 0, 0, 0]], weights).isnan().all()
    assert (parallax(MATRICES, weights, points) > 0.3).all()


def test_an_unseen_view_has_no_influence(exact) -> None:
    _, pixels, weights = exact
    some = weights[:50].clone()
    some[:, 2] = 0
    wrong = pixels[:50].clone()
    wrong[:, 2] = torch.nan
    for method in (triangulate, triangulate_linear):
        found = method(MATRICES, wrong, some)
        assert torch.allclose(found, method(MATRICES, pixels[:50], some), atol=1e-9)
    start = triangulate(MATRICES, pixels[:50], some)
    assert torch.isfinite(refine(MATRICES, wrong, some, start)).all()


def test_ransac_drops_an_outlier_in_one_view(exact) -> None:
    points, pixels, weights = exact
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(pixels[:500].shape, generator=generator, dtype=torch.float64)
    observed = pixels[:500] + 0.3 * noise
    view = torch.arange(500) % 4
    observed[torch.arange(500), view] += 40
    found, inliers = triangulate_ransac(MATRICES, observed, weights[:500], threshold=3.0)
    assert (inliers[torch.arange(500), view] == 0).float().mean() > 0.95
    assert (found - points[:500]).norm(dim=-1).median() < 0.006
    assert mean_mm(triangulate(MATRICES, observed, weights[:500]), points[:500]) > 100


def test_gauss_newton_weights_residuals_by_huber(exact) -> None:
    points, pixels, weights = exact
    observed = pixels[:200].clone()
    observed[:, 0] += 10
    start = triangulate(MATRICES, observed, weights[:200])
    plain = refine(MATRICES, observed, weights[:200], start, steps=10)
    robust = refine(MATRICES, observed, weights[:200], start, steps=10, huber=0.5)
    assert mean_mm(robust, points[:200]) < 0.6 * mean_mm(plain, points[:200])


def test_information_is_the_inverse_covariance(exact) -> None:
    points, pixels, weights = exact
    generator = torch.Generator().manual_seed(4)
    one, seen = points[:1], weights[:1].expand(4000, -1)
    noise = torch.randn(4000, 4, 2, generator=generator, dtype=torch.float64)
    found = refine(MATRICES, pixels[:1] + 0.5 * noise, seen, one.expand(4000, -1))
    matrix, information_vector = information(MATRICES, pixels[:1], seen[:1], one)
    covariance = torch.cov((found - one).T)
    assert torch.allclose(covariance, 0.25 * torch.linalg.inv(matrix[0]), rtol=0.15, atol=2e-6)
    assert information_vector.abs().max() < 1e-9


def test_closed_form_solution_equals_the_library() -> None:
    generator = torch.Generator().manual_seed(5)
    factor = torch.randn(100, 3, 3, generator=generator, dtype=torch.float64)
    matrix = factor @ factor.transpose(-1, -2) + 0.1 * torch.eye(3, dtype=torch.float64)
    vector = torch.randn(100, 3, generator=generator, dtype=torch.float64)
    wanted = torch.linalg.solve(matrix, vector[..., None])[..., 0]
    assert torch.allclose(solve_3x3(matrix, vector), wanted, rtol=1e-5)


def test_triangulation_has_a_finite_gradient_everywhere(exact) -> None:
    _, pixels, weights = exact
    observed = pixels[:20].clone().requires_grad_()
    confidence = weights[:20].clone()
    confidence[:5, 1:] = 0
    confidence.requires_grad_()
    triangulate_linear(MATRICES, observed, confidence).sum().backward()
    assert observed.grad is not None
    assert confidence.grad is not None
    assert torch.isfinite(observed.grad).all()
    assert torch.isfinite(confidence.grad).all()


def test_smoothing_is_a_mean_that_shrinks_at_the_ends() -> None:
    line = torch.arange(12.0)[:, None, None].expand(-1, 2, 3).clone()
    assert torch.allclose(moving_average(line, window=7), line)
    noisy = torch.zeros(9, 1, 3)
    noisy[4] = 7
    assert moving_average(noisy, window=7)[4, 0, 0] == 1
    noisy[0] = torch.nan
    assert moving_average(noisy, window=7)[3, 0, 0] == pytest.approx(7 / 6)
    assert moving_average(torch.full((5, 1, 3), torch.nan), window=7).isnan().all()


def test_truncated_pixels_and_a_wrong_constant_bias_points(exact) -> None:
    """The reasons why nothing is rounded, and one constant normalises both sides."""
    points, pixels, weights = exact
    truncated = triangulate(MATRICES, pixels.floor(), weights)
    assert mean_mm(truncated, points) == pytest.approx(5.9, rel=0.15)
    mismatched = triangulate(MATRICES, pixels * 255 / 256, weights)
    assert mean_mm(mismatched, points) > 2.5


def test_what_one_ray_leaves_open_comes_out_finite() -> None:
    generator = torch.Generator().manual_seed(6)
    factor = torch.randn(10_000, 3, 2, generator=generator)
    scale = 10.0 ** torch.linspace(-5, 3, 10_000)
    matrix = scale[:, None, None] * (factor @ factor.transpose(-1, -2))
    vector = scale[:, None] * torch.randn(10_000, 3, generator=generator)
    assert solve_3x3(matrix, vector).isfinite().all()
