"""Scores of grounded objects: by hand, with the limits of the published definitions."""

import numpy as np
import pytest

from workflow_scripts.evaluate.video.grounding_metrics import (
    ScoredBoxes,
    best_box,
    choose_probability,
    gated_texts,
    grounding_accuracy,
    most_hits_f1,
    select_boxes,
    set_f1,
    strict_mean,
)
from workflow_scripts.geometry.aligned_boxes import box_iou


def boxes(*starts: float, size: float = 1.0) -> np.ndarray:
    """Return cubes that stand along x at `starts`."""
    return np.array([[start, 0, 0, size, size, size] for start in starts]).reshape(-1, 6)


def test_iou_by_hand():
    iou = box_iou(boxes(0), boxes(0, 0.5, 1, 3))
    assert iou[0] == pytest.approx([1, 0.5 / 1.5, 0, 0], abs=1e-7)


def test_accuracy_counts_the_threshold_itself_and_missing_boxes_as_misses():
    truth = boxes(0, 0, 0)
    # Half of a box of twice its length: IoU 0.5 but for the published constant.
    half = np.array([0.25, 0, 0, 0.5, 1, 1])
    hits = grounding_accuracy([boxes(0)[0], half, None], truth, 0.25)
    assert hits.tolist() == [True, True, False]
    assert grounding_accuracy([half], truth[:1], 0.5)[0] == (0.5 / (1 + 1e-8) >= 0.5)


def test_the_best_box_is_a_real_one():
    predicted = ScoredBoxes(boxes(0, 5), np.array([0.1, 0.2, 0.9]))
    assert best_box(predicted)[0] == 5
    assert best_box(ScoredBoxes(boxes(), np.array([0.5]))) is None
    with pytest.raises(ValueError, match="2 scores for 2 boxes"):
        ScoredBoxes(boxes(0, 5), np.array([0.1, 0.2]))


def test_boxes_are_added_until_their_probability_is_reached():
    # Softmax at 0.07: shares of about 0.45, 0.45 and 0.1 of "no object".
    scores = 0.07 * np.log([0.45, 0.45, 0.1])
    predicted = ScoredBoxes(boxes(0, 5), scores)
    assert len(select_boxes(predicted, 0.4)) == 1
    assert len(select_boxes(predicted, 0.5)) == 2
    assert len(select_boxes(predicted, 0.99)) == 2
    nothing = ScoredBoxes(boxes(0, 5), 0.07 * np.log([0.3, 0.3, 0.4]))
    assert len(select_boxes(nothing, 0.4)) == 0


def test_f1_of_sets():
    assert set_f1(boxes(), boxes(), 0.25) == 1
    assert set_f1(boxes(0), boxes(), 0.25) == 0
    assert set_f1(boxes(), boxes(0), 0.25) == 0
    assert set_f1(boxes(0, 5), boxes(0, 9), 0.25) == pytest.approx(0.5)
    assert set_f1(boxes(0, 5, 9), boxes(0, 5), 0.5) == pytest.approx(0.8)
    # The same box twice is right once.
    assert set_f1(boxes(0, 0), boxes(0), 0.25) == pytest.approx(2 / 3)


def test_the_published_matching_can_lose_a_pair_that_counts():
    # IoU of the pairs: A-a 0.9, A-b 0.3, B-a 0.3, B-b 0: the sum is largest with A-a and B-b.
    truths = np.array([[0, 0, 0, 1, 1, 1], [-0.55, 0, 0, 1.0, 1, 1]], dtype=float)
    predicted = np.array([[-0.02, 0, 0, 1, 1, 1], [0.5, 0, 0, 1, 1, 1]], dtype=float)
    iou = box_iou(predicted, truths)
    assert iou[0, 0] > 0.9
    assert iou[0, 1] > 0.25
    assert iou[1, 0] > 0.25
    assert iou[1, 1] < 0.25
    assert set_f1(predicted, truths, 0.25) == pytest.approx(0.5)
    assert most_hits_f1(predicted, truths, 0.25) == pytest.approx(1.0)


def test_the_probability_is_chosen_on_training_samples():
    sure = ScoredBoxes(boxes(0, 5), 0.07 * np.log([0.6, 0.3, 0.1]))
    assert choose_probability([sure], [boxes(0)]) == pytest.approx(0.05)
    assert choose_probability([sure], [boxes(0, 5)]) == pytest.approx(0.65)
    with pytest.raises(ValueError, match="no training samples"):
        choose_probability([], [])


def test_gated_captions():
    assert gated_texts(["a", "b"], [0.5, 0.49], 0.5) == ["a", ""]
    assert strict_mean([1.0, 0.8], [0.5, 0.49], 0.5) == pytest.approx(0.5)
