"""Only what can be seen is asked: what a picture cannot answer is left out and counted."""

from dataclasses import replace

import numpy as np
import pytest

from testing.box_scenes import Box, room, write_shard
from testing.vqa.scenes import DEFAULT_MARGINS
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.generate_questions import TOO_SMALL
from workflow_scripts.vqa.pointing import MIN_SIDE_PX, choose_marks
from workflow_scripts.vqa.view_context import ViewContexts
from workflow_scripts.vqa.view_overlap import (
    NOTHING_COMMON,
    TOO_LITTLE,
    overlap_problem,
    seen_share,
)

RANGES = {
    "camera_distance", "camera_nearest", "camera_nearer", "centre_distance", "farthest_camera",
    "nearest_camera", "same_distance", "second_from_front", "vertical_distance",
}  # fmt: skip
BOXES = [
    Box("Sofa", (-1.0, 3.0, 0.4), (1.7, 0.8, 0.8)),
    Box("Fridge", (1.2, 4.0, 0.9), (0.8, 0.7, 1.8)),
    Box("DiningTable", (0.2, 2.6, 0.3), (0.9, 0.5, 0.6)),
    Box("FloorLamp", (0.4, 4.2, 0.8), (0.3, 0.3, 1.6)),
    Box("Painting", (-1.0, 4.6, 2.1), (1.2, 0.1, 0.6)),
]


def camera(position=(0.0, 0.0, 1.5), *, yaw_deg=0.0, pitch_deg=-8.0, size_px=192):
    return Camera.look(
        position, yaw_deg=yaw_deg, pitch_deg=pitch_deg, width_px=size_px, height_px=size_px,
        vertical_fov_deg=80.0,
    )  # fmt: skip


def open_contexts(path):
    shard = ViewShard.open(path)
    source = GroundTruthShard(shard)
    return shard, ViewContexts(shard, source, min_pixels=5, min_fraction_visible=0.0)


def context_of(folder, boxes, *cameras):
    path = write_shard(folder / "0000.zarr", {"house": (list(boxes), list(cameras))})
    return open_contexts(path)[1].of(0)


def asked_families(view_context, *rows):
    """Return the families that ask about all objects, or each about one of some rows."""
    tags = rows or range(len(view_context))
    marks = {"region": {f"<region{number}>": row for number, row in enumerate(tags)}}
    return {
        one.family.name
        for form in ("named", "region")
        if form == "region" or not rows
        for one in enumerate_batches(view_context, DEFAULT_MARGINS, seed=1, form=form, marks=marks)
    }


def test_no_range_is_asked_of_a_view_from_straight_above(tmp_path):
    level = context_of(tmp_path / "level", BOXES, camera())
    above = context_of(tmp_path / "above", BOXES, camera((0.0, 3.2, 5.5), pitch_deg=-88.0))
    assert len(above) >= 4
    assert asked_families(level) >= RANGES
    assert not asked_families(above) & RANGES
    assert "horizontal_distance" in asked_families(above)


def test_the_width_is_asked_only_of_what_has_a_front(tmp_path):
    view_context = context_of(tmp_path, BOXES, camera())
    row_of = {name: row for row, name in enumerate(view_context.categories)}
    assert "width" in asked_families(view_context, row_of["Sofa"])
    for name in ("DiningTable", "FloorLamp", "Painting"):
        assert "width" not in asked_families(view_context, row_of[name])
    table, sofa = row_of["DiningTable"], row_of["Sofa"]
    assert "same_width" not in asked_families(view_context, table, sofa)
    # 0.5 m or 0.9 m: whichever side is its width, the sofa of 1.7 m is wider.
    assert "wider" in asked_families(view_context, table, sofa)
    # The fridge of 0.8 m lies between the two sides.
    assert "wider" not in asked_families(view_context, table, row_of["Fridge"])


def test_length_is_not_asked_of_what_is_taller_than_long(tmp_path):
    view_context = context_of(tmp_path, BOXES, camera())
    row_of = {name: row for row, name in enumerate(view_context.categories)}
    assert "length" in asked_families(view_context, row_of["Sofa"])
    assert "longer" in asked_families(view_context, row_of["Sofa"], row_of["DiningTable"])
    for name in ("FloorLamp", "Fridge"):
        assert "length" not in asked_families(view_context, row_of[name])
        assert "longer" not in asked_families(view_context, row_of[name], row_of["Sofa"])


def test_small_things_get_neither_mark_nor_box(tmp_path):
    boxes = [*BOXES, Box("Vase", (0.3, 4.0, 1.9), (0.1, 0.1, 0.5))]
    view_context = context_of(tmp_path, boxes, camera())
    vase = view_context.categories.index("Vase")
    x0, _, x1, _ = view_context.measured.box_px[vase]
    assert x1 - x0 < MIN_SIDE_PX
    for seed in range(20):
        marks = choose_marks(
            view_context, ("marked", "boxed", "region"), np.random.default_rng(seed)
        )
        assert marks["marked"]
        assert marks["boxed"]
        assert vase not in {*marks["marked"].values(), *marks["boxed"].values()}
        assert vase in marks["region"].values()
    _, dropped = generate_for_shard(
        tmp_path / "0000.zarr", tmp_path / "procthor", forms=("marked", "boxed", "region")
    )
    assert {row.form for row in dropped if row.reason == TOO_SMALL} == {"marked", "boxed"}


def test_a_thing_in_another_room_is_not_spoken_of_as_in_the_room(tmp_path):
    path = write_shard(tmp_path / "0000.zarr", {"house": (BOXES, [camera()])})
    shard, contexts = open_contexts(path)
    assert contexts.of(0).elsewhere == frozenset()
    objects = shard.objects.copy()
    objects.loc[objects["category"] == "Painting", "room_id"] = "room|3"
    shard.__dict__["objects"] = objects
    again = ViewContexts(shard, GroundTruthShard(shard), min_pixels=5, min_fraction_visible=0.0)
    view_context = again.of(0)
    row_of = {name: row for row, name in enumerate(view_context.categories)}
    assert view_context.elsewhere == {row_of["Painting"]}
    pair = row_of["Painting"], row_of["Sofa"]
    assert "above_below" not in asked_families(view_context, *pair)
    here = replace(view_context, elsewhere=frozenset())
    assert "above_below" in asked_families(here, *pair)


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """Return a shard of a room seen one way, nearly the same way, the other way, and aside."""
    boxes = [
        *room(8.0, 8.0),
        Box("Sofa", (4.0, 6.5, 0.4), (1.7, 0.8, 0.8)),
        Box("Fridge", (5.6, 7.0, 0.9), (0.8, 0.7, 1.8)),
        Box("DiningTable", (2.2, 6.0, 0.35), (1.2, 0.8, 0.7)),
        Box("Bed", (4.0, 1.2, 0.3), (1.5, 2.0, 0.6)),
        Box("Safe", (2.5, 1.5, 0.3), (0.5, 0.5, 0.6)),
    ]
    cameras = [camera((4.0, 4.0, 1.5), yaw_deg=yaw_deg) for yaw_deg in (0.0, 8.0, 180.0, 70.0)]
    return write_shard(tmp_path_factory.mktemp("turned") / "0000.zarr", {"house": (boxes, cameras)})


def test_the_shared_surface_of_two_views_is_measured(turned):
    shard = ViewShard.open(turned)
    assert seen_share(shard, 0, 0) > 0.99
    assert 0.8 < seen_share(shard, 0, 1) < 0.98
    assert seen_share(shard, 0, 3) < 0.2
    assert seen_share(shard, 0, 2) == 0.0


def test_two_views_must_share_objects_and_surface(turned):
    shard, contexts = open_contexts(turned)
    one, near, back, aside = (contexts.of(view) for view in range(4))
    assert not overlap_problem(shard, one, near)
    assert overlap_problem(shard, one, back) == NOTHING_COMMON
    # One object in common, and next to no surface.
    row = one.measured.instance[:1]
    same = replace(aside, measured=replace(aside.measured, instance=row))
    assert overlap_problem(shard, one, same) == TOO_LITTLE


def test_what_is_left_out_is_counted(turned, tmp_path):
    questions, dropped = generate_for_shard(
        turned, tmp_path / "procthor", questions_per_view=4, questions_per_pair=20
    )
    pairs = {question.view_id for question in questions if question.images}
    assert len(pairs) == 1
    counts = {row.reason: row.count for row in dropped if not row.family}
    assert counts.get(NOTHING_COMMON, 0) + counts.get(TOO_LITTLE, 0) == 2
