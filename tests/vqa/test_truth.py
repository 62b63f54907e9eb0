"""No answer contradicts the truth tables: every question of some houses, checked by the oracle."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.question_check import check_shard
from testing.box_scenes import Box, write_shard
from testing.vqa.drawn_meshes import drawn_meshes
from testing.vqa.enumerated_questions import enumerate_view_questions
from testing.vqa.houses import render_houses
from testing.vqa.oracle import Oracle, contradiction, is_checked
from testing.vqa.scenes import furnished_shard
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.vqa.view_context import ViewContexts

REAL_HOUSES = Path(__file__).parents[3] / "shared/data/procthor_houses.jsonl.gz"
# What the oracle does not know: contents, kinds, names, and choices among written numbers.
UNCHECKED = {
    "box_grounding", "count", "existence", "facing", "identify", "inside", "nth_box_grounding",
    "nth_point_grounding", "point_grounding", "room_area", "room_length", "supported_by",
}  # fmt: skip


def check_questions(
    path: Path, *, forms: tuple[str, ...] = ("named", "marked"), num_views: int | None = None
) -> tuple[Counter[str], list[str]]:
    """Return how many questions of each family were checked, and what contradicts the truth."""
    shard = ViewShard.open(path)
    scenes = path.with_name("scenes.jsonl")
    oracle = Oracle(shard, drawn_meshes(scenes) if scenes.exists() else None)
    view_contexts = ViewContexts(
        shard, GroundTruthShard(shard), min_pixels=20, min_fraction_visible=0.1
    )
    checked: Counter[str] = Counter()
    wrong = []
    for view in range(num_views or len(shard)):
        view_context = view_contexts.of(view)
        for form in forms:
            for one in enumerate_view_questions(view_context, view, form=form):
                if not is_checked(oracle, one):
                    continue
                checked[one.family] += 1
                if found := contradiction(oracle, one):
                    wrong.append(f"{one.family}: {one.question} {one.answer} {found}")
    return checked, wrong


def test_nothing_said_of_a_furnished_room_contradicts_its_boxes(tmp_path):
    checked, wrong = check_questions(furnished_shard(tmp_path), num_views=1)
    assert not wrong, wrong[:5]
    assert sum(checked.values()) > 4000
    assert len(checked) > 45
    assert not set(checked) & UNCHECKED


def test_nothing_said_of_a_generated_house_contradicts_what_is_drawn(tmp_path):
    checked, wrong = check_questions(render_houses(tmp_path, "generate", 0, 1), num_views=2)
    assert not wrong, wrong[:5]
    assert sum(checked.values()) > 500


def test_a_direction_between_two_hours_is_not_asked_about(tmp_path):
    boxes = [Box("Sofa", (-0.5, 3.0, 0.5), (0.4, 0.4, 1.0)), Box("Bed", (0, 3.5, 0.5), (0.4,) * 3)]
    camera = Camera.look(
        (0, 0, 1.5), yaw_deg=0, pitch_deg=-10, width_px=96, height_px=96, vertical_fov_deg=80
    )
    path = write_shard(tmp_path / "s.zarr", {"house": (boxes, [camera])})
    shard = ViewShard.open(path)
    view_context = ViewContexts(
        shard, GroundTruthShard(shard), min_pixels=5, min_fraction_visible=0.0
    ).of(0)
    enumerated = list(enumerate_view_questions(view_context, 0))
    assert not [question for question in enumerated if question.answer_type == "clock"]
    assert [question for question in enumerated if question.family == "horizontal_distance"]


@pytest.mark.skipif(not REAL_HOUSES.exists(), reason="the ProcTHOR houses are not here")
def test_nothing_said_of_a_procthor_house_contradicts_what_is_drawn(tmp_path):
    checked, wrong = check_questions(render_houses(tmp_path, str(REAL_HOUSES), 0, 1))
    assert not wrong, wrong[:5]
    assert sum(checked.values()) > 500


def test_records_agree_with_the_oracle_too(tmp_path):
    path = furnished_shard(tmp_path)
    questions, _ = generate_for_shard(
        path,
        tmp_path / "procthor",
        forms=("named", "marked", "boxed", "region"),
        questions_per_view=120,
        units="mixed",
    )
    oracle = Oracle(ViewShard.open(path))
    records = [question for question in questions if is_checked(oracle, question)]
    assert len(records) > 150
    assert not [record.question for record in records if contradiction(oracle, record)]


def test_records_agree_with_masks_and_poses_too(tmp_path):
    """Every family but `inside` is recomputed, multiple choices by their right option."""
    path = furnished_shard(tmp_path)
    questions, _ = generate_for_shard(
        path, tmp_path / "procthor", questions_per_view=400, questions_per_pair=40
    )
    checked, unchecked, wrong = check_shard(ViewShard.open(path), questions)
    assert not wrong, wrong[:5]
    assert set(unchecked) <= {"inside"}
    assert len(checked) > 60
    identify = next(question for question in questions if question.family == "identify")
    others = [letter for letter in identify.choices if letter != identify.truth]
    changed = identify.model_copy(update={"truth": others[0]})
    assert len(check_shard(ViewShard.open(path), [changed])[2]) == 1
