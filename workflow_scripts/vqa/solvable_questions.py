"""Find the questions that their words alone answer, and leave enough of them out.

A painting hangs above a sofa, whatever the picture shows: such a question teaches and tests nothing
about pictures. What the words say is learned from training houses alone, for every split.
"""

import zlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from workflow_scripts.common.checksums import check_if_recorded
from workflow_scripts.common.questions import AnswerType
from workflow_scripts.common.records import SPLITS, Record, Split, records_to_frame
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.vqa.text_only_classifier import (
    CLASSES,
    NUM_FOLDS,
    NUMBERS,
    QuestionGroup,
    TextOnlyAnswers,
    answer_by_words,
    answer_of_words,
)

SolvableHandling = Literal["keep", "balance", "drop"]
# Why a question is left out.
SOLVABLE = "answered by its words alone"
# What one balanced set still gives away, the next round takes.
NUM_ROUNDS = 2
# Words say something of a group of questions only if they score so much more than the commonest
# answer, and by two standard errors; of one question, if they are as sure as this.
MIN_GAIN, MIN_PROBABILITY = 0.03, 0.6
# A question whose answer the words give with this probability is dropped.
DROPPED_PROBABILITY = 0.8
# Questions about numbers are taken together by the number that their words suggest.
NUM_STRATA = 5


class SummarizedReferent(BaseModel):
    """What a question calls an object."""

    phrase: str


class QuestionSummary(BaseModel):
    """Of a line of questions, what merging needs before it writes; the rest is not read."""

    question_id: str
    source: str
    scene_id: str
    split: Split
    family: str
    form: str
    kind: str
    question: str
    answer_type: AnswerType
    choices: list[str]
    truth: str | float
    referents: list[SummarizedReferent]


class TextOnlyRow(Record):
    """One row of `results/vqa/text_only.csv`: what words alone score on a family of questions."""

    family: str
    split: Split
    num_before: int = Field(description="questions that were generated")
    score_before: float = Field(
        description="share that a classifier answers rightly from the words alone; of training "
        "questions one that was fitted on other houses"
    )
    commonest_before: float = Field(
        description="share that the commonest training answer (the median number) is right for"
    )
    num_after: int = Field(description="questions that are kept")
    score_after: float = Field(description="as before, of a classifier fitted on what is kept")
    commonest_after: float


class TextOnlySurvey:
    """All questions as a reader of their words sees them; rows are numbered as they are added."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._groups: dict[tuple[str, str, str], QuestionGroup] = {}
        self._splits = array("b")
        self._draws = array("q")

    def add(self, question: QuestionSummary) -> None:
        """Add the next question."""
        row = len(self._splits)
        self._splits.append(SPLITS.index(question.split))
        self._draws.append(zlib.crc32(f"{self._seed} {question.question_id}".encode()))
        if question.answer_type not in (*NUMBERS, *CLASSES):
            return
        key = (question.family, question.kind, question.answer_type)
        group = self._groups.setdefault(key, QuestionGroup(question.answer_type in NUMBERS))
        scene = f"{question.source} {question.scene_id}"
        is_training = question.split == "train"
        group.add(
            row,
            question.question,
            [referent.phrase for referent in question.referents],
            answer_of_words(question.kind, question.choices, question.truth),
            fold=zlib.crc32(scene.encode()) % NUM_FOLDS if is_training else -1,
        )

    def choose(self, handling: SolvableHandling) -> tuple[np.ndarray, list[TextOnlyRow]]:
        """Return which rows are kept [n] bool, and what words score before and after."""
        is_kept = np.ones(len(self._splits), dtype=bool)
        splits = np.frombuffer(self._splits, dtype=np.int8)
        draws = np.frombuffer(self._draws, dtype=np.int64).astype(np.uint64)
        counts: dict[tuple[str, int], np.ndarray] = {}
        for (family, _, _), group in sorted(self._groups.items()):
            rows = np.frombuffer(group.rows, dtype=np.int64)
            before, kept, after = _choose_of_group(group, draws[rows], handling)
            is_kept[rows] = kept
            for split in range(len(SPLITS)):
                is_of_split = splits[rows] == split
                one = counts.setdefault((family, split), np.zeros(6, dtype=np.int64))
                one += _count_right(before, is_of_split) + _count_right(after, is_of_split & kept)
        return is_kept, [
            TextOnlyRow(
                family=family,
                split=SPLITS[split],
                num_before=before,
                score_before=right / before,
                commonest_before=commonest / before,
                num_after=after,
                score_after=right_after / after if after else float("nan"),
                commonest_after=commonest_after / after if after else float("nan"),
            )
            for (family, split), numbers in sorted(counts.items())
            for before, right, commonest, after, right_after, commonest_after in [numbers.tolist()]
            if before
        ]


def write_text_only(path: Path, rows: Sequence[TextOnlyRow]) -> None:
    """Write the table of what words alone score."""
    with atomic_write(path, checksum=True) as partial:
        records_to_frame(rows, TextOnlyRow).to_csv(partial, index=False, float_format="%.4f")


def read_text_only(path: Path) -> pd.DataFrame:
    """Return the table of what words alone score; `UserError` if it is not what was written."""
    check_if_recorded(path)
    return pd.read_csv(path)


def _count_right(answers: TextOnlyAnswers, is_counted: np.ndarray) -> list[int]:
    columns = (np.ones_like(is_counted), answers.is_right, answers.is_commonest_right)
    return [int((column & is_counted).sum()) for column in columns]


def _choose_of_group(
    group: QuestionGroup, draws: np.ndarray, handling: SolvableHandling
) -> tuple[TextOnlyAnswers, np.ndarray, TextOnlyAnswers]:
    """Return what words say of a group's questions, which are kept, and what they say then."""
    is_kept = np.ones(len(draws), dtype=bool)
    before = after = answer_by_words(group, is_kept)
    for number in range(0 if handling == "keep" else NUM_ROUNDS):
        is_training = is_kept & (group.folds >= 0)
        if not _is_above_commonest(after, is_training):
            break
        if handling == "drop":
            is_kept &= ~_is_decided(after, is_training)
        else:
            is_kept &= _uniform(draws, number) < _keep_probability(after, is_training)
        after = answer_by_words(group, is_kept)
    return before, is_kept, after


def _is_above_commonest(answers: TextOnlyAnswers, is_training: np.ndarray) -> bool:
    count = int(is_training.sum())
    if not count:
        return False
    right = answers.is_right[is_training].mean()
    commonest = answers.is_commonest_right[is_training].mean()
    error = np.sqrt(max(right * (1 - right), 1e-4) / count)
    return bool(right - commonest > max(MIN_GAIN, 2 * error))


def _keep_probability(answers: TextOnlyAnswers, is_training: np.ndarray) -> np.ndarray:
    """Return the probability that each question is kept [n], so that words decide no more.

    Of questions with the same words, the likeliest answer is then as frequent as the next. Of
    numbers, those near the one that the words suggest are as frequent as those near the median.
    """
    if np.isnan(answers.guess).all():
        is_sure = answers.best_probability >= MIN_PROBABILITY
        ratio = answers.second_probability / np.maximum(answers.truth_probability, 1e-9)
        return np.where(is_sure & answers.is_right, np.minimum(ratio, 1), 1.0)
    base = float(answers.is_commonest_right[is_training].mean())
    probability = np.ones(len(is_training))
    for stratum in _strata(answers.guess, is_training):
        right = float(answers.is_right[stratum & is_training].mean())
        if base < right:
            kept_share = base * (1 - right) / max(right * (1 - base), 1e-9)
            probability[stratum & answers.is_right] = kept_share
    return probability


def _is_decided(answers: TextOnlyAnswers, is_training: np.ndarray) -> np.ndarray:
    """Return which questions the words decide [n], whether rightly or wrongly."""
    if np.isnan(answers.guess).all():
        return np.asarray(answers.best_probability >= DROPPED_PROBABILITY)
    is_decided = np.zeros(len(is_training), dtype=bool)
    for stratum in _strata(answers.guess, is_training):
        right = float(answers.is_right[stratum & is_training].mean())
        is_decided |= stratum & (right >= DROPPED_PROBABILITY)
    return is_decided


def _strata(guess: np.ndarray, is_training: np.ndarray) -> Sequence[np.ndarray]:
    """Return masks of questions with like guesses [n]; each has training questions."""
    bounds = np.quantile(guess[is_training], np.linspace(0, 1, NUM_STRATA + 1)[1:-1])
    number = np.searchsorted(bounds, guess)
    masks = [number == stratum for stratum in range(NUM_STRATA)]
    return [mask for mask in masks if (mask & is_training).any()]


def _uniform(draws: np.ndarray, number: int) -> np.ndarray:
    """Return a number in [0, 1) for every question [n], another in every round."""
    mixed = (draws + np.uint64(number + 1)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
