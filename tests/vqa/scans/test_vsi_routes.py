"""Routes and turns by hand, and what holds for all questions in the form of VSI-Bench."""

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from testing.vqa.scan_contexts import random_context, scan_context, scan_object
from tests.vqa.scans.vsi_answers import contradiction, option
from tests.vqa.scans.vsi_generation import ask
from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.vsi_bench import VSI_TASKS
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types import (
    route_planning,
)
from workflow_scripts.vqa.scans.question_types.vsi_samples import balanced_places, draw_balanced
from workflow_scripts.vqa.scans.routes import free_floor, turn_of
from workflow_scripts.vqa.scans.scan_context import ScanContext


@pytest.mark.parametrize(
    ("angle_deg", "turn", "margin"),
    [
        (0.0, "", 45), (44.0, "", 1), (46.0, "Turn Left", 1), (90.0, "Turn Left", 45),
        (-60.0, "Turn Right", 15), (136.0, "Turn Back", 1), (-180.0, "Turn Back", 45),
    ],
)  # fmt: skip
def test_turns_by_hand(angle_deg: float, turn: str, margin: float) -> None:
    assert turn_of(angle_deg) == (turn, pytest.approx(margin))


def corner_room(*, wall: bool = False) -> ScanContext:
    """Return three objects at the corners of a right angle, and a wall between two of them."""
    objects = [
        scan_object(1, "Bed", (1.0, 1.0), (0.5, 0.5, 0.5)),
        scan_object(2, "Sofa", (5.0, 1.0), (0.5, 0.5, 0.5)),
        scan_object(3, "Fridge", (5.0, 4.0), (0.5, 0.5, 1.8)),
    ]
    hidden = scan_object(9, "ShelvingUnit", (3.0, 1.0), (0.3, 2.0, 1.7), frames=())
    return scan_context(objects, unseen=(hidden,) if wall else ())


def test_a_route_around_a_corner_turns_left() -> None:
    samples, _ = ask("route_planning", corner_room())
    routes = {tuple(one.referents): one for one in samples}
    # Facing the sofa, to the sofa, then to the fridge: north after east.
    assert option(routes[2, 1, 2, 3]) == "Turn Left"
    assert option(routes[2, 3, 2, 1]) == "Turn Right"
    text = routes[2, 1, 2, 3].text
    steps = "1. Go forward until you reach the sofa. 2. [please fill in]. 3. Go forward until you"
    assert f"{steps} reach the fridge. You are at the fridge." in text
    assert not [one for one in samples if contradiction(corner_room(), one)]


def test_no_route_leads_through_what_stands_in_the_way_seen_or_not() -> None:
    context = corner_room(wall=True)
    samples, dropped = ask("route_planning", context)
    legs = {
        pair for one in samples for pair in zip(one.referents[1:], one.referents[2:], strict=False)
    }
    assert not legs & {(1, 2), (2, 1)}
    assert (
        free_floor(context, context.rooms[0]).area
        < free_floor(corner_room(), context.rooms[0]).area
    )
    lone = scan_context([scan_object(1, "Bed", (1, 1))])
    samples, dropped = ask("route_planning", lone)
    assert not samples
    assert dropped == {("route_planning", route_planning.NO_ROUTE): 3}
    samples, dropped = ask("route_planning", replace(corner_room(), rooms=()))
    assert not samples
    assert dropped == {("route_planning", route_planning.NO_ROOM): 1}


def test_at_most_the_number_of_samples_of_the_settings_is_made() -> None:
    settings = ScanQuestionSettings.parse({"samples_per_type": 5})
    for name in VSI_TASKS:
        samples, _ = ask(name, random_context(2), settings)
        counts = Counter(one.question_type for one in samples)
        assert counts
        assert max(counts.values()) <= 5, name


def test_an_answer_that_is_changed_contradicts_the_geometry() -> None:
    context = random_context(4)
    changed = 0
    for name in VSI_TASKS:
        for sample in ask(name, context)[0]:
            if sample.options:
                others = [
                    letter for letter in "ABCD"[: len(sample.options)] if letter != sample.truth
                ]
                truth: str | float = others[0]
            else:
                truth = float(sample.truth) + 1.0
            assert contradiction(context, sample.model_copy(update={"truth": truth})), sample
            changed += 1
    assert changed > 50


def test_draws_are_balanced() -> None:
    rng = np.random.default_rng(3)
    drawn = draw_balanced({"left": range(9), "right": range(20, 24)}, 100, rng)
    assert Counter(key for key, _ in drawn) == {"left": 4, "right": 4}
    assert len(set(drawn)) == 8
    assert len(draw_balanced({"left": range(9), "right": range(9)}, 5, rng)) == 5
    assert draw_balanced({"left": range(9), "right": []}, 5, rng)[0][0] == "left"
    assert draw_balanced({}, 5, rng) == []
    assert Counter(balanced_places(12, 4, rng)) == {0: 3, 1: 3, 2: 3, 3: 3}
    assert balanced_places(0, 4, rng) == []


def test_scans_with_very_many_objects_are_no_problem() -> None:
    objects = [
        scan_object(
            number, f"kind{number}", (0.6 * (number % 20), 0.6 * (number // 20)), (0.3,) * 3
        )
        for number in range(1, 201)
    ]
    context = scan_context(objects, floor_m=((-1, -1), (-1, 7), (13, 7), (13, -1)))
    started = time.process_time()
    for name in VSI_TASKS:
        for sample in ask(name, context)[0]:
            assert not contradiction(context, sample)
    assert time.process_time() - started < 30


@pytest.mark.parametrize("label", ["sofa, red", "диван", "椅子", "x" * 500, "{a}", "100 %", "A|B"])
def test_labels_of_all_kinds_are_named_as_they_are(label: str) -> None:
    context = random_context(6)
    objects = [
        replace(item, category=label, phrase=phrase(label)) if item.category == "Bed" else item
        for item in context.objects
    ]
    context = replace(context, objects=tuple(objects))
    for name in VSI_TASKS:
        for sample in ask(name, context)[0]:
            assert not contradiction(context, sample)
            if name == "obj_appearance_order":
                assert all(len(order.split(", ")) == 4 for order in sample.options)
