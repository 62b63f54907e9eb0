"""Published metrics, each by its own definition, of one reply at a time.

`p` is the prediction in the reply, `g` the truth, in the same unit.

- SpatialVLM (Chen et al. 2024, section 4.2): the share of replies that hold a number, and the
  share with 0.5 g <= p <= 2 g ("in range [50, 200] %").
- SpatialRGPT-Bench (Cheng et al. 2024, section 4): success is 0.75 g <= p <= 1.25 g, for clock
  directions a circular difference of at most one hour; a reply that cannot be read is no
  success. The error |p - g| / g, for directions 30 degrees an hour, is over readable replies.
- VSI-Bench (Yang et al. 2024, equation 1): mean relative accuracy, the share of the thresholds
  t = 0.50, 0.55, ..., 0.95 with |p - g| / g < 1 - t. The code released with it differs in two
  ways, so its scores have functions of their own: it takes <= for <, and it reads the first word
  of a reply only, as a number without unit or as the letter of an option.
"""

import numpy as np

HOURS = 12
DEGREES_PER_HOUR = 30.0
# 1 - t in whole hundredths: floating point would put 1 - 0.9 on the wrong side of 0.1.
_MRA_HUNDREDTHS = np.arange(5, 55, 5)
_ROUNDING = 1e-9


def within_factor_2(p: float | None, g: float) -> float:
    """Return SpatialVLM's score: 1 if the value is within half and twice the truth."""
    return float(p is not None and _at_most(0.5 * g, p) and _at_most(p, 2 * g))


def success_25pct(p: float | None, g: float) -> float:
    """Return SpatialRGPT-Bench's success: 1 if the value is within 25 % of the truth."""
    return float(p is not None and _at_most(0.75 * g, p) and _at_most(p, 1.25 * g))


def abs_rel(p: float | None, g: float) -> float:
    """Return SpatialRGPT-Bench's error |p - g| / g; NaN if nothing can be read or g is 0."""
    return abs(p - g) / abs(g) if p is not None and g else float("nan")


def hours_apart(p: float, g: float) -> float:
    """Return the difference of two hours of the clock, 0 to 6."""
    difference = abs(p - g) % HOURS
    return min(difference, HOURS - difference)


def clock_success(p: float | None, g: float) -> float:
    """Return SpatialRGPT-Bench's success for directions: 1 if at most one hour off."""
    return float(p is not None and hours_apart(p, g) <= 1)


def clock_error_deg(p: float | None, g: float) -> float:
    """Return SpatialRGPT-Bench's error of a direction in degrees; NaN if unreadable."""
    return float("nan") if p is None else DEGREES_PER_HOUR * hours_apart(p, g)


def mean_relative_accuracy(p: float | None, g: float) -> float:
    """Return VSI-Bench's mean relative accuracy by its equation; unreadable is 0."""
    if p is None or not g:
        return float(p is not None and p == g)
    hundredths = 100 * abs(p - g) / abs(g)
    return float(np.mean(hundredths < _MRA_HUNDREDTHS - _ROUNDING))


def vsi_number(text: str) -> float | None:
    """Read a number as VSI-Bench's released code does: the first word, without its full stop."""
    try:
        value = float(_first_word(text))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def vsi_mra(text: str, g: float) -> float:
    """Return mean relative accuracy as VSI-Bench's released code scores a reply."""
    p = vsi_number(text)
    if p is None or not g:
        return 0.0
    hundredths = 100 * abs(p - g) / abs(g)
    return float(np.mean(hundredths <= _MRA_HUNDREDTHS + _ROUNDING))


def vsi_accuracy(text: str, letter: str) -> float:
    """Return VSI-Bench's accuracy of a multiple choice: the first word is the letter."""
    return float(_first_word(text).lower() == letter.lower())


def _first_word(text: str) -> str:
    return text.split(" ")[0].rstrip(".").strip()


def _at_most(smaller: float, larger: float) -> bool:
    """Say whether smaller <= larger; equal numbers count, also after rounding errors."""
    return smaller <= larger + _ROUNDING * max(abs(smaller), abs(larger))
