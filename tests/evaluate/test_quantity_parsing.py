"""Quantities in replies: digits and words, metric and imperial, ranges, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.evaluate.quantity_parsing import (
    contains_number,
    find_quantities,
    number_words_to_digits,
    parse_number,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "value_m"),
    [
        ("1.24 m", 1.24),
        ("86 cm", 0.86),
        ("about 1,5 m", 1.5),
        ("1,234 mm", 1.234),
        (".5 m", 0.5),
        ("0.5m.", 0.5),
        ("1.2meters", 1.2),
        ("It is 30cm from Region 2", 0.3),
        ("Region 1 is 30 cm from Region 2", 0.3),
        ("5 ft 6 in", 1.6764),
        ("5'6\"", 1.6764),
        ('6" wide', 0.1524),
        ("3 feet and 4 inches", 1.016),
        ("1 m 20 cm", 1.2),
        ("six-foot", 1.8288),
        ("a yard", 0.9144),
        ("2 1/2 feet", 0.762),
        ("2½ ft", 0.762),
        ("two and a half metres", 2.5),
        ("a metre and a half", 1.5),
        ("half a metre", 0.5),
        ("three quarters of a metre", 0.75),
        ("a quarter of a metre", 0.25),
        ("twenty-five centimetres", 0.25),
        ("One point five metres.", 1.5),
        ("a hundred and five cm", 1.05),
        ("roughly ten inches", 0.254),
        ("-0.4 m", -0.4),
        ("1.2 ± 0.1 m", 1.2),
        ("4.3 m (14 ft)", 4.3),
        ("1.5 metres, or 5 feet", 1.5),
    ],
)
def test_lengths(text: str, value_m: float) -> None:
    assert parse_quantity(text, "length") == pytest.approx(value_m, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "low_m", "high_m"),
    [
        ("1-2 m", 1, 2),
        ("1 – 2 metres", 1, 2),
        ("between 1 and 2 meters", 1, 2),
        ("between one and two metres", 1, 2),
        ("1 m to 2 m", 1, 2),
        ("50 cm to 1 m", 0.5, 1),
        ("three or four feet", 0.9144, 1.2192),
        ("2 to 1 m", 1, 2),
    ],
)
def test_a_range_counts_as_its_middle(text: str, low_m: float, high_m: float) -> None:
    [quantity] = find_quantities(text, "length")
    assert (quantity.low, quantity.high) == pytest.approx((low_m, high_m))
    assert quantity.value == pytest.approx((low_m + high_m) / 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "far",
        "86",
        "the gap is 86",
        "in 2 views",
        "a few metres",
        "10 m2",
        "3 mice",
        "1/0 m",
        "1e999 m",
        f"{9:9<400}/2 m",
        f"{9:9<5000}/7 m",
        f"{9:9<400} m to 2 m",
    ],
)
def test_texts_without_a_length(text: str) -> None:
    assert parse_quantity(text, "length") is None


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("20 m²", "area", 20),
        ("20 m^2", "area", 20),
        ("about twenty square meters", "area", 20),
        ("200 sq. ft", "area", 18.580608),
        ("45°", "angle", 45),
        ("-30 degrees", "angle", -30),
        ("90 deg, 2 m away", "angle", 90),
        ("90 deg, 2 m away", "length", 2),
    ],
)
def test_areas_and_angles(text: str, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == pytest.approx(value, abs=1e-9)


@given(st.floats(0.001, 9999))
def test_formatted_lengths_are_parsed(value_m: float) -> None:
    assert parse_quantity(format_metres(value_m), "length") == pytest.approx(value_m, abs=0.00501)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    for dimension in ("length", "area", "angle"):
        parse_quantity(text, dimension)
    parse_number(text)
    contains_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("There are 4 chairs", 4),
        ("three chairs", 3),
        ("-2", -2),
        ("twenty one", 21),
        ("1,000", 1000),
        ("one of 3", 3),
        ("none", None),
        ("1e999", None),
        ("", None),
    ],
)
def test_bare_numbers(text: str, value: float | None) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("1.2 m", True),
        ("about 86", True),
        ("two metres", True),
        ("half a metre", True),
        ("the red one", False),
        ("I cannot tell", False),
        ("", False),
    ],
)
def test_contains_number(text: str, holds: bool) -> None:
    assert contains_number(text) is holds


def test_number_words_become_digits() -> None:
    assert number_words_to_digits("The red one is two hundred and three mm away") == (
        "The red 1 is 203 mm away"
    )
