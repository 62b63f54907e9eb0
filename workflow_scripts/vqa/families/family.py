"""What a family of questions is: what it measures, how large a difference counts, its words.

Words hold slots in braces: `{a}` and `{b}` are the objects as the question names them, in the
order of mention. Every family has at least six questions and four answers in words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from workflow_scripts.vqa.sight import Seen

Form = Literal["named", "marked"]
Unit = Literal["m", "px", "ratio"]


@dataclass(frozen=True)
class Requirements:
    """What must hold before a family is asked.

    `whole`: the objects are not cut off by the picture's border. `level`: the camera does not
    look steeply up or down, so that up in the room is up in the picture. `shape`: the object
    must be seen, so in the marked form its mark must leave most of it in view; without it the
    question is about the place of the mark itself.
    """

    whole: bool = False
    level: bool = False
    shape: bool = True


@dataclass(frozen=True)
class Pole:
    """One of the two opposite words of a comparison.

    `relation` fits "{a} is {relation} {b}", `extreme` fits "{a} is {extreme}".
    """

    relation: str
    extreme: str


@dataclass(frozen=True)
class Comparison:
    """A family that compares two objects: asked with yes/no, and as a choice between them.

    `difference(a, b)` is antisymmetric, in `unit`: positive where the first pole holds for a
    against b, negative where the second does, 0 where sensible readings disagree. Below the
    margin of its unit no question is asked.

    Slots: `{relation}`, `{opposite}` in yes_no, yes and no; `{extreme}` in which and winners,
    `{winner}` in winners.
    """

    name: str
    forms: tuple[Form, ...]
    poles: tuple[Pole, Pole]
    difference: Callable[[Seen, Seen], float]
    unit: Unit
    requires: Requirements
    yes_no: tuple[str, ...]
    which: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    winners: tuple[str, ...]


@dataclass(frozen=True)
class Length:
    """A family that asks for a length of one or two objects.

    `value_m` takes as many objects as `num_objects`. Lengths under `least_m` are not asked.
    Slots: `{a}`, `{b}`, and `{value}` in answers.
    """

    name: str
    forms: tuple[Form, ...]
    num_objects: Literal[1, 2]
    value_m: Callable[..., float]
    least_m: float
    requires: Requirements
    questions: tuple[str, ...]
    answers: tuple[str, ...]


Family = Comparison | Length


def agreeing(*differences: float) -> float:
    """Return the smallest of differences that have one sign, 0 if their signs disagree.

    An answer then holds under every reading of the question, not just under one of them.
    """
    same = all(value > 0 for value in differences) or all(value < 0 for value in differences)
    return min(differences, key=abs) if same else 0.0


def excess_ratio(one: float, other: float) -> float:
    """Return by which share the larger is larger, negative if `other` is the larger."""
    return one / other - 1.0 if one >= other else 1.0 - other / one
