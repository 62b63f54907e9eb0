"""Where an object is for somebody who stands by a second one and faces a third one.

The direction is that between centers on the floor plan, as in the benchmark. It is asked only
where the answer is the same from every corner of what one stands by: "by the bed" may mean any
side of it.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.geometry.cameras import FloatArray, wrap_deg
from workflow_scripts.vqa.scans.question_types.vsi_samples import (
    balanced_places,
    choice_sample,
    draw_balanced,
    landmarks,
    place_truth,
    some_of,
)
from workflow_scripts.vqa.scans.question_types.wording import pick
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

BEHIND_DEG = 135.0
EASY, MEDIUM, HARD = (f"object_rel_direction_{level}" for level in ("easy", "medium", "hard"))
OPTIONS = {
    EASY: ("left", "right"),
    MEDIUM: ("left", "right", "back"),
    HARD: ("front-left", "front-right", "back-left", "back-right"),
}
AT_THE_BACK = "what is at the back is neither left nor right"
NEAR_BOUNDARY = "a direction near the boundary to another answer"
DEPENDS_ON_SIDE = "another answer from another side of what one stands by"
TOO_NEAR = "objects that stand too close to one another for a direction"
_STANDING = (
    "If I stand by the {a} and face the {b}, ",
    "Imagine standing next to the {a} and looking at the {b}: ",
    "From beside the {a}, facing the {b}, ",
    "Suppose you are at the {a} with the {b} straight ahead: ",
    "Standing by the {a}, turned to the {b}, ",
)
WORDINGS = {
    EASY: "on which side would the {c} be, left or right?",
    MEDIUM: "would the {c} be to the left, to the right, or at the back? Something is at the back "
    "if one has to turn by 135 degrees or more to face it.",
    HARD: "would the {c} be front-left, front-right, back-left, or back-right? These are the four "
    "quadrants around the place where one stands, with the facing direction as the middle of the "
    "front.",
}
_IN_WORDS = {
    "left": "to the left",
    "right": "to the right",
    "back": "at the back",
    "front-left": "in front and to the left",
    "front-right": "in front and to the right",
    "back-left": "behind and to the left",
    "back-right": "behind and to the right",
}


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield choices of left or right, of left, right or back, and of quadrants."""
    named = some_of(context.alone, rng)
    groups: dict[str, dict[str, list[tuple[ScanObject, ...]]]] = {
        kind: {option: [] for option in options} for kind, options in OPTIONS.items()
    }
    for standing in [item for item in landmarks(context) if item in named]:
        others = [item for item in named if item is not standing]
        apart = [
            item for item in others if context.footprint_gap_m(standing, item) >= settings.margin_m
        ]
        pairs = (len(others) - len(apart)) * (len(others) - 1)
        yield from [DroppedSample(kind, TOO_NEAR) for kind in OPTIONS] * pairs
        for facing, queried in itertools.permutations(apart, 2):
            for kind in OPTIONS:
                answer = clear_answer(kind, standing, facing, queried, settings.margin_deg)
                if answer in groups[kind]:
                    groups[kind][answer].append((standing, facing, queried))
                else:
                    yield DroppedSample(kind, answer)
    for kind, by_answer in groups.items():
        drawn = draw_balanced(by_answer, settings.samples_per_type, rng)
        places = balanced_places(len(drawn), len(OPTIONS[kind]), rng)
        for (answer, items), place in zip(drawn, places, strict=True):
            yield _sample(context, kind, items, answer, place, rng)


def turn_deg(standing_m: FloatArray, facing_m: FloatArray, queried_m: FloatArray) -> float:
    """Return the turn from facing one point [2] to facing another, counter-clockwise, wrapped."""
    ahead, towards = facing_m - standing_m, queried_m - standing_m
    angle = math.atan2(towards[1], towards[0]) - math.atan2(ahead[1], ahead[0])
    return float(wrap_deg(math.degrees(angle)))


def answer_of(kind: str, turn: float) -> tuple[str, float]:
    """Return the answer for a turn in degrees, and how far it is from another answer.

    What is straight ahead is neither left nor right, and of easy and medium only what is not at
    the back is. '' where none of the answers holds.
    """
    side, size = ("left" if turn > 0 else "right"), abs(turn)
    if kind == HARD:
        half = "front" if size < 90 else "back"
        return f"{half}-{side}", min(size, abs(size - 90), 180 - size)
    if size >= BEHIND_DEG:
        return ("back" if kind == MEDIUM else ""), size - BEHIND_DEG
    return side, min(size, BEHIND_DEG - size)


def clear_answer(
    kind: str, standing: ScanObject, facing: ScanObject, queried: ScanObject, margin_deg: float
) -> str:
    """Return the answer where it is clear, else the reason why it is not."""
    facing_m, queried_m = facing.centre_m[:2], queried.centre_m[:2]
    answer, margin = answer_of(kind, turn_deg(standing.centre_m[:2], facing_m, queried_m))
    if not answer:
        return AT_THE_BACK
    if margin < margin_deg:
        return NEAR_BOUNDARY
    corners = np.array(standing.footprint.exterior.coords)[:-1]
    answers = {answer_of(kind, turn_deg(corner, facing_m, queried_m))[0] for corner in corners}
    return answer if answers == {answer} else DEPENDS_ON_SIDE


def _sample(
    context: ScanContext,
    kind: str,
    items: tuple[ScanObject, ...],
    answer: str,
    place: int,
    rng: np.random.Generator,
) -> ScanSample:
    standing, facing, queried = items
    turn = turn_deg(*(item.centre_m[:2] for item in items))
    margin = answer_of(kind, turn)[1]
    wrong = [option for option in OPTIONS[kind] if option != answer]
    side = "left" if turn > 0 else "right"
    start = pick(rng, _STANDING).format(a=standing.phrase, b=facing.phrase)
    return choice_sample(
        context,
        question_type=kind,
        text=start + WORDINGS[kind].format(c=queried.phrase),
        options=place_truth(answer, wrong, place, rng),
        place=place,
        referents=items,
        margin=margin,
        margin_unit="deg",
        evidence={"turn_deg": turn},
        reasoning=f"By the {standing.phrase} and facing the {facing.phrase}, one turns "
        f"{abs(turn):.0f} degrees to the {side} to face the {queried.phrase}, which is "
        f"{_IN_WORDS[answer]}.",
    )
