"""Average precision of 3D boxes as Omni3D defines it, and the detection score ODS of 3D-MOOD.

Omni3D (Brazil et al. 2023): the procedure of COCO with the exact 3D intersection over union at
0.05, 0.10, ..., 0.50; precision at 101 recalls; at most 100 detections of a class in a picture; the
mean over thresholds, then over classes that have a true box. A true box that is to be ignored is no
miss, and a detection that matches it counts as nothing.

Boxes of vision-language models have no scores. Equal scores are ordered by how early a box stands
in its reply, then by picture: all first boxes, then all second ones. The published code leaves ties
to the order of files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel
from workflow_scripts.evaluate.reconstruction.detections import (
    Detections,
    PictureBoxes,
    collect_detections,
)
from workflow_scripts.geometry.box_overlap import pairwise_iou, size_iou
from workflow_scripts.geometry.cameras import FloatArray

IOU_THRESHOLDS = np.arange(5, 55, 5) / 100
DISTANCE_THRESHOLDS = np.arange(50, 105, 5) / 100
RECALLS = np.linspace(0.0, 1.0, 101)


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


@dataclass(frozen=True)
class ResampledPrecision:
    """Mean AP over classes [thresholds], and of each resample [resamples, thresholds]."""

    by_threshold: FloatArray
    resampled: FloatArray


@dataclass(frozen=True)
class ResampledScore:
    """The five numbers of `DetectionScore` [5], and those of each resample [resamples, 5]."""

    values: FloatArray
    resampled: FloatArray


def average_precision_3d(
    pictures: Sequence[PictureBoxes], thresholds: FloatArray = IOU_THRESHOLDS
) -> AveragePrecision:
    """Return AP3D: the mean over classes and IoU thresholds."""
    ranking = rank_detections(collect_detections(pictures), "iou", thresholds)
    by_threshold = _mean_precision(ranking, *_everything(ranking))[0]
    return AveragePrecision(float(by_threshold.mean()), by_threshold)


def open_detection_score(
    pictures: Sequence[PictureBoxes], thresholds: FloatArray = DISTANCE_THRESHOLDS
) -> DetectionScore:
    """Return ODS: a detection is right if its centre is within t times half the true diagonal.

    Errors are means over thresholds and true boxes, 1 for one that nothing matches: distance over
    t times half the diagonal, one less the IoU of the sizes alone, angle over 180 degrees.
    """
    detections = collect_detections(pictures)
    ranking = rank_detections(detections, "distance", thresholds)
    values = _scores(detections, ranking, *_everything(ranking))[0]
    return DetectionScore(*(float(value) for value in values))


def resample_average_precision(
    detections: Detections, scene: np.ndarray, weights: FloatArray
) -> ResampledPrecision:
    """Return AP3D by threshold, of all pictures and of each resample of scenes.

    `scene` [pictures] is the number of a picture's scene, `weights` [resamples, scenes] how often
    a resample has it.
    """
    ranking = rank_detections(detections, "iou", IOU_THRESHOLDS)
    return ResampledPrecision(
        _mean_precision(ranking, *_everything(ranking))[0],
        _mean_precision(ranking, scene, weights),
    )


def resample_detection_score(
    detections: Detections, scene: np.ndarray, weights: FloatArray
) -> ResampledScore:
    """Return ODS and its parts, of all pictures and of each resample of scenes."""
    ranking = rank_detections(detections, "distance", DISTANCE_THRESHOLDS)
    return ResampledScore(
        _scores(detections, ranking, *_everything(ranking))[0],
        _scores(detections, ranking, scene, weights),
    )


@dataclass(frozen=True)
class Ranking:
    """Which detection matches which true box, and the order in which they count.

    Attributes:
        thresholds: [t].
        similarity: of each pair of `Detections`.
        match: pair of each detection at each threshold [t, detections], -1 for none.
        order: detections by class and rank, and of each class where it begins [classes + 1].
        num_true: true boxes that count, [classes, pictures].
        picture: of each detection.
        state: [t, detections]: 0 matches an ignored box, 1 is wrong, 2 is right.
    """

    thresholds: FloatArray
    similarity: FloatArray
    match: np.ndarray
    order: np.ndarray
    first: np.ndarray
    num_true: np.ndarray
    picture: np.ndarray
    state: np.ndarray


def rank_detections(
    detections: Detections, measure: Literal["iou", "distance"], thresholds: FloatArray
) -> Ranking:
    """Match detections to true boxes of their picture and class, best score first."""
    true, predicted = detections.pairs()
    if measure == "iou":
        similarity, limits = pairwise_iou(predicted, true), thresholds
    else:  # one less the distance over half the true diagonal
        radius = np.linalg.norm(true.size_m, axis=-1) / 2
        distance = np.linalg.norm(true.centre_m - predicted.centre_m, axis=-1)
        similarity, limits = 1 - distance / np.maximum(radius, 1e-9), 1 - thresholds
    match = _match_greedily(
        detections.processing_order,
        detections.first_pair,
        detections.pair_true,
        similarity,
        detections.ignored,
        limits,
    )
    is_ignored = np.zeros(match.shape, dtype=bool)
    is_ignored[match >= 0] = detections.ignored[detections.pair_true[match[match >= 0]]]
    kept = detections.processing_order
    ranks = (
        detections.picture[kept],
        detections.emission[kept],
        -detections.scores[kept],
        detections.predicted_class[kept],
    )
    order = kept[np.lexsort(ranks)]
    num_classes = detections.num_classes
    first = np.searchsorted(detections.predicted_class[order], np.arange(num_classes + 1))
    counts = ~detections.ignored
    num_true = np.zeros((num_classes, detections.num_pictures), dtype=np.int64)
    np.add.at(num_true, (detections.true_class[counts], detections.true_picture[counts]), 1)
    return Ranking(
        thresholds=thresholds,
        similarity=similarity,
        match=match,
        order=order,
        first=first,
        num_true=num_true,
        picture=detections.picture,
        state=np.where(is_ignored, 0, np.where(match >= 0, 2, 1)).astype(np.uint8),
    )


def _everything(ranking: Ranking) -> tuple[np.ndarray, FloatArray]:
    """Return scenes and weights of one resample that has every picture once."""
    return np.zeros(ranking.num_true.shape[1], dtype=np.int64), np.ones((1, 1))


def _mean_precision(ranking: Ranking, scene: np.ndarray, weights: FloatArray) -> FloatArray:
    """Return the mean AP over classes [resamples, t]."""
    shape = (len(weights), len(ranking.thresholds))
    return _mean_over_classes(_precisions(ranking, scene, weights), shape)


def _precisions(ranking: Ranking, scene: np.ndarray, weights: FloatArray) -> list[FloatArray]:
    """Return the AP [resamples, t] of each class with a true box, NaN where a resample has none."""
    results = []
    for number in range(len(ranking.num_true)):
        by_scene = np.bincount(scene, weights=ranking.num_true[number], minlength=weights.shape[1])
        if not by_scene.any():
            continue
        chosen = ranking.order[ranking.first[number] : ranking.first[number + 1]]
        results.append(
            _resampled_precision(
                np.ascontiguousarray(ranking.state[:, chosen]),
                scene[ranking.picture[chosen]],
                weights,
                weights @ by_scene,
                RECALLS,
            )
        )
    return results


def _mean_over_classes(values: Sequence[FloatArray], shape: tuple[int, int]) -> FloatArray:
    """Return the mean over classes of [resamples, k], without those that a resample lacks."""
    if not values:
        return np.full(shape, np.nan)
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    result: FloatArray = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return result


def _scores(
    detections: Detections, ranking: Ranking, scene: np.ndarray, weights: FloatArray
) -> FloatArray:
    """Return `DetectionScore` as numbers [resamples, 5]."""
    precision = _mean_precision(ranking, scene, weights).mean(axis=1)
    errors = _mean_over_classes(
        _match_errors(detections, ranking, scene, weights), (len(weights), 3)
    )
    score = (3 * precision + (1 - errors).sum(axis=1)) / 6
    return np.column_stack([score, precision, errors])


def _match_errors(
    detections: Detections, ranking: Ranking, scene: np.ndarray, weights: FloatArray
) -> list[FloatArray]:
    """Return the mean errors [resamples, 3] of place, size and orientation of each class."""
    true, predicted = detections.pairs()
    turn = np.einsum("nij,nij->n", true.rotation, predicted.rotation)
    size = 1 - size_iou(true, predicted)
    angle = np.arccos(np.clip((turn - 1) / 2, -1, 1)) / np.pi
    saved = np.zeros((len(ranking.num_true), weights.shape[1], 3))
    for t, threshold in enumerate(ranking.thresholds):
        matched = np.flatnonzero(ranking.state[t] == 2)
        pair = ranking.match[t, matched]
        place = (1 - ranking.similarity[pair]) / threshold
        errors = np.stack([place, size[pair], angle[pair]], axis=1)
        # What is not matched has error 1.
        where = (detections.predicted_class[matched], scene[ranking.picture[matched]])
        np.add.at(saved, where, 1 - errors)
    results = []
    for number, per_picture in enumerate(ranking.num_true):
        by_scene = np.bincount(scene, weights=per_picture, minlength=weights.shape[1])
        if by_scene.any():
            total = (weights @ by_scene)[:, None] * len(ranking.thresholds)
            share = np.full((len(weights), 3), np.nan)
            np.divide(weights @ saved[number], total, out=share, where=total > 0)
            results.append(1 - share)
    return results


@numba_kernel
def _match_greedily(  # type: ignore[no-untyped-def]
    order, first_pair, pair_true, similarity, ignored, limits
):
    """Match detections in order, each to the most similar true box that is free.

    Returns the pair of each detection [thresholds, detections], -1 for none. Boxes that count are
    preferred to ignored ones.
    """
    result = np.full((len(limits), len(first_pair) - 1), -1)
    free = np.empty(len(ignored), dtype=np.bool_)
    for t in range(len(limits)):
        free[:] = True
        limit = limits[t] - 1e-10
        for p in order:
            best = -1
            for pair in range(first_pair[p], first_pair[p + 1]):
                g = pair_true[pair]
                if not free[g] or not similarity[pair] >= limit:
                    continue
                b = pair_true[best] if best >= 0 else -1
                if (
                    best < 0
                    or (ignored[b] and not ignored[g])
                    or (ignored[b] == ignored[g] and similarity[pair] > similarity[best])
                ):
                    best = pair
            if best >= 0:
                free[pair_true[best]] = False
                result[t, p] = best
    return result


@numba_kernel
def _resampled_precision(  # type: ignore[no-untyped-def]
    state, scene, weights, num_true, recalls
):
    """Return the mean over recalls of the best precision at each or a higher one [resamples, t].

    `state` is [t, detections] in the order of their rank: 0 does not count, 1 wrong, 2 right. A
    detection counts as often as its scene is drawn. NaN for a resample without a true box.
    """
    num_thresholds, num_detections = state.shape
    result = np.full((len(weights), num_thresholds), np.nan)
    right_so_far, precision = np.empty(num_detections), np.empty(num_detections)
    drawn = np.empty(num_detections, dtype=np.int64)
    times = np.empty(num_detections)
    for r in range(len(weights)):
        if num_true[r] <= 0:
            continue
        num_drawn = 0
        for k in range(num_detections):
            times[num_drawn] = weights[r, scene[k]]
            drawn[num_drawn] = k
            num_drawn += times[num_drawn] > 0
        for t in range(num_thresholds):
            right, total, size = 0.0, 0.0, 0
            for d in range(num_drawn):
                what = state[t, drawn[d]]
                if what > 0:
                    total += times[d]
                    if what == 2:
                        right += times[d]
                        right_so_far[size] = right
                        precision[size] = right / total
                        size += 1
            best, area = 0.0, 0.0
            for j in range(len(recalls) - 1, -1, -1):
                # A recall that is reached but for rounding is reached.
                wanted = (recalls[j] - 1e-12) * num_true[r]
                while size > 0 and right_so_far[size - 1] >= wanted:
                    size -= 1
                    best = max(best, precision[size])
                area += best
            result[r, t] = area / len(recalls)
    return result
