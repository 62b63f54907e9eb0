"""What scoring of answers about scans refuses, and how odd replies count."""

import math

import pytest

from tests.evaluate.video.scan_run import (
    ScanRun,
    caption,
    choices,
    grounding,
    prediction,
    proposal_rows,
    question,
    row_of,
    scores_for,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.scan_samples import ProposalRow
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.config.evaluate import ScanScoreSettings
from workflow_scripts.evaluate.video import score


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda records: records[1:], "1 samples have no answer: a"),
        (lambda records: [*records, records[0]], "1 samples are answered more than once: a"),
        (
            lambda records: [*records, prediction("z", scores=scores_for(0))],
            "1 samples are not among the samples: z",
        ),
        (
            lambda records: [prediction("a", scores=[0.5]), *records[1:]],
            "need a score for each proposal and one for no object: a",
        ),
        (
            lambda records: [prediction("a", scores=[]), *records[1:]],
            "need a score for each proposal and one for no object: a",
        ),
        (
            lambda records: [records[0].model_copy(update={"condition": "blind"}), *records[1:]],
            "a was answered under condition blind, not image",
        ),
    ],
)
def test_ids_and_scores_must_fit_the_samples(tmp_path, change, message):
    samples = [grounding("a", [0]), grounding("b", [0])]
    run = ScanRun(tmp_path, samples, {"image": choices({"a": 0, "b": 0})})
    arguments = run.arguments()
    records = [prediction(name, scores=scores_for(0)) for name in ("a", "b")]
    write_records(arguments["image"][0], change(records))
    with pytest.raises(UserError, match=message):
        score.main(**arguments)
    assert not arguments["out"].exists()


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "no samples to score"),
        ([grounding("a", [0]), grounding("a", [1])], "are there more than once: a"),
        ([grounding("a", [0], split="val")], "are not of split test: a"),
        ([grounding("a", [0], target_boxes=[])], "do not have a box for each target: a"),
        ([grounding("a", [0], source="other")], "of a source without a table of proposals: a"),
    ],
)
def test_samples_that_cannot_be_scored_are_named(tmp_path, samples, message):
    run = ScanRun(tmp_path, samples, {"image": {"a": {"scores": scores_for(0)}}})
    with pytest.raises(UserError, match=message):
        score.main(**run.arguments())


def test_tasks_that_an_experiment_does_not_have_are_not_scored(tmp_path):
    samples = [grounding("a", [0]), question("b", "left")]
    run = ScanRun(tmp_path, samples, {"image": choices({"a": 0})})
    rows = run.scores(settings=ScanScoreSettings(tasks=("grounding",), bootstrap_samples=100))
    assert row_of(rows, "acc_iou25")["n"] == 1
    with pytest.raises(UserError, match="no samples of captioning to score"):
        run.scores(settings=ScanScoreSettings(tasks=("captioning",)))


def test_damaged_proposals_are_named(tmp_path):
    run = ScanRun(tmp_path, [grounding("a", [0])], {"image": choices({"a": 0})})
    arguments = run.arguments()
    rows = proposal_rows("s0")
    for broken, message in (
        (rows[1:], "proposals of s0 are not numbered from 0"),
        ([rows[0].model_copy(update={"x_m": math.nan}), *rows[1:]], "a box of s0 is not finite"),
    ):
        write_table(arguments["proposals"][0], records_to_frame(broken, ProposalRow))
        with pytest.raises(UserError, match=message):
            score.main(**arguments)


def test_empty_and_huge_replies_are_wrong_and_end_soon(tmp_path):
    loop = "left and right " * 200_000
    samples = [
        question("a", "left"),
        question("b", "left"),
        question("c", "B", answer_type="choice", truth="B", options=["x", "y"]),
        question("d", "3", answer_type="count", truth=3),
        caption("e", 0, "a red chair"),
    ]
    answers = {"a": "", "b": loop, "c": loop, "d": "3" * 100_000, "e": loop}
    rows = ScanRun(
        tmp_path, samples, {"image": {name: {"text": text} for name, text in answers.items()}}
    ).scores()
    assert row_of(rows, "answers_em")["value"] == 0
    assert row_of(rows, "accuracy")["value"] == 0
    assert row_of(rows, "words_scan2cap_bleu_4_iou50")["value"] < 0.01


def test_other_scripts_are_scored(tmp_path):
    samples = [question("a", "椅子"), question("b", "ein Stuhl")]
    answers = {"a": {"text": "椅子。"}, "b": {"text": "Ein Stuhl"}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    assert row_of(rows, "answers_em")["value"] == 1


def test_a_scan_without_proposals_has_none_to_choose(tmp_path):
    samples = [grounding("a", [0], "empty"), grounding("b", [0])]
    answers = {"a": {"scores": [0.1]}, "b": {"scores": scores_for(0)}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    assert row_of(rows, "acc_iou25")["value"] == 0.5


def test_metrics_in_java_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(score, "has_java", lambda: False)
    run = ScanRun(tmp_path, [grounding("a", [0])], {"image": choices({"a": 0})})
    with pytest.raises(UserError, match="java_metrics: true, but Java"):
        score.main(**run.arguments(settings=ScanScoreSettings(java_metrics=True)))
