"""Counts, plurals and articles."""

import json

import pytest

from workflow_scripts.captions.grammar import (
    article,
    as_sentence,
    count_phrase,
    format_metres,
    join_list,
    plural,
)
from workflow_scripts.common.label_text import phrase
from workflow_scripts.sources.readers.procthor_assets import assets


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("sofa", "sofas"),
        ("scrub brush", "scrub brushes"),
        ("butter knife", "butter knives"),
        ("loaf of bread", "loaves of bread"),
        ("pair of boots", "pairs of boots"),
        ("roll of toilet paper", "rolls of toilet paper"),
        ("CD", "CDs"),
        ("TV stand", "TV stands"),
        ("tomato", "tomatoes"),
        ("box", "boxes"),
        ("watch", "watches"),
        ("key", "keys"),
        ("cloth", "cloths"),
        ("baby", "babies"),
    ],
)
def test_plurals_are_those_a_person_would_write(noun: str, expected: str) -> None:
    assert plural(noun) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("armchair", "an"),
        ("orange sofa", "an"),
        ("red armchair", "a"),
        ("ottoman", "an"),
        ("umbrella", "an"),
        ("uninteresting vase", "an"),
        ("unit", "a"),
        ("unique vase", "a"),
        ("utensil", "a"),
        ("hourglass", "an"),
        ("house plant", "a"),
        ("CD", "a"),
        ("TV stand", "a"),
        ("LED lamp", "an"),
        ("egg", "an"),
    ],
)
def test_article_follows_the_sound_of_the_first_word(words: str, expected: str) -> None:
    assert article(words) == expected


def test_counts_lists_and_lengths() -> None:
    assert count_phrase(1, "armchair") == "an armchair"
    assert count_phrase(1, "armchair", colour="red") == "a red armchair"
    assert count_phrase(3, "knife", colour="gray") == "three gray knives"
    assert count_phrase(14, "book") == "14 books"
    assert join_list([]) == ""
    assert join_list(["a"]) == "a"
    assert join_list(["a", "b"]) == "a and b"
    assert join_list(["a", "b", "c"]) == "a, b and c"
    assert as_sentence("the sofa is red") == "The sofa is red."
    assert [format_metres(5.04), format_metres(1.84), format_metres(2.0)] == ["5", "1.8", "2"]


def test_every_category_of_the_asset_tables_has_a_plural_of_its_own() -> None:
    nouns = {phrase(asset.category) for asset in assets().values()}
    plurals = {noun: plural(noun) for noun in nouns}

    assert len(nouns) >= 100
    assert all(plurals[noun] != noun for noun in nouns)
    assert not [word for word in plurals.values() if word.endswith(("ss", "sss"))], json.dumps(
        plurals
    )
