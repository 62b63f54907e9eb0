"""Proposals, masks and labels in step, whatever a network says; rows for all of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.photos import read_row, write_json, write_photo_shard
from workflow_scripts.common import coco_rle
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.images import PhotoObjectsSettings
from workflow_scripts.sources.readers.photo_records import (
    PhotoFilterRow,
    PhotoMaskRow,
    PhotoReadRow,
)
from workflow_scripts.views.images import localise
from workflow_scripts.views.images.letterbox import Letterbox
from workflow_scripts.views.images.proposal_filter import ProposalLimits
from workflow_scripts.views.images.proposals import Proposal

LIMITS = ProposalLimits(0.3, 0.5, 4, 0.75, 2, 0.5, 5, 40, ())
SIZES = [(64, 48), (48, 64), (64, 64)]
NAN, INF = float("nan"), float("inf")


def rows() -> list[PhotoReadRow]:
    return [
        read_row(
            view,
            Letterbox.fit(width_px=width, height_px=height, frame_width_px=64, frame_height_px=64),
        )
        for view, (width, height) in enumerate(SIZES)
    ]


@pytest.fixture
def read(tmp_path: Path) -> Path:
    """Three photos as `read_images` leaves them, all kept by the filter."""
    path = write_photo_shard(
        tmp_path / "0000.read.zarr", sizes=SIZES, intrinsics_sources=["default"] * 3
    )
    write_table(tmp_path / "0000.read.parquet", records_to_frame(rows(), PhotoReadRow))
    write_filter_rows(tmp_path, ["", "", ""])
    return path


def write_filter_rows(folder: Path, reasons: list[str]) -> None:
    localised = [
        PhotoFilterRow(
            view=row.view, scene_id=row.scene_id, label="", probability=NAN, reason=reason
        )
        for row, reason in zip(rows(), reasons, strict=True)
    ]
    write_table(folder / "0000.filter.parquet", records_to_frame(localised, PhotoFilterRow))


class ConstantProposer:
    """A proposer that says the same of every photo."""

    def __init__(self, *proposals: Proposal) -> None:
        self.proposals = list(proposals)
        self.batches: list[int] = []

    def propose(self, photos):
        self.batches.append(len(photos))
        return [list(self.proposals) for _ in photos]


class BoxSegmenter:
    """A segmenter whose masks fill the boxes, with a score of its own for each."""

    def __init__(self, scores: list[float] | None = None) -> None:
        self.scores = scores
        self.boxes: list[np.ndarray] = []

    def segment(self, rgb, boxes):
        self.boxes.append(boxes)
        masks = np.zeros((len(boxes), *rgb.shape[:2]), bool)
        for mask, (x0, y0, x1, y1) in zip(masks, boxes.round().astype(int), strict=True):
            mask[y0:y1, x0:x1] = True
        return masks, np.array(self.scores or [0.9] * len(boxes))


def localised(
    read: Path, proposer: ConstantProposer, segmenter: BoxSegmenter | None, **changes
) -> list[PhotoMaskRow]:
    shard = ViewShard.open(read)
    limits = ProposalLimits(**{**LIMITS.__dict__, **changes})
    return list(localise.localise(shard, rows(), proposer, segmenter, limits=limits, batch_size=2))


def test_rows_are_in_pixels_of_the_frame(read):
    proposer = ConstantProposer(Proposal("a box", 0.8, (4.0, 6.0, 20.0, 16.0)))
    masks = localised(read, proposer, BoxSegmenter())
    assert proposer.batches == [2, 1]
    assert [row.view for row in masks] == [0, 1, 2]
    assert [(row.x0, row.y0) for row in masks] == [(4, 14), (12, 6), (4, 6)]
    for row in masks:
        mask = coco_rle.decode(row.rle_counts, height=64, width=64)
        lines, columns = np.nonzero(mask)
        assert (columns.min(), lines.min()) == (row.x0, row.y0)
        assert (columns.max() + 1, lines.max() + 1) == (row.x1, row.y1)
        assert row.pixels == mask.sum() == 160
        assert (row.instance, row.label, row.mask_score) == (1, "box", 0.9)


def test_labels_and_masks_stay_in_step_when_some_cannot_be_used(read):
    """The published defect: an empty mask shifts all captions after it by one."""
    proposer = ConstantProposer(
        Proposal("nothing", 0.9, (5, 5, 5, 5)),
        Proposal("box", 0.9, (1, 1, 9, 9)),
        Proposal("nan", 0.9, (NAN, 1, 9, 9)),
        Proposal("outside", 0.9, (-20, -20, -5, -5)),
        Proposal("chair", 0.9, (20, 20, 30, 30)),
        Proposal("unsure", 0.1, (1, 1, 9, 9)),
        Proposal("endless", 0.9, (0, 0, INF, 9)),
        Proposal("turned", 0.9, (30, 30, 20, 20)),
        Proposal("lamp", 0.9, (35, 2, 44, 11)),
    )
    segmenter = BoxSegmenter()
    masks = [row for row in localised(read, proposer, segmenter) if row.view == 2]
    assert [len(boxes) for boxes in segmenter.boxes] == [3, 3, 3]
    assert len(masks) == 9
    kept = [(row.instance, row.label, row.x0) for row in masks if not row.reason]
    assert kept == [(1, "box", 1), (2, "chair", 20), (3, "lamp", 35)]
    for row in masks:
        assert bool(row.reason) == (row.instance == 0)


def test_scores_belong_to_their_masks(read):
    proposer = ConstantProposer(
        Proposal("gone", 0.9, (0, 0, 0, 0)),
        Proposal("good", 0.9, (1, 1, 9, 9)),
        Proposal("bad", 0.9, (20, 20, 30, 30)),
    )
    masks = [row for row in localised(read, proposer, BoxSegmenter([0.8, 0.2])) if row.view == 0]
    assert [row.mask_score for row in masks][1:] == [0.8, 0.2]
    assert [row.reason.split(":")[0] for row in masks] == ["box", "", "mask"]


def test_a_box_beyond_the_picture_is_cut(read):
    segmenter = BoxSegmenter()
    localised(read, ConstantProposer(Proposal("box", 0.9, (-10, 40, 20, 900))), segmenter)
    np.testing.assert_array_equal(segmenter.boxes[0], [[0, 40, 20, 48]])


def test_nothing_proposed_nothing_found(read):
    assert localised(read, ConstantProposer(), BoxSegmenter()) == []


def test_the_command_with_given_masks(read, tmp_path):
    folder = tmp_path / "masks"
    for stem in ("0", "2"):
        square = [[10, 10, 30, 10, 30, 30, 10, 30]]
        write_json(folder / f"{stem}.json", [{"label": "The box.", "segmentation": square}])
    write_filter_rows(tmp_path, ["", "", "excluded: shows chart"])
    localise.main(
        photo_frames=read,
        filter_table=tmp_path / "0000.filter.parquet",
        out=tmp_path / "m.parquet",
        settings=PhotoObjectsSettings.parse({"masks": str(folder)}),
    )
    masks = pd.read_parquet(tmp_path / "m.parquet")
    assert masks["view"].tolist() == [0, 1]
    assert masks.label.tolist() == ["box", ""]
    assert masks.reason.str.split(":").str[0].tolist() == ["", "no masks"]
    assert masks.pixels.tolist() == [400, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "florence"}, r"localise\.backend: 'florence' is not allowed.*'florence2'"),
        ({"backend": "masks"}, r"masks: null, but sources\.images\.localise\.backend is masks"),
        ({"backend": "grounding_dino"}, "must be told what to look for"),
    ],
)
def test_the_command_says_what_is_wrong(read, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        localise.main(
            photo_frames=read,
            filter_table=tmp_path / "0000.filter.parquet",
            out=tmp_path / "m",
            settings=PhotoObjectsSettings.parse({"localise": changes}),
        )
    assert not (tmp_path / "m").exists()


def test_filter_rows_of_other_photos_are_refused(read, tmp_path):
    filter_rows = pd.read_parquet(tmp_path / "0000.filter.parquet")
    write_table(tmp_path / "fewer.parquet", filter_rows.iloc[:2])
    with pytest.raises(UserError, match=r"is not of the photos in .*run its rule again"):
        localise.kept_rows(read, tmp_path / "fewer.parquet")


def test_a_photo_that_breaks_the_search_costs_only_itself(read):
    class Fragile(ConstantProposer):
        def propose(self, photos):
            if any(photo.row.view == 1 for photo in photos):
                raise IndexError("list index out of range")
            return super().propose(photos)

    masks = localised(read, Fragile(Proposal("a box", 0.8, (4.0, 6.0, 20.0, 16.0))), BoxSegmenter())
    assert [(row.view, row.instance, row.reason) for row in masks] == [
        (0, 1, ""), (1, 0, "failed: IndexError: list index out of range"), (2, 1, ""),
    ]  # fmt: skip
