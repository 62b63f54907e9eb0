"""The command that imports annotations: files in, samples and skipped rows out."""

from pathlib import Path
from typing import Any

import pytest

from tests.vqa.scans.annotations.small_files import (
    CATEGORIES,
    LABELS,
    multi3drefer,
    object_row,
    scanqa,
    scanrefer,
    scene,
    sqa3d_annotation,
    sqa3d_question,
    write,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow, SkippedItem, records_to_frame
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.storage import read_records, write_records, write_table
from workflow_scripts.sources.annotation_settings import AnnotationsSettings
from workflow_scripts.vqa.scans.annotations import DATASETS
from workflow_scripts.vqa.scans.annotations.import_annotations import main


def files(folder: Path) -> dict[str, Any]:
    """Write a small file of every data set and return the settings that name them."""
    here = {"scene_id": "scene0011_00"}
    train = [scanrefer("1"), scanrefer("0", object_name="table")]
    val = [scanrefer("1", **here), scanrefer("57", **here)]
    referit = {
        "train": str(write(folder / "ScanRefer_filtered_train.json", train)),
        "val": str(write(folder / "ScanRefer_filtered_val.json", val)),
    }
    questions = write(folder / "questions.json", {"questions": [sqa3d_question()]})
    annotations = write(folder / "annotations.json", {"annotations": [sqa3d_annotation()]})
    return {
        "scanrefer": referit,
        "scan2cap": referit,
        "multi3drefer": {
            "train": str(write(folder / "multi3drefer_train.json", [multi3drefer([], "zt_w_d")]))
        },
        "scanqa": {"train": str(write(folder / "ScanQA_v1.0_train.json", [scanqa(["chair"])]))},
        "sqa3d": {"train": {"questions": str(questions), "annotations": str(annotations)}},
        "labels": str(write(folder / "labels.tsv", LABELS)),
        "predicted_boxes": [
            str(
                write(
                    folder / "scannet_val_pred_box.json",
                    {"scannet/scene0011_00": [[2, 0, 0.5, 1, 1, 1], [0, 0]]},
                )
            )
        ],
    }


def run_import(
    folder: Path, settings: dict[str, Any]
) -> tuple[list[ScanSample], list[SkippedItem]]:
    names = ("scene0000_00", "scene0011_00")
    scenes = [scene(names[0], "train"), scene(names[1], "val")]
    paths = {}
    for number, item in enumerate(scenes):
        rows = [object_row(item.name, key, name, x_m=2.0 * key) for key, name in CATEGORIES.items()]
        for kind in ("scenes", "views", "objects"):
            paths.setdefault(kind, []).append(folder / f"{number:04d}.{kind}")
        write_records(paths["scenes"][-1], [item])
        table = records_to_frame(rows, ObjectRow)
        write_table(paths["views"][-1], table[["scene_id"]])
        write_table(paths["objects"][-1], table)
    out, skipped = folder / "annotations.scan_samples.jsonl", folder / "skipped.jsonl"
    main(
        **paths,
        source="scans",
        out=out,
        skipped=skipped,
        settings=AnnotationsSettings.parse(settings),
    )
    return read_records(out, ScanSample), read_records(skipped, SkippedItem)


def test_every_data_set_is_imported_and_every_loss_is_a_row(tmp_path: Path) -> None:
    settings = files(tmp_path)
    raw = {path: path.read_bytes() for path in tmp_path.glob("*.json")}
    samples, skipped = run_import(tmp_path, settings)
    assert {sample.dataset for sample in samples} == set(DATASETS) - {"processed"}
    assert len({sample.sample_id for sample in samples}) == len(samples)
    counts = {(s.dataset, s.split) for s in samples}
    assert {("scanrefer", "train"), ("scanrefer", "val"), ("scan2cap", "val")} <= counts
    assert [(row.item, row.reason) for row in skipped] == [
        ("scannet_val_pred_box.json box 1", "[0, 0] are not six finite numbers"),
        ("scanrefer.val entry 1", "object 57 is not one of the scan's 5 objects"),
        ("scan2cap.val entry 1", "object 57 is not one of the scan's 5 objects"),
    ]
    # No published file is written to.
    assert raw == {path: path.read_bytes() for path in raw}


def test_scan2cap_does_not_need_scanrefer(tmp_path: Path) -> None:
    settings = files(tmp_path)
    both, _ = run_import(tmp_path, settings)
    alone, _ = run_import(tmp_path, {key: settings[key] for key in ("scan2cap", "labels")})
    captions = [s for s in both if s.dataset == "scan2cap"]
    assert [(s.sample_id, s.question_type) for s in alone] == [
        (s.sample_id, s.question_type) for s in captions
    ]


def test_no_sample_of_a_failed_import_is_written(tmp_path: Path) -> None:
    settings = files(tmp_path)
    Path(settings["scanqa"]["train"]).write_text('[{"scene_id": "scene00')
    with pytest.raises(UserError, match=r"ScanQA_v1\.0_train\.json: not valid JSON"):
        run_import(tmp_path, settings)
    assert not (tmp_path / "annotations.scan_samples.jsonl").exists()


def test_scanrefer_and_scan2cap_need_the_table_of_classes() -> None:
    for dataset in ("scanrefer", "scan2cap"):
        with pytest.raises(UserError, match=rf"labels: .*null, but {dataset} needs"):
            AnnotationsSettings.parse({dataset: {"train": "a.json"}})
    assert AnnotationsSettings.parse({"scanqa": {"train": "a.json"}}).labels is None


def test_a_sample_that_two_files_have_is_imported_once(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "chair"}]
    entry = {
        "id": "scanqa_0",
        "video": "scannet/scene0000_00",
        "conversations": turns,
        "metadata": {"dataset": "scanqa", "question_type": "scanqa"},
    }
    paths = [str(write(tmp_path / name, [entry])) for name in ("a.json", "b.json")]
    samples, skipped = run_import(tmp_path, {"processed": {"train": paths}})
    assert [sample.text for sample in samples] == ["What?"]
    assert [row.item for row in skipped] == [f"processed.train b.json {samples[0].sample_id}"]


def test_boxes_in_another_frame_are_an_error(tmp_path: Path) -> None:
    settings = files(tmp_path)
    path = Path(settings["predicted_boxes"][0])
    inside, outside = [2, 0, 0.5, 1, 1, 1], [200, 0, 0.5, 1, 1, 1]
    write(path, {"scene0011_00": [inside, outside]})
    _, skipped = run_import(tmp_path, settings)
    assert skipped[0].reason == "1 of 2 boxes are more than 1 m outside of the scan's objects"
    write(path, {"scene0011_00": [outside, outside]})
    with pytest.raises(UserError, match=r"predicted_boxes: every box is outside of its scan"):
        run_import(tmp_path, settings)


def test_objects_with_other_names_are_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {key: value for key, value in files(tmp_path).items() if key == "labels"}
    entries = [
        scanrefer("1", 0, object_name="chair"),
        scanrefer("3", 1, object_name="Office_Chair"),
        scanrefer("0", 2, object_name="lamp"),
    ]
    path = write(tmp_path / "train.json", entries)
    settings["scanrefer"] = {"train": str(path)}
    run_import(tmp_path, settings)
    assert "otherwise" not in caplog.text
    write(path, [*entries, *(scanrefer("4", number) for number in range(3, 6))])
    run_import(tmp_path, settings)
    expected = "4 of 6 entries name an object otherwise than its scan does (object 0 is 'lamp' here"
    assert expected in caplog.text
