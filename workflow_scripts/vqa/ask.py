"""Ask about one view: what every family can ask of it, which of that is asked, and its truth."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workflow_scripts.common.marks import mark_area_px
from workflow_scripts.common.quantities import Units
from workflow_scripts.common.questions import Referent
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch, Book
from workflow_scripts.vqa.evidence import evidence_of
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.pointing import SEEN_AROUND_MARK
from workflow_scripts.vqa.reasoning import WRITERS, steps_of
from workflow_scripts.vqa.reasoning.fact import Fact
from workflow_scripts.vqa.refer import Named, mark_book, name_book, named
from workflow_scripts.vqa.sampling import Cell, Difficulty, Sampler, difficulties
from workflow_scripts.vqa.shapes.base import Asking, Family, Margins, Requirements
from workflow_scripts.vqa.sight import Sight

AnswerStyle = Literal["short", "sentence"]
NO_STEPS = "asked without steps: printed numbers do not bear out the answer"


@dataclass(frozen=True)
class Wishes:
    """What a person wants asked: families, forms, how often, in which words, with which steps."""

    families: frozenset[str] | None = None
    weights: Mapping[str, float] | None = None
    questions_per_view: int = 24
    answer_style: AnswerStyle = "short"
    units: Units = "metric"
    num_phrasings: int | None = None
    multiple_choice: bool = True
    reasoning: bool = False


@dataclass(frozen=True, eq=False)
class Asked:
    """A question and its truth; the referents are in the order of mention."""

    family: Family
    form: Form
    batch: Batch
    row: int
    question: str
    answer: str
    sentence: str
    truth: str | float
    choices: tuple[str, ...]
    difficulty: Difficulty
    evidence: dict[str, float]
    referents: tuple[Referent, ...]
    reasoning: str = ""


class Asker:
    """Asks about views, one after the other, and keeps the answers balanced over them."""

    def __init__(self, *, margins: Margins, wishes: Wishes) -> None:
        self._margins = margins
        self._wishes = wishes
        self._sampler = Sampler()
        self._families = tuple(
            family
            for family in FAMILIES
            if wishes.families is None or family.name in wishes.families
        )
        self.dropped: Counter[tuple[str, str, str]] = Counter()

    def ask(
        self,
        sight: Sight,
        marks: Mapping[Form, Mapping[str, int]],
        forms: Sequence[Form],
        *,
        split: str,
        rng: np.random.Generator,
    ) -> list[Asked]:
        """Return at most so many different questions as wished for, families in turn.

        `marks` are, for the forms that point, rows of the sight by colour or tag. Answers are
        balanced within a split. What was not asked is counted in `dropped` by (family, form,
        reason).
        """
        if not len(sight):
            return []
        books = Books(sight, marks, self._margins)
        self.dropped.update(books.dropped)
        cells = list(self._cells(sight, books, forms, rng))
        drawn = self._sampler.draw(
            cells, budget=self._wishes.questions_per_view, split=split, rng=rng
        )
        for cell in cells:
            left = cell.left()
            if left:
                self.dropped[cell.family.name, cell.form, "not drawn"] += left
        asked = [self._put(sight, books, one, rng) for one in drawn]
        unique = {(one.form, one.question): one for one in reversed(asked)}
        return [one for one in asked if unique[one.form, one.question] is one]

    def _cells(
        self, sight: Sight, books: "Books", forms: Iterable[Form], rng: np.random.Generator
    ) -> Iterable[Cell]:
        weights = self._wishes.weights or {}
        for family, form in itertools.product(self._families, forms):
            weight = weights.get(family.name, 1.0)
            if form not in family.forms or weight <= 0:
                continue
            usable = books.usable(family, form, self.dropped)
            asking = Asking(
                sight=sight,
                usable=usable,
                book=books.book(family, form),
                form=form,
                margins=self._margins,
                rng=rng,
                units=self._wishes.units,
                multiple_choice=self._wishes.multiple_choice,
            )
            batches = [batch for batch in family.batches(asking) if len(batch)]
            for reason, count in asking.dropped.items():
                if count:
                    self.dropped[family.name, form, reason] += count
            if batches:
                levels = [difficulties(one, family, self._margins, sight) for one in batches]
                yield Cell(family, form, weight, batches, levels)

    def _put(
        self,
        sight: Sight,
        books: "Books",
        drawn: tuple[Cell, Batch, int, Difficulty],
        rng: np.random.Generator,
    ) -> Asked:
        cell, batch, row, difficulty = drawn
        family, form = cell.family, cell.form
        book = books.book(family, form)
        questions, sentences = batch.write(
            np.array([row]), book, rng, limit=self._wishes.num_phrasings
        )
        truth = batch.truth_of(row, book)
        short = batch.short_answer(row, truth)
        return Asked(
            family=family,
            form=form,
            batch=batch,
            row=row,
            question=questions[0],
            answer=sentences[0] if self._wishes.answer_style == "sentence" else short,
            sentence=sentences[0],
            truth=truth,
            choices=batch.choices_of(row, book),
            difficulty=difficulty,
            evidence=evidence_of(family, batch, row, sight),
            referents=tuple(
                books.referent(place, family, form, called=batch.target(row))
                for place in batch.objects[row].tolist()
            ),
            reasoning=self._reasoning(cell, Fact(sight, batch, row, book)),
        )

    def _reasoning(self, cell: Cell, fact: Fact) -> str:
        return written_steps(cell, fact, self.dropped) if self._wishes.reasoning else ""


def written_steps(cell: Cell, fact: Fact, dropped: Counter[tuple[str, str, str]]) -> str:
    """Return the steps of a question; count it if it should have some and has none."""
    name = cell.family.name
    steps = steps_of(name, fact)
    if not steps and name in WRITERS:
        dropped[name, cell.form, NO_STEPS] += 1
    return steps


class Books:
    """How each form calls the objects of a sight, and which of them it can speak of."""

    def __init__(
        self, sight: Sight, marks: Mapping[Form, Mapping[str, int]], margins: Margins
    ) -> None:
        self._sight = sight
        self._colours = {
            form: {row: colour for colour, row in rows.items()} for form, rows in marks.items()
        }
        self._named: Named = named(sight, margin_px=margins.of("px", sight))
        self._books: dict[tuple[Form, bool], Book] = {}
        self._usable: dict[tuple[Requirements, Form], tuple[np.ndarray, Counter[str]]] = {}
        self.dropped: Counter[tuple[str, str, str]] = Counter(
            ("", "named", reason) for reason in self._named.reasons.values()
        )

    def book(self, family: Family, form: Form) -> Book:
        """Return the book of a family's form."""
        of_object = family.requires.shape
        if (form, of_object) not in self._books:
            self._books[form, of_object] = (
                name_book(self._sight, self._named)
                if form == "named"
                else mark_book(
                    len(self._sight), self._colours.get(form, {}), form, of_object=of_object
                )
            )
        return self._books[form, of_object]

    def usable(
        self, family: Family, form: Form, dropped: Counter[tuple[str, str, str]]
    ) -> np.ndarray:
        """Return the rows of the sight that a family may speak of; count the others."""
        key = (family.requires, form)
        found = self._usable.get(key)
        if found is None:
            found = self._usable[key] = self._sorted_out(*key)
        good, reasons = found
        for reason, count in reasons.items():
            dropped[family.name, form, reason] += count
        return good

    def _sorted_out(self, needs: Requirements, form: Form) -> tuple[np.ndarray, Counter[str]]:
        """Return the rows that meet the requirements, and why how many others do not."""
        if form == "named" and needs.kinds:
            rows = list(range(len(self._sight)))
        elif form == "named":
            rows = sorted(self._named.nouns)
        else:
            rows = sorted(self._colours.get(form, {}))
        reasons = {row: self._why_not(needs, form, row) for row in rows}
        good = [row for row, reason in reasons.items() if not reason]
        return np.array(good, dtype=int), Counter(filter(None, reasons.values()))

    def _why_not(self, needs: Requirements, form: Form, row: int) -> str:
        sight, measured = self._sight, self._sight.measured
        if needs.level and not sight.is_level:
            return "camera looks steeply up or down" if sight.has_gravity else "up is not known"
        if needs.gravity and not sight.has_gravity:
            return "up is not known"
        if needs.whole and measured.truncated[row]:
            return "object cut off by the picture's border"
        if needs.whole and measured.occluded[row] and not sight.from_truth:
            return "object partly hidden"
        if needs.front and not measured.has_front[row]:
            return "object whose front is not known"
        if needs.unordered and form == "named" and row in self._named.by_place:
            return "object named by its place"
        if needs.shape and form == "marked":
            disc = mark_area_px(sight.shorter_side_px)
            if measured.pixels[row] < SEEN_AROUND_MARK * disc:
                return "object hidden under its mark"
        return ""

    def referent(
        self, row: int, family: Family, form: Form, *, called: str | None = None
    ) -> Referent:
        """Return the record of an object as a question calls it, which `called` overrides."""
        measured = self._sight.measured
        colour = self._colours.get(form, {}).get(row, "") if form != "named" else ""
        u, v = self._sight.mark_px[row].tolist()
        phrase = called or ""
        if called is None and not family.requires.kinds:
            phrase = self.book(family, form).phrases[row]
        return Referent(
            instance=int(measured.instance[row]),
            object_id=measured.object_id[row],
            category=measured.label[row],
            phrase=phrase,
            mark=colour,
            pixel=(u, v) if colour or family.frame == "picture" else None,
            box=tuple(measured.box_px[row].tolist()),
        )
