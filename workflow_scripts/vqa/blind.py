"""What a blind answerer scores: the commonest answer to each template, learned on other houses.

A family that a blind answerer does well on teaches a language prior, not sight.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.questions import Question

FOLDS = 5
NUMBER_TOLERANCE = 0.25
"""A number counts as right within this share of the truth, as in SpatialRGPT-Bench."""
NUMBERS = ("metres", "square_metres", "degrees", "clock", "count")
CHOICES = ("choice", "multiple_choice")


@dataclass(frozen=True)
class BlindScore:
    """How many questions of a family, and the share that is right without the picture."""

    n: int
    score: float


def template_of(question: Question) -> str:
    """Return the question without its objects: each referent's phrase becomes its number."""
    text = question.question.casefold()
    phrases = [(one.phrase.casefold(), number) for number, one in enumerate(question.referents)]
    for phrase, number in sorted(phrases, key=lambda pair: -len(pair[0])):
        if phrase:
            text = text.replace(phrase, f"{{{number}}}")
    return text


def blind_scores(questions: Iterable[Question]) -> dict[str, BlindScore]:
    """Return by family what the commonest answer (the median number) to a template scores.

    Houses are dealt to five folds; each fold is answered with what the other four teach. A
    template that they do not know gets the commonest answer of its kind. Places have no score.
    """
    by_family: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        if question.answer_type in (*NUMBERS, *CHOICES):
            by_family[question.family].append(question)
    return {name: _score(asked) for name, asked in sorted(by_family.items())}


def _score(asked: Sequence[Question]) -> BlindScore:
    scenes = sorted({one.scene_id for one in asked})
    fold = {scene: number % FOLDS for number, scene in enumerate(scenes)}
    right, counted = 0, 0
    for number in range(FOLDS):
        mine = [one for one in asked if fold[one.scene_id] == number]
        others = [one for one in asked if fold[one.scene_id] != number]
        if not (mine and others):
            continue
        guesses = _learned(others)
        for one in mine:
            cell = (one.kind, template_of(one))
            guess = guesses.get(cell, guesses.get((one.kind, "")))
            right += guess is not None and _is_right(one, guess)
            counted += 1
    return BlindScore(counted, right / counted if counted else float("nan"))


def _learned(asked: Sequence[Question]) -> dict[tuple[str, str], str | float]:
    """Return the answer to give by (kind, template) and by (kind, '')."""
    truths: dict[tuple[str, str], list[str | float]] = defaultdict(list)
    for one in asked:
        for cell in ((one.kind, template_of(one)), (one.kind, "")):
            truths[cell].append(_answer(one))
    return {cell: _typical(answers) for cell, answers in truths.items()}


def _answer(question: Question) -> str | float:
    """Return the truth as a blind answerer can give it: the place of a choice, or the number."""
    if question.answer_type in NUMBERS:
        return float(question.truth)
    if question.kind == "which" and question.truth in question.choices:
        return f"choice {question.choices.index(str(question.truth))}"
    return str(question.truth)


def _typical(answers: Sequence[str | float]) -> str | float:
    if isinstance(answers[0], float):
        return float(np.median(np.array(answers, dtype=np.float64)))
    counts = Counter(answers)
    return min(counts, key=lambda answer: (-counts[answer], str(answer)))


def _is_right(question: Question, guess: str | float) -> bool:
    truth = _answer(question)
    if isinstance(truth, float) and isinstance(guess, float):
        if question.answer_type == "count":
            return round(guess) == truth
        if question.answer_type == "clock":
            return abs((guess - truth + 6) % 12 - 6) <= 1
        return abs(guess - truth) <= NUMBER_TOLERANCE * abs(truth)
    return truth == guess
