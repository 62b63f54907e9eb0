"""Turn errors of methods into rows of the table of scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.seeds import rng
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.models.keypoints.baselines import REFERENCE_BASELINE
from workflow_scripts.models.keypoints.metrics import (
    LOWER_IS_BETTER,
    POINT_METRICS,
)
from workflow_scripts.models.keypoints.score_row import KeypointScoreRow

ALL = "all"
PER_KEYPOINT = ("mpjpe_mm", "median_mm")


@dataclass(frozen=True)
class PointErrors:
    """What methods made of test frames under one condition, a number for each point.

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
    split: str,
    resamples: int,
    seed: int,
    keypoints: bool,
) -> Iterator[KeypointScoreRow]:
    """Yield the rows of one condition: each task, and all; with `keypoints` each of those too.

    Gains are against the reference baseline, in the metric's own unit, positive where better;
    their intervals are paired over episodes. Errors are compared where both have an estimate: a
    method that also dares the hard points must not look worse for it.
    """
    shape = point_errors.known.shape
    episode = np.broadcast_to(point_errors.episode[:, None], shape)
    task = np.broadcast_to(point_errors.task[:, None], shape)
    tasks = sorted(set(point_errors.task))
    groups = [(name, ALL, task == name) for name in tasks]
    if len(tasks) > 1:
        groups.append((ALL, ALL, np.ones(shape, dtype=bool)))
    if keypoints:
        groups += [
            (name, keypoint, (task == name) & (point_errors.keypoint == keypoint))
            for name in tasks
            for keypoint in sorted(set(point_errors.keypoint[(task == name) & point_errors.known]))
        ]
    for family, keypoint, members in groups:
        chosen = members & point_errors.known
        resample = SceneBootstrap(
            episode[chosen], resamples=resamples, rng=rng(seed, "bootstrap", family, keypoint)
        )
        for method in point_errors.errors_mm:
            for metric, values in metric_values(point_errors, method, chosen).items():
                if keypoint != ALL and metric not in PER_KEYPOINT:
                    continue
                statistic = resample.medians if metric == "median_mm" else resample.means
                value, draws = statistic(values)
                if np.isnan(value):
                    continue
                low, high = interval(draws)
                reference = metric_values(point_errors, REFERENCE_BASELINE, chosen)[metric]
                sign = -1 if metric in LOWER_IS_BETTER else 1
                both = np.isfinite(values) & np.isfinite(reference)
                shared_value, shared_draws = statistic(np.where(both, values, np.nan))
                reference_value, reference_draws = statistic(np.where(both, reference, np.nan))
                gain_low, gain_high = interval(sign * (shared_draws - reference_draws))
                yield KeypointScoreRow(
                    experiment=experiment,
                    split=split,
                    family=family,
                    metric=metric,
                    n=int(chosen.sum()),
                    num_scenes=resample.num_scenes,
                    value=value,
                    ci_low=low,
                    ci_high=high,
                    gain=sign * (shared_value - reference_value),
                    gain_low=gain_low,
                    gain_high=gain_high,
                    method=method,
                    keypoint=keypoint,
                    noise=point_errors.noise,
                    views=point_errors.views,
                )


def metric_values(
    point_errors: PointErrors, method: str, chosen: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what is averaged for each metric, a number for each chosen point, NaN = left out."""
    errors = point_errors.errors_mm[method][chosen]
    return {
        **{name: score(errors) for name, score in POINT_METRICS.items()},
        "median_mm": errors,
        "reprojection_px": point_errors.reprojection_px[method][chosen],
        "p_mpjpe_mm": point_errors.procrustes_mm[method][chosen],
    }
