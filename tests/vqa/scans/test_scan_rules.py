"""What may be said of a scan and what is not clear enough, on rooms of a few boxes."""

from collections import Counter

import numpy as np
import pytest

from tests.vqa.scans.recompute import check
from tests.vqa.scans.rooms_by_hand import item, scan_of
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.absent_objects import (
    COMMON_CATEGORIES,
    OTHER_WORDS,
    absent_nouns,
)
from workflow_scripts.vqa.scans.answer_balance import AnswerBalance, equal_numbers
from workflow_scripts.vqa.scans.descriptions import Description, with_adjectives
from workflow_scripts.vqa.scans.generate import generate_samples
from workflow_scripts.vqa.scans.relations import are_alike, clauses_of, next_to, on_top
from workflow_scripts.vqa.scans.scan_context import ScanContext

SETTINGS = ScanQuestionSettings(
    samples_per_type=500, question_types=("grounding", "object_questions", "situated_questions")
)


def samples_of(context: ScanContext, question_type: str, seeds: int = 10) -> list[ScanSample]:
    """Return all that is asked of a type by some seeds; answers are computed again."""
    found = []
    for seed in range(seeds):
        samples, _ = generate_samples(context, SETTINGS, seed=seed)
        check(context, samples)
        found += [sample for sample in samples if sample.question_type == question_type]
    return found


@pytest.mark.parametrize(
    ("second_x", "is_asked"),
    [(3.0, False), (3.2, False), (3.34, True), (5.0, True)],
    ids=["equal", "20 cm", "34 cm and 23 %", "far"],
)
def test_the_nearest_must_be_clearly_nearer(second_x: float, is_asked: bool) -> None:
    context = scan_of(
        item(1, "Bed", (1.5, 1.0), (1.0, 1.0, 0.6)),
        item(2, "Box", (0.0, 1.0), (0.4, 0.4, 0.4)),
        item(3, "Box", (second_x, 1.0), (0.4, 0.4, 0.4)),
    )
    samples = samples_of(context, "nearest")
    assert bool(samples) == is_asked
    assert {sample.targets[0] for sample in samples} <= {2}


def test_something_glimpsed_of_the_same_name_keeps_an_object_from_being_unique() -> None:
    bed, box = item(1, "Bed", (2, 2), (1.5, 2.0, 0.6)), item(2, "Box", (5, 5))
    assert {s.targets[0] for s in samples_of(scan_of(bed, box), "unique")} == {1, 2}
    glimpsed = item(3, "Box", (7, 1), shown=False)
    context = scan_of(bed, box, glimpsed)
    assert {s.targets[0] for s in samples_of(context, "unique")} == {1}
    assert not samples_of(context, "mt")


def test_what_people_call_alike_must_be_ruled_out_by_the_description() -> None:
    desk = item(1, "Desk", (2, 2), (1.2, 0.6, 0.8))
    table = item(2, "DiningTable", (6, 6), (1.4, 0.9, 0.8))
    lamp = item(3, "FloorLamp", (3.0, 2), (0.3, 0.3, 1.6))
    samples = samples_of(scan_of(desk, table, lamp), "unique")
    for sample in samples:
        if sample.targets != [3]:
            assert "next to" in sample.text or "corner" in sample.text or "lamp" in sample.text


def test_similar_colours_decide_nothing() -> None:
    context = scan_of(
        item(1, "Box", (1, 1), colour="brown"),
        item(2, "Box", (6, 6), colour="beige"),
        item(3, "Box", (6, 1), colour="blue"),
    )
    texts = [sample.text for sample in samples_of(context, "multiple")]
    assert any("blue" in text for text in texts)
    assert not any("brown" in text or "beige" in text for text in texts)
    assert are_alike("gray", "white")
    assert not are_alike("blue", "brown")


def test_on_top_next_to_and_neither() -> None:
    desk = item(1, "Desk", (2, 2), (1.2, 0.6, 0.75))
    mug = item(2, "Mug", (2.2, 2), (0.1, 0.1, 0.1), bottom=0.75, parent=1)
    chair = item(3, "Chair", (2, 2.65), (0.5, 0.5, 0.9))
    far = item(4, "Chair", (6, 6), (0.5, 0.5, 0.9))
    near = item(5, "Box", (3.3, 2), (0.4, 0.4, 0.4))
    context = scan_of(desk, mug, chair, far, near)
    assert on_top(context, mug, desk)[0] > 0
    assert on_top(context, chair, desk)[0] == 0
    assert on_top(context, far, desk)[0] < 0
    assert next_to(context, chair, desk)[0] > 0
    assert next_to(context, far, desk)[0] < 0
    # Half a metre is neither beside it nor clearly apart.
    assert next_to(context, near, desk)[0] == 0
    assert next_to(context, mug, desk)[0] == 0


def test_descriptions_of_nothing_are_false_of_everything() -> None:
    context = scan_of(
        item(1, "Desk", (2, 2), (1.2, 0.6, 0.75)),
        item(2, "Mug", (2.2, 2), (0.1, 0.1, 0.1), bottom=0.75, parent=1, colour="red"),
        item(3, "Bed", (6, 6), (1.5, 2.0, 0.6), colour="blue"),
        item(4, "Pillow", (6, 6.5), (0.4, 0.3, 0.1), bottom=0.6, parent=3),
    )
    false = samples_of(context, "zt_w_d")
    assert false
    assert all(sample.targets == [] and "nothing fits" in sample.reasoning for sample in false)
    absent = samples_of(context, "zt_wo_d")
    nouns = {next(iter(sample.evidence)) for sample in absent}
    assert nouns
    assert nouns.isdisjoint({"num_desk", "num_mug", "num_bed", "num_pillow", "num_cup"})


def test_left_and_right_of_someone_with_a_known_place() -> None:
    """The sofa is behind, the television ahead; the lamp is on the left, the plant on the right."""
    context = scan_of(
        item(1, "Sofa", (4, 1), (2.0, 0.9, 0.8)),
        item(2, "Television", (4, 6), (1.0, 0.2, 0.6), bottom=0.5),
        item(3, "FloorLamp", (1, 3), (0.3, 0.3, 1.6)),
        item(4, "HousePlant", (7, 3), (0.4, 0.4, 0.8)),
    )
    samples, _ = generate_samples(context, SETTINGS, seed=1)
    assert samples
    sides = {}
    for seed in range(40):
        for sample in generate_samples(context, SETTINGS, seed=seed)[0]:
            if "back to the sofa, facing the television" in sample.situation:
                assert sample.facing_deg == pytest.approx(90.0)
                assert sample.position_m is not None
                assert sample.position_m[:2] == pytest.approx((4.0, 1.9))
                if sample.answer in ("left", "right"):
                    sides["lamp" if "lamp" in sample.text else "plant"] = sample.answer
    assert sides == {"lamp": "left", "plant": "right"}


def test_what_depends_on_where_exactly_one_stands_is_not_asked() -> None:
    """Around a table one faces the door from all sides; what is beside it is left or right."""
    context = scan_of(
        item(1, "DiningTable", (4, 4), (1.0, 1.0, 0.8)),
        item(2, "Fridge", (4, 7.5), (0.8, 0.8, 1.9)),
        item(3, "GarbageCan", (4.1, 5.8), (0.3, 0.3, 0.5)),
    )
    for seed in range(30):
        for sample in generate_samples(context, SETTINGS, seed=seed)[0]:
            if "dining table" in sample.situation and "fridge" in sample.situation:
                is_beside = "next to" in sample.situation or "by the" in sample.situation
                if is_beside and sample.answer in ("left", "right"):
                    assert "garbage can" not in sample.text


@pytest.mark.parametrize(
    "label",
    [*("椅子", "wooden chairs", "a {x} lamp", "TV", "scissors", "100% cotton rug", "лампа")],
)
def test_labels_of_users_are_written_as_they_are(label: str) -> None:
    context = scan_of(
        item(1, label, (2, 2), colour="red"),
        item(2, "Bed", (6, 6), (1.5, 2.0, 0.6)),
        item(3, "Box", (6, 2)),
        item(4, label, (4, 7), colour="blue"),
    )
    for seed in range(3):
        samples, _ = generate_samples(context, SETTINGS, seed=seed)
        for sample in samples:
            assert "{" not in sample.text + sample.reasoning + sample.situation


@pytest.mark.parametrize("items", [[], [item(1, "RoomDecor", (1, 1))], [item(1, " ", (1, 1))]])
def test_a_scan_without_anything_to_name_asks_nothing(items: list) -> None:
    samples, dropped = generate_samples(scan_of(*items), SETTINGS, seed=0)
    assert samples == []
    assert dropped or not items


def test_clauses_of_a_tie_hold_of_nothing() -> None:
    group = (item(2, "Box", (1, 1)), item(3, "Box", (5, 5)))
    context = scan_of(item(1, "Bed", (3, 3), (1.5, 2.0, 0.6)), *group)
    kinds = {clause.kind for clause in clauses_of(context, group, SETTINGS)}
    assert kinds.isdisjoint({"size", "nearest", "farthest"})


def test_rare_answers_are_drawn_first() -> None:
    balance = AnswerBalance(np.random.default_rng(0))
    options = {"yes": [1, 2, 3, 4, 5, 6, 7, 8, 9], "no": [0]}
    drawn = [balance.draw("is", options) for _ in range(40)]
    assert Counter(answer[0] for answer in drawn if answer) == {"yes": 20, "no": 20}
    only_yes = [balance.draw("is", {"yes": [1]}) for _ in range(5)]
    assert only_yes == [("yes", 1), None, None, None, None]
    assert equal_numbers({"yes": [1, 2], "no": []}, np.random.default_rng(0)) == []
    assert sorted(equal_numbers({"yes": [1], "no": [2, 3]}, np.random.default_rng(0)))[0] == 1


def test_adjectives_stand_where_people_put_them() -> None:
    assert with_adjectives("brown", "pair of boots") == "pair of brown boots"
    assert with_adjectives("tallest", "lamp") == "tallest lamp"
    rng = np.random.default_rng(3)
    texts = {Description("scissors").write(rng) for _ in range(60)}
    assert "These are scissors." in texts
    assert not any(" is " in text or " a " in text for text in texts)


@pytest.mark.parametrize(
    ("label", "noun"),
    [
        *(("couch", "sofa"), ("refrigerator", "fridge"), ("trash can", "garbage can")),
        *(("tv", "television"), ("bookshelf", "shelving unit"), ("nightstand", "side table")),
        *(("office chair", "stool"), ("potted plants", "houseplant"), ("picture", "painting")),
        *(("curtains", "window blind"), ("cushions", "pillow"), ("Chair", "chair")),
    ],
)
def test_what_has_another_name_in_a_scan_is_not_absent(label: str, noun: str) -> None:
    context = scan_of(item(1, label, (2, 2)))
    for place in ("floor", "carried", "wall"):
        assert noun not in absent_nouns(context, place)
        assert len(absent_nouns(context, place)) >= 3


def test_every_common_noun_has_its_other_words() -> None:
    common = {category for names in COMMON_CATEGORIES.values() for category in names}
    assert common == set(OTHER_WORDS)


def test_two_things_that_are_true_of_different_objects_are_false_together() -> None:
    desk = item(1, "Desk", (2, 2), (1.2, 0.6, 0.75))
    bed = item(2, "Bed", (6, 6), (1.5, 2.0, 0.6))
    context = scan_of(
        *(desk, bed),
        item(3, "Book", (2, 2), (0.2, 0.2, 0.05), bottom=0.75, parent=1, colour="blue"),
        item(4, "Book", (6, 6), (0.2, 0.2, 0.05), bottom=0.6, parent=2, colour="red"),
    )
    texts = [sample.text for sample in samples_of(context, "zt_w_d")]
    assert any("blue book" in text and "on the bed" in text for text in texts)
    assert not any("red book" in text and "on the bed" in text for text in texts)
