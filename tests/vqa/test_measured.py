"""Questions about what was measured: a floor decides what is up, hidden things have no size."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from testing.box_scenes import Box, room, write_shard
from testing.result_files import record_checksum
from testing.vqa.scenes import DEFAULT_MARGINS
from tests.vqa.generation import SETTINGS
from workflow_scripts.common.measurements import MeasuredShard
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records, write_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.pointclouds import measure_objects
from workflow_scripts.vqa import generate_questions as shard_command
from workflow_scripts.vqa.enumerate_questions import enumerate_batches
from workflow_scripts.vqa.families import FAMILIES
from workflow_scripts.vqa.measures import (
    metres_above,
    metres_further_away,
    metres_further_left,
    metres_higher,
    metres_in_front,
    px_to_the_left,
    vertical_distance_m,
)
from workflow_scripts.vqa.view_context import ViewContext, ViewContexts

NEAR = Box("Sofa", (1.6, 2.2, 0.4), (0.8, 0.6, 0.8))
FAR = Box("Fridge", (3.2, 3.2, 0.75), (0.7, 0.6, 1.5))
HIDDEN = Box("Bed", (1.7, 3.4, 0.3), (1.4, 0.8, 0.6))
SIZES = ("width", "height", "length", "footprint", "taller", "wider", "bigger", "longer")


def looking_down(pitch_deg: float) -> Camera:
    return Camera.look(
        (2.5, 0.2, 1.6),
        yaw_deg=0.0,
        pitch_deg=pitch_deg,
        width_px=160,
        height_px=120,
        vertical_fov_deg=80.0,
    )


def write_photos(path: Path, *boxes: Box, blank: bool = False) -> Path:
    """Write views as of photos: nobody knows their pose. `blank`: no depth but a flat sheet's."""
    shard = write_shard(path, {"a": ([*room(), *boxes], [looking_down(p) for p in (-10, -30)])})
    rows = table_path(shard, "views")
    write_table(rows, pd.read_parquet(rows).assign(pose_source="none"))
    if blank:
        zarr.open_group(shard)["depth_m"][:] = 2.0
        record_checksum(shard)
    measure_objects.main(views=shard, out=shard.with_suffix(""), seed=7)
    return shard


def view_contexts(path: Path) -> list[ViewContext]:
    shard = ViewShard.open(path)
    made = ViewContexts(
        shard, MeasuredShard(shard, path), min_pixels=20, min_fraction_visible=0.1, from_truth=False
    )
    return [made.of(view) for view in range(len(shard))]


def generate(path: Path, **changes: Any) -> tuple[list[Question], list[DroppedQuestions]]:
    out = path.with_suffix(".jsonl")
    shard_command.main(
        views=path,
        clouds=path,
        out=out,
        images=path.with_suffix(".images"),
        dropped=path.with_suffix(".dropped.jsonl"),
        picture=path.with_suffix(".png"),
        settings=SETTINGS.model_copy(update={"questions_per_view": 400, **changes}),
        seed=7,
    )
    dropped = read_records(path.with_suffix(".dropped.jsonl"), DroppedQuestions)
    return read_records(out, Question), dropped


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos") / "0000.zarr", NEAR, FAR, HIDDEN)


@pytest.fixture(scope="module")
def answers(photos) -> tuple[list[Question], list[DroppedQuestions]]:
    return generate(photos)


def test_the_frame_of_a_floor_turns_nothing_round(photos):
    """The near thing is in front, the left one left, the tall one's middle higher."""
    for view_context in view_contexts(photos):
        assert view_context.measured.gravity.source == "floor"
        assert view_context.has_gravity
        near, far = (view_context.categories.index(name) for name in ("Sofa", "Fridge"))
        assert metres_in_front(view_context)[0][near, far] > 0.5
        assert metres_in_front(view_context)[0][far, near] < -0.5
        assert px_to_the_left(view_context)[0][near, far] > 10
        assert (
            view_context.measured.centre_m[far, 2] > view_context.measured.centre_m[near, 2] + 0.2
        )
        np.testing.assert_allclose(
            view_context.measured.size_m[[near, far], 2], [0.8, 1.5], atol=0.05
        )


def test_an_unsure_up_counts_in_heights_and_in_level_offsets(photos):
    """A tilt lifts what is far away, and moves what is high to the side."""
    view_context = view_contexts(photos)[0]
    measured = view_context.measured
    assert measured.sigma_up > 0
    known = measured.gravity.model_copy(update={"sigma_up_deg": 0.0})
    sure = replace(view_context, measured=replace(measured, gravity=known))
    level = measured.horizontal_distance_m[0]
    upright = measured.vertical_distance_m[0]
    for measure, lever in (
        (metres_higher, level),
        (metres_above, level),
        (metres_further_left, upright),
        (metres_further_away, upright),
    ):
        (value, sigma), (same, less) = measure(view_context), measure(sure)
        np.testing.assert_array_equal(value, same)
        grown = np.sqrt(np.maximum(sigma**2 - less**2, 0))
        np.testing.assert_allclose(grown, measured.sigma_up * lever, atol=1e-6)


def test_seen_from_above_no_middle_has_a_measured_height(photos):
    view_context = view_contexts(photos)[1]
    steep = view_context.measured.gravity.model_copy(update={"pitch_deg": -80.0})
    above = replace(view_context, measured=replace(view_context.measured, gravity=steep))
    for one, is_measured, is_seen in (
        (view_context, True, True),
        (above, False, False),
        (replace(above, from_truth=True), True, False),
    ):
        assert np.isfinite(vertical_distance_m(one)[1]).all() == is_measured
        asked_of = {made.family.name for made in enumerate_batches(one, DEFAULT_MARGINS, seed=1)}
        assert ("vertical_distance" in asked_of) == is_seen
    np.testing.assert_array_equal(
        vertical_distance_m(above)[0], vertical_distance_m(view_context)[0]
    )


def test_a_height_is_not_a_width(photos, answers):
    questions, _ = generate(photos, multiple_choice=False)
    values = {
        question.family: float(question.truth)
        for question in questions
        if question.kind == "open" and question.referents[0].category == "Fridge"
        if question.family in ("width", "height")
    }
    assert values["height"] == pytest.approx(1.5, abs=0.06)
    assert values.get("width", 0.7) == pytest.approx(0.7, abs=0.06)


def test_a_hidden_thing_is_never_asked_for_its_size(photos, answers):
    assert all(
        view_context.measured.occluded[view_context.categories.index("Bed")]
        for view_context in view_contexts(photos)
        if "Bed" in view_context.categories
    )
    questions, dropped = answers
    of_bed = [
        question.family
        for question in questions
        if "Bed" in {named.category for named in question.referents}
    ]
    assert of_bed
    assert not set(of_bed) & set(SIZES)
    assert any(row.reason == "object partly hidden" and row.count for row in dropped)


def test_without_a_floor_nothing_is_asked_about_up_and_the_views_are_counted(tmp_path):
    path = write_photos(tmp_path / "0000.zarr", NEAR, FAR, blank=True)
    assert not any(view_context.has_gravity for view_context in view_contexts(path))
    questions, dropped = generate(path)
    upright = {
        family.name for family in FAMILIES if family.requires.gravity or family.requires.level
    }
    assert {"height", "taller", "above_below", "tallest"} <= upright
    assert questions
    assert not {question.family for question in questions} & upright
    reasons = Counter({(row.family, row.reason): row.count for row in dropped})
    assert reasons["", "view where up is not known"] == 2
    assert reasons["height", "up is not known"] > 0
