"""Scores of descriptions that mean objects of a scan, sample by sample."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.evaluate.video.grounding_metrics import (
    SOFTMAX_TEMPERATURE,
    THRESHOLDS,
    ScoredBoxes,
    best_box,
    choose_probability,
    grounding_accuracy,
    most_hits_f1,
    select_boxes,
    set_f1,
)
from workflow_scripts.evaluate.video.sample_scores import SampleScores, mean_scores
from workflow_scripts.evaluate.video.scan_metrics import PUBLISHED_PROBABILITIES
from workflow_scripts.evaluate.video.scored_samples import Scan, ScanProposals, ScoredSamples

NAN = float("nan")
# Of a category that no training sample means: less likely than any that one does.
_RARE = 1e-6


def scored_boxes(prediction: ScanPrediction, proposals: ScanProposals) -> ScoredBoxes | None:
    """Return the proposals with their scores, or None where there is no answer."""
    if prediction.reason:
        return None
    return ScoredBoxes(proposals.boxes, np.array(prediction.scores, dtype=np.float64))


def truth_boxes(sample: ScanSample) -> np.ndarray:
    """Return the true boxes f64 [k, 6] of a sample."""
    return np.array(sample.target_boxes, dtype=np.float64).reshape(-1, 6)


def grounding_scores(
    scored: ScoredSamples, predictions: Sequence[ScanPrediction], probability: float | None
) -> dict[str, SampleScores]:
    """Return every metric of descriptions that were answered; an answer that is missing is wrong.

    `probability` is the selection probability that was chosen on validation samples; without one
    only those that were published are used.
    """
    chosen = [
        scored_boxes(prediction, proposals)
        for prediction, proposals in zip(predictions, scored.proposals, strict=True)
    ]
    truths = [truth_boxes(sample) for sample in scored.samples]
    columns = _single_object(scored, chosen, truths)
    probabilities = {f"_{name}": value for name, value in PUBLISHED_PROBABILITIES.items()}
    if probability is not None:
        probabilities[""] = probability
    for suffix, value in probabilities.items():
        selected = [None if boxes is None else select_boxes(boxes, value) for boxes in chosen]
        for threshold in THRESHOLDS:
            percent = round(100 * threshold)
            columns[f"f1_iou{percent}{suffix}"] = [
                0.0 if boxes is None else set_f1(boxes, truth, threshold)
                for boxes, truth in zip(selected, truths, strict=True)
            ]
            if not suffix:
                columns[f"most_hits_f1_iou{percent}"] = [
                    0.0 if boxes is None else most_hits_f1(boxes, truth, threshold)
                    for boxes, truth in zip(selected, truths, strict=True)
                ]
    return mean_scores(columns)


def _single_object(
    scored: ScoredSamples, chosen: Sequence[ScoredBoxes | None], truths: Sequence[np.ndarray]
) -> dict[str, Sequence[float]]:
    """Return accuracies of descriptions of one object, NaN for the others."""
    best = [None if boxes is None else best_box(boxes) for boxes in chosen]
    columns: dict[str, Sequence[float]] = {}
    for threshold in THRESHOLDS:
        columns[f"acc_iou{round(100 * threshold)}"] = [
            float(grounding_accuracy([box], truth, threshold)[0]) if len(truth) == 1 else NAN
            for box, truth in zip(best, truths, strict=True)
        ]
    columns["instance_accuracy"] = [
        _is_instance(sample, proposals, boxes)
        for sample, proposals, boxes in zip(scored.samples, scored.proposals, chosen, strict=True)
    ]
    return columns


def _is_instance(sample: ScanSample, proposals: ScanProposals, boxes: ScoredBoxes | None) -> float:
    """Return whether the best proposal is the object; NaN where proposals are of no objects."""
    if len(sample.targets) != 1 or not (proposals.instances > 0).any():
        return NAN
    if boxes is None:
        return 0.0
    return float(proposals.instances[int(np.argmax(boxes.scores[:-1]))] == sample.targets[0])


def choice_of(prediction: ScanPrediction) -> int | None:
    """Return the candidate with the highest score, the last being no object; None: no answer."""
    return None if prediction.reason else int(np.argmax(prediction.scores))


def selection_probability(
    scored: ScoredSamples, predictions: Sequence[ScanPrediction]
) -> float | None:
    """Return the probability with the best F1 on validation samples; None if there are none.

    Samples that mean none or several objects decide; without such there is nothing to choose.
    """
    boxes, truths = [], []
    for sample, proposals, prediction in zip(
        scored.samples, scored.proposals, predictions, strict=True
    ):
        candidate = scored_boxes(prediction, proposals) if sample.task == "grounding" else None
        if candidate is not None:
            boxes.append(candidate)
            truths.append(truth_boxes(sample))
    return choose_probability(boxes, truths) if boxes else None


class MajorityObjects:
    """The objects that training descriptions of each type mean most often, by category."""

    def __init__(
        self, training: Sequence[ScanSample], proposals: Mapping[Scan, ScanProposals]
    ) -> None:
        self._none: Counter[str] = Counter()
        self._categories: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sample in training:
            if sample.task != "grounding":
                continue
            self._none[sample.question_type] += not sample.targets
            scan = proposals.get((sample.source, sample.scene_id))
            if scan is None:
                continue
            names = dict(zip(scan.instances.tolist(), scan.categories, strict=True))
            named = (names.get(target, "") for target in sample.targets)
            self._categories[sample.question_type].update(name for name in named if name)

    def scores(self, sample: ScanSample, proposals: ScanProposals) -> list[float] | None:
        """Return scores of the proposals, and of none, that say how often each is meant.

        None for a type of which no training description means a named object or none.
        """
        counts = self._categories[sample.question_type]
        nothing = self._none[sample.question_type]
        total = counts.total() + nothing
        if not total:
            return None
        shares = [counts[name] / total for name in proposals.categories]
        logs = np.log(np.maximum([*shares, nothing / total], _RARE))
        scores: list[float] = (SOFTMAX_TEMPERATURE * logs).tolist()
        return scores
