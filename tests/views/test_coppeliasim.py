"""The backend of RLBench itself, against a stand-in of its documented interface."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from testing.ball_demonstrator import episode
from testing.rlbench_recordings import FAR_M
from tests.views.rlbench_standin import CALLS, Scene, complete_environment, installed
from workflow_scripts.common.demonstration_shard import DemonstrationShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.sources.rlbench import RecordSettings
from workflow_scripts.views import coppeliasim_install, record
from workflow_scripts.views.backends import coppeliasim
from workflow_scripts.views.coppeliasim_install import (
    PYREP,
    RLBENCH,
    check_installation,
    check_packages,
)
from workflow_scripts.views.demonstrator import EpisodeError

ROOT = Path(__file__).parents[2]
CAMERAS = ("overhead", "left_shoulder", "front")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Scene]]:
    monkeypatch.setattr(coppeliasim, "check_installation", lambda environment: None)
    with installed() as modules:
        yield modules


def demonstrator(**changes: object) -> coppeliasim.CoppeliaSimDemonstrator:
    settings = {"cameras": CAMERAS, "size_px": 48, "max_steps": 50, "max_attempts": 3}
    return coppeliasim.CoppeliaSimDemonstrator(
        dataset=None,
        **{**settings, **changes},  # type: ignore[arg-type]
    )


def test_what_the_simulator_shows_is_recorded(scene: type[Scene]) -> None:
    with demonstrator() as backend:
        demonstration = backend.demonstrate(episode(variation=3))
    demonstration.check()
    shown = scene.demonstration
    # RLBench does not call back for the first observation of the six, and orders cameras its way.
    order = [shown.cameras.index(name) for name in CAMERAS]
    np.testing.assert_array_equal(demonstration.rgb, shown.rgb[1:, order])
    reached = np.where(shown.depth_m < FAR_M - 1e-4, shown.depth_m, np.nan)[1:, order]
    np.testing.assert_allclose(demonstration.depth_m, reached, atol=1e-6)
    np.testing.assert_allclose(demonstration.world_from_camera, shown.world_from_camera[1:, order])
    np.testing.assert_allclose(demonstration.intrinsics, shown.intrinsics[order])
    assert demonstration.description == "reach the ball of variation 3"


def test_keypoints_are_the_task_s_waypoints_and_move_with_their_parent(scene: type[Scene]) -> None:
    with demonstrator() as backend:
        demonstration = backend.demonstrate(episode())
    ball = scene.demonstration.keypoints_m[1:, 0]
    np.testing.assert_allclose(demonstration.keypoints_m[:, 0], ball)
    np.testing.assert_allclose(demonstration.keypoints_m[:, 1], ball + np.array([0, 0, 0.1]))
    assert [(point.name, point.parent_id) for point in demonstration.keypoints] == [
        ("waypoint0", "target"),
        ("waypoint1", ""),
    ]


def test_instances_follow_names_and_not_handles(scene: type[Scene]) -> None:
    with demonstrator() as backend:
        demonstration = backend.demonstrate(episode())
    assert {row.instance: row.object_id for row in demonstration.objects} == {
        1: "table0",
        2: "target",
        3: "Panda_link3",
        **({4: "handle-0"} if len(demonstration.objects) == 4 else {}),
    }
    shown = scene.demonstration
    order = [shown.cameras.index(name) for name in CAMERAS]
    np.testing.assert_array_equal(demonstration.instance == 2, shown.instance[1:, order] == 1)
    assert demonstration.keypoints[0].instance == 2
    assert [row.category for row in demonstration.objects][:3] == ["table", "target", "Panda_link"]


def test_poses_are_of_the_task_s_shapes_and_unknown_for_others(scene: type[Scene]) -> None:
    with demonstrator() as backend:
        demonstration = backend.demonstrate(episode())
    assert demonstration.world_from_object is not None
    ball = scene.demonstration.keypoints_m[1:, 0]
    np.testing.assert_allclose(demonstration.world_from_object[:, 1, :3, 3], ball)
    assert np.isnan(demonstration.world_from_object[:, 2:]).all()


def test_a_shard_is_written_like_any_other(scene: type[Scene], tmp_path: Path) -> None:
    write_records(
        tmp_path / "0000.jsonl",
        [episode(), episode("close_fridge", 1), episode(number=2, variation=20)],
    )
    out = tmp_path / "0000.zarr"
    record.main(
        scenes=tmp_path / "0000.jsonl",
        out=out,
        settings=RecordSettings(backend="coppeliasim", cameras=CAMERAS, size_px=48),
    )
    shard = DemonstrationShard.open(out)
    assert list(shard.episodes.scene_id) == [episode().scene_id]
    assert set(shard.poses.instance) == {1, 2}
    reasons = [row.reason for row in read_records(tmp_path / "0000.skipped.jsonl", SkippedItem)]
    assert "has no task close_fridge" in reasons[0]
    assert reasons[1] == "variation 20; reach_target has 0 to 19"
    assert CALLS[0] == "launch"
    assert CALLS[-1] == "shutdown"


def test_failed_attempts_are_tried_again_and_reported(scene: type[Scene]) -> None:
    scene.fail_attempts = 2
    with demonstrator() as backend:
        demonstration = backend.demonstrate(episode())
    assert demonstration.failures == (
        "attempt 1: Could not get a path for waypoint 1.",
        "attempt 2: Could not get a path for waypoint 1.",
    )


def test_the_budget_of_attempts_ends_with_every_reason(scene: type[Scene]) -> None:
    scene.fail_attempts = 99
    with (
        demonstrator() as backend,
        pytest.raises(EpisodeError, match=r"in 3 attempts: attempt 1: .*; attempt 3: Could not"),
    ):
        backend.demonstrate(episode())


def test_what_rlbench_cannot_do_is_an_episode_s_error(scene: type[Scene]) -> None:
    with demonstrator() as backend:
        scene.unplaceable = True
        with pytest.raises(EpisodeError, match="cannot be placed: Could not place the task"):
            backend.demonstrate(episode())
        scene.unplaceable = False
        scene.waypoints = ()
        with pytest.raises(EpisodeError, match="no waypoint that is a point"):
            backend.demonstrate(episode())
    scene.waypoints = ("waypoint0",)
    with (
        demonstrator(max_steps=2) as backend,
        pytest.raises(EpisodeError, match=r"more than sources\.rlbench\.max_steps \(2\) steps"),
    ):
        backend.demonstrate(episode())


def test_placements_follow_the_episode_s_seed_and_leave_the_global_one_alone(
    scene: type[Scene],
) -> None:
    np.random.seed(5)
    before = np.random.get_state()[1].tolist()
    with demonstrator() as backend:
        first = backend.demonstrate(episode())
        other = backend.demonstrate(episode(seed=4))
        again = backend.demonstrate(episode())
    np.testing.assert_array_equal(first.keypoints_m, again.keypoints_m)
    assert not np.allclose(first.keypoints_m, other.keypoints_m)
    assert np.random.get_state()[1].tolist() == before


def test_the_index_s_unrelated_pyrep_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pyrep"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it was imported')\n")
    (package / "Repository.py").write_text("")
    information = tmp_path / "pyrep-3.2.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pyrep\nVersion: 3.2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError) as error:
        check_packages()
    assert "'pyrep' 3.2.0 is the one from PyPI" in str(error.value)
    assert "nothing to do with CoppeliaSim" in str(error.value)
    assert f"pip install '{PYREP}'" in str(error.value)
    assert "pyrep" not in sys.modules


def test_a_missing_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="PyRep is not installed: pip install 'pyrep @ git"):
        check_packages()
    (tmp_path / "pyrep").mkdir()
    (tmp_path / "pyrep" / "__init__.py").write_text("")
    (tmp_path / "pyrep" / "const.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="RLBench is not installed: pip install 'rlbench @ git"):
        check_packages()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("COPPELIASIM_ROOT", None, "COPPELIASIM_ROOT is not set"),
        ("LD_LIBRARY_PATH", None, "LD_LIBRARY_PATH is not set"),
        ("QT_QPA_PLATFORM_PLUGIN_PATH", None, "QT_QPA_PLATFORM_PLUGIN_PATH is not set"),
        ("COPPELIASIM_ROOT", "/no/such", "which is not a folder"),
        ("LD_LIBRARY_PATH", "/usr/lib", "LD_LIBRARY_PATH does not hold"),
        ("DISPLAY", None, "xvfb-run -a"),
    ],
)
def test_a_variable_that_is_missing_or_wrong_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    message: str,
) -> None:
    monkeypatch.setattr(coppeliasim_install, "check_packages", lambda: None)
    variables = complete_environment(tmp_path)
    check_installation(variables)
    variables[name] = value or ""
    with pytest.raises(UserError, match=message):
        check_installation(variables)


def test_a_run_without_the_simulator_ends_with_one_clear_error(tmp_path: Path) -> None:
    write_records(tmp_path / "0000.jsonl", [episode()])
    with pytest.raises(UserError, match="PyRep is not installed"):
        record.main(
            scenes=tmp_path / "0000.jsonl",
            out=tmp_path / "0000.zarr",
            settings=RecordSettings(backend="coppeliasim", cameras=CAMERAS),
        )
    assert not (tmp_path / "0000.zarr").exists()


def test_the_environment_pins_the_commits_that_the_code_is_written_against() -> None:
    text = (ROOT / "envs/coppeliasim.yaml").read_text()
    dependencies = yaml.safe_load(text)["dependencies"]
    packages = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert PYREP in packages
    assert RLBENCH in packages
    numpy = next(package for package in packages if package.startswith("numpy=="))
    assert numpy.startswith("numpy==1."), "RLBench's mask decoding overflows from NumPy 2 on"
    assert set(yaml.safe_load(text)["variables"]) == set(coppeliasim_install.ENVIRONMENT_VARIABLES)
    assert "xvfb" in text.lower()


def test_no_default_environment_asks_for_the_bare_name() -> None:
    for path in (ROOT / "envs").iterdir():
        for line in path.read_text().splitlines():
            word = line.strip().removeprefix("- ").strip()
            assert not word.lower().startswith(("pyrep==", "pyrep>", "rlbench==")), path
            assert word.lower() != "pyrep", path
