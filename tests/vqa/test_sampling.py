"""Drawing questions: every fact once in a kind, fresh ones first, and fast for any budget."""

import time

import numpy as np
import pytest

from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.families.left_right import LEFT_RIGHT
from workflow_scripts.vqa.sampling import Sampler, Stratum


def make_batch(kind: str, facts: np.ndarray, answer: str = "") -> Batch:
    words = LEFT_RIGHT.templates
    return Batch(
        kind=kind,
        antonym="",
        answer=answer,
        fact_ids=facts,
        objects=np.zeros((len(facts), 0), int),
        questions=words["yes_no"],
        answers=words["yes"],
        measure=np.ones(len(facts)),
        sigma=np.zeros(len(facts)),
    )


def make_stratum(batches: list[Batch]) -> Stratum:
    levels = [np.arange(len(batch)) % 3 for batch in batches]
    return Stratum(LEFT_RIGHT, "named", 1.0, batches, levels)


def draw(strata: list[Stratum], budget: int) -> list[tuple[str, int]]:
    """Return the kind and the fact of what is drawn."""
    drawn = Sampler().draw(strata, budget=budget, split="train", rng=np.random.default_rng(3))
    return [(batch.kind, int(batch.fact_ids[row])) for _, batch, row, _ in drawn]


@pytest.mark.parametrize("budget", [5, 30, 1000])
def test_no_fact_is_asked_twice_in_a_kind_and_new_facts_come_first(budget):
    facts = np.arange(3, 20)
    stratum = make_stratum([make_batch("open", facts), make_batch("which", facts[:8])])
    assert stratum.num_remaining() == 25
    drawn = draw([stratum], budget)
    assert len(drawn) == len(set(drawn)) == min(budget, 25)
    assert stratum.num_remaining() == 25 - len(drawn)
    for place, (kind, fact_id) in enumerate(drawn):
        before = drawn[:place]
        if any(fact_id == other for _, other in before):
            mine = facts if kind == "open" else facts[:8]
            assert {other for _, other in before} >= set(mine.tolist())


def test_a_large_budget_takes_time_in_proportion():
    start_s = time.process_time()
    drawn = draw([make_stratum([make_batch("open", np.arange(5000))])], 9_000)
    # Comparing every row with every fact asked took three times as long and more.
    assert time.process_time() - start_s < 3.0
    assert sorted(fact_id for _, fact_id in drawn) == list(range(5000))
