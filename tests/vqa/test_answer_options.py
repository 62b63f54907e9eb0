"""Options of numeric multiple choice: one is right, all differ, and none gives itself away."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from testing.vqa.random_rooms import random_rooms_shard
from testing.vqa.scenes import DEFAULT_MARGINS
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.questions import Question
from workflow_scripts.vqa.answer_options import (
    NO_OPTIONS,
    NumericTruth,
    PlausibleValues,
    add_options,
    clearly_different,
)
from workflow_scripts.vqa.batch import LETTERS
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.solvability import answer_from_options, option_value

NUMERIC = [family for family in FAMILIES if isinstance(family, Numeric)]
CHANCE, MAX_LEAK = 0.25, 0.03
NUM_SCENES, PER_SCENE = 30, 6
# The wrong options of an earlier version: the truth times a factor, or turned by an angle.
FACTORS, TURNS_DEG = np.array([0.35, 0.6, 1.6, 2.5]), np.array([40.0, 80.0, 120.0, 140.0])


def measured_values(family: Numeric, rng: np.random.Generator) -> np.ndarray:
    """Return what some objects of a scene may measure: some values are common, most are not."""
    if family.is_clock:
        return rng.uniform(0, 360, size=30)
    if family.unit == "deg":
        return np.abs(rng.normal(0, 40, size=30)).clip(family.min_value, min(family.max_value, 180))
    values = np.exp(rng.normal(0.0, 0.8, size=30))
    values[:6] = rng.choice([0.45, 0.75, 0.9, 2.0], size=6)
    return values.clip(family.min_value, 20.0)


def chosen_by_difficulty(
    values: np.ndarray, family: Numeric, rng: np.random.Generator
) -> np.ndarray:
    """Return values that questions ask for: of some lengths and sizes more than of others."""
    share = np.ones(len(values))
    if family.unit != "deg":
        share = np.where(values < 1.0, 0.5, np.where(values < 3.0, 1, 4))
    return rng.choice(values, size=PER_SCENE, p=share / share.sum())


def make_question(family: Numeric, scene: int, name: str, letter: str) -> Question:
    """Return the record of a question without its options."""
    return Question.model_construct(
        question_id=name, scene_id=f"house{scene}", split="train", family=family.name,
        form="named", kind="multiple_choice", question="How much?", answer=letter,
        answer_type="multiple_choice", truth=letter, choices=list(LETTERS), options=[],
    )  # fmt: skip


@pytest.fixture(scope="module")
def options_of_shard():
    """Return 3,000 questions and more of all families, with options, and their truths."""
    rng = np.random.default_rng(5)
    plausible, truths, questions = PlausibleValues(), {}, []
    for family in NUMERIC:
        for scene in range(NUM_SCENES):
            values = measured_values(family, rng)
            plausible.add(family, f"house{scene}", values, np.zeros(len(values)))
            for place, value in enumerate(chosen_by_difficulty(values, family, rng)):
                value_and_sigma = float(value), 0.0
                name = f"{family.name}-{scene}-{place}"
                letter = LETTERS[int(rng.integers(4))]
                questions.append(make_question(family, scene, name, letter))
                truths[name] = NumericTruth(family, value_and_sigma, imperial=scene % 4 == 0)
    dropped = Counter()
    finished = add_options(questions, truths, plausible, DEFAULT_MARGINS, dropped, rng)
    return questions, finished, truths, dropped


def test_every_question_has_its_options_or_is_counted(options_of_shard):
    questions, finished, _, dropped = options_of_shard
    assert len(finished) + dropped.total() == len(questions)
    assert {reason for _, _, reason in dropped} <= {NO_OPTIONS}
    assert len(finished) >= 3000
    assert {question.family for question in finished} == {family.name for family in NUMERIC}


def test_one_option_is_right_and_all_differ_clearly(options_of_shard):
    for question in options_of_shard[1]:
        truth = options_of_shard[2][question.question_id]
        right = LETTERS.index(question.truth)
        written = truth.family.write(truth.value_and_sigma[0], imperial=truth.imperial)[0]
        assert question.options[right] == written
        assert len(set(question.options)) == 4
        assert question.question.endswith(
            " ".join(f"{x}: {text}." for x, text in zip(LETTERS, question.options, strict=True))
        )
        if not truth.family.is_clock:
            values = np.array([option_value(text) for text in question.options])
            apart = np.abs(values[:, None] - values)[np.triu_indices(4, 1)]
            rounding = 2 * truth.family.write(values.max(), imperial=truth.imperial)[2]
            if truth.family.unit == "deg":
                assert apart.min() >= DEFAULT_MARGINS.degrees - rounding
            else:
                assert apart.min() >= DEFAULT_MARGINS.ratio * values.min() - rounding


def test_the_truth_is_at_every_rank_equally_often(options_of_shard):
    ranks = Counter()
    for question in options_of_shard[1]:
        values = [option_value(text) for text in question.options]
        ranks[sorted(values).index(values[LETTERS.index(question.truth)])] += 1
    for rank in range(4):
        assert abs(ranks[rank] / ranks.total() - CHANCE) < MAX_LEAK, ranks


def test_options_alone_do_not_tell_the_answer(options_of_shard):
    finished = options_of_shard[1]
    assert np.nanmean(answer_from_options(finished).right) < CHANCE + MAX_LEAK
    groups = defaultdict(list)
    for question in finished:
        family = options_of_shard[2][question.question_id].family
        groups["clock" if family.is_clock else family.unit].append(question)
    for unit, group in groups.items():
        # What chance alone may add to the share of a smaller group.
        spread = 2.5 * np.sqrt(CHANCE * (1 - CHANCE) / len(group))
        assert np.nanmean(answer_from_options(group).right) < CHANCE + max(MAX_LEAK, spread), unit


def test_fixed_factors_would_tell_the_answer(options_of_shard):
    """The check itself finds the leak of options that are the truth times fixed factors."""
    rng = np.random.default_rng(2)
    leaking = []
    for question in options_of_shard[1]:
        truth = options_of_shard[2][question.question_id]
        value, family = truth.value_and_sigma[0], truth.family
        if family.unit == "deg":
            wrong = (value + TURNS_DEG) % (360.0 if family.is_clock else 180.0)
        else:
            wrong = value * FACTORS
        values = rng.permutation(wrong)[:3].tolist()
        values.insert(LETTERS.index(question.truth), value)
        options = [family.write(one, imperial=truth.imperial)[0] for one in values]
        leaking.append(question.model_copy(update={"options": options}))
    assert np.nanmean(answer_from_options(leaking).right) > 0.6


def test_angles_are_told_apart_the_shorter_way_round():
    clock = next(family for family in NUMERIC if family.is_clock)
    values = np.array([5.0, 355.0, 90.0, 180.0])
    different = clearly_different(clock, values, np.zeros(4), DEFAULT_MARGINS)
    assert not different[0, 1]
    assert different[0, 2]
    assert different[1, 3]


def test_an_uncertain_truth_has_wrong_options_further_away():
    width = next(family for family in NUMERIC if family.name == "width")
    values = np.array([1.0, 1.3])
    assert clearly_different(width, values, np.zeros(2), DEFAULT_MARGINS)[0, 1]
    assert not clearly_different(width, values, np.array([0.2, 0.0]), DEFAULT_MARGINS)[0, 1]


def test_questions_about_views_get_options_and_the_same_ones_again(tmp_path):
    shard = random_rooms_shard(tmp_path / "0000.zarr", range(2), size_px=96)
    names = ("height", "width", "centre_distance", "clock_direction", "left_right")
    settings = {"families": names, "questions_per_view": 20, "units": "mixed"}
    once, _ = generate_for_shard(shard, tmp_path / "a" / "procthor", **settings)
    again, _ = generate_for_shard(shard, tmp_path / "b" / "procthor", **settings)
    assert once == again
    questions = [question for question in once if question.kind == "multiple_choice"]
    assert questions
    for question in questions:
        assert len(set(question.options)) == 4
        assert question.question.endswith(f" D: {question.options[3]}.")
    used = {question.image.rsplit("/", 1)[1] for question in once}
    assert used == {path.name for path in (tmp_path / "a" / "procthor" / "0000.images").iterdir()}
