"""Names: singular nouns for categories, and who could be taken for whom."""

import pytest

from workflow_scripts.common.label_text import is_confusable, phrase


@pytest.mark.parametrize(
    ("category", "words"),
    [
        ("FloorLamp", "floor lamp"),
        ("TVStand", "TV stand"),
        ("CD", "CD"),
        ("Sofa", "sofa"),
        ("Boots", "pair of boots"),
        ("CounterTop", "kitchen counter"),
        ("HousePlant", "houseplant"),
        ("furniture", "piece of furniture"),
        ("wooden chair", "wooden chair"),
    ],
)
def test_categories_become_singular_nouns(category, words):
    assert phrase(category) == words


@pytest.mark.parametrize(("one", "other"), [("Cup", "Mug"), ("Sofa", "ArmChair"), ("Bed", "Bed")])
def test_similar_things_are_confusable_both_ways(one, other):
    assert is_confusable(one, other)
    assert is_confusable(other, one)


def test_different_things_are_not():
    assert not is_confusable("Sofa", "FloorLamp")
