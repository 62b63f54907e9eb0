"""The published layout on request, with what is wrong in it put right; each mistake has a test."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from testing.ball_demonstrator import episode
from tests.views.test_record import ball_backend, recorded
from workflow_scripts.common.demonstration_shard import DemonstrationShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.rlbench import NpzSettings
from workflow_scripts.views import export_npz

__all__ = ["ball_backend"]
SIZE_PX = 64
FILES = ("over_shoulder_left", "over_shoulder_right", "overhead", "front")


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """Return a shard of a test, a train and a val episode of one task, in this order."""
    splits = ("test", "train", "val")
    episodes = [episode(number=n, split=split) for n, split in enumerate(splits)]
    return recorded(tmp_path / "shard", episodes, size_px=SIZE_PX)


def exported(shard: Path, noise: float = 1.0) -> Path:
    out = shard.parent / f"npz-{len(list(shard.parent.glob('npz-*')))}"
    settings = NpzSettings.parse({"npz_noise": noise})
    export_npz.main(shards=(shard,), out=out, seed=7, settings=settings)
    return out


def poses(folder: Path) -> dict:
    return np.load(folder / "sim_all_formal.npz", allow_pickle=True)["pose"].item()


def test_the_layout_is_the_published_one(shard: Path) -> None:
    found = poses(exported(shard))
    assert list(found) == ["T0"]
    assert sorted(found["T0"]) == ["exemple_0", "exemple_1", "exemple_2"]
    cameras = found["T0"]["exemple_0"]
    assert len(cameras) == 4
    for array in cameras:
        assert array.dtype == np.float64
        assert array.shape == (6, 2, 8), "as many points as keypoints, not as gripper actions"


def test_examples_are_in_the_order_of_the_published_split(shard: Path) -> None:
    index = json.loads((exported(shard) / "index.json").read_text())["T0"]
    assert [index[f"exemple_{n}"]["split"] for n in range(3)] == ["train", "val", "test"]
    assert index["exemple_2"]["scene_id"] == episode(number=0).scene_id


def test_columns_are_the_shard_s_own_values(shard: Path) -> None:
    folder = exported(shard, noise=0.0)
    track = DemonstrationShard.open(shard).track(episode(number=1).scene_id)
    for number, array in enumerate(poses(folder)["T0"]["exemple_0"]):
        np.testing.assert_array_equal(array[..., :2], track.keypoints_px[:, number])
        np.testing.assert_array_equal(array[..., 2:4], array[..., :2])
        np.testing.assert_array_equal(array[..., 4:7], track.keypoints_m)
        np.testing.assert_array_equal(array[..., 7], track.visible[:, number])


def test_matrices_are_for_the_pictures_size_and_project_the_points(shard: Path) -> None:
    """Published pixels are of 128 px pictures while the pictures have 256 px."""
    folder = exported(shard)
    for name, array in zip(FILES, poses(folder)["T0"]["exemple_1"], strict=True):
        k = np.load(folder / f"cameras_matrixes/_cam_{name}_intrinsics.npy")
        pose = np.load(folder / f"cameras_matrixes/_cam_{name}_extrinsics.npy")
        assert k[0, 0] < 0 > k[1, 1]
        assert k[0, 2] == k[1, 2] == SIZE_PX / 2
        in_camera = (array[..., 4:7] - pose[:3, 3]) @ pose[:3, :3]
        homogeneous = in_camera @ k.T
        pixels = homogeneous[..., :2] / homogeneous[..., 2:]
        np.testing.assert_allclose(pixels, array[..., :2], atol=1e-9)


def test_noise_is_a_share_of_the_same_side_and_never_clamped(shard: Path) -> None:
    errors = np.concatenate(
        [
            (array[..., 2:4] - array[..., :2]).ravel()
            for example in poses(exported(shard, noise=3.0))["T0"].values()
            for array in example
        ]
    )
    assert errors.std() == pytest.approx(3 * 0.00504 * SIZE_PX, rel=0.15)
    assert abs(errors.mean()) < 0.2


def test_visibility_is_seen_or_not_and_says_nothing_of_the_noise(shard: Path) -> None:
    quiet, loud = poses(exported(shard, noise=0.0)), poses(exported(shard, noise=3.0))
    for name, cameras in quiet["T0"].items():
        for camera, other in zip(cameras, loud["T0"][name], strict=True):
            assert set(np.unique(camera[..., 7])) <= {0.0, 1.0}
            np.testing.assert_array_equal(camera[..., 7], other[..., 7])
    front = np.concatenate([cameras[3][:, 0, 7] for cameras in quiet["T0"].values()])
    assert not front.all(), "the wall hides the ball from the front"


def test_world_points_are_one_and_the_same_in_every_camera(shard: Path) -> None:
    """Published code takes the largest of the cameras' values, so a missing view makes zeros."""
    for cameras in poses(exported(shard))["T0"].values():
        for array in cameras[1:]:
            np.testing.assert_array_equal(array[..., 4:7], cameras[0][..., 4:7])
        assert (cameras[0][..., 4:7] < 0).any(), "negative coordinates stay"


def test_the_same_shards_give_the_same_bytes(shard: Path) -> None:
    first, second = (
        hashlib.sha256((exported(shard) / "sim_all_formal.npz").read_bytes()).hexdigest()
        for _ in range(2)
    )
    assert first == second


def test_what_the_layout_cannot_hold_is_named(shard: Path, tmp_path: Path) -> None:
    other = recorded(tmp_path / "b", [episode()], cameras=("front", "overhead"))
    with pytest.raises(UserError, match=r"sources\.rlbench\.cameras lacks left_shoulder"):
        exported(other)
    larger = recorded(tmp_path / "c", [episode(number=8)], size_px=80)
    with pytest.raises(UserError, match="differ; export them in runs of their own"):
        export_npz.main(shards=(shard, larger), out=tmp_path / "npz", seed=7)
    empty = recorded(tmp_path / "d", [episode("close_fridge")])
    with pytest.raises(UserError, match="no episode to export"):
        exported(empty)
    with pytest.raises(UserError, match=r"npz_noise: -1\.0 is less than the minimum of 0"):
        exported(shard, noise=-1.0)
    assert not (tmp_path / "npz").exists()
