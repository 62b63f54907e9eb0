"""Rows of the table of scores: a model, the same model without the picture, and its baselines."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.records import Split
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.metric import RoomMetric, is_better
from workflow_scripts.evaluate.reconstruction.method_scores import Key, MethodScore, MethodScores
from workflow_scripts.evaluate.reconstruction.room_metrics import ROOM_METRICS
from workflow_scripts.evaluate.reconstruction.room_values import ALL, HIDDEN, TARGET, VISIBLE
from workflow_scripts.evaluate.score_table import AGAINST, LEARNED, NAN, ScoreRow

BENCHMARK = "rooms"
BASELINES = ("retrieval", "measured")
RIVALS = ("blind", "retrieval")
MAIN_METRICS = ("f1_50cm", "f1_1m")
CATEGORY = "category "


@dataclass(frozen=True)
class RowTemplate:
    """What all rows of an experiment have in common."""

    experiment: str
    split: Split
    headline_groups: Collection[str]


def score_rows(
    methods: Mapping[str, MethodScores],
    resample: SceneBootstrap,
    template: RowTemplate,
    categories: Mapping[str, str],
) -> Iterator[ScoreRow]:
    """Yield the rows of an experiment, metric by metric in the order of the table.

    `methods` has `learned`, and `blind`, `blank` and the baselines where there are any.
    `categories` are those that have true objects that are visible, and their names.

    The gain is against the better of blind and retrieval, positive where the model is better, and
    paired over houses. Baselines that need no model have rows of their own.
    """
    known = {metric.name: metric for metric in ROOM_METRICS}
    groups = [ALL, VISIBLE, HIDDEN, TARGET, *(f"{CATEGORY}{label}" for label in sorted(categories))]
    for group in groups:
        family = categories.get(group.removeprefix(CATEGORY), group)
        for name, metric in known.items():
            for method in (LEARNED, *BASELINES):
                score = methods.get(method, {}).get((group, name))
                if score is None or np.isnan(score.value) or (group, name) not in methods[LEARNED]:
                    continue
                yield _row(methods, (group, name), method, metric, resample, template, family)


def _row(
    methods: Mapping[str, MethodScores],
    key: Key,
    method: str,
    metric: RoomMetric,
    resample: SceneBootstrap,
    template: RowTemplate,
    family: str,
) -> ScoreRow:
    score = methods[method][key]
    ci_low, ci_high = interval(score.resampled)
    beside: dict[str, object] = {}
    if method == LEARNED:
        beside = {name: _value(methods.get(name, {}), key) for name in ("blind", "blank")}
        beside |= _gain(methods, key, metric)
    return ScoreRow(
        experiment=template.experiment,
        benchmark=BENCHMARK,
        split=template.split,
        family=family,
        method=method,
        metric=metric.name,
        n=score.num_rooms,
        num_scenes=resample.num_scenes,
        value=score.value,
        ci_low=ci_low,
        ci_high=ci_high,
        is_headline=_is_headline(metric, key[0], method, template),
        **beside,
    )


def _is_headline(metric: RoomMetric, group: str, method: str, template: RowTemplate) -> bool:
    if not metric.is_headline:
        return False
    if group not in ((ALL,) if metric.objects == ("rooms",) else template.headline_groups):
        return False
    return method == LEARNED or metric.name in MAIN_METRICS


def comparison_rows(
    ours: MethodScores,
    others: MethodScores,
    other: str,
    resample: SceneBootstrap,
    template: RowTemplate,
) -> Iterator[ScoreRow]:
    """Yield the headline scores of an experiment beside those of another one on the same rooms."""
    for group in dict.fromkeys((*template.headline_groups, ALL)):
        for metric in ROOM_METRICS:
            key = (group, metric.name)
            is_known = all(np.isfinite(_value(scores, key)) for scores in (ours, others))
            if not is_known or not _is_headline(metric, group, LEARNED, template):
                continue
            row = _row({LEARNED: ours}, key, LEARNED, metric, resample, template, group)
            gain = _gain_over(ours[key], others[key], other, metric)
            yield row.model_copy(update={"method": f"{AGAINST}{other}", **gain})


def _gain(methods: Mapping[str, MethodScores], key: Key, metric: RoomMetric) -> dict[str, object]:
    rivals = [name for name in RIVALS if not np.isnan(_value(methods.get(name, {}), key))]
    if not rivals:
        return {}
    best = rivals[0]
    for name in rivals[1:]:
        if is_better(_value(methods[name], key), _value(methods[best], key), metric):
            best = name
    return _gain_over(methods[LEARNED][key], methods[best][key], best, metric)


def _gain_over(
    ours: MethodScore, other: MethodScore, name: str, metric: RoomMetric
) -> dict[str, object]:
    low, high = interval(metric.sign * (ours.resampled - other.resampled))
    return {
        "baseline": name,
        "baseline_value": other.value,
        "gain": metric.sign * (ours.value - other.value),
        "gain_low": low,
        "gain_high": high,
    }


def _value(scores: MethodScores, key: Key) -> float:
    score: MethodScore | None = scores.get(key)
    return NAN if score is None else score.value
