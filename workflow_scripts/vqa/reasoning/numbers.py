"""Numbers as steps write them: every later step computes with what the text says.

A step is a clause or an equation such as "2.31 - 1.10 = 1.21". Its right side follows from the
left side as printed, to half a unit of its last digit; where the printed numbers do not support
the answer, `InsufficientDigitsError` is raised and the steps are written again with more digits.
"""

import math
from dataclasses import dataclass

from workflow_scripts.common.units import FOOT_M, INCH_M, SQUARE_FOOT_M2

# How many digits after the point lengths in metres get, in turn, until the steps hold.
DIGITS = (2, 3, 4)
_ROUNDING = 1e-9
# What one unit of an answer is in metres or square metres.
_SCALE = {"ft": FOOT_M, "in": INCH_M, "square feet": SQUARE_FOOT_M2}


class InsufficientDigitsError(Exception):
    """The printed numbers do not lead to the answer."""


@dataclass(frozen=True)
class PrintedNumber:
    """A number as printed."""

    value: float
    digits: int

    def __str__(self) -> str:
        return f"{self.value:.{self.digits}f}"

    @property
    def operand(self) -> str:
        """Return the number as it stands after a sign."""
        return f"({self})" if self.value < 0 else str(self)


def number(value: float, digits: int) -> PrintedNumber:
    """Round a measured value to what is printed of it; never to minus zero."""
    return PrintedNumber(round(float(value), digits) + 0.0, digits)


def subtract(one: PrintedNumber, other: PrintedNumber) -> tuple[str, PrintedNumber]:
    """Return an equation and its result."""
    printed = number(one.value - other.value, max(one.digits, other.digits))
    return f"{one} - {other.operand} = {printed}", printed


def multiply(*factors: PrintedNumber) -> tuple[str, PrintedNumber]:
    """Return an equation and its result."""
    printed = number(math.prod(factor.value for factor in factors), factors[0].digits)
    return f"{' × '.join(one.operand for one in factors)} = {printed}", printed


def divide(one: PrintedNumber, other: PrintedNumber, digits: int = 2) -> tuple[str, PrintedNumber]:
    """Return an equation and its result; `InsufficientDigitsError` for a divisor of 0."""
    if other.value == 0:
        raise InsufficientDigitsError
    printed = number(one.value / other.value, digits)
    return f"{one} ÷ {other.operand} = {printed}", printed


def norm(*sides: PrintedNumber) -> tuple[str, PrintedNumber]:
    """Return the equation of a straight distance from its sides, and its result."""
    printed = number(math.hypot(*(side.value for side in sides)), sides[0].digits)
    return f"√({' + '.join(f'{one.operand}²' for one in sides)}) = {printed}", printed


def cube_root(*sides: PrintedNumber) -> tuple[str, PrintedNumber]:
    """Return the equation of the edge of the cube of a box's volume, and its result."""
    edge = math.prod(side.value for side in sides) ** (1 / 3)
    printed = number(edge, sides[0].digits)
    return f"∛({' × '.join(map(str, sides))}) = {printed}", printed


def clockwise_angle(right: PrintedNumber, ahead: PrintedNumber) -> tuple[str, PrintedNumber]:
    """Return the equation of an angle clockwise from ahead in degrees, and its result."""
    angle_deg = math.degrees(math.atan2(right.value, ahead.value))
    printed = number(angle_deg, right.digits - 1)
    return f"atan2({right}, {ahead}) = {printed} degrees", printed


def wrap_degrees(angle: PrintedNumber) -> tuple[str, PrintedNumber]:
    """Return an angle in [0, 360), with the step that takes it there if one is needed."""
    if angle.value >= 0:
        return "", angle
    printed = number(angle.value + 360, angle.digits)
    return f"{angle} + 360 = {printed}", printed


def greater_than(one: PrintedNumber, other: PrintedNumber) -> str:
    """Return that one number is more than another; `InsufficientDigitsError` if not, as printed."""
    if one.value <= other.value:
        raise InsufficientDigitsError
    return f"{one} is more than {other}"


def less_than(one: PrintedNumber, other: PrintedNumber) -> str:
    """Return that one number is less than another; `InsufficientDigitsError` if not, as printed."""
    if one.value >= other.value:
        raise InsufficientDigitsError
    return f"{one} is less than {other}"


def to_answer_unit(printed: PrintedNumber, answer: str, unit: str) -> str:
    """Return the step from a length, an area or an angle to the answer's own unit and rounding.

    '' if no step is needed. `InsufficientDigitsError` if the step does not give the answer.
    """
    text = answer.split(" ")[0]
    decimals = len(text.partition(".")[2])
    value = printed.value
    if unit == "cm":
        value, step = 100 * value, f"100 × {printed} = {answer}"
    elif unit in _SCALE:
        value, step = value / _SCALE[unit], f"{printed} ÷ {_SCALE[unit]} = {answer}"
    else:
        step = "" if float(text) == printed.value else f"{printed} rounds to {answer}"
    if abs(value - float(text)) > 0.5 / 10**decimals + _ROUNDING:
        raise InsufficientDigitsError
    return step
