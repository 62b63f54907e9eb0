"""Scores of questions about scans in the form of VSI-Bench, as its released code scores replies.

A multiple choice is right if the first word of the reply is the letter; a number has mean relative
accuracy over ten thresholds (`published_metrics.py`). What cannot be read is 0. The score of the
three relative directions is the mean of theirs, and the overall score the mean of the tasks, so
that a task counts the same however many questions it has.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.vsi_bench import VSI_TASKS, is_vsi_sample
from workflow_scripts.evaluate.published_metrics import vsi_accuracy, vsi_mra

OVERALL = "overall"


def score_vsi(samples: Sequence[ScanSample], texts: Sequence[str]) -> np.ndarray:
    """Return the score f64 [n] in [0, 1] of the reply to each sample.

    Raises ValueError if replies are missing, or for a sample that is no question of VSI-Bench
    (`common.vsi_bench.is_vsi_sample`).
    """
    return np.array([_score(sample, text) for sample, text in zip(samples, texts, strict=True)])


def _score(sample: ScanSample, text: str) -> float:
    if not is_vsi_sample(sample):
        raise ValueError(f"{sample.sample_id}: {sample.question_type!r} is not a type of VSI-Bench")
    if sample.answer_type == "choice":
        return vsi_accuracy(text, str(sample.truth))
    return vsi_mra(text, float(sample.truth))


def vsi_type_means(samples: Sequence[ScanSample], scores: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean score f64 [] of each question type that samples have, by type."""
    types = np.array([sample.question_type for sample in samples])
    return {str(kind): np.mean(scores[types == kind]) for kind in np.unique(types)}


def vsi_task_means(type_means: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the means of tasks and, last, their mean `overall`, from the means of types.

    The means are f64 of any one shape: [] for scores, [resamples] for those of a bootstrap. A task
    without a question has no mean, and `overall` is that of the tasks that have one. NaN, the mean
    of a type that a resample does not have, is left out alike.
    """
    tasks = {}
    for task, kinds in VSI_TASKS.items():
        means = [type_means[kind] for kind in kinds if kind in type_means]
        if means:
            tasks[task] = _mean(means)
    return tasks | ({OVERALL: _mean(list(tasks.values()))} if tasks else {})


def _mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean over the first axis of what is not NaN; NaN where nothing is left."""
    stacked = np.stack([np.asarray(value, dtype=np.float64) for value in values])
    number = np.count_nonzero(~np.isnan(stacked), axis=0)
    sums = np.nansum(stacked, axis=0)
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(number > 0, sums / np.maximum(number, 1), np.nan)
    return mean
