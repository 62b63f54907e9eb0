"""A model's reply beside the truth of its question, and how far apart the two are."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from workflow_scripts.common.questions import StoredAnswerType
from workflow_scripts.common.units import Dimension
from workflow_scripts.evaluate import answer_parsing
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.quantity_parsing import parse_number, parse_quantity
from workflow_scripts.geometry.cameras import wrap_deg

NAN = float("nan")
Answer = str | float | tuple[float, ...]
DIMENSIONS: dict[StoredAnswerType, Dimension] = {
    "metres": "length",
    "square_metres": "area",
    "degrees": "angle",
}


@dataclass(frozen=True)
class NoReply:
    """Stands for the text of a question that has no reply; `is_refused`: the server refused."""

    is_refused: bool = False

    @classmethod
    def of_reason(cls, reason: str) -> "NoReply":
        """Return it for the `reason` of a `Prediction`."""
        return cls(reason.startswith("refused"))


@dataclass(frozen=True)
class Reply:
    """What a model replied to an item.

    Attributes:
        text: The whole reply, '' if there is none.
        item: The question.
        parsed: The answer that was read from the text, of the same type as the truth: a choice or
            a letter, a number (metres, square metres, degrees, a count, an hour from 1 to 12), a
            point (u, v) or a box (u0, v0, u1, v1) as fractions of width and height. None if no
            answer can be read.
        truth: The true answer.
        no_reply: Set where there is no reply at all.
    """

    text: str
    item: EvalItem
    parsed: Answer | None
    truth: Answer
    no_reply: NoReply | None = None

    @property
    def number(self) -> float | None:
        """Return the number that was read; None if none was."""
        return None if self.parsed is None else float(self.parsed)  # type: ignore[arg-type]

    @property
    def true_number(self) -> float:
        """Return the true number."""
        return float(self.truth)  # type: ignore[arg-type]

    @property
    def coordinates(self) -> tuple[float, ...] | None:
        """Return the point or box that was read; None if none was."""
        return self.parsed if isinstance(self.parsed, tuple) else None

    @property
    def true_coordinates(self) -> tuple[float, ...]:
        """Return the true point or box."""
        assert isinstance(self.truth, tuple), self.item.question_id
        return self.truth


def read_reply(text: str | NoReply, item: EvalItem) -> Reply:
    """Read the answer in a model's text as the type of its question wants it."""
    if isinstance(text, NoReply):
        return Reply("", item, None, _true_answer(item), text)
    return Reply(text, item, _PARSERS[item.answer_type](text, item), _true_answer(item))


def _true_answer(item: EvalItem) -> Answer:
    if item.answer_type in ("point", "box"):
        size = 2 if item.answer_type == "point" else 4
        coordinates = answer_parsing.read_coordinates(str(item.truth), size)
        assert coordinates is not None, item.question_id
        return coordinates
    if item.answer_type in ("choice", "multiple_choice"):
        return item.truth
    # A truth such as 3.0 stands for the hour 3.
    return float(int(float(item.truth))) if item.answer_type == "clock" else float(item.truth)


def _parse_choice(text: str, item: EvalItem) -> str | None:
    return answer_parsing.read_choice(text, item.choices)


def _parse_letter(text: str, item: EvalItem) -> str | None:
    return answer_parsing.read_option(text, item.choices, item.options)


def _parse_count(text: str, item: EvalItem) -> float | None:
    return answer_parsing.read_count(text)


def _parse_hour(text: str, item: EvalItem) -> float | None:
    return answer_parsing.read_clock_hour(text)


def _parse_measure(text: str, item: EvalItem) -> float | None:
    """Read a quantity with its unit, or a bare number where the question names the unit."""
    dimension = DIMENSIONS[item.answer_type]
    parsed = answer_parsing.read_first(text, lambda answer: parse_quantity(answer, dimension))
    if parsed is None and item.unit_size:
        bare = answer_parsing.read_first(text, parse_number)
        parsed = None if bare is None else bare * item.unit_size
    return parsed


def _parse_angle(text: str, item: EvalItem) -> float | None:
    parsed = answer_parsing.read_first(text, lambda answer: parse_quantity(answer, "angle"))
    return answer_parsing.read_first(text, parse_number) if parsed is None else parsed


def _parse_point(text: str, item: EvalItem) -> tuple[float, ...] | None:
    return _normalized_coordinates(text, 2, item)


def _parse_box(text: str, item: EvalItem) -> tuple[float, ...] | None:
    return _normalized_coordinates(text, 4, item)


def _normalized_coordinates(text: str, how_many: int, item: EvalItem) -> tuple[float, ...] | None:
    """Read coordinates as fractions of width and height: from fractions, per cent or pixels.

    All numbers up to 1 are fractions; with a % sign, or larger in a picture of unknown size, per
    cent; else pixels.
    """
    parsed = answer_parsing.read_coordinates(text, how_many)
    if parsed is None or max(parsed) <= 1:
        return parsed
    if "%" in text or not item.width_px:
        return tuple(value / 100 for value in parsed)
    sides = (item.width_px, item.height_px) * (how_many // 2)
    return tuple(value / side for value, side in zip(parsed, sides, strict=True))


_PARSERS: dict[StoredAnswerType, Callable[[str, EvalItem], Answer | None]] = {
    "choice": _parse_choice,
    "multiple_choice": _parse_letter,
    "metres": _parse_measure,
    "square_metres": _parse_measure,
    "count": _parse_count,
    "degrees": _parse_angle,
    "clock": _parse_hour,
    "point": _parse_point,
    "box": _parse_box,
}


def accuracy(reply: Reply) -> float:
    """Return 1 if the answer that was read is the true one, else 0."""
    return float(reply.parsed == reply.truth)


def log_error(reply: Reply) -> float:
    """Return |ln(p / g)|; NaN unless both are positive."""
    p, g = reply.number, reply.true_number
    return abs(math.log(p / g)) if p is not None and p > 0 and g > 0 else NAN


def abs_error(reply: Reply) -> float:
    """Return |p - g|; NaN if nothing can be read."""
    return NAN if reply.number is None else abs(reply.number - reply.true_number)


def angle_error_deg(reply: Reply) -> float:
    """Return the difference of two angles around the circle, 0 to 180; NaN if unreadable."""
    if reply.number is None:
        return NAN
    return abs(wrap_deg(reply.number - reply.true_number))


def is_point_inside(reply: Reply) -> float:
    """Return 1 if the point lies in one of the item's boxes, else 0."""
    if reply.coordinates is None:
        return 0.0
    u, v = reply.coordinates
    boxes = reply.item.boxes
    return float(any(u0 <= u <= u1 and v0 <= v <= v1 for u0, v0, u1, v1 in boxes))


def point_error(reply: Reply) -> float:
    """Return the distance from the true point over the picture's diagonal; NaN if unreadable."""
    if reply.coordinates is None:
        return NAN
    (u, v), (true_u, true_v) = reply.coordinates, reply.true_coordinates
    width, height = reply.item.width_px or 1, reply.item.height_px or 1
    return math.hypot((u - true_u) * width, (v - true_v) * height) / math.hypot(width, height)


def box_overlap(reply: Reply) -> float:
    """Return the intersection over union of the box and the true one; unreadable is 0."""
    return 0.0 if reply.coordinates is None else iou(reply.coordinates, reply.true_coordinates)


def iou(box_a: tuple[float, ...], box_b: tuple[float, ...]) -> float:
    """Return the intersection of two boxes (u0, v0, u1, v1) over their union, 0 to 1."""
    width = min(box_a[2], box_b[2]) - max(box_a[0], box_b[0])
    height = min(box_a[3], box_b[3]) - max(box_a[1], box_b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = sum(max(b[2] - b[0], 0.0) * max(b[3] - b[1], 0.0) for b in (box_a, box_b))
    return shared / (areas - shared) if shared else 0.0


def is_refusal(reply: Reply) -> float:
    """Return 1 if no answer can be read and the reply, or the server, declines to give one."""
    if reply.no_reply is not None:
        return float(reply.no_reply.is_refused)
    return float(reply.parsed is None and answer_parsing.is_refusal(reply.text))


def has_no_reply(reply: Reply) -> float:
    """Return 1 if the question has no reply at all."""
    return float(reply.no_reply is not None)
