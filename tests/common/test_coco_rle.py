"""COCO run lengths: round trips, the library's own reading, and what users may write."""

import numpy as np
import pytest
from pycocotools import mask as coco

from workflow_scripts.common import coco_rle
from workflow_scripts.common.errors import UserError


def random_masks() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    masks = [rng.random(rng.integers(1, 40, 2)) < share for share in (0, 0.02, 0.5, 0.9, 1)]
    large = np.zeros((300, 200), bool)
    large[50:250, 20:180] = True
    return [*masks, large, np.zeros((1, 1), bool), np.ones((1, 1), bool)]


@pytest.mark.parametrize("mask", random_masks(), ids=lambda mask: f"{mask.shape}-{mask.sum()}")
def test_round_trip_and_the_library_agree(mask):
    height, width = mask.shape
    counts = coco_rle.encode(mask)
    np.testing.assert_array_equal(coco_rle.decode(counts, height=height, width=width), mask)
    np.testing.assert_array_equal(
        coco.decode({"size": [height, width], "counts": counts.encode()}), mask
    )


@pytest.mark.parametrize(
    "counts", ["", "0", "~~~", "é", "\x00", "P", "PPPPPPPP", ";2300000", "1" * 90]
)
def test_garbled_run_lengths_are_refused(counts):
    """pycocotools reads memory that is not its own for some of these."""
    with pytest.raises(UserError, match="not a COCO mask of 5 x 7"):
        coco_rle.decode(counts, height=5, width=7)


def test_polygons_and_lists_of_runs():
    square = coco_rle.mask_from_segmentation([[2, 1, 6, 1, 6, 4, 2, 4]], height=6, width=8)
    assert square[1:4, 2:6].all()
    assert square.sum() == 12
    runs = coco_rle.mask_from_segmentation({"size": [2, 3], "counts": [1, 2, 3]}, height=9, width=9)
    np.testing.assert_array_equal(runs, [[False, True, False], [True, False, False]])


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        {},
        "text",
        7,
        [[1, 2, 3]],
        [[1, 2, 3, 4, 5]],
        [["a", "b", "c", "d", "e", "f"]],
        [[float("nan")] * 6],
        [[float("inf")] * 8],
        {"size": [2, 3], "counts": [1, 2]},
        {"size": [2, 3], "counts": [7, -1]},
        {"size": [2, 3], "counts": [1.5, 4.5]},
        {"size": [2], "counts": "1"},
        {"size": ["x", 3], "counts": [6]},
        {"counts": [6]},
        {"size": [2, 3], "counts": None},
    ],
)
def test_what_is_no_segmentation_is_refused(segmentation):
    with pytest.raises(UserError, match="not a COCO"):
        coco_rle.mask_from_segmentation(segmentation, height=6, width=8)


def test_masks_of_a_large_photo_take_kilobytes():
    """Five masks of a 1024 x 768 photo; as lists of pixels they were four million numbers."""
    rows, columns = np.indices((768, 1024))
    disc = (rows - 400) ** 2 + (columns - 500) ** 2 < 250**2
    assert 5 * len(coco_rle.encode(disc)) < 20_000
