"""Scoring of answers about scans from files to rows."""

import math

import numpy as np
import pytest

from tests.evaluate.video.scan_run import (
    ALL_CONDITIONS,
    ScanRun,
    box,
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
from workflow_scripts.evaluate.score_table import read_scores
from workflow_scripts.evaluate.video import score
from workflow_scripts.evaluate.video.protocols import clean_scan2cap
from workflow_scripts.evaluate.video.scan_metrics import SCAN_METRICS

SCANS = {f"s{number}": 3 for number in range(4)}


def test_grounding_beside_blind_and_majority(tmp_path):
    samples = [
        *(grounding(f"u{n}", [0], f"s{n}", question_type="unique") for n in range(4)),
        *(grounding(f"m{n}", [1], f"s{n}", question_type="multiple") for n in range(4)),
    ]
    ids = [one.sample_id for one in samples]
    right = {name: 0 if name[0] == "u" else 1 for name in ids}
    image = right | {"m0": 2}
    rows = ScanRun(
        tmp_path,
        samples,
        {"image": choices(image), "blind": choices(dict.fromkeys(ids, 0))},
        scans=SCANS,
        training=[grounding("t", [1], question_type=kind) for kind in ("unique", "multiple")],
    ).scores()
    assert row_of(rows, "acc_iou50", "unique")["value"] == 1
    multiple = row_of(rows, "instance_accuracy", "multiple")
    assert multiple["value"] == 0.75
    assert multiple["n"] == 4
    assert multiple["num_scenes"] == 4
    assert multiple["blind"] == 0
    assert multiple["baseline"] == "blind"
    assert multiple["gain"] == 0.75
    assert 0 < multiple["gain_low"] <= 0.75 <= multiple["gain_high"] <= 1
    # Training descriptions mean tables (object 1).
    assert multiple["majority"] == 1
    assert multiple["majority_gain"] == -0.25
    assert row_of(rows, "instance_accuracy", "unique")["majority"] == 0
    assert row_of(rows, "acc_iou25")["value"] == pytest.approx(7 / 8)
    assert not (rows["metric"] == "f1_iou25").any()
    assert row_of(rows, "f1_iou25_p40")["value"] == pytest.approx(7 / 8)


def test_only_the_types_of_the_experiment_are_scored(tmp_path):
    samples = [
        *(grounding(f"u{n}", [0], f"s{n}", question_type="unique") for n in range(4)),
        *(grounding(f"n{n}", [], f"s{n}", question_type="zt_w_d") for n in range(4)),
    ]
    shown_to_model = {"num_frames": 8, "num_visual_tokens": 4}
    answers = choices({f"u{n}": 0 for n in range(4)})
    run = ScanRun(
        tmp_path,
        samples,
        {"image": {name: answer | shown_to_model for name, answer in answers.items()}},
        scans=SCANS,
        others={"other": choices({one.sample_id: 0 for one in samples})},
    )
    chosen = ScanScoreSettings(bootstrap_samples=100, question_types=["unique"])
    rows = run.scores(settings=chosen)
    assert set(rows["family"]) == {"all", "unique"}
    assert row_of(rows, "acc_iou50")["n"] == 4
    # How much is shown does not depend on the type: one row of it is enough on a page.
    shown = rows[rows["metric"] == "frames_shown"]
    headlines = dict(zip(shown["family"], shown["is_headline"], strict=True))
    assert headlines == {"all": True, "unique": False}
    nothing = ScanScoreSettings(bootstrap_samples=100, question_types=["mt"])
    with pytest.raises(
        UserError, match=r"no samples of grounding, captioning, question of types mt to score"
    ):
        run.scores(settings=nothing)


def test_the_probability_is_chosen_on_validation_samples_alone(tmp_path):
    # Shares of the softmax at 0.07: 0.44 and 0.44, 0.12 for none.
    both = [float(value) for value in 0.07 * np.log([0.44, 0.44, 1e-9, 0.12])]
    samples = [grounding("a", [0, 1], question_type="mt")]
    run = ScanRun(tmp_path, samples, {"image": {"a": {"scores": both}}})
    validation = tmp_path / "val.jsonl"
    write_records(validation, [grounding("v", [0, 1], split="val", question_type="mt")])
    answers = run.write([prediction("v", scores=both)], "validation")
    rows = run.scores(validation=validation, validation_image=[answers])
    chosen = row_of(rows, "selection_probability")["value"]
    assert 0.44 < chosen < 0.88
    assert row_of(rows, "f1_iou50")["value"] == 1
    assert row_of(rows, "f1_iou50_p25")["value"] == pytest.approx(2 / 3)
    assert row_of(rows, "f1_iou50_p40")["value"] == pytest.approx(2 / 3)
    assert row_of(rows, "most_hits_f1_iou50")["value"] == 1


def test_parts_and_order_of_answers_do_not_matter_and_the_table_is_written_whole(tmp_path):
    samples = [grounding(f"u{n}", [0], f"s{n}") for n in range(4)]
    answers = choices({f"u{n}": n % 2 for n in range(4)})
    run = ScanRun(tmp_path, samples, {"image": answers}, scans=SCANS)
    arguments = run.arguments()
    score.main(**arguments)
    written = arguments["out"].read_bytes(), arguments["out"].with_suffix(".csv").read_bytes()
    parts = [
        run.write([prediction(name, **answers[name]) for name in names], f"part{number}")
        for number, names in enumerate((("u3", "u1"), (), ("u2", "u0")))
    ]
    score.main(**{**arguments, "image": parts})
    again = arguments["out"].read_bytes(), arguments["out"].with_suffix(".csv").read_bytes()
    assert again == written


def test_cider_of_a_type_has_the_rarity_of_the_whole_split(tmp_path):
    samples = [
        question("a", "red chair", question_type="what"),
        question("b", "red table", question_type="which"),
        question("c", "blue lamp", question_type="which"),
    ]
    texts = {"a": "red chair", "b": "red sofa", "c": "blue lamp"}
    rows = ScanRun(
        tmp_path, samples, {"image": {name: {"text": text} for name, text in texts.items()}}
    ).scores()
    what, which, every = (
        row_of(rows, "video3d_scanqa_cider_d", family) for family in ("what", "which", "all")
    )
    # Alone, words of a single sample would have no rarity and CIDEr-D would be 0.
    assert what["value"] > 1
    assert every["value"] == pytest.approx((what["value"] + 2 * which["value"]) / 3)


def test_nothing_is_chosen_on_the_samples_that_are_scored(tmp_path):
    samples = [grounding("a", [0], split="val")]
    run = ScanRun(tmp_path, samples, {"image": choices({"a": 0})})
    arguments = run.arguments(settings=ScanScoreSettings(split="val", bootstrap_samples=100))
    rows = run.scores(
        settings=arguments["settings"],
        validation=arguments["samples"],
        validation_image=arguments["image"],
    )
    assert not rows["metric"].isin(["f1_iou25", "selection_probability"]).any()
    assert row_of(rows, "f1_iou25_p25")["value"] == 1


def test_of_none_nothing_may_be_chosen(tmp_path):
    samples = [grounding(name, [], question_type="zt_w_d") for name in ("a", "b", "c")]
    answers = choices({"a": None, "b": 1}) | {"c": {"reason": "too many frames"}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    # An answer that is missing is no statement that nothing fits.
    assert row_of(rows, "f1_iou25_p25", "zt_w_d")["value"] == pytest.approx(1 / 3)
    assert row_of(rows, "no_reply_rate")["value"] == pytest.approx(1 / 3)
    assert not (rows["metric"] == "acc_iou25").any()


def test_boxes_far_from_the_origin_are_not_rounded(tmp_path):
    # In half precision 1000.3 is 1000.5 and the overlap another one.
    far = (1000.3, 0.0, 0.5, 0.4, 1.0, 1.0)
    run = ScanRun(
        tmp_path,
        [grounding("a", [0], target_boxes=[far])],
        {"image": choices({"a": 0})},
    )
    arguments = run.arguments()
    rows = [row.model_copy(update={"x_m": 1000.5, "width_m": 0.4}) for row in proposal_rows("s0")]
    write_table(arguments["proposals"][0], records_to_frame(rows, ProposalRow))
    score.main(**arguments)
    table = read_scores(arguments["out"])
    assert row_of(table, "acc_iou25")["value"] == 1
    assert row_of(table, "acc_iou50")["value"] == 0


def test_captions_are_gated_beside_their_own_references(tmp_path):
    # Object 3 has no proposal: the first sample is gated, as published code cannot.
    samples = [
        caption("a", 3, "a green sofa"),
        caption("b", 0, "a red chair"),
        caption("c", 1, "a blue table", "a table"),
    ]
    texts = {"a": "a green sofa", "b": "a red chair", "c": "a blue table"}
    answers = {name: {"text": text} for name, text in texts.items()}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores()
    strict = row_of(rows, "strict_words_scan2cap_rouge_l_iou50")["value"]
    gated = row_of(rows, "words_scan2cap_rouge_l_iou50")["value"]
    assert strict == pytest.approx(2 / 3)
    # "sos eos" of the empty caption against "sos a green sofa eos".
    leaked = 2 / 5
    assert gated == pytest.approx((2 + (1 + 1.44) * leaked / (leaked + 1.44)) / 3)
    assert row_of(rows, "video3d_scan2cap_cider_d_iou50")["n"] == 3
    assert clean_scan2cap("") == "sos eos"


def test_answers_by_protocol_side_by_side(tmp_path):
    samples = [
        question("a", "two chairs"),
        question("b", "left", question_type="which"),
        question("c", "brown", answers=["dark brown", "brown"]),
        question("d", "table"),
    ]
    answers = {"a": "2 chairs", "b": "left.", "c": "brown", "d": ""}
    rows = ScanRun(
        tmp_path, samples, {"image": {name: {"text": text} for name, text in answers.items()}}
    ).scores()
    assert row_of(rows, "video3d_scanqa_em")["value"] == 0.25
    assert row_of(rows, "scanqa_official_em")["value"] == 0.25
    # LEO: "2" is "two", "." goes, "dark brown" hides "brown", '' is in "table".
    assert row_of(rows, "leo_em")["value"] == 0.5
    assert row_of(rows, "leo_refined_em")["value"] == 1
    assert row_of(rows, "llava3d_em")["value"] == 0.75
    assert row_of(rows, "llava3d_refined_em")["value"] == 1
    assert row_of(rows, "answers_em")["value"] == 0.75
    assert row_of(rows, "answers_contained")["value"] == 0.75
    # The last period counts for EM and not for text metrics.
    assert row_of(rows, "video3d_scanqa_em", "which")["value"] == 0
    assert row_of(rows, "video3d_scanqa_rouge_l", "which")["value"] == 1
    assert row_of(rows, "video3d_scanqa_bleu_1", "which")["value"] == pytest.approx(1)
    assert not rows["metric"].str.contains("meteor|llava3d_bleu|official_cider").any()


def test_data_sets_are_never_mixed(tmp_path):
    samples = [
        question("a", "left", dataset="sqa3d"),
        question("b", "left", dataset="scanqa"),
        question("c", "left"),
    ]
    texts = {"a": "left", "b": "right", "c": "left"}
    rows = ScanRun(
        tmp_path, samples, {"image": {name: {"text": text} for name, text in texts.items()}}
    ).scores()
    for benchmark, value in {"sqa3d": 1, "scanqa": 0, "scan_samples": 1}.items():
        row = row_of(rows, "leo_em", benchmark=benchmark)
        assert (row["value"], row["n"]) == (value, 1)


def test_letters_and_numbers_and_the_average_of_vsi_bench(tmp_path):
    typed = {"task": "question", "targets": [], "target_boxes": [], "text": "?"}
    samples = [
        *(
            question(
                f"d{n}",
                "B",
                answer_type="choice",
                truth="B",
                options=["left", "right"],
                question_type=f"object_rel_direction_{kind}",
                **typed,
            )
            for n, kind in enumerate(("easy", "easy", "hard"))
        ),
        question(
            "s",
            "100",
            answer_type="centimetres",
            truth=100.0,
            question_type="object_size_estimation",
            **typed,
        ),
    ]
    texts = {"d0": "B", "d1": "A", "d2": "B. right", "s": "75"}
    training = [
        question("t", "A", answer_type="choice", truth="A", options=["left", "right"], **typed)
        for _ in range(2)
    ]
    training = [
        one.model_copy(update={"sample_id": f"t{n}", "question_type": kind})
        for n, (one, kind) in enumerate(
            zip(training, ("object_rel_direction_easy", "object_rel_direction_hard"), strict=True)
        )
    ]
    rows = ScanRun(
        tmp_path,
        samples,
        {"image": {name: {"text": text} for name, text in texts.items()}},
        training=training,
    ).scores()
    assert row_of(rows, "accuracy", "object_rel_direction_easy")["value"] == 0.5
    assert row_of(rows, "accuracy")["value"] == pytest.approx(2 / 3)
    assert row_of(rows, "accuracy")["majority"] == 0
    # |75 - 100| / 100 <= 1 - t holds for t = 0.50, 0.55 ... 0.75, six of ten.
    size = row_of(rows, "vsi_score", "object_size_estimation")["value"]
    assert size == pytest.approx(0.6)
    direction = row_of(rows, "vsi_score", "object_rel_direction")["value"]
    assert direction == pytest.approx((0.5 + 1) / 2)
    assert row_of(rows, "vsi_score")["value"] == pytest.approx((direction + size) / 2)


def test_rotations(tmp_path):
    samples = [grounding("a", [0]), grounding("b", [0]), question("c", "left")]
    texts = dict.fromkeys(ALL_CONDITIONS, "left") | {"rotated180": "right"}
    answers = {
        condition: choices({"a": 0, "b": 1}) | {"c": {"text": texts[condition]}}
        for condition in ALL_CONDITIONS
    }
    rows = ScanRun(tmp_path, samples, answers).scores()
    # Always the same and wrong is consistent.
    assert row_of(rows, "rotation_consistency", "unique")["value"] == 1
    assert row_of(rows, "right_in_all_rotations", "unique")["value"] == 0.5
    assert row_of(rows, "rotation_consistency", "what")["value"] == 0
    del answers["rotated90"]
    assert "rotation_consistency" not in set(ScanRun(tmp_path, samples, answers).scores()["metric"])


def test_gains_over_other_experiments_are_paired(tmp_path):
    samples = [grounding(f"u{n}", [0], f"s{n}") for n in range(4)]
    other = choices({f"u{n}": 0 if n < 2 else 1 for n in range(4)})
    rows = ScanRun(
        tmp_path,
        samples,
        {"image": choices({f"u{n}": 0 for n in range(4)})},
        scans=SCANS,
        others={"no-positions": other},
    ).scores()
    row = row_of(rows, "acc_iou50", method="against no-positions")
    assert (row["value"], row["baseline_value"], row["gain"]) == (1, 0.5, 0.5)
    assert row["baseline"] == "no-positions"
    assert math.isnan(row["blind"])
    assert 0 <= row["gain_low"] <= 0.5 <= row["gain_high"] <= 1


@pytest.mark.skipif(not score.has_java(), reason="Java or pycocoevalcap is missing")
def test_metrics_in_java(tmp_path):
    samples = [question("a", "the red chair"), question("b", "a table", question_type="which")]
    answers = {"a": {"text": "The red chair."}, "b": {"text": "a ||| lamp\nred"}}
    rows = ScanRun(tmp_path, samples, {"image": answers}).scores(
        settings=ScanScoreSettings(java_metrics=True, bootstrap_samples=100)
    )
    assert 0 < row_of(rows, "scanqa_official_meteor")["value"] <= 1
    assert row_of(rows, "scanqa_official_rouge_l", "what")["value"] == pytest.approx(1)
    # The program scores a corpus: parts of it have no row.
    assert not ((rows["metric"] == "leo_meteor") & (rows["family"] == "what")).any()


def test_every_metric_of_the_table_is_measured(tmp_path):
    samples = [
        grounding("a", [0]),
        caption("b", 0, "a red chair"),
        question("c", "left"),
        question(
            *("d", "A"),
            answer_type="choice",
            truth="A",
            options=["x", "y"],
            question_type="route_planning",
        ),
    ]
    counted = {"num_frames": 8, "num_visual_tokens": 128}
    answers = {
        condition: {
            "a": {"scores": scores_for(0), **counted},
            "b": {"text": "a red chair", **counted},
            "c": {"text": "left", **counted},
            "d": {"text": "A", **counted},
        }
        for condition in ALL_CONDITIONS
    }
    run = ScanRun(tmp_path, samples, answers)
    validation = tmp_path / "val.jsonl"
    write_records(validation, [grounding("v", [0], split="val")])
    rows = run.scores(
        validation=validation,
        validation_image=[run.write([prediction("v", scores=scores_for(0))], "v")],
    )
    without_java = {metric.name for metric in SCAN_METRICS if not metric.needs_java}
    assert without_java <= set(rows["metric"])
    assert row_of(rows, "visual_tokens")["value"] == 128
    assert (rows["benchmark"] == "scan_samples").all()
    assert box(0)[0] == 0
