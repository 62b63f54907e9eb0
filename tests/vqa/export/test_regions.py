"""Region tags: masks in step with the tags, names gone from the text, nothing lost silently."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco

from tests.vqa.export.questions import (
    LAMP,
    SOFA,
    THE_LAMP,
    THE_SOFA,
    question,
    referent,
    width,
    write_questions,
    write_views,
)
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import ReasoningSettings
from workflow_scripts.vqa.export.regions import main, tag_regions
from workflow_scripts.vqa.run_lengths import encode_mask


def test_objects_become_tags_in_the_order_of_mention() -> None:
    original = question(
        0,
        question="Of the floor lamp and the sofa, which is wider? The sofa may be cut off.",
        answer="The sofa.",
        choices=["floor lamp", "sofa"],
        truth="sofa",
    )
    found = tag_regions(original, "none")
    assert found.question == (
        "Of Region [0] <mask> and Region [1] <mask>, which is wider? Region [1] may be cut off."
    )
    assert found.answer == "Region [1]."
    assert [mention.instance for mention in found.mentions] == [LAMP, SOFA]


def test_a_name_inside_a_longer_name_is_left_alone() -> None:
    table = referent(8, "CoffeeTable", "the coffee table")
    cup = referent(9, "Cup", "the cup on the coffee table")
    original = question(
        0,
        question="Is the cup on the coffee table left of the coffee table?",
        referents=[table, cup],
    )
    found = tag_regions(original, "none")
    assert found.question == "Is Region [0] <mask> left of Region [1] <mask>?"
    assert [mention.instance for mention in found.mentions] == [9, 8]


def test_a_bare_or_marked_answer_is_the_region() -> None:
    red = referent(SOFA, "Sofa", "the object at the red mark", "red")
    blue = referent(LAMP, "FloorLamp", "the object at the blue mark", "blue")
    original = question(
        0,
        form="marked",
        question="Which is taller, the object at the red mark or the object at the blue mark?",
        answer="blue",
        choices=["red", "blue"],
        truth="blue",
        referents=[red, blue],
    )
    assert tag_regions(original, "none").answer == "Region [1]"
    named = question(
        0, question="Which is taller, the sofa or the floor lamp?", answer="floor lamp"
    )
    assert tag_regions(named, "none").answer == "Region [1]"


def test_steps_go_before_the_answer_and_call_things_as_it_does() -> None:
    steps = "The width of the sofa is 1.80 m and the width of the floor lamp is 0.30 m."
    original = question(
        0, question="Is the sofa wider than the floor lamp?", answer="yes", reasoning=steps
    )
    assert tag_regions(original, "written").answer == (
        "The width of Region [0] is 1.80 m and the width of Region [1] is 0.30 m.\nAnswer: yes"
    )
    assert tag_regions(original, "stored").answer == tag_regions(original, "none").answer == "yes"


def test_run_lengths_decode_to_the_mask() -> None:
    mask = np.zeros((7, 11), dtype=bool)
    mask[2:5, 3:9] = True
    mask[0, 10] = True
    found = encode_mask(mask)
    assert found["size"] == [7, 11]
    assert np.array_equal(coco.decode(found).astype(bool), mask)
    json.dumps(found)


@pytest.fixture
def exported(tmp_path: Path):
    views = write_views(tmp_path)

    def export(*questions):
        table = write_questions(tmp_path / "vqa/train.parquet", list(questions))
        out, dropped = tmp_path / "vqa/train.regions.json", tmp_path / "dropped.jsonl"
        main(
            questions=table,
            views=[views],
            images=tmp_path / "vqa",
            out=out,
            dropped=dropped,
            settings=ReasoningSettings(),
        )
        return (
            json.loads(out.read_text()),
            read_records(dropped, DroppedQuestions),
            ViewShard.open(views),
        )

    return export


def test_masks_and_boxes_are_those_of_the_mentioned_objects(exported) -> None:
    entries, dropped, shard = exported(question(0), width(1), width(2, view=1))
    assert [len(entry["rle"]) for entry in entries] == [2, 1, 1]
    assert not dropped
    for one, view in zip(entries, (0, 0, 1), strict=True):
        text = one["conversations"][0]["value"]
        assert text.startswith("<image>\n")
        assert text.count("<mask>") == len(one["rle"]) == len(one["bbox"])
        assert "sofa" not in text.lower()
        for rle, (x0, y0, x1, y1), category in zip(
            one["rle"], one["bbox"], one["qa_info"]["class"], strict=True
        ):
            mask = coco.decode(rle).astype(bool)
            instance = {"Sofa": SOFA, "FloorLamp": LAMP}[category]
            assert np.array_equal(mask, shard.instance(view) == instance)
            rows, columns = np.nonzero(mask)
            assert (columns.min(), rows.min()) == (x0, y0)
            assert (columns.max() + 1, rows.max() + 1) == (x1, y1)
    assert [entry["qa_info"]["type"] for entry in entries] == [
        "qualitative",
        "quantitative",
        "quantitative",
    ]


def test_what_has_no_region_is_counted_with_its_reason(exported) -> None:
    mark = referent(SOFA, "Sofa", "the red mark", "red")
    entries, dropped, _ = exported(
        question(0, question="How many chairs are there?", referents=[]),
        question(1, question="Is the red mark left of the floor lamp?", referents=[mark, THE_LAMP]),
        question(2, images=["a.jpg", "b.jpg"]),
        question(5, question="Point to the sofa.", answer_type="point", truth="(0.1, 0.2)"),
        question(3, referents=[THE_SOFA, referent(99, "Ghost", "the floor lamp")]),
        question(4, view_id="a-007", image="procthor/0000.images/a-007-marked.jpg"),
    )
    assert entries == []
    assert {record.reason: record.count for record in dropped} == {
        "no object that the text names": 1,
        "a question about the position of a mark, not about the object under it": 1,
        "a question about several pictures": 1,
        "a question for a position, which a mask would give away": 1,
        "an object without a mask": 1,
        "the picture without marks was not needed and not saved": 1,
    }
