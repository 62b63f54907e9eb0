"""Whether a model answers alike when the scan is turned about the vertical."""

from collections.abc import Mapping, Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanPrediction, ScanSample
from workflow_scripts.evaluate.replies import read_reply
from workflow_scripts.evaluate.video.grounding_scores import choice_of
from workflow_scripts.evaluate.video.protocols import clean_answer
from workflow_scripts.evaluate.video.question_scores import is_typed, item_of
from workflow_scripts.evaluate.video.sample_scores import SampleScores, mean_scores
from workflow_scripts.evaluate.video.scored_samples import ScoredSamples
from workflow_scripts.evaluate.video.text_scores import reply_text

# What says that one answer is right, the first that applies.
RIGHT = ("instance_accuracy", "acc_iou50", "f1_iou50_p25", "accuracy", "answers_em")


def rotation_scores(
    scored: ScoredSamples,
    answers: Sequence[Sequence[ScanPrediction]],
    scores: Sequence[Mapping[str, SampleScores]],
) -> dict[str, SampleScores]:
    """Return which samples have one answer however the scan is turned, and which are always right.

    Args:
        scored: The samples.
        answers: Of each rotation, 0 degrees first, the answer to each sample.
        scores: Of each rotation the metrics of its answers.
    """
    keys = [
        [answer_key(sample, turned[row]) for turned in answers]
        for row, sample in enumerate(scored.samples)
    ]
    is_measured = np.array([sample.task != "captioning" for sample in scored.samples])
    same = [float(None not in turned and len(set(turned)) == 1) for turned in keys]
    right = np.stack([_is_right(turned, len(scored)) for turned in scores])
    return mean_scores(
        {
            "rotation_consistency": np.where(is_measured, same, np.nan),
            "right_in_all_rotations": np.where(is_measured, right.min(axis=0), np.nan),
        }
    )


def answer_key(sample: ScanSample, prediction: ScanPrediction) -> object:
    """Return what two equal answers have in common; None where there is no answer.

    Of descriptions the candidate with the highest score, of letters and numbers what is read, of
    texts the words.
    """
    if sample.task == "grounding":
        return choice_of(prediction)
    if is_typed(sample):
        return read_reply(reply_text(prediction), item_of(sample)).parsed
    return clean_answer(reply_text(prediction)) or None


def _is_right(scores: Mapping[str, SampleScores], num_samples: int) -> np.ndarray:
    """Return which answers are right, f64 [n]: 1 or 0, NaN where no metric says so."""
    right = np.full(num_samples, np.nan)
    for name in RIGHT:
        values = getattr(scores.get(name), "values", None)
        if values is not None:
            is_new = np.isnan(right) & np.isfinite(values)
            right[is_new] = values[is_new] >= 1
    return right
