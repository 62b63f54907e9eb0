"""What the words of a question alone say about its answer: linear models of hashed features.

Questions of one family, kind and type of answer share a model. Training questions are answered by
models that were fitted on other houses (cross-fitting), those of other splits by one that was
fitted on all training houses. Choices, letters, counts and hours are classes; a length, an area or
an angle is a regression of its logarithm, right within a quarter of the truth.
"""

import re
import warnings
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from workflow_scripts.common.questions import AnswerType

NUM_FOLDS = 5
NUM_FEATURES = 1 << 18
# Fewer questions to learn from teach no words; more than these are not needed.
MIN_LEARNED, MAX_LEARNED = 40, 20_000
NUMBERS: tuple[AnswerType, ...] = ("metres", "square_metres", "degrees")
CLASSES: tuple[AnswerType, ...] = ("choice", "multiple_choice", "count", "clock")
NUMBER_TOLERANCE = 0.25
_LEAST_NUMBER = 1e-3
_WORD = re.compile(r"\w+|[?:]")


def features(question: str, phrases: Sequence[str]) -> list[int]:
    """Return the hashed features of a question, each once.

    They are its words and pairs of words, its template (`phrases` are what it calls objects, in
    order), and the template with each object, with what the object is, and with all of them.
    What its record names but its words do not, such as all that is counted, is left out.
    """
    text = question.casefold()
    words = _WORD.findall(text)
    found = {
        *words,
        *(f"{first} {second}" for first, second in pairwise(words)),
    }
    objects = list(
        dict.fromkeys(phrase.casefold() for phrase in phrases if phrase.casefold() in text)
    )
    template = template_of(text, objects)
    heads = [phrase.split()[-1] if phrase.strip() else "" for phrase in objects]
    found.add(template)
    for names in (objects, heads):
        found.update(f"{template}|{place}|{name}" for place, name in enumerate(names))
        found.add("|".join(names))
        found.add("|".join((template, *names)))
    return sorted({zlib.crc32(text.encode()) % NUM_FEATURES for text in found})


def answer_of_words(kind: str, choices: Sequence[str], truth: str | float) -> str | float:
    """Return the truth as words can give it: the place of a choice, a class, or a number."""
    if kind == "which" and truth in choices:
        return f"choice {choices.index(str(truth))}"
    return truth


def template_of(text: str, phrases: Sequence[str]) -> str:
    """Return a question in small letters without its objects: each becomes its number."""
    numbered = [(phrase.casefold(), number) for number, phrase in enumerate(phrases)]
    for phrase, number in sorted(numbered, key=lambda pair: -len(pair[0])):
        if phrase:
            text = text.replace(phrase, f"{{{number}}}")
    return text


@dataclass
class QuestionGroup:
    """The questions of a family, kind and type of answer, as one model sees them.

    Attributes:
        is_number: Whether the answer is a quantity, not a class.
        rows: Numbers by which the caller knows the questions.
    """

    is_number: bool
    rows: "array[int]" = field(default_factory=lambda: array("q"))
    _answers: "array[float]" = field(default_factory=lambda: array("d"))
    _classes: dict[str, int] = field(default_factory=dict)
    _folds: "array[int]" = field(default_factory=lambda: array("b"))
    _indices: "array[int]" = field(default_factory=lambda: array("i"))
    _ends: "array[int]" = field(default_factory=lambda: array("q", [0]))

    def add(
        self, row: int, question: str, phrases: Sequence[str], answer: str | float, *, fold: int
    ) -> None:
        """Add a question; `fold` is that of its house, -1 if it is not to be learned from."""
        self.rows.append(row)
        if self.is_number:
            self._answers.append(np.log(max(abs(float(answer)), _LEAST_NUMBER)))
        else:
            self._answers.append(self._classes.setdefault(str(answer), len(self._classes)))
        self._folds.append(fold)
        self._indices.extend(features(question, phrases))
        self._ends.append(len(self._indices))

    @property
    def answers(self) -> np.ndarray:
        """Return logarithms of the numbers, or numbers of the classes, [n]."""
        return np.frombuffer(self._answers)

    @property
    def folds(self) -> np.ndarray:
        """Return the folds of the houses [n]; -1: not to be learned from."""
        return np.frombuffer(self._folds, dtype=np.int8)

    def matrix(self) -> csr_matrix:
        """Return the features [n, m], 1 where a question has them; m of them occur at all."""
        hashes, columns = np.unique(
            np.frombuffer(self._indices, dtype=np.int32), return_inverse=True
        )
        values = np.ones(len(columns), dtype=np.float32)
        ends = np.frombuffer(self._ends, dtype=np.int64)
        return csr_matrix((values, columns, ends), (len(self.rows), len(hashes)))


@dataclass(frozen=True)
class TextOnlyAnswers:
    """What the words alone say about n questions.

    Attributes:
        is_right: Whether the likeliest answer is right [n].
        is_commonest_right: Whether the commonest training answer (the median number) is [n].
        truth_probability: Probability of the true answer [n]; NaN for numbers.
        best_probability: Probability of the likeliest answer [n]; NaN for numbers.
        second_probability: Probability of the next answer [n]; NaN for numbers.
        guess: Logarithm of the number that is guessed [n]; NaN for classes.
    """

    is_right: np.ndarray
    is_commonest_right: np.ndarray
    truth_probability: np.ndarray
    best_probability: np.ndarray
    second_probability: np.ndarray
    guess: np.ndarray


def answer_by_words(group: QuestionGroup, is_kept: np.ndarray) -> TextOnlyAnswers:
    """Answer every question of a group from its words; only kept ones [n] are learned from."""
    answers, folds = group.answers, group.folds
    is_training = is_kept & (folds >= 0)
    commonest = _commonest(answers[is_training], is_number=group.is_number)
    if group.is_number:
        outputs = np.full((len(answers), 1), commonest)
    else:
        outputs = _shares(answers[is_training], len(group._classes))[None].repeat(len(answers), 0)
    if is_training.sum() >= MIN_LEARNED and len(np.unique(folds[is_training])) == NUM_FOLDS:
        matrix = group.matrix()
        for fold in (*range(NUM_FOLDS), -1):
            is_fitted, is_answered = is_training & (folds != fold), folds == fold
            if is_answered.any() and is_fitted.any():
                fitted = _evenly_spaced(np.flatnonzero(is_fitted), MAX_LEARNED)
                outputs[is_answered] = _fit_and_predict(
                    matrix[fitted], answers[fitted], matrix[is_answered], group
                )
    if group.is_number:
        nothing = np.full(len(answers), np.nan)
        return TextOnlyAnswers(
            _is_near(outputs[:, 0], answers),
            _is_near(np.full(len(answers), commonest), answers),
            *(nothing,) * 3,
            guess=outputs[:, 0],
        )
    truth = answers.astype(np.int64)
    ordered = np.sort(outputs, axis=1)
    return TextOnlyAnswers(
        (outputs.argmax(axis=1) == truth) & is_training.any(),
        truth == commonest,
        outputs[np.arange(len(truth)), truth],
        ordered[:, -1],
        ordered[:, -2] if outputs.shape[1] > 1 else np.zeros(len(truth)),
        np.full(len(truth), np.nan),
    )


def _fit_and_predict(
    learned: csr_matrix, answers: np.ndarray, asked_about: csr_matrix, group: QuestionGroup
) -> np.ndarray:
    """Return the numbers [n, 1], or the probabilities of all classes [n, k]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    if group.is_number:
        model = Ridge(alpha=1.0, solver="sparse_cg", tol=1e-3, max_iter=100)
        return np.asarray(model.fit(learned, answers).predict(asked_about))[:, None]
    probabilities = np.zeros((asked_about.shape[0], len(group._classes)))
    known = np.unique(answers).astype(np.int64)
    if len(known) == 1:
        probabilities[:, known] = 1.0
        return probabilities
    classifier = LogisticRegression(C=0.3, max_iter=40, tol=1e-3)
    with warnings.catch_warnings():
        # So many iterations are enough to see what words decide.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(learned, answers)
    probabilities[:, known] = classifier.predict_proba(asked_about)
    return probabilities


def _evenly_spaced(rows: np.ndarray, limit: int) -> np.ndarray:
    """Return at most so many of the rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), limit)).astype(np.int64))]


def _shares(answers: np.ndarray, num_classes: int) -> np.ndarray:
    counts = np.bincount(answers.astype(np.int64), minlength=num_classes).astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0))


def _commonest(answers: np.ndarray, *, is_number: bool) -> float:
    if not len(answers):
        return float("nan")
    return float(np.median(answers) if is_number else np.bincount(answers.astype(int)).argmax())


def _is_near(guess: np.ndarray, answers: np.ndarray) -> np.ndarray:
    truth = np.exp(answers)
    return np.asarray(np.abs(np.exp(guess) - truth) <= NUMBER_TOLERANCE * truth)
