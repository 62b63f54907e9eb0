"""Steps to an answer: every number recomputed from the text itself, and from the boxes."""

import math
import re
from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest

from testing.vqa.clouds import context_of_clouds, five_clouds
from testing.vqa.oracle import Oracle, nearest_in
from testing.vqa.scenes import DEFAULT_MARGINS, DEPTH_M, HEIGHT_M, WIDTH_M, furnished_shard
from tests.vqa import arithmetic
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.questions import Question
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.vqa.batch import ReferringExpressions
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import ALL_FAMILIES, NAMES
from workflow_scripts.vqa.question_generator import NO_REASONING
from workflow_scripts.vqa.reasoning import reasoning_steps
from workflow_scripts.vqa.reasoning.question_instance import NoReasoning, QuestionInstance

# Limits of what counts as the same, as touching, as between; units; parts of a turn and a clock.
CONSTANTS = (
    *(0.03, 0.1, 0.15, 0.5, 1.07, 1.3, 20, 60, 0.2, 0.8, -0.05, 1.05),
    *(100, 0.0254, 0.3048, 0.09290304, 0, 30, 90, 180, 270, 360, 12),
)
# Steps of a family differ by their numbers only.
MOST_OF_A_FAMILY = 8


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return furnished_shard(tmp_path_factory.mktemp("views"))


@pytest.fixture(scope="module")
def generated(views, tmp_path_factory):
    return generate_for_shard(
        views,
        tmp_path_factory.mktemp("a"),
        questions_per_view=200,
        questions_per_pair=40,
        with_reasoning=True,
        units="mixed",
        forms=("named", "marked", "region"),
    )


def test_every_family_has_steps_or_a_reason_why_not(generated):
    without_steps = {
        family.name for family in ALL_FAMILIES if isinstance(family.reasoning, NoReasoning)
    }
    with_steps = {family.name for family in ALL_FAMILIES} - without_steps
    assert with_steps | without_steps == set(NAMES)
    assert all(
        family.reasoning.reason
        for family in ALL_FAMILIES
        if isinstance(family.reasoning, NoReasoning)
    )
    written = {question.family for question in generated[0] if question.reasoning}
    assert written == with_steps
    assert not [
        question
        for question in generated[0]
        if question.family in without_steps and question.reasoning
    ]
    # A question whose steps do not come out as printed is counted, and is rare.
    bare = [
        question
        for question in generated[0]
        if question.family in with_steps and not question.reasoning
    ]
    assert len(bare) == sum(
        question.count for question in generated[1] if question.reason == NO_REASONING
    )
    assert len(bare) < 0.01 * len(generated[0])


def test_every_equation_and_comparison_holds_as_printed(generated):
    count = 0
    for question in generated[0]:
        assert not arithmetic.wrong(question.reasoning), question.reasoning
        count += len(arithmetic.equations(question.reasoning))
    assert count > 500


def test_wrong_arithmetic_is_found():
    assert arithmetic.wrong("1.20 - 0.41 = 0.80, so it is.") == ["1.20 - 0.41 = 0.80"]
    assert not arithmetic.wrong("It is 1.20 - (-0.40) = 1.60 and √(0.30² + (-0.40)²) = 0.50 m.")
    assert arithmetic.wrong("That is atan2(1.00, 1.00) = 44.0 degrees. 2 is more than 3.") == [
        "atan2(1.00, 1.00) = 44.0",
        "2 is more than 3",
    ]
    assert arithmetic.wrong("1.00 is less than 1.00. 27.4 rounds to 28.")


def quantities(oracle: Oracle, question: Question) -> list[float]:
    """Return whatever can be measured of what a question mentions, from the boxes alone."""
    camera_position, right, ahead = oracle.level(question)
    forward = oracle.shard.camera(question.view).world_from_camera[:3, 2]
    found = [
        float(camera_position[2]),
        WIDTH_M,
        DEPTH_M,
        HEIGHT_M,
        question.width_px,
        question.height_px,
    ]
    referents = [oracle.object_at(question, place) for place in range(len(question.referents))]
    for object_at in referents:
        away = object_at.centre - camera_position
        facing = np.array([-math.sin(object_at.yaw), math.cos(object_at.yaw), 0])
        behind = -away * [1, 1, 0]
        turn = math.atan2(facing @ right, facing @ ahead)
        # Counter-clockwise from the way to the camera, seen from above.
        back = math.atan2(behind[0] * facing[1] - behind[1] * facing[0], behind @ facing)
        found += [
            away @ right,
            away @ ahead,
            away @ forward,
            object_at.centre[2],
            object_at.bottom,
            object_at.top,
        ]
        found += [
            *object_at.size,
            math.prod(object_at.size[:2]),
            math.prod(object_at.size),
            *object_at.half,
            *(object_at.half + 0.015),
            max(object_at.size[:2]),
        ]
        found += [
            math.dist(object_at.centre, camera_position),
            math.dist(nearest_in(object_at, camera_position), camera_position),
        ]
        found += [math.degrees(turn) % 360, math.degrees(back) % 360]
        across = (object_at.corners - camera_position) @ right
        found += [across.min(), across.max(), *object_at.box]
    for one, other in permutations(referents, 2):
        axes = [
            (math.cos(other.yaw), math.sin(other.yaw)),
            (-math.sin(other.yaw), math.cos(other.yaw)),
        ]
        found += [abs((one.centre - other.centre)[:2] @ axis) for axis in axes]
        own = (one.corners - other.centre)[:, :2] @ np.array(axes).T
        found += [*np.abs(own).max(axis=0), np.abs(one.corners - other.centre)[:, 2].max()]
    pairs = combinations(range(len(referents)), 2)
    found += [oracle.gap_m(question, *pair) for pair in pairs]
    for referent in question.referents:
        found += referent.pixel or ()
    return [float(value) for value in found]


def test_every_number_is_a_measurement_a_result_or_a_known_limit(generated, views):
    oracle = Oracle(ViewShard.open(views))
    # Places of marks stand in records of questions about them, kinds in no record.
    unknown = {"count", "nth_point_grounding", "nth_box_grounding"}
    checked = Counter()
    for question in generated[0]:
        if question.images or question.family in unknown or not question.reasoning:
            continue
        checked[question.family] += 1
        if checked[question.family] > MOST_OF_A_FAMILY:
            continue
        known = np.array([*quantities(oracle, question), *CONSTANTS])
        found = arithmetic.equations(question.reasoning)
        results = {equation.right.lstrip("-") for equation in found}
        for text in arithmetic.numbers(question.reasoning):
            near = np.abs(known - float(text)).min() <= arithmetic.half(text) + 1e-6
            is_result = text.lstrip("-") in results
            is_hour = re.search(rf"nearest hour is {text}\b", question.reasoning)
            is_rounded = re.search(rf"rounds to {text}\b", question.reasoning)
            assert near or is_result or is_hour or is_rounded, (text, question.reasoning)
    assert len(checked) > 50


def test_steps_lead_to_the_answer(generated):
    for one in generated[0]:
        if not one.reasoning:
            continue
        last = re.split(r"(?<=\.) (?=[^a-z])", one.reasoning)[-1]
        if one.answer_type == "multiple_choice":
            assert last == f"That is option {one.truth}.", one.reasoning
        elif one.kind == "which" and len(one.referents) > 1:
            truth = next(o for o in one.referents if one.truth in (o.mark, o.phrase, o.phrase[4:]))
            assert truth.phrase.lower() in last.lower(), (one.answer, one.reasoning)
        elif one.answer_type in ("metres", "square_metres", "degrees"):
            number = one.answer.split(" ")[0]
            assert float(number) in map(float, arithmetic.numbers(one.reasoning)[-2:]), (
                one.reasoning
            )
        elif one.answer_type in ("point", "box"):
            found = [equation.right for equation in arithmetic.equations(last)]
            assert f"({', '.join(found)})" == one.answer
        elif one.answer_type == "count":
            assert last == f"That makes {one.answer} in all."
        elif one.kind == "which":
            assert one.answer in last, one.reasoning
        if one.kind == "yes_no" and (found := re.search(r", so (.*?) (is|are) \w+", last)):
            first, second = one.referents[:2]
            if one.margin_unit in ("px", "ratio") or one.family in ("above_below", "top_higher"):
                expected = first if one.truth == "yes" else second
                part = "the top of " if one.family == "top_higher" else ""
                assert found[1] == part + expected.phrase, (one.question, one.answer, one.reasoning)


def test_steps_are_sentences_without_slots(generated):
    for question in generated[0]:
        text = question.reasoning
        if text:
            assert re.fullmatch(r"[A-Z<0-9√∛(-].*\.", text), text
            assert not re.search(r"[{}]|  |\.\.|,,|-0\.0+\b(?!\d)|\bthe the\b|None|nan", text), text


def test_questions_are_the_same_with_and_without_steps(views, tmp_path):
    some = {"questions_per_view": 30, "questions_per_pair": 40}
    with_steps, without = (
        generate_for_shard(
            views, tmp_path / name / "procthor", with_reasoning=name == "with", **some
        )[0]
        for name in ("with", "without")
    )
    assert [one.model_copy(update={"reasoning": ""}) for one in with_steps] == without
    assert not any(one.reasoning for one in without)


def test_plural_names_take_plural_verbs():
    view_context = context_of_clouds(five_clouds(200))
    nouns = ("curtains", "scissors", "jeans", "wooden chairs", "glasses")
    expressions = ReferringExpressions(
        [f"the {noun}" for noun in nouns], list(nouns), [True] * len(nouns)
    )
    singular = re.compile(rf"(?:^|\. |, |so |and )the ({'|'.join(nouns)}) (is|reaches)\b", re.I)
    texts = set()
    for found_batch in enumerate_batches(view_context, DEFAULT_MARGINS, seed=1):
        if len(found_batch.batch.objects[0]):
            texts.add(
                reasoning_steps(
                    found_batch.family.reasoning,
                    QuestionInstance(view_context, found_batch.batch, 0, expressions),
                )
            )
    assert len(texts) > 40
    for text in texts:
        assert not singular.search(text), text
    assert any("the curtains are" in text.lower() for text in texts)
