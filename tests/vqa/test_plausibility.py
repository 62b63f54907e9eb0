"""Only what a person would compare is compared, and only what could be in another is asked."""

from collections import Counter

import numpy as np
import pytest

from testing.box_scenes import Box, room
from tests.vqa.generation import generate_for_shard
from tests.vqa.test_askable import asked_families, camera, context_of
from workflow_scripts.common.label_text import VAGUE_CATEGORIES, phrase
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.sources.readers.procthor_assets import assets
from workflow_scripts.vqa import plausibility
from workflow_scripts.vqa.pointing import place_boxes
from workflow_scripts.vqa.view_context import MIN_SHARE_MEASURED, ViewContexts

SIZES = {"taller", "bigger", "longer", "wider", "same_height", "same_width", "same_size"}


def side_by_side(folder, *objects):
    """Return what a camera sees of boxes (category, size) that stand in a row."""
    boxes = [
        Box(name, (1.4 * place - 0.7 * (len(objects) - 1), 4.0, size[2] / 2 + 0.5), size)
        for place, (name, size) in enumerate(objects)
    ]
    return context_of(folder, boxes, camera(size_px=384))


def test_every_category_has_a_kind():
    nouns = {phrase(asset.category) for asset in assets().values()}
    vague = {phrase(category) for category in VAGUE_CATEGORIES}
    assert [noun for noun in sorted(nouns - vague) if not plausibility.kinds_of(noun)] == []


@pytest.mark.parametrize(
    ("noun", "kind"),
    [
        ("washing machine", "furniture"),
        ("coffee machine", "kitchen"),
        ("loaf of bread", "kitchen"),
        ("pair of boots", "small"),
        ("wooden chairs", "furniture"),
        ("chair with wheels", "furniture"),
        ("TV stand", "furniture"),
        ("desk lamp", "small"),
        ("hand towel holder", "wall"),
    ],
)
def test_the_head_of_a_noun_decides_its_kind(noun, kind):
    assert kind in plausibility.kinds_of(noun)
    assert plausibility.kinds_of("gizmo") == frozenset()


@pytest.mark.parametrize(
    "objects",
    [
        [("Fork", (0.25, 0.1, 0.1)), ("Dresser", (1.2, 0.5, 1.4))],
        [("LightSwitch", (0.2, 0.05, 0.2)), ("Sofa", (1.3, 0.8, 0.8))],
        [("Mug", (0.2, 0.2, 0.25)), ("Toilet", (0.4, 0.6, 0.5))],
        [("Book", (0.3, 0.2, 0.1)), ("Window", (0.5, 0.1, 0.4))],
        [("gizmo", (0.2, 0.2, 0.2)), ("Sofa", (1.3, 0.8, 0.8))],
        # Of one kind, but of another scale.
        [("Egg", (0.1, 0.1, 0.1)), ("Pan", (0.6, 0.6, 0.3))],
    ],
)
def test_nobody_compares_what_is_of_another_scale_or_kind(tmp_path, objects):
    view_context = side_by_side(tmp_path, *objects)
    assert len(view_context) == 2
    assert not asked_families(view_context, 0, 1) & SIZES


@pytest.mark.parametrize(
    "objects",
    [
        [("Sofa", (1.8, 0.8, 0.8)), ("Dresser", (0.7, 0.5, 1.4))],
        [("Mug", (0.2, 0.2, 0.25)), ("Bowl", (0.4, 0.4, 0.15))],
        [("FloorLamp", (0.4, 0.4, 1.6)), ("Fridge", (0.8, 0.7, 1.2))],
        [("gizmo", (0.5, 0.4, 0.4)), ("widget", (0.6, 0.6, 0.7))],
    ],
)
def test_what_is_of_one_scale_is_compared(tmp_path, objects):
    view_context = side_by_side(tmp_path, *objects)
    assert len(view_context) == 2
    assert {"taller", "bigger"} <= asked_families(view_context, 0, 1)


def test_three_are_ranked_only_if_any_two_would_be_compared(tmp_path):
    furniture = [("Sofa", (1.3, 0.8, 0.8)), ("Dresser", (0.7, 0.5, 1.4))]
    three = side_by_side(tmp_path / "a", *furniture, ("Fridge", (0.8, 0.7, 1.7)))
    assert "tallest" in asked_families(three, 0, 1, 2)
    other = side_by_side(tmp_path / "b", *furniture, ("Fork", (0.25, 0.1, 0.1)))
    assert not {"tallest", "biggest", "smallest"} & asked_families(other, 0, 1, 2)


def contents(ball_m, folder, container="Bathtub"):
    """Return the answers of the questions that ask what is inside what in a room."""
    boxes = [
        *room(6.0, 6.0),
        Box(container, (3.0, 3.6, 0.25), (1.4, 0.8, 0.5)),
        Box("BasketBall", ball_m, (0.24, 0.24, 0.24)),
        Box("Bed", (4.8, 4.6, 0.3), (1.4, 1.8, 0.6)),
        Box("Pillow", (1.2, 3.0, 0.1), (0.5, 0.4, 0.2)),
    ]
    views = [camera((3.0, 1.4, 2.4), pitch_deg=-42.0, yaw_deg=yaw) for yaw in (-8.0, 0.0, 8.0)]
    path = folder / "0000.zarr"
    context_of(folder, boxes, *views)
    questions, _ = generate_for_shard(path, folder / "procthor", questions_per_view=400)
    asked_of = [question for question in questions if question.family == "inside"]
    assert all(question.referents[1].category == container for question in asked_of)
    assert not [question for question in asked_of if question.referents[0].category == "Bed"]
    return Counter(str(question.truth) for question in asked_of)


def test_inside_is_asked_where_something_is(tmp_path):
    answers = contents((3.0, 3.4, 0.39), tmp_path)
    assert 0 < answers["no"] <= answers["yes"]


def test_inside_is_off_where_nothing_is(tmp_path):
    assert not contents((1.4, 4.2, 0.12), tmp_path)


def test_what_is_mostly_hidden_is_not_measured_by_eye(tmp_path):
    view_context = side_by_side(tmp_path, ("Sofa", (1.3, 0.8, 0.8)), ("Fridge", (0.8, 0.7, 1.7)))
    assert view_context.partly_hidden == frozenset()
    shard = ViewShard.open(tmp_path / "0000.zarr")
    visibility = shard.visibility.copy()
    visibility["fraction_visible"] = [MIN_SHARE_MEASURED - 0.01, MIN_SHARE_MEASURED]
    shard.__dict__["visibility"] = visibility
    source = GroundTruthShard(shard)
    again = ViewContexts(shard, source, min_pixels=5, min_fraction_visible=0.3).of(0)
    assert again.partly_hidden == {0}
    assert again.categories[0] == "Sofa"
    assert "height" in asked_families(again, 1)
    assert not {"height", "length"} & asked_families(again, 0)
    assert "left_right" in asked_families(again, 0, 1)
    assert "taller" not in asked_families(again, 0, 1)


def test_a_frame_is_drawn_only_around_the_largest_object_in_it(tmp_path):
    fridge = Box("Fridge", (0.0, 3.6, 0.9), (0.8, 0.7, 1.8))
    sofa = Box("Sofa", (-1.6, 3.6, 0.4), (1.4, 0.8, 0.8))
    # A pole that is turned: the fridge shows in most of the box around it.
    pole = Box("FloorLamp", (0.0, 2.2, 1.0), (1.4, 0.04, 0.04), 60.0)
    upright = context_of(tmp_path / "a", [fridge, sofa], camera(size_px=384))
    assert upright.fills_box is not None
    assert upright.fills_box.all()
    hidden = context_of(tmp_path / "b", [fridge, sofa, pole], camera(size_px=384))
    row = hidden.categories.index("FloorLamp")
    assert hidden.fills_box is not None
    assert not hidden.fills_box[row]
    for seed in range(20):
        boxes = place_boxes(hidden, np.random.default_rng(seed))
        assert boxes
        assert row not in boxes.values()


def test_flat_objects_are_bigger_by_what_is_seen_of_them(tmp_path):
    """A thin large picture has less volume than a thick small one: nobody would say smaller."""
    thin, thick = ("Painting", (1.2, 0.02, 0.9)), ("Painting", (0.8, 0.15, 0.7))
    view_context = side_by_side(tmp_path / "a", thin, thick)
    assert len(view_context) == 2
    assert "bigger" not in asked_families(view_context, 0, 1)
    same_depth = side_by_side(tmp_path / "b", thin, ("Painting", (0.6, 0.02, 0.5)))
    assert "bigger" in asked_families(same_depth, 0, 1)
    three = [thin, thick, ("Painting", (0.5, 0.02, 0.4))]
    ranked = asked_families(side_by_side(tmp_path / "c", *three), 0, 1, 2)
    assert "biggest" not in ranked
    assert "smallest" in ranked


def test_where_something_faces_is_not_asked_of_what_is_cut_off(tmp_path):
    boxes = [
        Box("Sofa", (0.0, 4.0, 0.4), (1.7, 0.8, 0.8), 180.0),
        Box("ArmChair", (3.2, 4.0, 0.5), (0.9, 0.8, 1.0), 180.0),
    ]
    view_context = context_of(tmp_path, boxes, camera())
    row_of = {name: row for row, name in enumerate(view_context.categories)}
    assert view_context.measured.truncated[row_of["ArmChair"]]
    assert "facing" in asked_families(view_context, row_of["Sofa"])
    assert "facing" not in asked_families(view_context, row_of["ArmChair"])
