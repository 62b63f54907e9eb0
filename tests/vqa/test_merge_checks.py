"""A source that lost everything ends the run with its reasons, not with empty files."""

from pathlib import Path

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.vqa import MergeSettings
from workflow_scripts.vqa import merge


def write_source(folder: Path, source: str, questions: str, reasons: list[str]) -> dict[str, Path]:
    """Write a shard of questions and what was left out of its views."""
    shard = folder / "vqa" / source / "0000.jsonl"
    skipped = folder / "views" / source / "0000.skipped.jsonl"
    for path in (shard, skipped):
        path.parent.mkdir(parents=True)
    shard.write_text(questions)
    rows = [
        SkippedItem(source=source, scene_id=f"s{number}", item="photo", reason=reason)
        for number, reason in enumerate(reasons)
    ]
    write_records(skipped, rows)
    return {"shard": shard, "skipped": skipped}


def check(*sources: dict[str, Path]) -> None:
    merge.check_sources(
        [source["shard"] for source in sources], [source["skipped"] for source in sources]
    )


def test_photos_that_all_lost_their_depth_are_an_error_with_the_most_common_reasons(
    tmp_path: Path,
) -> None:
    houses = write_source(tmp_path, "procthor", "{}\n", [])
    wrong = "depth: 4 x 3, the photo 8 x 4"
    photos = write_source(tmp_path, "images", "", [wrong, "masks: broken", wrong])
    with pytest.raises(UserError) as caught:
        check(houses, photos)
    assert str(caught.value).startswith(
        f"source images has no question: 3 items were left out; 2 times: photo: {wrong}; "
        "1 times: photo: masks: broken"
    )
    assert "results/views/images/*.skipped.jsonl" in str(caught.value)
    with pytest.raises(UserError, match="source images has no question"):
        merge.main(
            shards=[houses["shard"], photos["shard"]],
            out=tmp_path / "merged",
            settings=MergeSettings(),
            seed=7,
            skipped=(photos["skipped"],),
        )
    assert not (tmp_path / "merged").exists()


def test_one_photo_that_is_left_is_enough(tmp_path: Path) -> None:
    check(write_source(tmp_path, "images", "{}\n", ["depth: all NaN"] * 9))


def test_a_source_that_lost_nothing_may_have_nothing_to_ask(tmp_path: Path) -> None:
    houses = write_source(tmp_path, "procthor", "{}\n", ["house: no room"])
    check(houses, write_source(tmp_path, "images", "", []))


def test_no_question_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no question was asked of any source"):
        check(write_source(tmp_path, "images", "", []))
