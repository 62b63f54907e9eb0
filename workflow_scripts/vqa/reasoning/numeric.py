"""Steps of questions for a number: lengths, areas, angles, hours of the clock."""

from collections.abc import Callable

import numpy as np

from workflow_scripts.common.quantity_text import clock_hour
from workflow_scripts.vqa.reasoning.numbers import (
    InsufficientDigitsError,
    PrintedNumber,
    clockwise_angle,
    divide,
    greater_than,
    multiply,
    norm,
    number,
    subtract,
    to_answer_unit,
    wrap_degrees,
)
from workflow_scripts.vqa.reasoning.question_instance import (
    QuestionInstance,
    StepWriter,
    join_list,
    numbers,
    sentence,
)

# Coordinates are measured to the right and ahead of the camera laid level, and up from the floor.
_AXES = ("to the right", "ahead", "up")
BOUNDING_BOXES = ("the bounding boxes of ", "the bounding box of ")


def _with_final_steps(
    question: QuestionInstance, steps: list[str], printed: PrintedNumber
) -> list[str]:
    """Add the step to the answer's unit, and the option where there are some."""
    last = to_answer_unit(printed, question.value, question.unit)
    steps = [*steps, sentence(last)] if last else steps
    if question.batch.kind == "multiple_choice":
        return [*steps, sentence(f"that is option {question.batch.answer}")]
    return steps


def from_measurement(text: str, values: Callable[[QuestionInstance], float]) -> StepWriter:
    """Return the steps from one measured length; `text` fits "{text} {value} m.".

    Its slots are the names {a} and {b}, and {of}, {one_of} for "the bounding box(es) of".
    """

    def write(question: QuestionInstance, digits: int) -> list[str]:
        printed = number(values(question), digits)
        name = question.name(question.object_rows[0])
        other = question.name(question.object_rows[1]) if len(question.object_rows) > 1 else ""
        is_box = question.view_context.measured.shape_source == "box"
        of, one_of = BOUNDING_BOXES if is_box else ("", "")
        filled = text.format(a=name, b=other, of=of, one_of=one_of)
        statement = sentence(f"{filled} {printed} m")
        return _with_final_steps(question, [statement], printed)

    return write


width = from_measurement(
    "seen from the front, the width of the box around {a} is",
    lambda question: question.view_context.measured.size_m[question.object_rows[0], 0],
)
minimum_distance = from_measurement(
    "the gap between {of}{a} and {b} at their closest points is",
    lambda question: question.view_context.measured.gap_m[
        question.object_rows[0], question.object_rows[1]
    ],
)
camera_nearest = from_measurement(
    "the distance from the camera to the closest point of {one_of}{a} is",
    lambda question: question.view_context.measured.nearest_m[question.object_rows[0]],
)
bottom_height = from_measurement(
    "the height of the lowest point of {a} above the floor is",
    lambda question: question.view_context.measured.low_m[question.object_rows[0], 2],
)
top_height = from_measurement(
    "the height of the highest point of {a} above the floor is",
    lambda question: question.view_context.measured.high_m[question.object_rows[0], 2],
)


def extent(axis: int, low_name: str, high_name: str) -> StepWriter:
    """Return the steps from two ends of an object along right (0) or up (2) to its extent."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        (object_row,) = question.object_rows
        measured = question.view_context.measured
        low = number(measured.low_m[object_row, axis], digits)
        high = number(measured.high_m[object_row, axis], digits)
        step, printed = subtract(high, low)
        statement = sentence(
            f"{low_name.format(a=question.name(object_row))} {low} m {high_name} {high} m"
        )
        return _with_final_steps(question, [statement, sentence(f"{step} m")], printed)

    return write


height = extent(2, "the underside of {a} is at a height of", "and the top at")
view_width = extent(
    0, "measured to the right from the camera, the left end of {a} is at", "and the right end at"
)


def length(question: QuestionInstance, digits: int) -> list[str]:
    """Take the longer of the two level sides."""
    (object_row,) = question.object_rows
    sides = numbers(question.view_context.measured.size_m[object_row, :2], digits)
    longest = max(sides, key=lambda side: side.value)
    statement = _footprint_clause(question, object_row, sides)
    if str(sides[0]) == str(sides[1]):
        compared = f"both sides are {longest} m"
    else:
        shortest = min(sides, key=lambda side: side.value)
        compared = f"{greater_than(longest, shortest)}, so the longer side is {longest} m"
    return _with_final_steps(question, [sentence(statement), sentence(compared)], longest)


def _footprint_clause(
    question: QuestionInstance, object_row: int, sides: list[PrintedNumber]
) -> str:
    name = question.name(object_row)
    return f"seen from above, the box around {name} is {sides[0]} m by {sides[1]} m"


def footprint(question: QuestionInstance, digits: int) -> list[str]:
    """Give the area of the outline, or multiply the two level sides of the box."""
    (object_row,) = question.object_rows
    if question.view_context.measured.shape_source == "surface":
        area = number(question.view_context.measured.footprint_m2[object_row], digits)
        name = question.name(object_row)
        outline = f"seen from above, the outline of {name} encloses {area} square meters"
        return _with_final_steps(question, [sentence(outline)], area)
    sides = numbers(question.view_context.measured.size_m[object_row, :2], digits)
    step, printed = multiply(*sides)
    statement = _footprint_clause(question, object_row, sides)
    return _with_final_steps(
        question, [sentence(statement), sentence(f"{step} square meters")], printed
    )


def _coordinates(
    question: QuestionInstance, object_row: int, axes: list[int], digits: int
) -> list[PrintedNumber]:
    return numbers(question.view_context.measured.centre_level_m[object_row, axes], digits)


def _position_clause(
    question: QuestionInstance, object_row: int, values: list[PrintedNumber]
) -> str:
    return f"the center of {question.name(object_row)} is at ({', '.join(map(str, values))})"


def differences(
    question: QuestionInstance, axes: list[int], digits: int
) -> tuple[list[str], list[PrintedNumber]]:
    """Return the steps from the coordinates of two centres to their differences."""
    one, other = question.object_rows
    first, second = (
        _coordinates(question, object_row, axes, digits) for object_row in (one, other)
    )
    intro = f"in meters {join_list([_AXES[axis] for axis in axes])}"
    statement = sentence(
        intro,
        f"{_position_clause(question, one, first)} and {_position_clause(question, other, second)}",
    )
    steps, printed = zip(*map(subtract, second, first), strict=True)
    return [statement, sentence(f"the differences are {join_list(steps)}")], list(printed)


def distance(axes: list[int]) -> StepWriter:
    """Return the steps from two centres to their distance along some axes."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        steps, sides = differences(question, axes, digits)
        step, printed = norm(*sides)
        return _with_final_steps(question, [*steps, sentence(f"{step} m")], printed)

    return write


def offset(axis: int, text: str, *, second_minus_first: bool) -> StepWriter:
    """Return the steps to a difference along one axis: second minus first, or the reverse.

    `text` fits "{text}, the centre of the sofa is at 1.20 m".
    """

    def write(question: QuestionInstance, digits: int) -> list[str]:
        one, other = question.object_rows
        first, second = (
            _coordinates(question, object_row, [axis], digits)[0] for object_row in (one, other)
        )
        step, printed = subtract(second, first) if second_minus_first else subtract(first, second)
        statement = sentence(
            text,
            f"the center of {question.name(one)} is at {first} m and that of "
            f"{question.name(other)} at {second} m",
        )
        return _with_final_steps(question, [statement, sentence(f"{step} m")], printed)

    return write


def vertical(question: QuestionInstance, digits: int) -> list[str]:
    """Subtract the lower centre's height from the higher one's."""
    one, other = question.object_rows
    heights = question.view_context.measured.centre_m[:, 2]
    first, second = numbers(heights[[one, other]], digits)
    high, low = (first, second) if first.value >= second.value else (second, first)
    step, printed = subtract(high, low)
    statement = sentence(
        f"the center of {question.name(one)} is at a height of {first} m and that of "
        f"{question.name(other)} at {second} m"
    )
    return _with_final_steps(question, [statement, sentence(f"{step} m")], printed)


def camera_distance(question: QuestionInstance, digits: int) -> list[str]:
    """Go from the camera to a centre."""
    (object_row,) = question.object_rows
    measured = question.view_context.measured
    right, ahead, up = _coordinates(question, object_row, [0, 1, 2], digits)
    camera_height = number(measured.camera.position_m[2], digits)
    lift, rise = subtract(up, camera_height)
    step, printed = norm(right, ahead, rise)
    statement = _from_camera(question, object_row, right, ahead)
    heights = sentence(
        f"it is at a height of {up} m and the camera at {camera_height} m",
        f"a difference of {lift} m",
    )
    return _with_final_steps(question, [statement, heights, sentence(f"{step} m")], printed)


def _bearing(
    question: QuestionInstance, object_row: int, digits: int
) -> tuple[list[str], PrintedNumber]:
    right, ahead = _coordinates(question, object_row, [0, 1], digits)
    step, printed = clockwise_angle(right, ahead)
    steps = [
        _from_camera(question, object_row, right, ahead),
        sentence(f"clockwise from straight ahead, that is {step}"),
    ]
    return steps, printed


def _from_camera(
    question: QuestionInstance, object_row: int, right: PrintedNumber, ahead: PrintedNumber
) -> str:
    return sentence(
        "in meters to the right and ahead of the camera",
        _position_clause(question, object_row, [right, ahead]),
    )


def bearing(*, left: bool) -> StepWriter:
    """Return the steps to the angle at which the camera sees a centre."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        steps, printed = _bearing(question, question.object_rows[0], digits)
        if left:
            turned = number(-printed.value, printed.digits)
            steps.append(sentence(f"that is {turned} degrees to the left"))
            printed = turned
        return _with_final_steps(question, steps, printed)

    return write


def between_bearings(question: QuestionInstance, digits: int) -> list[str]:
    """Subtract the angles at which the camera sees two centres."""
    one, other = question.object_rows
    first, angle = _bearing(question, one, digits)
    second, next_angle = _bearing(question, other, digits)
    high, low = sorted((angle, next_angle), key=lambda printed: -printed.value)
    step, printed = subtract(high, low)
    steps = [*first, *second, sentence(f"{step} degrees")]
    if printed.value > 180:
        step, printed = subtract(number(360, 0), printed)
        steps.append(sentence(f"the other way around, it is {step} degrees"))
    return _with_final_steps(question, steps, printed)


def clock(question: QuestionInstance, digits: int) -> list[str]:
    """Turn the direction from one centre to another into an hour."""
    steps, (right, ahead) = differences(question, [0, 1], digits)
    step, angle = clockwise_angle(right, ahead)
    turned, angle = wrap_degrees(angle)
    share, hours = divide(angle, number(30, 0))
    hour = round(hours.value)
    named = f"the nearest hour is {hour}" + ("" if hour else ", which is 12 on the clock")
    if (hour % 12 or 12) != clock_hour(
        angle.value
    ) or question.value != f"{hour % 12 or 12} o'clock":
        raise InsufficientDigitsError
    steps += [
        sentence(f"clockwise from straight ahead, that is {step}"),
        *([sentence(turned)] if turned else []),
    ]
    steps.append(sentence(f"an hour is 30 degrees and {share}", f"so {named}"))
    if question.batch.kind == "multiple_choice":
        steps.append(sentence(f"that is option {question.batch.answer}"))
    return steps


def room_area(question: QuestionInstance, digits: int) -> list[str]:
    """Multiply the sides of the room."""
    sides = numbers(_room(question), digits)
    step, printed = multiply(*sides)
    statement = f"the floor of the room is a rectangle of {sides[1]} m by {sides[0]} m"
    return _with_final_steps(
        question, [sentence(statement), sentence(f"{step} square meters")], printed
    )


def room_length(question: QuestionInstance, digits: int) -> list[str]:
    """Take the longer side of the room."""
    short, long = numbers(_room(question), digits)
    statement = f"the floor of the room is a rectangle of {long} m by {short} m"
    ending = f"both walls are {long} m" if str(long) == str(short) else greater_than(long, short)
    return _with_final_steps(question, [sentence(statement), sentence(ending)], long)


def _room(question: QuestionInstance) -> np.ndarray:
    assert question.view_context.room_size_m is not None
    return np.array(question.view_context.room_size_m)
