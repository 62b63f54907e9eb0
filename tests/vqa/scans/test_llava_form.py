"""Samples in the form of Video-3D LLM: its keys and files, and back to equal samples."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vqa.scans.annotations.small_files import (
    CATEGORIES,
    annotated_scans,
    multi3drefer,
    object_row,
    read,
    scanqa,
    scanrefer,
    scene,
    sqa3d_annotation,
    sqa3d_question,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow, Split, records_to_frame
from workflow_scripts.common.scan_samples import ProposalRow, ScanSample
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.vqa.scans.annotations.annotated_scans import AnnotatedScans
from workflow_scripts.vqa.scans.annotations.predicted_boxes import proposal_rows
from workflow_scripts.vqa.scans.export_llava import entries_by_file, main, video_name
from workflow_scripts.vqa.scans.llava_form import to_llava

VIDEO = "scannet/scene0000_00"
NAMES = ("scene0000_00", "scene0011_00")


def published(tmp_path: Path, split: Split, scans: AnnotatedScans) -> list[ScanSample]:
    """Return samples of every data set about the scan of a split."""
    here = {"scene_id": NAMES[0] if split == "train" else NAMES[1]}
    referit = [
        scanrefer("1", "0", description="THE Chair, at the desk", **here),
        scanrefer("1", "1", description="стул", **here),
        scanrefer("3", "0", object_name="office_chair", **here),
    ]
    multi = [
        multi3drefer([], "zt_w_d", 0, **here),
        multi3drefer([1], "st_w_d", 1, **here),
        multi3drefer([1, 3], "mt", 2, **here),
    ]
    questions = {"questions": [sqa3d_question(1, **here)]}
    annotations = {"annotations": [sqa3d_annotation(1, **here)]}
    contents: dict[str, tuple[Any, ...]] = {
        "scanrefer": (referit,),
        "multi3drefer": (multi,),
        "scan2cap": (referit,),
        "scanqa": ([scanqa(["chair", "A chair"], **here)],),
        "sqa3d": (questions, annotations),
    }
    return [
        sample
        for dataset, files in contents.items()
        for sample in read(tmp_path, dataset, *files, split=split, scans=scans)[0]
    ]


def test_entries_have_the_keys_of_the_form(tmp_path: Path) -> None:
    samples = published(tmp_path, "train", annotated_scans())
    entries = {sample.dataset: to_llava(sample, VIDEO) for sample in reversed(samples)}
    for entry in entries.values():
        assert {"id", "video", "conversations", "metadata"} <= set(entry)
        assert [turn["from"] for turn in entry["conversations"]] == ["human", "gpt"]
        assert entry["conversations"][0]["value"].startswith("<image>\n")
    grounding = entries["scanrefer"]
    assert grounding["box"] == [2.0, 0.0, 0.5, 1.0, 1.0, 1.0]
    assert grounding["metadata"]["object_id"] == "1"
    assert grounding["metadata"]["ann_id"] == "0"
    human, gpt = (turn["value"] for turn in grounding["conversations"])
    assert human.endswith("\nTHE Chair, at the desk")
    assert gpt == "<ground>"
    none = entries["multi3drefer"]
    assert (none["box"], none["metadata"]["object_id"]) == ([], [])
    caption = entries["scan2cap"]
    assert "<coord>" in caption["conversations"][0]["value"]
    assert caption["conversations"][1]["value"] == "The chair, at the desk"
    assert caption["box_input"] == caption["gt_box"] == [2.0, 0.0, 0.5, 1.0, 1.0, 1.0]


def test_an_entry_is_equal_whenever_it_is_made(tmp_path: Path) -> None:
    """Nothing is added to a sample, so that a second epoch has the same prompts."""
    for sample in published(tmp_path, "train", annotated_scans()):
        before = sample.model_copy(deep=True)
        assert to_llava(sample, VIDEO) == to_llava(sample, VIDEO)
        assert sample == before


def test_special_tokens_in_a_text_are_words(tmp_path: Path) -> None:
    text = "the <image> of a <ground>\nat <coord>"
    entry = scanrefer("1", description=text)
    samples = [read(tmp_path, name, [entry])[0][0] for name in ("scanrefer", "scan2cap")]
    for sample in samples:
        human, gpt = (turn["value"] for turn in to_llava(sample, VIDEO)["conversations"])
        assert human.count("<image>") == 1
        assert "<coord>" not in gpt
        assert ("<ground>" in gpt) == (sample.task == "grounding")
    (copy,), _ = read(tmp_path, "processed", [to_llava(samples[0], VIDEO)])
    assert copy.text == text


@pytest.mark.parametrize("split", ["train", "val"])
def test_samples_come_back(tmp_path: Path, split: Split) -> None:
    # Of the office chair no proposal overlaps by half.
    boxes = [[2.0, 0, 0.5, 1, 1, 1], [9.0, 9, 9, 1, 1, 1]]
    scans = annotated_scans(predicted={NAMES[1]: boxes})
    samples = published(tmp_path, split, scans)
    videos = {f"scans-{name}": f"scannet/{name}" for name in NAMES}
    files = entries_by_file(samples, videos)
    assert len(files) == 6
    (tmp_path / "copy").mkdir()
    copies = []
    for entries in (entries for name, entries in files.items() if "multi3drefer_vg" not in name):
        found, file = read(tmp_path / "copy", "processed", entries, split=split, scans=scans)
        assert not file.skipped
        copies += found
    # Which objects a question of ScanQA is about, and the overlap, have no place in the form.
    plain = {"referents": [], "evidence": {}}
    assert len(copies) == len(samples) == len({copy.sample_id for copy in copies})
    for sample, copy in zip(samples, copies, strict=True):
        wanted = {**plain, "sample_id": copy.sample_id}
        assert copy == sample.model_copy(update=wanted)
    gated = [s for s in copies if s.task == "captioning" and s.point_m is None]
    assert len(gated) == (0 if split == "train" else 1)


def test_a_file_of_video_3d_llm_is_read(tmp_path: Path) -> None:
    def entry(dataset: str, human: str, gpt: str, **fields: Any) -> dict[str, Any]:
        metadata = {"dataset": dataset, "question_type": "q", **fields.pop("metadata", {})}
        return {
            "id": fields.pop("id", 0),
            "video": VIDEO,
            "conversations": [{"from": "human", "value": human}, {"from": "gpt", "value": gpt}],
            "metadata": metadata,
            **fields,
        }

    entries = [
        entry(
            "scanrefer", "<image>Which one?\nThe chair.", "<ground>", metadata={"object_id": "1"}
        ),
        entry("scan2cap", "<image>At <coord>.", "A chair.", id=1, gt_box=[2, 0, 0.5, 1, 1, 1.05]),
        entry("scan2cap", "<image>At <coord>.", "A chair.", id=2, gt_box=[7, 7, 7, 1, 1, 1]),
        entry("scanqa", "<image>Answer.\nWhat is it?", "chair", id="scanqa_x_0"),
        entry("other", "<image>x", "y", id=3),
        {**entry("scanqa", "", "y", id=4), "conversations": None},
        entry("scanqa", "<image>again", "y", id="scanqa_x_0"),
    ]
    samples, file = read(tmp_path, "processed", entries)
    assert [(s.dataset, s.text, s.targets, s.answer) for s in samples] == [
        ("scanrefer", "The chair.", [2], ""),
        ("scan2cap", "", [2], "A chair."),
        ("scanqa", "What is it?", [], "chair"),
    ]
    assert samples[1].point_m is None
    reasons = [row.reason for row in file.skipped]
    assert "is the box of none of the scan's objects" in reasons[0]
    assert "'metadata.dataset' is 'other'; allowed: multi3drefer" in reasons[1]
    assert reasons[2:] == [
        "no 'conversations'",
        "entry scanqa_x_0 is listed twice; the first one counts",
    ]


def test_files_are_called_as_published(tmp_path: Path) -> None:
    scans = annotated_scans(splits=("train", "test"))
    samples = published(tmp_path, "test", scans)
    videos = dict.fromkeys((sample.scene_id for sample in samples), VIDEO)
    names = set(entries_by_file(samples, videos))
    # The last two are the name that is written and the one that is read.
    assert names == {
        "scanrefer_vg_val_llava_style.json",
        "scan2cap_val_llava_style.json",
        "scanqa_val_llava_style.json",
        "sqa3d_test_llava_style.json",
        "multi3drefer_val_llava_style.json",
        "multi3drefer_vg_val_llava_style.json",
    }
    both = [*samples, *(s.model_copy(update={"split": "val"}) for s in samples)]
    assert "scanrefer_vg_test_llava_style.json" in entries_by_file(both, videos)
    generated = [
        sample.model_copy(update={"dataset": "generated"})
        for sample in samples
        if sample.dataset in ("scanrefer", "sqa3d")
    ]
    assert set(entries_by_file(generated, videos)) == {
        "generated_scanrefer_vg_val_llava_style.json",
        "generated_sqa3d_test_llava_style.json",
    }


def test_the_name_of_a_video_is_that_of_its_scan() -> None:
    assert video_name("scene0000_00", "scannet") == VIDEO
    assert video_name("scannet-scene0000_00", "scannet") == VIDEO


def test_boxes_are_at_the_id_of_their_object(tmp_path: Path) -> None:
    boxes = [[9.0, 0, 0.5, 1, 1, 1]]
    scans = annotated_scans(predicted={NAMES[1]: boxes})
    samples = published(tmp_path, "train", scans)
    write_records(tmp_path / "train.jsonl", samples)
    write_records(tmp_path / "scenes", [scene(NAMES[0], "train"), scene(NAMES[1], "val")])
    rows = [
        object_row(name, number, category, x_m=2.0 * number)
        for name in NAMES
        for number, category in CATEGORIES.items()
    ]
    write_table(tmp_path / "objects", records_to_frame(rows, ObjectRow))
    proposals = [row for scan in scans.scans for row in proposal_rows(scan)]
    write_table(tmp_path / "proposals", records_to_frame(proposals, ProposalRow))
    arguments = {
        "samples": [tmp_path / "train.jsonl"],
        "scenes": [tmp_path / "scenes"],
        "objects": [tmp_path / "objects"],
        "proposals": [tmp_path / "proposals"],
    }
    main(**arguments, source="scans", out=tmp_path / "out")
    metadata = tmp_path / "out/metadata"
    true = json.loads((metadata / "scannet_train_gt_box.json").read_text())[VIDEO]
    assert [box[0] for box in true] == [0, 2, 0, 6, 8, 10]
    assert true[2] == [0] * 6
    for path in (tmp_path / "out/processed").glob("scanrefer*.json"):
        for entry in json.loads(path.read_text()):
            assert true[int(entry["metadata"]["object_id"])] == entry["box"]
    assert json.loads((metadata / "scannet_val_pred_box.json").read_text()) == {
        "scannet/scene0011_00": boxes
    }
    with pytest.raises(UserError, match="there is no sample about a scan of source other"):
        main(**arguments, source="other", out=tmp_path / "other")
    assert not (tmp_path / "other").exists()
