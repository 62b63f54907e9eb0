"""Episodes are specified before anything is simulated, and keep seed and split ever after."""

from pathlib import Path

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode
from workflow_scripts.common.storage import read_records
from workflow_scripts.scenes import sample_scenes
from workflow_scripts.sources.readers.rlbench_tasks import TASK_IDS, task_id
from workflow_scripts.sources.rlbench import EpisodePlanSettings

TASKS = ("reach_target", "close_fridge", "take_money_out_safe")
# The nine tasks of the embedded simulator, as published data sets number them.
IDS = {
    "reach_target": 0,
    "close_fridge": 8,
    "pick_and_lift": 9,
    "unplug_charger": 12,
    "put_rubbish_in_bin": 40,
    "put_shoes_in_box": 41,
    "meat_off_grill": 54,
    "take_money_out_safe": 79,
    "take_usb_out_of_computer": 84,
}


def plan_and_read(folder: Path, stop: int = 30, start: int = 0, **changes: object) -> list[Episode]:
    out = folder / "0000.jsonl"
    seed, splits = changes.pop("seed", 7), changes.pop("splits", (0.7, 0.1, 0.2))
    sample_scenes.main(
        source="rlbench",
        scene_kind="episode",
        sampler="workflow_scripts.scenes.plan_episodes:sample_episodes",
        start=start,
        stop=stop,
        seed=seed,  # type: ignore[arg-type]
        splits=splits,  # type: ignore[arg-type]
        out=out,
        picture=folder / "0000.png",
        settings=EpisodePlanSettings.parse({"tasks": list(TASKS), **changes}),
    )
    assert (folder / "0000.png").stat().st_size > 500
    return read_records(out, Episode)


def test_ids_are_those_of_published_data_sets() -> None:
    assert {task: task_id(task) for task in IDS} == IDS
    assert sorted(number for number in TASK_IDS.values() if number >= 0) == list(range(95))
    assert task_id("pour_from_cup_to_cup") == 94


def test_tasks_and_variations_take_turns(tmp_path: Path) -> None:
    planned_episodes = plan_and_read(tmp_path)
    assert [row.task for row in planned_episodes[:4]] == [*TASKS, TASKS[0]]
    assert [row.variation for row in planned_episodes if row.task == "reach_target"] == list(
        range(10)
    )
    assert {row.variation for row in planned_episodes if row.task == "take_money_out_safe"} == {
        0,
        1,
        2,
    }
    assert {row.variation for row in planned_episodes if row.task == "close_fridge"} == {0}
    assert len({row.scene_id for row in planned_episodes}) == 30
    chosen = plan_and_read(tmp_path, variations=(4, 2))
    assert [row.variation for row in chosen if row.task == "reach_target"][:3] == [4, 2, 4]


def test_every_episode_has_a_seed_and_placement_of_its_own(tmp_path: Path) -> None:
    planned_episodes = plan_and_read(tmp_path)
    assert (
        len({row.seed for row in planned_episodes})
        == len({row.placement for row in planned_episodes})
        == 30
    )


def test_no_placement_is_in_two_splits(tmp_path: Path) -> None:
    planned_episodes = plan_and_read(tmp_path, stop=300)
    by_split = {
        split: {row.placement for row in planned_episodes if row.split == split}
        for split in ("train", "val", "test")
    }
    assert not by_split["train"] & by_split["test"]
    assert not by_split["val"] & (by_split["train"] | by_split["test"])
    for task in TASKS:
        assert sum(row.split == "test" for row in planned_episodes if row.task == task) == 20


def test_an_episode_does_not_depend_on_the_shard_or_on_how_many_there_are(tmp_path: Path) -> None:
    assert plan_and_read(tmp_path, start=9, stop=15) == plan_and_read(tmp_path, stop=300)[9:15]


def test_an_id_that_begins_like_another_is_another(tmp_path: Path) -> None:
    """Published code takes example 24 for all of 240 to 249; ids here are compared whole."""
    planned_episodes = plan_and_read(tmp_path, stop=800, tasks=("reach_target",))
    names = {row.scene_id: row.split for row in planned_episodes}
    assert len(names) == 800
    assert all(len(name) == len(planned_episodes[0].scene_id) for name in names)
    assert not any(a != b and b.startswith(a) for a in list(names)[:80] for b in names)


def test_another_seed_gives_other_episodes(tmp_path: Path) -> None:
    first, second = plan_and_read(tmp_path), plan_and_read(tmp_path, seed=8)
    assert not {row.seed for row in first} & {row.seed for row in second}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ("reach_targt",)}, "unknown RLBench task 'reach_targt'.*'reach_target'"),
        ({"tasks": ()}, r"tasks: empty; name at least one"),
        ({"tasks": ["reach_target", "reach_target"]}, "tasks: .*reach_target"),
        ({"variations": [-1]}, r"variations\.0: -1 is less than the minimum of 0"),
        ({"backend": "dataset"}, "backend dataset needs a folder or tar of episodes"),
        ({"splits": (0.7, 0.1, 0.1)}, "must be fractions that sum to 1"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_and_read(tmp_path, **changes)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
