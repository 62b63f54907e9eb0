"""Reads the equations and comparisons of a text and computes each anew, from the text alone."""

import math
import re
from dataclasses import dataclass

NUMBER = r"-?\d+(?:\.\d+)?"
_BRACKETS = r"\((?:[^()]|\([^()]*\))*\)"
_TERM = rf"(?:(?:atan2|[√∛])?{_BRACKETS}|{NUMBER})²?"
_EQUATION = re.compile(rf"({_TERM}(?: [-+×÷] {_TERM})*) = ({NUMBER})")
_MORE = re.compile(rf"({NUMBER}) is (more|less) than ({NUMBER})")
_AS_MUCH = re.compile(rf"({NUMBER}) is as much as ({NUMBER})")
_ROUNDS = re.compile(rf"({NUMBER}) rounds to ({NUMBER})")


@dataclass(frozen=True)
class Equation:
    """What is computed from which numbers, and what the text says it gives."""

    left: str
    right: str

    @property
    def value(self) -> float:
        text = self.left
        for sign, code in (("×", "*"), ("÷", "/"), ("²", "**2"), ("√", "sqrt"), ("∛", "cbrt")):
            text = text.replace(sign, code)
        names = {"sqrt": math.sqrt, "cbrt": math.cbrt, "atan2": _atan2_deg, "__builtins__": {}}
        return float(eval(text, names))  # numbers and these functions only, see `_EQUATION`

    @property
    def holds(self) -> bool:
        """Say whether the right side is the left side, to half a unit of its last digit."""
        return abs(self.value - float(self.right)) <= half(self.right) + 1e-7


def _atan2_deg(one: float, other: float) -> float:
    return math.degrees(math.atan2(one, other))


def half(text: str) -> float:
    """Return half a unit of the last digit of a number."""
    return 0.5 / 10 ** len(text.partition(".")[2])


def equations(text: str) -> list[Equation]:
    """Return every equation of a text."""
    return [Equation(found[1], found[2]) for found in _EQUATION.finditer(text)]


def wrong(text: str) -> list[str]:
    """Return what does not hold of the equations, comparisons and roundings of a text."""
    found = [f"{one.left} = {one.right}" for one in equations(text) if not one.holds]
    for one, word, other in _MORE.findall(text):
        if (float(one) > float(other)) != (word == "more") or float(one) == float(other):
            found.append(f"{one} is {word} than {other}")
    found += [f"{one} as {other}" for one, other in _AS_MUCH.findall(text) if one != other]
    found += [
        f"{one} rounds to {other}"
        for one, other in _ROUNDS.findall(text)
        if abs(float(one) - float(other)) > half(other) + 1e-7
    ]
    return found


def numbers(text: str) -> list[str]:
    """Return every number of a text, signs with it where it is no difference."""
    return re.findall(rf"(?<![\d.\w]){NUMBER}", re.sub(r"atan2", "", text))
