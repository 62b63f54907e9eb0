"""Score an experiment's answers: one row per family, form and metric, beside its baselines."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import EvalRow, Prediction, records_to_frame
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import atomic_write, read_records
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.eval_items import OWN_QUESTIONS, EvalItem, read_items
from workflow_scripts.evaluate.metrics import METRICS, score

logger = logging.getLogger(__name__)
CONDITIONS = ("image", "blind", "blank", "majority")
COLUMNS = ["scene_id", "family", "form", "answer", "answer_type", "choices"]


def questions_frame(items: list[EvalItem]) -> pd.DataFrame:
    """Return what grouping needs of questions, a row each, by question id."""
    rows = {one.question_id: [getattr(one, name) for name in COLUMNS] for one in items}
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS)


def read_answers(paths: list[Path], questions: pd.DataFrame) -> pd.Series:
    """Return the predicted text of every question, by question id; every one must be there."""
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
    """Return the commonest training answer of each question's family and form, '' if none.

    Of a question with choices it is the commonest of its choices, so that "yes" is never the
    baseline of "which". Ties go to the answer that sorts first: order does not matter.
    """
    counts = {
        key: group["answer"].value_counts()
        for key, group in training.groupby(["family", "form", "answer_type"])
    }

    def most_common(row: pd.Series) -> str:
        found = counts.get((row["family"], row["form"], row["answer_type"]))
        if found is None:
            return ""
        allowed = row["choices"] or list(found.index)
        return min(allowed, key=lambda answer: (-found.get(answer, 0), answer))

    return questions.apply(most_common, axis=1).astype(str)


def score_answers(items: list[EvalItem], texts: pd.Series) -> pd.DataFrame:
    """Return one column per metric for every question; NaN where a metric does not apply."""
    rows = [score(text, one) for one, text in zip(items, texts, strict=True)]
    return pd.DataFrame(rows, index=texts.index).reindex(columns=list(METRICS))


def better(one: float, other: float, metric: str) -> bool:
    """Say whether a value of a metric is better than another one; NaN is worse than anything."""
    if np.isnan(one) or np.isnan(other):
        return not np.isnan(one)
    return one > other if METRICS[metric].better == "higher" else one < other


def summarise(
    questions: pd.DataFrame,
    scores: dict[str, pd.DataFrame],
    *,
    experiment: str,
    benchmark: str,
    split: str,
    bootstrap: int,
    seed: int,
) -> list[EvalRow]:
    """Return the rows of an experiment: each family and form, then all of a form, then all."""
    groups = [
        *questions.groupby(["family", "form"]).groups.items(),
        *((("all", form), index) for form, index in questions.groupby("form").groups.items()),
        (("all", "all"), questions.index),
    ]
    rows = []
    for (family, form), index in groups:
        chosen = questions.loc[index]
        resample = SceneBootstrap(
            chosen["scene_id"], resamples=bootstrap, rng=rng(seed, "bootstrap", family, form)
        )
        asked = scores["image"].loc[index]
        for metric in METRICS:
            values = {name: scores[name].loc[index, metric].to_numpy() for name in CONDITIONS}
            applies = ~np.isnan(np.stack(list(values.values()))).all(axis=0)
            if not applies.any() or (metric == "refusal_rate" and not asked[metric].any()):
                continue
            means = {name: resample.means(values[name]) for name in CONDITIONS}
            value, draws = means["image"]
            baseline = "blank" if better(means["blank"][0], means["blind"][0], metric) else "blind"
            sign = 1.0 if METRICS[metric].better == "higher" else -1.0
            low, high = interval(draws)
            gain_low, gain_high = interval(sign * (draws - means[baseline][1]))
            rows.append(
                EvalRow(
                    experiment=experiment,
                    benchmark=benchmark,
                    split=split,
                    family=family,
                    form=form,
                    metric=metric,
                    n=int((~np.isnan(values["image"])).sum()) or len(chosen),
                    num_scenes=resample.num_scenes,
                    value=value,
                    ci_low=low,
                    ci_high=high,
                    blind=means["blind"][0],
                    blank=means["blank"][0],
                    majority=means["majority"][0],
                    gain=sign * (value - means[baseline][0]),
                    gain_low=gain_low,
                    gain_high=gain_high,
                )
            )
    return rows


def main(
    *,
    questions: Path,
    image: list[Path],
    blind: list[Path],
    blank: list[Path],
    experiment: str,
    split: str,
    bootstrap: int,
    seed: int,
    out: Path,
    training: Path | None = None,
    benchmark: str = OWN_QUESTIONS,
    families: tuple[str, ...] = (),
) -> None:
    """Score an experiment.

    Args:
        questions: Parquet table of the questions that were asked, or an imported benchmark.
        image: Predictions of the model that saw the pictures.
        blind: Predictions of the same model asked without pictures.
        blank: Predictions of the same model shown grey pictures.
        experiment: Name of the experiment.
        split: Name of the split that the questions come from.
        bootstrap: Resamples of scenes for the intervals.
        seed: The workflow's seed.
        out: CSV file to write.
        training: Parquet table of the training questions, for the majority baseline; without
            one, the commonest answer of the questions themselves, which flatters the baseline.
        benchmark: Name of the benchmark, 'vqa' for our own questions.
        families: Families of questions that the experiment is about; none given: all.
    """
    items = list(read_items(questions, families=families))
    if not items:
        raise UserError(
            f"{questions}: no questions to score. More houses, or a larger share for the "
            f"{split!r} split (config: sources, splits), give some."
        )
    asked = questions_frame(items)
    majority_source = (
        asked
        if training is None
        else questions_frame(list(read_items(training, families=families)))
    )
    texts = {
        "image": read_answers(image, asked),
        "blind": read_answers(blind, asked),
        "blank": read_answers(blank, asked),
        "majority": majority_answers(asked, majority_source),
    }
    rows = summarise(
        asked,
        {name: score_answers(items, text) for name, text in texts.items()},
        experiment=experiment,
        benchmark=benchmark,
        split=split,
        bootstrap=bootstrap,
        seed=seed,
    )
    with atomic_write(out) as partial:
        records_to_frame(rows, EvalRow).to_csv(partial, index=False, float_format="%.6f")
    logger.info("%s: %d rows about %d questions", out, len(rows), len(asked))


if __name__ == "__main__":
    run(main)
