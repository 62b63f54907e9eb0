"""Score an experiment's answers: one row per family, form and metric, beside its baselines."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Prediction, Split
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.eval_items import OWN_QUESTIONS, EvalItem, read_items
from workflow_scripts.evaluate.metric import AnswerMetric, is_better
from workflow_scripts.evaluate.metrics import ANSWER_METRICS, score_reply
from workflow_scripts.evaluate.score_table import ALL, ScoreRow, write_scores
from workflow_scripts.experiments.vlm import VlmScoreSettings

logger = logging.getLogger(__name__)
CONDITIONS = ("image", "blind", "blank", "majority")
COLUMNS = ["scene_id", "family", "form", "answer", "answer_type", "choices"]


def questions_frame(items: list[EvalItem]) -> pd.DataFrame:
    """Return what grouping needs of questions, a row each, by question id."""
    rows = {item.question_id: [getattr(item, name) for name in COLUMNS] for item in items}
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)


def read_answers(paths: list[Path], questions: pd.DataFrame) -> pd.Series:
    """Return the predicted text of every question, by question id.

    Raises `UserError` if a question has no answer.
    """
    texts: dict[str, str] = {}
    for path in paths:
        texts.update({row.question_id: row.text for row in read_records(path, Prediction)})
    missing = questions.index.difference(pd.Index(texts))
    if len(missing):
        raise UserError(
            f"{', '.join(map(str, paths))}: {len(missing)} of {len(questions)} questions have no "
            f"answer, the first is {missing[0]}. Remove the files and run the rule again."
        )
    return pd.Series(texts, dtype=str).loc[questions.index]


def majority_answers(questions: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Return the most common training answer of each question's family and form, '' if none.

    Of a question with choices it is the most common of its choices, so that "yes" is never the
    baseline of "which". Ties go to the answer that sorts first: order does not matter.
    """
    counts = {
        key: group["answer"].value_counts()
        for key, group in training.groupby(["family", "form", "answer_type"])
    }

    def most_common(row: pd.Series) -> str:
        group_counts: pd.Series | None = counts.get(
            (row["family"], row["form"], row["answer_type"])
        )
        if group_counts is None:
            return ""
        allowed = row["choices"] or list(group_counts.index)
        return str(min(allowed, key=lambda answer: (-group_counts.get(answer, 0), answer)))

    return questions.apply(most_common, axis=1).astype(str)


def score_answers(items: list[EvalItem], texts: pd.Series) -> pd.DataFrame:
    """Return one column per metric for every question; NaN where a metric does not apply."""
    rows = [score_reply(text, item) for item, text in zip(items, texts, strict=True)]
    columns = [metric.name for metric in ANSWER_METRICS]
    return pd.DataFrame(rows, index=texts.index).reindex(columns=columns)


def summarise(
    questions: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    *,
    experiment: str,
    benchmark: str,
    split: Split,
    resamples: int,
    seed: int,
) -> Iterator[ScoreRow]:
    """Yield the rows of an experiment: each family and form, then all of a form, then all.

    Args:
        questions: `questions_frame`.
        scores: `score_answers` by condition.
        experiment: Name of the experiment.
        benchmark: Where the questions come from.
        split: Split of the questions.
        resamples: Resamples of scenes for the intervals.
        seed: The workflow's seed.
    """
    groups = [
        *questions.groupby(["family", "form"]).groups.items(),
        *(((ALL, form), index) for form, index in questions.groupby("form").groups.items()),
        ((ALL, ALL), questions.index),
    ]
    for (family, form), index in groups:
        resample = SceneBootstrap(
            questions.loc[index, "scene_id"],
            resamples=resamples,
            rng=rng(seed, "bootstrap", family, form),
        )
        for metric in ANSWER_METRICS:
            values = {name: scores[name].loc[index, metric.name].to_numpy() for name in CONDITIONS}
            summary = summarise_metric(metric, values, resample)
            if summary:
                yield ScoreRow(
                    experiment=experiment,
                    benchmark=benchmark,
                    split=split,
                    family=family,
                    form=form,
                    metric=metric.name,
                    num_scenes=resample.num_scenes,
                    is_headline=metric.is_headline,
                    **summary,
                )


def summarise_metric(
    metric: AnswerMetric, values: Mapping[str, np.ndarray], resample: SceneBootstrap
) -> dict[str, Any] | None:
    """Return the score of a metric beside its baselines, as columns of `ScoreRow`.

    `values` [question] by condition, NaN where the metric does not apply. None where it applies
    to no question, or is 0 for all and omitted.
    """
    if np.isnan(np.stack(list(values.values()))).all():
        return None
    image = values["image"]
    if metric.omit_zero and not image.any():
        return None
    means = {name: resample.means(values[name]) for name in CONDITIONS}
    value, draws = means["image"]
    blank_is_better = is_better(means["blank"][0], means["blind"][0], metric)
    baseline = "blank" if blank_is_better else "blind"
    ci_low, ci_high = interval(draws)
    gain_low, gain_high = interval(metric.sign * (draws - means[baseline][1]))
    majority_low, majority_high = interval(metric.sign * (draws - means["majority"][1]))
    return {
        "n": int((~np.isnan(image)).sum()) or len(image),
        "value": value,
        "ci_low": ci_low,
        "ci_high": ci_high,
        **{name: means[name][0] for name in ("blind", "blank", "majority")},
        "baseline": baseline,
        "baseline_value": means[baseline][0],
        "gain": metric.sign * (value - means[baseline][0]),
        "gain_low": gain_low,
        "gain_high": gain_high,
        "majority_gain": metric.sign * (value - means["majority"][0]),
        "majority_gain_low": majority_low,
        "majority_gain_high": majority_high,
    }


def main(
    *,
    questions: Path,
    image: list[Path],
    blind: list[Path],
    blank: list[Path],
    experiment: str,
    seed: int,
    out: Path,
    settings: VlmScoreSettings,
    training: Path | None = None,
    benchmark: str = OWN_QUESTIONS,
) -> None:
    """Score an experiment's answers.

    Args:
        questions: Parquet table of the questions that were asked, or an imported benchmark.
        image: Predictions of the model that saw the pictures.
        blind: Predictions of the same model asked without pictures.
        blank: Predictions of the same model shown grey pictures.
        experiment: Name of the experiment.
        seed: The workflow's seed.
        out: Parquet file to write, with a CSV file beside it.
        settings: Split, resamples and families of questions.
        training: Parquet table of the training questions, for the majority baseline; without
            one, the most common answer of the questions themselves, which favours the baseline.
        benchmark: Name of the benchmark, 'vqa' for our own questions.
    """
    families = settings.families or ()
    items = list(read_items(questions, families=families))
    if not items:
        raise UserError(
            f"{questions}: no questions to score. More scenes, or a larger share for the "
            f"{settings.split!r} split (config: sources, splits), give some."
        )
    table = questions_frame(items)
    majority_source = (
        table
        if training is None
        else questions_frame(list(read_items(training, families=families)))
    )
    texts = {
        "image": read_answers(image, table),
        "blind": read_answers(blind, table),
        "blank": read_answers(blank, table),
        "majority": majority_answers(table, majority_source),
    }
    rows = summarise(
        table,
        {name: score_answers(items, text) for name, text in texts.items()},
        experiment=experiment,
        benchmark=benchmark,
        split=settings.split,
        resamples=settings.bootstrap_samples,
        seed=seed,
    )
    num_rows = write_scores(out, rows)
    logger.info("%s: %d rows about %d questions", out, num_rows, len(table))


if __name__ == "__main__":
    run(main)
