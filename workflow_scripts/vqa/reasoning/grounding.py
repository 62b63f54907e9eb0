"""Steps of questions for a place in the picture: shares of its sides, the n-th from one side."""

from workflow_scripts.common.label_text import plural
from workflow_scripts.vqa.reasoning.numbers import (
    InsufficientDigitsError,
    PrintedNumber,
    divide,
    number,
)
from workflow_scripts.vqa.reasoning.question_instance import (
    QuestionInstance,
    join_list,
    numbers,
    pixels,
    sentence,
)
from workflow_scripts.vqa.referring_expressions import ordinal_name


def _shares(
    question: QuestionInstance, edges: list[PrintedNumber]
) -> tuple[str, list[PrintedNumber]]:
    sides = [number(side, 0) for side in question.view_context.size_px]
    steps, found = zip(
        *(divide(edge, sides[side_index % 2]) for side_index, edge in enumerate(edges)), strict=True
    )
    if f"({', '.join(map(str, found))})" != question.value:
        raise InsufficientDigitsError
    return sentence(f"as fractions of the width and height, {join_list(steps)}"), list(found)


def _size(question: QuestionInstance) -> str:
    width, height = question.view_context.size_px
    return f"the picture is {width} pixels wide and {height} high"


def point(question: QuestionInstance, digits: int) -> list[str]:
    """Divide the pixel of an object by the picture's sides."""
    (object_row,) = question.object_rows
    column, row = numbers(question.view_context.mark_px[object_row], digits - 1)
    target = question.batch.row_slots["target"][question.row]
    statement = f"a point on {target} is at column {column} and row {row}"
    return [sentence(_size(question)), sentence(statement), _shares(question, [column, row])[0]]


def box(question: QuestionInstance, digits: int) -> list[str]:
    """Divide the edges of an object's box by the picture's sides."""
    (object_row,) = question.object_rows
    edges = numbers(question.view_context.measured.box_px[object_row], 0)
    target = question.batch.row_slots["target"][question.row]
    left, top, right, bottom = edges
    statement = (
        f"the visible part of {target} extends from column {left} to {right} and from row {top} to "
        f"{bottom}"
    )
    return [sentence(_size(question)), sentence(statement), _shares(question, edges)[0]]


def _order_steps(question: QuestionInstance, digits: int) -> str:
    """Say which of a kind comes first, second and so on from a side or the camera."""
    (object_row,) = question.object_rows
    view_context = question.view_context
    target = question.batch.row_slots["target"][question.row]
    rows = [
        row
        for row, one in enumerate(view_context.categories)
        if one == view_context.categories[object_row]
    ]
    noun = view_context.nouns[object_row]
    kind = plural(noun)
    side = next(
        side
        for side in ("left", "right", "camera")
        if target in [f"the {ordinal_name(noun, place, side)}" for place in range(len(rows))]
    )
    if side == "camera":
        distances = view_context.measured.distance_m
        order = sorted(rows, key=lambda row: distances[row])
        values = numbers(distances[order], digits)
        where, unit = f"from the closest to the farthest, the centers of the {kind} are", " m"
        ending = " m from the camera"
    else:
        columns = view_context.mark_px[:, 0]
        order = sorted(rows, key=lambda row: columns[row] if side == "left" else -columns[row])
        values = pixels(columns[order])
        where, unit, ending = f"counted from the {side}, the {kind} are at columns", "", ""
    number_in_row = order.index(object_row)
    printed = [str(value) for value in values]
    if target != f"the {ordinal_name(noun, number_in_row, side)}" or len(set(printed)) < len(
        printed
    ):
        raise InsufficientDigitsError
    statement = f"{where} {join_list(printed)}{ending}"
    return sentence(statement, f"so {target} is the one at {printed[number_in_row]}{unit}")


def nth_point(question: QuestionInstance, digits: int) -> list[str]:
    """Find the n-th of a kind, then its point."""
    return [_order_steps(question, digits), *point(question, digits)]


def nth_box(question: QuestionInstance, digits: int) -> list[str]:
    """Find the n-th of a kind, then its box."""
    return [_order_steps(question, digits), *box(question, digits)]
