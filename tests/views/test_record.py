"""A shard of demonstrations: what is written is what was demonstrated, whole, the same bytes."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.ball_demonstrator import BallDemonstrator, episode
from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.demonstration_shard import DemonstrationShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode, SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.geometry.cameras import project
from workflow_scripts.sources.rlbench import RecordSettings
from workflow_scripts.views import record
from workflow_scripts.views.demonstrator import BACKENDS

CAMERAS = ("left_shoulder", "right_shoulder", "overhead", "front")


@pytest.fixture(autouse=True)
def ball_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "ball", "testing.ball_demonstrator:BallDemonstrator")


def recorded(folder: Path, episodes: list[Episode], **changes: object) -> Path:
    """Record episodes with the ball backend and return the shard's path."""
    scenes, out = folder / "0000.jsonl", folder / "views" / "0000.zarr"
    folder.mkdir(parents=True, exist_ok=True)
    write_records(scenes, episodes)
    values = {"cameras": list(CAMERAS), "size_px": 48, "max_steps": 6, **changes}
    backend = values.pop("backend", "ball")
    # The backend of tests is no choice of a user's.
    settings = RecordSettings.parse(values).model_copy(update={"backend": backend})
    record.main(scenes=scenes, out=out, settings=settings)
    return out


def digest(path: Path) -> dict[str, str]:
    return {
        str(file.relative_to(path.parent)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.parent.rglob("*"))
        if file.is_file()
    }


def test_the_shard_holds_what_was_demonstrated(tmp_path: Path) -> None:
    shard = DemonstrationShard.open(recorded(tmp_path, [episode(), episode(number=1)]))
    second = episode(number=1)
    with BallDemonstrator(
        cameras=CAMERAS, size_px=48, max_steps=6, max_attempts=1, dataset=None
    ) as backend:
        truth = backend.demonstrate(second)
    track = shard.track(second.scene_id)
    np.testing.assert_array_equal(track.keypoints_m, truth.keypoints_m)
    np.testing.assert_array_equal(shard.images(second.scene_id), truth.rgb)
    np.testing.assert_array_equal(track.world_from_camera, truth.world_from_camera)
    np.testing.assert_array_equal(track.intrinsics[3], truth.intrinsics)
    view = shard.view(second.scene_id, step=4, camera=2)
    np.testing.assert_array_equal(shard.shard.depth_m(view), truth.depth_m[4, 2])
    np.testing.assert_array_equal(shard.shard.instance(view), truth.instance[4, 2])
    assert track.names == ("ball", "table_corner")
    assert track.parents == ("ball", "table")
    steps = shard.steps[shard.steps.scene_id == second.scene_id]
    np.testing.assert_allclose(steps.gripper_opening, np.linspace(1, 0, 6))
    assert list(steps.gripper_open) == [True] + [False] * 5
    poses = shard.poses[(shard.poses.scene_id == second.scene_id) & (shard.poses.instance == 1)]
    np.testing.assert_array_equal(poses[["x_m", "y_m", "z_m"]], truth.keypoints_m[:, 0])


def test_stored_pixels_are_the_projection_of_stored_points(tmp_path: Path) -> None:
    shard = DemonstrationShard.open(recorded(tmp_path, [episode()]))
    track = shard.track(episode().scene_id)
    for step in range(len(track.keypoints_m)):
        for camera in range(len(track.cameras)):
            pixels, _ = project(
                track.keypoints_m[step],
                track.intrinsics[step, camera],
                track.world_from_camera[step, camera],
            )
            np.testing.assert_allclose(track.keypoints_px[step, camera], pixels, atol=1e-9)


def test_a_hidden_keypoint_is_in_frame_but_not_visible(tmp_path: Path) -> None:
    shard = DemonstrationShard.open(recorded(tmp_path, [episode()], size_px=128))
    track = shard.track(episode().scene_id)
    front = track.cameras.index("front")
    assert track.in_frame[0, front, 0]
    assert not track.visible[0, front, 0], "the wall stands between the camera and the ball"
    overhead = track.cameras.index("overhead")
    assert track.visible[:, overhead, 0].all(), "a ball does not hide its own centre"
    assert not track.visible[~track.in_frame].any()


def test_keypoints_of_tasks_with_fewer_are_padded_and_cut_again(tmp_path: Path) -> None:
    shard = DemonstrationShard.open(recorded(tmp_path, [episode()]))
    assert shard.track(episode().scene_id).keypoints_m.shape == (6, 2, 3)
    assert np.isfinite(shard.track(episode().scene_id).keypoints_m).all()


def test_what_failed_is_a_row_with_its_reason(tmp_path: Path) -> None:
    episodes = [episode(), episode("close_fridge"), episode(number=3, skipped="no such variation")]
    out = recorded(tmp_path, episodes)
    skipped = read_records(out.with_name("0000.skipped.jsonl"), SkippedItem)
    assert [(row.item, row.reason) for row in skipped] == [
        ("close_fridge", "no path to the fridge in 5 attempts"),
        ("reach_target", "no such variation"),
    ]
    assert list(DemonstrationShard.open(out).episodes.scene_id) == [episode().scene_id]


def test_a_shard_in_which_everything_failed_is_whole_and_empty(tmp_path: Path) -> None:
    out = recorded(tmp_path, [episode("close_fridge")])
    shard = DemonstrationShard.open(out)
    assert len(shard.episodes) == 0
    assert len(shard.shard) == 0
    assert Image.open(out.with_suffix(".png")).size[0] > 100


def test_the_same_episodes_give_the_same_bytes(tmp_path: Path) -> None:
    first = digest(recorded(tmp_path / "a", [episode(), episode(number=1)]))
    assert first == digest(recorded(tmp_path / "b", [episode(), episode(number=1)]))


def test_an_episode_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    alone = DemonstrationShard.open(recorded(tmp_path / "a", [episode(number=1)]))
    among = DemonstrationShard.open(recorded(tmp_path / "b", [episode(), episode(number=1)]))
    scene_id = episode(number=1).scene_id
    np.testing.assert_array_equal(alone.images(scene_id), among.images(scene_id))
    assert alone.episode(scene_id).state_hash == among.episode(scene_id).state_hash


def test_other_seeds_place_things_elsewhere(tmp_path: Path) -> None:
    shard = DemonstrationShard.open(recorded(tmp_path, [episode(), episode(number=1)]))
    assert shard.episodes.state_hash.is_unique


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": []}, "cameras: .* at least 1 entry"),
        ({"cameras": ["front", "front"]}, "cameras: .*front"),
        ({"size_px": 8}, "size_px: 8 is less than the minimum of 16"),
        ({"max_steps": 0}, "max_steps: 0 is less than the minimum of 1"),
        ({"backend": "unity"}, "unknown demonstration backend 'unity'"),
    ],
)
def test_settings_that_cannot_be_are_named(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        recorded(tmp_path, [episode()], **changes)
    assert not list(tmp_path.rglob("*.zarr"))


def test_a_shard_of_houses_is_no_shard_of_demonstrations(tmp_path: Path) -> None:
    houses = write_shard(tmp_path / "0000.zarr", {"house-1": living_room_scene(20, 12)})
    with pytest.raises(UserError, match="no array 'keypoints_m'"):
        DemonstrationShard.open(houses)


def test_a_lost_array_of_a_demonstration_is_named(tmp_path: Path) -> None:
    out = recorded(tmp_path, [episode()])
    shutil.rmtree(out / "keypoints_m")
    with pytest.raises(UserError, match=r"'keypoints_m' has lost .*run the workflow again"):
        DemonstrationShard.open(out)
