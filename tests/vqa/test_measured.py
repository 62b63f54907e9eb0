"""Questions about what was measured: a floor decides what is up, hidden things have no size."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from tests.synthetic import Box, room, write_shard
from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.measurements import MeasuredShard
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import Dropped
from workflow_scripts.common.storage import read_records
from workflow_scripts.common.views import ViewShard, table_path
from workflow_scripts.pointclouds import measure_objects
from workflow_scripts.vqa import shard as asking
from workflow_scripts.vqa.every import every_batch
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
from workflow_scripts.vqa.shapes.base import Margins
from workflow_scripts.vqa.sight import Sight, Sights

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
    pd.read_parquet(rows).assign(pose_source="none").to_parquet(rows)
    if blank:
        zarr.open_group(shard)["depth_m"][:] = 2.0
    measure_objects.main(views=shard, out=shard.with_suffix(""), seed=7)
    return shard


def sights(path: Path) -> list[Sight]:
    shard = ViewShard.open(path)
    made = Sights(
        shard, MeasuredShard(shard, path), min_pixels=20, min_fraction_visible=0.1, from_truth=False
    )
    return [made.of(view) for view in range(len(shard))]


def asked(path: Path) -> tuple[list[Question], list[Dropped]]:
    out = path.with_suffix(".jsonl")
    asking.main(
        views=path,
        clouds=path,
        out=out,
        images=path.with_suffix(".images"),
        dropped=path.with_suffix(".dropped.jsonl"),
        picture=path.with_suffix(".png"),
        min_pixels=20,
        questions_per_view=400,
    )
    dropped = read_records(path.with_suffix(".dropped.jsonl"), Dropped)
    return read_records(out, Question), dropped


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos") / "0000.zarr", NEAR, FAR, HIDDEN)


@pytest.fixture(scope="module")
def answers(photos) -> tuple[list[Question], list[Dropped]]:
    return asked(photos)


def test_the_frame_of_a_floor_turns_nothing_round(photos):
    """The near thing is in front, the left one left, the tall one's middle higher."""
    for sight in sights(photos):
        assert sight.measured.gravity.source == "floor"
        assert sight.has_gravity
        near, far = (sight.categories.index(name) for name in ("Sofa", "Fridge"))
        assert metres_in_front(sight)[0][near, far] > 0.5
        assert metres_in_front(sight)[0][far, near] < -0.5
        assert px_to_the_left(sight)[0][near, far] > 10
        assert sight.measured.centre_m[far, 2] > sight.measured.centre_m[near, 2] + 0.2
        np.testing.assert_allclose(sight.measured.size_m[[near, far], 2], [0.8, 1.5], atol=0.05)


def test_an_unsure_up_counts_in_heights_and_in_level_offsets(photos):
    """A tilt lifts what is far away, and moves what is high to the side."""
    sight = sights(photos)[0]
    measured = sight.measured
    assert measured.sigma_up > 0
    known = measured.gravity.model_copy(update={"sigma_up_deg": 0.0})
    sure = replace(sight, measured=replace(measured, gravity=known))
    level = measured.horizontal_distance_m[0]
    upright = measured.vertical_distance_m[0]
    for measure, lever in (
        (metres_higher, level),
        (metres_above, level),
        (metres_further_left, upright),
        (metres_further_away, upright),
    ):
        (value, sigma), (same, less) = measure(sight), measure(sure)
        np.testing.assert_array_equal(value, same)
        grown = np.sqrt(np.maximum(sigma**2 - less**2, 0))
        np.testing.assert_allclose(grown, measured.sigma_up * lever, atol=1e-6)


def test_seen_from_above_no_middle_has_a_measured_height(photos):
    sight = sights(photos)[1]
    steep = sight.measured.gravity.model_copy(update={"pitch_deg": -80.0})
    above = replace(sight, measured=replace(sight.measured, gravity=steep))
    for one, is_measured in (
        (sight, True),
        (above, False),
        (replace(above, from_truth=True), True),
    ):
        assert np.isfinite(vertical_distance_m(one)[1]).all() == is_measured
        asked_of = {made.family.name for made in every_batch(one, Margins(), seed=1)}
        assert ("vertical_distance" in asked_of) == is_measured
    np.testing.assert_array_equal(vertical_distance_m(above)[0], vertical_distance_m(sight)[0])


def test_a_height_is_not_a_width(answers):
    questions, _ = answers
    values = {
        one.family: float(one.truth)
        for one in questions
        if one.kind == "open" and one.referents[0].category == "Fridge"
        if one.family in ("width", "height")
    }
    assert values["height"] == pytest.approx(1.5, abs=0.06)
    assert values.get("width", 0.7) == pytest.approx(0.7, abs=0.06)


def test_a_hidden_thing_is_never_asked_for_its_size(photos, answers):
    assert all(
        sight.measured.occluded[sight.categories.index("Bed")]
        for sight in sights(photos)
        if "Bed" in sight.categories
    )
    questions, dropped = answers
    of_bed = [
        one.family for one in questions if "Bed" in {named.category for named in one.referents}
    ]
    assert of_bed
    assert not set(of_bed) & set(SIZES)
    assert any(row.reason == "object partly hidden" and row.count for row in dropped)


def test_without_a_floor_nothing_is_asked_about_up_and_the_views_are_counted(tmp_path):
    path = write_photos(tmp_path / "0000.zarr", NEAR, FAR, blank=True)
    assert not any(sight.has_gravity for sight in sights(path))
    questions, dropped = asked(path)
    upright = {one.name for one in FAMILIES if one.requires.gravity or one.requires.level}
    assert {"height", "taller", "above_below", "tallest"} <= upright
    assert questions
    assert not {one.family for one in questions} & upright
    reasons = Counter({(row.family, row.reason): row.count for row in dropped})
    assert reasons["", "view where up is not known"] == 2
    assert reasons["height", "up is not known"] > 0
