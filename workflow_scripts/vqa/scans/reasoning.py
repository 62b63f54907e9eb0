"""The steps from what was measured in a scan to an answer, in words."""

from collections.abc import Sequence

from workflow_scripts.common.label_text import counted, is_plural
from workflow_scripts.common.quantity_text import length_text
from workflow_scripts.vqa.scans.relations import Clause
from workflow_scripts.vqa.scans.scan_context import ScanObject

Group = Sequence[ScanObject]


def length(value_m: float) -> str:
    """Write a length: "0.86 m" as people do."""
    return length_text(max(value_m, 0.0))[0]


def joined(names: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def category_step(noun: str, number: int) -> str:
    """Say how many objects of a category a scan shows."""
    verb = "is" if number == 1 and not is_plural(noun) else "are"
    return f"There {verb} {counted(number, noun)} in this scan."


def clause_steps(said: Sequence[Clause], group: Group) -> list[str]:
    """Say of every clause what was measured of a group and of how many objects it holds."""
    steps = [_step(clause, group) for clause in said]
    numbers = {item.instance for item in group}
    if len(said) > 1 and all(numbers & c.fits for c in said):
        both = numbers.intersection(*(clause.fits for clause in said))
        # That several objects are one and several the other does not say which are both.
        if not both:
            steps.append("None of them is both." if len(group) > 1 else "It is not both.")
        elif any(numbers & c.fits != both for c in said):
            steps.append("One of them is both." if len(both) == 1 else f"{len(both)} are both.")
    return steps


def _step(clause: Clause, group: Group) -> str:
    numbers = [item.instance for item in group]
    number = len(clause.fits.intersection(numbers))
    values = sorted(clause.values.get(instance, 0.0) for instance in numbers)
    if clause.kind in ("nearest", "farthest"):
        assert clause.anchor is not None
        values = values[::-1] if clause.kind == "farthest" else values
        distances = joined([length(value) for value in values])
        return f"From the {clause.anchor.phrase} it is {distances} to them."
    if clause.kind == "size":
        values = values[::-1] if clause.word in ("tallest", "largest") else values
        what = "tall" if clause.word in ("tallest", "shortest") else "in their longest side"
        return f"They are {joined([length(value) for value in values])} {what}."
    what = clause.place or clause.word
    if not number:
        return f"None of them is {what}." if len(group) > 1 else f"It is not {what}."
    if len(group) == 1:
        return f"It is {what}."
    if number == 1:
        return f"One of them is {what}."
    some = "Both" if number == len(group) == 2 else "All" if number == len(group) else number
    return f"{some} of them are {what}."


def joined_steps(steps: Sequence[str], targets: Group) -> str:
    """Return the steps and what follows for the objects that are meant."""
    number = len(targets)
    end = "So nothing fits." if not number else "So one object fits."
    if number > 1:
        end = f"So {number} objects fit."
    return " ".join([*steps, end])
