"""Descriptions of none, one or several objects, of the types of Multi3DRefer.

Types: `zt_wo_d` and `zt_w_d` (no object fits: there is none of the category, or none of which the
rest is true), `st_wo_d` and `st_w_d` (one object, alone of its category or not), `mt` (several).

Words must not tell that nothing fits. What fits nothing in a scan is therefore what is true in
other ones (`usual_descriptions`), as often as it is true. What is true here and not usual is said
of other objects of the scan, or of something that is not there.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from workflow_scripts.common.label_text import is_plural
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.absent_objects import draw_absent_noun
from workflow_scripts.vqa.scans.answer_balance import exchange
from workflow_scripts.vqa.scans.grounding_samples import (
    Made,
    absent_sample,
    grounding_sample,
)
from workflow_scripts.vqa.scans.relations import Clause, kind_of_place
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext
from workflow_scripts.vqa.scans.statements import (
    Statement,
    categories_of,
    false_pairs,
    false_statements,
    is_clearly_false,
    true_statements,
)
from workflow_scripts.vqa.scans.usual_descriptions import usual_descriptions

# In a scan at most so many descriptions of nothing for one that is true.
_FALSE_PER_TRUE = 2


def descriptions_of_any_number(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield descriptions of none, one and several objects, about as many of none as of others."""
    categories = categories_of(context, settings)
    usual = usual_descriptions()
    true = true_statements(categories, rng)
    unusual: list[Statement] = []
    for statement in true:
        frequency = usual.get(statement.key) if statement.key else None
        if frequency is None:
            unusual.append(statement)
        elif rng.random() >= frequency.keep_true:
            yield DroppedSample(statement.question_type, "its words are almost always true")
            continue
        yield _sample(context, statement, rng)
    false = [
        statement
        for key, statement in false_statements(context, categories, usual)
        if rng.random() < usual[key].keep_false
    ]
    # What is usual in rooms says little of scans in which little of it is true.
    limit = round(_FALSE_PER_TRUE * (len(true) - len(unusual)))
    for place in rng.permutation(len(false))[:limit]:
        yield _sample(context, false[place], rng)
    for statement in _said_of_others(unusual, rng):
        yield _sample(context, statement, rng)
    for statement in _said_of_absent(context, unusual, rng):
        yield _sample(context, statement, rng)
    if all(len(category.own) == 1 for category in categories.values()):
        for statement in itertools.islice(_said_of_others(true, rng), 1):
            yield _sample(context, statement, rng)


def _sample(context: ScanContext, statement: Statement, rng: np.random.Generator) -> ScanSample:
    if statement.category is None:
        return absent_sample(context, statement.noun, statement.said, rng, many=statement.many)
    return grounding_sample(
        context,
        statement.question_type,
        statement.targets,
        statement.category.group,
        statement.said,
        rng,
        own=statement.category.own,
        many=statement.many,
    )


def _said_of_others(true: Sequence[Statement], rng: np.random.Generator) -> Iterator[Statement]:
    """Yield the categories of statements with what others of the same kinds say."""
    by_kind: dict[tuple[tuple[str, ...], bool], list[Statement]] = {}
    for statement in true:
        if statement.said:
            by_kind.setdefault((statement.kinds, statement.many), []).append(statement)
    for (kinds, _), alike in by_kind.items():
        yield from _exchanged(alike, rng) if len(kinds) == 1 else _other_pairs(alike, rng)


def _exchanged(true: Sequence[Statement], rng: np.random.Generator) -> Iterator[Statement]:
    """Yield what statements say of one another's categories, each once where it can be."""
    options: dict[tuple[int, int], Clause] = {}
    allowed = np.zeros((len(true), len(true)), dtype=bool)
    for row, one in enumerate(true):
        for column, other in enumerate(true):
            clause = _said_instead(one, other) if row != column else None
            if clause is not None:
                options[row, column] = clause
                allowed[row, column] = True
    for pair in exchange(allowed, rng):
        one = true[pair[0]]
        yield Statement(one.noun, one.category, (options[pair],), one.many)


def _said_instead(one: Statement, other: Statement) -> Clause | None:
    """Return what another statement says of a category where it is false and might be true."""
    assert one.category is not None
    assert other.category is not None
    clause = one.category.clause(other.said[0])
    if clause is None or not is_clearly_false(clause):
        return None
    if clause.anchor is None:
        return clause
    rooms = {item.room_id for item in one.category.own} | {""}
    same_place = one.category.place == other.category.place != ""
    in_room = not clause.anchor.room_id or clause.anchor.room_id in rooms
    return clause if same_place and in_room else None


def _other_pairs(true: Sequence[Statement], rng: np.random.Generator) -> Iterator[Statement]:
    """Yield, of the categories of statements, a color and a place of different objects."""
    for statement in true:
        assert statement.category is not None
        options = [
            said
            for said in false_pairs(statement.category)
            if tuple(clause.kind for clause in said) == statement.kinds
        ]
        if options:
            said = options[int(rng.integers(len(options)))]
            yield Statement(statement.noun, statement.category, said, statement.many)


def _said_of_absent(
    context: ScanContext, true: Sequence[Statement], rng: np.random.Generator
) -> Iterator[Statement]:
    """Yield, of every second statement, what it says of what is not in the scan."""
    used: set[tuple[str, bool]] = set()
    for statement in true[::2]:
        noun = draw_absent_noun(context, kind_of_place(statement.targets[0]), rng)
        if not noun or (noun, statement.many) in used or (statement.many and is_plural(noun)):
            continue
        used.add((noun, statement.many))
        yield Statement(noun, None, statement.said, statement.many)
