"""Questions that count, compare, or ask whether something is there."""

from collections.abc import Iterator, Sequence

import numpy as np

from workflow_scripts.common.label_text import counted, is_plural, plural, with_article
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.answer_balance import equal_numbers, exchange, is_count_asked
from workflow_scripts.vqa.scans.question_types.wording import (
    NUMBER_WORDS,
    new_question,
    part_of,
    pick,
)
from workflow_scripts.vqa.scans.reasoning import length
from workflow_scripts.vqa.scans.relations import (
    Clause,
    anchors_of,
    carries_objects,
    clauses_of,
    group_of,
    kind_of_place,
)
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject
from workflow_scripts.vqa.scans.usual_descriptions import is_usual, place_key, usual_places

Made = Iterator[ScanSample | DroppedSample]
MAX_COUNT = 8


def how_many(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield how many of a category a scan shows, and how many of them are at a place."""
    for category, items in context.clear_categories.items():
        noun = items[0].phrase
        if is_plural(noun):
            continue
        if 1 < len(items) <= MAX_COUNT and is_count_asked(len(items), rng):
            text = pick(
                rng,
                (
                    "How many {x} are there?",
                    "How many {x} do you see?",
                    "How many {x} can you see?",
                    "What is the number of {x}?",
                ),
            )
            yield _count(context, text.format(x=plural(noun)), category, len(items), items, None)
        if len(items) < 2:
            continue
        places: dict[str, list[Clause]] = {"some": [], "none": []}
        for clause in decided_places(context, items, settings):
            # That nothing is where it never is, words alone tell.
            if clause.fits or is_usual(clause, category):
                places["some" if clause.fits else "none"].append(clause)
        # Otherwise almost all answers would be zero.
        for clause in equal_numbers(places, rng):
            text = pick(rng, ("How many {x} are {place}?", "How many {x} can you find {place}?"))
            where = text.format(x=plural(noun), place=clause.place)
            yield _count(context, where, category, len(clause.fits), items, clause)


def _count(
    context: ScanContext,
    text: str,
    category: str,
    number: int,
    items: Sequence[ScanObject],
    clause: Clause | None,
) -> ScanSample:
    noun = items[0].phrase
    evidence = {f"num_{category}": float(len(items))}
    reasoning = f"The scan shows {counted(len(items), noun)}."
    if clause is not None:
        evidence |= {f"{clause.kind}_m_{key}": value for key, value in clause.values.items()}
        reasoning += f" {part_of(number, len(items), noun)} {clause.place}."
    return new_question(
        context,
        "how_many",
        text,
        [str(number), NUMBER_WORDS[number]],
        answer_type="count",
        truth=float(number),
        referents=items,
        margin=clause.margin if clause else 1.0,
        margin_unit="m" if clause else "count",
        evidence=evidence,
        reasoning=reasoning,
    )


def decided_places(
    context: ScanContext, items: Sequence[ScanObject], settings: ScanQuestionSettings
) -> list[Clause]:
    """Return places that things of a category are or could be at, clear for all of them."""
    found = []
    for clause in clauses_of(context, group_of(context, items[0].category), settings):
        if not clause.is_decided or clause.kind not in ("on", "next_to"):
            continue
        place = "carried" if clause.kind == "on" else "floor"
        assert clause.anchor is not None
        could_be = all(kind_of_place(item) == place for item in items)
        if clause.kind == "on" and not carries_objects(context, clause.anchor):
            could_be = False
        if could_be:
            found.append(clause)
    return found


def is_there(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield as many questions that are answered yes as no, of the same things and places."""
    answers: dict[str, list[tuple[Sequence[ScanObject], Clause]]] = {"yes": [], "no": []}
    for items, clause in _there_and_not(context, rng, settings):
        answers["yes" if clause.fits else "no"].append((items, clause))
    for items, clause in equal_numbers(answers, rng):
        noun = items[0].phrase
        text = pick(
            rng,
            (
                "{Is} there {a} {place}?",
                "Can you see {a} {place}?",
                "{Is} there {any} {place}?",
            ),
        )
        many = is_plural(noun)
        wording = text.format(
            Is="Are" if many else "Is",
            a=with_article(noun),
            any=f"any {noun}" if many else with_article(noun),
            place=clause.place,
        )
        answer = "yes" if clause.fits else "no"
        assert clause.anchor is not None
        yield new_question(
            context,
            "is_there",
            wording,
            [answer],
            referents=[*items, clause.anchor],
            margin=clause.margin,
            margin_unit="m",
            evidence={f"{clause.kind}_m_{k}": v for k, v in clause.values.items()},
            reasoning=f"The scan shows {counted(len(items), noun)}. "
            f"{part_of(len(clause.fits), len(items), noun)} {clause.place}.",
        )


def _there_and_not(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[tuple[Sequence[ScanObject], Clause]]:
    """Yield things with where they are and where they are not, of every place as often.

    Of usual places the rarer answer is kept; of others, things are said to be where others are.
    """
    by_kind: dict[str, list[tuple[Sequence[ScanObject], Clause, list[Clause]]]] = {}
    for category, items in context.clear_categories.items():
        unknown = []
        for clause in decided_places(context, items, settings):
            frequency = usual_places().get(place_key(category, clause))
            if frequency is None:
                # Of categories that are in the table, words tell what is not in it.
                if category not in {key.category for key in usual_places()}:
                    unknown.append(clause)
            elif rng.random() < (frequency.keep_true if clause.fits else frequency.keep_false):
                yield items, clause
        for clause in unknown:
            if clause.fits:
                by_kind.setdefault(clause.kind, []).append((items, clause, unknown))
    for kind, true in by_kind.items():
        false: dict[tuple[int, int], Clause] = {}
        allowed = np.zeros((len(true), len(true)), dtype=bool)
        for row, (_, _, places) in enumerate(true):
            for column, (_, other, _) in enumerate(true):
                for clause in places:
                    if (clause.kind, clause.anchor) == (kind, other.anchor) and not clause.fits:
                        false[row, column] = clause
                        allowed[row, column] = True
        for row, column in exchange(allowed, rng):
            yield true[row][:2]
            yield true[row][0], false[row, column]


def which_of_two(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield which of two things is taller, and which of two is closer to a third."""
    floor = [item for item in context.alone if kind_of_place(item) == "floor"]
    if len(floor) < 2:
        yield DroppedSample("compare", "fewer than two things to compare")
        return
    for _ in range(min(2 * len(floor), settings.samples_per_type)):
        one, other = (floor[place] for place in rng.permutation(len(floor))[:2])
        anchors = [a for a in anchors_of(context) if a not in (one, other) and a.size_m.max() > 0.4]
        # Which of two kinds of things is taller, people know.
        if anchors and rng.random() < 0.85:
            anchor = anchors[int(rng.integers(len(anchors)))]
            values = [context.gap_m(item, anchor) for item in (one, other)]
            ask = f"closer to the {anchor.phrase}"
            wordings = (
                "Which is {ask}, the {a} or the {b}?",
                "Which one is {ask}: the {a} or the {b}?",
                "Of the {a} and the {b}, which is {ask}?",
            )
            sign, said, referents = -1.0, f"is {{v}} from the {anchor.phrase}", [one, other, anchor]
            name = anchor.phrase
        else:
            values = [float(item.size_m[2]) for item in (one, other)]
            ask, name = "taller", ""
            wordings = (
                "Which is taller, the {a} or the {b}?",
                "Which one is taller: the {a} or the {b}?",
                "Of the {a} and the {b}, which is taller?",
            )
            sign, said, referents = 1.0, "is {v} tall", [one, other]
        difference = abs(values[0] - values[1])
        low, high = sorted(values)
        if difference < settings.margin_m or high < (1 + settings.margin_ratio) * low:
            yield DroppedSample("compare", "no clear difference")
            continue
        winner = one if sign * (values[0] - values[1]) > 0 else other
        text = pick(rng, wordings).format(ask=ask, a=one.phrase, b=other.phrase, x=name)
        steps = [
            f"The {item.phrase} {said.format(v=length(value))}."
            for item, value in zip((one, other), values, strict=True)
        ]
        yield new_question(
            context,
            "compare",
            text,
            [winner.phrase, f"the {winner.phrase}"],
            referents=referents,
            margin=difference,
            margin_unit="m",
            evidence={
                f"value_m_{i.instance}": v for i, v in zip((one, other), values, strict=True)
            },
            reasoning=" ".join(steps),
        )
