"""Drawing questions: every fact once in a kind, fresh ones first, and fast for any budget."""

import time
from collections import Counter

import numpy as np
import pytest

from workflow_scripts.vqa.batch import Batch
from workflow_scripts.vqa.families.left_right import LEFT_RIGHT
from workflow_scripts.vqa.families.rankings import LEFTMOST
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


def stratum_of(kind, objects, *, family=LEFT_RIGHT, form="named", answer="", choices=()):
    batch = make_batch(kind, np.arange(len(objects)), answer)
    batch.objects, batch.choices = np.array(objects), choices
    return Stratum(family, form, 1.0, [batch], [np.zeros(len(batch), int)])


def test_a_family_asks_once_about_the_same_objects_of_a_view_whatever_the_form_and_order():
    named = stratum_of("open", [[0, 1], [2, 1]])
    marked = stratum_of("which", [[1, 0], [0, 2]], form="marked")
    drawn = Sampler().draw([named, marked], budget=10, split="train", rng=np.random.default_rng(3))
    asked = [frozenset(batch.objects[row].tolist()) for _, batch, row, _ in drawn]
    assert sorted(map(sorted, asked)) == [[0, 1], [0, 2], [1, 2]]
    assert named.num_repeats() + marked.num_repeats() == 1
    assert named.num_remaining() == marked.num_remaining() == 0


def test_two_families_may_ask_about_the_same_objects():
    strata = [stratum_of("open", [[0, 1]]), stratum_of("open", [[0, 1]], family=LEFTMOST)]
    drawn = Sampler().draw(strata, budget=10, split="train", rng=np.random.default_rng(3))
    assert len(drawn) == 2


def answers_of_views(supply: dict[str, int], choices: tuple[str, ...]) -> Counter[str]:
    """Return the answers drawn from views of which each can only be asked for one answer."""
    sampler, rng = Sampler(), np.random.default_rng(4)
    order = rng.permutation([answer for answer, count in supply.items() for _ in range(count)])
    found: Counter[str] = Counter()
    for answer in order.tolist():
        stratum = stratum_of("which", [[0]], answer=answer, choices=choices)
        drawn = sampler.draw([stratum], budget=1, split="train", rng=rng)
        found.update(batch.answer for _, batch, _, _ in drawn)
    return found


def test_of_four_directions_none_is_far_commoner_than_the_others():
    ways = ("towards", "right", "away", "left")
    found = answers_of_views({"towards": 60, "right": 34, "left": 30, "away": 12}, ways)
    assert found["away"] == 12
    assert max(found.values()) <= 2 + (found.total() - max(found.values())) / 3 + 1


def test_no_number_is_counted_far_more_often_than_the_next():
    found = answers_of_views({"1": 48, "2": 10, "3": 6, "5": 1}, ())
    assert found["1"] <= 3 + found["2"]
    assert found["2"] == 10
    assert found["5"] == 1
