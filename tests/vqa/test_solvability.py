"""Readers without a picture find what the words or the options give away, and nothing else."""

import numpy as np
import pytest

from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.vqa.batch import LETTERS
from workflow_scripts.vqa.solvability import (
    answer_from_options,
    answer_from_words,
    option_value,
)

NOUNS = ("sofa", "lamp", "table", "vase", "bed", "box")
SIZES_M = dict(zip(NOUNS, (0.8, 1.6, 0.7, 0.3, 0.5, 0.4), strict=True))
NUM_SCENES, PER_SCENE = 40, 8


def make_question(number: int, text: str, truth, *names: str, **fields) -> Question:
    named = [
        Referent(instance=place, object_id=name, category=name, phrase=f"the {name}")
        for place, name in enumerate(names)
    ]
    usual = {
        "question_id": str(number), "source": "s", "scene_id": f"house{number // PER_SCENE}",
        "split": "train", "view": 0, "view_id": "v", "image": "", "family": "taller",
        "form": "named", "kind": "yes_no", "question": text, "answer": str(truth),
        "answer_type": "choice", "choices": ["yes", "no"], "truth": truth, "margin": 1.0,
        "margin_unit": "m", "referents": named,
    }  # fmt: skip
    return Question(**{**usual, **fields})


def pairs(rng):
    for number in range(NUM_SCENES * PER_SCENE):
        one, other = rng.choice(NOUNS, size=2, replace=False).tolist()
        yield number, one, other, rng.choice(["taller", "shorter"])


def taller(number, one, other, word, is_true):
    text = f"Is the {one} {word} than the {other}?"
    return make_question(number, text, "yes" if is_true else "no", one, other)


def test_yes_and_no_that_follow_from_the_nouns_are_known_without_the_picture():
    rng = np.random.default_rng(0)
    leaking = [
        taller(n, one, other, word, (SIZES_M[one] > SIZES_M[other]) == (word == "taller"))
        for n, one, other, word in pairs(rng)
    ]
    answers = answer_from_words(leaking)
    assert np.mean(answers.right) > 0.9
    assert np.mean(answers.confidence) > 0.75
    assert set(answers.chance) == {0.5}
    fair = [taller(n, one, other, word, rng.random() < 0.5) for n, one, other, word in pairs(rng)]
    assert np.mean(answer_from_words(fair).right) < 0.58


def test_a_choice_that_follows_from_the_nouns_is_known_without_the_picture():
    def which(number, one, other, word, is_first):
        return make_question(
            number, f"Which is {word}, the {one} or the {other}?", one if is_first else other,
            one, other, kind="which", choices=[one, other],
        )  # fmt: skip

    rng = np.random.default_rng(1)
    leaking = [
        which(n, one, other, word, (SIZES_M[one] > SIZES_M[other]) == (word == "taller"))
        for n, one, other, word in pairs(rng)
    ]
    assert np.mean(answer_from_words(leaking).right) > 0.85
    fair = [which(n, one, other, word, rng.random() < 0.5) for n, one, other, word in pairs(rng)]
    assert np.mean(answer_from_words(fair).right) < 0.58


def test_sizes_that_follow_from_the_noun_are_known_without_the_picture():
    def height(number, noun, value):
        return make_question(
            number, f"How tall is the {noun}?", value, noun, kind="open", choices=[],
            answer_type="metres", family="height",
        )  # fmt: skip

    rng = np.random.default_rng(2)
    nouns = rng.choice(NOUNS, size=NUM_SCENES * PER_SCENE).tolist()
    answers = answer_from_words(
        [height(n, noun, SIZES_M[noun] * rng.uniform(0.9, 1.1)) for n, noun in enumerate(nouns)]
    )
    assert np.mean(answers.right) > 0.9
    assert np.mean(answers.chance) < 0.6
    spread = [height(n, noun, float(np.exp(rng.normal(0, 1)))) for n, noun in enumerate(nouns)]
    answers = answer_from_words(spread)
    assert np.mean(answers.right) < np.mean(answers.chance) + 0.08


def with_options(number, noun, values, place):
    return make_question(
        number, f"How tall is the {noun}?", LETTERS[place], noun, kind="multiple_choice",
        answer_type="multiple_choice", choices=list(LETTERS), family="height",
        options=[f"{value:.2f} m" for value in values],
    )  # fmt: skip


def test_options_made_from_the_truth_are_known_without_words():
    rng = np.random.default_rng(3)
    questions = []
    for number in range(NUM_SCENES * PER_SCENE):
        truth, place = float(np.exp(rng.normal(0, 0.5))), int(rng.integers(4))
        values = [truth * factor for factor in rng.permutation([0.35, 0.6, 1.6])]
        values.insert(place, truth)
        questions.append(with_options(number, "sofa", values, place))
    answers = answer_from_options(questions)
    assert np.mean(answers.right) > 0.6
    assert set(answers.chance) == {0.25}
    fair = [
        with_options(number, "sofa", np.exp(rng.normal(0, 0.5, size=4)), int(rng.integers(4)))
        for number in range(NUM_SCENES * PER_SCENE)
    ]
    assert np.mean(answer_from_options(fair).right) < 0.33


def test_the_number_of_objects_is_not_given_away_by_the_record():
    rng = np.random.default_rng(4)
    questions = []
    for number in range(NUM_SCENES * PER_SCENE):
        count = int(rng.integers(1, 5))
        questions.append(
            make_question(
                number,
                "How many chairs can you see?",
                float(count),
                *["chair"] * count,
                kind="open",
                answer_type="count",
                choices=[],
                family="count",
            )
        )
    answers = answer_from_words(questions)
    assert np.mean(answers.right) < np.mean(answers.chance) + 0.08


def test_few_questions_and_places_have_no_answer():
    few = [taller(0, "sofa", "bed", "taller", True)]
    for reader in (answer_from_words, answer_from_options):
        answers = reader(few)
        assert np.isnan(answers.right).all()
        assert np.isnan(answers.confidence).all()
        assert len(reader([]).right) == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [("12 cm", 0.12), ("1.24 m", 1.24), ("2 ft", 0.6096), ("30 degrees", 30.0), ("sofa", None)],
)
def test_options_are_read_in_their_unit(text, value):
    assert option_value(text) == pytest.approx(value) if value else np.isnan(option_value(text))
