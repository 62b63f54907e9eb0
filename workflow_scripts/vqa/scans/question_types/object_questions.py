"""Questions about the objects of a scan, as of ScanQA: what is where, how many, which, is there.

Types: `what_is_on`, `on_what`, `next_to`, `how_many`, `where`, `color`, `is_there`, `compare`.
"""

from collections.abc import Callable, Iterator

import numpy as np

from workflow_scripts.common.label_text import counted, is_plural, plural, with_article
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types.count_questions import (
    how_many,
    is_there,
    which_of_two,
)
from workflow_scripts.vqa.scans.question_types.wording import (
    filled,
    is_or_are,
    new_question,
    object_names,
    pick,
)
from workflow_scripts.vqa.scans.reasoning import length
from workflow_scripts.vqa.scans.relations import (
    Clause,
    anchors_of,
    clauses_of,
    kind_of_place,
    next_to,
)
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext
from workflow_scripts.vqa.scans.usual_descriptions import share_to_ask

USUAL = "the usual answer, which is true of the category in most scans"
Made = Iterator[ScanSample | DroppedSample]


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Made:
    """Yield questions of every type, in random order."""
    made: list[ScanSample | DroppedSample] = []
    makers: tuple[Callable[[ScanContext, np.random.Generator, ScanQuestionSettings], Made], ...] = (
        *(_what_is_on, _on_what, _next_to, how_many, _where, _color, is_there, which_of_two),
    )
    for make in makers:
        made += make(context, rng, settings)
    yield from (made[place] for place in rng.permutation(len(made)))


def _what_is_on(context: ScanContext, rng: np.random.Generator, _: ScanQuestionSettings) -> Made:
    everything = (*context.placed, *context.unseen)
    for anchor in context.alone:
        on_it = [item for item in everything if item.parent == anchor.instance]
        if not on_it:
            continue
        if any(not item.num_frames or item.contact == "unclear" for item in on_it):
            yield DroppedSample("what_is_on", "not all that is on it is shown clearly")
        elif len({item.category for item in on_it}) > 1:
            yield DroppedSample("what_is_on", "several kinds of things are on it")
        else:
            name = f"the {anchor.phrase}"
            text = pick(
                rng,
                (
                    "What is on {x}?",
                    "What is lying or standing on {x}?",
                    "What do you see on {x}?",
                ),
            )
            yield new_question(
                context,
                "what_is_on",
                text.format(x=name),
                object_names(on_it),
                referents=[anchor, *on_it],
                evidence={"num_on_it": len(on_it)},
                reasoning=f"The things on {name} are {counted(len(on_it), on_it[0].phrase)}."
                if len(on_it) > 1
                else f"One thing is on {name}: {with_article(on_it[0].phrase)}.",
            )


def _on_what(context: ScanContext, rng: np.random.Generator, _: ScanQuestionSettings) -> Made:
    for item in context.alone:
        carrier = context.by_instance.get(item.parent)
        if carrier is None or item.contact == "unclear" or not carrier.num_frames:
            continue
        if carrier.kind != "object" or not carrier.phrase.strip():
            continue
        on_it = Clause("on", "", carrier, {})
        if rng.random() >= share_to_ask(on_it, item.category, ("on",)):
            yield DroppedSample("on_what", USUAL)
            continue
        text = pick(
            rng,
            (
                "What {is} {x} on?",
                "What {is} {x} resting on?",
                "Which object {is} {x} on?",
                "{X} {is} on top of what?",
                "What {is} {x} standing or lying on?",
            ),
        )
        yield new_question(
            context,
            "on_what",
            filled(text, item),
            [carrier.phrase, with_article(carrier.phrase), f"the {carrier.phrase}"],
            referents=[item, carrier],
            evidence={"bottom_m": item.bottom_m, "gap_m": context.gap_m(item, carrier)},
            reasoning=f"The {item.phrase} {is_or_are(item)} on {with_article(carrier.phrase)}.",
        )


def _next_to(context: ScanContext, rng: np.random.Generator, _: ScanQuestionSettings) -> Made:
    standing = [
        item for item in (*context.objects, *context.glimpsed) if kind_of_place(item) == "floor"
    ]
    for anchor in anchors_of(context):
        if anchor.kind == "object" and kind_of_place(anchor) != "floor":
            continue
        clear = {
            item.instance: next_to(context, item, anchor)
            for item in standing
            if item.instance != anchor.instance
        }
        beside = [context.by_instance[number] for number, value in clear.items() if value[0] > 0]
        if not beside:
            continue
        if any(value[0] == 0 for value in clear.values()):
            yield DroppedSample("next_to", "something is neither next to it nor clearly apart")
        elif len({item.category for item in beside}) > 1 or not beside[0].num_frames:
            yield DroppedSample("next_to", "several kinds of things are next to it")
        else:
            side = "by" if anchor.kind == "structure" else "next to"
            text = pick(
                rng,
                (
                    "What stands {side} the {x}?",
                    "What is on the floor {side} the {x}?",
                    "Which piece of furniture is {side} the {x}?",
                ),
            )
            yield new_question(
                context,
                "next_to",
                text.format(side=side, x=anchor.phrase),
                object_names(beside),
                referents=[anchor, *beside],
                margin=min(abs(value[0]) for value in clear.values()),
                margin_unit="m",
                evidence={f"gap_m_{number}": value[1] for number, value in clear.items()},
                reasoning=f"From the {anchor.phrase} it is "
                f"{length(max(clear[item.instance][1] for item in beside))} "
                f"to the {plural(beside[0].phrase) if len(beside) > 1 else beside[0].phrase}; "
                "nothing else stands near.",
            )


def _where(context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings) -> Made:
    order = ("on", "above", "next_to", "corner", "room")
    for item in context.alone:
        true = [c for c in clauses_of(context, (item,), settings) if c.fits and c.kind in order]
        if not true:
            yield DroppedSample("where", "nothing tells clearly where it is")
            continue
        true.sort(key=lambda clause: order.index(clause.kind))
        if rng.random() >= share_to_ask(true[0], item.category, order):
            yield DroppedSample("where", USUAL)
            continue
        text = pick(rng, ("Where {is} {x}?", "Where can I find {x}?", "Where do I find {x}?"))
        yield new_question(
            context,
            "where",
            filled(text, item),
            [clause.place for clause in true],
            referents=[item, *(c.anchor for c in true if c.anchor)],
            margin=min(clause.margin for clause in true),
            margin_unit="m",
            evidence={f"{c.kind}_m": c.values.get(item.instance, 0.0) for c in true},
            reasoning=f"The {item.phrase} {is_or_are(item)} {true[0].place}.",
        )


def _color(context: ScanContext, rng: np.random.Generator, _: ScanQuestionSettings) -> Made:
    for item in context.alone:
        if not item.colour:
            yield DroppedSample("color", "no single color, or frames differ")
            continue
        colour = Clause("colour", item.colour, None, {})
        if rng.random() >= share_to_ask(colour, item.category, ("colour",)):
            yield DroppedSample("color", USUAL)
            continue
        text = pick(
            rng,
            ("What color {is} {x}?", "What is the color of {x}?", "Which color {does} {x} have?"),
        )
        yield new_question(
            context,
            "color",
            filled(text, item),
            [item.colour, *(["grey"] if item.colour == "gray" else [])],
            referents=[item],
            evidence={"num_frames": item.num_frames},
            reasoning=f"In the {counted(item.num_frames, 'frame')} that "
            f"{'shows' if item.num_frames == 1 else 'show'} "
            f"{'them' if is_plural(item.phrase) else 'it'} well, the {item.phrase} "
            f"{'look' if is_plural(item.phrase) else 'looks'} {item.colour}.",
        )
