"""Read numbers and quantities from what a model said, in digits or in words, with or without units.

Metric and imperial lengths, areas and angles come back in SI units or degrees. A range ("1 to
2 m", "between one and two metres") counts as its middle, and the first quantity of a text is
taken: a reply states its answer first or marks it (see `replies.final`).
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["length", "area", "angle"]

_LENGTHS = {
    1.0: "m metre metres meter meters",
    0.01: "cm cms centimetre centimetres centimeter centimeters",
    0.001: "mm millimetre millimetres millimeter millimeters",
    1000.0: "km kilometre kilometres kilometer kilometers",
    0.3048: "ft foot feet ' ′",
    0.0254: 'in inch inches " ″',
    0.9144: "yd yard yards",
}
_AREAS = {
    1.0: "m2 m² m^2 sqm sq_m square_metre square_metres square_meter square_meters",
    0.0001: "cm2 cm² cm^2 square_centimetres square_centimeters",
    0.3048**2: "ft2 ft² ft^2 sqft sq_ft square_foot square_feet",
}
_ANGLES = {1.0: "° deg degree degrees", 180 / math.pi: "rad radian radians"}
_UNITS: dict[str, tuple[Dimension, float]] = {
    word.replace("_", " "): (dimension, size)
    for dimension, table in (("length", _LENGTHS), ("area", _AREAS), ("angle", _ANGLES))
    for size, words in table.items()
    for word in words.split()
}
# After feet come inches, after metres centimetres: "5 ft 6 in", "1 m 20 cm".
_SMALLER = {0.3048: 0.0254, 1.0: 0.01}

_SMALL_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL, _TENS = _SMALL_NAMES.split(), _TENS_NAMES.split()
_VALUES = {word: number for number, word in enumerate(_SMALL)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000}
_FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4"}
_PARTS = {"a half": 0.5, "one half": 0.5, "a quarter": 0.25, "three quarters": 0.75}

_words_of_units = "|".join(
    re.escape(word).replace(r"\ ", r"\.?\s+")
    for word in sorted(_UNITS, key=len, reverse=True)
    if word not in "'\"′″"
)
_unit = rf"(?:(?:{_words_of_units})(?![\w²°^])|['\"′″])"
_decimal = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_value = "|".join((*_SMALL, *_TENS))
_WORDS = re.compile(
    rf"\b(?:(?:{_value})|an?(?=[\s-]+(?:hundred|thousand)))"
    rf"(?:[\s-]+(?:{_value}|hundred|thousand|(?:(?<=hundred )|(?<=thousand ))and))*"
    rf"(?:\s+point(?:\s+(?:{'|'.join(_SMALL[:10])}))+)?\b",
    re.IGNORECASE,
)
_part = "|".join(_PARTS)
_QUANTITY = re.compile(
    rf"(?<![\w.,/])(?P<sign>-?)(?P<low>{_decimal})"
    rf"(?:\s*(?P<low_unit>{_unit})?\s*(?:-|–|—|~|\bto\b|\band\b|\bor\b)\s*(?P<high>{_decimal}))?"
    rf"(?:\s*(?:±|\+/-)\s*{_decimal})?[\s-]*(?P<unit>{_unit})",
    re.IGNORECASE,
)
_FURTHER = re.compile(rf"(?:\s|,|and)*(?P<number>{_decimal})[\s-]*(?P<unit>{_unit})", re.IGNORECASE)
_BARE = re.compile(rf"(?<![\w.,/])-?{_decimal}(?![\w²])", re.IGNORECASE)


@dataclass(frozen=True)
class Quantity:
    """A value in metres, square metres or degrees, and the bounds if a range was said."""

    value: float
    low: float
    high: float


def in_digits(text: str) -> str:
    """Rewrite every number of a text in plain digits with a decimal point.

    "twenty-one" -> "21", "two and a half metres" -> "2.5 metres", "half a metre" -> "0.5 metre",
    "2 1/2" -> "2.5", "1,5" -> "1.5"; a comma before three digits separates thousands. An article
    before a unit is a one.
    """
    for sign, fraction in _FRACTIONS.items():
        text = text.replace(sign, f" {fraction}")
    text = re.sub(r"(?<=[\s(])[−–](?=\d)|^[−–](?=\d)", "-", text)
    text = re.sub(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", lambda m: m[0].replace(",", ""), text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    # Nine digits at most: what a model that cannot stop says may be longer than Python divides.
    whole, part = r"(?:(\d{1,9})\s+)?", r"(\d{1,9})"
    text = re.sub(rf"(?<![\d.]){whole}{part}/{part}(?![\d/])", _fraction, text)
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = _WORDS.sub(lambda found: f"{_of_words(found[0].lower()):g}", text)
    articles = rf"\ban?\s+(?={_unit})(?<!half a )(?<!half an )(?<!of a )(?<!of an )"
    text = re.sub(articles, "1 ", text, flags=re.IGNORECASE)
    with_unit = rf"({_decimal})((?:\s+(?:{_unit}))?)\s+and\s+({_part})\b"
    text = re.sub(with_unit, _and_part, text, flags=re.IGNORECASE)
    for words, value in (("half", 0.5), (r"(?:a|1)\s+quarter", 0.25), (r"3\s+quarters", 0.75)):
        of = rf"\b{words}(?:\s+of)?\s+(?:an?\s+)?(?=(?:{_unit}))"
        text = re.sub(of, f"{value} ", text, flags=re.IGNORECASE)
    return text


def _fraction(found: re.Match[str]) -> str:
    below = int(found[3])
    if not below:
        return found[0]
    return f"{int(found[1] or 0) + int(found[2]) / below:.6g}"


def _and_part(found: re.Match[str]) -> str:
    part = _PARTS[re.sub(r"\s+", " ", found[3].lower())]
    return f"{float(found[1]) + part:g}{found[2]}"


def _of_words(text: str) -> float:
    whole, _, decimals = re.sub(r"[\s-]+", " ", text).partition(" point ")
    total, part = 0, 0
    for word in whole.split():
        if word in _SCALES:
            part = max(part, 1) * _SCALES[word]
            if word == "thousand":
                total, part = total + part, 0
        elif word in _VALUES:
            part += _VALUES[word]
    digits = "".join(str(_VALUES[word]) for word in decimals.split())
    return total + part + (float(f"0.{digits}") if digits else 0.0)


def quantities(text: str, dimension: Dimension) -> Iterator[Quantity]:
    """Yield every quantity of a dimension in a text, in order."""
    text = in_digits(text)
    start = 0
    while found := _QUANTITY.search(text, start):
        start = found.end()
        kind, size = _UNITS[_plain(found["unit"])]
        low_kind, low_size = _UNITS[_plain(found["low_unit"] or found["unit"])]
        low = float(found["low"]) * low_size
        if found["high"] and found["low_unit"] and _SMALLER.get(low_size) == size:
            high = low = low + float(found["high"]) * size
        elif found["high"]:
            high = float(found["high"]) * size
        else:
            smaller, start = _smaller(text, found.end(), size)
            high = low = (-1.0 if found["sign"] else 1.0) * (low + smaller)
        # "1e999 m" is no number that anybody means.
        if kind == low_kind == dimension and math.isfinite(low) and math.isfinite(high):
            low, high = sorted((low, high))
            yield Quantity((low + high) / 2, low, high)


def _smaller(text: str, start: int, size: float) -> tuple[float, int]:
    """Return the inches after feet or the centimetres after metres, and where they end."""
    found = _FURTHER.match(text, start) if size in _SMALLER else None
    if not found or _UNITS[_plain(found["unit"])] != ("length", _SMALLER[size]):
        return 0.0, start
    return float(found["number"]) * _SMALLER[size], found.end()


def _plain(unit: str) -> str:
    return re.sub(r"\.?\s+", " ", unit.lower())


def quantity(text: str, dimension: Dimension) -> float | None:
    """Return the first quantity of a dimension in SI units or degrees, None without one.

    A number without a unit is none: nobody can tell whether "86" means metres or centimetres.
    """
    found = next(quantities(text, dimension), None)
    return None if found is None else found.value


def bare_number(text: str) -> float | None:
    """Return the first number of a text whatever its unit, digits before words; else None."""
    found = _BARE.search(in_digits(text) if not re.search(r"\d", text) else _digits_only(text))
    return float(found[0]) if found and math.isfinite(float(found[0])) else None


def _digits_only(text: str) -> str:
    return in_digits(_WORDS.sub("", text))


def contains_number(text: str) -> bool:
    """Say whether a reply to a question for a length holds a number (SpatialVLM's first score).

    Digits anywhere count; words only with a unit, for "the red one" holds no number.
    """
    return bool(re.search(r"[\d½¼¾]", text)) or any(
        True for dimension in ("length", "area", "angle") for _ in quantities(text, dimension)
    )
