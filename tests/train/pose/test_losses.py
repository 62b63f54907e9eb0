"""What objectives ask for: the published one the noise it is given, the masked one the truth."""

from dataclasses import replace

import pytest
import torch

from testing import keypoint_tracks
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.rigid_fit import estimate_body_shapes
from workflow_scripts.models.keypoints.baselines import weighted_dlt
from workflow_scripts.models.keypoints.lifter import Lifter, LifterSize
from workflow_scripts.models.keypoints.lifter_inputs import compute_lifter_inputs
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.track_dataset import (
    TrackDataset,
    build_track_dataset,
    keypoint_vocabulary,
)
from workflow_scripts.train.pose import losses

WINDOW = 7


@pytest.fixture(scope="module")
def tracks() -> TrackDataset:
    known = keypoint_tracks.episodes(4)
    return build_track_dataset(
        known, noise=NoiseModel(multiplier=1), names=keypoint_vocabulary(known), seed=1
    )


def make_lifter(tracks: TrackDataset) -> Lifter:
    """Return a lifter that knows the body, with weights that are not zero."""
    torch.manual_seed(0)
    lifter = Lifter(LifterSize(width=16, layers=1, heads=2, num_names=6))
    for part in (lifter.head, lifter.direct):
        torch.nn.init.normal_(part.weight, std=0.05)
    clip = tracks.clip
    lifter.shapes.copy_(estimate_body_shapes(clip.points_m, clip.names, clip.bodies, num_names=6))
    return lifter


def run_lifter(lifter: Lifter, tracks: TrackDataset, frames: torch.Tensor, hidden: torch.Tensor):
    index = tracks.window_index(frames, window=WINDOW)
    evidence = compute_lifter_inputs(tracks.clip, tracks.episode, lifter.shapes)[index].mask_frames(
        hidden
    )
    return lifter(evidence, tracks.clip.names[frames], tracks.clip.known[frames])


def test_the_published_objective_prefers_triangulated_noise_to_the_truth(
    tracks: TrackDataset,
) -> None:
    clip = tracks.clip
    frames = torch.arange(len(tracks))
    index = frames[:, None]
    views = clip.observed[index], clip.projections[index], clip.weights[index]
    noise = losses.published_loss(weighted_dlt(tracks).float()[index], *views)
    truth = losses.published_loss(clip.points_m[index], *views)
    # Of 8 numbers a point 3 are fitted: the residual shrinks by the square root of 5 / 8.
    assert noise / truth == pytest.approx((5 / 8) ** 0.5, rel=0.05)


def test_the_masked_objective_prefers_the_truth_to_any_other_frame_s_noise(
    tracks: TrackDataset,
) -> None:
    clip = tracks.clip
    at_rest = torch.arange(9)
    index = at_rest[:-1, None]
    views = clip.observed[index], clip.projections[index], clip.weights[index]
    hidden = torch.ones(len(index), 1)
    # The body rests: the next frame's points are this frame's but for the noise.
    noise = losses.masked_loss(weighted_dlt(tracks).float()[at_rest[1:], None], *views, hidden)
    truth = losses.masked_loss(clip.points_m[index], *views, hidden)
    assert truth < 0.8 * noise


def test_a_hidden_frame_does_not_reach_the_output(tracks: TrackDataset) -> None:
    lifter = make_lifter(tracks)
    frames = torch.tensor([40])
    moved = tracks.clip.observed.clone()
    moved[40] += 0.02 * torch.randn(moved[40].shape, generator=torch.Generator().manual_seed(0))
    other = replace(tracks, clip=replace(tracks.clip, observed=moved))
    masked_middle, visible = torch.zeros(WINDOW, 1), torch.zeros(WINDOW, 1)
    masked_middle[WINDOW // 2] = 1
    with torch.no_grad():
        unseen = run_lifter(lifter, tracks, frames, masked_middle) - run_lifter(
            lifter, other, frames, masked_middle
        )
        seen = run_lifter(lifter, tracks, frames, visible) - run_lifter(
            lifter, other, frames, visible
        )
    # Only the episode's typical residual, which says how large noise is, knows of the frame.
    assert unseen.norm(dim=-1).max() < 0.2 * seen.norm(dim=-1).max()
    assert unseen.norm(dim=-1).max() < 1e-3


def test_masked_windows_always_hide_the_middle_and_some_another_frame() -> None:
    hidden = losses.hidden_frames("masked", 400, WINDOW, rng(1, "test"))
    assert (hidden[:, WINDOW // 2] == 1).all()
    assert 0.3 < (hidden.sum(dim=1) == 2).float().mean() < 0.55
    assert losses.hidden_frames("published", 4, WINDOW, rng(1, "test")).sum() == 0


def test_every_weight_of_a_lifter_learns(tracks: TrackDataset) -> None:
    lifter = make_lifter(tracks)
    frames = torch.arange(20, 60)
    points = run_lifter(lifter, tracks, frames, torch.zeros(WINDOW, 1))
    index = tracks.window_index(frames, window=WINDOW)
    clip = tracks.clip
    losses.supervised_loss(points, clip.points_m[index], clip.known[frames]).backward()
    for name, weight in lifter.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().sum() > 0, name


def test_the_order_of_views_does_not_matter(tracks: TrackDataset) -> None:
    lifter = make_lifter(tracks)
    order = torch.tensor([2, 0, 3, 1])
    clip = tracks.clip
    permuted = replace(
        clip,
        observed=clip.observed[:, order],
        weights=clip.weights[:, order],
        projections=clip.projections[:, order],
    )
    frames, hidden = torch.tensor([35]), torch.zeros(WINDOW, 1)
    with torch.no_grad():
        original_order = run_lifter(lifter, tracks, frames, hidden)
        permuted_order = run_lifter(lifter, replace(tracks, clip=permuted), frames, hidden)
    assert (original_order - permuted_order).norm(dim=-1).max() < 1e-4


def test_a_point_beside_the_picture_keeps_its_gradient(tracks: TrackDataset) -> None:
    clip = tracks.clip
    index = torch.tensor([[40]])
    points = (clip.points_m[index] + torch.tensor([0.0, 2.0, 0.0])).requires_grad_()
    views = clip.observed[index], clip.projections[index], clip.weights[index]
    losses.published_loss(points, *views).backward()
    assert (points.grad.norm(dim=-1) > 0).all()


def test_bodies_keep_their_lengths_and_points_stay_before_cameras(tracks: TrackDataset) -> None:
    clip = tracks.clip
    points = clip.points_m[:3]
    lengths = (points[0][:, None] - points[0][None]).norm(dim=-1).expand(3, -1, -1)
    bodies = clip.bodies[:3]
    assert losses.rigidity_loss(points, bodies, lengths) < 1e-4
    assert losses.rigidity_loss(1.1 * points, bodies, lengths) > 0.1
    before = losses.cheirality_loss(
        points[None], clip.projections[None, :3], clip.weights[None, :3]
    )
    behind = points[None] + torch.tensor([0.0, 0.0, 9.0])
    after = losses.cheirality_loss(behind, clip.projections[None, :3], clip.weights[None, :3])
    assert before == 0
    assert after > 1
    at_rest = clip.points_m[None, :5]
    assert losses.acceleration_loss(at_rest, clip.known[:1]) < 1e-6
