"""Scores of questions about scans whose answers are letters or numbers."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from workflow_scripts.common.questions import AnswerType
from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.common.vsi_bench import VSI_TASK_OF, is_vsi_sample
from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.metrics import score_reply
from workflow_scripts.evaluate.replies import NoReply
from workflow_scripts.evaluate.video.sample_scores import SampleScores, mean_scores
from workflow_scripts.evaluate.video.scored_samples import ScoredSamples
from workflow_scripts.evaluate.video.text_scores import reply_text
from workflow_scripts.evaluate.video.vsi_metrics import OVERALL, score_vsi, vsi_task_means

# Type of the answer, and the SI value of a bare number's unit.
_NUMBERS: Mapping[str, tuple[AnswerType, float]] = {
    "count": ("count", 0.0),
    "metres": ("metres", 1.0),
    "square_metres": ("square_metres", 1.0),
    "centimetres": ("metres", 0.01),
}


def is_typed(sample: ScanSample) -> bool:
    """Say whether the answer of a question is a letter or a number, not a text."""
    return sample.task == "question" and (
        sample.answer_type in _NUMBERS or (sample.answer_type == "choice" and bool(sample.options))
    )


def question_scores(
    scored: ScoredSamples, predictions: Sequence[ScanPrediction]
) -> dict[str, SampleScores]:
    """Return every metric of questions whose answers are letters or numbers."""
    columns: dict[str, list[float]] = {}
    known: dict[tuple[object, ...], dict[str, float]] = {}
    for row, (sample, prediction) in enumerate(zip(scored.samples, predictions, strict=True)):
        text = reply_text(prediction)
        reason, options = prediction.reason, tuple(sample.options)
        key = (text, reason, sample.answer_type, sample.truth, options)
        if key not in known:
            reply = NoReply.of_reason(reason) if reason else text
            known[key] = score_reply(reply, item_of(sample))
        for name, value in known[key].items():
            columns.setdefault(name, [float("nan")] * len(scored))[row] = value
    scores = mean_scores(columns)
    vsi = [is_vsi_sample(sample) for sample in scored.samples]
    if any(vsi):
        scores["vsi_score"] = _vsi_scores(scored, predictions, np.array(vsi))
    return scores


def item_of(sample: ScanSample) -> EvalItem:
    """Return a question whose answer is a letter or a number as an item, in SI units."""
    is_choice = sample.answer_type == "choice"
    kind, unit_size = ("multiple_choice", 0.0) if is_choice else _NUMBERS[sample.answer_type]
    letters = list(string.ascii_uppercase[: len(sample.options)]) if is_choice else []
    scale = unit_size or 1.0
    return EvalItem(
        question_id=sample.sample_id,
        scene_id=f"{sample.source}/{sample.scene_id}",
        family=sample.question_type,
        form="named",
        question=sample.text,
        answer=sample.answer,
        images=[],
        answer_type=cast(AnswerType, kind),
        choices=letters,
        options=sample.options,
        truth=sample.truth if is_choice else scale * float(sample.truth),
        unit_size=unit_size,
    )


@dataclass(frozen=True)
class VsiScores:
    """The score of VSI-Bench: of one task a mean of types, of several the mean of the tasks.

    Attributes:
        values: f64 [n], NaN for samples that are none of its questions.
        types: Question type of each sample [n].
    """

    values: np.ndarray
    types: np.ndarray

    @property
    def applies(self) -> np.ndarray:
        """Return for which samples it is defined, bool [n]."""
        is_defined: np.ndarray = np.isfinite(self.values)
        return is_defined

    def score(self, rows: np.ndarray, resample: SceneBootstrap) -> tuple[float, np.ndarray]:
        """Return the mean over tasks and that of resamples."""
        values, types = self.values[rows], self.types[rows]
        is_known = np.isfinite(values)
        means, draws = {}, {}
        for kind in sorted(set(types[is_known].tolist())):
            value, resampled = resample.means(np.where(types == kind, values, np.nan))
            means[kind], draws[kind] = np.array(value), resampled
        if not means:
            return float("nan"), np.full(len(resample.weights), np.nan)
        return float(vsi_task_means(means)[OVERALL]), vsi_task_means(draws)[OVERALL]

    def spread(self, rows: np.ndarray, num_samples: int) -> "VsiScores":
        """Return it for more samples, to which it does not apply."""
        values = np.full(num_samples, np.nan)
        types = np.full(num_samples, "", dtype=object)
        values[rows], types[rows] = self.values, self.types
        return replace(self, values=values, types=types)


def _vsi_scores(
    scored: ScoredSamples, predictions: Sequence[ScanPrediction], is_vsi: np.ndarray
) -> VsiScores:
    rows: list[int] = np.flatnonzero(is_vsi).tolist()
    texts = [reply_text(predictions[row]) for row in rows]
    values = score_vsi([scored.samples[row] for row in rows], texts)
    types = [
        sample.question_type if sample.question_type in VSI_TASK_OF else ""
        for sample in scored.samples
    ]
    spread = np.full(len(scored), np.nan)
    spread[rows] = values
    return VsiScores(spread, np.array(types, dtype=object))
