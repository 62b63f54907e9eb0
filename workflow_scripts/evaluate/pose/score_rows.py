"""Turn errors of methods into rows of the table of scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.records import Split
from workflow_scripts.common.seeds import rng
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.metric import KeypointMetric, is_better
from workflow_scripts.evaluate.metrics import KEYPOINT_METRICS
from workflow_scripts.evaluate.pose.conditions import ALL_VIEWS
from workflow_scripts.evaluate.pose.keypoint_errors import KeypointErrors
from workflow_scripts.evaluate.score_table import ALL, LEARNED, ScoreRow
from workflow_scripts.models.keypoints.baselines import BASELINES, REFERENCE_BASELINE

BENCHMARK = "keypoints"
MAIN_METRIC = "mpjpe_mm"


@dataclass(frozen=True)
class PointErrors:
    """Errors of every method on test frames under one condition.

    Attributes:
        noise: Name of the noise.
        views: Name of the set of views.
        errors_mm: By method, [F, K], NaN without an estimate.
        procrustes_mm: By method, [F, K], NaN where undefined.
        reprojection_px: By method, [F, K].
        known: [F, K], which points exist.
        task: [F], names of tasks.
        episode: [F], scene ids.
        keypoint: [F, K], names of keypoints.
    """

    noise: str
    views: str
    errors_mm: Mapping[str, np.ndarray]
    procrustes_mm: Mapping[str, np.ndarray]
    reprojection_px: Mapping[str, np.ndarray]
    known: np.ndarray
    task: np.ndarray
    episode: np.ndarray
    keypoint: np.ndarray


def score_rows(
    point_errors: PointErrors,
    *,
    experiment: str,
    split: Split,
    resamples: int,
    seed: int,
    is_main: bool,
) -> Iterator[ScoreRow]:
    """Yield the rows of one condition: each task, and all; with all views each keypoint too.

    Gains are against the reference baseline, in the metric's own unit, positive where better;
    their intervals are paired over episodes. Errors are compared where both have an estimate: a
    method that also estimates hard points must not look worse for it. In the main condition
    (`is_main`: the noise that the model was trained for, all views) the learned model has a row
    against the best geometric baseline too, where that is another one.
    """
    shape = point_errors.known.shape
    episode = np.broadcast_to(point_errors.episode[:, None], shape)
    for group in _groups(point_errors):
        chosen = group.members & point_errors.known
        resample = SceneBootstrap(
            episode[chosen],
            resamples=resamples,
            rng=rng(seed, "bootstrap", group.task, group.keypoint),
        )
        for metric in KEYPOINT_METRICS:
            if group.keypoint != ALL and not metric.per_keypoint:
                continue
            comparison = _Comparison(metric, resample, _measure(metric, point_errors, chosen))
            for method, baseline in comparison.pairs(with_best=is_main and group.keypoint == ALL):
                yield ScoreRow(
                    experiment=experiment,
                    benchmark=BENCHMARK,
                    split=split,
                    family=group.task,
                    method=method,
                    keypoint=group.keypoint,
                    noise=point_errors.noise,
                    views=point_errors.views,
                    metric=metric.name,
                    n=int(chosen.sum()),
                    num_scenes=resample.num_scenes,
                    is_headline=is_main
                    and metric.is_headline
                    and group.keypoint == ALL
                    and comparison.is_headline(method, baseline, is_overall=group.is_overall),
                    **comparison.columns(method, baseline),
                )


@dataclass(frozen=True)
class _Group:
    """Points [F, K] that are scored together."""

    task: str
    keypoint: str
    members: np.ndarray
    is_overall: bool = False


def _groups(point_errors: PointErrors) -> Iterator[_Group]:
    """Yield each task, all tasks if there are several, and with all views each keypoint."""
    shape = point_errors.known.shape
    task = np.broadcast_to(point_errors.task[:, None], shape)
    tasks = sorted(set(point_errors.task))
    for name in tasks:
        yield _Group(name, ALL, task == name, is_overall=len(tasks) == 1)
    if len(tasks) > 1:
        yield _Group(ALL, ALL, np.ones(shape, dtype=bool), is_overall=True)
    if point_errors.views != ALL_VIEWS:
        return
    for name in tasks:
        is_task = task == name
        for keypoint in sorted(set(point_errors.keypoint[is_task & point_errors.known])):
            yield _Group(name, keypoint, is_task & (point_errors.keypoint == keypoint))


def _measure(
    metric: KeypointMetric, point_errors: PointErrors, chosen: np.ndarray
) -> dict[str, np.ndarray]:
    """Return a metric of every chosen point by method, NaN where a point does not count."""
    return {
        method: metric.measure(
            KeypointErrors(
                error_mm=point_errors.errors_mm[method][chosen],
                procrustes_mm=point_errors.procrustes_mm[method][chosen],
                reprojection_px=point_errors.reprojection_px[method][chosen],
            )
        )
        for method in point_errors.errors_mm
    }


class _Comparison:
    """One metric of all methods on one group of points, each beside a geometric baseline."""

    def __init__(
        self, metric: KeypointMetric, resample: SceneBootstrap, values: Mapping[str, np.ndarray]
    ) -> None:
        self._metric = metric
        self._values = values
        self._statistic = resample.medians if metric.statistic == "median" else resample.means
        self._summaries = {method: self._statistic(value) for method, value in values.items()}

    def pairs(self, *, with_best: bool) -> Iterator[tuple[str, str]]:
        """Yield each method that has a score and its baseline.

        `with_best` gives the learned model a second pair if the reference is not the best.
        """
        for method, (value, _) in self._summaries.items():
            if np.isnan(value):
                continue
            yield method, REFERENCE_BASELINE
            best = self._best_baseline()
            if with_best and method == LEARNED and best != REFERENCE_BASELINE:
                yield method, best

    def _best_baseline(self) -> str:
        best = REFERENCE_BASELINE
        for name in BASELINES:
            if is_better(self._summaries[name][0], self._summaries[best][0], self._metric):
                best = name
        return best

    def is_headline(self, method: str, baseline: str, *, is_overall: bool) -> bool:
        """Say whether a pair is worth a row of results/eval.csv.

        The learned model beside the best geometric baseline is; another method is in the main
        metric alone, over all tasks.
        """
        if method == LEARNED:
            return baseline == self._best_baseline()
        return is_overall and self._metric.name == MAIN_METRIC

    def columns(self, method: str, baseline: str) -> dict[str, Any]:
        """Return the score, its interval and the gain as columns of `ScoreRow`."""
        value, draws = self._summaries[method]
        both = np.isfinite(self._values[method]) & np.isfinite(self._values[baseline])
        shared, shared_draws = self._statistic(np.where(both, self._values[method], np.nan))
        other, other_draws = self._statistic(np.where(both, self._values[baseline], np.nan))
        ci_low, ci_high = interval(draws)
        gain_low, gain_high = interval(self._metric.sign * (shared_draws - other_draws))
        return {
            "value": value,
            "ci_low": ci_low,
            "ci_high": ci_high,
            "baseline": baseline,
            "baseline_value": other,
            "gain": self._metric.sign * (shared - other),
            "gain_low": gain_low,
            "gain_high": gain_high,
        }
