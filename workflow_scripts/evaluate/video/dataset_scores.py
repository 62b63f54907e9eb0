"""The scores of one data set of samples: of a model under every condition, and of its baselines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.cli import progress
from workflow_scripts.common.scan_samples import ScanCondition, ScanPrediction, ScanSample
from workflow_scripts.evaluate.score_table import LEARNED
from workflow_scripts.evaluate.video.grounding_scores import grounding_scores
from workflow_scripts.evaluate.video.majority import MAJORITY
from workflow_scripts.evaluate.video.question_scores import is_typed, question_scores
from workflow_scripts.evaluate.video.rotation_scores import rotation_scores
from workflow_scripts.evaluate.video.sample_scores import (
    SampleScores,
    mean_scores,
    spread_scores,
)
from workflow_scripts.evaluate.video.score_rows import BLIND
from workflow_scripts.evaluate.video.scored_samples import ScoredSamples
from workflow_scripts.evaluate.video.text_scores import answer_scores, caption_scores

Measure = Callable[[ScoredSamples, Sequence[ScanPrediction]], dict[str, SampleScores]]
ROTATIONS: tuple[ScanCondition, ...] = ("rotated90", "rotated180", "rotated270")


def score_predictions(
    scored: ScoredSamples,
    predictions: Sequence[ScanPrediction],
    *,
    probability: float | None,
    java: bool = False,
) -> dict[str, SampleScores]:
    """Return every metric of answers to samples of one data set, by name.

    Captions are one corpus, and so are answers in words.

    Args:
        scored: The samples.
        predictions: The answer to each.
        probability: Selection probability of proposals that was chosen on validation samples.
        java: Whether metrics that need Java are measured.
    """
    measures: dict[str, Measure] = {
        "grounding": lambda part, answers: grounding_scores(part, answers, probability),
        "captioning": lambda part, answers: caption_scores(part, answers, java=java),
        "typed": question_scores,
        "text": lambda part, answers: answer_scores(part, answers, java=java),
    }
    parts: dict[str, list[int]] = {}
    for row, sample in enumerate(scored.samples):
        parts.setdefault(_measured_as(sample), []).append(row)
    scores = mean_scores(
        {
            "no_reply_rate": [float(bool(one.reason)) for one in predictions],
            "frames_shown": _counts([one.num_frames for one in predictions]),
            "visual_tokens": _counts([one.num_visual_tokens for one in predictions]),
        }
    )
    for kind, rows in parts.items():
        measured = measures[kind](scored.part(rows), [predictions[row] for row in rows])
        scores |= spread_scores(measured, np.array(rows), len(scored))
    return scores


def _measured_as(sample: ScanSample) -> str:
    if sample.task != "question":
        return sample.task
    return "typed" if is_typed(sample) else "text"


def _counts(values: Sequence[int]) -> np.ndarray:
    """Return counts as numbers, NaN where nobody counted."""
    counts = np.array(values, dtype=np.float64)
    return np.where(counts > 0, counts, np.nan)


@dataclass(frozen=True)
class DataSet:
    """The samples of one data set, what was answered to them, and what is chosen beforehand.

    Attributes:
        scored: The samples.
        answers: The answers to each: `learned`, `blind`, rotations, `majority`.
        compared: Those of other experiments by name.
        probability: Selection probability of proposals, None if nothing was there to choose it on.
    """

    scored: ScoredSamples
    answers: Mapping[str, Sequence[ScanPrediction]]
    compared: Mapping[str, Sequence[ScanPrediction]]
    probability: float | None

    def methods(self, *, java: bool) -> dict[str, dict[str, SampleScores]]:
        """Return the metrics of the model, and of it without frames and of common answers."""
        scores = {
            name: self._scores(answers, java=java and name in (LEARNED, BLIND))
            for name, answers in progress(self.answers.items(), desc="conditions")
        }
        if all(name in scores for name in ROTATIONS):
            names = (LEARNED, *ROTATIONS)
            scores[LEARNED] |= rotation_scores(
                self.scored,
                [self.answers[name] for name in names],
                [scores[name] for name in names],
            )
        if self.probability is not None:
            grounding = [sample.task == "grounding" for sample in self.scored.samples]
            values = np.where(grounding, self.probability, np.nan)
            scores[LEARNED] |= mean_scores({"selection_probability": values})
        for name in (BLIND, MAJORITY):
            # What is shown is no score of theirs.
            for metric in ("frames_shown", "visual_tokens"):
                scores.get(name, {}).pop(metric, None)
        return {name: scores[name] for name in (LEARNED, BLIND, MAJORITY) if name in scores}

    def others(self) -> dict[str, dict[str, SampleScores]]:
        """Return the metrics of other experiments by name."""
        return {name: self._scores(answers, java=False) for name, answers in self.compared.items()}

    def _scores(self, answers: Sequence[ScanPrediction], *, java: bool) -> dict[str, SampleScores]:
        return score_predictions(self.scored, answers, probability=self.probability, java=java)


def rows_by_dataset(samples: Sequence[ScanSample]) -> dict[str, list[int]]:
    """Return the numbers of the samples of each data set."""
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault(sample.dataset, []).append(row)
    return rows
