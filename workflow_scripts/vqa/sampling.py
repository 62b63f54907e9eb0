"""Choose what to ask about a view: families in turn, answers and difficulties balanced."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.question_types.base import Family
from workflow_scripts.vqa.view_context import ViewContext

Difficulty = Literal["easy", "medium", "hard"]
# How often an answer may be asked for: see `Tally.can_add`.
BalanceRule = Literal["yes_no", "yes_leads", "several", "number", "free"]
# By (family, form, reason); "" stands for every family or form.
DropCounts = Counter[tuple[str, str, str]]
DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")
# As many easy ones as of the other two together.
LEVEL_WEIGHTS = (2.0, 1.0, 1.0)
_TARGET_WEIGHTS = dict(zip(DIFFICULTIES, LEVEL_WEIGHTS, strict=True))
# Differences of so many margins are medium, of so many easy; lengths in metres the other way.
MEDIUM_MARGINS, EASY_MARGINS = 2.0, 4.0
MEDIUM_METRES, HARD_METRES = 1.0, 3.0
# More objects than any view shows; four numbers below it fit into 63 bits.
MAX_OBJECTS = 1 << 15


def difficulties(
    batch: Batch, family: Family, margins: Margins, view_context: ViewContext
) -> np.ndarray:
    """Return how hard rows are, as places in `DIFFICULTIES`.

    A choice is the easier the further its margin is exceeded, a length the harder the longer.
    """
    if batch.answer_type in ("choice", "point", "box"):
        share = batch.measure / max(margins.of(family.unit, view_context), 1e-9)
        return np.where(share >= EASY_MARGINS, 0, np.where(share >= MEDIUM_MARGINS, 1, 2))
    if family.unit == "m":
        return np.where(
            batch.measure < MEDIUM_METRES, 0, np.where(batch.measure < HARD_METRES, 1, 2)
        )
    return np.full(len(batch), 1)


class Tally:
    """Counts answers and difficulties, to ask next for what was the rarest."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self._difficulties: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)

    def rarest_first(
        self, key: tuple[str, ...], answers: Sequence[str], start_index: int
    ) -> list[str]:
        """Return answers from the rarest so far to the commonest; ties begin at `start_index`."""
        counts = self._answers[key]
        number = len(answers)
        rotated = [answers[(start_index + place) % number] for place in range(number)]
        return sorted(rotated, key=lambda answer: counts[answer])

    def can_add(
        self, key: tuple[str, ...], rule: BalanceRule, answer: str, num_answers: int
    ) -> bool:
        """Say whether an answer that cannot be chosen freely would not become too common.

        Of yes and no neither is more than one ahead, nor "no" ahead where yes leads; of a known
        number of answers none is more than two ahead of the mean of the others; of numbers, which
        may be any, none is more than two ahead of the commonest other.
        """
        counts = self._answers[key]
        others = counts.total() - counts[answer]
        if rule in ("yes_no", "yes_leads"):
            lead = 0 if rule == "yes_leads" and answer == "no" else 1
            return counts[answer] < others + lead
        if rule == "several":
            return counts[answer] <= 2 + others / max(num_answers - 1, 1)
        commonest = max((n for other, n in counts.items() if other != answer), default=0)
        return rule == "free" or counts[answer] <= 2 + commonest

    def most_underrepresented(
        self, key: tuple[str, ...], present: Sequence[Difficulty]
    ) -> Difficulty:
        """Return which of the difficulties that are present is the furthest from its share."""
        counts = self._difficulties[key]
        return min(present, key=lambda level: (counts[level] + 0.5) / _TARGET_WEIGHTS[level])

    def count(
        self, answer_key: tuple[str, ...], answer: str, key: tuple[str, ...], difficulty: str
    ) -> None:
        """Count a question that is asked."""
        self._answers[answer_key][answer] += 1
        self._difficulties[key][difficulty] += 1


@dataclass(eq=False)
class Stratum:
    """What a family can ask in a form, none of it empty, and what of it has been asked."""

    family: Family
    form: Form
    weight: float
    batches: list[Batch]
    levels: list[np.ndarray]
    kinds: list[str] = field(init=False)
    num_asked: Counter[str] = field(default_factory=Counter)
    asked_objects: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.kinds = list(dict.fromkeys(batch.kind for batch in self.batches))
        self._object_keys = {id(batch): _object_keys(batch) for batch in self.batches}
        # Facts are numbered, so a flag for each says whether it was asked, in a kind and at all.
        number = 1 + max(int(batch.fact_ids.max()) for batch in self.batches)
        self._asked = {kind: np.zeros(number, bool) for kind in self.kinds}
        self._asked_at_all = np.zeros(number, bool)

    def unasked_rows(self, batch: Batch) -> np.ndarray:
        """Return rows whose fact was not asked at all, or else not in this kind.

        Rows about objects that the family was asked about already are left out.
        """
        is_new = self._is_new(batch)
        fresh = np.flatnonzero(~self._asked_at_all[batch.fact_ids] & is_new)
        if len(fresh):
            return fresh
        return np.flatnonzero(~self._asked[batch.kind][batch.fact_ids] & is_new)

    def _is_new(self, batch: Batch) -> np.ndarray:
        keys = self._object_keys[id(batch)]
        if keys is None:
            return np.ones(len(batch), bool)
        return ~np.isin(keys, list(self.asked_objects))

    def mark_asked(self, batch: Batch, row: int) -> None:
        """Note that the fact of a row is asked."""
        keys = self._object_keys[id(batch)]
        if keys is not None:
            self.asked_objects.add(int(keys[row]))
        fact_id = batch.fact_ids[row]
        self._asked[batch.kind][fact_id] = self._asked_at_all[fact_id] = True
        self.num_asked[batch.kind] += 1

    def num_remaining(self) -> int:
        """Return how many questions have not been asked, but for those about the same objects."""
        facts = {kind: np.zeros_like(flags) for kind, flags in self._asked.items()}
        for batch in self.batches:
            facts[batch.kind][batch.fact_ids[self._is_new(batch)]] = True
        return sum(int((flags & ~self._asked[kind]).sum()) for kind, flags in facts.items())

    def num_repeats(self) -> int:
        """Return how many questions are left out because their objects were asked about."""
        facts = {kind: np.zeros_like(flags) for kind, flags in self._asked.items()}
        for batch in self.batches:
            facts[batch.kind][batch.fact_ids[~self._is_new(batch)]] = True
        return sum(int((flags & ~self._asked[kind]).sum()) for kind, flags in facts.items())


# A row of a batch of a stratum, and how hard it is.
DrawnRow = tuple[Stratum, Batch, int, Difficulty]


class Sampler:
    """Draws questions from the strata of views, one view after the other."""

    def __init__(self) -> None:
        self._tally = Tally()

    def draw(
        self, strata: Sequence[Stratum], *, budget: int, split: str, rng: np.random.Generator
    ) -> list[DrawnRow]:
        """Draw at most `budget` questions: a stratum of weight 2 has its turn twice as often."""
        # Forms of a family share what has been asked about: one question about the same objects.
        asked_objects: dict[str, set[int]] = defaultdict(set)
        for stratum in strata:
            stratum.asked_objects = asked_objects[stratum.family.name]
        initial_priorities = rng.random(len(strata))
        queue = [
            (initial_priority / stratum.weight, number)
            for number, (stratum, initial_priority) in enumerate(
                zip(strata, initial_priorities, strict=True)
            )
        ]
        heapq.heapify(queue)
        drawn: list[DrawnRow] = []
        while queue and len(drawn) < budget:
            priority, number = heapq.heappop(queue)
            stratum = strata[number]
            found = self._draw_next(stratum, split, rng)
            if found is not None:
                drawn.append(found)
                heapq.heappush(queue, (priority + 1 / stratum.weight, number))
        return drawn

    def _draw_next(self, stratum: Stratum, split: str, rng: np.random.Generator) -> DrawnRow | None:
        start = int(rng.integers(len(stratum.kinds)))
        kinds = stratum.kinds[start:] + stratum.kinds[:start]
        for kind in sorted(kinds, key=lambda kind: stratum.num_asked[kind]):
            found = self._draw_of_kind(stratum, kind, split, rng)
            if found is not None:
                return found
        return None

    def _draw_of_kind(
        self, stratum: Stratum, kind: str, split: str, rng: np.random.Generator
    ) -> DrawnRow | None:
        places = [place for place, batch in enumerate(stratum.batches) if batch.kind == kind]
        by_antonym: dict[str, dict[str, int]] = {}
        for place in places:
            batch = stratum.batches[place]
            by_antonym.setdefault(batch.antonym, {})[batch.answer] = place
        antonyms = list(by_antonym)
        antonyms = [antonyms[index] for index in rng.permutation(len(antonyms))]
        family, form = stratum.family, stratum.form
        key = (split, family.name, form)
        for antonym in antonyms:
            answer_key = (*key, kind, antonym)
            answers = by_antonym[antonym]
            start_index = int(rng.integers(len(answers)))
            for answer in self._tally.rarest_first(answer_key, list(answers), start_index):
                place = answers[answer]
                batch = stratum.batches[place]
                rows = stratum.unasked_rows(batch)
                rule, num_answers = _balance_rule(batch, yes_leads=stratum.family.yes_leads)
                if not len(rows) or not self._tally.can_add(answer_key, rule, answer, num_answers):
                    continue
                levels = stratum.levels[place][rows]
                present = [DIFFICULTIES[level] for level in np.unique(levels).tolist()]
                wanted = self._tally.most_underrepresented(key, present)
                rows = rows[levels == DIFFICULTIES.index(wanted)]
                row = int(rows[int(rng.integers(len(rows)))])
                stratum.mark_asked(batch, row)
                self._tally.count(answer_key, answer, key, wanted)
                return stratum, batch, row, wanted
        return None


def _balance_rule(batch: Batch, *, yes_leads: bool) -> tuple[BalanceRule, int]:
    """Return how the answers of a batch are balanced, and among how many."""
    if batch.kind == "yes_no":
        return "yes_leads" if yes_leads else "yes_no", 2
    if not batch.answer:
        return "free", 0
    number = batch.num_choices if batch.choices is None else len(batch.choices)
    return ("several", number) if number else ("number", 0)


def _object_keys(batch: Batch) -> np.ndarray | None:
    """Return a number for each row that says which objects it is about, None if about none.

    Questions about more than four objects count the things of a category; four of them tell which.
    """
    if not batch.objects.shape[1]:
        return None
    keys = np.zeros(len(batch), dtype=np.int64)
    for column in np.sort(batch.objects, axis=1)[:, :4].T:
        keys = keys * MAX_OBJECTS + column + 1
    return keys
