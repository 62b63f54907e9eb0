"""Descriptions of the object at a point: what it is, its colour and size, where it is.

Type `unique` or `multiple`, as ScanRefer has it: whether the object is alone of its category.
`answers` are several ways to describe it; `answer` is one of them.
"""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.label_text import VAGUE_CATEGORIES, is_plural, plural, with_article
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.descriptions import SUPERLATIVE_OF_TWO, with_adjectives
from workflow_scripts.vqa.scans.reasoning import clause_steps
from workflow_scripts.vqa.scans.relations import Clause, clauses_of, group_of, kind_of_place
from workflow_scripts.vqa.scans.samples import DroppedSample, new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject
from workflow_scripts.vqa.templates import capitalised

MAX_REFERENCES = 5
# The first of these that is known is said first.
_PLACE_ORDER = ("on", "above", "next_to", "corner", "room")
_NUMBER_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield a description of every object that has a name, in random order."""
    for place in rng.permutation(len(context.objects)):
        item = context.objects[place]
        if item.category in VAGUE_CATEGORIES or not item.phrase.strip():
            yield DroppedSample("captioning", "object with a vague category name")
            continue
        yield _caption(context, item, rng, settings)


def _caption(
    context: ScanContext, item: ScanObject, rng: np.random.Generator, settings: ScanQuestionSettings
) -> ScanSample:
    own = context.by_category[item.category]
    is_alone = len(own) == 1 and all(g.category != item.category for g in context.glimpsed)
    true = [c for c in clauses_of(context, (item,), settings) if item.instance in c.fits]
    places = sorted(
        (c for c in true if c.place), key=lambda clause: _PLACE_ORDER.index(clause.kind)
    )
    group = group_of(context, item.category)
    sizes = [
        c
        for c in clauses_of(context, group, settings)
        if c.kind == "size" and c.is_decided and c.fits == {item.instance}
    ]
    said = [*places[:2], *sizes[:1]]
    texts = references(item, places, sizes, len(own), rng)
    margins = [c.clear[item.instance] for c in said if c.unit == "m"]
    evidence = {f"num_{item.category}": float(len(own))}
    for clause in said:
        if item.instance in clause.values:
            evidence[f"{clause.kind}_m"] = clause.values[item.instance]
    steps = clause_steps([c for c in true if c.kind == "colour"] + places[:2], (item,))
    return new_sample(
        context,
        task="captioning",
        question_type="unique" if is_alone else "multiple",
        text="",
        targets=[item],
        point_m=tuple(item.centre_m.round(6).tolist()),
        answer=texts[0],
        answers=texts,
        answer_type="text",
        truth=texts[0],
        referents=[c.anchor for c in said if c.anchor],
        margin=round(min(margins), 4) if margins else 1.0,
        margin_unit="m" if margins else "count",
        evidence=evidence,
        reasoning=" ".join(
            [
                f"There {'are' if is_plural(item.phrase) else 'is'} "
                f"{with_article(item.phrase)} at this point.",
                *steps,
            ]
        ),
    )


def references(
    item: ScanObject,
    places: list[Clause],
    sizes: list[Clause],
    number: int,
    rng: np.random.Generator,
) -> list[str]:
    """Return different descriptions of an object, in random order, at most `MAX_REFERENCES`."""
    many = is_plural(item.phrase)
    it, verb, this = ("They", "are", "These") if many else ("It", "is", "This")
    noun = with_adjectives(item.colour, item.phrase)
    a, bare = with_article(noun), with_article(item.phrase)
    size = _size_words(item, sizes, number)
    found = []
    for clause in places[:2]:
        place = clause.place
        standing = _verb(clause, item)
        found += [
            f"{this} {verb} {a}. {it} {standing} {place}.",
            f"{capitalised(a)} {place}.",
            f"{this} {verb} {a} {place}.",
            f"There {verb} {a} {place}.",
        ]
        if size:
            found.append(f"{this} {verb} {size}. {it} {standing} {place}.")
    if len(places) > 1:
        both = f"{places[0].place} and {places[1].place}"
        found.append(f"{this} {verb} {a}. {it} {verb} {both}.")
    if not places:
        found += [f"{this} {verb} {a}.", f"{capitalised(a)}.", f"There {verb} {a} here."]
        if item.colour:
            found.append(f"{this} {verb} {bare}. {it} {verb} {item.colour}.")
        if size:
            found.append(f"{this} {verb} {size}.")
    chosen = [found[place] for place in rng.permutation(len(found))]
    return list(dict.fromkeys(chosen))[:MAX_REFERENCES]


def _verb(clause: Clause, item: ScanObject) -> str:
    """Return how an object is at a place: furniture stands, pictures hang, all else is."""
    many = is_plural(item.phrase)
    if clause.kind == "above":
        return "hang" if many else "hangs"
    if clause.kind in ("next_to", "corner") and kind_of_place(item) == "floor":
        return "stand" if many else "stands"
    return "are" if many else "is"


def _size_words(item: ScanObject, sizes: list[Clause], number: int) -> str:
    if not sizes or number < 2 or is_plural(item.phrase):
        return ""
    if number == 2:
        return f"the {SUPERLATIVE_OF_TWO[sizes[0].word]} of the two {plural(item.phrase)}"
    if number in _NUMBER_WORDS:
        return f"the {sizes[0].word} of the {_NUMBER_WORDS[number]} {plural(item.phrase)}"
    return f"the {sizes[0].word} {item.phrase}"
