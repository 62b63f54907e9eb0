"""Replies as models write them: verbose, marked, refusing, wrong in form, empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.evaluate import answer_parsing


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", "yes"),
        ("  2 m ", "2 m"),
        ("<think>maybe no</think> yes", "yes"),
        ("<think>never ends", ""),
        ("<answer>B</answer>", "B"),
        ("first <answer>A</answer> then <answer>B</answer>", "B"),
        (r"so \boxed{1.5 m}", "1.5 m"),
        ("It is 3 m wide. The answer is 1.5 m.", "1.5 m."),
        ("**Answer:** (C)", "(C)"),
        ("The answer is 2 m. My answer is a guess.", "2 m. My answer is a guess."),
    ],
)
def test_final_answer(text: str, answer: str) -> None:
    assert answer_parsing.final_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yes", "yes"),
        ("Yes.", "yes"),
        ("No, the lamp is.", "no"),
        ("No — yes would be wrong", "no"),
        ("Indeed, it is.", "yes"),
        ("That is not the case", "no"),
        ("I think yes", "yes"),
        ("", None),
        ("maybe", None),
        ("yes or no", "yes"),
        ("It could be yes or no", None),
        ("There is no way to tell", None),
        ("I'm not sure", None),
        ("No information is given, I cannot tell", None),
    ],
)
def test_yes_no(text: str, said: str | None) -> None:
    assert answer_parsing.read_yes_no(text) == said


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("B.", "B"),
        ("(B)", "B"),
        ("B) the sofa", "B"),
        ("**B**", "B"),
        ("Option B", "B"),
        ("The answer is B", "B"),
        ("Answer: (B) the sofa", "B"),
        ("the sofa", "B"),
        ("I would say the sofa is.", "B"),
        ("A chair is nearer", "A"),  # by the option's text, not by the article
        ("A table is nearer", None),
        ("E", None),
        ("A or B", None),
        ("(A) or (B)", None),
        ("", None),
        ("I cannot tell from this picture", None),
        ("the sofa or the lamp", None),
    ],
)
def test_multiple_choice(text: str, letter: str | None) -> None:
    options = ["chair", "sofa", "lamp", "bed"]
    assert answer_parsing.read_option(text, ["A", "B", "C", "D"], options) == letter


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the red one", "red"),
        ("red", "red"),
        ("blue, not red", "blue"),
        ("green", None),
        ("", None),
    ],
)
def test_choice(text: str, said: str | None) -> None:
    assert answer_parsing.read_choice(text, ["red", "blue"]) == said


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("3 o'clock", 3),
        ("at 12 o’clock.", 12),
        ("three o'clock", 3),
        ("3:00", 3),
        ("3", 3),
        ("It is at 11", 11),
        ("13 o'clock", None),
        ("0", None),
        ("to the left", None),
        ("", None),
    ],
)
def test_clock(text: str, hour: int | None) -> None:
    assert answer_parsing.read_clock_hour(text) == hour


@pytest.mark.parametrize(
    ("text", "number"),
    [("4", 4), ("There are four chairs.", 4), ("none", 0), ("There are no chairs", 0), ("", None)],
)
def test_count(text: str, number: float | None) -> None:
    assert answer_parsing.read_count(text) == number


@pytest.mark.parametrize(
    ("text", "how_many", "said"),
    [
        ("(0.25, 0.5)", 2, (0.25, 0.5)),
        ("The point is [120, 45].", 2, (120, 45)),
        ("0.25, 0.5", 2, (0.25, 0.5)),
        ('<point x="61.5" y="40.4">', 2, (61.5, 40.4)),
        ("u = 0.2, v = 0.3", 2, (0.2, 0.3)),
        ("(0.1, 0.2, 0.5, 0.6)", 4, (0.1, 0.2, 0.5, 0.6)),
        ("(0.1, 0.2)", 4, None),
        ("left", 2, None),
        ("", 2, None),
    ],
)
def test_coordinates(text: str, how_many: int, said: tuple[float, ...] | None) -> None:
    assert answer_parsing.read_coordinates(text, how_many) == said


@pytest.mark.parametrize(
    ("text", "declines"),
    [
        ("I'm sorry, I cannot determine that.", True),
        ("I can't tell", True),
        ("It is not possible to measure this", True),
        ("yes", False),
        ("1.2 m", False),
        ("", False),
    ],
)
def test_refusals(text: str, declines: bool) -> None:
    assert answer_parsing.is_refusal(text) is declines


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    answer_parsing.read_yes_no(text)
    answer_parsing.read_option(text, ["A", "B"], ["sofa", "lamp"])
    answer_parsing.read_choice(text, ["red", "blue"])
    answer_parsing.read_clock_hour(text)
    answer_parsing.read_count(text)
    answer_parsing.read_coordinates(text, 4)
