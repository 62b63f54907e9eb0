"""Numbers of users' files, as JSON gives them."""

import math
from typing import Any, TypeGuard


def is_finite_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value is a number that a float holds; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more than 308 digits
        return False
