"""Questions of pre-training: which of two mentions lies where, answered by their positions."""

import string
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Relation:
    """Two opposite relations along one image axis, and question templates for them.

    `axis` is 0 for columns, 1 for rows; the first pole holds for the smaller coordinate.
    """

    axis: int
    poles: tuple[tuple[str, str], tuple[str, str]]
    yes_no: tuple[str, ...]
    which: tuple[str, ...]


LEFT_RIGHT = Relation(
    0,
    (("to the left of", "further to the left"), ("to the right of", "further to the right")),
    (
        "Is {a} {relation} {b}?",
        "In this picture, is {a} {relation} {b}?",
        "Seen from the camera, is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b} in the picture?",
    ),
    (
        "Which is {extreme}, {a} or {b}?",
        "Of {a} and {b}, which is {extreme} in the picture?",
        "From the camera's point of view, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)
ABOVE_BELOW_IN_IMAGE = Relation(
    1,
    (("above", "higher"), ("below", "lower")),
    (
        "In the picture, is {a} {relation} {b}?",
        "Is {a} {relation} {b} in the picture?",
        "In this image, is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b} in the picture?",
    ),
    (
        "Which is {extreme} in the picture, {a} or {b}?",
        "Of {a} and {b}, which is {extreme} in the picture?",
        "In this image, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme} in the picture?",
    ),
)
HIGHER_LOWER_IN_ROOM = Relation(
    1,
    (("higher up than", "higher up"), ("lower down than", "lower down")),
    (
        "Is {a} {relation} {b}?",
        "In the room, is {a} {relation} {b}?",
        "Measured from the floor, is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b}?",
    ),
    (
        "Which is {extreme} in the room, {a} or {b}?",
        "Of {a} and {b}, which is {extreme}?",
        "Measured from the floor, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)


@dataclass(frozen=True)
class Mention:
    """An object that a question refers to.

    Its keyword is the colour of a mark, else the last word of its name.

    Attributes:
        text: The referring expression.
        label: What an answer calls it.
        u: Column in the image, pixels.
        v: Row in the image, pixels.
        category: Category of an object that is named; empty for a mark.
    """

    text: str
    label: str
    u: float
    v: float
    category: str = ""

    @property
    def chars_after_keyword(self) -> int:
        """Return how many characters of the text follow its keyword."""
        return 0 if self.category else len(" mark")


@dataclass(frozen=True)
class PretrainSample:
    """A question and its answer.

    Attributes:
        question: Text of the question.
        keyword_ends: Index in the question after each mention's keyword.
        answer: Text of the answer.
        mentions: The objects that are compared.
        relation_holds: Whether the relation holds for the first mention against the second.
    """

    question: str
    keyword_ends: tuple[int, ...]
    answer: str
    mentions: tuple[Mention, ...]
    relation_holds: bool


def fill_template(template: str, slot_values: dict[str, str]) -> tuple[str, dict[str, int]]:
    """Fill a template's slots; also return the index in the text after each slot's value."""
    text, ends = "", {}
    for literal, slot, _, _ in string.Formatter().parse(template):
        text += literal
        if slot:
            text += slot_values[slot]
            ends[slot] = len(text)
    return text, ends


def compare_mentions(
    mention_a: Mention, mention_b: Mention, relation: Relation, rng: np.random.Generator
) -> PretrainSample:
    """Ask about the relation of two mentions that clearly differ; answers are equally likely."""
    draw = int(rng.integers(2))
    pole = relation.poles[draw]
    first = (mention_a.u, mention_a.v)[relation.axis] < (mention_b.u, mention_b.v)[relation.axis]
    holds = first == (draw == 0)
    yes_no = bool(rng.integers(2))
    templates = relation.yes_no if yes_no else relation.which
    template = templates[int(rng.integers(len(templates)))]
    slot_values = {
        "a": mention_a.text,
        "b": mention_b.text,
        "relation": pole[0],
        "extreme": pole[1],
    }
    question, ends = fill_template(template, slot_values)
    answer = ("yes" if holds else "no") if yes_no else (mention_a if holds else mention_b).label
    keyword_ends = (
        ends["a"] - mention_a.chars_after_keyword,
        ends["b"] - mention_b.chars_after_keyword,
    )
    return PretrainSample(question, keyword_ends, answer, (mention_a, mention_b), holds)
