"""Questions in the form of VSI-Bench about scans whose answers are computed by hand."""

import math
from collections import Counter
from dataclasses import replace

import pytest

from testing.vqa.scan_contexts import scan_context, scan_object
from tests.vqa.scans.vsi_answers import contradiction, option
from tests.vqa.scans.vsi_generation import ask
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types import (
    appearance_order,
    counting,
    directions,
    distances,
    sizes,
)
from workflow_scripts.vqa.scans.question_types.directions import EASY, HARD, MEDIUM


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
    (sample,), _ = ask("object_counting", scan_context(chairs, unseen=(glimpsed,)), seed=3)
    assert sample.answer == "2"


def test_two_of_a_kind_are_not_asked_about_more_often_than_more() -> None:
    """Most kinds that there are several of are there twice; else "two" would mostly be right."""
    two = scan_context([scan_object(number, "Chair", (number, 1)) for number in (1, 2)])
    three = scan_context([scan_object(number, "Chair", (number, 1)) for number in (1, 2, 3)])
    drawn = [ask("object_counting", two, seed=seed) for seed in range(200)]
    assert 30 <= sum(bool(samples) for samples, _ in drawn) <= 70
    reasons = Counter(reason for _, dropped in drawn for reason in dropped.elements())
    left_out = sum(not samples for samples, _ in drawn)
    assert reasons == {("object_counting", counting.USUAL_COUNT): left_out}
    assert all(ask("object_counting", three, seed=seed)[0] for seed in range(20))


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
