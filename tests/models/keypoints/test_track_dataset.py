"""Episodes as tensors: windows stay inside episodes, padding is unseen, mistakes are named."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from testing import keypoint_tracks
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.triangulation import project
from workflow_scripts.models.keypoints.load_tracks import never_visible, unusable_reason
from workflow_scripts.models.keypoints.noise import NoiseModel
from workflow_scripts.models.keypoints.track_dataset import build_track_dataset, keypoint_vocabulary

ONE, TWO = (
    keypoint_tracks.episode(0, num_steps=9),
    keypoint_tracks.episode(1, num_steps=5, num_keypoints=4),
)
NOISE = NoiseModel(multiplier=1)


def test_windows_repeat_the_ends_of_their_episode() -> None:
    tracks = build_track_dataset(
        [ONE, TWO], noise=NOISE, names=keypoint_vocabulary([ONE, TWO]), seed=1
    )
    assert tracks.window_index(torch.tensor([0, 9, 13]), window=7).tolist() == [
        [0, 0, 0, 0, 1, 2, 3],
        [9, 9, 9, 9, 10, 11, 12],
        [10, 11, 12, 13, 13, 13, 13],
    ]


def test_projection_matrices_and_pixels_share_one_normalisation() -> None:
    tracks = build_track_dataset([ONE], noise=NOISE, names=keypoint_vocabulary([ONE]), seed=1)
    clip = tracks.clip
    pixels, _ = project(clip.projections[:, None], clip.points_m)
    assert (pixels.transpose(1, 2) - clip.exact).abs().max() < 1e-5
    assert clip.exact.max() < 1


def test_an_episode_is_observed_alike_in_any_company() -> None:
    names = keypoint_vocabulary([ONE, TWO])
    alone = build_track_dataset([TWO], noise=NOISE, names=names, seed=1)
    later = build_track_dataset([ONE, TWO], noise=NOISE, names=names, seed=1)
    assert torch.equal(later.clip.observed[9:, :, :4], alone.clip.observed)
    assert later.clip.known[9:, 4:].max() == 0
    assert later.clip.weights[9:, :, 4:].max() == 0


def test_names_that_are_not_taught_are_zero() -> None:
    tracks = build_track_dataset([ONE], noise=NOISE, names=["body/point0"], seed=1)
    assert tracks.clip.names[0].tolist() == [1, 0, 0, 0, 0, 0]


def test_hidden_keypoints_are_unseen_only_if_occlusion_counts() -> None:
    hidden = ONE.visible.copy()
    hidden[:, 1, 2] = False
    track = replace(ONE, visible=hidden)
    true = build_track_dataset([track], noise=NOISE, names=[], seed=1)
    without_occlusion = NOISE.model_copy(update={"occlusion": False})
    blind = build_track_dataset([track], noise=without_occlusion, names=[], seed=1)
    assert true.clip.weights[:, 1, 2].max() == 0
    assert blind.clip.weights[:, 1, 2].min() == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intrinsics": np.zeros_like(ONE.intrinsics)}, "'left_shoulder' is degenerate"),
        ({"world_from_camera": np.full_like(ONE.world_from_camera, np.nan)}, "not finite"),
        ({"cameras": ()}, "zero cameras"),
    ],
)
def test_broken_cameras_are_named(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_track_dataset([replace(ONE, **changes)], noise=NOISE, names=[], seed=1)


def test_no_episodes_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="no episodes"):
        build_track_dataset([], noise=NOISE, names=[], seed=1)


def test_what_cannot_be_used_is_said() -> None:
    assert unusable_reason(ONE) == ""
    assert "zero cameras" in unusable_reason(replace(ONE, cameras=()))
    assert "one camera" in unusable_reason(replace(ONE, cameras=("front",)))
    nothing = np.zeros_like(ONE.in_frame)
    assert "ever inside" in unusable_reason(replace(ONE, in_frame=nothing))
    seen = ONE.visible.copy()
    seen[:, 1:, 3] = False
    assert never_visible(replace(ONE, visible=seen)) == ["point3"]
