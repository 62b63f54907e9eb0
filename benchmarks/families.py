"""Write docs/questions.md: every family of questions with an example and its picture.

Run `python -m benchmarks.families` after a change of families; a test compares the page with what
this writes. The examples are about the room of boxes of `tests/vqa/scenes.py`.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.vqa.scenes import furnished_shard, sights
from workflow_scripts.common.cli import run
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.batch import Batch, Book
from workflow_scripts.vqa.drawing import drawn_on
from workflow_scripts.vqa.every import every_batch
from workflow_scripts.vqa.families import FAMILIES, NAMES
from workflow_scripts.vqa.families.two_views import TWO_VIEW_FAMILIES
from workflow_scripts.vqa.pair import Pair, paired, side_by_side
from workflow_scripts.vqa.pointing import pointed_at
from workflow_scripts.vqa.reasoning import WITHOUT, steps_of
from workflow_scripts.vqa.reasoning.fact import Fact
from workflow_scripts.vqa.shapes.base import Margins
from workflow_scripts.vqa.sight import Sight

DOCS = Path(__file__).parents[1] / "docs"
SIZE_PX = 240
QUESTION_KINDS = ("yes_no", "which", "open", "multiple_choice")
COLOURS = ((255, 230, 0), (0, 230, 255), (255, 90, 200), (140, 255, 90))
DRAWS = 12
HEAD = """# The families of questions

Written by `python -m benchmarks.families`; do not edit. {number} families. `vqa.families` and
`vqa.weights` in `config.yaml` take the names of the first column. Forms: *named* ("the sofa"),
*marked* ("the red mark"), *boxed*, *region* (a tag that stands for a mask). Frame: where left,
far or high is measured: in the picture, from the camera, in the room laid level (gravity), or
along the object's own axes. The numbers are those of phrasings of questions and of answers, the
fewest of any kind of answer. Yellow, cyan, pink and green frames: what the example mentions, in
this order. Under the example stand the steps to its answer, which `vqa.reasoning` turns on: every
number is measured or follows from those before it. These families have none: {without}.

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


def framed(rgb: np.ndarray, boxes: list[tuple[float, ...]]) -> np.ndarray:
    """Return a picture with frames around what an example mentions."""
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    for colour, box in zip(COLOURS, boxes, strict=False):
        pen.rectangle(box, outline=colour, width=2)
    return np.asarray(picture)


def written(batch: Batch, book: Book, name: str) -> tuple[str, str]:
    """Put the first row of a batch into words."""
    questions, answers = batch.write(np.array([0]), book, rng(7, "docs", name), limit=None)
    return questions[0], answers[0]


def examples(shard: ViewShard, seen: list[Sight]) -> Iterator[tuple[str, Example]]:
    """Yield an example of each family about one view, in the named form where there is one."""
    for form in ("named", "marked"):
        wanted = {one.name: one for one in FAMILIES if one.forms[0] == form}
        for draw in range(DRAWS):
            for view, sight in enumerate(seen):
                for name, example in _of_view(shard, sight, view, form, draw, set(wanted)):
                    del wanted[name]
                    yield name, example


def _of_view(
    shard: ViewShard, sight: Sight, view: int, form: Form, draw: int, names: set[str]
) -> Iterator[tuple[str, Example]]:
    if not names:
        return
    marks = pointed_at(sight, [form], rng(draw, "docs", str(view)))
    found = set()
    families = [one for one in FAMILIES if one.name in names]
    for one in every_batch(sight, Margins(), seed=draw, form=form, marks=marks, families=families):
        name = one.family.name
        if name in found:
            continue
        found.add(name)
        plain = drawn_on(shard.rgb(view), sight, form, marks.get(form, {}))
        boxes = [tuple(sight.measured.box_px[row]) for row in one.batch.objects[0].tolist()]
        picture = plain if form == "marked" else framed(plain, boxes)
        steps = steps_of(name, Fact(sight, one.batch, 0, one.book))
        yield name, Example(*written(one.batch, one.book, name), picture, steps)


def pair_examples(shard: ViewShard, seen: list[Sight]) -> Iterator[tuple[str, Example]]:
    """Yield an example of each family about two views."""
    done: set[str] = set()
    for draw in range(DRAWS):
        if len(done) == len(TWO_VIEW_FAMILIES):
            return
        for one, other in ((1, 2), (0, 1)):
            pair = paired(seen[one], seen[other], Margins(), rng(draw, "docs", "pair"))
            for family in TWO_VIEW_FAMILIES:
                batches = list(family.ask(family, pair, rng(draw, "docs", family.name)))
                if batches and family.name not in done:
                    done.add(family.name)
                    marked = family.form == "marked"
                    book = pair.mark_book if marked else pair.name_book
                    picture = side_by_side(*_pictures(shard, pair, marked=marked))
                    steps = steps_of(family.name, Fact(pair.first, batches[0], 0, book, pair))
                    text = written(batches[0], book, family.name)
                    yield family.name, Example(*text, picture, steps)


def _pictures(shard: ViewShard, pair: Pair, *, marked: bool) -> list[np.ndarray]:
    drawn = []
    for sight in (pair.first, pair.second):
        shown = {
            colour: pair.sight_of(place)[1]
            for colour, place in pair.marks.items()
            if marked and pair.sight_of(place)[0] is sight
        }
        rgb = shard.rgb(sight.measured.view)
        drawn.append(drawn_on(rgb, sight, "marked" if marked else "named", shown))
    return drawn


def page(found: dict[str, Example]) -> str:
    """Return the page from an example of every family."""
    reasons = dict.fromkeys(WITHOUT.values())
    without = "; ".join(
        f"{', '.join(f'`{name}`' for name, why in WITHOUT.items() if why == reason)} ({reason})"
        for reason in reasons
    )
    lines = [HEAD.format(number=len(NAMES), without=without)]
    for name in NAMES:
        entries = [one for one in (*FAMILIES, *TWO_VIEW_FAMILIES) if one.name == name]
        forms = ", ".join(dict.fromkeys(form for one in entries for form in one.forms))
        counts = [
            (kind in QUESTION_KINDS, len(templates))
            for one in entries
            for kind, templates in one.templates.items()
        ]
        asked, answered = (
            min(count for is_question, count in counts if is_question == wanted)
            for wanted in (True, False)
        )
        example = found[name]
        text = f"{example.question} *{example.answer}*".replace("|", "\\|").replace("<", "&lt;")
        text += f"<br><sub>{example.steps}</sub>" if example.steps else ""
        cells = (
            f"`{name}`", forms, entries[0].frame, entries[0].unit or "-",
            f"{asked} / {answered}", text, f'<img src="questions/{name}.jpg" width="160">',
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def found_examples() -> dict[str, Example]:
    """Return an example of every family."""
    with tempfile.TemporaryDirectory() as folder:
        path = furnished_shard(Path(folder), size_px=SIZE_PX)
        shard, seen = ViewShard.open(path), sights(path)
        return dict([*examples(shard, seen), *pair_examples(shard, seen)])


def main(*, out: Path = DOCS) -> None:
    """Write the page and its pictures.

    Args:
        out: the folder for questions.md.
    """
    found = found_examples()
    (out / "questions").mkdir(parents=True, exist_ok=True)
    for old in (out / "questions").glob("*.jpg"):
        old.unlink()
    for name, example in found.items():
        Image.fromarray(example.picture).save(out / "questions" / f"{name}.jpg", quality=85)
    (out / "questions.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    run(main)
