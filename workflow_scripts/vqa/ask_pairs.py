"""Ask about two views of one room; what is asked is drawn as for single views."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.common.records import Form
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.common.views import ViewShard
from workflow_scripts.vqa.ask import Asked, Wishes, written_steps
from workflow_scripts.vqa.batch import Batch, Book
from workflow_scripts.vqa.drawing import PICTURES, drawn_on, save_jpeg
from workflow_scripts.vqa.families.two_views import TWO_VIEW_FAMILIES
from workflow_scripts.vqa.pair import Pair, can_pair, paired, side_by_side
from workflow_scripts.vqa.reasoning.fact import Fact
from workflow_scripts.vqa.record import record
from workflow_scripts.vqa.sampling import Cell, Difficulty, Sampler, difficulties
from workflow_scripts.vqa.shapes.base import Margins
from workflow_scripts.vqa.shapes.two_views import TwoViews
from workflow_scripts.vqa.sight import Sight

# A row of the shard's views, and what it shows.
Seen = tuple[Any, Sight]


class PairAsker:
    """Asks about pairs of views, one after the other, and keeps the answers balanced."""

    def __init__(self, *, margins: Margins, wishes: Wishes, questions_per_pair: int) -> None:
        self.margins = margins
        self._wishes = wishes
        self._budget = questions_per_pair
        self._sampler = Sampler()
        self.dropped: Counter[tuple[str, str, str]] = Counter()
        weights = wishes.weights or {}
        self._weight = {
            family.name: weights.get(family.name, 1.0)
            for family in TWO_VIEW_FAMILIES
            if wishes.families is None or family.name in wishes.families
        }

    @property
    def asks(self) -> bool:
        """Say whether any question about two views is wished for."""
        return self._budget > 0 and any(weight > 0 for weight in self._weight.values())

    def ask(
        self, pair: Pair, forms: Sequence[Form], *, split: str, rng: np.random.Generator
    ) -> list[Asked]:
        """Return at most so many questions about a pair as wished for, families in turn."""
        cells = [
            Cell(
                family,
                family.form,
                self._weight[family.name],
                batches,
                [difficulties(one, family, pair.margins, pair.first) for one in batches],
            )
            for family in TWO_VIEW_FAMILIES
            if self._weight.get(family.name, 0.0) > 0 and family.form in forms
            if (batches := [one for one in family.ask(family, pair, rng) if len(one)])
        ]
        drawn = self._sampler.draw(cells, budget=self._budget, split=split, rng=rng)
        return [self._put(pair, one, rng) for one in drawn]

    def _put(
        self, pair: Pair, drawn: tuple[Cell, Batch, int, Difficulty], rng: np.random.Generator
    ) -> Asked:
        cell, batch, row, difficulty = drawn
        family = cell.family
        assert isinstance(family, TwoViews)
        book = pair.mark_book if family.form == "marked" else pair.name_book
        questions, sentences = batch.write(
            np.array([row]), book, rng, limit=self._wishes.num_phrasings
        )
        truth = batch.truth_of(row, book)
        sentence = sentences[0]
        short = batch.short_answer(row, truth)
        return Asked(
            family=family,
            form=family.form,
            batch=batch,
            row=row,
            question=questions[0],
            answer=sentence if self._wishes.answer_style == "sentence" else short,
            sentence=sentence,
            truth=truth,
            choices=batch.choices_of(row, book),
            difficulty=difficulty,
            evidence=evidence_of(pair, family, batch, row),
            referents=tuple(
                _referent(pair, place, book, family) for place in batch.objects[row].tolist()
            ),
            reasoning=(
                written_steps(cell, Fact(pair.first, batch, row, book, pair), self.dropped)
                if self._wishes.reasoning
                else ""
            ),
        )


def evidence_of(pair: Pair, family: TwoViews, batch: Batch, row: int) -> dict[str, float]:
    """Return the measured quantities behind an answer."""
    if family.frame == "gravity":
        names = ("right_m", "forward_m", "up_m")
        moved = dict(zip(names, pair.moved_m, strict=True))
        values = {"turn_deg": pair.turn_deg, **moved}
        return {f"camera.{name}": round(value, 4) for name, value in values.items()}
    if family.frame == "camera":
        (place,) = batch.objects[row].tolist()
        rows = next((a, b) for a, b in pair.shared if a == place)
        return {
            f"{name}.{key}": round(float(value), 4)
            for name, sight, at in zip(
                ("first", "second"), (pair.first, pair.second), rows, strict=True
            )
            for key, value in (
                ("distance_m", sight.measured.distance_m[at]),
                ("nearest_m", sight.measured.nearest_m[at]),
            )
        }
    return {}


def _referent(pair: Pair, place: int, book: Book, family: TwoViews) -> Referent:
    sight, row = pair.sight_of(place)
    shift = pair.offset_px(place)
    u, v = sight.mark_px[row].tolist()
    x0, y0, x1, y1 = sight.measured.box_px[row].tolist()
    marked = family.form == "marked"
    return Referent(
        instance=pair.instance(place),
        object_id=sight.measured.object_id[row],
        category=sight.categories[row],
        phrase=book.phrases[place],
        mark=book.bare[place] if marked else "",
        pixel=(u + shift, v) if marked else None,
        box=(x0 + shift, y0, x1 + shift, y1),
    )


def one_room(one: Seen, other: Seen) -> bool:
    """Say whether two views show one room from known places, looking about level."""
    (row, sight), (next_row, next_sight) = one, other
    place, next_place = ((r.scene_id, r.room_id, r.split) for r in (row, next_row))
    known = "none" not in (row.pose_source, next_row.pose_source)
    return known and place == next_place and can_pair(sight, next_sight)


def ask_pair(
    shard: ViewShard,
    asker: PairAsker,
    one: Seen,
    other: Seen,
    *,
    images: Path,
    prefix: str,
    forms: Sequence[Form],
    seed: int,
) -> Iterator[Question]:
    """Yield the questions about two views, and save the pictures they are about.

    Each picture is saved by itself too; `images` of the records names those.
    """
    (row, first), (next_row, second) = one, other
    both = f"{row.view_id}+{next_row.view_id}"
    rng = seeded(seed, "vqa pairs", row.source, both)
    pair = paired(first, second, asker.margins, rng)
    asked = asker.ask(pair, forms, split=row.split, rng=rng)
    for form in dict.fromkeys(one.form for one in asked):
        drawn = drawn_pair(shard, pair, form)
        name = f"{both}{PICTURES[form]}"
        save_jpeg(images / f"{name}.jpg", side_by_side(*drawn))
        for number, picture in enumerate(drawn, 1):
            save_jpeg(images / f"{name}-{number}.jpg", picture)
    for number, one_asked in enumerate(asked):
        name = f"{prefix}/{both}{PICTURES[one_asked.form]}"
        plain = record(one_asked, first, row, number, image=f"{name}.jpg", seed=seed)
        yield plain.model_copy(
            update={
                "question_id": f"{row.source}-{both}-{number:03d}",
                "view_id": both,
                "width_px": pair.width_px,
                "height_px": max(first.size_px[1], second.size_px[1]),
                "images": [f"{name}-{place}.jpg" for place in (1, 2)],
            }
        )


def drawn_pair(shard: ViewShard, pair: Pair, form: Form) -> tuple[np.ndarray, np.ndarray]:
    """Return the two pictures with their marks, if the form has any."""
    drawn = []
    for sight in (pair.first, pair.second):
        placed = {}
        for colour, place in pair.marks.items():
            shown, row = pair.sight_of(place)
            if shown is sight:
                placed[colour] = row
        drawn.append(drawn_on(shard.rgb(sight.measured.view), sight, form, placed))
    return drawn[0], drawn[1]
