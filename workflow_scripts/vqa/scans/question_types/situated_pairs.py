"""Questions of someone in a scan about two things, and what all such questions are made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.quantity_text import angle_text
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.object_bearings import ObjectBearing
from workflow_scripts.vqa.scans.question_types.wording import is_or_are, pick
from workflow_scripts.vqa.scans.reasoning import length
from workflow_scripts.vqa.scans.scan_context import ScanObject


@dataclass(frozen=True, eq=False)
class SituatedQuestion:
    """A question with its answer, what it speaks of, and how clear it is."""

    kind: str
    text: str
    answer: str
    items: tuple[ScanObject, ...]
    margin: float
    margin_unit: str
    steps: str
    evidence: dict[str, float] = field(default_factory=dict)


def which_is_closer(
    seen: Sequence[ObjectBearing], rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[SituatedQuestion]:
    """Yield which of two things is closer to someone."""
    for place in range(0, len(seen) - 1, 2):
        order = rng.permutation(2)
        one, other = seen[place + order[0]], seen[place + order[1]]
        difference = other.gap_m - one.gap_m
        low, high = sorted((float(one.gap_m.mean()), float(other.gap_m.mean())))
        if (
            np.abs(difference).min() < settings.margin_m
            or (difference > 0).any() != (difference > 0).all()
        ):
            continue
        if high < (1 + settings.margin_ratio) * low:
            continue
        winner = one if difference[0] > 0 else other
        text = pick(
            rng,
            (
                "Which is closer to me, the {a} or the {b}?",
                "Which is nearer to where I am, the {a} or the {b}?",
            ),
        )
        steps = " ".join(
            f"The {e.item.phrase} {is_or_are(e.item)} about {length(float(e.gap_m[0]))} away."
            for e in (one, other)
        )
        yield SituatedQuestion(
            "closer",
            text.format(a=one.item.phrase, b=other.item.phrase),
            winner.item.phrase,
            (one.item, other.item),
            float(np.abs(difference).min()),
            "m",
            steps,
            evidence_of(one) | evidence_of(other),
        )


def which_is_on_side(
    seen: Sequence[ObjectBearing], rng: np.random.Generator
) -> Iterator[SituatedQuestion]:
    """Yield which of two things is on one side: one is on the left and one on the right."""
    sides = {side: [entry for entry in seen if entry.side == side] for side in ("left", "right")}
    for one, other in zip(sides["left"], sides["right"], strict=False):
        pair = [(one, other), (other, one)][int(rng.integers(2))]
        for side, winner in (("left", one), ("right", other)):
            text = f"Which is on my {side}, the {pair[0].item.phrase} or the {pair[1].item.phrase}?"
            steps = " ".join(
                f"The {e.item.phrase} {is_or_are(e.item)} about {angle_words(e)} to the {e.side}."
                for e in pair
            )
            yield SituatedQuestion(
                "which_side",
                text,
                winner.item.phrase,
                (one.item, other.item),
                round(min(one.side_margin_deg, other.side_margin_deg), 3),
                "deg",
                steps,
                evidence_of(one) | evidence_of(other),
            )


def evidence_of(entry: ObjectBearing) -> dict[str, float]:
    """Return the direction and distance of an object from the usual place."""
    number = entry.item.instance
    return {
        f"left_deg_{number}": float(entry.left_deg[0]),
        f"gap_m_{number}": float(entry.gap_m[0]),
    }


def angle_words(entry: ObjectBearing) -> str:
    """Return how far to the side of straight ahead an object is: "35 degrees"."""
    return angle_text(abs(float(entry.left_deg[0])))[0]
