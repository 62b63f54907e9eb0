"""Which proposed objects are kept: labels, confidence, area, border, duplicates, nesting."""

from dataclasses import replace

import numpy as np
import pytest

from workflow_scripts.views.images.proposal_filter import (
    ProposalLimits,
    border_sides,
    clean_label,
    filter_proposals,
    iou,
)
from workflow_scripts.views.images.proposals import Proposal

LIMITS = ProposalLimits(
    min_confidence=0.3,
    min_mask_score=0.5,
    min_pixels=10,
    max_area_share=0.75,
    max_border_sides=2,
    duplicate_iou=0.5,
    max_words=4,
    max_objects=10,
    exclude_labels=("floor", "wall"),
)


def proposal(
    rows: tuple[int, int] = (10, 20),
    columns: tuple[int, int] = (10, 20),
    label: str = "box",
    confidence: float = 0.9,
    **changes: object,
) -> Proposal:
    mask = np.zeros((40, 60), bool)
    mask[slice(*rows), slice(*columns)] = True
    box = (float(columns[0]), float(rows[0]), float(columns[1]), float(rows[1]))
    return Proposal(label, confidence, box, mask, **changes)


def reasons(*proposals: Proposal, **changes: object) -> list[str]:
    chosen = filter_proposals(proposals, content_area=40 * 60, limits=replace(LIMITS, **changes))
    assert len(chosen) == len(proposals)
    for given, checked in zip(proposals, chosen, strict=True):
        assert checked.mask is given.mask
        assert checked.box == given.box
        assert checked.label == clean_label(given.label)
    return [checked.reason.split(":")[0] for checked in chosen]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("the red chair", "red chair"),
        ("A  box.", "box"),
        ("</s>an old lamp<s>", "old lamp"),
        ("this", "this"),
        ("a", "a"),
        ("a the box", "box"),
        ("ein\nStuhl", "ein Stuhl"),
        ("赤い椅子", "赤い椅子"),
        ("стул\x00", "стул"),
        ("'mug'", "mug"),
        ("...", ""),
        ("", ""),
    ],
)
def test_labels_become_phrases(text, label):
    assert clean_label(text) == label


@pytest.mark.parametrize(
    "label",
    [
        "",
        "...",
        "<pad>",
        "\n",
        "a man walking past a very large rack",
        "there is a box",
        "the box is red",
        "Floor",
        "the wall",
    ],
)
def test_labels_that_name_no_object(label):
    assert reasons(proposal(label=label)) == ["label"]


@pytest.mark.parametrize("label", ["Stuhl", "椅子", "chair 2", "t-shirt", "island", "this chair"])
def test_labels_that_do(label):
    assert reasons(proposal(label=label)) == [""]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confidence": 0.29}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"mask_score": 0.49}, "mask"),
        ({"rows": (5, 8), "columns": (5, 8)}, "area"),
        ({"rows": (5, 6), "columns": (5, 6)}, "area"),
        ({"rows": (0, 0)}, "area"),
        ({"rows": (1, 39), "columns": (1, 59)}, "area"),
        ({"rows": (0, 40), "columns": (0, 9)}, "border"),
        ({"reason": "masks: broken"}, "masks"),
    ],
)
def test_a_limit_and_its_reason(changes, reason):
    assert reasons(proposal(**changes)) == [reason]


def test_limits_can_be_lifted():
    everything = proposal((0, 40), (0, 60), confidence=0.0)
    lifted = {"min_confidence": 0.0, "max_area_share": 1.0, "max_border_sides": 4}
    assert reasons(everything, **lifted) == [""]


def test_no_mask_is_no_object():
    assert reasons(Proposal("box", 1.0, (0, 0, 9, 9))) == ["mask"]


def test_the_surest_of_duplicates_stays():
    first, second = proposal(confidence=0.6), proposal((10, 21), (10, 21), confidence=0.8)
    assert reasons(first, second) == ["duplicate", ""]
    assert reasons(second, first) == ["", "duplicate"]
    assert reasons(first, replace(first)) == ["", "duplicate"]
    apart = proposal((25, 35), (30, 40), confidence=0.5)
    assert reasons(first, apart) == ["", ""]


def test_two_names_of_one_object_are_one_object_but_neighbours_of_other_names_are_two():
    box, crate = proposal(confidence=0.8), proposal(label="crate", confidence=0.7)
    assert reasons(box, crate) == ["", "duplicate"]
    overlapping = proposal((10, 20), (10, 25), label="table", confidence=0.7)
    assert 0.5 < iou(box, overlapping) < 0.85
    assert reasons(box, overlapping) == ["", ""]


def test_a_group_goes_and_its_members_stay():
    group = proposal((5, 25), (5, 45), "box", 0.95)
    one, other = proposal((10, 20), (8, 18)), proposal((10, 20), (30, 40))
    assert reasons(group, one, other) == ["nesting", "", ""]


def test_a_part_goes_and_its_whole_stays():
    whole, part = proposal((5, 25), (5, 45)), proposal((10, 20), (8, 18), confidence=0.95)
    assert reasons(part, whole) == ["nesting", ""]


def test_objects_on_objects_with_another_label_are_not_nested():
    table, cup = proposal((5, 25), (5, 45), "table"), proposal((10, 20), (8, 18), "cup")
    assert reasons(table, cup) == ["", ""]


def test_the_surest_are_kept_when_there_are_too_many():
    many = [
        proposal((2, 8), (4 * number, 4 * number + 3), f"thing {number}", 0.5 + 0.01 * number)
        for number in range(12)
    ]
    assert reasons(*many) == ["count"] * 2 + [""] * 10


def test_nothing_in_nothing_out():
    assert reasons() == []


@pytest.mark.parametrize(
    ("rows", "columns", "sides"),
    [
        ((1, 39), (1, 59), 0),
        ((0, 5), (5, 9), 1),
        ((0, 5), (0, 9), 2),
        ((0, 40), (0, 9), 3),
        ((0, 40), (0, 60), 4),
        ((0, 0), (0, 0), 0),
    ],
)
def test_sides_of_the_border(rows, columns, sides):
    assert border_sides(proposal(rows, columns).mask) == sides
