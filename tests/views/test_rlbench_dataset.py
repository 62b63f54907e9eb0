"""Episodes that RLBench recorded become the same shards, and broken ones say what is wrong."""

import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from testing.ball_demonstrator import RADIUS_M, BallDemonstrator, episode
from testing.rlbench_recordings import (
    FAR_M,
    HANDLES,
    NEAR_M,
    depth_png,
    mask_png,
    observations_from,
    pickle_observations,
    png,
    write_recording,
)
from workflow_scripts.common.demonstration_shard import Demonstration, DemonstrationShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode, SkippedItem
from workflow_scripts.common.storage import read_records
from workflow_scripts.geometry.cameras import (
    coppeliasim_from_opencv,
    intrinsics_from_coppeliasim,
    project,
)
from workflow_scripts.scenes import sample_scenes
from workflow_scripts.sources.rlbench import EpisodePlanSettings, RecordSettings
from workflow_scripts.views import record
from workflow_scripts.views.backends.rlbench_dataset import DatasetDemonstrator
from workflow_scripts.views.demonstrator import EpisodeError
from workflow_scripts.views.rlbench_decoding import (
    decode_depth_m,
    decode_handles,
    object_positions_m,
    read_png,
)

CAMERAS = ("left_shoulder", "overhead", "front")
PATH = "reach_target/variation0/episodes/episode0"


def truth(size_px: int = 48) -> Demonstration:
    with BallDemonstrator(
        cameras=CAMERAS, size_px=size_px, max_steps=4, max_attempts=1, dataset=None
    ) as backend:
        return backend.demonstrate(episode())


def reader(dataset: Path, cameras: tuple[str, ...] = CAMERAS, max_steps: int = 100):
    return DatasetDemonstrator(
        cameras=cameras, size_px=128, max_steps=max_steps, max_attempts=1, dataset=dataset
    )


def read(dataset: Path, **changes: object) -> Demonstration:
    with reader(dataset, **changes) as backend:  # type: ignore[arg-type]
        return backend.demonstrate(episode(path=PATH))


def test_a_recording_comes_back_as_it_was(tmp_path: Path) -> None:
    expected = truth()
    write_recording(tmp_path, expected)
    result = read(tmp_path)
    result.check()
    np.testing.assert_array_equal(result.rgb, expected.rgb)
    reached = np.where(expected.depth_m < FAR_M, expected.depth_m, np.nan)
    np.testing.assert_allclose(result.depth_m, reached, atol=2e-6)
    np.testing.assert_allclose(result.world_from_camera, expected.world_from_camera, atol=1e-12)
    np.testing.assert_allclose(result.intrinsics, expected.intrinsics, atol=1e-12)
    np.testing.assert_array_equal(result.keypoints_m[:, 1], expected.keypoints_m[:, 0])
    np.testing.assert_allclose(result.gripper_opening, expected.gripper_opening)
    names = {row.instance: row.object_id for row in result.objects}
    for instance, handle in HANDLES.items():
        if instance in expected.instance:
            number = next(n for n, name in names.items() if name == f"handle-{handle}")
            np.testing.assert_array_equal(result.instance == number, expected.instance == instance)


def test_the_task_description_is_kept(tmp_path: Path) -> None:
    folder = write_recording(tmp_path, truth())
    assert read(tmp_path).description == ""
    descriptions = folder.parents[1] / "variation_descriptions.pkl"
    descriptions.write_bytes(pickle.dumps(["reach the red target", "touch the red ball"]))
    assert read(tmp_path).description == "reach the red target"
    descriptions.write_bytes(b"cposix\nsystem\n(Vtouch ran\ntR.")
    assert read(tmp_path).description == ""


def test_variations_in_one_folder_are_distinguished(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folders = [write_recording(data, truth(), number=number) for number in range(3)]
    folders[0].parents[1].rename(data / "reach_target/all_variations")
    (data / "reach_target/all_variations/episodes/episode1/variation_number.pkl").write_bytes(
        pickle.dumps(14)
    )
    states = [
        {**state, "misc": {**state["misc"], "variation_index": 5}}
        for state in observations_from(truth())
    ]
    (data / "reach_target/all_variations/episodes/episode2/low_dim_obs.pkl").write_bytes(
        pickle_observations(states)
    )
    result = read_records(planned(data, tmp_path), Episode)
    assert [row.variation for row in result] == [0, 14, 5]


def test_the_target_belongs_to_the_handle_it_lies_in(tmp_path: Path) -> None:
    write_recording(tmp_path, truth())
    tip, target = read(tmp_path).keypoints
    assert (tip.name, target.name, target.parent_id) == ("gripper_tip", "target", "handle-88")
    assert RADIUS_M * 0.8 < target.surface_depth_m < RADIUS_M + 0.01


def test_folder_and_tar_give_the_same(tmp_path: Path) -> None:
    write_recording(tmp_path / "data", truth())
    with tarfile.open(tmp_path / "data.tar", "w") as tar:
        tar.add(tmp_path / "data" / "reach_target", arcname="reach_target")
    np.testing.assert_array_equal(
        read(tmp_path / "data").depth_m, read(tmp_path / "data.tar").depth_m
    )


def test_masks_use_all_three_bytes() -> None:
    assert HANDLES[2] == 66129
    handles = decode_handles(read_png(mask_png(np.full((2, 2), 2)), name="mask"))
    assert (handles == 66129).all()


def test_depth_is_24_bits_and_nothing_hit_is_nan() -> None:
    depth = np.array([[0.5, 1.2345678], [4.4, np.nan]])
    result = decode_depth_m(read_png(depth_png(depth), name="d"), near_m=NEAR_M, far_m=FAR_M)
    np.testing.assert_allclose(result, depth, atol=1e-6)


def test_the_sensor_s_axes_and_signs_are_undone_together() -> None:
    generator = np.random.default_rng(5)
    expected = truth()
    pose, k = expected.world_from_camera[0, 0], expected.intrinsics[0]
    sensor = coppeliasim_from_opencv(pose)
    assert np.linalg.det(sensor[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(sensor[:3, 2], pose[:3, 2])
    negative = k * [[-1, 1, 1], [1, -1, 1], [1, 1, 1]]
    points = generator.uniform((0, -0.4, 0.7), (0.5, 0.4, 1.2), (50, 3))
    # The simulator's own formula: K with negative focal lengths on coordinates in its axes.
    in_sensor = (points - sensor[:3, 3]) @ sensor[:3, :3]
    homogeneous = in_sensor @ negative.T
    theirs = homogeneous[:, :2] / homogeneous[:, 2:]
    ours, depth = project(
        points, intrinsics_from_coppeliasim(negative), coppeliasim_from_opencv(sensor)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(depth, in_sensor[:, 2], atol=1e-12)


def test_poses_joints_and_force_sensors_are_distinguished() -> None:
    steps = 5
    turn = np.tile([0.0, 0.6, 0.0, 0.8], (steps, 1))
    first, second = np.full((steps, 3), 0.3), np.full((steps, 3), 0.7)
    joint, force = np.full((steps, 1), 0.2), np.full((steps, 6), 9.0)
    state = np.hstack([first, turn, joint, second, turn, force])
    result = object_positions_m(state, task="close_box")
    assert [name for name, _, _ in result] == ["object_0", "object_1"]
    np.testing.assert_array_equal(result[1][1], second)
    assert object_positions_m(np.full((steps, 5), 0.3), task="close_box") == []


def remove_a_frame(folder: Path) -> None:
    (folder / "front_depth/2.png").unlink()


def empty_a_png(folder: Path) -> None:
    (folder / "overhead_mask/1.png").write_bytes(b"")


def shrink_a_mask(folder: Path) -> None:
    (folder / "front_mask/2.png").write_bytes(png(np.zeros((24, 48, 3))))


def cut_a_png(folder: Path) -> None:
    path = folder / "overhead_mask/1.png"
    path.write_bytes(path.read_bytes()[:60])


def write_8_bit_depth(folder: Path) -> None:
    (folder / "front_depth/0.png").write_bytes(png(np.zeros((48, 48))))


def remove_a_camera(folder: Path) -> None:
    for kind in ("rgb", "depth", "mask"):
        (folder / f"front_{kind}").rename(folder / f"wrist_{kind}")


def cut_the_pickle(folder: Path) -> None:
    path = folder / "low_dim_obs.pkl"
    path.write_bytes(path.read_bytes()[:500])


def run_code(folder: Path) -> None:
    (folder / "low_dim_obs.pkl").write_bytes(b"cposix\nsystem\n(Vtouch ran\ntR.")


def changed_states(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        states = observations_from(truth())
        for state in states:
            change(state)
        (folder / "low_dim_obs.pkl").write_bytes(pickle_observations(states))

    return edit


def flatten_rotation(state: dict) -> None:
    state["misc"]["front_camera_extrinsics"][:3, 2] = 0


def zero_focal(state: dict) -> None:
    state["misc"]["front_camera_intrinsics"][0, 0] = 0.0


def intrinsics_of_twice_the_size(state: dict) -> None:
    state["misc"]["front_camera_intrinsics"][:2, 2] *= 2


def no_depth_range(state: dict) -> None:
    state["misc"]["front_camera_far"] = NEAR_M


def no_joints(state: dict) -> None:
    state["joint_positions"] = None


BROKEN = [
    (remove_a_frame, "front_depth has 3 images for 4 steps; 2.png is missing"),
    (cut_a_png, "overhead_mask/1.png: cannot be read as a PNG"),
    (empty_a_png, r"overhead_mask/1.png: cannot be read as a PNG \(not an image\)"),
    (shrink_a_mask, "front_mask/2.png has 48 x 24 px, .*rgb/0.png 48 x 48"),
    (write_8_bit_depth, "a PNG of mode L; RLBench writes 8-bit RGB"),
    (remove_a_camera, "front_rgb is missing; leave the camera out"),
    (cut_the_pickle, "not a readable RLBench recording"),
    (run_code, "it asks for posix.system"),
    (changed_states(flatten_rotation), "its 3 x 3 part is not a rotation"),
    (changed_states(zero_focal), "focal lengths 0"),
    (changed_states(intrinsics_of_twice_the_size), "is for pictures of 96 x 96 px"),
    (changed_states(no_depth_range), "sees from 0.01 m to 0.01 m"),
    (changed_states(no_joints), r"joint_positions must be \[7\] numbers; it is missing"),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN)
def test_what_is_broken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    damage(write_recording(tmp_path, truth()))
    with pytest.raises(EpisodeError, match=message):
        read(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_an_episode_longer_than_allowed_is_left_out(tmp_path: Path) -> None:
    write_recording(tmp_path, truth())
    with pytest.raises(EpisodeError, match=r"4 steps; sources\.rlbench\.max_steps allows 3"):
        read(tmp_path, max_steps=3)


def planned(dataset: Path, folder: Path) -> Path:
    out = folder / "0000.jsonl"
    settings = EpisodePlanSettings(
        backend="dataset", dataset=str(dataset), tasks=(), episodes_per_task=100
    )
    sample_scenes.main(
        source="rlbench",
        scene_kind="episode",
        sampler="workflow_scripts.scenes.plan_episodes:sample_episodes",
        settings=settings,
        start=0,
        stop=100,
        seed=7,
        splits=(0.7, 0.1, 0.2),
        out=out,
        picture=out.with_suffix(".png"),
    )
    return out


def test_one_broken_episode_leaves_the_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_recording(data, truth())
    cut_a_png(write_recording(data, truth(), number=1))
    run_code(write_recording(data, truth(), number=2))
    out = tmp_path / "views" / "0000.zarr"
    record.main(
        scenes=planned(data, tmp_path),
        out=out,
        settings=RecordSettings(backend="dataset", cameras=CAMERAS, dataset=str(data)),
    )
    shard = DemonstrationShard.open(out)
    assert list(shard.episodes.scene_id) == ["rlbench-reach_target-v000-00000"]
    reasons = [row.reason for row in read_records(out.with_name("0000.skipped.jsonl"), SkippedItem)]
    assert len(reasons) == 2
    assert "cannot be read as a PNG" in reasons[0]
    assert "it asks for posix.system" in reasons[1]


def test_copies_of_an_episode_share_a_split(tmp_path: Path) -> None:
    for number in range(12):
        write_recording(tmp_path / "data", truth(), number=number)
    result = read_records(planned(tmp_path / "data", tmp_path), Episode)
    assert len({row.split for row in result}) == 1
    assert len({row.placement for row in result}) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such folder or tar"),
        (lambda path: path.mkdir(), "has no episode"),
        (lambda path: path.write_bytes(b"no tar" * 200), r"^[^\n]*cannot be read as a tar [^\n]*$"),
        (lambda path: write_recording(path, truth(), task="reach_moon"), "unknown RLBench task"),
    ],
)
def test_a_data_set_that_is_none_is_named(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "data")
    with pytest.raises(UserError, match=message):
        planned(tmp_path / "data", tmp_path)
    assert not (tmp_path / "0000.jsonl").exists()


def test_recordings_are_never_read_with_the_standard_reader() -> None:
    root = Path(__file__).parents[2] / "workflow_scripts"
    for package in ("common", "scenes", "views"):
        for path in (root / package).rglob("*.py"):
            text = path.read_text()
            assert "pickle.load" not in text, path
            assert "allow_pickle=True" not in text, path
