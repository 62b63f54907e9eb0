"""How many objects of a kind a scan has: each counts once, in however many frames it is."""

from collections.abc import Iterator

import numpy as np

from workflow_scripts.common.label_text import counted
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.answer_balance import is_count_asked
from workflow_scripts.vqa.scans.question_types.vsi_samples import number_sample
from workflow_scripts.vqa.scans.question_types.wording import pick
from workflow_scripts.vqa.scans.samples import DroppedSample
from workflow_scripts.vqa.scans.scan_context import ScanContext

QUESTION_TYPE = "object_counting"
NOT_CLEAR = "some of the kind are hardly seen, or the noun may mean another kind, too"
USUAL_COUNT = "two of the kind, as of most kinds: not all of them are asked about"
WORDINGS = (
    "How many {nouns} are there in the video?",
    "How many different {nouns} does the video show?",
    "Count each one only once: how many {nouns} appear in the video?",
    "What is the total number of {nouns} in this scan?",
    "How many {nouns} are in this place?",
)


def generate(
    context: ScanContext, rng: np.random.Generator, settings: ScanQuestionSettings
) -> Iterator[ScanSample | DroppedSample]:
    """Yield questions for kinds of which there are two or more, as in the benchmark.

    Of kinds that are there twice only some are asked about.
    """
    kinds = [(kind, items) for kind, items in context.by_category.items() if len(items) > 1]
    kinds = [kinds[place] for place in rng.permutation(len(kinds))]
    number = 0
    for category, items in kinds:
        if category not in context.clear_categories:
            yield DroppedSample(QUESTION_TYPE, NOT_CLEAR)
            continue
        if number == settings.samples_per_type:
            return
        total = len(items)
        if not is_count_asked(total, rng):
            yield DroppedSample(QUESTION_TYPE, USUAL_COUNT)
            continue
        number += 1
        frames = sum(item.num_frames for item in items)
        noun = items[0].phrase
        yield number_sample(
            context,
            question_type=QUESTION_TYPE,
            text=pick(rng, WORDINGS).format(nouns=counted(2, noun).removeprefix("2 ")),
            value=total,
            digits=0,
            answer_type="count",
            referents=items,
            margin=1.0,
            margin_unit="count",
            evidence={"count": total, "times_seen": frames},
            reasoning=_reasoning(total, frames, noun),
        )


def _reasoning(total: int, frames: int, noun: str) -> str:
    if frames == total:
        return f"The frames show {counted(total, noun)}, each of them in one frame."
    return (
        f"The frames show {counted(frames, noun)} if each frame is counted on its own. "
        f"Several frames show the same ones, and by place there are {total} different ones."
    )
