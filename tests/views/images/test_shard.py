"""The view shard of photos: what is left, with objects as instances, and every loss counted."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from testing.photos import photo, read_row, write_photo_shard
from workflow_scripts.common import coco_rle
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import (
    ObjectRow,
    SkippedItem,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import read_records, write_records, write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.images import MaskSizeSettings
from workflow_scripts.sources.readers.photo_records import (
    PhotoDropCount,
    PhotoFilterRow,
    PhotoMaskRow,
    PhotoReadRow,
)
from workflow_scripts.views.images import shard
from workflow_scripts.views.images.letterbox import Letterbox

SIZES = [(64, 48), (48, 64), (64, 64), (64, 48)]
SIDE = 64


def rows() -> list[PhotoReadRow]:
    return [
        read_row(
            view,
            Letterbox.fit(
                width_px=width, height_px=height, frame_width_px=SIDE, frame_height_px=SIDE
            ),
            intrinsics_source="exif" if view == 1 else "default",
            split="test" if view == 2 else "train",
        )
        for view, (width, height) in enumerate(SIZES)
    ]


def mask_row(
    view: int,
    instance: int,
    lines: tuple[int, int],
    columns: tuple[int, int],
    label: str = "box",
    reason: str = "",
) -> PhotoMaskRow:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[slice(*lines), slice(*columns)] = True
    return PhotoMaskRow(
        view=view,
        scene_id=rows()[view].scene_id,
        instance=instance,
        label=label,
        confidence=0.9,
        mask_score=float("nan"),
        x0=columns[0],
        y0=lines[0],
        x1=columns[1],
        y1=lines[1],
        pixels=int(mask.sum()),
        rle_height=SIDE,
        rle_width=SIDE,
        rle_counts=coco_rle.encode(mask),
        reason=reason,
    )


MASKS = [
    mask_row(0, 1, (20, 40), (10, 50), "table"),
    mask_row(0, 2, (25, 35), (20, 30), "椅子"),
    mask_row(0, 0, (0, 0), (0, 0), "", "label: empty"),
    mask_row(1, 1, (10, 30), (8, 20), "box"),
    mask_row(1, 2, (10, 30), (8, 20), "crate"),
    mask_row(2, 1, (5, 6), (5, 6), "dot"),
]


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """What the steps before leave: four photos of six, one of them filtered out."""
    scenes = [
        photo(index, skipped={4: "tiny: 1 x 1", 5: "copy: the same file as 1.png"}.get(index))
        for index in range(6)
    ]
    write_records(tmp_path / "0000.jsonl", scenes)
    read = write_photo_shard(
        tmp_path / "0000.read.zarr",
        sizes=SIZES,
        intrinsics_sources=["default"] * 4,
        own_depth=[0],
    )
    write_table(tmp_path / "0000.read.parquet", records_to_frame(rows(), PhotoReadRow))
    missing = SkippedItem(
        source="images", scene_id="x", item="depth", reason="missing: no depth map"
    )
    write_records(tmp_path / "0000.read.skipped.jsonl", [missing])
    filter_rows = [
        PhotoFilterRow(
            view=row.view,
            scene_id=row.scene_id,
            label="",
            probability=float("nan"),
            reason="excluded: shows chart" if row.view == 3 else "",
        )
        for row in rows()
    ]
    write_table(tmp_path / "0000.filter.parquet", records_to_frame(filter_rows, PhotoFilterRow))
    write_table(tmp_path / "0000.masks.parquet", records_to_frame(MASKS, PhotoMaskRow))
    return {
        "scenes": tmp_path / "0000.jsonl",
        "photo_frames": read,
        "filter_table": tmp_path / "0000.filter.parquet",
        "masks": tmp_path / "0000.masks.parquet",
        "out": tmp_path / "0000.zarr",
    }


@pytest.fixture
def packed(inputs: dict[str, Path]) -> ViewShard:
    shard.main(**inputs, settings=MaskSizeSettings(min_pixels=4))
    return ViewShard.open(inputs["out"])


def test_it_is_a_view_shard_like_every_other(packed, inputs):
    assert len(packed) == 3
    for name, model in (("views", ViewRow), ("objects", ObjectRow), ("visibility", VisibilityRow)):
        assert list(getattr(packed, name).columns) == list(model.model_fields)
    views = packed.views
    assert views["view"].tolist() == [0, 1, 2]
    assert views.is_best.all()
    assert views.policy.tolist() == ["photo"] * 3
    assert views.split.tolist() == ["train", "train", "test"]
    assert views.intrinsics_source.tolist() == ["default", "exif", "default"]
    assert views.pose_source.tolist() == ["none"] * 3
    assert views.num_visible_objects.tolist() == [2, 1, 0]
    read = ViewShard.open(inputs["photo_frames"])
    for view in range(3):
        np.testing.assert_array_equal(packed.rgb(view), read.rgb(view))
        np.testing.assert_array_equal(packed.depth_m(view), read.depth_m(view))
        np.testing.assert_array_equal(packed.camera(view).intrinsics, read.camera(view).intrinsics)
    assert packed.content(0) == (slice(8, 56), slice(0, 64))


def test_objects_and_masks_are_in_step(packed):
    objects = packed.objects
    assert objects.category.tolist() == ["table", "椅子", "crate"]
    assert objects[["x_m", "width_m", "yaw_deg"]].isna().all(axis=None)
    for row in packed.visibility.itertuples():
        mask = packed.instance(row.view) == row.instance
        assert mask.sum() == row.pixels
        lines, columns = np.nonzero(mask)
        assert (columns.min(), lines.min()) == (row.x0, row.y0)
        assert (columns.max() + 1, lines.max() + 1) == (row.x1, row.y1)
    for view in range(3):
        shown = set(np.unique(packed.instance(view)).tolist()) - {0}
        rows = packed.visibility[packed.visibility["view"] == view]
        assert shown == set(rows.instance)


def test_the_smaller_of_overlapping_masks_is_on_top(packed):
    instance = packed.instance(0)
    assert (instance[25:35, 20:30] == 2).all()
    assert packed.visibility.pixels.iloc[:2].tolist() == [20 * 40 - 100, 100]


def test_truncated_is_at_the_photos_border_not_the_frames(packed):
    truncated = packed.visibility.set_index(["view", "instance"]).truncated
    assert not truncated[0, 1]
    # The second photo begins at column 8.
    assert truncated[1, 2]


def test_every_loss_is_a_row(packed, inputs):
    left_out = read_records(inputs["out"].with_name("0000.skipped.jsonl"), SkippedItem)
    found = [(row.item, row.reason.split(":")[0]) for row in left_out]
    assert found == [
        ("photo", "tiny"),
        ("photo", "copy"),
        ("depth", "missing"),
        ("object", "label"),
        ("object box", "covered"),
        ("object dot", "covered"),
        ("photo", "excluded"),
    ]


def test_the_drop_off_table_adds_up(packed, inputs):
    rows = read_records(inputs["out"].with_name("0000.dropped.jsonl"), PhotoDropCount)
    counts = {(row.step, row.reason): row.count for row in rows}
    assert counts == {
        ("scenes", "copy"): 1,
        ("scenes", "tiny"): 1,
        ("scenes", ""): 4,
        ("read", ""): 4,
        ("filter", "excluded"): 1,
        ("filter", ""): 3,
        ("localise", "covered"): 2,
        ("localise", "label"): 1,
        ("localise", ""): 3,
    }
    assert sum(count for (step, _), count in counts.items() if step == "localise") == len(MASKS)


def test_a_picture_and_credits_lie_beside(packed, inputs):
    with Image.open(inputs["out"].with_suffix(".png")) as sheet:
        assert sheet.width > 900
    credits = pd.read_csv(inputs["out"].with_name("0000.credits.csv"))
    assert credits.empty


def test_same_inputs_same_bytes(packed, inputs):
    names = [path for path in inputs["out"].parent.glob("0000.*") if path.is_file()]
    before = {path: path.read_bytes() for path in names}
    shard.main(**inputs, settings=MaskSizeSettings(min_pixels=4))
    assert before == {path: path.read_bytes() for path in names}


def test_nothing_left_is_an_empty_shard(inputs, tmp_path):
    filter_rows = pd.read_parquet(inputs["filter_table"])
    filter_rows["reason"] = "excluded: shows chart"
    write_table(inputs["filter_table"], filter_rows)
    shard.main(**inputs)
    packed = ViewShard.open(inputs["out"])
    assert len(packed) == 0
    assert packed.views.empty
    assert (tmp_path / "0000.png").is_file()


def test_masks_of_another_frame_are_refused(inputs):
    masks = pd.read_parquet(inputs["masks"])
    masks["rle_height"], masks["rle_width"] = 32, 128
    write_table(inputs["masks"], masks)
    with pytest.raises(UserError, match="in a frame of"):
        shard.main(**inputs)
    assert not inputs["out"].exists()


def test_garbled_masks_are_refused(inputs):
    masks = pd.read_parquet(inputs["masks"])
    masks["rle_counts"] = "~~~"
    write_table(inputs["masks"], masks)
    with pytest.raises(UserError, match="not a COCO mask"):
        shard.main(**inputs)


def test_records_of_another_version_are_named(inputs):
    inputs["scenes"].write_text(json.dumps({"source": "images"}) + "\n")
    with pytest.raises(UserError, match="not a Photo record"):
        shard.main(**inputs)


def test_a_photo_that_fails_costs_itself(inputs, monkeypatch):
    whole = shard.view_row

    def failing(view, row, camera, **options):
        if row.view == 0:
            raise ZeroDivisionError("no\nfocal length")
        return whole(view, row, camera, **options)

    monkeypatch.setattr(shard, "view_row", failing)
    shard.main(**inputs)
    out = inputs["out"]
    skipped = read_records(out.with_name("0000.skipped.jsonl"), SkippedItem)
    reasons = [row.reason for row in skipped if row.scene_id == rows()[0].scene_id]
    assert reasons == ["failed: ZeroDivisionError: no focal length"]
    written = ViewShard.open(out)
    assert len(written) == 2
    assert set(written.objects.scene_id) == set(written.visibility.scene_id)
    assert rows()[0].scene_id not in set(written.objects.scene_id)
