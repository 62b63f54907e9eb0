"""Bodies: shapes found from noisy tracks, poses that explain frames, keypoints that are hidden."""

import torch

from testing import keypoint_tracks
from workflow_scripts.common.demonstration_shard import KeypointTrack
from workflow_scripts.geometry.rigid_fit import body_columns, estimate_body_shapes, kabsch
from workflow_scripts.models.keypoints.baselines import dlt, smoothed_dlt
from workflow_scripts.models.keypoints.lifter_inputs import compute_lifter_inputs, mean_positions
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.track_dataset import (
    TrackDataset,
    build_track_dataset,
    keypoint_vocabulary,
)

EPISODES = keypoint_tracks.episodes(12)
NAMES = keypoint_vocabulary(EPISODES)


def tracks_with(multiplier: float, episodes: list[KeypointTrack] | None = None) -> TrackDataset:
    chosen = EPISODES if episodes is None else episodes
    return build_track_dataset(chosen, noise=NoiseModel(multiplier=multiplier), names=NAMES, seed=1)


def shapes_of(tracks: TrackDataset, points: torch.Tensor) -> torch.Tensor:
    clip = tracks.clip
    return estimate_body_shapes(points, clip.names, clip.bodies, num_names=len(NAMES))


def distances(points: torch.Tensor) -> torch.Tensor:
    return (points[:, None] - points[None]).norm(dim=-1)


def test_kabsch_finds_the_pose() -> None:
    shape = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turn = torch.linalg.matrix_exp(torch.tensor([[0, -0.5, 0.2], [0.5, 0, 0.1], [-0.2, -0.1, 0]]))
    moved = shape @ turn.double().T + torch.tensor([1.0, 2, 3])
    rotation, shift = kabsch(shape, moved, torch.ones(6, dtype=torch.float64))
    assert torch.allclose(rotation, turn.double(), atol=1e-9)
    assert torch.allclose(shape @ rotation.T + shift, moved, atol=1e-9)


def test_the_shape_comes_out_of_noisy_tracks_without_labels() -> None:
    tracks = tracks_with(1)
    shapes = shapes_of(tracks, smoothed_dlt(tracks).float())
    wanted = torch.from_numpy(keypoint_tracks.random_body(7, 6)).float()
    assert shapes[0].isnan().all()
    assert (distances(shapes[1:]) - distances(wanted)).abs().max() < 0.002
    # The body turns about the vertical only, so its own z axis is found to be the vertical.
    heights = shapes[1:, 2] - shapes[1:, 2].mean()
    assert (heights - (wanted[:, 2] - wanted[:, 2].mean())).abs().max() < 0.002


def test_a_pose_has_less_error_than_its_points() -> None:
    tracks = tracks_with(1)
    evidence = compute_lifter_inputs(
        tracks.clip, tracks.episode, shapes_of(tracks, tracks.clip.points_m)
    )
    truth = tracks.clip.points_m

    def mean_mm(points: torch.Tensor) -> float:
        return 1000 * float((points - truth).norm(dim=-1).mean())

    free, upright = mean_mm(evidence.rigid_fit_m), mean_mm(evidence.yaw_fit_m)
    assert free < 0.65 * mean_mm(dlt(tracks))
    assert upright < 0.9 * free


def test_hidden_keypoints_are_where_their_body_is() -> None:
    tracks = tracks_with(0)
    shapes = shapes_of(tracks, tracks.clip.points_m)
    tracks.clip.weights[:, :, 4] = 0
    evidence = compute_lifter_inputs(tracks.clip, tracks.episode, shapes)
    assert evidence.determined[:, 4].max() == 0
    assert evidence.has_rigid_fit[:, 4].min() == 1
    error = (evidence.rigid_fit_m - tracks.clip.points_m).norm(dim=-1)
    assert error.max() < 1e-4


def test_one_view_gives_a_ray_and_none_the_middle_of_the_workspace() -> None:
    tracks = tracks_with(0)
    no_shapes = torch.full((len(NAMES) + 1, 3), torch.nan)
    tracks.clip.weights[:, 1:] = 0
    one = compute_lifter_inputs(tracks.clip, tracks.episode, no_shapes)
    assert one.determined.max() == 0
    assert one.residual.max() < 2e-3
    tracks.clip.weights[:] = 0
    none = compute_lifter_inputs(tracks.clip, tracks.episode, no_shapes)
    assert none.information.abs().max() == 0
    window = tracks.window_index(torch.arange(5), window=7)
    assert torch.isfinite(mean_positions(none[window])).all()


def test_bodies_need_two_known_keypoints() -> None:
    names, bodies = torch.tensor([1, 2, 3, 0, 5]), torch.tensor([0, 0, 1, 1, -1])
    assert body_columns(names, bodies) == [[0, 1]]
