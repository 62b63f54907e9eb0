"""Questions in the form of VSI-Bench about rendered scans, and what they need to know of frames."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.views.scans import walks
from tests.vqa.scans.simulated import SETTINGS
from tests.vqa.scans.vsi_answers import contradiction
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records, read_table, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.common.vsi_bench import is_vsi_sample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.evaluate.video.vsi_metrics import score_vsi
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.vqa.scans.generate import read_rooms
from workflow_scripts.vqa.scans.scan_context import ScanContext, read_contexts


@pytest.fixture(scope="module")
def contexts(scan_shard: Path) -> dict[str, ScanContext]:
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    rooms = read_rooms(scan_shard.with_name("scenes.jsonl"))
    settings = ScanQuestionSettings.parse(SETTINGS)
    found = read_contexts(ViewShard.open(scan_shard), frames, rooms, settings)
    return {name: context for name, context in found if isinstance(context, ScanContext)}


def test_no_answer_about_a_rendered_scan_contradicts_the_geometry(
    samples_path: Path, contexts: dict[str, ScanContext]
) -> None:
    samples = [one for one in read_records(samples_path, ScanSample) if is_vsi_sample(one)]
    wrong = [
        (one.sample_id, one.text, problem)
        for one in samples
        if (problem := contradiction(contexts[one.scene_id], one))
    ]
    assert not wrong, wrong[:3]
    assert len(Counter(one.question_type for one in samples)) >= 8
    assert score_vsi(samples, [one.answer for one in samples]).mean() == 1


def test_what_frames_show_is_that_of_the_masks(
    scan_shard: Path, contexts: dict[str, ScanContext]
) -> None:
    shard = ViewShard.open(scan_shard)
    checked = Counter[str]()
    for context in contexts.values():
        masks = np.stack([shard.instance(frame.view) for frame in context.frames])
        border = np.ones(masks.shape[1:], bool)
        border[1:-1, 1:-1] = False
        for item in context.objects:
            is_item = masks == item.instance
            first = int(is_item.any(axis=(1, 2)).argmax())
            assert item.first_glimpse_s == context.frames[first].timestamp_s
            assert item.first_glimpse_s <= item.first_frame_s
            checked["earlier"] += item.first_glimpse_s < item.first_frame_s
            is_cut = [bool((is_item[place] & border).any()) for place in item.frames]
            # A corner of the box may be outside where the mask is not.
            assert not (item.is_shown_whole and all(is_cut))
            checked["whole"] += item.is_shown_whole
            checked["cut"] += not item.is_shown_whole
    assert min(checked["whole"], checked["cut"], checked["earlier"]) > 0, checked


def test_surface_coverage_is_that_of_all_chosen_frames(
    scan_shard: Path, contexts: dict[str, ScanContext]
) -> None:
    frames = read_table(scan_shard.with_name("0000.frames.parquet"))
    for name, context in contexts.items():
        rows = frames[frames.scene_id == name]
        last = rows[rows["rank"] == rows["rank"].max()]
        assert context.surface_coverage == float(last.surface_coverage.iloc[0])


def test_rooms_without_a_wall_are_open(tmp_path: Path) -> None:
    house = generate_house(11, 0)
    room_id = str(house["rooms"][0]["id"])
    house["walls"] = [
        {**wall, "empty": True} if number == 0 else wall
        for number, wall in enumerate(
            sorted(house["walls"], key=lambda wall: wall["roomId"] != room_id)
        )
    ]
    scenes = [walks.scan("open", house), walks.scan("closed", generate_house(11, 0))]
    write_records(tmp_path / "scenes.jsonl", scenes)
    rooms = read_rooms(tmp_path / "scenes.jsonl")
    assert [room.room_id for room in rooms["open"] if room.is_open] == [room_id]
    assert not any(room.is_open for room in rooms["closed"])
