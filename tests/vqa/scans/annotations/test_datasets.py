"""Each published data set becomes samples by its published rules."""

from pathlib import Path

import pytest

from tests.vqa.scans.annotations.small_files import (
    annotated_scans,
    multi3drefer,
    read,
    scanqa,
    scanrefer,
    sqa3d_annotation,
    sqa3d_question,
)


def test_scanrefer_is_unique_by_the_class_of_annotated_objects(tmp_path: Path) -> None:
    entries = [
        scanrefer("1", "0", object_name="chair"),
        scanrefer("1", "1", object_name="chair", description="a second one of the same"),
        scanrefer("0", "0", object_name="table"),
        scanrefer("4", "0", object_name="lamp"),
        scanrefer("0", "0", scene_id="scene0011_00", object_name="table"),
    ]
    samples, _ = read(tmp_path, "scanrefer", entries[:4])
    assert [sample.question_type for sample in samples] == ["unique"] * 4
    # An office chair is a chair, and what is no class of the benchmark is one class together.
    entries += [
        scanrefer("3", "0", object_name="office_chair"),
        scanrefer("5", "0", object_name="piano"),
    ]
    samples, file = read(tmp_path, "scanrefer", entries)
    kinds = {(s.targets[0] - 1, s.question_type) for s in samples}
    assert kinds == {
        (0, "unique"),
        (1, "multiple"),
        (3, "multiple"),
        (4, "multiple"),
        (5, "multiple"),
    }
    # The scan of the other split is no sample of this file.
    assert [(row.scene_id, row.item) for row in file.skipped] == [
        ("scans-scene0011_00", "scanrefer.train 1 entries")
    ]


def test_scanrefer_counts_the_objects_of_its_own_file_only(tmp_path: Path) -> None:
    train = [scanrefer("1"), scanrefer("3", object_name="office_chair")]
    val = [scanrefer("1", scene_id="scene0011_00")]
    assert {s.question_type for s in read(tmp_path, "scanrefer", train)[0]} == {"multiple"}
    samples, _ = read(tmp_path, "scanrefer", val, split="val")
    assert [s.question_type for s in samples] == ["unique"]


def test_scanrefer_samples_have_the_box_of_the_object_id(tmp_path: Path) -> None:
    (sample,), _ = read(tmp_path, "scanrefer", [scanrefer("3", "7", object_name="office_chair")])
    assert sample.sample_id == "scans-scanrefer-train-scene0000_00-3-7"
    assert (sample.dataset, sample.task, sample.split) == ("scanrefer", "grounding", "train")
    assert sample.targets == [4]
    # The ids have a gap, so that the object is the third of the list, not the fourth.
    assert sample.target_boxes == [(6.0, 0.0, 0.5, 1.0, 1.0, 1.0)]
    assert sample.text == "the chair beside the table"
    assert sample.answer == ""


def test_multi3drefer_has_none_one_or_several_targets(tmp_path: Path) -> None:
    entries = [
        multi3drefer([], "zt_wo_d", 0),
        multi3drefer([], "zt_w_d", 1),
        multi3drefer([1], "st_w_d", 2),
        multi3drefer([0], "st_wo_d", 3),
        multi3drefer([1, "3"], "mt", 4),
    ]
    samples, file = read(tmp_path, "multi3drefer", entries)
    assert [s.targets for s in samples] == [[], [], [2], [1], [2, 4]]
    assert [len(s.target_boxes) for s in samples] == [0, 0, 1, 1, 2]
    assert [s.question_type for s in samples] == ["zt_wo_d", "zt_w_d", "st_w_d", "st_wo_d", "mt"]
    assert not file.skipped


def test_scan2cap_trains_on_every_description_at_the_true_centre(tmp_path: Path) -> None:
    entries = [scanrefer("1", "0"), scanrefer("1", "1", description="A wooden chair.")]
    samples, _ = read(tmp_path, "scan2cap", entries)
    assert [s.answer for s in samples] == ["the chair beside the table", "A wooden chair."]
    assert {s.point_m for s in samples} == {(2.0, 0.0, 0.5)}
    assert {(s.task, s.text) for s in samples} == {("captioning", "")}
    assert all(s.answers == [s.answer] for s in samples)


def test_scan2cap_is_scored_once_an_object_with_all_references(tmp_path: Path) -> None:
    here = {"scene_id": "scene0011_00"}
    entries = [
        scanrefer("1", "0", description="first", **here),
        scanrefer("0", "0", object_name="table", description="of the table", **here),
        scanrefer("1", "1", description="second", **here),
    ]
    samples, file = read(tmp_path, "scan2cap", entries, split="val")
    assert [(s.targets, s.answers) for s in samples] == [
        ([2], ["first", "second"]),
        ([1], ["of the table"]),
    ]
    # Without a detector the true boxes are the proposals.
    assert [s.point_m for s in samples] == [(2.0, 0.0, 0.5), (0.0, 0.0, 0.5)]
    assert all(s.evidence["proposal_iou"] == pytest.approx(1, abs=1e-6) for s in samples)
    assert not file.skipped


def test_scan2cap_needs_a_proposal_that_overlaps_by_half(tmp_path: Path) -> None:
    entries = [
        scanrefer("0", object_name="table", description="the table", scene_id="scene0011_00"),
        scanrefer("1", description="the chair", scene_id="scene0011_00"),
    ]
    # Of the table little is proposed; of the chair a box a tenth of a metre away.
    scans = annotated_scans(
        predicted={"scene0011_00": [[2.1, 0, 0.5, 1, 1, 1], [0.6, 0, 0.5, 1, 1, 1]]}
    )
    (table, chair), _ = read(tmp_path, "scan2cap", entries, split="val", scans=scans)
    assert table.point_m is None
    assert table.evidence["proposal_iou"] == pytest.approx(0.4 / 1.6, abs=1e-6)
    # An object without a proposal keeps its own references and its true box.
    assert (table.answers, table.target_boxes) == (["the table"], [(0.0, 0.0, 0.5, 1.0, 1.0, 1.0)])
    assert chair.point_m == (2.1, 0.0, 0.5)
    assert chair.answers == ["the chair"]


def test_training_scans_offer_their_own_boxes_whatever_a_detector_says() -> None:
    predicted = {"scene0000_00": [[9.0, 0, 0.5, 1, 1, 1]], "scene0011_00": [[9.0, 0, 0.5, 1, 1, 1]]}
    scans = annotated_scans(predicted=predicted)
    assert [len(scan.proposals) for scan in scans.scans] == [5, 1]


def test_scanqa_trains_on_every_answer_and_scores_every_question(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, "scanqa", [scanqa(["chair", "brown chair"])])
    assert [(s.answer, s.answers) for s in samples] == [
        ("chair", ["chair", "brown chair"]),
        ("brown chair", ["chair", "brown chair"]),
    ]
    assert len({s.sample_id for s in samples}) == 2
    assert samples[0].referents == [2]
    here = {"scene_id": "scene0011_00", "question_id": "val-scene0011-0"}
    samples, _ = read(tmp_path, "scanqa", [scanqa(["chair", "a chair"], **here)], split="val")
    assert [(s.sample_id, s.answers) for s in samples] == [
        ("scans-scanqa-val-val-scene0011-0-0", ["chair", "a chair"])
    ]


def test_sqa3d_joins_its_files_and_trains_on_every_situation(tmp_path: Path) -> None:
    questions = {"info": {}, "questions": [sqa3d_question("220602000000")]}
    annotations = {"info": {}, "annotations": [sqa3d_annotation(220602000000)]}
    samples, file = read(tmp_path, "sqa3d", questions, annotations)
    assert [s.situation for s in samples] == [
        "I am facing the table.",
        "The table is in front of me.",
        "I look at a table.",
    ]
    assert {(s.text, s.answer, s.question_type) for s in samples} == {
        ("What is on my left?", "chair", "what")
    }
    assert not file.skipped
    scans = annotated_scans(splits=("test", "val"))
    samples, _ = read(tmp_path, "sqa3d", questions, annotations, split="test", scans=scans)
    assert [(s.situation, s.answers) for s in samples] == [("I am facing the table.", ["chair"])]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("WHAT is this?", "what"),
        ("Is it open?", "is"),
        ("How many?", "how"),
        ("Can I sit?", "can"),
        ("Which one?", "which"),
        ("Are there any?", "others"),
        ("Wo ist der Tisch?", "others"),
    ],
)
def test_sqa3d_types_follow_the_first_word(tmp_path: Path, question: str, kind: str) -> None:
    questions = {"questions": [sqa3d_question(question=question)]}
    samples, _ = read(tmp_path, "sqa3d", questions, {"annotations": [sqa3d_annotation()]})
    assert {s.question_type for s in samples} == {kind}


def test_scans_of_embodiedscan_are_known_by_the_name_of_scannet(tmp_path: Path) -> None:
    scans = annotated_scans(prefix="scannet-")
    entries = [scanrefer("1"), scanrefer("0", object_name="table", scene_id="scannet/scene0000_00")]
    samples, _ = read(tmp_path, "scanrefer", entries, scans=scans)
    assert [s.scene_id for s in samples] == ["scans-scannet-scene0000_00"] * 2
