"""Questions in the form of VSI-Bench about scans whose answers are computed by hand."""

import math
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from testing.vqa.scan_contexts import random_context, scan_context, scan_object
from tests.vqa.scans.vsi_answers import contradiction, option
from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.vsi_bench import VSI_TASKS
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types import (
    SCAN_QUESTION_TYPES,
    appearance_order,
    counting,
    directions,
    distances,
    route_planning,
    sizes,
)
from workflow_scripts.vqa.scans.question_types.directions import EASY, HARD, MEDIUM
from workflow_scripts.vqa.scans.question_types.vsi_samples import balanced_places, draw_balanced
from workflow_scripts.vqa.scans.routes import free_floor, turn_of
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext

SETTINGS = ScanQuestionSettings()


def ask(
    name: str, context: ScanContext, settings: ScanQuestionSettings = SETTINGS, seed: int = 1
) -> tuple[list[ScanSample], Counter[tuple[str, str]]]:
    """Return the samples of a question type, and what was left out."""
    samples, dropped = [], Counter()
    for sample in SCAN_QUESTION_TYPES[name](context, np.random.default_rng(seed), settings):
        if isinstance(sample, DroppedSample):
            dropped[sample.question_type, sample.reason] += 1
        else:
            samples.append(sample)
    return samples, dropped


def test_objects_are_counted_once_in_however_many_frames_they_are() -> None:
    chairs = [
        scan_object(number, "Chair", (number, 1), (0.5, 0.5, 0.9), frames=(0, 1, 2, 3))
        for number in (1, 2, 3)
    ]
    (sample,), dropped = ask(
        "object_counting", scan_context([*chairs, scan_object(9, "Bed", (3, 4))])
    )
    assert (sample.answer, sample.truth, sample.answer_type) == ("3", 3.0, "count")
    assert sample.evidence == {"count": 3.0, "times_seen": 12.0}
    assert sorted(sample.referents) == [1, 2, 3]
    assert "chairs" in sample.text
    assert not dropped


def test_kinds_of_which_one_is_hardly_seen_or_meant_by_another_noun_are_not_counted() -> None:
    chairs = [scan_object(number, "Chair", (number, 1)) for number in (1, 2)]
    glimpsed = scan_object(3, "Chair", (4, 1), frames=())
    for context in (
        scan_context(chairs, glimpsed=(glimpsed,)),
        scan_context([*chairs, scan_object(4, "ArmChair", (4, 1))]),
    ):
        samples, dropped = ask("object_counting", context)
        assert not samples
        assert dropped == {("object_counting", counting.NOT_CLEAR): 1}
    # What no frame shows does not count.
    (sample,), _ = ask("object_counting", scan_context(chairs, unseen=(glimpsed,)))
    assert sample.answer == "2"


def test_distances_are_those_of_closest_points() -> None:
    # Sides at x = 1.3 and x = 3.0, both 1 m deep; the painting hangs 1.2 m above the safe's top.
    bed = scan_object(1, "Bed", (0.65, 2.0), (1.3, 2.0, 0.5))
    sofa = scan_object(2, "Sofa", (3.5, 2.0), (1.0, 2.0, 0.8))
    (sample,), _ = ask("object_abs_distance", scan_context([bed, sofa]))
    assert (sample.answer, sample.truth, sample.answer_type) == ("1.7", 1.7, "metres")
    assert sample.evidence["distance_m"] == pytest.approx(1.7)
    # 0.9 m apart seen from above, 1.2 m apart in height.
    safe = scan_object(3, "Safe", (1.0, 1.0), (0.4, 0.4, 0.5))
    painting = scan_object(4, "Painting", (2.3, 1.0, 2.0), (0.4, 0.4, 0.6))
    (sample,), _ = ask("object_abs_distance", scan_context([safe, painting]))
    assert sample.evidence["distance_m"] == pytest.approx(1.5)
    # Turned by 45 degrees, its corner comes nearer.
    turned = scan_object(5, "Box", (3.0, 1.0), (1.0, 1.0, 0.5), yaw_deg=45.0)
    (sample,), _ = ask("object_abs_distance", scan_context([safe, turned]))
    assert sample.evidence["distance_m"] == pytest.approx(1.8 - math.sqrt(0.5), abs=1e-4)
    near = scan_object(6, "Toilet", (1.4, 1.0), (0.2, 0.4, 0.5))
    samples, dropped = ask("object_abs_distance", scan_context([safe, near]))
    assert not samples
    assert dropped == {("object_abs_distance", distances.TOO_NEAR): 1}


def row_of_boxes(*right_m: float) -> list:
    """Return a safe at x = 0 and one object of each category at these distances from it."""
    kinds = ("Bed", "Fridge", "Toilet", "HousePlant", "Dresser")
    return [
        scan_object(1, "Safe", (0.0, 0.0), (0.2, 0.2, 0.2)),
        *(
            scan_object(number, kind, (0.1 + right, 2.0 * (number % 2)), (0.0, 9.0, 0.2))
            for number, (kind, right) in enumerate(zip(kinds, right_m, strict=False), 2)
        ),
    ]


def test_the_closest_of_four_is_asked_only_if_it_is_clear() -> None:
    settings = ScanQuestionSettings.parse({"margin_m": 0.25, "margin_ratio": 0.2})
    samples, _ = ask(
        "object_rel_distance", scan_context(row_of_boxes(1.0, 1.3, 2.0, 3.0)), settings
    )
    (sample,) = (one for one in samples if one.referents[0] == 1)
    assert option(sample) == "bed"
    assert sample.margin == pytest.approx(0.3)
    assert sorted(sample.options) == ["bed", "fridge", "houseplant", "toilet"]
    letter = str(sample.truth).lower()
    assert sample.evidence[f"distance_{letter}_m"] == pytest.approx(1.0)
    for second in (1.2, 1.1):  # nearer than 0.25 m or 20 %
        samples, dropped = ask(
            "object_rel_distance", scan_context(row_of_boxes(1.0, second, 2.0, 3.0)), settings
        )
        assert not [one for one in samples if one.referents[0] == 1]
        assert dropped["object_rel_distance", distances.NOT_CLEAR] >= 1
    samples, _ = ask("object_rel_distance", scan_context(row_of_boxes(5.0, 5.9, 7, 8)), settings)
    assert not [one for one in samples if one.referents[0] == 1]


def test_what_rests_on_the_object_is_no_option() -> None:
    boxes = row_of_boxes(0.0, 1.3, 2.0, 3.0, 4.0)
    boxes[1] = replace(boxes[1], parent=1)
    samples, _ = ask("object_rel_distance", scan_context(boxes))
    assert all("bed" not in one.options for one in samples if one.referents[0] == 1)


@pytest.mark.parametrize(
    ("queried", "easy", "medium", "hard"),
    [
        # Standing at the origin and facing +y: 60 degrees to the left, and mirrored.
        ((-3 * math.sin(math.radians(60)), 1.5), "left", "left", "front-left"),
        ((3 * math.sin(math.radians(60)), 1.5), "right", "right", "front-right"),
        # 120 degrees to the left: behind the line of the shoulders, but not at the back.
        ((-3 * math.sin(math.radians(60)), -1.5), "left", "left", "back-left"),
        # 158 degrees to the right.
        ((1.2, -3.0), directions.AT_THE_BACK, "back", "back-right"),
        # 5 degrees, 92 degrees, 140 degrees.
        ((-0.3, 3.4), *[directions.NEAR_BOUNDARY] * 3),
        ((-3.0, -0.1), "left", "left", directions.NEAR_BOUNDARY),
        ((-2.57, -3.06), directions.AT_THE_BACK, directions.NEAR_BOUNDARY, "back-left"),
        ((-3.06, -2.57), *[directions.NEAR_BOUNDARY] * 2, "back-left"),
    ],
)  # fmt: skip
def test_directions_by_hand(
    queried: tuple[float, float], easy: str, medium: str, hard: str
) -> None:
    standing = scan_object(1, "Safe", (0.0, 0.0), (0.1, 0.1, 0.5))
    facing, item = scan_object(2, "Bed", (0.0, 3.0)), scan_object(3, "Sofa", queried)
    for kind, expected in ((EASY, easy), (MEDIUM, medium), (HARD, hard)):
        assert directions.clear_answer(kind, standing, facing, item, 15.0) == expected, kind


def test_a_direction_holds_from_every_side_of_what_one_stands_by() -> None:
    # From the middle of a bed 4 m wide the sofa is to the right, from its right end to the left.
    narrow, wide = (scan_object(1, "Bed", (0, 0), (width, 0.4, 0.5)) for width in (0.4, 4.0))
    facing, item = scan_object(2, "Fridge", (0.0, 3.0)), scan_object(3, "Sofa", (1.5, 0.8))
    assert directions.clear_answer(EASY, narrow, facing, item, 15.0) == "right"
    assert directions.clear_answer(EASY, wide, facing, item, 15.0) == directions.DEPENDS_ON_SIDE


def test_directions_are_asked_in_all_three_forms() -> None:
    objects = [
        scan_object(1, "Safe", (3.0, 2.5), (0.4, 0.4, 0.5)),
        scan_object(2, "Bed", (3.0, 4.5)),
        scan_object(3, "Sofa", (1.0, 3.0)),
    ]
    samples, dropped = ask("object_rel_direction", scan_context(objects))
    assert not [one for one in samples if contradiction(scan_context(objects), one)]
    options = {one.question_type: sorted(one.options) for one in samples}
    assert options == {
        EASY: ["left", "right"],
        MEDIUM: ["back", "left", "right"],
        HARD: ["back-left", "back-right", "front-left", "front-right"],
    }
    by_objects = {tuple(one.referents): one for one in samples if one.question_type == EASY}
    sample = by_objects[1, 2, 3]
    assert option(sample) == "left"
    assert sample.evidence["turn_deg"] == pytest.approx(75.9638, abs=1e-3)
    assert sample.margin == pytest.approx(135 - 75.9638, abs=1e-3)
    assert {kind for kind, _ in dropped} <= {EASY, MEDIUM, HARD}


def test_small_objects_and_high_ones_are_not_stood_by() -> None:
    objects = [
        scan_object(1, "Mug", (3.0, 2.5), (0.1, 0.1, 0.1)),
        scan_object(2, "Bed", (3.0, 4.5)),
        scan_object(3, "Painting", (1.0, 3.0, 1.8), (0.8, 0.1, 0.6)),
        scan_object(4, "CeilingLamp", (2.0, 3.0, 2.3), (0.4, 0.4, 0.3)),
    ]
    samples, _ = ask("object_rel_direction", scan_context(objects))
    assert {one.referents[0] for one in samples} == {2, 3}


def test_the_order_of_appearance_by_hand() -> None:
    kinds = ("Bed", "Fridge", "Toilet", "HousePlant")
    objects = [
        scan_object(number, kind, (number, 1), frames=(first,))
        for number, (kind, first) in enumerate(zip(kinds, (7, 0, 2, 4), strict=True), 1)
    ]
    (sample,), _ = ask("obj_appearance_order", scan_context(objects))
    assert option(sample) == "fridge, toilet, houseplant, bed"
    assert sample.margin == 2.0
    assert sample.margin_unit == "s"
    assert sample.evidence == {
        "first_1_s": 0.0, "first_2_s": 2.0, "first_3_s": 4.0, "first_4_s": 7.0
    }  # fmt: skip
    # A second plant counts from its first frame.
    early = scan_object(9, "HousePlant", (5, 1), frames=(1, 2), first_glimpse_s=1.0)
    samples, dropped = ask(
        "obj_appearance_order",
        scan_context([*objects, early]),
        ScanQuestionSettings.parse({"margin_s": 0.5}),
    )
    assert option(samples[0]) == "fridge, houseplant, toilet, bed"
    # At least 2 s lie between all others, but not between it and the first.
    samples, dropped = ask(
        "obj_appearance_order",
        scan_context([*objects, early]),
        ScanQuestionSettings.parse({"margin_s": 1.5}),
    )
    assert not samples
    assert dropped["obj_appearance_order", appearance_order.NOT_CLEAR] > 0


def test_what_is_glimpsed_before_it_is_seen_has_no_clear_place() -> None:
    kinds = ("Bed", "Fridge", "Toilet", "HousePlant")
    objects = [
        scan_object(number, kind, (number, 1), frames=(2 * number,))
        for number, kind in enumerate(kinds, 1)
    ]
    assert ask("obj_appearance_order", scan_context(objects))[0]
    objects[2] = replace(objects[2], first_glimpse_s=3.0)
    assert not ask("obj_appearance_order", scan_context(objects))[0]


def test_scans_without_times_have_no_order() -> None:
    context = scan_context([scan_object(1, "Bed", (1, 1))])
    context = replace(
        context, frames=tuple(replace(one, timestamp_s=math.nan) for one in context.frames)
    )
    samples, dropped = ask("obj_appearance_order", context)
    assert not samples
    assert dropped == {("obj_appearance_order", appearance_order.NO_TIMES): 1}


def test_sizes_are_of_the_longest_side_in_centimeters() -> None:
    objects = [
        scan_object(1, "Bed", (1, 1), (1.42, 2.038, 0.6), yaw_deg=30.0),
        scan_object(2, "Fridge", (4, 1), (0.8, 0.7, 1.8), is_shown_whole=False),
        scan_object(3, "Pen", (4, 3), (0.01, 0.09, 0.01)),
    ]
    (sample,), dropped = ask("object_size_estimation", scan_context(objects))
    assert (sample.answer, sample.truth, sample.answer_type) == ("204", 204.0, "centimetres")
    assert dropped == {
        ("object_size_estimation", sizes.CUT_OFF): 1,
        ("object_size_estimation", sizes.TOO_SMALL): 1,
    }


def test_rooms_have_the_area_of_their_polygon() -> None:
    # 4 m by 3 m without a corner of 1 m by 2 m.
    corner = ((0, 0), (0, 3), (3, 3), (3, 1), (4, 1), (4, 0))
    context = scan_context([scan_object(1, "Bed", (1, 1))], floor_m=corner)
    (sample,), _ = ask("room_size_estimation", context)
    assert (sample.answer, sample.truth, sample.answer_type) == ("10.0", 10.0, "square_metres")
    both = replace(context, rooms=(*context.rooms, *scan_context(context.objects).rooms))
    (sample,), _ = ask("room_size_estimation", both)
    assert sample.truth == 40.0
    assert "10.00 + 30.00 = 40.00" in sample.reasoning
    for changed, reason in (
        (replace(context, rooms=()), sizes.ROOM_NOT_KNOWN),
        (replace(context, rooms=(replace(context.rooms[0], is_open=True),)), sizes.ROOM_IS_OPEN),
        (replace(context, surface_coverage=0.2), sizes.ROOM_NOT_SHOWN),
        (replace(context, surface_coverage=math.nan), sizes.ROOM_NOT_SHOWN),
    ):
        samples, dropped = ask("room_size_estimation", changed)
        assert not samples
        assert dropped == {("room_size_estimation", reason): 1}


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
