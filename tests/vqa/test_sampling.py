"""Drawing questions: every fact once in a kind, fresh ones first, and fast for any budget."""

import time

import numpy as np
import pytest

from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.families.left_right import LEFT_RIGHT
from workflow_scripts.vqa.sampling import Cell, Sampler


def batch_of(kind: str, facts: np.ndarray, answer: str = "") -> Batch:
    words = LEFT_RIGHT.templates
    return Batch(
        kind=kind,
        pole="",
        answer=answer,
        fact=facts,
        objects=np.zeros((len(facts), 0), int),
        questions=words["yes_no"],
        answers=words["yes"],
        measure=np.ones(len(facts)),
        sigma=np.zeros(len(facts)),
    )


def cell_of(batches: list[Batch]) -> Cell:
    levels = [np.arange(len(batch)) % 3 for batch in batches]
    return Cell(LEFT_RIGHT, "named", 1.0, batches, levels)


def draw(cells: list[Cell], budget: int) -> list[tuple[str, int]]:
    """Return the kind and the fact of what is drawn."""
    drawn = Sampler().draw(cells, budget=budget, split="train", rng=np.random.default_rng(3))
    return [(batch.kind, int(batch.fact[row])) for _, batch, row, _ in drawn]


@pytest.mark.parametrize("budget", [5, 30, 1000])
def test_no_fact_is_asked_twice_in_a_kind_and_new_facts_come_first(budget):
    facts = np.arange(3, 20)
    cell = cell_of([batch_of("open", facts), batch_of("which", facts[:8])])
    assert cell.left() == 25
    drawn = draw([cell], budget)
    assert len(drawn) == len(set(drawn)) == min(budget, 25)
    assert cell.left() == 25 - len(drawn)
    for place, (kind, fact) in enumerate(drawn):
        before = drawn[:place]
        if any(fact == other for _, other in before):
            mine = facts if kind == "open" else facts[:8]
            assert {other for _, other in before} >= set(mine.tolist())


def test_a_large_budget_takes_time_in_proportion():
    start_s = time.process_time()
    drawn = draw([cell_of([batch_of("open", np.arange(5000))])], 9_000)
    # Comparing every row with every fact asked took three times as long and more.
    assert time.process_time() - start_s < 3.0
    assert sorted(fact for _, fact in drawn) == list(range(5000))
