"""Units of lengths, areas and angles: their size, their symbol and how people write them."""

import math
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["length", "area", "angle"]
INCH_M, FOOT_M, YARD_M = 0.0254, 0.3048, 0.9144
SQUARE_FOOT_M2 = 0.09290304


@dataclass(frozen=True)
class Unit:
    """A unit.

    Attributes:
        dimension: What it measures.
        size: One of it in metres, square metres or degrees.
        words: How it is written in words and abbreviations, the symbol first.
        signs: Signs that stand for it behind a number, such as ' for feet.
    """

    dimension: Dimension
    size: float
    words: tuple[str, ...]
    signs: tuple[str, ...] = ()


UNITS: tuple[Unit, ...] = (
    Unit("length", 1.0, ("m", "metre", "metres", "meter", "meters")),
    Unit("length", 0.01, ("cm", "cms", "centimetre", "centimetres", "centimeter", "centimeters")),
    Unit("length", 0.001, ("mm", "millimetre", "millimetres", "millimeter", "millimeters")),
    Unit("length", 1000.0, ("km", "kilometre", "kilometres", "kilometer", "kilometers")),
    Unit("length", FOOT_M, ("ft", "foot", "feet"), signs=("'", "′")),
    Unit("length", INCH_M, ("in", "inch", "inches"), signs=('"', "″")),
    Unit("length", YARD_M, ("yd", "yard", "yards")),
    Unit(
        "area",
        1.0,
        (
            *("m²", "m2", "m^2", "sqm", "sq m"),
            *("square metre", "square metres", "square meter", "square meters"),
        ),
    ),
    Unit("area", 0.0001, ("cm²", "cm2", "cm^2", "square centimetres", "square centimeters")),
    Unit(
        "area",
        SQUARE_FOOT_M2,
        ("ft²", "ft2", "ft^2", "sqft", "sq ft", "square foot", "square feet"),
    ),
    Unit("angle", 1.0, ("°", "deg", "degree", "degrees")),
    Unit("angle", 180 / math.pi, ("rad", "radian", "radians")),
)
# Units of answers that are numbers, by the type of the answer (common/questions.py).
ANSWER_SYMBOLS = {"metres": "m", "square_metres": "m²", "degrees": "°", "clock": "o'clock"}
