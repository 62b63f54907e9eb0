"""Ask about one view: choose what to ask, balance the answers, and put both into words."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from workflow_scripts.common.answers import format_metres
from workflow_scripts.common.names import phrase
from workflow_scripts.common.questions import Referent
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.families.family import Comparison, Family, Form, Length
from workflow_scripts.vqa.sight import Seen, Sight, seen_around_mark

AnswerStyle = Literal["short", "sentence"]
YES_NO = ("yes", "no")
KINDS = ("yes_no", "which")


@dataclass(frozen=True)
class Margins:
    """How large a difference must be to have a clear answer.

    `metres` for positions, `ratio` by which the larger size exceeds the smaller, `picture` as a
    share of the picture's shorter side.
    """

    metres: float
    ratio: float
    picture: float

    def of(self, family: Comparison, sight: Sight) -> float:
        """Return the margin in the family's unit."""
        return {
            "m": self.metres,
            "ratio": self.ratio,
            "px": self.picture * sight.shorter_side_px,
        }[family.unit]


@dataclass(frozen=True)
class Asked:
    """A question and its truth; the referents are in the order of mention."""

    family: Family
    form: Form
    question: str
    answer: str
    choices: tuple[str, ...]
    truth: str | float
    margin: float
    referents: tuple[Referent, ...]


@dataclass(frozen=True)
class _Candidate:
    """One thing to ask: for a comparison `objects` starts with the winner of the first pole."""

    objects: tuple[Seen, ...]
    kind: str
    measure: float


class Tally:
    """Counts how often each answer was the truth, to ask next for the rarer one."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, ...]] = Counter()

    def rarer(self, options: tuple[str, str], rng: np.random.Generator, *cell: str) -> str:
        """Return and count the option that was the truth less often in a cell; ties by lot."""
        first, second = (self._counts[*cell, option] for option in options)
        lot = int(rng.integers(2))
        chosen = options[lot if first == second else int(first > second)]
        self._counts[*cell, chosen] += 1
        return chosen


class Asker:
    """Asks about views, one after the other, and keeps the answers balanced over them."""

    def __init__(
        self, *, margins: Margins, questions_per_view: int, answer_style: AnswerStyle = "short"
    ) -> None:
        self._margins = margins
        self._questions_per_view = questions_per_view
        self._answer_style = answer_style
        self._tally = Tally()
        self.dropped: Counter[tuple[str, str, str]] = Counter()

    def ask(
        self,
        sight: Sight,
        marks: dict[str, Seen],
        forms: Sequence[Form],
        *,
        split: str,
        rng: np.random.Generator,
    ) -> list[Asked]:
        """Return at most `questions_per_view` different questions, families in turn.

        Answers are balanced within a split. What was not asked is counted in `dropped` by
        (family, form, reason).
        """
        objects = {"named": sight.nameable, "marked": tuple(marks.values())}
        cells = []
        for family in FAMILIES:
            for form in (form for form in family.forms if form in forms):
                wanted = list(self._candidates(family, form, sight, objects[form], rng))
                cells.append((family, form, wanted))
        order = rng.permutation(len(cells))
        colours = {seen.instance: colour for colour, seen in marks.items()}
        asked: list[Asked] = []
        for turn in range(max((len(wanted) for _, _, wanted in cells), default=0)):
            for family, form, wanted in (cells[index] for index in order):
                if turn < len(wanted):
                    if len(asked) < self._questions_per_view:
                        named = _phrasebook(family, form, wanted[turn].objects, colours)
                        asked.append(self._put(family, form, wanted[turn], named, split, rng))
                    else:
                        self.dropped[family.name, form, "enough questions about the view"] += 1
        return asked

    def _candidates(
        self,
        family: Family,
        form: Form,
        sight: Sight,
        objects: Sequence[Seen],
        rng: np.random.Generator,
    ) -> Iterator[_Candidate]:
        """Yield what can be asked in random order: every pair once, then in the other kind."""
        usable = []
        for seen in objects:
            reason = _why_not_asked(family, form, sight, seen)
            if reason:
                self.dropped[family.name, form, reason] += 1
            else:
                usable.append(seen)
        if isinstance(family, Length):
            groups = list(combinations(usable, family.num_objects))
            for index in rng.permutation(len(groups)):
                value_m = family.value_m(*groups[index])
                if value_m < family.least_m:
                    self.dropped[family.name, form, "length too small to ask"] += 1
                else:
                    yield _Candidate(groups[index], "length", value_m)
            return
        clear = []
        for one, other in combinations(usable, 2):
            difference = family.difference(one, other)
            if abs(difference) < max(self._margins.of(family, sight), 1e-9):
                self.dropped[family.name, form, "too close to call"] += 1
            else:
                clear.append(((one, other) if difference > 0 else (other, one), abs(difference)))
        order = rng.permutation(len(clear))
        lot = int(rng.integers(2))
        for again in (0, 1):
            for place, index in enumerate(order):
                kind = KINDS[(lot + place + again) % 2]
                yield _Candidate(clear[index][0], kind, clear[index][1])

    def _put(
        self,
        family: Family,
        form: Form,
        candidate: _Candidate,
        named: dict[int, Referent],
        split: str,
        rng: np.random.Generator,
    ) -> Asked:
        if isinstance(family, Length):
            return self._put_length(family, form, candidate, named, rng)
        return self._put_comparison(family, form, candidate, named, split, rng)

    def _put_length(
        self,
        family: Length,
        form: Form,
        candidate: _Candidate,
        named: dict[int, Referent],
        rng: np.random.Generator,
    ) -> Asked:
        lot = rng.permutation(len(candidate.objects))
        referents = tuple(named[candidate.objects[index].instance] for index in lot)
        words = dict(zip(("a", "b"), (one.phrase for one in referents), strict=False))
        value = format_metres(candidate.measure)
        sentence = _written(family.answers, rng, **words, value=value)
        return Asked(
            family=family,
            form=form,
            question=_written(family.questions, rng, **words),
            answer=sentence if self._answer_style == "sentence" else value,
            choices=(),
            truth=round(candidate.measure, 4),
            margin=0.0,
            referents=referents,
        )

    def _put_comparison(
        self,
        family: Comparison,
        form: Form,
        candidate: _Candidate,
        named: dict[int, Referent],
        split: str,
        rng: np.random.Generator,
    ) -> Asked:
        lot = int(rng.integers(2))
        pole, opposite = family.poles[lot], family.poles[1 - lot]
        winner, loser = candidate.objects if lot == 0 else candidate.objects[::-1]
        cell = (split, family.name, form, candidate.kind, str(lot))
        if candidate.kind == "yes_no":
            truth = self._tally.rarer(YES_NO, rng, *cell)
            first, second = (winner, loser) if truth == "yes" else (loser, winner)
            questions, choices = family.yes_no, YES_NO
            answers = family.yes if truth == "yes" else family.no
        else:
            place = self._tally.rarer(("first", "second"), rng, *cell)
            first, second = (winner, loser) if place == "first" else (loser, winner)
            questions, answers = family.which, family.winners
            choices = tuple(_bare(named[seen.instance]) for seen in (first, second))
            truth = _bare(named[winner.instance])
        referents = (named[first.instance], named[second.instance])
        words = {
            "a": referents[0].phrase,
            "b": referents[1].phrase,
            "winner": named[winner.instance].phrase,
            "relation": pole.relation,
            "opposite": opposite.relation,
            "extreme": pole.extreme,
        }
        question = _written(questions, rng, **words)
        sentence = _written(answers, rng, **words)
        return Asked(
            family=family,
            form=form,
            question=question,
            answer=sentence if self._answer_style == "sentence" else truth,
            choices=choices,
            truth=truth,
            margin=round(candidate.measure, 4),
            referents=referents,
        )


def _why_not_asked(family: Family, form: Form, sight: Sight, seen: Seen) -> str:
    needs = family.requires
    if needs.level and not sight.is_level:
        return "camera looks steeply down"
    if needs.whole and seen.truncated:
        return "object cut off by the picture's border"
    if needs.shape and form == "marked":
        around = seen_around_mark(seen, shorter_side_px=sight.shorter_side_px)
        return "" if around else "object hidden under its mark"
    return ""


def _phrasebook(
    family: Family, form: Form, objects: Sequence[Seen], colours: dict[int, str]
) -> dict[int, Referent]:
    """Return by instance how a question calls each object."""
    book = {}
    for seen in objects:
        colour = colours[seen.instance] if form == "marked" else ""
        if form == "named":
            called = f"the {phrase(seen.category)}"
        elif family.requires.shape:
            called = f"the object at the {colour} mark"
        else:
            called = f"the {colour} mark"
        book[seen.instance] = Referent(
            instance=seen.instance,
            object_id=seen.object_id,
            category=seen.category,
            phrase=called,
            mark=colour,
            pixel=seen.mark_px if colour else None,
        )
    return book


def _bare(referent: Referent) -> str:
    """Return the shortest answer that names a referent: "red", "floor lamp"."""
    return referent.mark or referent.phrase.removeprefix("the ")


def _written(templates: Sequence[str], rng: np.random.Generator, **words: str) -> str:
    """Draw a template, fill its slots, and begin with a capital."""
    text = templates[int(rng.integers(len(templates)))].format(**words)
    return text[0].upper() + text[1:]
