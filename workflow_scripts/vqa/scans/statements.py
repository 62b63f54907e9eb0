"""What is true of the objects of a scan, and what might be said of it and fits nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from workflow_scripts.common.label_text import is_plural, phrase
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.absent_objects import is_absent
from workflow_scripts.vqa.scans.grounding_samples import (
    BARE_SHARE,
    Group,
    Said,
    draw_said,
    is_named,
    pairs_of,
)
from workflow_scripts.vqa.scans.relations import (
    Clause,
    anchors_of,
    clauses_of,
    colour_clause,
    group_of,
    kind_of_place,
)
from workflow_scripts.vqa.scans.scan_context import ScanContext
from workflow_scripts.vqa.scans.usual_descriptions import DescriptionKey

_PER_OBJECT_OF_SEVERAL = 2
_SEVERAL_PER_CATEGORY = 2
_AT_AN_OBJECT = ("on", "above", "next_to")


@dataclass(frozen=True, eq=False)
class CategoryClauses:
    """The objects of a category, all that its noun might mean, and what can be said of these.

    `is_clear`: the noun means these objects alone. `is_alone`: there is one, and no other glimpsed.
    """

    own: Group
    group: Group
    clauses: Sequence[Clause]
    is_clear: bool
    is_alone: bool

    @property
    def place(self) -> str:
        """Where its objects are: carried, floor or wall; '' where they differ."""
        places = {kind_of_place(item) for item in self.own}
        return places.pop() if len(places) == 1 else ""

    def clause(self, like: Clause) -> Clause | None:
        """Return what a clause about another category says of this one, if anything."""
        if like.kind == "colour":
            return colour_clause(self.group, like.word)
        for own in self.clauses:
            if (own.kind, own.word, own.anchor) == (like.kind, like.word, like.anchor):
                return own
        return None


@dataclass(frozen=True, eq=False)
class Statement:
    """What is said of objects of a category: of `targets`, or of nothing.

    `noun` names the category; `category` is None where the scan has none of it.
    """

    noun: str
    category: CategoryClauses | None
    said: Said
    many: bool
    targets: Group = ()

    @property
    def key(self) -> DescriptionKey | None:
        """Return what it says; None for two clauses."""
        assert self.category is not None
        return DescriptionKey.of(
            self.category.own[0].category,
            self.said,
            many=self.many,
            has_distractors=not self.category.is_alone,
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of its clauses."""
        return tuple(clause.kind for clause in self.said)

    @property
    def question_type(self) -> str:
        """Type of Multi3DRefer."""
        if not self.targets:
            return "zt_wo_d" if self.category is None else "zt_w_d"
        if self.many:
            return "mt"
        assert self.category is not None
        return "st_wo_d" if self.category.is_alone else "st_w_d"


def categories_of(
    context: ScanContext, settings: ScanQuestionSettings
) -> dict[str, CategoryClauses]:
    """Return what can be said of every category that has a noun; superlatives are left out."""
    found = {}
    for name, own in context.by_category.items():
        if is_named(own):
            group = group_of(context, name)
            found[name] = CategoryClauses(
                own,
                group,
                [c for c in clauses_of(context, group, settings) if not c.is_superlative],
                is_clear=context.is_clear(name),
                is_alone=len(own) == 1 and all(item.category != name for item in context.glimpsed),
            )
    return found


def true_statements(
    categories: Mapping[str, CategoryClauses], rng: np.random.Generator
) -> list[Statement]:
    """Return what is true: one of every object that can be singled out, some of several."""
    found: list[Statement] = []
    names = list(categories)
    for category in (categories[names[place]] for place in rng.permutation(len(names))):
        found += _of_one(category, rng)
        found += _of_several(category, rng)
    return found


def _of_one(category: CategoryClauses, rng: np.random.Generator) -> Iterator[Statement]:
    """Yield something that is true of one object of a category alone."""
    clauses = [c for c in category.clauses if c.is_decided or len(category.group) == 1]
    for item in category.own:
        options: list[Said] = [(c,) for c in clauses if c.fits == {item.instance}]
        if not category.is_alone:
            options += pairs_of(item, category.clauses)
        is_known = category.is_alone and len(category.group) == 1
        chosen: list[Said] = []
        if options and not (is_known and rng.random() < BARE_SHARE):
            number = 1 if category.is_alone else _PER_OBJECT_OF_SEVERAL
            chosen = [draw_said(options, rng) for _ in range(number)]
        elif is_known:
            chosen = [()]
        for said in dict.fromkeys(chosen):
            yield Statement(item.phrase, category, said, many=False, targets=[item])


def _of_several(category: CategoryClauses, rng: np.random.Generator) -> Iterator[Statement]:
    """Yield what is true of several objects of a category."""
    own = category.own
    if len(own) < 2 or is_plural(own[0].phrase):
        return
    if category.is_clear:
        yield Statement(own[0].phrase, category, (), many=True, targets=own)
    numbers = {item.instance for item in own}
    fitting = [
        c
        for c in category.clauses
        if c.is_decided and 1 < len(c.fits) < len(category.group) and c.fits <= numbers
    ]
    for place in rng.permutation(len(fitting))[:_SEVERAL_PER_CATEGORY]:
        clause = fitting[place]
        targets = [item for item in own if item.instance in clause.fits]
        yield Statement(own[0].phrase, category, (clause,), many=True, targets=targets)


def false_statements(
    context: ScanContext,
    categories: Mapping[str, CategoryClauses],
    keys: Iterable[DescriptionKey],
) -> Iterator[tuple[DescriptionKey, Statement]]:
    """Yield of what may be said of rooms what clearly fits nothing in a scan."""
    here = {item.category for item in context.placed}
    absent: dict[str, bool] = {}
    anchors = {item.category: item for item in anchors_of(context)}
    for key in keys:
        category = categories.get(key.category)
        if category is None:
            if key.category not in absent:
                absent[key.category] = is_absent(key.category, here)
            if not absent[key.category]:
                continue
        if not key.many and key.has_distractors == (category is None):
            continue
        noun = phrase(key.category)
        if not key.kind:
            if category is None:
                yield key, Statement(noun, None, (), key.many)
            continue
        anchor = anchors.get(key.value) if key.kind in _AT_AN_OBJECT else None
        if key.kind in _AT_AN_OBJECT and anchor is None:
            continue
        if not _is_place_known(context, key):
            continue
        like = Clause(key.kind, "" if anchor else key.value, anchor, {})
        if category is None:
            yield key, Statement(noun, None, (like,), key.many)
            continue
        clause = category.clause(like)
        if clause is not None and is_clearly_false(clause):
            yield key, Statement(noun, category, (clause,), key.many)


def _is_place_known(context: ScanContext, key: DescriptionKey) -> bool:
    """Say whether a scan has one room, or one of that name, where a description speaks of it."""
    if key.kind == "corner":
        return len(context.rooms) == 1
    names = [room.name for room in context.rooms]
    return key.kind != "room" or (len(names) > 1 and names.count(key.value) == 1)


def is_clearly_false(clause: Clause) -> bool:
    """Say whether a clause is false of every object of its group, clearly so."""
    return clause.is_decided and not clause.fits


def false_pairs(category: CategoryClauses) -> Iterator[Said]:
    """Yield a color that some objects have and a place, such that none has both."""
    numbers = {item.instance for item in category.own}
    for pair in combinations(category.clauses, 2):
        if {clause.kind == "colour" for clause in pair} != {True, False}:
            continue
        colour = next(clause for clause in pair if clause.kind == "colour")
        if not colour.fits & numbers:
            continue
        if all(min(clause.clear[number] for clause in pair) < 0 for number in pair[0].clear):
            yield pair
