"""Write section "Video families" of docs/video.md: every type of question with an example.

Run `python -m benchmarks.video_families` after a change of these types; a test compares the section
with what this writes. The examples are about a room of boxes of `testing/vqa/scan_contexts.py`.
"""

import re
from pathlib import Path

from testing.vqa.scan_contexts import random_context
from workflow_scripts.common.cli import run
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.vsi_bench import VSI_TASK_OF, VSI_TASKS
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.vqa.scans.question_types import SCAN_QUESTION_TYPES

PAGE = Path(__file__).parents[1] / "docs" / "video.md"
HEADING = "## Video families"
ROOM = 6
ABOUT = {
    "object_counting": "two or more of a kind, each once, all of them well seen; of kinds that are "
    "there twice about a quarter, so that two is not the usual answer",
    "object_abs_distance": "closest points of the boxes, 0.3 m or more",
    "object_rel_distance": "ahead by `margin_m` and `margin_ratio`; not what rests on the other",
    "object_rel_direction_easy": "`margin_deg` from the boundary, and the same answer from every "
    "corner of what one stands by",
    "object_rel_direction_medium": "the same",
    "object_rel_direction_hard": "the same",
    "object_size_estimation": "longest side of the box; a frame shows all of the object",
    "room_size_estimation": "floor of the rooms that the camera was in, where walls close them; "
    "the frames show `min_surface_coverage` of the scan's surface",
    "obj_appearance_order": "`margin_s` from where a kind is well seen to where any pixel of the "
    "next one is",
    "route_planning": "straight legs that keep 0.22 m from everything in the room, seen or not; "
    "turns with `margin_deg`, between legs and between centers alike",
}
INTRODUCTION = f"""{HEADING}

Written by `python -m benchmarks.video_families`; do not edit this section. The types, their names
and the form of answers are those of VSI-Bench, the wording is not. Answers are a letter, or a
number without a unit; `options` are the texts of the letters. "The sofa" is always the only one in
the scan, and no other object that might be called a sofa is barely visible. Every letter is right
equally often, and so are directions and turns; wrong orders and turns are drawn at random, so that
options alone say nothing. What is not clear is counted with its reason.
`vqa.scans.question_types` takes the names of the tasks: `object_rel_direction` is all three.

| type | asked where | example | answer |
|---|---|---|---|
"""
CLOSING = """
`tests/vqa/scans/vsi_answers.py` computes every answer again from the boxes and the floor, by other
code. Scores are those of [Letters and numbers](#letters-and-numbers).
"""


def find_examples() -> dict[str, ScanSample]:
    """Return a question of every type about one room."""
    context, found = random_context(ROOM), {}
    for task in VSI_TASKS:
        generator = rng(7, "docs", task)
        for sample in SCAN_QUESTION_TYPES[task](context, generator, ScanQuestionSettings()):
            if isinstance(sample, ScanSample):
                found[sample.question_type] = sample
    return found


def section(examples: dict[str, ScanSample]) -> str:
    """Return the section from an example of every type."""
    rows = []
    for question_type in VSI_TASK_OF:
        sample = examples[question_type]
        options = [
            f"{letter}. {text}" for letter, text in zip("ABCD", sample.options, strict=False)
        ]
        question = " ".join([sample.text, *options])
        rows.append(
            f"| `{question_type}` | {ABOUT[question_type]} | {question} | {sample.answer} |"
        )
    return INTRODUCTION + "\n".join(rows) + "\n" + CLOSING


def with_section(page: str, text: str) -> str:
    """Return a page with the section replaced, or added at its end where it has none."""
    pattern = re.compile(rf"^{re.escape(HEADING)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if not pattern.search(page):
        return f"{page.rstrip()}\n\n{text}"
    after = pattern.search(page).end() < len(page)  # type: ignore[union-attr]
    return pattern.sub(lambda _: text + ("\n" if after else ""), page)


def main(*, out: Path = PAGE) -> None:
    """Write the section.

    Args:
        out: The page that has it.
    """
    page = with_section(out.read_text(encoding="utf-8"), section(find_examples()))
    with atomic_write(out) as partial:
        partial.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run(main)
