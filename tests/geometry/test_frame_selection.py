"""Frame selection: budgets, names, and equality with a plain greedy algorithm on sets."""

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry import cameras
from workflow_scripts.geometry.frame_selection import (
    STRATEGIES,
    choose_frames,
    frame_budget,
)
from workflow_scripts.geometry.voxel_coverage import (
    FrameVoxelCounter,
    FrameVoxels,
    count_frame_voxels,
    voxel_centres_m,
    voxel_keys,
)

VOXEL_M = 0.1


def frames_of(seed: int, count: int = 12, shape: tuple[int, int] = (24, 32)) -> list:
    """Return frames (depth, K, pose) that look at a bumpy wall from many sides, with holes."""
    generator = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        depth = generator.uniform(0.5, 4.0, size=shape).astype(np.float32)
        depth[generator.random(shape) < 0.1] = np.nan
        depth[0, :3] = (0.0, -1.0, np.inf)
        pose = cameras.world_from_camera(
            generator.uniform(-2, 2, size=3),
            yaw_deg=float(generator.uniform(-180, 180)),
            pitch_deg=float(generator.uniform(-40, 40)),
        )
        k = cameras.intrinsics(width_px=shape[1], height_px=shape[0], vertical_fov_deg=70.0)
        frames.append((depth, k, pose))
    return frames


def plain_voxels(depth: np.ndarray, k: np.ndarray, pose: np.ndarray) -> set[tuple[int, ...]]:
    """Return the voxels of a frame as a set, straight from the definition."""
    points = cameras.back_project(np.where(depth > 0, depth, np.nan), k, pose).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    return set(map(tuple, np.rint(points / VOXEL_M).astype(int).tolist()))


def plain_greedy(sets: list[set], count: int) -> tuple[list[int], list[int]]:
    """Return frames and gains of greedy maximum coverage on sets; ties go to the first frame."""
    covered: set = set()
    frames, gains = [], []
    while len(frames) < min(count, len(sets)):
        gain_of = {
            frame: len(voxels - covered) for frame, voxels in enumerate(sets) if frame not in frames
        }
        best = max(gain_of, key=lambda frame: (gain_of[frame], -frame))
        frames.append(best)
        gains.append(gain_of[best])
        covered |= sets[best]
    return frames, gains


def voxels_of(sets: list[set[int]]) -> FrameVoxels:
    """Return frames that show given voxel numbers."""
    members = [np.array(sorted(voxels), np.int32) for voxels in sets]
    sizes = np.array([len(part) for part in members])
    count = max((max(voxels, default=-1) for voxels in sets), default=-1) + 1
    return FrameVoxels(
        np.arange(count),
        np.concatenate([np.empty(0, np.int32), *members]),
        np.concatenate([[0], np.cumsum(sizes)]),
        sizes > 0,
    )


@pytest.mark.parametrize("seed", range(3))
def test_voxels_are_those_of_the_definition(seed: int) -> None:
    frames = frames_of(seed)
    counted = count_frame_voxels(frames, VOXEL_M)
    for number, frame in enumerate(frames):
        indices = np.rint(voxel_centres_m(counted.of_frame(number), VOXEL_M) / VOXEL_M).astype(int)
        assert len(indices) == len(set(map(tuple, indices.tolist())))
        assert set(map(tuple, indices.tolist())) == plain_voxels(*frame)
    assert counted.num_voxels == len(set().union(*(plain_voxels(*frame) for frame in frames)))


def test_a_frame_larger_than_the_first_table_is_counted_whole() -> None:
    generator = np.random.default_rng(0)
    depth = generator.uniform(1.0, 60.0, size=(300, 400)).astype(np.float32)
    k = cameras.intrinsics(width_px=400, height_px=300, vertical_fov_deg=80.0)
    counted = count_frame_voxels([(depth, k, np.eye(4))] * 2, VOXEL_M)
    assert set(counted.of_frame(0)) == set(counted.of_frame(1))
    assert counted.num_voxels == len(plain_voxels(depth, k, np.eye(4))) > 100_000


@pytest.mark.parametrize("seed", range(3))
def test_gains_equal_those_of_plain_greedy(seed: int) -> None:
    frames = frames_of(seed, count=15)
    # The same frame twice: a tie, and one that adds nothing.
    frames.insert(4, frames[9])
    counted = count_frame_voxels(frames, VOXEL_M)
    sets = [plain_voxels(*frame) for frame in frames]
    for count in (1, 5, 16, 40):
        chosen = choose_frames(counted, strategy="mc", max_frames=count)
        assert (chosen.frames.tolist(), chosen.gains.tolist()) == plain_greedy(sets, count)
    assert chosen.coverage[-1] == 1.0
    assert chosen.num_voxels == len(set().union(*sets))


def test_ties_go_to_the_first_frame() -> None:
    voxels = voxels_of([{0}, {1, 2}, {3, 4}, {1, 2}, {5}])
    assert choose_frames(voxels, strategy="mc").frames.tolist() == [1, 2, 0, 4, 3]


def test_a_ratio_ends_where_it_is_reached_and_not_later() -> None:
    sets = [set(range(10 * k, 10 * k + 10 - k)) for k in range(6)]
    voxels = voxels_of(sets)
    voxels = FrameVoxels(np.unique(voxels.members), *_renumbered(voxels))
    whole = choose_frames(voxels, strategy="mc")
    assert (np.diff(whole.gains) <= 0).all()
    assert whole.gains.sum() == whole.num_voxels == 45
    # 10, 19, 27, 34, 40, 45: 90 % is 40.5, 95 % is 42.75.
    assert len(choose_frames(voxels, strategy="mc-ratio90").frames) == 6
    assert len(choose_frames(voxels, strategy="mc-ratio90", max_frames=3).frames) == 3
    exact = voxels_of([set(range(9)), {9}])
    assert choose_frames(exact, strategy="mc-ratio90").frames.tolist() == [0]
    assert choose_frames(exact, strategy="mc-ratio95").frames.tolist() == [0, 1]


def _renumbered(voxels: FrameVoxels) -> tuple:
    _, numbers = np.unique(voxels.members, return_inverse=True)
    return numbers.astype(np.int32), voxels.starts, voxels.is_candidate


def test_uniform_takes_equal_steps_and_no_frame_twice() -> None:
    voxels = voxels_of([{frame, frame + 1} for frame in range(10)])
    assert choose_frames(voxels, strategy="uniform", max_frames=4).frames.tolist() == [0, 3, 6, 9]
    chosen = choose_frames(voxels, strategy="uniform", max_frames=99)
    assert chosen.frames.tolist() == list(range(10))
    assert chosen.gains.tolist() == [2] + [1] * 9


def test_frames_without_depth_are_no_candidates() -> None:
    frames = frames_of(0, count=4)
    frames[1] = (np.full_like(frames[1][0], np.nan), *frames[1][1:])
    frames[2] = (*frames[2][:2], np.full((4, 4), -np.inf))
    counted = count_frame_voxels(frames, VOXEL_M)
    for strategy in STRATEGIES:
        chosen = choose_frames(counted, strategy=strategy, max_frames=4)
        assert set(chosen.frames.tolist()) <= {0, 3}
    with pytest.raises(UserError, match="no frame of the scan has depth"):
        choose_frames(count_frame_voxels(frames[1:3], VOXEL_M), strategy="mc")


@pytest.mark.parametrize("name", ["ratio95", "MC", "mc_ratio95", "", "mc-ratio99"])
def test_unknown_strategies_are_errors(name: str) -> None:
    with pytest.raises(UserError, match="unknown frame selection"):
        choose_frames(voxels_of([{0}]), strategy=name)


def test_a_budget_is_of_frames_or_of_tokens() -> None:
    assert frame_budget(max_frames=None) is None
    assert frame_budget(max_frames=8) == 8
    assert frame_budget(max_frames=None, max_tokens=6720, tokens_per_frame=210) == 32
    assert frame_budget(max_frames=8, max_tokens=6720, tokens_per_frame=210) == 8
    with pytest.raises(UserError, match="max_tokens: 100"):
        frame_budget(max_frames=8, max_tokens=100, tokens_per_frame=210)


def test_what_is_too_far_away_is_an_error() -> None:
    depth = np.full((2, 2), 3e8, np.float32)
    with pytest.raises(UserError, match="meters"):
        FrameVoxelCounter(VOXEL_M).add(depth, np.eye(3), np.eye(4))
    with pytest.raises(UserError, match="meters"):
        voxel_keys(np.array([[0.0, np.nan, 0.0]]), VOXEL_M)


def test_points_know_their_voxel() -> None:
    keys, owner = voxel_keys(np.array([[0.0, 0.0, 0.04], [1.0, -1.0, 2.0], [0.01, 0, 0]]), VOXEL_M)
    assert len(keys) == 2
    assert owner[0] == owner[2] != owner[1]
    assert voxel_centres_m(keys, VOXEL_M)[owner[1]] == pytest.approx([1.0, -1.0, 2.0])
