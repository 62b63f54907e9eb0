"""Choose what to ask about a view: families in turn, answers and difficulties balanced."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from workflow_scripts.common.records import Form
from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.shapes.base import Family, Margins
from workflow_scripts.vqa.sight import Sight

Difficulty = Literal["easy", "medium", "hard"]
DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")
# As many easy ones as of the other two together.
_WISHED = {"easy": 2.0, "medium": 1.0, "hard": 1.0}
# Differences of so many margins are medium, of so many easy; lengths in metres the other way.
MEDIUM_MARGINS, EASY_MARGINS = 2.0, 4.0
MEDIUM_METRES, HARD_METRES = 1.0, 3.0


def difficulties(batch: Batch, family: Family, margins: Margins, sight: Sight) -> np.ndarray:
    """Return how hard rows are, as places in `DIFFICULTIES`.

    A choice is the easier the further its margin is exceeded, a length the harder the longer.
    """
    if batch.answer_type in ("choice", "point", "box"):
        share = batch.measure / max(margins.of(family.unit, sight), 1e-9)
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

    def in_order(self, cell: tuple[str, ...], answers: Sequence[str], lot: int) -> list[str]:
        """Return answers from the rarest so far to the commonest; ties begin at `lot`."""
        counts = self._answers[cell]
        number = len(answers)
        turned = [answers[(lot + place) % number] for place in range(number)]
        return sorted(turned, key=lambda answer: counts[answer])

    def may_be(self, cell: tuple[str, ...], kind: str, answer: str) -> bool:
        """Say whether an answer that cannot be chosen freely would not become too common.

        Of yes and no neither is more than one ahead; of several, none is more than all others.
        """
        if kind == "free":
            return True
        counts = self._answers[cell]
        others = counts.total() - counts[answer]
        return counts[answer] <= (others if kind == "yes_no" else 2 + others)

    def easiest_to_spare(self, cell: tuple[str, ...], present: Sequence[str]) -> str:
        """Return which of the difficulties that are present is the furthest from its share."""
        counts = self._difficulties[cell]
        return min(present, key=lambda one: (counts[one] + 0.5) / _WISHED[one])

    def count(
        self, answer_cell: tuple[str, ...], answer: str, cell: tuple[str, ...], difficulty: str
    ) -> None:
        """Count a question that is asked."""
        self._answers[answer_cell][answer] += 1
        self._difficulties[cell][difficulty] += 1


@dataclass(eq=False)
class Cell:
    """What a family can ask in a form, none of it empty, and what of it has been asked."""

    family: Family
    form: Form
    weight: float
    batches: list[Batch]
    levels: list[np.ndarray]
    kinds: list[str] = field(init=False)
    num_asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.kinds = list(dict.fromkeys(batch.kind for batch in self.batches))
        # Facts are numbered, so a flag for each says whether it was asked, in a kind and at all.
        number = 1 + max(int(batch.fact.max()) for batch in self.batches)
        self._asked = {kind: np.zeros(number, bool) for kind in self.kinds}
        self._asked_at_all = np.zeros(number, bool)

    def open_rows(self, batch: Batch) -> np.ndarray:
        """Return rows whose fact was not asked at all, or else not in this kind."""
        fresh = np.flatnonzero(~self._asked_at_all[batch.fact])
        return fresh if len(fresh) else np.flatnonzero(~self._asked[batch.kind][batch.fact])

    def ask(self, batch: Batch, row: int) -> None:
        """Note that the fact of a row is asked."""
        fact = batch.fact[row]
        self._asked[batch.kind][fact] = self._asked_at_all[fact] = True
        self.num_asked[batch.kind] += 1

    def left(self) -> int:
        """Return how many questions have not been asked."""
        facts = {kind: np.zeros_like(flags) for kind, flags in self._asked.items()}
        for batch in self.batches:
            facts[batch.kind][batch.fact] = True
        return sum(int((flags & ~self._asked[kind]).sum()) for kind, flags in facts.items())


class Sampler:
    """Draws questions from the cells of views, one view after the other."""

    def __init__(self) -> None:
        self._tally = Tally()

    def draw(
        self, cells: Sequence[Cell], *, budget: int, split: str, rng: np.random.Generator
    ) -> list[tuple[Cell, Batch, int, Difficulty]]:
        """Draw at most `budget` questions: a cell of weight 2 has its turn twice as often."""
        lots = rng.random(len(cells))
        queue = [
            (lot / cell.weight, number)
            for number, (cell, lot) in enumerate(zip(cells, lots, strict=True))
        ]
        heapq.heapify(queue)
        drawn = []
        while queue and len(drawn) < budget:
            priority, number = heapq.heappop(queue)
            cell = cells[number]
            found = self._next(cell, split, rng)
            if found is not None:
                drawn.append(found)
                heapq.heappush(queue, (priority + 1 / cell.weight, number))
        return drawn

    def _next(
        self, cell: Cell, split: str, rng: np.random.Generator
    ) -> tuple[Cell, Batch, int, Difficulty] | None:
        start = int(rng.integers(len(cell.kinds)))
        kinds = cell.kinds[start:] + cell.kinds[:start]
        for kind in sorted(kinds, key=lambda kind: cell.num_asked[kind]):
            found = self._of_kind(cell, kind, split, rng)
            if found is not None:
                return found
        return None

    def _of_kind(
        self, cell: Cell, kind: str, split: str, rng: np.random.Generator
    ) -> tuple[Cell, Batch, int, Difficulty] | None:
        places = [place for place, batch in enumerate(cell.batches) if batch.kind == kind]
        by_pole: dict[str, dict[str, int]] = {}
        for place in places:
            batch = cell.batches[place]
            by_pole.setdefault(batch.pole, {})[batch.answer] = place
        poles = list(by_pole)
        poles = [poles[index] for index in rng.permutation(len(poles))]
        family, form = cell.family, cell.form
        key = (split, family.name, form)
        for pole in poles:
            answer_cell = (*key, kind, pole)
            answers = by_pole[pole]
            lot = int(rng.integers(len(answers)))
            for answer in self._tally.in_order(answer_cell, list(answers), lot):
                place = answers[answer]
                batch = cell.batches[place]
                rows = cell.open_rows(batch)
                if not len(rows) or not self._tally.may_be(answer_cell, _balance(batch), answer):
                    continue
                levels = cell.levels[place][rows]
                present = [DIFFICULTIES[level] for level in np.unique(levels).tolist()]
                wanted = self._tally.easiest_to_spare(key, present)
                rows = rows[levels == DIFFICULTIES.index(wanted)]
                row = int(rows[int(rng.integers(len(rows)))])
                cell.ask(batch, row)
                self._tally.count(answer_cell, answer, key, wanted)
                return cell, batch, row, wanted
        return None


def _balance(batch: Batch) -> str:
    return "yes_no" if batch.kind == "yes_no" else "several" if batch.answer else "free"
