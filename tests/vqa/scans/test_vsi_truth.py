"""Generated answers agree with the geometry, options alone say nothing, wording holds."""

import itertools
import re
from collections import Counter
from functools import lru_cache

import pytest

from testing.vqa.scan_contexts import random_context
from tests.vqa.scans.vsi_answers import contradiction, option
from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.vsi_bench import VSI_TASK_OF, VSI_TASKS, is_vsi_sample
from workflow_scripts.config.scan_questions import ScanQuestionSettings
from workflow_scripts.evaluate.video.vsi_metrics import score_vsi
from workflow_scripts.vqa.scans.question_types import SCAN_QUESTION_TYPES
from workflow_scripts.vqa.scans.samples import DroppedSample

NUM_SCANS = 40
SETTINGS = ScanQuestionSettings()
CHOICES = {
    "object_rel_distance": 4,
    "object_rel_direction_easy": 2,
    "object_rel_direction_medium": 3,
    "object_rel_direction_hard": 4,
    "obj_appearance_order": 4,
}


@lru_cache(maxsize=NUM_SCANS)
def generated(number: int) -> tuple[tuple[ScanSample, ...], tuple[DroppedSample, ...]]:
    context = random_context(number)
    samples, dropped = [], []
    # Of kinds that are there twice only some are counted: three draws ask about enough of them.
    draws = [(name, 0) for name in VSI_TASKS] + [("object_counting", n) for n in (1, 2)]
    for name, draw in draws:
        generator = rng(5 + draw, name, context.scene_id)
        for sample in SCAN_QUESTION_TYPES[name](context, generator, SETTINGS):
            (dropped if isinstance(sample, DroppedSample) else samples).append(sample)
    return tuple(samples), tuple(dropped)


def all_samples(question_type: str) -> list[ScanSample]:
    return [
        sample
        for number in range(NUM_SCANS)
        for sample in generated(number)[0]
        if sample.question_type == question_type
    ]


def test_no_answer_contradicts_the_geometry() -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for number in range(NUM_SCANS):
        context = random_context(number)
        for sample in generated(number)[0]:
            counts[sample.question_type] += 1
            problem = contradiction(context, sample)
            if problem:
                wrong.append((context.scene_id, sample.question_type, sample.text, problem))
    assert not wrong, wrong[:3]
    assert set(counts) == set(VSI_TASK_OF)
    assert min(counts.values()) >= NUM_SCANS, counts


@pytest.mark.parametrize("question_type", VSI_TASK_OF)
def test_the_taught_answer_has_full_score(question_type: str) -> None:
    samples = all_samples(question_type)
    assert all(map(is_vsi_sample, samples))
    assert score_vsi(samples, [sample.answer for sample in samples]).tolist() == [1] * len(samples)


@pytest.mark.parametrize("question_type", [*CHOICES, "route_planning"])
def test_every_letter_is_right_equally_often(question_type: str) -> None:
    for options, samples in itertools.groupby(
        sorted(all_samples(question_type), key=lambda sample: len(sample.options)),
        key=lambda sample: len(sample.options),
    ):
        letters = Counter(str(sample.truth) for sample in samples)
        total = letters.total()
        assert options == CHOICES.get(question_type, options)
        assert set(letters) == set("ABCD"[:options])
        for letter, count in letters.items():
            assert abs(count / total - 1 / options) < 0.06, (letter, letters)


@pytest.mark.parametrize(
    "question_type", [name for name in CHOICES if name.startswith("object_rel_direction")]
)
def test_every_direction_is_the_answer_equally_often(question_type: str) -> None:
    answers = Counter(option(sample) for sample in all_samples(question_type))
    share = 1 / CHOICES[question_type]
    for answer, count in answers.items():
        assert abs(count / answers.total() - share) < 0.07, (answer, answers)


def test_turns_of_routes_are_balanced() -> None:
    turns = Counter(
        turn for sample in all_samples("route_planning") for turn in option(sample).split(", ")
    )
    for turn, count in turns.items():
        assert abs(count / turns.total() - 1 / 3) < 0.08, (turn, turns)


def test_the_order_that_is_most_like_the_other_options_is_right_by_chance_only() -> None:
    samples = all_samples("obj_appearance_order")

    def agreement(sample: ScanSample, place: int) -> int:
        orders = [text.split(", ") for text in sample.options]
        pairs = [set(itertools.combinations(order, 2)) for order in orders]
        return sum(len(pairs[place] & other) for other in pairs)

    right = sum(
        max(range(4), key=lambda place: agreement(sample, place)) == "ABCD".index(str(sample.truth))
        for sample in samples
    )
    assert abs(right / len(samples) - 0.25) < 0.07


def test_the_listed_order_of_kinds_says_nothing() -> None:
    samples = all_samples("obj_appearance_order")
    as_listed = sum(option(sample) in sample.text for sample in samples)
    assert as_listed / len(samples) < 0.09


@pytest.mark.parametrize("question_type", VSI_TASK_OF)
def test_wording_is_varied_and_complete(question_type: str) -> None:
    samples = all_samples(question_type)
    for sample in samples:
        assert not re.search(r"[{}]|\bthe the\b|\ba a\b|  |nan", sample.text + sample.reasoning)
        assert sample.text[0].isupper()
        assert sample.text[-1] in "?."
        assert len(set(sample.options)) == len(sample.options)
        assert sample.margin >= 0
    starts = {" ".join(sample.text.split()[:2]) for sample in samples}
    assert len(starts) >= 3, starts


def test_equal_seeds_give_equal_samples() -> None:
    first = generated(3)
    generated.cache_clear()
    assert generated(3) == first
