"""Scores of grounded objects in scans: ScanRefer, Multi3DRefer, and the gate of Scan2Cap.

Boxes are axis-aligned in the scan's frame, (centre x, y, z, size x, y, z) in metres, f64 [n, 6].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from workflow_scripts.geometry.aligned_boxes import box_iou

THRESHOLDS = (0.25, 0.5)
SOFTMAX_TEMPERATURE = 0.07


@dataclass(frozen=True)
class ScoredBoxes:
    """What a model says of a description: a score for each candidate, and for no object at all.

    Attributes:
        boxes: Candidates [n, 6].
        scores: Cosines [n + 1]; the last is that of "no object".
    """

    boxes: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.boxes) + 1,):
            raise ValueError(f"{len(self.scores)} scores for {len(self.boxes)} boxes and none")


def best_box(predicted: ScoredBoxes) -> np.ndarray | None:
    """Return the candidate [6] with the highest score, even if "no object" has a higher one."""
    if not len(predicted.boxes):
        return None
    best: np.ndarray = predicted.boxes[int(np.argmax(predicted.scores[:-1]))]
    return best


def grounding_accuracy(
    predicted: Sequence[np.ndarray | None], truths: np.ndarray, threshold: float
) -> np.ndarray:
    """Return which boxes have at least the IoU `threshold` with the truth [n, 6]: Acc@threshold.

    The mean over samples is that of ScanRefer; "unique" are samples whose scan has one object of
    the class, "multiple" the others.
    """
    return np.array(
        [
            box is not None and bool(box_iou(box[None], truth[None])[0, 0] >= threshold)
            for box, truth in zip(predicted, truths, strict=True)
        ]
    )


def select_boxes(predicted: ScoredBoxes, probability: float) -> np.ndarray:
    """Return the boxes [k, 6] that are meant, as Multi3DRefer's protocol selects them.

    None if "no object" has the highest score. Else candidates are taken in order of their softmax
    probability (over all, "no object" too) until those reach `probability`.
    """
    if int(np.argmax(predicted.scores)) == len(predicted.boxes):
        return predicted.boxes[:0]
    logits = predicted.scores / SOFTMAX_TEMPERATURE
    shares = np.exp(logits - logits.max())
    shares = (shares / shares.sum())[:-1]
    order = np.argsort(-shares, kind="stable")
    reached = np.cumsum(shares[order])
    count = int(np.searchsorted(reached, probability)) + 1
    return predicted.boxes[order[:count]]


def set_f1(predicted: np.ndarray, truths: np.ndarray, threshold: float) -> float:
    """Return F1 of predicted [n, 6] and true boxes [m, 6] of a description (Multi3DRefer).

    Boxes are matched so that their total IoU is largest, which is not always the largest number of
    pairs above the threshold. Two empty sets agree; one alone does not.
    """
    if not len(predicted) or not len(truths):
        return float(len(predicted) == len(truths))
    iou = box_iou(predicted, truths)
    rows, columns = linear_sum_assignment(-iou)
    hits = int((iou[rows, columns] >= threshold).sum())
    return 2 * hits / (len(predicted) + len(truths))


def most_hits_f1(predicted: np.ndarray, truths: np.ndarray, threshold: float) -> float:
    """Return `set_f1` with the matching that has most pairs above the threshold (ours)."""
    if not len(predicted) or not len(truths):
        return float(len(predicted) == len(truths))
    is_hit = box_iou(predicted, truths) >= threshold
    rows, columns = linear_sum_assignment(-is_hit.astype(float))
    return 2 * int(is_hit[rows, columns].sum()) / (len(predicted) + len(truths))


def choose_probability(
    predicted: Sequence[ScoredBoxes],
    truths: Sequence[np.ndarray],
    *,
    threshold: float = 0.25,
    candidates: Sequence[float] = tuple(np.round(np.arange(0.05, 1.0, 0.05), 2)),
) -> float:
    """Return the selection probability with the best mean F1 on training samples.

    Of equal ones the smallest is taken. Never choose it on the samples that are scored.
    """
    if not predicted:
        raise ValueError("no training samples to choose the probability on")
    means = [
        np.mean(
            [
                set_f1(select_boxes(boxes, probability), truth, threshold)
                for boxes, truth in zip(predicted, truths, strict=True)
            ]
        )
        for probability in candidates
    ]
    return float(candidates[int(np.argmax(means))])


def gated_texts(
    texts: Sequence[str], ious: Sequence[float], threshold: float, *, placeholder: str = ""
) -> list[str]:
    """Return captions, empty where the box of their object overlaps the truth too little.

    That is the gate of Scan2Cap: "m@0.5" is a corpus metric of gated captions. The empty caption of
    a protocol that puts "sos" and "eos" around still earns a little (ROUGE-L about 0.2), so
    `strict_mean` stands beside it.
    """
    return [
        text if iou >= threshold else placeholder for text, iou in zip(texts, ious, strict=True)
    ]


def strict_mean(scores: Sequence[float], ious: Sequence[float], threshold: float) -> float:
    """Return the mean of per-sample scores, 0 where the box overlaps too little (ours)."""
    is_kept = np.asarray(ious) >= threshold
    return float((np.asarray(scores) * is_kept).mean())
