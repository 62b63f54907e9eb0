"""Descriptions of none, one or several objects that a model finds among the boxes of the scan.

Types: `unique` (alone of its category), `multiple` (among several), `nearest` (among several, by
the distance from something), and those of Multi3DRefer: `zt_wo_d` and `zt_w_d` (no object fits:
there is none of the category, or none of which the rest is true), `st_wo_d` and `st_w_d` (one
object, alone of its category or not), `mt` (several). That exactly the stated objects fit is
checked on every object that the noun might mean.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from workflow_scripts.common.label_text import VAGUE_CATEGORIES, is_plural
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.absent_objects import draw_absent_noun
from workflow_scripts.vqa.scans.descriptions import Description
from workflow_scripts.vqa.scans.reasoning import category_step, clause_steps, joined_steps
from workflow_scripts.vqa.scans.relations import (
    Clause,
    carries_objects,
    clauses_of,
    colour_clause,
    group_of,
    kind_of_place,
)
from workflow_scripts.vqa.scans.samples import DroppedSample, new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

# Of the descriptions of what is alone of its category, so many say nothing else.
_BARE_SHARE = 0.35
_DESCRIPTIONS_PER_OBJECT = 2
_NEAREST_PER_OBJECT = 3
Made = Iterator[ScanSample | DroppedSample]
Group = Sequence[ScanObject]
Said = tuple[Clause, ...]
Option = TypeVar("Option")


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield descriptions of every type, in random order."""
    made: list[ScanSample | DroppedSample] = []
    categories = list(context.by_category)
    for category in (categories[place] for place in rng.permutation(len(categories))):
        made += _of_category(context, context.by_category[category], rng, settings)
    made += _absent(context, rng, made, settings)
    yield from _balanced(made, rng)


def _of_category(
    context: ScanContext, own: Group, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield what is described of the objects of one category."""
    category = own[0].category
    group = group_of(context, category)
    if group and not context.is_clear(category) and not _is_named(own):
        yield DroppedSample("", "object with a vague category name")
        return
    is_alone = len(own) == 1 and not _others(context, category)
    clauses = clauses_of(context, group, settings)
    if is_alone:
        yield from _alone(context, own[0], group, clauses, rng)
    elif len(own) > 1:
        yield from _among_several(context, own, group, clauses, rng)
        yield from _several(context, own, group, clauses, rng)
    yield from _false(context, own, group, clauses, rng)


def _alone(
    context: ScanContext,
    item: ScanObject,
    group: Group,
    clauses: list[Clause],
    rng: np.random.Generator,
) -> Made:
    """Yield descriptions of what is alone of its category in the scan."""
    if len(group) > 1:
        # Something that people may call the same must be ruled out by what is said.
        clauses = [c for c in clauses if c.is_decided and c.fits == {item.instance}]
        clauses = [c for c in clauses if not c.is_superlative]
        if not clauses:
            yield DroppedSample("unique", "an object of a similar name in the scan")
            return
    else:
        clauses = [c for c in clauses if c.fits == {item.instance} and not c.is_superlative]
    for question_type in ("unique", "st_wo_d"):
        said: Said = ()
        if clauses and (len(group) > 1 or rng.random() >= _BARE_SHARE):
            said = _draw_said([(clause,) for clause in clauses], rng)
        yield _sample(context, question_type, [item], group, said, rng)


def _among_several(
    context: ScanContext, own: Group, group: Group, clauses: list[Clause], rng: np.random.Generator
) -> Made:
    """Yield descriptions that single out one object of several of its category."""
    for item in own:
        single = [c for c in clauses if c.is_decided and c.fits == {item.instance}]
        near = [c for c in single if c.kind == "nearest"]
        other: list[Said] = [(c,) for c in single if c.kind != "nearest"]
        if not other:
            other = list(_pairs(item, clauses))
        for place in rng.permutation(len(near))[:_NEAREST_PER_OBJECT]:
            yield _sample(context, "nearest", [item], group, (near[place],), rng)
        if not near and not other:
            yield DroppedSample("multiple", "nothing singles it out clearly")
        if not other:
            continue
        yield _sample(context, "multiple", [item], group, _draw_said(other, rng), rng)
        # Superlatives always fit something; what can be false must not be known by its words.
        plain = [said for said in other if not any(clause.is_superlative for clause in said)]
        yield _sample(context, "st_w_d", [item], group, _draw_said(plain or other, rng), rng)


def _pairs(item: ScanObject, clauses: Sequence[Clause]) -> Iterator[Said]:
    """Yield pairs of a colour and a place that hold together of one object alone."""
    true = [c for c in clauses if c.clear[item.instance] > 0 and not c.is_superlative]
    for pair in combinations(true, 2):
        if {clause.kind == "colour" for clause in pair} != {True, False}:
            continue
        # Another object is ruled out as soon as one of the two is clearly false of it.
        others = [number for number in pair[0].clear if number != item.instance]
        if all(min(clause.clear[number] for clause in pair) < 0 for number in others):
            yield pair


def _several(
    context: ScanContext, own: Group, group: Group, clauses: list[Clause], rng: np.random.Generator
) -> Made:
    """Yield descriptions that fit several objects of a category."""
    numbers = {item.instance for item in own}
    noun = own[0].phrase
    if is_plural(noun):
        return
    if context.is_clear(own[0].category):
        yield _sample(context, "mt", own, group, (), rng)
    fitting = [c for c in clauses if c.is_decided and len(c.fits) > 1 and c.fits <= numbers]
    for clause in fitting[:_DESCRIPTIONS_PER_OBJECT] if fitting else ():
        targets = [item for item in own if item.instance in clause.fits]
        if len(targets) < len(group):
            yield _sample(context, "mt", targets, group, (clause,), rng)


def _false(
    context: ScanContext, own: Group, group: Group, clauses: list[Clause], rng: np.random.Generator
) -> Made:
    """Yield descriptions of the objects of a category that are true of none of them."""
    places = [c for c in clauses if c.is_decided and not c.fits and _could_be(context, c, own)]
    here = {item.colour for item in context.objects if item.colour}
    colours = [colour_clause(group, word) for word in sorted(here)]
    wrong = [c for c in colours if c.is_decided and not c.fits]
    mixed = list(_false_pairs(clauses, own))
    for options in ([(clause,) for clause in places], [(clause,) for clause in wrong], mixed):
        if options:
            said = _draw_said(options, rng)
            yield _sample(context, "zt_w_d", [], group, said, rng, own=own)


def _false_pairs(clauses: Sequence[Clause], own: Group) -> Iterator[Said]:
    """Yield a colour and a place that both hold of some object, and of none together."""
    numbers = {item.instance for item in own}
    plain = [c for c in clauses if not c.is_superlative and c.fits & numbers]
    for pair in combinations(plain, 2):
        if {clause.kind == "colour" for clause in pair} != {True, False}:
            continue
        if all(min(clause.clear[number] for clause in pair) < 0 for number in pair[0].clear):
            yield pair


def _could_be(context: ScanContext, clause: Clause, own: Group) -> bool:
    """Say whether something false is what could have been: a cup on a desk, no bed on it."""
    if clause.kind == "on":
        assert clause.anchor is not None
        return carries_objects(context, clause.anchor) and all(
            kind_of_place(item) == "carried" for item in own
        )
    if clause.kind == "above":
        return all(kind_of_place(item) == "wall" for item in own)
    if clause.kind in ("next_to", "corner"):
        return all(kind_of_place(item) == "floor" for item in own)
    return clause.kind == "room"


def _absent(
    context: ScanContext,
    rng: np.random.Generator,
    made: Sequence[ScanSample | DroppedSample],
    settings: ScanQuestionSettings,
) -> Made:
    """Yield descriptions of what is not in the scan: those of what is, with another noun."""
    objects = [
        context.by_instance[sample.targets[0]]
        for sample in made
        if isinstance(sample, ScanSample) and sample.question_type == "st_wo_d"
    ]
    used: set[str] = set()
    for item in objects:
        noun = draw_absent_noun(context, kind_of_place(item), rng)
        if not noun or noun in used:
            continue
        used.add(noun)
        clauses = [
            c for c in clauses_of(context, (item,), settings) if c.fits and not c.is_superlative
        ]
        said: Said = ()
        if clauses and rng.random() >= _BARE_SHARE:
            said = _draw_said([(clause,) for clause in clauses], rng)
        yield new_sample(
            context,
            task="grounding",
            question_type="zt_wo_d",
            text=Description(noun, said).write(rng),
            referents=[c.anchor for c in said if c.anchor],
            margin=1.0,
            margin_unit="count",
            evidence={f"num_{noun}": 0.0},
            reasoning=f"There {'are' if is_plural(noun) else 'is'} no {noun} in this scan. "
            "So nothing fits.",
        )


def _sample(
    context: ScanContext,
    question_type: str,
    targets: Group,
    group: Group,
    said: Said,
    rng: np.random.Generator,
    *,
    own: Group = (),
) -> ScanSample:
    noun = (targets or own)[0].phrase
    category = (targets or own)[0].category
    of_category = [item for item in group if item.category == category]
    is_size = len(said) == 1 and said[0].kind == "size"
    of_two = is_size and len(of_category) == 2 and all(item.num_frames for item in of_category)
    description = Description(noun, said, many=question_type == "mt", of_two=of_two)
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


def _balanced(
    made: Sequence[ScanSample | DroppedSample], rng: np.random.Generator
) -> Iterator[ScanSample | DroppedSample]:
    """Yield in random order; no more descriptions of nothing than of one object."""
    found = [made[place] for place in rng.permutation(len(made))]
    single = sum(_is_type(item, "st_w_d") or _is_type(item, "st_wo_d") for item in found)
    for question_type in ("zt_w_d", "zt_wo_d"):
        of_nothing = [item for item in found if _is_type(item, question_type)]
        for item in of_nothing[(single + 1) // 2 :]:
            found.remove(item)
            yield DroppedSample(question_type, "more than descriptions of one object")
    yield from found


def _is_type(item: ScanSample | DroppedSample, question_type: str) -> bool:
    return isinstance(item, ScanSample) and item.question_type == question_type


def _is_named(own: Group) -> bool:
    return bool(own[0].phrase.strip()) and own[0].category not in VAGUE_CATEGORIES


def _others(context: ScanContext, category: str) -> bool:
    return any(item.category == category for item in context.glimpsed)


def _draw(options: Sequence[Option], rng: np.random.Generator) -> Option:
    return options[int(rng.integers(len(options)))]


def _draw_said(options: Sequence[Said], rng: np.random.Generator) -> Said:
    """Draw the kind of what is said, then one of that kind; far from something is said last."""
    by_kind: dict[tuple[str, ...], list[Said]] = {}
    for said in options:
        by_kind.setdefault(tuple(clause.kind for clause in said), []).append(said)
    kinds = [kind for kind in by_kind if kind != ("farthest",)] or list(by_kind)
    return _draw(by_kind[_draw(kinds, rng)], rng)
