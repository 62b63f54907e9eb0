"""A detector's boxes become what descriptions of real scans choose from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.vqa.scans.annotations.small_files import annotated_scans, write
from workflow_scripts.common.errors import UserError
from workflow_scripts.vqa.scans.annotations.predicted_boxes import PredictedBoxes, proposal_rows

BOX = [1, 2, 0.5, 1, 1, 1.5]


def test_boxes_are_rows_in_the_order_of_the_file(tmp_path: Path) -> None:
    content = {"scannet/scene0011_00": [BOX, [0, 0, 0, 2, 2, 2]], "scannet/scene0707_00": []}
    path = write(tmp_path / "scannet_val_pred_box.json", content)
    predicted = PredictedBoxes([path], "scans").boxes
    scans = annotated_scans(predicted={name: list(boxes) for name, boxes in predicted.items()})
    rows = [row for scan in scans.scans for row in proposal_rows(scan)]
    trained, scored = rows[:5], rows[5:]
    # Instances may have gaps, proposals have none.
    assert [(row.proposal, row.instance) for row in trained] == [
        (0, 1),
        (1, 2),
        (2, 4),
        (3, 5),
        (4, 6),
    ]
    assert [(row.proposal, row.instance, row.category, row.x_m) for row in scored] == [
        (0, 0, "", 1.0),
        (1, 0, "", 0.0),
    ]
    assert scored[0].height_m == 1.5


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([1, 2, 3], "are not six finite numbers"),
        ([1, 2, 3, 1, 1, None], "are not six finite numbers"),
        ("text", "are not six finite numbers"),
        ([1, 2, float("nan"), 1, 1, 1], "are not six finite numbers"),
        ([1, 2, 3, 1, 0, 1], r"size \[1, 0, 1\] must be above 0"),
    ],
)
def test_a_box_that_is_none_is_a_row(tmp_path: Path, box: Any, reason: str) -> None:
    path = write(tmp_path / "boxes.json", json.dumps({"scene0011_00": [box, BOX]}))
    predicted = PredictedBoxes([path], "scans")
    assert predicted.boxes["scene0011_00"].tolist() == [BOX]
    (row,) = predicted.skipped
    assert (row.scene_id, row.item) == ("scene0011_00", "boxes.json box 0")
    assert re.search(reason, row.reason)


def test_boxes_outside_of_their_scan_are_left_out() -> None:
    # Objects reach from -0.5 to 10.5 m along x, and from 0 to 1 m upwards.
    near, far = [12.0, 0, 0.5, 1, 1, 1], [12.1, 0, 0.5, 1, 1, 1]
    (_, scan) = annotated_scans(predicted={"scene0011_00": [near, far, BOX]}).scans
    assert scan.proposals.tolist() == [near, BOX]
    assert scan.num_outside == 1


def test_files_that_name_a_scan_twice(tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", {"scannet/scene0011_00": [BOX]})
    second = write(tmp_path / "second.json", {"scene0011_00": [BOX, BOX], "scene0012_00": [BOX]})
    predicted = PredictedBoxes([first, second], "scans")
    assert {name: len(boxes) for name, boxes in predicted.boxes.items()} == {
        "scene0011_00": 1,
        "scene0012_00": 1,
    }
    assert "the first ones count" in predicted.skipped[0].reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([BOX], "an object {scan: .* is needed, not list"),
        ({}, "no box can be used"),
        ({"scene0011_00": [[1]]}, "no box can be used"),
        ({"scene0011_00": BOX[0]}, "no box can be used"),
        ('{"scene0011_00": [[1, 2', "not valid JSON"),
    ],
)
def test_a_file_without_boxes_is_an_error(tmp_path: Path, content: Any, message: str) -> None:
    path = write(tmp_path / "boxes.json", content)
    with pytest.raises(UserError, match=message) as error:
        PredictedBoxes([path], "scans")
    assert "boxes.json" in str(error.value)
