"""Questions of someone who stands or sits in a scan, as of SQA3D.

Types are those of its questions by their first word: `what`, `is`, `how`, `can`, `which`,
`others`. An answer holds from every place that the words of the situation may mean.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from workflow_scripts.common.label_text import is_plural, plural
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.answer_balance import AnswerBalance, surplus
from workflow_scripts.vqa.scans.object_bearings import ObjectBearing, locate
from workflow_scripts.vqa.scans.question_types.situated_pairs import (
    SituatedQuestion,
    angle_words,
    evidence_of,
    which_is_closer,
    which_is_on_side,
)
from workflow_scripts.vqa.scans.question_types.wording import NUMBER_WORDS, is_or_are, pick
from workflow_scripts.vqa.scans.reasoning import length
from workflow_scripts.vqa.scans.relations import kind_of_place
from workflow_scripts.vqa.scans.samples import DroppedSample, new_sample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject
from workflow_scripts.vqa.scans.situations import Situation, situations_of

TYPES = ("what", "is", "how", "can", "which", "others")
# Gaps within which one can touch something without a step, and beyond which one cannot.
REACH_M, OUT_OF_REACH_M = 0.6, 1.3
REACH_HEIGHT_M = (0.3, 1.8)
MAX_SITUATIONS = 24
# Of the places where none or all of a group are, so many are asked about.
_ALL_OR_NONE_SHARE = 0.4
Option = TypeVar("Option")


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield questions of every type about different situations."""
    balance = AnswerBalance(rng)
    asked: list[tuple[Situation, str, SituatedQuestion]] = []
    number = 0
    for situation in situations_of(context, rng):
        if number == MAX_SITUATIONS:
            break
        number += 1
        seen = [
            locate(situation, item, settings)
            for item in context.alone
            if not _is_named_in(item, situation)
        ]
        seen = [entry for entry in seen if entry.gap_m.min() >= 0.05]
        questions = _questions(context, situation, seen, rng, settings)
        for question_type in TYPES:
            kinds = sorted({q.kind for q in questions if _type_of(q.text) == question_type})
            if not kinds:
                yield DroppedSample(question_type, "no answer is clear in a situation")
                continue
            kind = kinds[int(rng.integers(len(kinds)))]
            by_answer: dict[str, list[SituatedQuestion]] = {}
            for option in questions:
                if option.kind == kind and _type_of(option.text) == question_type:
                    by_answer.setdefault(option.answer, []).append(option)
            drawn = balance.draw(kind, by_answer)
            if drawn is None:
                yield DroppedSample(question_type, "its answer was given more often than the other")
            else:
                asked.append((situation, question_type, drawn[1]))
    left_out = surplus([(one.kind, one.answer) for _, _, one in asked], rng)
    for place, (situation, question_type, question) in enumerate(asked):
        if place in left_out:
            yield DroppedSample(question_type, "its answer was given more often than the other")
        else:
            yield _sample(context, situation, question_type, question)
    if not number:
        yield DroppedSample("", "nowhere to stand next to something that is alone of its kind")


def _questions(
    context: ScanContext,
    situation: Situation,
    seen: Sequence[ObjectBearing],
    rng: np.random.Generator,
    settings: ScanQuestionSettings,
) -> list[SituatedQuestion]:
    """Return everything that can be asked in a situation."""
    found: list[SituatedQuestion] = []
    for entry in seen:
        found += _about_side(entry, rng)
        found += _about_depth(entry, rng)
        found += _about_reach(entry, rng)
    found += which_is_closer(seen, rng, settings)
    found += which_is_on_side(seen, rng)
    found += _nearest_at(context, situation, rng, settings)
    found += _how_many(context, situation, rng, settings)
    return found


def _about_side(entry: ObjectBearing, rng: np.random.Generator) -> Iterator[SituatedQuestion]:
    if not entry.side:
        return
    side, other = entry.side, "right" if entry.side == "left" else "left"
    noun, is_ = entry.item.phrase, is_or_are(entry.item)
    steps = f"The {noun} {is_} about {angle_words(entry)} to the {side} of where I look."
    known = ((entry.item,), round(entry.side_margin_deg, 3), "deg", steps, evidence_of(entry))

    def situated(kind: str, text: str, answer: str) -> SituatedQuestion:
        return SituatedQuestion(kind, text, answer, *known)

    yield situated("side", f"On which side of me {is_} the {noun}, left or right?", side)
    yield situated("side", f"Left or right: where {is_} the {noun}?", side)
    yield situated("what_side", f"What direction {is_} the {noun} from me, left or right?", side)
    wording = pick(
        rng,
        (
            "Which way do I turn to face the {x}, left or right?",
            "Which way should I turn to face the {x}, left or right?",
        ),
    )
    yield situated("turn", wording.format(x=noun), side)
    for word in (side, other):
        answer = "yes" if word == side else "no"
        text = pick(
            rng,
            ("{Is} the {x} on my {w}?", "{Is} the {x} to my {w}?", "{Is} the {x} on my {w} side?"),
        )
        yield situated("is_side", text.format(Is=is_.title(), x=noun, w=word), answer)
        if word == side or entry.side_margin_deg > 0:
            text = f"Do I have to turn {word} to face the {noun}?"
            yield situated("do_turn", text, answer)


def _about_depth(entry: ObjectBearing, rng: np.random.Generator) -> Iterator[SituatedQuestion]:
    if not entry.depth:
        return
    noun, is_ = entry.item.phrase, is_or_are(entry.item)
    where = "in front of" if entry.depth == "front" else "behind"
    steps = f"The {noun} {is_} about {angle_words(entry)} away from where I look, so {where} me."
    known = ((entry.item,), round(entry.depth_margin_deg, 3), "deg", steps, evidence_of(entry))
    for word, text_of in (("front", "in front of"), ("behind", "behind")):
        answer = "yes" if word == entry.depth else "no"
        text = f"{is_.title()} the {noun} {text_of} me?"
        yield SituatedQuestion(f"is_{word}", text, answer, *known)
    is_clear = np.abs(entry.left_deg)
    if (entry.depth == "front" and is_clear.max() <= 45) or is_clear.min() >= 135:
        text = pick(
            rng,
            (
                "Can I look at the {x} without turning my body?",
                "Can I face the {x} without turning around?",
            ),
        )
        answer = "yes" if entry.depth == "front" else "no"
        yield SituatedQuestion("can_face", text.format(x=noun), answer, *known)
    text = f"Where {is_} the {noun}, in front of me or behind me?"
    yield SituatedQuestion("where_depth", text, f"{where} me", *known)


def _about_reach(entry: ObjectBearing, rng: np.random.Generator) -> Iterator[SituatedQuestion]:
    gap = entry.gap_m
    low, high = REACH_HEIGHT_M
    at_height = entry.item.top_m >= low and entry.item.bottom_m <= high
    if (
        not at_height
        or REACH_M < gap.max() < OUT_OF_REACH_M
        or gap.min() < OUT_OF_REACH_M <= (gap.max())
    ):
        return
    can = gap.max() <= REACH_M
    noun = entry.item.phrase
    text = pick(
        rng,
        (
            "Can I reach the {x} without taking a step?",
            "Can I touch the {x} from where I am?",
            "Can I reach the {x} from here?",
        ),
    )
    margin = REACH_M - gap.max() if can else gap.min() - REACH_M
    steps = f"The {noun} {is_or_are(entry.item)} about {length(float(gap[0]))} away."
    yield SituatedQuestion(
        "reach",
        text.format(x=noun),
        "yes" if can else "no",
        (entry.item,),
        max(float(margin), 0.001),
        "m",
        steps,
        evidence_of(entry),
    )


def _nearest_at(
    context: ScanContext,
    situation: Situation,
    rng: np.random.Generator,
    settings: ScanQuestionSettings,
) -> Iterator[SituatedQuestion]:
    """Yield what is the closest piece of furniture on a side, behind or in front."""
    everything = (*context.objects, *context.glimpsed)
    floor = [
        locate(situation, item, settings)
        for item in everything
        if kind_of_place(item) == "floor" and item not in (situation.near, situation.faced)
    ]
    for where, words in (
        *(("left", "on my left"), ("right", "on my right")),
        *(("front", "in front of me"), ("behind", "behind me")),
    ):
        inside = [entry for entry in floor if entry.quarter == where]
        if not inside or (
            where == "behind" and situation.faced is not None and _is_back(situation)
        ):
            continue
        inside.sort(key=lambda entry: float(entry.gap_m.max()))
        first = inside[0]
        rest = [entry for entry in floor if entry is not first and entry.may_be_at(where)]
        ahead = min((float(entry.gap_m.min()) for entry in rest), default=np.inf)
        margin = ahead - float(first.gap_m.max())
        is_named = first.item.num_frames and first.gap_m.min() >= 0.2
        if margin < settings.margin_m or not is_named:
            continue
        text = pick(
            rng, ("What is the closest piece of furniture {w}?", "What stands closest to me {w}?")
        )
        yield SituatedQuestion(
            "nearest_at",
            text.format(w=words),
            first.item.phrase,
            (first.item,),
            min(margin, 10.0),
            "m",
            f"The {first.item.phrase} {is_or_are(first.item)} {words}, about "
            f"{length(float(first.gap_m[0]))} away; nothing else stands nearer there.",
            evidence_of(first),
        )


def _is_back(situation: Situation) -> bool:
    """Say whether the words of a situation already say what is behind."""
    return "behind me" in situation.text or "my back" in situation.text


def _is_named_in(item: ScanObject, situation: Situation) -> bool:
    """Say whether the words of a situation say where an object is: it, or what carries it."""
    named = {place.instance for place in (situation.near, situation.faced) if place}
    carriers = {place.parent for place in (situation.near, situation.faced) if place}
    return item.instance in named | carriers or item.parent in named


def _how_many(
    context: ScanContext,
    situation: Situation,
    rng: np.random.Generator,
    settings: ScanQuestionSettings,
) -> Iterator[SituatedQuestion]:
    """Yield how many things of a category are in front, behind, on the left or on the right."""
    for items in context.clear_categories.values():
        if is_plural(items[0].phrase) or situation.near in items or situation.faced in items:
            continue
        if len(items) < 2 or len(items) >= len(NUMBER_WORDS):
            continue
        seen = [locate(situation, item, settings) for item in items]
        for axis in ("side", "depth"):
            values = [getattr(entry, axis) for entry in seen]
            if not all(values):
                continue
            margin = min(getattr(entry, f"{axis}_margin_deg") for entry in seen)
            for word in ("left", "right") if axis == "side" else ("front", "behind"):
                words = {"left": "on my left", "right": "on my right"}.get(word, "")
                words = words or ("in front of me" if word == "front" else "behind me")
                noun = plural(items[0].phrase)
                text = pick(rng, ("How many {x} are {w}?", "How many of the {x} are {w}?"))
                number = values.count(word)
                # Most groups are on one side alone.
                if number in (0, len(items)) and rng.random() >= _ALL_OR_NONE_SHARE:
                    continue
                be = "is" if number == 1 else "are"
                steps = f"There are {len(items)} {noun}; {number or 'none'} {be} {words}."
                evidence: dict[str, float] = {}
                for entry in seen:
                    evidence |= evidence_of(entry)
                yield SituatedQuestion(
                    f"how_many_{axis}",
                    text.format(x=noun, w=words),
                    str(number),
                    tuple(items),
                    round(margin, 3),
                    "deg",
                    steps,
                    evidence,
                )


def _sample(
    context: ScanContext, situation: Situation, question_type: str, question: SituatedQuestion
) -> ScanSample:
    x, y = situation.positions_m[0].tolist()
    is_count = question.kind.startswith("how_many")
    answers = [question.answer]
    if is_count:
        answers.append(NUMBER_WORDS[int(question.answer)])
    elif question.kind == "where_depth":
        answers.append(question.answer.removesuffix(" of me").removesuffix(" me"))
    elif question.kind in ("closer", "which_side", "nearest_at"):
        answers.append(f"the {question.answer}")
    said = [item for item in (situation.near, situation.faced) if item is not None]
    return new_sample(
        context,
        task="question",
        question_type=question_type,
        text=question.text,
        situation=situation.text,
        position_m=(round(x, 4), round(y, 4), situation.eye_m),
        facing_deg=round(float(situation.facing_deg[0]), 4),
        answer=question.answer,
        answers=answers,
        answer_type="count" if is_count else "text",
        truth=float(question.answer) if is_count else question.answer,
        referents=[*said, *question.items],
        margin=round(question.margin, 4),
        margin_unit=question.margin_unit,
        evidence=question.evidence,
        reasoning=question.steps,
    )


def _type_of(text: str) -> str:
    """Return the type of a question by its first word, as SQA3D does."""
    first = text.split(" ", 1)[0].lower()
    if first == "are":
        return "is"
    return first if first in TYPES else "others"
