"""The blind score: the commonest answer to each template, learned on other scenes.

A family with a high blind score teaches a language prior, not vision.
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
    phrases = [
        (referent.phrase.casefold(), number) for number, referent in enumerate(question.referents)
    ]
    for phrase, number in sorted(phrases, key=lambda pair: -len(pair[0])):
        if phrase:
            text = text.replace(phrase, f"{{{number}}}")
    return text


def blind_scores(questions: Iterable[Question]) -> dict[str, BlindScore]:
    """Return by family what the commonest answer (the median number) to a template scores.

    Scenes are split into five folds; each is answered with the answers of the other four. A
    template that they do not know gets the commonest answer of its kind. Places have no score.
    """
    by_family: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        if question.answer_type in (*NUMBERS, *CHOICES):
            by_family[question.family].append(question)
    return {name: _score(questions) for name, questions in sorted(by_family.items())}


def _score(questions: Sequence[Question]) -> BlindScore:
    scenes = sorted({question.scene_id for question in questions})
    fold = {scene: number % FOLDS for number, scene in enumerate(scenes)}
    right, counted = 0, 0
    for number in range(FOLDS):
        fold_questions = [question for question in questions if fold[question.scene_id] == number]
        training_questions = [
            question for question in questions if fold[question.scene_id] != number
        ]
        if not (fold_questions and training_questions):
            continue
        guesses = _fit_answers(training_questions)
        for question in fold_questions:
            template_key = (question.kind, template_of(question))
            guess = guesses.get(template_key, guesses.get((question.kind, "")))
            right += guess is not None and _is_right(question, guess)
            counted += 1
    return BlindScore(counted, right / counted if counted else float("nan"))


def _fit_answers(questions: Sequence[Question]) -> dict[tuple[str, str], str | float]:
    """Return the answer to give by (kind, template) and by (kind, '')."""
    truths: dict[tuple[str, str], list[str | float]] = defaultdict(list)
    for question in questions:
        for template_key in ((question.kind, template_of(question)), (question.kind, "")):
            truths[template_key].append(_blind_answer(question))
    return {template_key: _most_common_answer(answers) for template_key, answers in truths.items()}


def _blind_answer(question: Question) -> str | float:
    """Return the truth as a blind answerer can give it: the place of a choice, or the number."""
    if question.answer_type in NUMBERS:
        return float(question.truth)
    if question.kind == "which" and question.truth in question.choices:
        return f"choice {question.choices.index(str(question.truth))}"
    return str(question.truth)


def _most_common_answer(answers: Sequence[str | float]) -> str | float:
    if isinstance(answers[0], float):
        return float(np.median(np.array(answers, dtype=np.float64)))
    counts = Counter(answers)
    return min(counts, key=lambda answer: (-counts[answer], str(answer)))


def _is_right(question: Question, guess: str | float) -> bool:
    truth = _blind_answer(question)
    if isinstance(truth, float) and isinstance(guess, float):
        if question.answer_type == "count":
            return round(guess) == truth
        if question.answer_type == "clock":
            return abs((guess - truth + 6) % 12 - 6) <= 1
        return abs(guess - truth) <= NUMBER_TOLERANCE * abs(truth)
    return truth == guess
