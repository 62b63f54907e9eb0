"""Questions of pre-training: which of two mentions lies where, and how far apart they are."""

import string
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.common.label_text import phrase
from workflow_scripts.geometry.upright_boxes import box_gaps_m
from workflow_scripts.train.base.pretrain_images import ObjectPoint

# Columns, rows, depth.
NUM_AXES = 3


@dataclass(frozen=True)
class Relation:
    """Two opposite relations along one axis of the camera, and question templates for them.

    `axis` is 0 for columns, 1 for rows, 2 for depth; the first pole holds for the smaller
    coordinate.
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
FRONT_BEHIND = Relation(
    2,
    (("in front of", "in front"), ("behind", "farther back")),
    (
        "Is {a} {relation} {b}?",
        "Would you say that {a} is {relation} {b}?",
        "Seen from the camera, is {a} {relation} {b}?",
        "Can you tell me whether {a} is {relation} {b}?",
    ),
    (
        "Which is {extreme}, {a} or {b}?",
        "Of {a} and {b}, which is {extreme}?",
        "Seen from the camera, which is {extreme}, {a} or {b}?",
        "{a} or {b}: which is {extreme}?",
    ),
)


@dataclass(frozen=True)
class Length:
    """A length of one or two objects in metres, and question templates for it."""

    num_objects: int
    measure: Callable[..., float]
    templates: tuple[str, ...]


def center_distance_m(point_a: ObjectPoint, point_b: ObjectPoint) -> float:
    """Return the distance of the centres of two boxes."""
    return float(np.linalg.norm(np.subtract(point_a.center_m, point_b.center_m)))


def gap_m(point_a: ObjectPoint, point_b: ObjectPoint) -> float:
    """Return the distance of the nearest points of two boxes, 0 if they touch."""
    points = (point_a, point_b)
    gaps = box_gaps_m(
        np.array([point.center_m for point in points]),
        np.array([point.size_m for point in points]),
        np.array([point.yaw_deg for point in points]),
    )
    return float(gaps[0, 1])


CENTER_DISTANCE = Length(
    2,
    center_distance_m,
    (
        "How far apart are the centers of {a} and {b}?",
        "How far is the center of {a} from the center of {b}?",
        "Measured from center to center, how far apart are {a} and {b}?",
        "What is the distance between the centers of {a} and {b}?",
    ),
)
MINIMUM_DISTANCE = Length(
    2,
    gap_m,
    (
        "How far apart are {a} and {b} at their closest points?",
        "How wide is the gap between {a} and {b}?",
        "What is the shortest distance between {a} and {b}?",
        "Can you estimate the shortest distance between {a} and {b}?",
    ),
)
CAMERA_DISTANCE = Length(
    1,
    lambda point: float(point.camera_distance_m),
    (
        "How far is the center of {a} from the camera?",
        "How far away from the camera is {a}, measured to the center?",
        "What is the distance from the camera to the center of {a}?",
        "Can you estimate the distance from the camera to the center of {a}?",
    ),
)
MIN_LENGTH_M = 0.1


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
        depth_m: Depth along the camera's axis.
        point: The object that is named or marked, if one is.
        object_number: Of an object of a list, its number in the image, from 1.
    """

    text: str
    label: str
    u: float
    v: float
    category: str = ""
    depth_m: float = 1.0
    point: ObjectPoint | None = None
    object_number: int = 0

    @classmethod
    def of_object(cls, point: ObjectPoint) -> "Mention":
        """Name an object."""
        noun = phrase(point.category)
        return cls(
            f"the {noun}", noun, point.u, point.v, point.category, point.camera_depth_m, point
        )

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
        mentions: The objects that are asked about, one or two.
        relation_holds: Whether the relation holds for the first mention against the second; None
            if no relation is asked about.
        direction: 2 * axis + pole of the relation that is asked about, None if none is.
        length_m: The length that is asked for, None if none is.
        answer_word_ends: Of a list of objects, index in the answer after each mention's name and
            after each word about its place; the mentions are then in the answer.
        is_list: Whether it is a list.
        is_complete: Whether the answer ends after its last word.
    """

    question: str
    keyword_ends: tuple[int, ...]
    answer: str
    mentions: tuple[Mention, ...]
    relation_holds: bool | None = None
    direction: int | None = None
    length_m: float | None = None
    answer_word_ends: tuple[tuple[int, ...], ...] = ()
    is_list: bool = False
    is_complete: bool = True


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
    holds = (coordinate_difference(mention_a, mention_b, relation) < 0) == (draw == 0)
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
    direction = 2 * relation.axis + draw
    return PretrainSample(question, keyword_ends, answer, (mention_a, mention_b), holds, direction)


def coordinate_difference(mention_a: Mention, mention_b: Mention, relation: Relation) -> float:
    """Return the first mention's coordinate minus the second's: pixels, or metres of depth."""
    return (
        mention_a.u - mention_b.u,
        mention_a.v - mention_b.v,
        mention_a.depth_m - mention_b.depth_m,
    )[relation.axis]


def ask_length(
    mentions: tuple[Mention, ...], length: Length, rng: np.random.Generator
) -> PretrainSample | None:
    """Ask for a length of mentions with whole objects; None where it is near 0 or not known."""
    points = [mention.point for mention in mentions]
    if not all(point is not None and point.is_whole for point in points):
        return None
    value_m = length.measure(*points)
    if value_m < MIN_LENGTH_M:
        return None
    template = length.templates[int(rng.integers(len(length.templates)))]
    slots = dict(zip("ab", mentions, strict=False))
    question, ends = fill_template(template, {slot: one.text for slot, one in slots.items()})
    keyword_ends = tuple(ends[slot] - one.chars_after_keyword for slot, one in slots.items())
    return PretrainSample(
        question, keyword_ends, format_metres(value_m), mentions, length_m=value_m
    )
