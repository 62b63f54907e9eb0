"""The text that a video model is asked about a scan, the same in training and in evaluation.

`prompt_of` is the one function that writes a prompt. What a task asks for is said by its
instruction; `<ground>` (its hidden state chooses among the proposals) is the answer of grounding,
and `<coord>` stands for the point of a caption.
"""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.models.video.scan_rows import ScanQuestion
from workflow_scripts.models.video.special_tokens import COORD, GROUND, OBJECT

# First letters of the question types of Multi3DRefer: zero, single and multiple targets.
_ANY_NUMBER = ("zt", "st", "mt")
_ONE_OBJECT = "Find the object:"
_ANY_OBJECTS = "Find the objects, maybe none, one or more:"
_DESCRIBE = f"What is the object at {COORD}?"


def prompt_of(sample: ScanSample, *, is_grounded: bool = False) -> str:
    """Return the text of a sample behind its frames, before the answer.

    A question that is answered in two steps (`is_grounded`) ends in `<ground>`.
    """
    if sample.task == "captioning":
        return " ".join(filter(None, [_DESCRIBE, plain_text(sample.text)]))
    if sample.task == "grounding":
        instruction = _ANY_OBJECTS if _any_number(sample) else _ONE_OBJECT
        return f"{instruction} {plain_text(sample.text)}"
    options = [f"{chr(ord('A') + number)}. {text}" for number, text in enumerate(sample.options)]
    parts = [sample.situation, sample.text, *options]
    text = " ".join(plain_text(part) for part in parts if part.strip())
    return text + GROUND if is_grounded else text


def answer_of(sample: ScanSample) -> str:
    """Return the text that is learned behind the prompt; of grounding its token alone."""
    return GROUND if sample.task == "grounding" else plain_text(sample.answer)


def question_of(
    sample: ScanSample,
    *,
    targets: Sequence[int] | None = (),
    anchors: Sequence[int] = (),
    point: np.ndarray | None = None,
    is_grounded: bool = False,
    ask: bool,
) -> ScanQuestion:
    """Return a sample as it is put to a model.

    Args:
        sample: What is asked.
        targets: Proposals that are meant, of grounding; those that a question is about.
        anchors: Other proposals that it speaks of.
        point: Where the model sees the point of a caption, f32 [3].
        is_grounded: Questions are answered in two steps.
        ask: Let the model answer in its own words instead of teaching it the answer; grounding is
            answered at its token, which is always there.
    """
    words_of_its_own = ask and sample.task != "grounding"
    return ScanQuestion(
        prompt=prompt_of(sample, is_grounded=is_grounded),
        answer=None if words_of_its_own else answer_of(sample),
        points_m=() if point is None else (tuple(map(float, point)),),
        targets=targets,
        anchors=anchors,
    )


def plain_text(text: str) -> str:
    """Return a text without the tokens of video models, which would be counted as such."""
    for token in (GROUND, COORD, OBJECT):
        text = text.replace(token, token.strip("<>"))
    return " ".join(text.split())


def _any_number(sample: ScanSample) -> bool:
    return sample.question_type.split("_")[0] in _ANY_NUMBER
