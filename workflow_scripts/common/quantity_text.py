"""Write quantities for people: metric or imperial, rounded sensibly, never to nothing.

Every writer returns (text, unit, tolerance): how far the text's rounding may be from the value,
in SI units, degrees or square metres.
"""

import math
from typing import Literal

from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.common.units import FOOT_M, INCH_M, SQUARE_FOOT_M2

Units = Literal["metric", "imperial", "mixed"]
WrittenQuantity = tuple[str, str, float]
LARGEST_IN_INCHES_M = 36 * INCH_M
# Half a unit of the last place, and what binary numbers add to it.
_HALF = 0.5 + 1e-9


def length_text(value_m: float, *, imperial: bool = False) -> WrittenQuantity:
    """Write a length: "3.4 cm", "86 cm", "1.24 m"; "1.3 in", "34 in", "4.1 ft"."""
    if not imperial:
        text = format_metres(value_m)
        unit = "m" if text.endswith(" m") else "cm"
        step = 0.01 if unit == "m" or "." not in text else 0.001
        return text, unit, _HALF * step
    if not 0 <= value_m < 1e6:
        raise ValueError(f"a length of {value_m} m cannot be written; it must be in [0, 1e6)")
    if value_m < LARGEST_IN_INCHES_M:
        inches = value_m / INCH_M
        if inches >= 9.95:
            return f"{inches:.0f} in", "in", _HALF * INCH_M
        return f"{inches:.1f} in", "in", _HALF * 0.1 * INCH_M
    feet = value_m / FOOT_M
    return f"{feet:.1f} ft", "ft", _HALF * 0.1 * FOOT_M


def area_text(value_m2: float, *, imperial: bool = False) -> WrittenQuantity:
    """Write an area: "0.45 square meters", "12.3 square meters"; "132 square feet"."""
    number, unit, scale = (
        (value_m2 / SQUARE_FOOT_M2, "square feet", SQUARE_FOOT_M2)
        if imperial
        else (value_m2, "square meters", 1.0)
    )
    digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{digits}f} {unit}", unit, _HALF * scale / 10**digits


def angle_text(value_deg: float) -> WrittenQuantity:
    """Write an angle: "35 degrees", "1 degree"."""
    whole = round(value_deg)
    return f"{whole} degree{'' if whole == 1 else 's'}", "degrees", _HALF


def clock_text(value_deg: float) -> WrittenQuantity:
    """Write a direction, clockwise from straight ahead, as the nearest hour: "3 o'clock"."""
    return f"{clock_hour(value_deg)} o'clock", "o'clock", 15.0 + 1e-9


def clock_hour(value_deg: float) -> int:
    """Return the nearest hour of a direction clockwise from 12 o'clock: 1 to 12."""
    return math.floor(value_deg / 30.0 + 0.5) % 12 or 12


def count(value: float) -> WrittenQuantity:
    """Write a number of objects: "3"."""
    return str(round(value)), "", 0.0
