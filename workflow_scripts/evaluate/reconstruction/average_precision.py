"""Average precision of 3D boxes as Omni3D defines it, and the detection score ODS of 3D-MOOD.

Omni3D (Brazil et al. 2023): the procedure of COCO with the exact 3D intersection over union at
0.05, 0.10, ..., 0.50; precision at 101 recalls; at most 100 detections of a class in a picture; the
mean over thresholds, then over classes that have a true box. A true box that is to be ignored is no
miss, and a detection that matches it counts as nothing.

Boxes of vision-language models have no scores. Equal scores are ordered by how early a box stands
in its reply, then by picture: all first boxes, then all second ones. The published code leaves ties
to the order of files.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.geometry.box_overlap import OrientedBoxes, iou_matrix, size_iou
from workflow_scripts.geometry.cameras import FloatArray

IOU_THRESHOLDS = np.arange(5, 55, 5) / 100
DISTANCE_THRESHOLDS = np.arange(50, 105, 5) / 100
RECALLS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = 100


@dataclass(frozen=True)
class PictureBoxes:
    """True and predicted boxes of one picture, in one frame.

    `ignored` [n] marks true boxes that count neither as found nor as missed; `scores` [m] orders
    the predictions, 1 for all where there are none.
    """

    true: OrientedBoxes
    true_labels: tuple[str, ...]
    predicted: OrientedBoxes
    predicted_labels: tuple[str, ...]
    ignored: np.ndarray | None = None
    scores: np.ndarray | None = None


@dataclass(frozen=True)
class AveragePrecision:
    """AP over all thresholds, and at each threshold; NaN without any true box."""

    mean: float
    by_threshold: FloatArray


@dataclass(frozen=True)
class DetectionScore:
    """ODS and its parts: AP by centre distance, and errors of place, size and orientation."""

    score: float
    average_precision: float
    translation_error: float
    size_error: float
    orientation_error: float


def average_precision_3d(
    pictures: Sequence[PictureBoxes], thresholds: FloatArray = IOU_THRESHOLDS
) -> AveragePrecision:
    """Return AP3D: the mean over classes and IoU thresholds."""
    classes = _by_class(pictures)
    curves = [_class_precision(parts, _iou, thresholds) for parts in classes.values()]
    return _mean_over_classes(curves, len(thresholds))


def open_detection_score(
    pictures: Sequence[PictureBoxes], thresholds: FloatArray = DISTANCE_THRESHOLDS
) -> DetectionScore:
    """Return ODS: a detection is right if its centre is within t times half the true diagonal.

    Errors are means over thresholds and true boxes, 1 for one that nothing matches: distance over
    t times half the diagonal, one less the IoU of the sizes alone, angle over 180 degrees.
    """
    classes = _by_class(pictures)
    precision = _mean_over_classes(
        [_class_precision(parts, _closeness, 1 - thresholds) for parts in classes.values()],
        len(thresholds),
    ).mean
    errors = [
        _match_errors(parts, thresholds)
        for parts in classes.values()
        if any(len(part.true) for part in parts)
    ]
    if not errors:
        return DetectionScore(*[float("nan")] * 5)
    place, size, turn = (float(value) for value in np.mean(errors, axis=0))
    score = (3 * precision + (1 - place) + (1 - size) + (1 - turn)) / 6
    return DetectionScore(score, precision, place, size, turn)


@dataclass(frozen=True)
class _ClassPart:
    """Boxes of one class in one picture; predictions in the order in which they are matched."""

    picture: int
    true: OrientedBoxes
    ignored: np.ndarray
    predicted: OrientedBoxes
    scores: np.ndarray
    emission: np.ndarray


def _by_class(pictures: Sequence[PictureBoxes]) -> dict[str, list[_ClassPart]]:
    classes: dict[str, list[_ClassPart]] = defaultdict(list)
    for number, picture in enumerate(pictures):
        true_labels = np.asarray(picture.true_labels, dtype=object)
        labels = np.asarray(picture.predicted_labels, dtype=object)
        scores = np.ones(len(labels)) if picture.scores is None else np.asarray(picture.scores)
        ignored = np.zeros(len(true_labels), dtype=bool)
        if picture.ignored is not None:
            ignored = np.asarray(picture.ignored, dtype=bool)
        for label in sorted({*picture.true_labels, *picture.predicted_labels}):
            true = np.flatnonzero(true_labels == label)
            predicted = np.flatnonzero(labels == label)
            order = np.argsort(-scores[predicted], kind="stable")[:MAX_DETECTIONS]
            predicted = predicted[order]
            part = _ClassPart(
                number,
                picture.true.take(true),
                ignored[true],
                picture.predicted.take(predicted),
                scores[predicted],
                predicted,
            )
            classes[label].append(part)
    return classes


def _iou(part: _ClassPart) -> FloatArray:
    return iou_matrix(part.predicted, part.true)


def _closeness(part: _ClassPart) -> FloatArray:
    """Return 1 less the distance over half the true diagonal [m, n]."""
    radius = np.linalg.norm(part.true.size_m, axis=-1) / 2
    distance = cdist(part.predicted.centre_m, part.true.centre_m)
    result: FloatArray = 1 - distance / np.maximum(radius, 1e-9)
    return result


def _class_precision(
    parts: Sequence[_ClassPart],
    similarity: Callable[[_ClassPart], FloatArray],
    thresholds: FloatArray,
) -> FloatArray | None:
    """Return the mean precision of a class at each threshold; None without a true box."""
    num_true = sum(int((~part.ignored).sum()) for part in parts)
    if not num_true:
        return None
    matched, ignored, order = [], [], []
    for part in parts:
        best = _match_greedily(similarity(part), part.ignored, thresholds)
        is_ignored = (best >= 0) & np.append(part.ignored, False)[best]
        matched.append((best >= 0) & ~is_ignored)
        ignored.append(is_ignored)
        picture = np.full(len(part.scores), part.picture)
        order.append(np.stack([-part.scores, part.emission, picture], axis=1))
    keys = np.concatenate(order)
    ranking = np.lexsort((keys[:, 2], keys[:, 1], keys[:, 0]))
    hits = np.concatenate(matched, axis=1)[:, ranking]
    nothing = np.concatenate(ignored, axis=1)[:, ranking]
    result = np.zeros(len(thresholds))
    for index in range(len(thresholds)):
        counted = ~nothing[index]
        right = np.cumsum(hits[index][counted])
        total = np.arange(1, len(right) + 1)
        result[index] = _interpolated_precision(right / num_true, right / total)
    return result


@numba_kernel
def _match_greedily(similarity, ignored, thresholds):  # type: ignore[no-untyped-def]
    """Match predictions in order, each to the most similar true box that is free.

    `similarity` is [predictions, true boxes]. Returns the matched box [thresholds, predictions],
    -1 for none. Boxes that count are preferred to ignored ones.
    """
    num_predicted, num_true = similarity.shape
    result = np.full((len(thresholds), num_predicted), -1)
    free = np.empty(num_true, dtype=np.bool_)
    for t in range(len(thresholds)):
        free[:] = True
        limit = thresholds[t] - 1e-10
        for p in range(num_predicted):
            best = -1
            for g in range(num_true):
                if not free[g] or similarity[p, g] < limit:
                    continue
                if (
                    best < 0
                    or (ignored[best] and not ignored[g])
                    or (ignored[best] == ignored[g] and similarity[p, g] > similarity[p, best])
                ):
                    best = g
            if best >= 0:
                free[best] = False
                result[t, p] = best
    return result


def _interpolated_precision(recall: FloatArray, precision: FloatArray) -> float:
    """Return the mean over 101 recalls of the best precision at that recall or a higher one."""
    if not len(recall):
        return 0.0
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # A recall that is reached but for rounding is reached.
    at = np.searchsorted(recall, RECALLS - 1e-12, side="left")
    return float(np.mean(np.where(at < len(recall), envelope[np.minimum(at, len(recall) - 1)], 0)))


def _mean_over_classes(
    curves: Sequence[FloatArray | None], num_thresholds: int
) -> AveragePrecision:
    known = [curve for curve in curves if curve is not None]
    if not known:
        return AveragePrecision(float("nan"), np.full(num_thresholds, np.nan))
    by_threshold = np.mean(known, axis=0)
    return AveragePrecision(float(by_threshold.mean()), by_threshold)


def _match_errors(parts: Sequence[_ClassPart], thresholds: FloatArray) -> FloatArray:
    """Return the mean errors [3] of place, size and orientation over thresholds and true boxes."""
    errors = []
    for part in parts:
        closeness = _closeness(part)
        rows = np.ones((len(thresholds), len(part.true), 3))
        best = _match_greedily(closeness, np.zeros(len(part.true), dtype=bool), 1 - thresholds)
        t, p = np.nonzero(best >= 0)
        g = best[t, p]
        rows[t, g, 0] = (1 - closeness[p, g]) / thresholds[t]
        true, predicted = part.true.take(g), part.predicted.take(p)
        rows[t, g, 1] = 1 - size_iou(true, predicted)
        turn = np.einsum("nij,nij->n", true.rotation, predicted.rotation)
        rows[t, g, 2] = np.arccos(np.clip((turn - 1) / 2, -1, 1)) / np.pi
        errors.append(rows.reshape(-1, 3))
    result: FloatArray = np.concatenate(errors).mean(axis=0)
    return result
