"""Answers: what is written is read back, and what models say is read too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.common.answer_text import format_metres, parse_choice, parse_metres


@pytest.mark.parametrize(
    ("value_m", "text"),
    [
        (0.034, "3.4 cm"),
        (0.0996, "10 cm"),
        (0.856, "86 cm"),
        (0.994, "99 cm"),
        (0.996, "1.00 m"),
        (1.236, "1.24 m"),
        (12.0, "12.00 m"),
    ],
)
def test_lengths_are_written_for_people(value_m, text):
    assert format_metres(value_m) == text


@given(st.floats(0, 1000))
def test_a_written_length_is_read_back_within_its_rounding(value_m):
    assert parse_metres(format_metres(value_m)) == pytest.approx(value_m, abs=0.00501)


@pytest.mark.parametrize("value_m", [-0.1, float("nan"), float("inf")])
def test_no_text_for_what_is_no_length(value_m):
    with pytest.raises(ValueError, match="cannot be written"):
        format_metres(value_m)


@pytest.mark.parametrize(
    ("text", "value_m"),
    [
        ("The sofa is about 86cm wide.", 0.86),
        ("1.5 meters", 1.5),
        ("0,86 m", 0.86),
        ("250 millimetres", 0.25),
        ("5 ft 6 in", 1.6764),
        ("3 feet", 0.9144),
        ("12 inches.", 0.3048),
        ("5 m in front", 5.0),
        ("86", None),
        ("-3 m", None),
        ("wide", None),
        ("", None),
    ],
)
def test_lengths_are_read_from_what_models_say(text, value_m):
    assert parse_metres(text) == (None if value_m is None else pytest.approx(value_m))


@pytest.mark.parametrize(
    ("text", "choices", "choice"),
    [
        ("yes", ["yes", "no"], "yes"),
        ("No, it is not.", ["yes", "no"], "no"),
        ("I do not know", ["yes", "no"], None),
        ("", ["yes", "no"], None),
        ("The red mark is left of the blue mark", ["red", "blue"], "red"),
        ("red or blue", ["blue", "red"], "red"),
        ("either the red or the blue one", ["red", "blue"], None),
        ("The coffee table.", ["table", "coffee table"], "coffee table"),
        ("reddish", ["red", "blue"], None),
        ("the TV STAND", ["TV stand", "sofa"], "TV stand"),
    ],
)
def test_choices_are_whole_words_and_the_longest_wins(text, choices, choice):
    assert parse_choice(text, choices) == choice
