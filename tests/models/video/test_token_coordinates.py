"""Token coordinates by hand, and equal to those of a plain version in PyTorch."""

import numpy as np
import pytest
import torch

from benchmarks.token_coordinates import torch_object_patches, torch_token_coordinates
from tests.models.video.scans import BOXES, room_frames
from workflow_scripts.geometry.cameras import intrinsics, world_from_camera
from workflow_scripts.models.video.object_patches import (
    find_object_patches,
    mean_patch_features,
)
from workflow_scripts.models.video.token_coordinates import token_coordinates, token_grid

K = intrinsics(width_px=4, height_px=2, vertical_fov_deg=90.0)
POSE = world_from_camera((1.0, 2.0, 3.0), yaw_deg=0.0, pitch_deg=0.0)


def test_tokens_by_hand() -> None:
    """Two tokens of 2 x 2 pixels; one of them has a hole."""
    depth = np.array([[[2.0, 2.0, 1.0, np.nan], [2.0, 2.0, 0.0, np.inf]]], np.float32)
    grid = token_grid((0, 0, 4, 2), rows=1, columns=2)
    found = token_coordinates(depth, K[None], POSE[None], grid)
    assert found.validity.tolist() == [[[1.0, 0.25]]]
    assert found.depth_m.tolist() == [[[2.0, 1.0]]]
    # Focal length 1 pixel: the centre of the left token is 1 pixel left of the axis.
    in_camera = np.array([[-1.0 * 2, 0.0, 2.0, 1.0], [0.5 * 1, -0.5 * 1, 1.0, 1.0]])
    np.testing.assert_allclose(found.xyz_m[0, 0], (in_camera @ POSE.T)[:, :3], atol=1e-6)


def test_tokens_without_depth_and_frames_without_a_pose_have_none() -> None:
    depth = np.full((2, 2, 4), np.nan, np.float32)
    depth[1] = 2.0
    poses = np.array([POSE, POSE])
    poses[1, 0, 3] = -np.inf
    grid = token_grid((0, 0, 4, 2), rows=1, columns=2)
    found = token_coordinates(depth, np.array([K, K]), poses, grid)
    assert np.isnan(found.xyz_m).all()
    assert not found.validity.any()
    boxes = np.array([[1.0, 2.0, 3.0, 99.0, 99.0, 99.0]])
    assert not len(find_object_patches(depth, np.array([K, K]), poses, grid, boxes).patch)


def test_grid_by_hand() -> None:
    """A pixel belongs to the token in which its centre lies; a crop leaves the sides out."""
    grid = token_grid((1.0, 0.0, 8.0, 3.0), rows=2, columns=3)
    assert grid.row_starts.tolist() == [0, 1, 3]
    assert grid.column_starts.tolist() == [1, 3, 6, 8]
    assert token_grid((0, 0, 2, 2), rows=4, columns=1).row_starts.tolist() == [0, 0, 1, 1, 2]


def test_more_tokens_than_pixels_leave_tokens_without_pixels() -> None:
    grid = token_grid((0, 0, 4, 2), rows=4, columns=4)
    found = token_coordinates(np.ones((1, 2, 4), np.float32), K[None], POSE[None], grid)
    assert (found.validity[0].sum(axis=1) > 0).tolist() == [False, True, False, True]
    assert np.isnan(found.xyz_m[0, 0]).all()


@pytest.mark.parametrize("columns", [4, 5, 7])
def test_equal_to_the_plain_version(columns: int) -> None:
    frames = room_frames(3, width_px=140, height_px=105)
    grid = token_grid((3.5, 0.0, 136.5, 105.0), rows=3, columns=columns)
    geometry = (frames.depth_m, frames.intrinsics, frames.world_from_camera)
    found = token_coordinates(*geometry, grid)
    xyz, validity = torch_token_coordinates(*geometry, grid, exact=True)
    np.testing.assert_allclose(found.xyz_m, xyz, atol=1e-5)
    np.testing.assert_allclose(found.validity, validity, atol=1e-6)
    rng = np.random.default_rng(0)
    boxes = np.concatenate(
        [BOXES, np.column_stack([rng.uniform(0, 4, (20, 3)), rng.uniform(0.1, 3, (20, 3))])]
    )
    for share in (0.125, 0.5, 1.0):
        pairs = find_object_patches(*geometry, grid, boxes, share=share)
        expected = torch_object_patches(*geometry, grid, boxes, share=share, exact=True)
        assert len(pairs.patch) > 0
        assert np.array_equal(np.stack([pairs.patch, pairs.proposal], axis=1), expected)


def test_a_patch_needs_half_of_its_pixels() -> None:
    """Half of the right token's pixels lie in the box; of the left one none; then one less."""
    depth = np.full((1, 2, 4), 2.0, np.float32)
    grid = token_grid((0, 0, 4, 2), rows=1, columns=2)
    corner = (np.array([[1.0, -1.0, 2.0, 1.0]]) @ POSE.T)[0, :3]
    # The column of pixels 2 px wide at u = 2.5, x from 1 m left to right of it in the camera.
    box = np.array([[*corner, 0.5, 0.5, 9.0]])
    pairs = find_object_patches(depth, K[None], POSE[None], grid, box)
    assert pairs.patch.tolist() == [1]
    assert pairs.num_patches.tolist() == [1]
    depth[0, 0, 2] = np.nan
    assert not len(find_object_patches(depth, K[None], POSE[None], grid, box).patch)
    low = find_object_patches(depth, K[None], POSE[None], grid, box, share=0.25)
    assert low.patch.tolist() == [1]


def test_a_patch_may_show_several_proposals_and_a_proposal_no_patch() -> None:
    depth = np.full((1, 2, 4), 2.0, np.float32)
    grid = token_grid((0, 0, 4, 2), rows=1, columns=2)
    boxes = np.array([[1, 2, 3, 99, 99, 99], [1, 2, 50, 1, 1, 1], [1, 2, 3, 50, 50, 50]], float)
    pairs = find_object_patches(depth, K[None], POSE[None], grid, boxes)
    assert pairs.patch.tolist() == [0, 0, 1, 1]
    assert pairs.proposal.tolist() == [0, 2, 0, 2]
    assert pairs.num_patches.tolist() == [2, 0, 2]
    features = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    means = mean_patch_features(
        features, torch.from_numpy(pairs.patch), torch.from_numpy(pairs.proposal), num_objects=3
    )
    assert means.tolist() == [[2.0, 4.0], [0.0, 0.0], [2.0, 4.0]]
