"""The scores of one method (a model under a condition, or a baseline), with their resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.reconstruction.average_precision import (
    IOU_THRESHOLDS,
    resample_average_precision,
    resample_detection_score,
)
from workflow_scripts.evaluate.reconstruction.detections import PictureBoxes, collect_detections
from workflow_scripts.evaluate.reconstruction.language_metrics import LanguageMetrics
from workflow_scripts.evaluate.reconstruction.room_pair import RoomPair
from workflow_scripts.evaluate.reconstruction.room_values import (
    ALL,
    VISIBLE,
    Content,
    RoomValues,
    Value,
    room_values,
)
from workflow_scripts.geometry.cameras import FloatArray

Key = tuple[str, str]
# Of a method of which no room has what they measure.
PUBLISHED_WITHOUT_ROOMS = {
    f"{prefix}ObjectDistances{end}": value
    for prefix in ("", "visible_")
    for end, value in (("Error", 1.0), ("Acc", 0.0))
}


@dataclass(frozen=True)
class MethodScore:
    """A score, its resamples [resamples], and how many rooms count."""

    value: float
    resampled: FloatArray
    num_rooms: int


MethodScores = Mapping[Key, MethodScore]


def score_method(
    pairs: Sequence[RoomPair],
    content: Content,
    resample: SceneBootstrap,
    *,
    detection_groups: Sequence[str],
    published: bool,
    language: LanguageMetrics | None = None,
) -> dict[Key, MethodScore]:
    """Return every score of a method by group of objects (or category) and metric.

    `detection_groups` are the groups of objects, all or visible, with average precision.
    """
    rooms = [room_values(pair, content, published=published, language=language) for pair in pairs]
    scores = _ratios([room.ratios for room in rooms], resample)
    scores |= _means_over_categories(rooms, resample)
    if content.sizes:
        for group in detection_groups:
            scores |= _detection_scores(pairs, group, resample)
    if published:
        nothing = np.full(len(resample.weights), np.nan)
        for metric, value in PUBLISHED_WITHOUT_ROOMS.items():
            scores.setdefault((ALL, metric), MethodScore(value, nothing, len(pairs)))
    return scores


def _ratios(
    rooms: Sequence[Mapping[Key, Value]], resample: SceneBootstrap
) -> dict[Key, MethodScore]:
    keys = list(dict.fromkeys(key for room in rooms for key in room))
    column = {key: number for number, key in enumerate(keys)}
    parts, totals = np.zeros((2, len(rooms), len(keys)))
    for row, room in enumerate(rooms):
        for key, (part, total) in room.items():
            parts[row, column[key]] = part
            totals[row, column[key]] = total
    values, resampled = resample.ratios(parts, totals)
    counts = (totals > 0).sum(axis=0)
    return {
        key: MethodScore(float(values[k]), resampled[:, k], int(counts[k]))
        for k, key in enumerate(keys)
        if counts[k]
    }


def _means_over_categories(
    rooms: Sequence[RoomValues], resample: SceneBootstrap
) -> dict[Key, MethodScore]:
    scores = _ratios([room.by_category for room in rooms], resample)
    by_metric: dict[str, list[MethodScore]] = {}
    for (metric, _), score in scores.items():
        by_metric.setdefault(metric, []).append(score)
    return {
        (ALL, metric): MethodScore(
            float(np.mean([score.value for score in members])),
            _mean_of_known(np.stack([score.resampled for score in members])),
            sum(any(name == metric for name, _ in room.by_category) for room in rooms),
        )
        for metric, members in by_metric.items()
    }


def _mean_of_known(values: FloatArray) -> FloatArray:
    """Return the means [m] over what is known of [n, m]."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    result: FloatArray = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return result


def _detection_scores(
    pairs: Sequence[RoomPair], group: str, resample: SceneBootstrap
) -> dict[Key, MethodScore]:
    detections = collect_detections([_picture(pair, group) for pair in pairs])
    num_rooms = sum(len(pair.true.visible) > 0 for pair in pairs)
    precision = resample_average_precision(detections, resample.scene, resample.weights)
    if np.isnan(precision.by_threshold).all():
        return {}
    scores = {
        (group, "ap3d"): MethodScore(
            float(precision.by_threshold.mean()), precision.resampled.mean(axis=1), num_rooms
        )
    }
    for percent in (15, 25, 50):
        column = int(np.flatnonzero(np.isclose(IOU_THRESHOLDS, percent / 100))[0])
        scores[group, f"ap3d_{percent}"] = MethodScore(
            float(precision.by_threshold[column]), precision.resampled[:, column], num_rooms
        )
    ods = resample_detection_score(detections, resample.scene, resample.weights)
    names = ("ods", "ods_precision", "ods_translation_error", "ods_size_error")
    for column, metric in enumerate((*names, "ods_orientation_error")):
        scores[group, metric] = MethodScore(
            float(ods.values[column]), ods.resampled[:, column], num_rooms
        )
    return scores


def _picture(pair: RoomPair, group: str) -> PictureBoxes:
    true, predicted = pair.true.layout, pair.predicted.layout
    return PictureBoxes(
        true.oriented_boxes,
        tuple(box.label for box in true.boxes),
        predicted.oriented_boxes,
        tuple(box.label for box in predicted.boxes),
        ignored=~pair.true.visible if group == VISIBLE else None,
    )
