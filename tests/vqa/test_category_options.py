"""Options of "what is this?": one is right, all differ, and none gives itself away."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from testing.vqa.random_rooms import random_rooms_shard
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.label_text import is_confusable
from workflow_scripts.common.questions import Question, Referent
from workflow_scripts.vqa.batch import LETTERS
from workflow_scripts.vqa.category_options import (
    NO_OPTIONS,
    PlausibleCategories,
    add_category_options,
    draw_categories,
)
from workflow_scripts.vqa.solvability import answer_from_options

CHANCE, MAX_LEAK = 0.25, 0.03
NUM_SCENES, VIEWS_PER_SCENE = 90, 14
# What rooms hold, and how often a view shows it large enough to be asked about.
ROOMS = {
    "bedroom": {"Bed": 9, "Painting": 8, "Dresser": 4, "Pillow": 2, "AlarmClock": 1, "Book": 1,
                "Pencil": 0.3, "KeyChain": 0.3, "BaseballBat": 0.5, "Mirror": 2},
    "kitchen": {"Fridge": 9, "CounterTop": 8, "DiningTable": 6, "Chair": 9, "Pan": 2, "Knife": 0.3,
                "Apple": 0.5, "Egg": 0.2, "SaltShaker": 0.3, "Toaster": 1},
    "bathroom": {"Toilet": 9, "ShowerCurtain": 6, "Sink": 7, "SoapBar": 0.3, "Towel": 3,
                 "ToiletPaper": 0.5, "Candle": 0.5, "SprayBottle": 0.4, "Mirror": 2},
}  # fmt: skip


def make_question(scene: int, name: str, category: str, letter: str) -> Question:
    """Return the record of a question without its options."""
    referent = Referent(instance=1, object_id="a", category=category, phrase="this")
    return Question.model_construct(
        question_id=name, scene_id=f"house{scene}", split="train", family="identify",
        form="marked", kind="multiple_choice", question="What is this?", answer=letter,
        answer_type="multiple_choice", truth=letter, choices=list(LETTERS), options=[],
        referents=[referent],
    )  # fmt: skip


def questions_of_rooms(rng: np.random.Generator) -> tuple[list[Question], PlausibleCategories]:
    """Return a question about each of some views, and what those views show."""
    questions, plausible = [], PlausibleCategories()
    for scene in range(NUM_SCENES):
        room = ROOMS[list(ROOMS)[scene % len(ROOMS)]]
        share = np.array(list(room.values()))
        for view in range(VIEWS_PER_SCENE):
            shown = rng.choice(list(room), size=4, replace=False, p=share / share.sum()).tolist()
            plausible.add(f"house{scene}", shown)
            letter = LETTERS[int(rng.integers(4))]
            category = shown[int(rng.integers(4))]
            questions.append(make_question(scene, f"{scene}-{view}", category, letter))
    return questions, plausible


@pytest.mark.parametrize("seed", [0, 1])
def test_options_alone_do_not_say_which_is_right(seed: int) -> None:
    rng = np.random.default_rng(seed)
    questions, plausible = questions_of_rooms(rng)
    dropped: Counter[tuple[str, str, str]] = Counter()
    finished = add_category_options(questions, plausible, dropped, rng)
    assert len(finished) + dropped["identify", "marked", NO_OPTIONS] == len(questions)
    assert len(finished) > 0.85 * len(questions)
    for question in finished:
        assert len(set(question.options)) == len(LETTERS)
        assert question.question.endswith(f"D: {question.options[3]}.")
    right = answer_from_options(finished).right
    # Scenes share their options, so a reader of the others may be wrong more often than chance.
    assert CHANCE - 0.1 < right.mean() < CHANCE + MAX_LEAK


def test_options_of_the_scene_drawn_evenly_would_say_it() -> None:
    """Without it the test above could pass for want of anything to see."""
    rng = np.random.default_rng(0)
    questions, _ = questions_of_rooms(rng)
    kinds: dict[str, set[str]] = defaultdict(set)
    for question in questions:
        kinds[question.scene_id].add(question.referents[0].category)
    given = []
    for question in questions:
        truth = question.referents[0].category
        others = [one for one in sorted(kinds[question.scene_id]) if not is_confusable(one, truth)]
        options = rng.permutation(others)[:3].tolist()
        if len(options) == 3:
            options.insert(LETTERS.index(str(question.truth)), truth)
            given.append(question.model_copy(update={"options": options}))
    assert answer_from_options(given).right.mean() > CHANCE + 0.05


def test_no_two_options_are_called_alike() -> None:
    pool = ["Chair", "ArmChair", "DiningTable", "Bed", "Fridge", "DeskLamp", "FloorLamp", "Sofa"]
    found, is_whole = draw_categories(
        {f"q{number}": name for number, name in enumerate(pool)}, [], np.random.default_rng(3)
    )
    assert found
    assert is_whole == (len(found) == len(pool))
    for name, wrong in found.items():
        kinds = [pool[int(name[1:])], *wrong]
        for place, one in enumerate(kinds):
            assert not any(is_confusable(one, other) for other in kinds[place + 1 :])
    too_few = draw_categories({"q": "Bed"}, ["Bed", "Chair"], np.random.default_rng(0))
    assert too_few == ({}, False)
    assert draw_categories({}, ["Bed"], np.random.default_rng(0)) == ({}, True)


def test_generated_questions_have_their_options(tmp_path: Path) -> None:
    path = random_rooms_shard(tmp_path / "0000.zarr", range(3))
    questions, _ = generate_for_shard(
        path, tmp_path / "procthor", families=["identify"], answer_style="sentence"
    )
    assert questions
    for question in questions:
        assert len(question.options) == 4
        assert question.options[question.choices.index(str(question.truth))] in question.answer
