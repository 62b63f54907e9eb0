"""Score an experiment's answers: one row per family, form and metric, beside its baselines."""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import Question, read_questions
from workflow_scripts.common.records import EvalRow, Prediction, table
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records, whole
from workflow_scripts.evaluate.metrics import (
    CHOICE_METRICS,
    METRES_METRICS,
    HouseBootstrap,
    interval,
    score,
)

logger = logging.getLogger(__name__)
CONDITIONS = ("image", "blind", "majority")


def frame(questions: Iterable[Question]) -> pd.DataFrame:
    """Return what scoring needs of questions, a row each, by question id."""
    names = ["scene_id", "family", "form", "answer", "answer_type", "truth", "choices"]
    rows = {
        question.question_id: [getattr(question, name) for name in names] for question in questions
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def answers(paths: list[Path], questions: pd.DataFrame) -> pd.Series:
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

    def commonest(row: pd.Series) -> str:
        found = counts.get((row["family"], row["form"], row["answer_type"]))
        if found is None:
            return ""
        allowed = row["choices"] or list(found.index)
        return min(allowed, key=lambda answer: (-found.get(answer, 0), answer))

    return questions.apply(commonest, axis=1).astype(str)


def scored(questions: pd.DataFrame, texts: pd.Series) -> pd.DataFrame:
    """Return one column per metric for every question; NaN where a metric does not apply."""
    rows = [
        score(text, kind, truth, choices)
        for text, kind, truth, choices in zip(
            texts,
            questions["answer_type"],
            questions["truth"],
            questions["choices"],
            strict=True,
        )
    ]
    metrics = dict.fromkeys((*CHOICE_METRICS, *METRES_METRICS))
    return pd.DataFrame(rows, index=questions.index).reindex(columns=list(metrics))


def summarise(
    questions: pd.DataFrame,
    scores: dict[str, pd.DataFrame],
    *,
    experiment: str,
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
        resample = HouseBootstrap(
            chosen["scene_id"], resamples=bootstrap, rng=rng(seed, "bootstrap", family, form)
        )
        for metric in scores["image"].columns:
            values = {name: scores[name].loc[index, metric].to_numpy() for name in CONDITIONS}
            counted = ~np.isnan(values["image"])
            if metric != "abs_rel" and not counted.any():
                continue
            if metric == "abs_rel" and not (chosen["answer_type"] == "metres").any():
                continue
            value, draws = resample.means(values["image"])
            blind, blind_draws = resample.means(values["blind"])
            majority, _ = resample.means(values["majority"])
            low, high = interval(draws)
            gain_low, gain_high = interval(draws - blind_draws)
            rows.append(
                EvalRow(
                    experiment=experiment,
                    split=split,
                    family=family,
                    form=form,
                    metric=metric,
                    n=int(counted.sum()) or len(chosen),
                    num_houses=resample.num_houses,
                    value=value,
                    ci_low=low,
                    ci_high=high,
                    blind=blind,
                    majority=majority,
                    gain=value - blind,
                    gain_low=gain_low,
                    gain_high=gain_high,
                )
            )
    return rows


def main(
    *,
    questions: Path,
    training: Path,
    image: list[Path],
    blind: list[Path],
    experiment: str,
    split: str,
    bootstrap: int,
    seed: int,
    out: Path,
    families: tuple[str, ...] = (),
) -> None:
    """Score an experiment.

    Args:
        questions: Parquet table of the questions that were asked.
        training: Parquet table of the training questions, for the majority baseline.
        image: Predictions of the model that saw the pictures.
        blind: Predictions of the same model without pictures.
        experiment: Name of the experiment.
        split: Name of the split that the questions come from.
        bootstrap: Resamples of houses for the intervals.
        seed: The workflow's seed.
        out: CSV file to write.
        families: Families of questions that the experiment is about; none given: all.
    """
    asked = frame(read_questions(questions, families=families))
    if asked.empty:
        raise UserError(
            f"{questions}: no questions to score. More houses, or a larger share for the "
            f"{split!r} split (config: sources, splits), give some."
        )
    texts = {
        "image": answers(image, asked),
        "blind": answers(blind, asked),
        "majority": majority_answers(asked, frame(read_questions(training, families=families))),
    }
    rows = summarise(
        asked,
        {name: scored(asked, text) for name, text in texts.items()},
        experiment=experiment,
        split=split,
        bootstrap=bootstrap,
        seed=seed,
    )
    with whole(out) as partial:
        table(rows, EvalRow).to_csv(partial, index=False, float_format="%.6f")
    logger.info("%s: %d rows about %d questions", out, len(rows), len(asked))


if __name__ == "__main__":
    run(main)
