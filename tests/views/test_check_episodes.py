"""A leak between splits ends the workflow and says what leaked."""

from pathlib import Path

import pytest

from testing.ball_demonstrator import episode
from tests.views.test_record import ball_backend, recorded
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode, SkippedItem
from workflow_scripts.common.storage import read_json, read_table, write_records, write_table
from workflow_scripts.views import check_episodes

__all__ = ["ball_backend"]


def checked(folder: Path, episodes: list[Episode], plan: list[Episode] | None = None) -> dict:
    out = recorded(folder, episodes)
    scenes = folder / "plan.jsonl"
    write_records(scenes, plan or episodes)
    check_episodes.main(
        scenes=(scenes,),
        episodes=(out.with_name("0000.episodes.parquet"),),
        out=folder / "leaks.json",
    )
    return read_json(folder / "leaks.json")


def test_splits_without_a_leak_are_counted(tmp_path: Path) -> None:
    splits = ("train", "train", "val", "test")
    found = checked(tmp_path, [episode(number=n, split=s) for n, s in enumerate(splits)])
    assert found["episodes"] == {"reach_target": {"train": 2, "val": 1, "test": 1}}
    assert found["leaks"] == found["copies_within_a_split"] == 0


def test_an_equal_first_state_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    twins = [episode(number=0), episode(number=1, split="test", seed=episode(number=0).seed)]
    with pytest.raises(UserError, match=r"equal state hash: .*00000 \(train\), .*00001 \(test\)"):
        checked(tmp_path, twins)
    assert not (tmp_path / "leaks.json").exists()


def test_twins_in_one_split_are_only_counted(tmp_path: Path) -> None:
    twins = [episode(number=0), episode(number=1, seed=episode(number=0).seed)]
    assert checked(tmp_path, twins)["copies_within_a_split"] == 1


def test_an_equal_placement_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    rows = [episode(number=n, placement="here", split=s) for n, s in enumerate(("val", "test"))]
    with pytest.raises(UserError, match="equal placement"):
        checked(tmp_path, rows)


def test_an_id_that_begins_like_another_is_no_leak(tmp_path: Path) -> None:
    """Published code takes example 24 for all of 240 to 249, so every test episode leaks."""
    rows = [
        episode(number=24, scene_id="exemple_24"),
        episode(number=240, scene_id="exemple_240", split="test"),
    ]
    assert checked(tmp_path, rows)["leaks"] == 0


def test_ids_twice_moved_or_unplanned_are_named(tmp_path: Path) -> None:
    rows = [episode(number=0), episode(number=1)]
    with pytest.raises(UserError, match="planned twice"):
        checked(tmp_path / "a", rows, plan=[*rows, rows[0]])
    moved = [rows[0], rows[1].model_copy(update={"split": "test"})]
    with pytest.raises(UserError, match="split changed since it was planned"):
        checked(tmp_path / "b", rows, plan=moved)
    with pytest.raises(UserError, match="recorded without a plan"):
        checked(tmp_path / "c", rows, plan=rows[:1])


def test_a_split_edited_by_hand_is_found(tmp_path: Path) -> None:
    checked(tmp_path, [episode(number=0), episode(number=1)])
    path = next(tmp_path.rglob("0000.episodes.parquet"))
    table = read_table(path)
    table.loc[1, "split"] = "test"
    write_table(path, table)
    with pytest.raises(UserError, match="1 leaks between splits"):
        check_episodes.main(
            scenes=(tmp_path / "plan.jsonl",), episodes=(path,), out=tmp_path / "leaks.json"
        )


def test_a_source_without_any_recording_names_the_reasons(tmp_path: Path) -> None:
    checked(tmp_path, [episode(number=0), episode(number=1)])
    path = next(tmp_path.rglob("0000.episodes.parquet"))
    write_table(path, read_table(path).iloc[:0])
    rows = [
        SkippedItem(source="rlbench", scene_id=f"e{n}", item="episode", reason="no demonstration")
        for n in range(2)
    ]
    write_records(path.with_name("0000.skipped.jsonl"), rows)
    message = "none of the 2 episodes could be recorded; 2 times: no demonstration"
    with pytest.raises(UserError, match=message):
        check_episodes.main(
            scenes=(tmp_path / "plan.jsonl",), episodes=(path,), out=tmp_path / "leaks.json"
        )
