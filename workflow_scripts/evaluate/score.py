"""Score an experiment's answers: one row per family, form and metric, beside its baselines."""

import logging
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.records import Prediction, Split
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import iterate_records
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.eval_items import OWN_QUESTIONS, EvalItem, open_items
from workflow_scripts.evaluate.metric import AnswerMetric, is_better
from workflow_scripts.evaluate.metrics import ANSWER_METRICS, score_reply
from workflow_scripts.evaluate.replies import NoReply
from workflow_scripts.evaluate.score_table import ALL, ScoreRow, write_scores
from workflow_scripts.experiments.vlm import VlmScoreSettings

logger = logging.getLogger(__name__)
CONDITIONS = ("image", "blind", "blank", "majority")
COLUMNS = ["scene_id", "family", "form", "answer", "answer_type"]
MAX_KNOWN_SCORES = 200_000
COUNTED = ["family", "form", "answer_type", "answer"]


@dataclass(frozen=True)
class MetricValues:
    """A metric of the questions that it applies to, m of n.

    Attributes:
        rows: Which questions, [m] int64, in order.
        values: By condition, [m]; NaN where the metric needs an answer and none was read.
    """

    rows: np.ndarray
    values: Mapping[str, np.ndarray]

    def of(self, questions: np.ndarray) -> dict[str, np.ndarray]:
        """Return the values of some questions [k] by condition, NaN where it does not apply."""
        places = np.searchsorted(self.rows, questions)
        places[places == len(self.rows)] = 0
        applies = self.rows[places] == questions
        return {
            name: np.where(applies, values[places], np.nan) for name, values in self.values.items()
        }


def questions_frame(items: Iterable[EvalItem]) -> pd.DataFrame:
    """Return what grouping needs of questions, a row each."""
    columns: dict[str, list[str]] = {name: [] for name in ("question_id", *COLUMNS)}
    choices: list[list[str]] = []
    known_choices: dict[tuple[str, ...], list[str]] = {}
    for item in items:
        for name, values in columns.items():
            value = getattr(item, name)
            values.append(value if name == "question_id" else sys.intern(value))
        choices.append(known_choices.setdefault(tuple(item.choices), item.choices))
    frame = pd.DataFrame({name: columns.pop(name) for name in list(columns)}, dtype=str)
    return frame.assign(
        **{name: frame[name].astype("category") for name in COLUMNS},
        choices=pd.Series(choices, dtype=object),
    )


def training_frame(table: Path, families: Sequence[str]) -> pd.DataFrame:
    """Return the columns of the training questions that their commonest answers follow from."""
    questions = QuestionTable(table, columns=COUNTED, families=families)
    columns = {}
    for name in COUNTED:
        codes, texts = questions.codes(name)
        columns[name] = pd.Categorical.from_codes(codes, texts.to_pylist())
    return pd.DataFrame(columns)


def read_answers(paths: list[Path], questions: pd.DataFrame) -> list[str | NoReply]:
    """Return the predicted text of every question, in the order of the questions.

    Raises `UserError` if a question has no answer.
    """
    ids = questions["question_id"].to_list()
    texts: list[str | NoReply | None] = [None] * len(ids)
    reasons: list[str] = []
    place_of: dict[str, int] = {}
    place = 0
    for path in paths:
        for row in iterate_records(path, Prediction):
            # Answers stand in the order of the questions, unless someone has sorted them.
            if place >= len(ids) or ids[place] != row.question_id:
                place_of = place_of or {name: number for number, name in enumerate(ids)}
                place = place_of.get(row.question_id, len(ids))
            if place < len(ids):
                texts[place] = sys.intern(row.text)
                if row.reason:
                    texts[place] = NoReply.of_reason(row.reason)
                    reasons.append(row.reason)
            place += 1
    missing = [name for name, text in zip(ids, texts, strict=True) if text is None]
    if missing:
        raise UserError(
            f"{', '.join(map(str, paths))}: {len(missing)} of {len(ids)} questions have no "
            f"answer, the first is {min(missing)}. Remove the files and run the rule again."
        )
    if reasons:
        logger.warning(
            "%s: %d of %d questions have no reply; %s",
            ", ".join(map(str, paths)),
            len(reasons),
            len(ids),
            most_common_reasons(reasons),
        )
    return cast(list[str | NoReply], texts)


def majority_answers(questions: pd.DataFrame, training: pd.DataFrame) -> pd.Series:
    """Return the most common training answer of each question's family and form, '' if none.

    Of a question with choices it is the most common of its choices, so that "yes" is never the
    baseline of "which". Ties go to the answer that sorts first: order does not matter.
    """
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for (*group, answer), count in training.groupby(COUNTED, observed=True).size().items():
        counts.setdefault(tuple(group), {})[answer] = count

    @cache
    def most_common(group: tuple[str, ...], choices: tuple[str, ...]) -> str:
        group_counts = counts.get(group)
        if group_counts is None:
            return ""
        allowed = choices or tuple(group_counts)
        return min(allowed, key=lambda answer: (-group_counts.get(answer, 0), answer))

    groups = zip(*(questions[name] for name in COUNTED[:3]), strict=True)
    answers = [
        most_common(group, tuple(choices))
        for group, choices in zip(groups, questions["choices"], strict=True)
    ]
    return pd.Series(answers, index=questions.index, dtype=object)


def score_answers(
    items: Iterable[EvalItem], texts: Mapping[str, Sequence[str | NoReply]]
) -> dict[str, MetricValues]:
    """Return every metric that applies to any of the items, by name.

    Items are read once, and kept none; `texts` are the replies to them by condition.
    """
    rows: dict[str, array[int]] = {}
    values: dict[str, dict[str, array[float]]] = {}
    known: dict[tuple[Any, ...], dict[str, float]] = {}
    for number, (item, *replies) in enumerate(zip(items, *texts.values(), strict=True)):
        scores = _score_replies(replies, item, known)
        for name in scores[0]:
            rows.setdefault(name, array("q")).append(number)
            columns = values.setdefault(name, {condition: array("d") for condition in texts})
            for column, score in zip(columns.values(), scores, strict=True):
                column.append(score[name])
    return {
        name: MetricValues(
            np.frombuffer(rows[name], dtype=np.int64),
            {condition: np.frombuffer(column) for condition, column in values[name].items()},
        )
        for name in rows
    }


def _score_replies(
    replies: Sequence[str | NoReply], item: EvalItem, known: dict[tuple[Any, ...], dict[str, float]]
) -> list[dict[str, float]]:
    """Return every metric of each reply; those of a reply and truth that are known are looked up.

    Questions that differ in their words alone have the same scores (`AnswerMetric.measure`).
    """
    if len(known) > MAX_KNOWN_SCORES:
        known.clear()
    texts = (tuple(item.choices), tuple(item.options), tuple(item.boxes))
    sizes = (item.unit_size, item.width_px, item.height_px)
    truth = (item.benchmark, item.answer_type, item.truth, *texts, *sizes)
    scores = []
    for text in replies:
        key = (text, truth)
        if key not in known:
            known[key] = score_reply(text, item)
        scores.append(known[key])
    return scores


def summarise(
    questions: pd.DataFrame,
    scores: Mapping[str, MetricValues],
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
        scores: `score_answers`.
        experiment: Name of the experiment.
        benchmark: Where the questions come from.
        split: Split of the questions.
        resamples: Resamples of scenes for the intervals.
        seed: The workflow's seed.
    """
    by_family = questions.groupby(["family", "form"], observed=True).indices
    by_form = questions.groupby("form", observed=True).indices
    groups: list[tuple[tuple[str, str], np.ndarray]] = [
        *sorted(by_family.items(), key=lambda group: group[0]),
        *(((ALL, form), by_form[form]) for form in sorted(by_form)),
        ((ALL, ALL), np.arange(len(questions))),
    ]
    # Categories are sorted, so codes of scenes sort as their names do.
    scenes = questions["scene_id"].cat.codes.to_numpy()
    for (family, form), rows in groups:
        resample = SceneBootstrap(
            scenes[rows], resamples=resamples, rng=rng(seed, "bootstrap", family, form)
        )
        for metric in ANSWER_METRICS:
            if metric.name not in scores:
                continue
            summary = summarise_metric(metric, scores[metric.name].of(rows), resample)
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
    items = open_items(questions, families=families)
    if not len(items):
        raise UserError(
            f"{questions}: no questions to score. More scenes, or a larger share for the "
            f"{settings.split!r} split (config: sources, splits), give some."
        )
    table = questions_frame(items)
    majority_source = table if training is None else training_frame(training, families)
    texts: dict[str, Sequence[str | NoReply]] = {
        "image": read_answers(image, table),
        "blind": read_answers(blind, table),
        "blank": read_answers(blank, table),
        "majority": majority_answers(table, majority_source).to_list(),
    }
    rows = summarise(
        table,
        score_answers(items, texts),
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
