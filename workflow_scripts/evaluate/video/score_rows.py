"""Rows of the table of scores: a model beside itself without frames, and beside other models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.records import Split
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.vsi_bench import VSI_TASKS
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.metric import AnswerMetric, Metric, ScanMetric
from workflow_scripts.evaluate.metrics import METRICS
from workflow_scripts.evaluate.score_table import AGAINST, ALL, LEARNED, ScoreRow
from workflow_scripts.evaluate.video.majority import MAJORITY
from workflow_scripts.evaluate.video.sample_scores import SampleScores
from workflow_scripts.evaluate.video.scored_samples import ScoredSamples

GENERATED, BENCHMARK = "generated", "scan_samples"
BLIND = "blind"
MethodScores = Mapping[str, SampleScores]
_OF_THE_SCORE = {
    *("experiment", "benchmark", "split", "family", "metric", "n", "num_scenes"),
    *("value", "ci_low", "ci_high", "is_headline"),
}


@dataclass(frozen=True)
class RowTemplate:
    """What all rows of an experiment have in common."""

    experiment: str
    split: Split
    resamples: int
    seed: int


@dataclass(frozen=True)
class Group:
    """Samples with rows of their own: of a data set (`benchmark`) all, or of a type (`family`)."""

    benchmark: str
    family: str
    rows: np.ndarray


def groups(samples: Sequence[ScanSample]) -> list[Group]:
    """Return the groups of samples: types of questions, tasks of several types, whole data sets."""
    datasets = np.array([sample.dataset for sample in samples])
    types = np.array([sample.question_type for sample in samples])
    found = []
    for dataset in dict.fromkeys(datasets.tolist()):
        name = BENCHMARK if dataset == GENERATED else dataset
        is_own = datasets == dataset
        kinds = sorted(set(types[is_own].tolist()))
        parts: dict[str, tuple[str, ...]] = {kind: (kind,) for kind in kinds}
        for task, members in VSI_TASKS.items():
            if len(set(members) & set(kinds)) > 1:
                parts[task] = members
        for family, members in parts.items():
            found.append(Group(name, family, np.flatnonzero(is_own & np.isin(types, members))))
        found.append(Group(name, ALL, np.flatnonzero(is_own)))
    return found


def score_rows(
    scored: ScoredSamples,
    methods: Mapping[str, MethodScores],
    compared: Mapping[str, MethodScores],
    template: RowTemplate,
) -> Iterator[ScoreRow]:
    """Yield the rows of an experiment, group by group.

    The gain is against the same model without frames, paired over scans. A row "against X" has the
    gain over experiment X, of headline metrics.

    Args:
        scored: The samples.
        methods: The metrics of the model (`learned`), and of `blind` and `majority` where known.
        compared: The metrics of other experiments by name.
        template: What all rows have in common.
    """
    scans = np.array(scored.scans)
    for group in groups(scored.samples):
        resample = SceneBootstrap(
            scans[group.rows],
            resamples=template.resamples,
            rng=rng(template.seed, "bootstrap", group.benchmark, group.family),
        )
        for name, metric in METRICS.items():
            if name not in methods[LEARNED]:
                continue
            row = _row(group, metric, methods, resample, template)
            if row is None:
                continue
            yield row
            for other, scores in compared.items() if metric.is_headline else ():
                gain = _gain(group, metric, methods[LEARNED], scores, resample)
                if gain:
                    against = {"method": f"{AGAINST}{other}", "baseline": other, **gain}
                    plain = row.model_dump(include=_OF_THE_SCORE)
                    yield ScoreRow.model_validate({**plain, **against})


def _row(
    group: Group,
    metric: Metric,
    methods: Mapping[str, MethodScores],
    resample: SceneBootstrap,
    template: RowTemplate,
) -> ScoreRow | None:
    """Return the row of a metric of a group; None where it has no value there."""
    scores = methods[LEARNED][metric.name]
    value, draws = scores.score(group.rows, resample)
    num_samples = int(scores.applies[group.rows].sum())
    is_omitted = isinstance(metric, AnswerMetric) and metric.omit_zero and value == 0
    if np.isnan(value) or not num_samples or is_omitted:
        return None
    ci_low, ci_high = interval(draws)
    is_left_out = isinstance(metric, ScanMetric) and metric.is_overall and group.family != ALL
    beside: dict[str, object] = {}
    blind = _gain(group, metric, methods[LEARNED], methods.get(BLIND, {}), resample)
    if blind:
        beside = {"blind": blind["baseline_value"], "baseline": BLIND, **blind}
    majority = _gain(group, metric, methods[LEARNED], methods.get(MAJORITY, {}), resample)
    if majority:
        beside["majority"] = majority["baseline_value"]
        for end in ("", "_low", "_high"):
            beside[f"majority_gain{end}"] = majority[f"gain{end}"]
    return ScoreRow(
        experiment=template.experiment,
        benchmark=group.benchmark,
        split=template.split,
        family=group.family,
        metric=metric.name,
        n=num_samples,
        num_scenes=resample.num_scenes,
        value=value,
        ci_low=ci_low,
        ci_high=ci_high,
        is_headline=metric.is_headline and not is_left_out,
        **beside,
    )


def _gain(
    group: Group,
    metric: Metric,
    scores: MethodScores,
    others: MethodScores,
    resample: SceneBootstrap,
) -> dict[str, float]:
    """Return the score of another method and the gain over it; nothing where it has no score."""
    if metric.name not in others:
        return {}
    value, draws = scores[metric.name].score(group.rows, resample)
    other, other_draws = others[metric.name].score(group.rows, resample)
    if np.isnan(other):
        return {}
    low, high = interval(metric.sign * (draws - other_draws))
    gain = metric.sign * (value - other)
    return {"baseline_value": other, "gain": gain, "gain_low": low, "gain_high": high}
