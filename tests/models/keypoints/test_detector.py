"""The detector's parts: places between cells, several peaks, triangulation by confidence."""

import numpy as np
import pytest
import torch

from testing import keypoint_tracks
from workflow_scripts.geometry.triangulation import project
from workflow_scripts.models.keypoints.detector import Detector, DetectorSize, soft_argmax
from workflow_scripts.models.keypoints.detector_inference import (
    MIN_CONFIDENCE,
    detect,
    triangulate_detections,
    triangulate_weighted,
)
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.track_dataset import build_track_dataset


def bump(u: float, v: float, *, side: int = 32, height: float = 0.0) -> torch.Tensor:
    """Return the logits of a normal distribution about the point (u, v) in cells."""
    y, x = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    return height - 0.5 * ((x - u).square() + (y - v).square())


@pytest.mark.parametrize(("u", "v"), [(10.0, 20.0), (10.37, 20.81), (16.5, 7.5)])
def test_a_place_between_cells_is_found(u: float, v: float) -> None:
    points, mass, _, spread = soft_argmax(bump(u, v))
    # Cutting the bump off at 3.5 cells leaves a few thousandths of a cell.
    assert (32 * points).tolist() == pytest.approx([u, v], abs=0.02)
    assert mass > 0.99
    assert spread == pytest.approx(2**0.5, abs=0.05)


def test_a_second_peak_does_not_drag_the_point_but_is_doubted() -> None:
    both = torch.logaddexp(bump(8, 8), bump(24, 24, height=-0.2))
    points, mass, _, _ = soft_argmax(both)
    assert (32 * points).tolist() == pytest.approx([8, 8], abs=0.02)
    assert 0.5 < mass < 0.6


def some_points(count: int = 20) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return projections [1, V, 3, 4], points [n, 3] and exact 2D [n, V, 2] in widths."""
    track = keypoint_tracks.episode(0, num_steps=count)
    tracks = build_track_dataset([track], noise=NoiseModel(multiplier=0), names=[], seed=1)
    points = tracks.clip.points_m[:, 0]
    matrices = tracks.clip.projections[0][None]
    return matrices, points, project(matrices, points)[0]


def test_confident_triangulation_is_exact_on_exact_input() -> None:
    matrices, points, pixels = some_points()
    found = triangulate_weighted(matrices, pixels, torch.full(pixels.shape[:-1], 0.7))
    assert (found - points).norm(dim=-1).max() < 1e-4


def test_a_doubted_view_hardly_counts_and_doubting_it_is_learned() -> None:
    matrices, points, pixels = some_points()
    wrong = pixels.clone()
    wrong[:, 3] += 0.2
    weights = torch.ones(pixels.shape[:-1])
    weights[:, 3] = 1e-3
    trusting = triangulate_weighted(matrices, wrong, torch.ones_like(weights))
    doubting = triangulate_weighted(matrices, wrong, weights)
    assert (trusting - points).norm(dim=-1).min() > 0.02
    assert (doubting - points).norm(dim=-1).max() < 0.002
    learned = torch.full_like(weights, 0.5, requires_grad=True)
    error = (triangulate_weighted(matrices, wrong, learned) - points).square().sum()
    error.backward()
    assert torch.isfinite(learned.grad).all()
    assert (learned.grad[:, 3] > 0).all()


def test_a_keypoint_that_only_one_view_may_have_seen_has_no_place() -> None:
    track = keypoint_tracks.episode(0, num_steps=3)
    confidence = np.full((3, 4, 6), 0.9, dtype=np.float32)
    confidence[:, 1:, 2] = 0
    tracks = build_track_dataset(
        [track],
        noise=NoiseModel(multiplier=0),
        names=[],
        seed=1,
        detections=[(track.keypoints_px, confidence)],
    )
    points = triangulate_detections(tracks)
    assert points[:, 2].isnan().all()
    rest = [0, 1, 3, 4, 5]
    assert (points - tracks.clip.points_m)[:, rest].norm(dim=-1).max() < 1e-4


def test_any_number_of_keypoints_views_and_steps_is_detected() -> None:
    torch.manual_seed(0)
    detector = Detector(DetectorSize(num_names=3, num_conditions=2)).eval()
    images = np.random.default_rng(0).integers(0, 255, (2, 3, 32, 48, 3), dtype=np.uint8)
    pixels, confidence = detect(detector, images, names=[1, 3, 0, 2, 2], condition=1)
    assert pixels.shape == (2, 3, 5, 2)
    assert ((pixels >= 0) & (pixels <= [48, 32])).all()
    assert ((confidence == 0) | (confidence >= MIN_CONFIDENCE)).all()
    # The same name is the same place, and an episode that asks for something else is another.
    assert np.array_equal(pixels[:, :, 3], pixels[:, :, 4])
    other, _ = detect(detector, images, names=[1, 3, 0, 2, 2], condition=2)
    assert not np.array_equal(pixels, other)
