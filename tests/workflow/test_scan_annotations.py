"""Published annotations of ScanNet through the workflow: from files to merged samples."""

import json
from pathlib import Path
from typing import Any

import pytest

from testing.posed_room import make_room
from testing.project import WITHOUT_RLBENCH, Project
from testing.scan_layouts.scannet import write_annotation, write_posed_images
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records, read_table

TRAINED, SCORED = "scene0000_00", "scene0011_00"
LABELS = "raw_category\tnyu40id\ntable\t7\nchair\t5\ncabinet\t3\n"


def entry(scan: str, object_id: int, name: str, text: str) -> dict[str, Any]:
    return {
        "scene_id": scan,
        "object_id": str(object_id),
        "object_name": name,
        "ann_id": "0",
        "description": text,
    }


def annotations(folder: Path) -> dict[str, Any]:
    """Write ScanRefer's files and a detector's boxes; ids of objects are 3, 5, 7 and 9."""
    listed = {
        "train": [entry(TRAINED, 3, "table", "the table"), entry(TRAINED, 4, "bed", "no such bed")],
        "test": [
            entry(SCORED, 9, "cabinet", "the tall cabinet"),
            entry("scene0707_00", 1, "x", "y"),
        ],
    }
    for split, entries in listed.items():
        (folder / f"{split}.json").write_text(json.dumps(entries))
    boxes = {f"scannet/{SCORED}": [[3.4, 0.25, 0.9, 1.0, 0.5, 1.8], [1, 1, 1, 1, 1, 1]]}
    (folder / "boxes.json").write_text(json.dumps(boxes))
    (folder / "labels.tsv").write_text(LABELS)
    files = {split: f"{split}.json" for split in listed}
    return {
        "scanrefer": files,
        "scan2cap": files,
        "labels": "labels.tsv",
        "predicted_boxes": ["boxes.json"],
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project whose only source is two small scans in ScanNet's layout."""
    project = Project.create(tmp_path_factory.mktemp("annotations") / "project")
    for scan in (TRAINED, SCORED):
        write_posed_images(project.folder / "scannet", make_room(4), scan)
        write_annotation(project.folder / "scannet/scans" / scan, scan, first_id=3)
    project.edit(WITHOUT_RLBENCH)
    scans = {
        "format": "scannet",
        "path": "scannet/posed_images",
        "num_scans": None,
        "annotations": annotations(project.folder),
    }
    project.edit({"sources": {"procthor": None, "scans": scans}})
    return project


def test_published_samples_stand_beside_generated_ones(project: Project) -> None:
    project.snakemake("results/vqa/scans/test.jsonl", "--cores", "1")
    folder = project.folder / "results/vqa/scans"
    samples = {
        split: read_records(folder / f"{split}.jsonl", ScanSample)
        for split in ("train", "val", "test")
    }
    scans = {split: {sample.scene_id for sample in rows} for split, rows in samples.items()}
    assert scans == {"train": {f"scans-{TRAINED}"}, "val": set(), "test": {f"scans-{SCORED}"}}
    published = [s for rows in samples.values() for s in rows if s.dataset != "generated"]
    assert [(s.dataset, s.split, s.targets) for s in published] == [
        ("scanrefer", "train", [4]),
        ("scan2cap", "train", [4]),
        ("scanrefer", "test", [10]),
        ("scan2cap", "test", [10]),
    ]
    caption = published[-1]
    assert caption.point_m == pytest.approx((3.4, 0.25, 0.9))
    assert caption.evidence["proposal_iou"] == pytest.approx(1, abs=1e-4)
    proposals = read_table(folder / "0000.proposals.parquet")
    of_scan = proposals.groupby("scene_id").instance.apply(list).to_dict()
    assert of_scan == {f"scans-{TRAINED}": [4, 6, 8, 10], f"scans-{SCORED}": [0, 0]}
    skipped = read_records(folder / "annotations.skipped.jsonl", SkippedItem)
    assert {row.reason for row in skipped} == {
        "object 4 is not one of the scan's 4 objects",
        "the scan is not among the 2 scans of the source",
    }
    assert (
        "Nothing to be done"
        in project.snakemake("results/vqa/scans/test.jsonl", "--dry-run").stdout
    )


def test_samples_are_written_for_video_3d_llm(project: Project) -> None:
    project.snakemake("scan_llava", "--cores", "1")
    folder = project.folder / "results/vqa/scans/video3dllm"
    names = {path.name for path in (folder / "processed").glob("sc*.json")}
    # The description that is scored stands in the file that Video-3D LLM scores.
    assert names == {
        f"{stem}_{split}_llava_style.json"
        for stem in ("scanrefer_vg", "scan2cap")
        for split in ("train", "val")
    }
    boxes = json.loads((folder / "metadata/scannet_train_gt_box.json").read_text())
    assert [any(box) for box in boxes[f"scannet/{TRAINED}"]] == [
        number > 2 and number % 2 == 1 for number in range(10)
    ]


def test_a_damaged_file_is_named(project: Project) -> None:
    path = project.folder / "train.json"
    content = path.read_text()
    path.write_text(content[:40])
    try:
        done = project.snakemake(
            "results/vqa/scans/annotations.scan_samples.jsonl", "--cores", "1", check=False
        )
    finally:
        path.write_text(content)
    assert done.returncode != 0
    printed = done.stdout + done.stderr + project.last_log()
    assert "train.json: not valid JSON" in printed
    assert "Traceback" not in printed
