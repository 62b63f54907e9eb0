"""What all descriptions of objects are made of: what is said, and the sample that holds it."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from workflow_scripts.common.label_text import VAGUE_CATEGORIES, is_plural
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.descriptions import Description
from workflow_scripts.vqa.scans.reasoning import category_step, clause_steps, joined_steps
from workflow_scripts.vqa.scans.relations import Clause
from workflow_scripts.vqa.scans.samples import DroppedSample, new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

# Of the descriptions of what is alone of its category, so many say nothing else.
BARE_SHARE = 0.35
Made = Iterator[ScanSample | DroppedSample]
Group = Sequence[ScanObject]
Said = tuple[Clause, ...]
Option = TypeVar("Option")


def grounding_sample(
    context: ScanContext,
    question_type: str,
    targets: Group,
    group: Group,
    said: Said,
    rng: np.random.Generator,
    *,
    own: Group = (),
    many: bool = False,
) -> ScanSample:
    """Return a description of some objects of a group in one of its wordings.

    Args:
        context: The scan.
        question_type: Its type.
        targets: What is meant; where nothing is, `own` has the objects of the category.
        group: All that the noun might mean.
        said: What is said of it.
        rng: Draws the wording.
        own: Objects of the category.
        many: Speak of several objects.
    """
    noun = (targets or own)[0].phrase
    category = (targets or own)[0].category
    of_category = [item for item in group if item.category == category]
    is_size = len(said) == 1 and said[0].kind == "size"
    of_two = is_size and len(of_category) == 2 and all(item.num_frames for item in of_category)
    description = Description(noun, said, many=many, of_two=of_two)
    margins = [clause.margin for clause in said if clause.unit == "m"]
    evidence: dict[str, float] = {f"num_{category}": float(len(of_category))}
    for clause in said:
        for number, value in clause.values.items():
            evidence[f"{clause.kind}_m_{number}"] = value
    return new_sample(
        context,
        task="grounding",
        question_type=question_type,
        text=description.write(rng),
        targets=targets,
        referents=[c.anchor for c in said if c.anchor],
        margin=round(min(margins), 4) if margins else 1.0,
        margin_unit="m" if margins else "count",
        evidence=evidence,
        reasoning=joined_steps(
            [category_step(noun, len(of_category)), *clause_steps(said, of_category)],
            targets,
        ),
    )


def absent_sample(
    context: ScanContext,
    noun: str,
    said: Said,
    rng: np.random.Generator,
    *,
    many: bool = False,
) -> ScanSample:
    """Return a description of what is not in a scan, with what is said of something else."""
    return new_sample(
        context,
        task="grounding",
        question_type="zt_wo_d",
        text=Description(noun, said, many=many).write(rng),
        referents=[c.anchor for c in said if c.anchor],
        margin=1.0,
        margin_unit="count",
        evidence={f"num_{noun}": 0.0},
        reasoning=f"There {'are' if is_plural(noun) else 'is'} no {noun} in this scan. "
        "So nothing fits.",
    )


def pairs_of(item: ScanObject, clauses: Sequence[Clause]) -> Iterator[Said]:
    """Yield pairs of a colour and a place that hold together of one object alone."""
    true = [c for c in clauses if c.clear[item.instance] > 0 and not c.is_superlative]
    for pair in combinations(true, 2):
        if {clause.kind == "colour" for clause in pair} != {True, False}:
            continue
        # Another object is ruled out as soon as one of the two is clearly false of it.
        others = [number for number in pair[0].clear if number != item.instance]
        if all(min(clause.clear[number] for clause in pair) < 0 for number in others):
            yield pair


def is_named(own: Group) -> bool:
    """Say whether a category has a noun that tells people what it is."""
    return bool(own[0].phrase.strip()) and own[0].category not in VAGUE_CATEGORIES


def draw_said(options: Sequence[Said], rng: np.random.Generator) -> Said:
    """Draw the kind of what is said, then one of that kind; far from something is said last."""
    by_kind: dict[tuple[str, ...], list[Said]] = {}
    for said in options:
        by_kind.setdefault(tuple(clause.kind for clause in said), []).append(said)
    kinds = [kind for kind in by_kind if kind != ("farthest",)] or list(by_kind)
    return _draw(by_kind[_draw(kinds, rng)], rng)


def _draw(options: Sequence[Option], rng: np.random.Generator) -> Option:
    return options[int(rng.integers(len(options)))]
