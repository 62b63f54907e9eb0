"""How many questions a reader answers who never sees the picture: by the words, or the options.

Readers are classifiers that are fitted on the questions of other scenes (five folds) and answer
those of the remaining ones. The first sees all words of a question, the second only the options of
a multiple choice. What they get right above chance says nothing about the picture.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import LogisticRegression, Ridge

from workflow_scripts.common.questions import Question
from workflow_scripts.common.units import FOOT_M, INCH_M, SQUARE_FOOT_M2
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.blind import FOLDS, template_of
from workflow_scripts.vqa.text_only_classifier import (
    CLASSES,
    MIN_LEARNED,
    NUMBERS,
    QuestionGroup,
    answer_by_words,
    answer_of_words,
)

NUM_FEATURES = 1 << 14
# A reader that has fewer questions to learn from has learnt nothing.
MIN_TRAINING = 20
_SCALES = {"cm": 0.01, "in": INCH_M, "ft": FOOT_M, "square feet": SQUARE_FOOT_M2}
_UNKNOWN = float("nan")
# How far a guessed logarithm usually is from that of the truth.
_LOG_SPREAD = 0.3


@dataclass(frozen=True, eq=False)
class BlindAnswers:
    """What a reader that sees no picture answers to n questions.

    `right` [n] is 1 or 0, `chance` [n] what guessing without a classifier scores, `confidence` [n]
    the probability that the reader gives to the truth (of open numbers: 1 where it is right). NaN
    where there is no answer: places in the picture, too few questions of the family.
    """

    right: FloatArray
    chance: FloatArray
    confidence: FloatArray

    @classmethod
    def none(cls, number: int) -> "BlindAnswers":
        """Return no answer to any question."""
        return cls(*(np.full(number, _UNKNOWN) for _ in range(3)))


# Fills in the answers to questions of one kind: rows of training and of test.
Reader = Callable[[Sequence[Question], NDArray[np.int64], NDArray[np.int64], BlindAnswers], None]


def answer_from_words(questions: Sequence[Question]) -> BlindAnswers:
    """Answer questions from their words: who is spoken of, what is asked, which options."""
    answers = BlindAnswers.none(len(questions))
    for (_, kind, answer_type), rows in _groups(
        questions, lambda one: (one.family, one.kind, one.answer_type)
    ):
        if kind == "multiple_choice":
            is_numeric = _is_numeric(questions[rows[0]])
            reader = _read_numeric_options if is_numeric else _read_choices
            _cross_fit(questions, rows, reader, answers)
        elif answer_type in (*NUMBERS, *CLASSES) and len(rows) >= MIN_LEARNED:
            _read_words(questions, rows, answers)
    return answers


def _read_words(
    questions: Sequence[Question], rows: NDArray[np.int64], answers: BlindAnswers
) -> None:
    """Answer questions of one family, kind and type as merging does (`text_only_classifier`)."""
    group = QuestionGroup(is_number=questions[rows[0]].answer_type in NUMBERS)
    folds = _folds(questions, rows)
    for row, fold in zip(rows.tolist(), folds.tolist(), strict=True):
        one = questions[row]
        phrases = [referent.phrase for referent in one.referents]
        truth = answer_of_words(one.kind, one.choices, one.truth)
        group.add(row, one.question, phrases, truth, fold=fold)
    read = answer_by_words(group, np.ones(len(rows), dtype=bool))
    answers.right[rows] = read.is_right
    answers.confidence[rows] = read.is_right if group.is_number else read.truth_probability
    is_choice = questions[rows[0]].answer_type == "choice"
    sizes = [max(len(questions[row].choices), 1) for row in rows.tolist()]
    answers.chance[rows] = 1 / np.array(sizes) if is_choice else read.is_commonest_right


def answer_from_options(questions: Sequence[Question]) -> BlindAnswers:
    """Answer multiple choices from the texts of their options alone; other kinds are left out."""
    answers = BlindAnswers.none(len(questions))
    for (unit, _), rows in _groups(questions, _options_unit):
        if unit:
            reader = _read_option_texts if unit == "words" else _read_option_values
            _cross_fit(questions, rows, reader, answers)
    return answers


def _options_unit(question: Question) -> tuple[str, str]:
    """Return what kind of options a question has: those of one kind are read together."""
    if question.kind != "multiple_choice" or not question.options:
        return "", ""
    if not _is_numeric(question):
        return "words", question.family
    return question.options[0].partition(" ")[2].replace("cm", "m") or "number", ""


def _groups(
    questions: Sequence[Question], key: Callable[[Question], tuple[str, ...]]
) -> Iterable[tuple[tuple[str, ...], NDArray[np.int64]]]:
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, question in enumerate(questions):
        rows[key(question)].append(row)
    return [(name, np.array(group)) for name, group in sorted(rows.items())]


def _cross_fit(
    questions: Sequence[Question],
    rows: NDArray[np.int64],
    reader: Reader,
    answers: BlindAnswers,
) -> None:
    """Answer each fold of scenes with a reader fitted on the others."""
    folds = _folds(questions, rows)
    for fold in range(FOLDS):
        train, test = rows[folds != fold], rows[folds == fold]
        if len(train) >= MIN_TRAINING and len(test):
            reader(questions, train, test, answers)


def _folds(questions: Sequence[Question], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the fold of the scene of each question."""
    scenes = {name: n for n, name in enumerate(sorted({questions[row].scene_id for row in rows}))}
    return np.array([scenes[questions[row].scene_id] % FOLDS for row in rows])


def _words(text: str) -> list[str]:
    return text.casefold().replace("?", "").replace(",", "").replace(":", "").split()


def _question_tokens(question: Question) -> list[str]:
    """Return the words of a question, its objects by place of mention, and both together."""
    template = _words(template_of(question).split(" a: ")[0])
    text = question.question.casefold()
    named = [
        f"{place}={word}"
        for place, referent in enumerate(question.referents)
        for word in (*_words(referent.phrase), referent.phrase.casefold())
        if referent.phrase and referent.phrase.casefold() in text
    ]
    crossed = [f"{word}&{name}" for word in {*template} for name in named or {*template}]
    pairs = [f"{one}+{other}" for one in named for other in named if one < other]
    return [*template, *named, *crossed, *pairs]


def _choice_tokens(question: Question, candidates: Sequence[str], place: int) -> list[str]:
    """Return what is known of one of the candidates beside the others."""
    template = set(_words(template_of(question).split(" a: ")[0]))
    own = [f"c={word}" for word in (*_words(candidates[place]), candidates[place].casefold())]
    others = [
        f"o={word}" for n, text in enumerate(candidates) if n != place for word in _words(text)
    ]
    crossed = [f"{word}&{name}" for word in template for name in (*own, *others)]
    return [f"p={place}", *own, *others, *crossed, *(f"p={place}&{word}" for word in template)]


def _hashed(tokens: Iterable[list[str]]) -> sparse.csr_matrix:
    hasher = FeatureHasher(NUM_FEATURES, input_type="string", alternate_sign=False)
    counts = hasher.transform(tokens)
    counts.data[:] = 1.0
    return counts


def _word_counts(questions: Sequence[Question], rows: NDArray[np.int64]) -> sparse.csr_matrix:
    return _hashed(_question_tokens(questions[row]) for row in rows)


def _classifier() -> LogisticRegression:
    return LogisticRegression(C=0.3, max_iter=300, solver="liblinear")


def _candidates(question: Question) -> tuple[list[str], int]:
    """Return the candidates of a choice and the place of the true one."""
    place = question.choices.index(str(question.truth))
    return (question.options or question.choices), place


def _read_choices(
    questions: Sequence[Question],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    answers: BlindAnswers,
    tokens: Callable[[Question, Sequence[str], int], list[str]] = _choice_tokens,
) -> None:
    rows, truths = [], []
    for row in train:
        candidates, true_place = _candidates(questions[row])
        rows += [tokens(questions[row], candidates, n) for n in range(len(candidates))]
        truths += [n == true_place for n in range(len(candidates))]
    model = _classifier().fit(_hashed(rows), np.array(truths))
    for row in test:
        candidates, true_place = _candidates(questions[row])
        own = _hashed(tokens(questions[row], candidates, n) for n in range(len(candidates)))
        scores = model.predict_proba(own)[:, 1]
        answers.right[row] = scores.argmax() == true_place
        answers.confidence[row] = scores[true_place] / max(scores.sum(), 1e-9)
        answers.chance[row] = 1 / len(candidates)


def _read_option_texts(
    questions: Sequence[Question],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    answers: BlindAnswers,
) -> None:
    def tokens(question: Question, candidates: Sequence[str], place: int) -> list[str]:
        others = [text for n, text in enumerate(candidates) if n != place]
        return [f"p={place}", f"c={candidates[place]}", *(f"o={text}" for text in others)]

    _read_choices(questions, train, test, answers, tokens)


def _fit_logarithm(
    questions: Sequence[Question], train: NDArray[np.int64], values: FloatArray
) -> Callable[[NDArray[np.int64]], FloatArray]:
    """Return what guesses the natural logarithm of the number that questions ask for."""
    model = Ridge(alpha=3.0).fit(_word_counts(questions, train), np.log(np.maximum(values, 1e-3)))
    return lambda rows: np.asarray(model.predict(_word_counts(questions, rows)))


def option_value(text: str) -> float:
    """Return the value of a numeric option in SI units, degrees or hours; NaN if it is none."""
    number, _, unit = text.partition(" ")
    try:
        return float(number) * _SCALES.get(unit, 1.0)
    except ValueError:
        return _UNKNOWN


def _is_numeric(question: Question) -> bool:
    return bool(question.options) and all(
        np.isfinite(option_value(text)) for text in question.options
    )


def _read_numeric_options(
    questions: Sequence[Question],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    answers: BlindAnswers,
) -> None:
    """Guess the number from the words, and take the option next to it."""
    values = []
    for row in train:
        options, place = _candidates(questions[row])
        values.append(option_value(options[place]))
    guesses = _fit_logarithm(questions, train, np.array(values))(test)
    for row, guess in zip(test, guesses.tolist(), strict=True):
        options, place = _candidates(questions[row])
        logs = np.log(np.maximum([option_value(text) for text in options], 1e-3))
        scores = np.exp(-np.abs(logs - guess) / _LOG_SPREAD)
        answers.right[row] = scores.argmax() == place
        answers.confidence[row] = scores[place] / max(scores.sum(), 1e-12)
        answers.chance[row] = 1 / len(options)


def option_features(options: Sequence[str]) -> FloatArray:
    """Return what can be seen of each numeric option beside the others, [options, features]."""
    values = np.array([option_value(text) for text in options])
    logs = np.log(np.maximum(values, 1e-3))
    lengths = np.array([len(text) for text in options])
    digits = np.array([len(text.partition(" ")[0]) for text in options])
    rows = []
    for place, value in enumerate(values):
        others = np.delete(np.arange(len(values)), place)
        steps, ratios = values[others] - value, logs[others] - logs[place]
        rest = (lengths[others], digits[others])
        turns = np.sort(np.abs(steps) % 360)
        rows.append(
            [
                value, logs[place], (values < value).sum(), lengths[place], digits[place], place,
                *np.sort(ratios), *np.sort(steps), *turns, *(np.sort(one).mean() for one in rest),
                np.abs(ratios).min(), np.abs(logs - logs.mean()).argmin() == place,
            ]
        )  # fmt: skip
    return np.array(rows, dtype=float)


def _read_option_values(
    questions: Sequence[Question],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    answers: BlindAnswers,
) -> None:
    families = {name: n for n, name in enumerate(sorted({one.family for one in questions}))}

    def features(rows: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.int64]]:
        numbers = []
        for row in rows:
            own = option_features(questions[row].options)
            family = np.full((len(own), 1), families[questions[row].family])
            numbers.append(np.concatenate([own, family], axis=1))
        return np.array(numbers), np.array([_candidates(questions[row])[1] for row in rows])

    known, true_places = features(train)
    is_true = np.arange(known.shape[1]) == true_places[:, None]
    model = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=30, random_state=0
    )
    model.fit(known.reshape(-1, known.shape[2]), is_true.ravel())
    unseen, true_places = features(test)
    scores = model.predict_proba(unseen.reshape(-1, unseen.shape[2]))[:, 1]
    scores = scores.reshape(len(test), -1)
    answers.right[test] = scores.argmax(axis=1) == true_places
    own_score = scores[np.arange(len(test)), true_places]
    answers.confidence[test] = own_score / np.maximum(scores.sum(axis=1), 1e-9)
    answers.chance[test] = 1 / scores.shape[1]
