"""Scores of hand-made answers, computed on paper."""

import math

import pytest

from tests.evaluate.video.scan_run import ScanRun, caption, grounding, question, row_of


def test_captions(tmp_path):
    # Object 3 has no proposal, so the second caption is the empty one.
    samples = [caption("a", 0, "a red chair"), caption("b", 3, "a blue lamp")]
    answers = {"a": {"text": "a red chair"}, "b": {"text": "a blue lamp"}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    # "sos a red chair eos" (5 words, all right), "sos eos" (2, both right); references have 10.
    brevity = math.exp(1 - 10 / 7)
    assert row_of(rows, "words_scan2cap_bleu_1_iou50")["value"] == pytest.approx(brevity, abs=1e-6)
    # Pairs: 4 of 4 right, and "sos eos" is not in its reference.
    second = brevity * math.sqrt(1 * 4 / 5)
    assert row_of(rows, "words_scan2cap_bleu_2_iou50")["value"] == pytest.approx(second, abs=1e-6)
    assert row_of(rows, "strict_words_scan2cap_rouge_l_iou50")["value"] == pytest.approx(0.5)


def test_sets_of_objects(tmp_path):
    samples = [
        grounding("none", [], question_type="zt_w_d"),
        grounding("one", [0], question_type="st_w_d"),
        grounding("two", [0, 1], question_type="mt"),
        grounding("missed", [1], question_type="st_w_d"),
    ]
    # Shares at 0.07: two objects with 0.45 each and none with 0.1, or one object with nearly all.
    equal = [0.07 * math.log(share) for share in (0.4499, 0.4501, 0.0001, 0.0999)]
    answers = {
        "none": {"scores": [-0.5, -0.5, -0.5, 0.9]},
        "one": {"scores": [0.9, -0.5, -0.5, -0.5]},
        "two": {"scores": equal},
        "missed": {"scores": [0.9, -0.5, -0.5, -0.5]},
    }
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    # p = 0.4 takes one of the two boxes: F1 = 2 * 1 / (1 + 2); p = 0.25 as well.
    for metric in ("f1_iou50_p40", "f1_iou50_p25"):
        assert row_of(rows, metric)["value"] == pytest.approx((1 + 1 + 2 / 3 + 0) / 4)
        assert row_of(rows, metric, "mt")["value"] == pytest.approx(2 / 3)
        assert row_of(rows, metric, "st_w_d")["value"] == pytest.approx(1 / 2)
        assert row_of(rows, metric, "zt_w_d")["value"] == 1


def test_answers_by_protocol(tmp_path):
    samples = [
        question(name, answer, dataset="scanqa", question_type="scanqa")
        for name, answer in (("a", "2 chairs"), ("b", "the window"), ("c", "left"))
    ]
    answers = {"a": {"text": "two chairs"}, "b": {"text": "window"}, "c": {"text": ""}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()

    def value(metric: str) -> float:
        return float(row_of(rows, metric, benchmark="scanqa")["value"])

    # As they are none is equal; LEO writes digits as words and drops articles.
    assert value("video3d_scanqa_em") == 0
    assert value("leo_em") == pytest.approx(2 / 3)
    # The empty reply is a part of every reference.
    assert value("leo_refined_em") == 1
    assert value("answers_contained") == pytest.approx(2 / 3)


def test_letters_and_numbers(tmp_path):
    number = {"question_type": "object_abs_distance", "answer_type": "metres"}
    samples = [
        question("a", "2.0", **number, truth=2.0),
        question("b", "2.0", **number, truth=2.0),
        question(
            "c",
            "B",
            question_type="object_rel_distance",
            answer_type="choice",
            truth="B",
            options=["bed", "desk", "sofa", "lamp"],
        ),
    ]
    answers = {"a": {"text": "2.3"}, "b": {"text": "about 2.0"}, "c": {"text": "b. desk"}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    # An error of 15 % is within 1 - t for t = 0.50 ... 0.85: 8 of 10 thresholds. The benchmark
    # reads the first word alone: "about" is no number.
    vsi = row_of(rows, "vsi_score", "object_abs_distance")["value"]
    assert vsi == pytest.approx((0.8 + 0) / 2)
    assert row_of(rows, "vsi_score", "object_rel_distance")["value"] == 1
    assert row_of(rows, "vsi_score")["value"] == pytest.approx((0.4 + 1) / 2)
