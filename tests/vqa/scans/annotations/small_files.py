"""Small files in the form of the published annotations, and a source of two scans for them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.records import ObjectRow, Split, records_to_frame
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.sources.annotation_settings import AnnotationFiles
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.vqa.scans.annotations import DATASETS
from workflow_scripts.vqa.scans.annotations.annotated_scans import (
    AnnotatedScan,
    AnnotatedScans,
    read_scans,
)
from workflow_scripts.vqa.scans.annotations.annotation_file import AnnotationFile

LABELS = (
    "id\traw_category\tcategory\tcount\tnyu40id\n"
    "1\twall\twall\t8277\t1\n"
    "2\tchair\tchair\t4646\t5\n"
    "4\ttable\ttable\t1678\t7\n"
    "9\toffice chair\tchair\t800\t5\n"
    "11\tlamp\tlamp\t400\t35\n"
    "12\tpiano\tpiano\t20\t40\n"
)
CLASSES = {"wall": 1, "chair": 5, "table": 7, "office chair": 5, "lamp": 35, "piano": 40}


def scene(name: str, split: Split, **changes: Any) -> ScanScene:
    return ScanScene(
        source="scans",
        scene_id=f"scans-{name}",
        split=split,
        origin=f"scannet: {name}",
        house=None,
        format="scannet",
        name=name,
        path=f"scans/{name}",
        **changes,
    )


def object_row(name: str, number: int, category: str, *, x_m: float = 0.0) -> ObjectRow:
    """Return a cube of one metre; its mask number is one above its id, as in ScanNet."""
    return ObjectRow(
        scene_id=f"scans-{name}",
        instance=number + 1,
        object_id=str(number),
        category=category,
        kind="object",
        asset_id="",
        parent_id="",
        room_id="",
        x_m=x_m,
        y_m=0,
        z_m=0.5,
        width_m=1,
        depth_m=1,
        height_m=1,
        yaw_deg=0,
    )


# Ids have a gap: there is no object 2.
CATEGORIES = {0: "table", 1: "chair", 3: "office chair", 4: "lamp", 5: "piano"}


def annotated_scans(
    *,
    splits: tuple[Split, Split] = ("train", "val"),
    predicted: dict[str, list[list[float]]] | None = None,
    prefix: str = "",
) -> AnnotatedScans:
    """Return scene0000_00 and scene0011_00 with objects 0, 1, 3, 4 and 5, two metres apart."""
    names = (f"{prefix}scene0000_00", f"{prefix}scene0011_00")
    scenes = [scene(name, split) for name, split in zip(names, splits, strict=True)]
    rows = [
        object_row(name, number, category, x_m=2.0 * number)
        for name in names
        for number, category in CATEGORIES.items()
    ]
    boxes = {name: np.array(values).reshape(-1, 6) for name, values in (predicted or {}).items()}
    seen = {item.scene_id for item in scenes}
    return AnnotatedScans(read_scans(scenes, records_to_frame(rows, ObjectRow), seen, boxes))


def scan_without(reason: str) -> AnnotatedScan:
    return AnnotatedScan("scans-scene0000_00", "scene0000_00", "train", {}, None, reason)


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def read(
    tmp_path: Path,
    dataset: str,
    *contents: Any,
    split: Split = "train",
    scans: AnnotatedScans | None = None,
) -> tuple[list[ScanSample], AnnotationFile]:
    """Return the samples of small files of a data set, and the account of what was left out."""
    paths = tuple(
        write(tmp_path / f"{dataset}_{split}_{number}.json", content)
        for number, content in enumerate(contents)
    )
    files = AnnotationFiles(dataset, split, paths)
    file = AnnotationFile(files, "scans", scans or annotated_scans(), CLASSES)
    return list(DATASETS[dataset](file)), file


def scanrefer(object_id: Any = "1", ann_id: Any = "0", **changes: Any) -> dict[str, Any]:
    """Return an entry of ScanRefer_filtered_<split>.json."""
    return {
        "scene_id": "scene0000_00",
        "object_id": object_id,
        "object_name": "chair",
        "ann_id": ann_id,
        "description": "the chair beside the table",
        "token": ["the", "chair", "beside", "the", "table"],
        **changes,
    }


def multi3drefer(
    object_ids: Any, eval_type: str, ann_id: Any = 0, **changes: Any
) -> dict[str, Any]:
    """Return an entry of multi3drefer_<split>.json."""
    return {
        "scene_id": "scene0000_00",
        "object_ids": object_ids,
        "object_name": "chair",
        "ann_id": ann_id,
        "eval_type": eval_type,
        "description": "every chair at the table",
        "spatial": True,
        **changes,
    }


def scanqa(answers: Any, question_id: Any = "train-scene0000-0", **changes: Any) -> dict[str, Any]:
    """Return an entry of ScanQA_v1.0_<split>.json."""
    return {
        "scene_id": "scene0000_00",
        "question_id": question_id,
        "question": "What is beside the table?",
        "answers": answers,
        "object_ids": [1],
        "object_names": ["chair"],
        **changes,
    }


def sqa3d_question(question_id: Any = 220602000000, **changes: Any) -> dict[str, Any]:
    """Return an entry of v1_balanced_questions_<split>_scannetv2.json."""
    return {
        "scene_id": "scene0000_00",
        "question_id": question_id,
        "question": "What is on my left?",
        "situation": "I am facing the table.",
        "alternative_situation": ["The table is in front of me.", "I look at a table."],
        **changes,
    }


def sqa3d_annotation(question_id: Any = 220602000000, **changes: Any) -> dict[str, Any]:
    """Return an entry of v1_balanced_sqa_annotations_<split>_scannetv2.json."""
    return {
        "scene_id": "scene0000_00",
        "question_id": question_id,
        "question_type": "N/A",
        "answer_type": "other",
        "answers": [{"answer": "chair", "answer_confidence": "yes", "answer_id": 1}],
        "rotation": {"_x": 0, "_y": 0, "_z": 0.7, "_w": 0.7},
        "position": {"x": 1.0, "y": 0.5, "z": 0},
        **changes,
    }
