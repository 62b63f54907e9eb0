"""Steps to yes or no: about the same, touching, on top, inside, between, facing."""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.geometry import upright_boxes
from workflow_scripts.vqa import contact
from workflow_scripts.vqa.reasoning.comparison import ComparisonQuantity
from workflow_scripts.vqa.reasoning.numbers import (
    InsufficientDigitsError,
    PrintedNumber,
    clockwise_angle,
    cube_root,
    divide,
    greater_than,
    less_than,
    norm,
    number,
    subtract,
    wrap_degrees,
)
from workflow_scripts.vqa.reasoning.question_instance import (
    QuestionInstance,
    StepWriter,
    join_list,
    numbers,
    sentence,
)

# By so much an object may stick out of its container: `contact.inside`.
SLACK_M = contact.CONTACT_M / 2


@dataclass(frozen=True)
class Limits:
    """A value at most `yes` supports a yes, one of at least `no` a no."""

    yes: float
    no: float


def about_equal(quantity: ComparisonQuantity, excess: Limits) -> StepWriter:
    """Return the steps to whether two sizes are about equal: by their ratio minus 1."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        values = quantity.numbers(question, question.object_rows, digits)
        return [
            quantity.clauses(question, question.object_rows, values),
            *_ratio(question, values, excess),
        ]

    return write


def same_size(excess: Limits) -> StepWriter:
    """Return the steps of a comparison of the edges of cubes of the same volumes."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        steps, edges = [], []
        for object_row in question.object_rows:
            measured, name = question.view_context.measured, question.name(object_row)
            if measured.shape_source == "surface":
                volume = number(measured.volumes_m3[object_row, 0], digits)
                taken = f"the volume that {name} takes up is {volume} cubic meters"
                steps.append(sentence(taken))
                text, edge = cube_root(volume)
            else:
                text, edge = cube_root(*numbers(measured.size_m[object_row], digits))
                name = f"the bounding box of {name}"
            steps.append(sentence(f"a cube as big as {name} would have sides of {text} m"))
            edges.append(edge)
        return [*steps, *_ratio(question, edges, excess)]

    return write


def _ratio(question: QuestionInstance, values: list[PrintedNumber], excess: Limits) -> list[str]:
    high, low = sorted(values, key=lambda number: -number.value)
    step, share = divide(high, low, high.digits)
    if question.says_yes:
        limit = number(1 + excess.yes, share.digits)
        verdict = f"{less_than(share, limit)}, the limit for about the same size"
    else:
        limit = number(1 + excess.no, share.digits)
        verdict = f"{greater_than(share, limit)}, the limit for different sizes"
    return [sentence(step), sentence(verdict)]


def same_distance(difference_m: Limits) -> StepWriter:
    """Return the steps that compare the distances of centres and nearest points from the camera."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        return _same_distance(question, digits, difference_m)

    return write


def _same_distance(question: QuestionInstance, digits: int, limits: Limits) -> list[str]:
    one, other = map(question.name, question.object_rows)
    measured = question.view_context.measured
    steps = []
    boxes = measured.shape_source == "box"
    nearest = "closest point of the bounding box" if boxes else "closest point"
    for what, values in (("center", measured.distance_m), (nearest, measured.nearest_m)):
        first, second = numbers(values[question.object_rows], digits)
        high, low = sorted((first, second), key=lambda found: -found.value)
        step, apart = subtract(high, low)
        statement = (
            f"the {what} of {one} is {first} m from the camera and that of {other} is {second} m "
            "away"
        )
        if question.says_yes:
            limit = number(limits.yes, digits)
            verdict = f"{less_than(apart, limit)}, the limit for about the same distance"
        else:
            limit = number(limits.no, digits)
            verdict = f"{greater_than(apart, limit)}, the limit for different distances"
        steps += [sentence(statement), sentence(step), sentence(verdict)]
    return steps


def on_top(question: QuestionInstance, digits: int) -> list[str]:
    """Compare underside and top, and see whether one is over the other."""
    if not question.says_yes:
        return _separation_steps(question, digits)
    upper, lower = question.object_rows
    return _support_steps(question, upper, lower, digits)


def touching(question: QuestionInstance, digits: int) -> list[str]:
    """Show that one stands on the other, or that there is space between them."""
    if not question.says_yes:
        return _separation_steps(question, digits, by_height=False)
    one, other = question.object_rows
    on = contact.on_top(question.view_context)
    upper, lower = (one, other) if on[one, other] > 0 else (other, one)
    return _support_steps(question, upper, lower, digits)


def _support_steps(question: QuestionInstance, upper: int, lower: int, digits: int) -> list[str]:
    measured = question.view_context.measured
    under = number(measured.low_m[upper, 2], digits)
    top = number(contact.support_height_m(question.view_context, upper, lower), digits)
    carries = (upper, lower) in contact.carried_pairs(question.view_context)
    surface = "surface under it of" if carries else "top of"
    high, low = sorted((under, top), key=lambda number: -number.value)
    step, height_gap = subtract(high, low)
    one, other = question.name(upper), question.name(lower)
    limit = number(contact.CONTACT_M, digits)
    lateral = measured.centre_m[upper, :2] - measured.centre_m[lower, :2]
    centre_offsets = numbers(
        np.abs(upright_boxes.footprint_axes(measured.yaw_deg)[lower] @ lateral), digits
    )
    half_sizes = numbers(measured.size_m[lower, :2] / 2, digits)
    within = join_list([_at_most(*pair) for pair in zip(centre_offsets, half_sizes, strict=True)])
    return [
        sentence(
            f"the underside of {one} is at a height of {under} m "
            f"and the {surface} {other} at {top} m"
        ),
        sentence(step),
        sentence(less_than(height_gap, limit), "so they meet in height"),
        sentence(
            f"seen from above, the center of {one} is {centre_offsets[0]} m and "
            f"{centre_offsets[1]} m from that of {other} along its two sides, and half of each "
            f"side is {half_sizes[0]} m and {half_sizes[1]} m"
        ),
        sentence(within, f"so {one} {question.verb_be(upper)} over {other}"),
    ]


def _at_most(one: PrintedNumber, other: PrintedNumber) -> str:
    """Say that one number is less than another, or the same."""
    return f"{one} is as much as {other}" if one.value == other.value else less_than(one, other)


def _separation_steps(
    question: QuestionInstance, digits: int, *, by_height: bool = True
) -> list[str]:
    """Show the space between two objects, or that the top of the second is above the first."""
    one, other = question.object_rows
    measured = question.view_context.measured
    limit = number(contact.APART_M, digits)
    gap = number(measured.gap_m[one, other], digits)
    a, b = question.name(one), question.name(other)
    if gap.value > limit.value or not by_height:
        statement = f"at their closest points, {a} and {b} are {gap} m apart"
        return [sentence(statement), sentence(greater_than(gap, limit), "so they do not touch")]
    top, first_top = (
        number(measured.high_m[other, 2], digits),
        number(measured.high_m[one, 2], digits),
    )
    step, beneath = subtract(top, first_top)
    statement = f"the top of {b} is at a height of {top} m and the top of {a} at {first_top} m"
    return [
        sentence(statement),
        sentence(step),
        sentence(
            greater_than(beneath, limit),
            f"so {a} {question.verb_be(one)} well below the top of {b}",
        ),
    ]


def inside(question: QuestionInstance, digits: int) -> list[str]:
    """Compare how far one reaches from the middle of the other with the other's half sides."""
    if not question.says_yes:
        return _separation_steps(question, digits, by_height=False)
    one, other = question.object_rows
    measured = question.view_context.measured
    corners = upright_boxes.box_corners(measured.centre_m, measured.size_m, measured.yaw_deg)[one]
    relative = corners - measured.centre_m[other]
    level = relative[:, :2] @ upright_boxes.footprint_axes(measured.yaw_deg)[other].T
    reach = numbers(np.abs(np.column_stack([level, relative[:, 2]])).max(axis=0), digits)
    half_sizes = numbers(measured.size_m[other] / 2 + SLACK_M, digits)
    a, b = question.name(one), question.name(other)
    return [
        sentence(
            f"from the center of {b}, along its sides and upward, {a} {_reach(question, one)} "
            f"{join_list([f'{value} m' for value in reach])}, and half the size of {b}, with a "
            f"small tolerance, is {join_list([f'{value} m' for value in half_sizes])}"
        ),
        sentence(join_list([_at_most(*pair) for pair in zip(reach, half_sizes, strict=True)])),
    ]


def _reach(question: QuestionInstance, object_row: int) -> str:
    return "reach" if question.expressions.plural[object_row] else "reaches"


def between(along: Limits, aside: Limits) -> StepWriter:
    """Return the steps to where the first lies on the way between the others, and how far aside.

    Both limits are shares of the length of the way; of `along` they are also meant from its end.
    """

    def write(question: QuestionInstance, digits: int) -> list[str]:
        return _between(question, digits, along, aside)

    return write


def _between(
    question: QuestionInstance, digits: int, along_limits: Limits, aside_limits: Limits
) -> list[str]:
    names = list(map(question.name, question.object_rows))
    plan = question.view_context.measured.centre_level_m[question.object_rows, :2]
    (ax, ay), (bx, by), (cx, cy) = (numbers(point, digits) for point in plan)
    steps, (wx, wy, ux, uy) = zip(
        *(subtract(*pair) for pair in ((cx, bx), (cy, by), (ax, bx), (ay, by))), strict=True
    )
    way, length = norm(wx, wy)
    square = f"{length}²"
    along = _fraction(
        f"{_product(ux, wx)} + {_product(uy, wy)}",
        ux.value * wx.value + uy.value * wy.value,
        length,
    )
    cross = ux.value * wy.value - uy.value * wx.value
    high, low = ((ux, wy), (uy, wx)) if cross >= 0 else ((uy, wx), (ux, wy))
    lateral = _fraction(f"{_product(*high)} - {_product(*low)}", abs(cross), length)
    statement = [
        sentence(
            "in meters to the right and ahead, "
            + join_list(
                [
                    f"the center of {name} is at ({x}, {y})"
                    for name, x, y in zip(names, (ax, bx, cx), (ay, by, cy), strict=True)
                ]
            )
        ),
        sentence(
            f"from {names[1]} to {names[2]} it is {join_list(steps[:2])}",
            f"{way} m in a straight line",
        ),
        sentence(f"from {names[1]} to {names[0]} it is {join_list(steps[2:])}"),
        sentence(f"as a fraction along that line, this is ({along[0]}) ÷ {square} = {along[1]}"),
        sentence(f"to the side of it, this is ({lateral[0]}) ÷ {square} = {lateral[1]}"),
    ]
    return [
        *statement,
        _between_verdict(question, along[1], lateral[1], along_limits, aside_limits),
    ]


def _product(one: PrintedNumber, other: PrintedNumber) -> str:
    return f"{one.operand} × {other.operand}"


def _fraction(text: str, value: float, length: PrintedNumber) -> tuple[str, PrintedNumber]:
    if length.value == 0:
        raise InsufficientDigitsError
    return text, number(value / length.value**2, 2)


def _between_verdict(
    question: QuestionInstance,
    along: PrintedNumber,
    lateral: PrintedNumber,
    along_limits: Limits,
    aside_limits: Limits,
) -> str:
    if question.says_yes:
        low, high, wide = (
            number(limit, 2) for limit in (along_limits.yes, 1 - along_limits.yes, aside_limits.yes)
        )
        return sentence(
            greater_than(along, low), less_than(along, high), f"and {less_than(lateral, wide)}"
        )
    low, high, wide = (
        number(limit, 2) for limit in (along_limits.no, 1 - along_limits.no, aside_limits.no)
    )
    if lateral.value > wide.value:
        return sentence(greater_than(lateral, wide), "too far to the side of the line")
    end = less_than(along, low) if along.value < 0.5 else greater_than(along, high)
    return sentence(end, "beyond the end of the line")


def facing_object(angle_deg: Limits) -> StepWriter:
    """Return the steps that compare the direction of a front with that to the other centre."""

    def write(question: QuestionInstance, digits: int) -> list[str]:
        return _facing_object(question, digits, angle_deg)

    return write


def _facing_object(question: QuestionInstance, digits: int, limits: Limits) -> list[str]:
    one, other = question.object_rows
    points = [
        numbers(question.view_context.measured.centre_level_m[row, :2], digits)
        for row in (one, other)
    ]
    steps, sides = zip(*map(subtract, points[1], points[0]), strict=True)
    step, way = clockwise_angle(*sides)
    turned, way = wrap_degrees(way)
    front = number(front_deg(question, one), way.digits)
    high, low = sorted((front, way), key=lambda found: -found.value)
    apart, angle = subtract(high, low)
    ending = [sentence(f"{apart} degrees")]
    if angle.value > 180:
        rest, angle = subtract(number(360, 0), angle)
        ending.append(sentence(f"the other way around, it is {rest} degrees"))
    a, b = question.name(one), question.name(other)
    limit = number(limits.yes if question.says_yes else limits.no, 0)
    verdict = (
        f"{less_than(angle, limit)}, so the front points at {b}"
        if question.says_yes
        else f"{greater_than(angle, limit)}, so the front does not point at {b}"
    )
    return [
        sentence(
            f"in meters to the right and ahead, the center of {a} is at "
            f"({points[0][0]}, {points[0][1]}) and that of {b} at ({points[1][0]}, {points[1][1]})"
        ),
        sentence(f"from {a} to {b} it is {join_list(steps)}"),
        sentence(f"clockwise from straight ahead, that is {step}"),
        *([sentence(turned)] if turned else []),
        sentence(f"the front of {a} points {front} degrees clockwise from straight ahead"),
        *ending,
        sentence(verdict),
    ]


def front_deg(question: QuestionInstance, object_row: int) -> float:
    """Return where an object faces, clockwise from the camera's level heading, [0, 360)."""
    measured = question.view_context.measured
    pose = measured.camera.world_from_camera[:3, :3]
    right, ahead = ((pose @ axis)[:2] for axis in (measured.axes.right, measured.axes.forward))
    yaw = np.deg2rad(measured.yaw_deg[object_row])
    faces = np.array([-np.sin(yaw), np.cos(yaw)])
    return float(np.rad2deg(np.arctan2(faces @ right, faces @ ahead)) % 360.0)
