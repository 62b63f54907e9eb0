"""Two hundred hostile photos are measured, asked about and exported: nothing lost or mixed up."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.views.images.malformed_photos import run_malformed_photos
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.questions import Question, read_questions
from workflow_scripts.common.records import SPLITS, DroppedQuestions
from workflow_scripts.common.storage import read_records, read_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import (
    CardSettings,
    GallerySettings,
    MergeSettings,
    ReasoningSettings,
)
from workflow_scripts.pointclouds import measure_objects
from workflow_scripts.vqa import merge
from workflow_scripts.vqa.browse import page
from workflow_scripts.vqa.export import card, messages, regions, sharegpt

FORMS = ("named", "marked", "boxed", "region")


@dataclass(frozen=True)
class Run:
    """What the stages made of the hostile photos."""

    views: ViewShard
    measured: pd.DataFrame
    questions: list[Question]
    dropped: list[DroppedQuestions]
    vqa: Path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Take the hostile folder from photos to every export."""
    made = tmp_path_factory.getbasetemp() / "hostile"
    assert run_malformed_photos(made) >= 200
    top = tmp_path_factory.mktemp("asked")
    clouds, vqa = top / "clouds/images/0000", top / "vqa"
    # The folder of a shard names its source.
    views = top / "views/images/0000.zarr"
    views.parent.parent.mkdir()
    views.parent.symlink_to(made)
    measure_objects.main(views=views, depth=views, out=clouds, depth_kind="sensor", seed=7)
    questions, dropped = generate_for_shard(
        views,
        vqa / "images",
        clouds=clouds.with_suffix(".zarr"),
        forms=FORMS,
        min_pixels=1,
        min_fraction_visible=0.0,
        margin_sigmas=0.0,
    )
    steps = ReasoningSettings()
    merge.main(shards=[vqa / "images/0000.jsonl"], out=vqa, settings=MergeSettings(), seed=7)
    for split in SPLITS:
        table = vqa / f"{split}.parquet"
        messages.main(
            questions=table, images=vqa, split=split, out=vqa / f"dataset/{split}", settings=steps
        )
        sharegpt.main(questions=table, out=vqa / f"{split}.sharegpt.json", settings=steps)
        regions.main(
            questions=table,
            views=[views],
            images=vqa,
            out=vqa / f"{split}.regions.json",
            dropped=vqa / f"{split}.regions.dropped.jsonl",
            settings=steps,
        )
    tables = [vqa / f"{split}.parquet" for split in SPLITS]
    page_inputs = {"questions": tables, "dropped": [vqa / "images/0000.dropped.jsonl"]}
    page_inputs["photos"] = (views.with_name("0000.dropped.jsonl"),)
    card.main(**page_inputs, made_with="{}", settings=CardSettings(), out=vqa / "dataset/README.md")
    page.main(
        **page_inputs,
        views=[views],
        measured=(clouds.with_suffix(".zarr"),),
        images=vqa,
        out=vqa / "gallery.html",
        settings=GallerySettings(),
        seed=7,
    )
    return Run(
        views=ViewShard.open(views),
        measured=read_table(clouds.with_name("0000.measured.parquet")),
        questions=questions,
        dropped=dropped,
        vqa=vqa,
    )


def test_every_view_is_asked_about_or_counted(done: Run) -> None:
    assert len(done.questions) > 20
    views_with_questions = {question.view_id for question in done.questions}
    silent = [record.count for record in done.dropped if record.reason == "view without a question"]
    assert len(views_with_questions) + sum(silent) == len(done.views)
    assert all(record.count > 0 for record in done.dropped)


def test_labels_masks_clouds_and_questions_are_in_step(done: Run) -> None:
    objects = done.views.objects.set_index(["scene_id", "instance"]).category
    seen = done.views.visibility.set_index(["view", "instance"]).pixels
    measured = done.measured.set_index(["view", "instance"])
    assert set(measured.index) == set(seen.index)
    assert (measured.pixels == seen.loc[measured.index]).all()
    for row in done.measured.itertuples():
        assert row.label == objects[row.scene_id, row.instance]
        assert bool(row.reason) == np.isnan(row.x_m)
    for question in done.questions:
        for referent in question.referents:
            assert referent.category == objects[question.scene_id, referent.instance]
            assert not measured.loc[(question.view, referent.instance), "reason"]


def test_every_question_is_in_every_form_of_export_or_counted(done: Run) -> None:
    ids = [question.question_id for question in done.questions]
    assert len(set(ids)) == len(ids)
    rows = [
        question for split in SPLITS for question in read_questions(done.vqa / f"{split}.parquet")
    ]
    kept = {row.question_id for row in rows}
    surplus = [
        record.count
        for split in SPLITS
        for record in read_records(done.vqa / f"{split}.dropped.jsonl", DroppedQuestions)
    ]
    assert len(kept) == len(rows)
    assert kept <= set(ids)
    assert len(rows) + sum(surplus) == len(ids)
    tagged = [json.loads((done.vqa / f"{split}.regions.json").read_text()) for split in SPLITS]
    left = [
        record.count
        for split in SPLITS
        for record in read_records(done.vqa / f"{split}.regions.dropped.jsonl", DroppedQuestions)
    ]
    assert sum(map(len, tagged)) + sum(left) == len(rows)
    turns = [
        len(one["conversations"]) // 2
        for split in SPLITS
        for one in json.loads((done.vqa / f"{split}.sharegpt.json").read_text())
    ]
    assert sum(turns) == len(rows)
    assert f"{len(rows):,} questions" in (done.vqa / "gallery.html").read_text()
    assert f"{len(rows):,} spatial questions" in (done.vqa / "dataset/README.md").read_text()
