"""Absurd values, boxes of another picture size and turned pictures cost one row each."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.evaluate.benchmarks.sample_rows import SPATIAL, VSI, write_pictures
from tests.evaluate.benchmarks.test_import_benchmark import run_import
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records
from workflow_scripts.config.evaluate import BenchmarkFileSettings
from workflow_scripts.evaluate.benchmarks import import_benchmark, vsi
from workflow_scripts.evaluate.benchmarks.importer import SkippedRow, read_rows
from workflow_scripts.evaluate.eval_items import EvalItem

ROW = SPATIAL[2]  # the width of region 0
STATED = {"answer_type": "metres", "truth": 2.0, "category": "width_data"}


def sized(width: Any, height: Any, **changes: Any) -> dict:
    info = {"file_path": "a/b.jpg", "width": width, "height": height}
    return {**ROW, "image_info": info, **changes}


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "bbox": [[10**40, 0, 1, 1]] * 2},
        {**ROW, "bbox": [[1e308, 1e308, 1e308, 1e308]]},
        {**ROW, "bbox": [[True, 0, 1, 1]]},
        {**ROW, "qa_info": {**STATED, "truth": float("nan")}},
        {**ROW, "qa_info": {**STATED, "truth": True}},
        {**ROW, "text_q": f"How wide is Region [{'9' * 5000}]?"},
        {**ROW, "rle": [{"size": [10**6, 10**6], "counts": [10**12]}]},
        {**ROW, "rle": [{"size": [80, 100], "counts": "~~~"}]},
        {**ROW, "text_q": "Region [0] " * 3, "conversations": [1, 2]},
        sized(200, 80),
        sized(80, 100),
        {**ROW, "bbox": [[150, 10, 190, 30]]},
    ],
    ids=range(12),
)
def test_an_absurd_row_costs_itself_alone(tmp_path: Path, row: dict) -> None:
    images = write_pictures(tmp_path / "images")
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", [SPATIAL[0], row], images)
    assert [item.question_id for item in items] == ["000000-s0"]
    assert [row.item for row in skipped] == ["000001-s2"]
    assert 0 < len(skipped[0].reason) < 300


# Too many digits, half of a surrogate pair, 100,000 brackets.
@pytest.mark.parametrize("text", ["9" * 400, r'"\ud800"', "[" * 100_000 + "]" * 100_000])
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    images = write_pictures(tmp_path / "images")
    good = json.dumps(SPATIAL[0])
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{good}\n{{"id": {text}}}\n')
    import_benchmark.main(
        name="b",
        out=tmp_path / "items.jsonl",
        pictures=tmp_path / "pictures",
        skipped=tmp_path / "skipped.jsonl",
        settings=BenchmarkFileSettings(
            format="spatialrgpt-bench", path=str(path), images=str(images)
        ),
    )
    assert len(read_records(tmp_path / "items.jsonl", EvalItem)) == 1
    (row,) = read_records(tmp_path / "skipped.jsonl", SkippedItem)
    assert row.item == "line 2"


def mark_at(folder: Path, item: EvalItem) -> tuple[float, float]:
    """Return the middle of the red mark in a picture of one colour, as shares of its sides."""
    with Image.open(folder / "pictures" / item.images[0]) as picture:
        rgb = np.asarray(picture).astype(int)
    rows, columns = np.nonzero(rgb[..., 0] - rgb[..., 2] > 60)
    height, width = rgb.shape[:2]
    return float(columns.mean() / width), float(rows.mean() / height)


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": 2,}',
        '{"id": nope}',
        '{"id": 2 "x": 3}',
        '{"id": "unterminated}',
        '{"id": ' + "9" * 5000 + "}",
        '{"id": ' + "[" * 100_000 + "}",
        "",
    ],
)
def test_a_broken_row_of_an_array_costs_itself(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"id": 0},\n{"id": 1}, ' + broken + ',\n{"id": 3}, {"id": 4}]')
    rows = read_rows(path)
    assert [row for row in rows if isinstance(row, dict)][:2] == [{"id": 0}, {"id": 1}]
    assert rows[-1] == {"id": 4}
    (skipped,) = [row for row in rows if isinstance(row, SkippedRow)]
    assert skipped.name == "row 2"
    assert skipped.reason.startswith("not valid JSON: ")


def test_an_array_that_does_not_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"id": 0}, {"id": 1}, {"id": ')
    with pytest.raises(UserError, match=r"rows\.json: not valid JSON"):
        read_rows(path)


def test_boxes_of_another_size_are_scaled_to_the_picture(tmp_path: Path) -> None:
    assert next(iter(MARK_COLOURS)) == "red"
    images = write_pictures(tmp_path / "images")
    twice = [[20, 20, 60, 60], [0, 0, 1, 1]]
    runs = {"size": [160, 200], "counts": [0, 16000, 16000]}
    rows = [ROW, sized(200, 160, bbox=twice), sized(200, 160, rle=[runs])]
    items, skipped = run_import(tmp_path, "spatialrgpt-bench", rows, images)
    assert not skipped
    assert mark_at(tmp_path, items[0]) == pytest.approx((0.2, 0.25), abs=0.03)
    assert mark_at(tmp_path, items[1]) == pytest.approx((0.2, 0.25), abs=0.03)
    assert mark_at(tmp_path, items[2])[0] == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("orientation", "stated", "shape"),
    [
        (6, (80, 100), (100, 80)),  # upright
        (6, (100, 80), (80, 100)),  # as it is stored
        (6, (640, 640), None),
        (3, (100, 80), None),  # which way up the boxes are nobody can know
        (1, (100, 80), (80, 100)),
    ],
)
def test_pictures_that_exif_turns_are_shown_as_their_boxes_are(
    tmp_path: Path, orientation: int, stated: tuple[int, int], shape: tuple[int, int] | None
) -> None:
    images = write_pictures(tmp_path / "images")
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (100, 80), (90, 90, 90)).save(images / "turned.jpg", exif=exif)
    info = {"file_path": "turned.jpg", "width": stated[0], "height": stated[1]}
    items, skipped = run_import(
        tmp_path, "spatialrgpt-bench", [SPATIAL[0], {**ROW, "image_info": info}], images
    )
    if shape is None:
        assert len(items) == 1
        assert "turned.jpg" in skipped[0].reason
    else:
        assert (items[1].height_px, items[1].width_px) == shape


def test_frames_that_exif_turns_are_shown_upright(tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images")
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in (images / "scannet/scene0001_00").iterdir():
        path.unlink()
    Image.new("RGB", (64, 48)).save(images / "scannet/scene0001_00/0.jpg", exif=exif)
    items, _ = run_import(tmp_path, vsi.FORMAT, VSI[:1], images)
    with Image.open(tmp_path / "pictures" / items[0].images[0]) as picture:
        assert picture.size == (48, 64)


def test_deep_grey_pictures_keep_their_contrast(tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images")
    ramp = np.linspace(0, 4095, 8000).reshape(80, 100).astype(np.uint16)
    Image.fromarray(ramp).save(images / "deep.png")
    row = {**ROW, "image_info": {"file_path": "deep.png", "width": 100, "height": 80}}
    items, _ = run_import(tmp_path, "spatialrgpt-bench", [row], images)
    with Image.open(tmp_path / "pictures" / items[0].images[0]) as picture:
        assert np.asarray(picture).min() < 30
        assert np.asarray(picture).max() > 220
