"""Descriptions of objects that a model finds among the boxes of the scan.

Types of one object: `unique` (alone of its category), `multiple` (among several), `nearest` (among
several, by the distance from something); those of none, one or several are in
`descriptions_of_any_number`. That exactly the stated objects fit is checked on every object that
the noun might mean.
"""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.grounding_samples import (
    BARE_SHARE,
    Group,
    Made,
    Said,
    draw_said,
    grounding_sample,
    is_named,
    pairs_of,
)
from workflow_scripts.vqa.scans.question_types.descriptions_of_any_number import (
    descriptions_of_any_number,
)
from workflow_scripts.vqa.scans.relations import Clause, clauses_of, group_of
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

_NEAREST_PER_OBJECT = 3


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield descriptions of every type, in random order."""
    made: list[ScanSample | DroppedSample] = []
    categories = list(context.by_category)
    for category in (categories[place] for place in rng.permutation(len(categories))):
        made += _of_one(context, context.by_category[category], rng, settings)
    made += descriptions_of_any_number(context, rng, settings)
    yield from (made[place] for place in rng.permutation(len(made)))


def _of_one(
    context: ScanContext, own: Group, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield descriptions of one object of a category."""
    if not is_named(own):
        yield DroppedSample("", "object with a vague category name")
        return
    category = own[0].category
    group = group_of(context, category)
    clauses = clauses_of(context, group, settings)
    if len(own) > 1:
        yield from _among_several(context, own, group, clauses, rng)
    elif all(item.category != category for item in context.glimpsed):
        yield from _alone(context, own[0], group, clauses, rng)


def _alone(
    context: ScanContext,
    item: ScanObject,
    group: Group,
    clauses: list[Clause],
    rng: np.random.Generator,
) -> Made:
    """Yield a description of what is alone of its category in the scan."""
    single = [c for c in clauses if c.fits == {item.instance} and not c.is_superlative]
    if len(group) > 1:
        # Something that people may call the same must be ruled out by what is said.
        single = [c for c in single if c.is_decided]
        if not single:
            yield DroppedSample("unique", "an object of a similar name in the scan")
            return
    said: Said = ()
    if single and (len(group) > 1 or rng.random() >= BARE_SHARE):
        said = draw_said([(clause,) for clause in single], rng)
    yield grounding_sample(context, "unique", [item], group, said, rng)


def _among_several(
    context: ScanContext,
    own: Group,
    group: Group,
    clauses: Sequence[Clause],
    rng: np.random.Generator,
) -> Made:
    """Yield descriptions that single out one object of several of its category."""
    for item in own:
        single = [c for c in clauses if c.is_decided and c.fits == {item.instance}]
        near = [c for c in single if c.kind == "nearest"]
        other: list[Said] = [(c,) for c in single if c.kind != "nearest"]
        if not other:
            other = list(pairs_of(item, clauses))
        for place in rng.permutation(len(near))[:_NEAREST_PER_OBJECT]:
            yield grounding_sample(context, "nearest", [item], group, (near[place],), rng)
        if other:
            yield grounding_sample(context, "multiple", [item], group, draw_said(other, rng), rng)
        elif not near:
            yield DroppedSample("multiple", "nothing singles it out clearly")
