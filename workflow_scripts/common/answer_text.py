"""Write answers and read them back: the one definition of their form, for asking and scoring.

What a stage writes with `format_metres` or as one of a question's choices, `parse_metres` and
`parse_choice` read, and they also read what a model is likely to say instead.
"""

import re
from collections.abc import Sequence

from workflow_scripts.common.units import UNITS

_METRES_PER_UNIT = {
    word: unit.size for unit in UNITS if unit.dimension == "length" for word in unit.words
}
_UNIT = "|".join(sorted(_METRES_PER_UNIT, key=len, reverse=True))
_QUANTITY = re.compile(rf"(?<![\w.,-])(\d+(?:[.,]\d+)?)[\s-]*({_UNIT})\b", re.IGNORECASE)
_INCHES_AFTER_FEET = re.compile(
    r"(?:\s|,|and)*(\d+(?:\.\d+)?)[\s-]*(?:inches|inch|in)\b", re.IGNORECASE
)


def format_metres(value_m: float) -> str:
    """Write a length for people: "3.4 cm", "86 cm", "1.24 m".

    Under one metre it is in centimetres, with a decimal below 10 cm; from one metre on in metres
    with two decimals, so the text is never more than 5 mm (or 0.5 mm) from the value.
    """
    if not 0 <= value_m < 1e6:
        raise ValueError(f"a length of {value_m} m cannot be written; it must be in [0, 1e6)")
    if value_m >= 0.995:
        return f"{value_m:.2f} m"
    centimetres = 100 * value_m
    return f"{centimetres:.0f} cm" if centimetres >= 9.95 else f"{centimetres:.1f} cm"


def parse_metres(text: str) -> float | None:
    """Read the first length in a text, in metres; None if there is no number with a unit.

    Knows metric and imperial units, "5 ft 6 in", and a decimal comma. A number without a unit
    is no length: it is ambiguous whether "86" means metres or centimetres.
    """
    match = _QUANTITY.search(text)
    if match is None:
        return None
    unit = match[2].lower()
    value_m = float(match[1].replace(",", ".")) * _METRES_PER_UNIT[unit]
    if unit in ("ft", "foot", "feet"):
        inches_match = _INCHES_AFTER_FEET.match(text, match.end())
        value_m += 0.0254 * float(inches_match[1]) if inches_match else 0.0
    return value_m


def parse_choice(text: str, choices: Sequence[str]) -> str | None:
    """Read which choice a text names; None if it names none, or several without a first one.

    Whole words, any case, and a longer choice wins over a shorter one inside it ("coffee table"
    over "table"). When several are named ("The sofa is left of the lamp"), the one that the text
    begins with counts.
    """
    text = text.strip().lower()
    remaining = text
    named = []
    for choice in sorted(choices, key=len, reverse=True):
        word = rf"(?<!\w){re.escape(choice.lower())}(?!\w)"
        if re.search(word, remaining):
            named.append(choice)
            remaining = re.sub(word, lambda match: "\0" * len(match[0]), remaining)
    if len(named) == 1:
        return named[0]
    for choice in named:
        if re.match(rf"(?:(?:the|an?|it is|it's)\s+)*{re.escape(choice.lower())}(?!\w)", text):
            return choice
    return None
