"""Match a reply to options that are quantities, however either is printed."""

import math
from collections.abc import Sequence

from workflow_scripts.common.units import Dimension
from workflow_scripts.evaluate.quantity_parsing import (
    find_quantities,
    number_words_to_digits,
    parse_number,
)

_DIMENSIONS: tuple[Dimension, ...] = ("length", "area", "angle")


def equal_option(answer: str, options: Sequence[str]) -> int | None:
    """Return the index of the one option that is the quantity a reply states, None without one.

    "1.2 meters" and "120 cm" are the option "1.2 m", "three" is "3". The nearest option does not
    count, nor does a reply that states the quantities of several.
    """
    for dimension in _DIMENSIONS:
        values = [_only_quantity(option, dimension) for option in options]
        if all(value is not None for value in values):
            stated = [quantity.value for quantity in find_quantities(answer, dimension)]
            return _only_match(stated, values)
    numbers = [_only_number(option) for option in options]
    if all(number is not None for number in numbers):
        stated_number = _only_number(answer.strip(" ."))
        return _only_match([] if stated_number is None else [stated_number], numbers)
    return None


def _only_match(stated: Sequence[float], values: Sequence[float | None]) -> int | None:
    matches = {
        index
        for index, value in enumerate(values)
        for number in stated
        if value is not None and math.isclose(number, value, rel_tol=1e-6)
    }
    return matches.pop() if len(matches) == 1 else None


def _only_quantity(text: str, dimension: Dimension) -> float | None:
    found = list(find_quantities(text, dimension))
    return found[0].value if len(found) == 1 and found[0].low == found[0].high else None


def _only_number(text: str) -> float | None:
    digits = number_words_to_digits(text).strip()
    return parse_number(digits) if digits.replace(".", "", 1).isdigit() else None
