"""In which order four kinds of objects first come into view in the chosen frames."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types.vsi_samples import (
    balanced_places,
    choice_sample,
    place_truth,
)
from workflow_scripts.vqa.scans.question_types.wording import pick
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

QUESTION_TYPE = "obj_appearance_order"
KINDS = OPTIONS = 4
NOT_CLEAR = "no four kinds that come into view clearly one after the other"
NO_TIMES = "frames without times"
WORDINGS = (
    "In which order do these first come into view: {list}?",
    "In what order does the video first show these: {list}?",
    "Put these in the order in which the video first shows them: {list}.",
    "Which of these does the video show first, second, third and fourth: {list}?",
    "Sort these by when they first appear in the video: {list}.",
)
ATTEMPTS_PER_SAMPLE = 8


@dataclass(frozen=True, eq=False)
class Appearance:
    """When a kind of object comes into view.

    Attributes:
        items: its objects.
        glimpsed_s: time of the first frame with any pixel of one of them.
        seen_s: time of the first frame that shows one of them well enough.
    """

    items: tuple[ScanObject, ...]
    glimpsed_s: float
    seen_s: float

    @property
    def noun(self) -> str:
        """Noun of the kind."""
        return self.items[0].phrase


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield choices of the order of four kinds."""
    if not all(np.isfinite(frame.timestamp_s) for frame in context.frames):
        yield DroppedSample(QUESTION_TYPE, NO_TIMES)
        return
    kinds = appearances(context)
    chosen: dict[frozenset[int], list[Appearance]] = {}
    for _ in range(ATTEMPTS_PER_SAMPLE * settings.samples_per_type):
        four = _draw_four(kinds, settings.margin_s, rng)
        if len(four) == KINDS:
            chosen.setdefault(frozenset(kind.items[0].instance for kind in four), four)
        else:
            yield DroppedSample(QUESTION_TYPE, NOT_CLEAR)
        if len(chosen) == settings.samples_per_type:
            break
    places = balanced_places(len(chosen), OPTIONS, rng)
    for four, place in zip(chosen.values(), places, strict=True):
        yield _sample(context, four, place, rng)


def appearances(context: ScanContext) -> list[Appearance]:
    """Return when the kinds of a scan come into view whose nouns are clear.

    A comma in a noun would be read as the end of one.
    """
    return [
        Appearance(
            items,
            min(item.first_glimpse_s for item in items),
            min(item.first_frame_s for item in items),
        )
        for items in context.clear_categories.values()
        if "," not in items[0].phrase
    ]


def is_clearly_before(one: Appearance, other: Appearance, margin_s: float) -> bool:
    """Say whether one is seen well before anything of the other is."""
    return other.glimpsed_s - one.seen_s >= margin_s


def _draw_four(
    kinds: list[Appearance], margin_s: float, rng: np.random.Generator
) -> list[Appearance]:
    """Return up to four kinds in the order in which they clearly come into view."""
    four: list[Appearance] = []
    for place in rng.permutation(len(kinds)):
        kind = kinds[place]
        if all(
            is_clearly_before(kind, other, margin_s) or is_clearly_before(other, kind, margin_s)
            for other in four
        ):
            four.append(kind)
        if len(four) == KINDS:
            break
    return sorted(four, key=lambda kind: kind.seen_s)


def _sample(
    context: ScanContext, four: list[Appearance], place: int, rng: np.random.Generator
) -> ScanSample:
    orders = list(itertools.permutations(kind.noun for kind in four))
    wrong = [orders[index] for index in 1 + rng.permutation(len(orders) - 1)[: OPTIONS - 1]]
    options = [", ".join(order) for order in place_truth(orders[0], wrong, place, rng)]
    listed = ", ".join(four[index].noun for index in rng.permutation(KINDS))
    margin = min(later.glimpsed_s - earlier.seen_s for earlier, later in itertools.pairwise(four))
    times = ", ".join(f"the {kind.noun} at {kind.seen_s:.1f} s" for kind in four)
    return choice_sample(
        context,
        question_type=QUESTION_TYPE,
        text=pick(rng, WORDINGS).format(list=listed),
        options=options,
        place=place,
        referents=[kind.items[0] for kind in four],
        margin=margin,
        margin_unit="s",
        evidence={f"first_{number}_s": kind.seen_s for number, kind in enumerate(four, 1)},
        reasoning=f"The first frames that show them: {times}.",
    )
