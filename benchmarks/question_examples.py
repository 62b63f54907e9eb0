"""Write docs/questions.md: every family of questions with an example and its picture.

Run `python -m benchmarks.question_examples` after a change of families; a test compares the page
with what this writes. The examples are about the room of boxes of `testing/vqa/scenes.py`.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from testing.vqa.scenes import DEFAULT_MARGINS, furnished_shard, view_contexts
from workflow_scripts.common.cli import run
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.category_options import (
    FAMILY_NAMES,
    draw_categories,
    write_options,
)
from workflow_scripts.vqa.drawing import draw_annotations
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import ALL_FAMILIES, FAMILIES, NAMES, TWO_VIEW_FAMILIES
from workflow_scripts.vqa.pointing import choose_marks
from workflow_scripts.vqa.reasoning import reasoning_steps
from workflow_scripts.vqa.reasoning.question_instance import NoReasoning, QuestionInstance
from workflow_scripts.vqa.view_context import ViewContext
from workflow_scripts.vqa.view_pair import ViewPair, make_view_pair, side_by_side

DOCS = Path(__file__).parents[1] / "docs"
SIZE_PX = 240
QUESTION_KINDS = ("yes_no", "which", "open", "multiple_choice")
COLOURS = ((255, 230, 0), (0, 230, 255), (255, 90, 200), (140, 255, 90))
NUM_DRAWS = 12
PAGE_HEADER = """# The families of questions

Written by `python -m benchmarks.question_examples`; do not edit. {number} families. `vqa.families`
and `vqa.weights` in `config.yaml` take the names of the first column. Forms: *named* ("the sofa"),
*marked* ("the red mark"), *boxed*, *region* (a tag that stands for a mask). Frame: where left,
far or high is measured: in the picture, from the camera, in the room laid level (gravity), or
along the object's own axes. The numbers are those of phrasings of questions and of answers, the
fewest of any kind of answer. Yellow, cyan, pink and green frames: what the example mentions, in
this order. Under the example stand the steps to its answer, which `vqa.reasoning` turns on: every
number is measured or follows from those before it. These families have none: {without}.
Footprints, gaps, nearest points and volumes are those of what is drawn; where only boxes are known,
the question is about the bounding boxes and says so.

| family | forms | frame | unit | phrasings | example | picture |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, eq=False)
class Example:
    """A question, its answer, the picture they are about, and the steps to the answer."""

    question: str
    answer: str
    picture: np.ndarray
    steps: str


def draw_frames(rgb: np.ndarray, boxes: list[tuple[float, ...]]) -> np.ndarray:
    """Return a picture with frames around what an example mentions."""
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    for colour, box in zip(COLOURS, boxes, strict=False):
        pen.rectangle(box, outline=colour, width=2)
    return np.asarray(picture)


def written(batch: Batch, expressions: ReferringExpressions, name: str) -> tuple[str, str]:
    """Return the first row of a batch as a question and its answer."""
    questions, answers = batch.write(np.array([0]), expressions, rng(7, "docs", name), limit=None)
    return questions[0], answers[0]


def examples(shard: ViewShard, seen: list[ViewContext]) -> Iterator[tuple[str, Example]]:
    """Yield an example of each family about one view, in the named form where there is one."""
    for form in ("named", "marked"):
        wanted = {family.name for family in FAMILIES if family.forms[0] == form}
        for draw in range(NUM_DRAWS):
            for view, view_context in enumerate(seen):
                for name, example in _examples_of_view(
                    shard, view_context, view, form, draw, frozenset(wanted)
                ):
                    wanted.remove(name)
                    yield name, example


def _examples_of_view(
    shard: ViewShard,
    view_context: ViewContext,
    view: int,
    form: Form,
    draw: int,
    names: frozenset[str],
) -> Iterator[tuple[str, Example]]:
    if not names:
        return
    marks = choose_marks(view_context, [form], rng(draw, "docs", str(view)))
    shown = set()
    families = [family for family in FAMILIES if family.name in names]
    for one in enumerate_batches(
        view_context,
        DEFAULT_MARGINS,
        seed=draw,
        form=form,
        marks=marks,
        families=families,
    ):
        name = one.family.name
        if name in shown:
            continue
        shown.add(name)
        plain = draw_annotations(shard.rgb(view), view_context, form, marks.get(form, {}))
        boxes = [tuple(view_context.measured.box_px[row]) for row in one.batch.objects[0].tolist()]
        picture = plain if form == "marked" else draw_frames(plain, boxes)
        instance = QuestionInstance(view_context, one.batch, 0, one.expressions)
        steps = reasoning_steps(one.family.reasoning, instance)
        question, answer = written(one.batch, one.expressions, name)
        if name in FAMILY_NAMES:
            question += _options(one.batch, view_context)
        yield name, Example(question, answer, picture, steps)


def _options(batch: Batch, view_context: ViewContext) -> str:
    """Return options of the first question of what a thing is: kinds of the same picture."""
    truth = view_context.categories[batch.objects[0, 0]]
    others = sorted(set(view_context.in_view) - {truth})
    found, _ = draw_categories({truth: truth}, others, rng(7, "docs", "options"))
    return write_options(batch.answer, truth, found[truth])[1] if found else ""


def pair_examples(shard: ViewShard, seen: list[ViewContext]) -> Iterator[tuple[str, Example]]:
    """Yield an example of each family about two views."""
    done: set[str] = set()
    for draw in range(NUM_DRAWS):
        if len(done) == len(TWO_VIEW_FAMILIES):
            return
        for one, other in ((1, 2), (0, 1)):
            pair = make_view_pair(
                seen[one],
                seen[other],
                DEFAULT_MARGINS,
                rng(draw, "docs", "pair"),
            )
            for family in TWO_VIEW_FAMILIES:
                batches = list(
                    family.generate_batches(family, pair, rng(draw, "docs", family.name))
                )
                if batches and family.name not in done:
                    done.add(family.name)
                    marked = family.form == "marked"
                    expressions = pair.mark_expressions if marked else pair.name_expressions
                    picture = side_by_side(*_pictures(shard, pair, marked=marked))
                    steps = reasoning_steps(
                        family.reasoning,
                        QuestionInstance(pair.first, batches[0], 0, expressions, pair),
                    )
                    text = written(batches[0], expressions, family.name)
                    yield family.name, Example(*text, picture, steps)


def _pictures(shard: ViewShard, pair: ViewPair, *, marked: bool) -> list[np.ndarray]:
    drawn = []
    for view_context in (pair.first, pair.second):
        shown = {
            colour: pair.context_of(place)[1]
            for colour, place in pair.marks.items()
            if marked and pair.context_of(place)[0] is view_context
        }
        rgb = shard.rgb(view_context.measured.view)
        drawn.append(draw_annotations(rgb, view_context, "marked" if marked else "named", shown))
    return drawn


def page(examples: dict[str, Example]) -> str:
    """Return the page from an example of every family."""
    names_by_reason: dict[str, list[str]] = {}
    for family in ALL_FAMILIES:
        if isinstance(family.reasoning, NoReasoning):
            names_by_reason.setdefault(family.reasoning.reason, []).append(f"`{family.name}`")
    without = "; ".join(
        f"{', '.join(names)} ({reason})" for reason, names in names_by_reason.items()
    )
    lines = [PAGE_HEADER.format(number=len(NAMES), without=without)]
    for name in NAMES:
        entries = [family for family in ALL_FAMILIES if family.name == name]
        forms = ", ".join(dict.fromkeys(form for one in entries for form in one.forms))
        counts = [
            (kind in QUESTION_KINDS, len(templates))
            for one in entries
            for kind, templates in one.templates.items()
        ]
        question_text, answered = (
            min(count for is_question, count in counts if is_question == wanted)
            for wanted in (True, False)
        )
        example = examples[name]
        text = f"{example.question} *{example.answer}*".replace("|", "\\|").replace("<", "&lt;")
        text += f"<br><sub>{example.steps}</sub>" if example.steps else ""
        cells = (
            f"`{name}`", forms, entries[0].frame, entries[0].unit or "-",
            f"{question_text} / {answered}", text, f'<img src="questions/{name}.jpg" width="160">',
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def collect_examples() -> dict[str, Example]:
    """Return an example of every family."""
    with tempfile.TemporaryDirectory() as folder:
        path = furnished_shard(Path(folder), size_px=SIZE_PX)
        shard, seen = ViewShard.open(path), view_contexts(path)
        return dict([*examples(shard, seen), *pair_examples(shard, seen)])


def main(*, out: Path = DOCS) -> None:
    """Write the page and its pictures.

    Args:
        out: the folder for questions.md.
    """
    examples = collect_examples()
    (out / "questions").mkdir(parents=True, exist_ok=True)
    for old in (out / "questions").glob("*.jpg"):
        old.unlink()
    for name, example in examples.items():
        Image.fromarray(example.picture).save(out / "questions" / f"{name}.jpg", quality=85)
    (out / "questions.md").write_text(page(examples), encoding="utf-8")


if __name__ == "__main__":
    run(main)
