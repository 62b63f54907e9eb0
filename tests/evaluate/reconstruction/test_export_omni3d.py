"""Truth and answers of an experiment as public evaluators of Omni3D read them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.evaluate.reconstruction.rooms import RoomRun, room_records, truth, write_run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_json
from workflow_scripts.config.reconstruction import LayoutTextSettings, RoomPromptSettings
from workflow_scripts.evaluate.reconstruction.export_omni3d import main

LAYOUT = LayoutTextSettings(format="spatiallm", frame="room", objects="all")


@pytest.fixture
def run(tmp_path: Path) -> RoomRun:
    run = write_run(tmp_path, room_records(3, 4))
    settings = RoomPromptSettings(layout=LAYOUT)
    path = tmp_path / "vqa/rooms/rooms/settings.json"
    write_json(path, settings.model_dump(mode="json"), checksum=True)
    return run


def export(run: RoomRun) -> tuple[dict, list[dict]]:
    tables = [run.folder / "vqa/procthor/0000.rooms.parquet"]
    out = run.folder / "omni3d"
    main(experiment="rooms", rooms=tables, out=out, results=run.folder)
    return tuple(
        json.loads((out / f"{name}.json").read_text()) for name in ("truth", "predictions")
    )


def test_the_truth_as_an_answer_matches_every_annotation(run: RoomRun) -> None:
    run.answer("image", truth(LAYOUT))
    dataset, predictions = export(run)
    assert [image["id"] for image in dataset["images"]] == [0, 1, 2, 3]
    for image, record in zip(dataset["images"], run.scored, strict=True):
        assert (image["width"], image["height"]) == (record.width_px, record.height_px)
        assert image["file_path"] == record.image
        np.testing.assert_allclose(np.array(image["K"])[[0, 1], 2], record.intrinsics[2:])
    ids = [annotation["id"] for annotation in dataset["annotations"]]
    # An id of 0 is no match for COCO's evaluators.
    assert (len(set(ids)), min(ids)) == (24, 1)
    numbers = {category["id"] for category in dataset["categories"]}
    assert len(predictions) == len(dataset["annotations"]) == 24
    for true, predicted in zip(dataset["annotations"], predictions, strict=True):
        assert predicted["image_id"] == true["image_id"]
        assert predicted["category_id"] == true["category_id"]
        assert true["category_id"] in numbers
        np.testing.assert_allclose(predicted["bbox3D"], true["bbox3D_cam"], atol=2e-3)
        assert np.shape(true["bbox3D_cam"]) == (8, 3)
        assert true["depth_error"] == true["lidar_pts"] == -1
        assert true["valid3D"] is True
        assert isinstance(true["behind_camera"], bool)
        assert set(true) >= {"bbox2D_proj", "bbox2D_trunc", "bbox2D_tight", "truncation", "R_cam"}
    # What no pixel shows is ignored by evaluators: segmentation_pts 0.
    hidden = [item.pixels == 0 for record in run.scored for item in record.objects]
    assert [a["segmentation_pts"] == 0 for a in dataset["annotations"]] == hidden


def test_what_was_not_read_predicts_nothing(run: RoomRun) -> None:
    run.answer("image", lambda record: "bbox_0=Bbox(dragon,1,1,1,0,1,1,1)")
    dataset, predictions = export(run)
    assert len(dataset["annotations"]) == 24
    assert predictions == []


def test_unknown_fractions_are_no_nan(run: RoomRun) -> None:
    records = [
        record.model_copy(
            update={
                "objects": tuple(
                    item.model_copy(update={"fraction_visible": math.nan})
                    for item in record.objects
                )
            }
        )
        for record in run.records
    ]
    again = write_run(run.folder, records)
    again.answer("image", lambda record: "")
    dataset, predictions = export(again)
    assert {annotation["visibility"] for annotation in dataset["annotations"]} == {-1}
    assert predictions == []


def test_what_is_missing_is_one_line(run: RoomRun) -> None:
    with pytest.raises(UserError, match=r"no predictions\.image\.\*\.jsonl; answer first"):
        export(run)
    (run.folder / "vqa/rooms/rooms/settings.json").unlink()
    with pytest.raises(UserError, match=r"settings\.json: no such file"):
        export(run)
