"""Steps of comparisons: of two objects by one number each, of three for the first or the second."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.contact import carried_pairs, support_height_m
from workflow_scripts.vqa.measures import widths_m
from workflow_scripts.vqa.reasoning.numbers import (
    InsufficientDigitsError,
    PrintedNumber,
    divide,
    greater_than,
    less_than,
    multiply,
    number,
    subtract,
)
from workflow_scripts.vqa.reasoning.question_instance import (
    QuestionInstance,
    StepWriter,
    join_list,
    numbers,
    pixels,
    sentence,
)
from workflow_scripts.vqa.view_context import ViewContext


@dataclass(frozen=True)
class ComparisonQuantity:
    """What objects are compared by.

    `values` gives a number [n]; `text` says of `{name}` what its number is, with `{is}` agreeing:
    "the height of {name} is {value} m"; `intro` goes before the first. `ratio`: sizes are divided,
    other numbers subtracted. `sign` is -1 where the first antonym of the family has the smaller
    number. Of pixels the number is printed, not the middle. `subject` is what the conclusion
    names: "so {subject} is higher".
    """

    values: Callable[[ViewContext], FloatArray]
    text: str
    intro: str = ""
    subject: str = "{name}"
    sign: int = 1
    ratio: bool = False
    pixels: bool = False

    def number(self, question: QuestionInstance, object_row: int, digits: int) -> PrintedNumber:
        """Return an object's number as printed."""
        return self.numbers(question, [object_row], digits)[0]

    def numbers(
        self, question: QuestionInstance, object_rows: list[int], digits: int
    ) -> list[PrintedNumber]:
        """Return the numbers of objects as printed."""
        values = self.values(question.view_context)[object_rows]
        return pixels(values) if self.pixels else numbers(values, digits)

    def clause(self, question: QuestionInstance, object_row: int, value: PrintedNumber) -> str:
        """Return the clause that gives an object's number."""
        slots = {
            "name": question.name(object_row),
            "value": value,
            "is": question.verb_be(object_row),
        }
        return self.text.format(**slots)

    def clauses(
        self, question: QuestionInstance, object_rows: list[int], values: list[PrintedNumber]
    ) -> str:
        """Return the sentence that gives several objects' numbers."""
        statement = [
            self.clause(question, object_row, value)
            for object_row, value in zip(object_rows, values, strict=True)
        ]
        return sentence(self.intro, join_list(statement))


COLUMN = ComparisonQuantity(
    lambda view_context: view_context.mark_px[:, 0],
    "{name} {is} at column {value}",
    "counted from the left of the picture",
    sign=-1,
    pixels=True,
)
LINE = ComparisonQuantity(
    lambda view_context: view_context.mark_px[:, 1],
    "{name} {is} at row {value}",
    "counted from the top of the picture",
    sign=-1,
    pixels=True,
)
CENTRE_HEIGHT = ComparisonQuantity(
    lambda view_context: view_context.measured.centre_m[:, 2],
    "the center of {name} is at a height of {value} m",
)
TOP = ComparisonQuantity(
    lambda view_context: view_context.measured.high_m[:, 2],
    "the top of {name} is at a height of {value} m",
    subject="the top of {name}",
)
SURFACE_BELOW = replace(TOP, text="the surface of {name} below it is at a height of {value} m")
UNDERSIDE = ComparisonQuantity(
    lambda view_context: view_context.measured.low_m[:, 2],
    "the underside of {name} is at a height of {value} m",
)
DEPTH = ComparisonQuantity(
    lambda view_context: view_context.measured.centre_camera_m[:, 2],
    "the center of {name} is {value} m from the camera",
    "along the viewing direction",
    sign=-1,
)
DISTANCE = ComparisonQuantity(
    lambda view_context: view_context.measured.distance_m,
    "the center of {name} is {value} m from the camera",
    sign=-1,
)
HEIGHT = ComparisonQuantity(
    lambda view_context: view_context.measured.size_m[:, 2],
    "the height of {name} is {value} m",
    ratio=True,
)
WIDTH = ComparisonQuantity(
    lambda view_context: view_context.measured.size_m[:, 0],
    "the width of {name} is {value} m",
    ratio=True,
)
LENGTH = ComparisonQuantity(
    lambda view_context: view_context.measured.size_m[:, :2].max(axis=1),
    "the longer side of {name} is {value} m",
    "seen from above",
    ratio=True,
)


def compare_two(quantity: ComparisonQuantity) -> StepWriter:
    """Return the steps of a comparison of two objects."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        values = quantity.numbers(question, question.object_rows, digits)
        return [
            quantity.clauses(question, question.object_rows, values),
            _verdict(quantity, question, values),
        ]

    return write


def _verdict(
    quantity: ComparisonQuantity, question: QuestionInstance, values: list[PrintedNumber]
) -> str:
    ahead = values[question.object_rows.index(question.winner)]
    behind = values[1 - question.object_rows.index(question.winner)]
    sign = quantity.sign if question.batch.antonym == "0" else -quantity.sign
    high, low = (ahead, behind) if sign > 0 else (behind, ahead)
    greater_than(high, low)
    step, _ = divide(high, low) if quantity.ratio else subtract(high, low)
    return sentence(step, _conclusion(question, quantity.subject))


def _conclusion(question: QuestionInstance, subject: str = "{name}") -> str:
    object_row = question.winner
    verb = question.verb_be(object_row) if subject == "{name}" else "is"
    name = subject.format(name=question.name(object_row))
    return f"so {name} {verb} {question.batch.shared_slots['extreme']}"


def wider(question: QuestionInstance, digits: int) -> list[str]:
    """Compare the least width of one with the greatest of the other: a front may be unknown."""
    least, most, _ = widths_m(question.view_context)
    object_rows, first = question.object_rows, question.batch.antonym == "0"
    wide = question.winner if first else next(row for row in object_rows if row != question.winner)
    clauses = []
    values = {}
    for object_row in object_rows:
        one = numbers([(least if object_row == wide else most)[object_row]], digits)[0]
        known = bool(question.view_context.has_agreed_front[object_row])
        hedge = "" if known else "at least " if object_row == wide else "at most "
        clauses.append(f"the width of {question.name(object_row)} is {hedge}{one} m")
        values[object_row] = one
    narrow = next(row for row in object_rows if row != wide)
    greater_than(values[wide], values[narrow])
    step, _ = divide(values[wide], values[narrow])
    return [sentence(join_list(clauses)), sentence(step, _conclusion(question))]


def _volumes(
    question: QuestionInstance, object_rows: list[int], digits: int
) -> tuple[list[str], list[PrintedNumber]]:
    steps, found = [], []
    for object_row in object_rows:
        # A cubic centimetre is a millionth of a cubic metre: small objects need more digits.
        measured, name = question.view_context.measured, question.name(object_row)
        if measured.shape_source == "surface":
            volume = number(measured.volumes_m3[object_row, 0], digits)
            steps.append(sentence(f"the volume that {name} takes up is {volume} cubic meters"))
        else:
            text, volume = multiply(*numbers(measured.size_m[object_row], digits))
            box = f"the volume of the bounding box of {name} is {text} cubic meters"
            steps.append(sentence(box))
        found.append(volume)
    return steps, found


def bigger(question: QuestionInstance, digits: int) -> list[str]:
    """Compare volumes."""
    steps, volumes = _volumes(question, question.object_rows, digits)
    boxes = question.view_context.measured.shape_source != "surface"
    subject = "the bounding box of {name}" if boxes else "{name}"
    ahead = question.object_rows.index(question.winner)
    first = question.batch.antonym == "0"
    high, low = volumes[ahead if first else 1 - ahead], volumes[1 - ahead if first else ahead]
    return [*steps, sentence(greater_than(high, low), _conclusion(question, subject))]


def rank_three(quantity: ComparisonQuantity, *, most: bool, rank: int = 0) -> StepWriter:
    """Return the steps of a pick of the object with the most, or the least; or the next to it."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        object_rows = question.object_rows[:3]
        values = quantity.numbers(question, object_rows, digits)
        statement = quantity.clauses(question, object_rows, values)
        return [statement, _rank_sentence(question, object_rows, values, most=most, rank=rank)]

    return write


def rank_by_volume(*, most: bool) -> StepWriter:
    """Return the steps of a pick by volume."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        object_rows = question.object_rows[:3]
        steps, volumes = _volumes(question, object_rows, digits)
        return [*steps, _rank_sentence(question, object_rows, volumes, most=most, rank=0)]

    return write


def rank_by_gap(*, most: bool) -> StepWriter:
    """Return the steps of a pick by the gap to a fourth object."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        *object_rows, anchor = question.object_rows
        values = numbers(question.view_context.measured.gap_m[anchor, object_rows], digits)
        clauses = [
            f"{value} m for {question.name(object_row)}"
            for object_row, value in zip(object_rows, values, strict=True)
        ]
        is_box = question.view_context.measured.shape_source == "box"
        of = " between bounding boxes" if is_box else ""
        statement = sentence(f"the gap{of} to {question.name(anchor)} is {join_list(clauses)}")
        return [statement, _rank_sentence(question, object_rows, values, most=most, rank=0)]

    return write


def supported_by(question: QuestionInstance, digits: int) -> list[str]:
    """Compare the underside of a fourth object with the surfaces of the three."""
    *object_rows, supported = question.object_rows
    under = UNDERSIDE.number(question, supported, digits)
    context = question.view_context
    carriers = [row for row in object_rows if (supported, row) in carried_pairs(context)]
    heights = [support_height_m(context, supported, row) for row in object_rows]
    tops = numbers(heights, digits)
    high_low = [sorted((under, top), key=lambda number: -number.value) for top in tops]
    steps, apart = zip(*(subtract(*pair) for pair in high_low), strict=True)
    statement = [
        sentence(UNDERSIDE.clause(question, supported, under)),
        sentence(
            join_list(
                [
                    (SURFACE_BELOW if row in carriers else TOP).clause(question, row, top)
                    for row, top in zip(object_rows, tops, strict=True)
                ]
            )
        ),
        sentence(f"the differences are {join_list(steps)}"),
    ]
    return [*statement, _rank_sentence(question, object_rows, list(apart), most=False, rank=0)]


def _rank_sentence(
    question: QuestionInstance,
    object_rows: list[int],
    values: list[PrintedNumber],
    *,
    most: bool,
    rank: int,
) -> str:
    """Say which number decides; `InsufficientDigitsError` if two that matter are printed alike."""
    order = sorted(values, key=lambda number: number.value, reverse=most)
    printed = [str(number) for number in order]
    object_row = object_rows[values.index(order[rank])]
    if object_row != question.winner or printed.count(printed[rank]) > 1:
        raise InsufficientDigitsError
    if rank:
        way = "largest" if most else "smallest"
        found = (
            f"starting with the {way}, the order is {join_list(printed)}, so the second is "
            f"{order[rank]}"
        )
    else:
        found = f"the {'largest' if most else 'smallest'} of these is {order[0]}"
    return sentence(found, f"which belongs to {question.name(object_row)}")


def nearer_view(question: QuestionInstance, digits: int) -> list[str]:
    """Compare the distances of one object from two cameras."""
    pair = question.pair
    assert pair is not None
    (object_row,) = question.object_rows
    rows = next((a, b) for a, b in pair.shared_rows if a == object_row)
    values = numbers(
        [
            view_context.measured.distance_m[row]
            for view_context, row in zip((pair.first, pair.second), rows, strict=True)
        ],
        digits,
    )
    statement = sentence(
        f"the center of {question.name(object_row)} is {values[0]} m from the camera in the first "
        f"picture and {values[1]} m in the second"
    )
    is_first = question.batch.answer == "first"
    near, far = values if is_first else values[::-1]
    return [
        statement,
        sentence(less_than(near, far), f"so it is the {question.batch.answer} picture"),
    ]


def count_objects(question: QuestionInstance, digits: int) -> list[str]:
    """Say where the objects of a category are, and how many that makes."""
    columns = pixels(np.sort(question.view_context.mark_px[question.object_rows, 0]))
    counted = question.batch.row_slots["counted"][question.row]
    if len(columns) == 1:
        statement = sentence(f"{counted} is at column {columns[0]} of the picture")
        return [statement, sentence("that makes 1 in all")]
    where = join_list([str(column) for column in columns])
    statement = sentence(f"{counted} are at columns {where} of the picture")
    return [statement, sentence(f"that makes {len(columns)} in all")]
