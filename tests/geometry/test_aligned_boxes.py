"""Aligned boxes around upright ones; their IoU is tested with the scores of grounding."""

import numpy as np
import pytest

from workflow_scripts.geometry.aligned_boxes import aligned_boxes, box_iou


def test_an_aligned_box_holds_the_turned_one() -> None:
    boxes = aligned_boxes([[1, 2, 3], [1, 2, 3], [1, 2, 3]], [[4, 2, 1]] * 3, [0, 90, 45])
    assert boxes[0] == pytest.approx([1, 2, 3, 4, 2, 1])
    assert boxes[1] == pytest.approx([1, 2, 3, 2, 4, 1])
    assert boxes[2] == pytest.approx([1, 2, 3, 6 / np.sqrt(2), 6 / np.sqrt(2), 1])


def test_no_boxes_are_none() -> None:
    none = aligned_boxes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    assert none.shape == (0, 6)
    assert box_iou(none, none).shape == (0, 0)
