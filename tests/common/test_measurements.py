"""Measurements from ground truth, and through tables: one form for both."""

from pathlib import Path

import numpy as np
import pytest

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.measurements import (
    MeasuredShard,
    Measurements,
    ground_truth_measurements,
)
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow, records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard, table_path


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return ViewShard.open(write_shard(path, {"house-a": living_room_scene()}))


@pytest.fixture(scope="module")
def truth(shard: ViewShard) -> Measurements:
    return ground_truth_measurements(shard, 0)


def index(measurements: Measurements, label: str) -> int:
    return measurements.label.index(label)


def test_truth_is_the_boxes_with_no_uncertainty(truth):
    sofa = index(truth, "Sofa")
    np.testing.assert_allclose(truth.centre_m[sofa], [1.2, 3.2, 0.4])
    np.testing.assert_allclose(truth.size_m[sofa], [1.8, 0.8, 0.8])
    for name in ("centre_m", "size_m", "extent_m", "nearest_m", "distance_m", "gap_m"):
        assert not getattr(truth, f"sigma_{name}").any()
    assert truth.has_front.all()
    assert truth.gravity.accepted
    assert truth.gravity.source == "pose"


def test_extents_are_seen_from_the_camera(truth):
    # The camera stands at (2.5, 0.3, 1.576) and looks along +Y.
    sofa, lamp = index(truth, "Sofa"), index(truth, "FloorLamp")
    np.testing.assert_allclose(truth.low_m[sofa], [-2.2, 2.5, 0.0], atol=1e-9)
    np.testing.assert_allclose(truth.high_m[sofa], [-0.4, 3.3, 0.8], atol=1e-9)
    np.testing.assert_allclose(truth.centre_level_m[lamp], [0.1, 3.3, 0.8], atol=1e-9)


def test_distances_are_what_their_names_say(truth):
    vase, lamp = index(truth, "Vase"), index(truth, "FloorLamp")
    offset = np.array([3.4, 2.6, 0.9]) - [2.6, 3.6, 0.8]
    assert truth.centre_distance_m[0][vase, lamp] == pytest.approx(np.linalg.norm(offset))
    assert truth.horizontal_distance_m[0][vase, lamp] == pytest.approx(np.hypot(0.8, 1.0))
    assert truth.vertical_distance_m[0][vase, lamp] == pytest.approx(0.1)
    assert truth.gap_m[vase, lamp] == pytest.approx(np.hypot(0.8 - 0.23, 1.0 - 0.23))
    assert truth.gap_m[vase, index(truth, "DiningTable")] == pytest.approx(0.0, abs=1e-12)
    camera = np.array([2.5, 0.3, 1.576])
    assert truth.distance_m[lamp] == pytest.approx(np.linalg.norm([2.6, 3.6, 0.8] - camera))
    assert truth.nearest_m[lamp] == pytest.approx(np.hypot(3.15, 0.0))


def test_a_steep_view_says_so(shard):
    assert ground_truth_measurements(shard, 1).gravity.pitch_deg == pytest.approx(-90.0)


def measured_row(instance: int, **changes) -> MeasuredRow:
    values: dict = {}
    for name, field in MeasuredRow.model_fields.items():
        values[name] = {float: float(instance), int: 1, bool: False, str: ""}.get(
            field.annotation, "object"
        )
    return MeasuredRow(**{**values, "view": 0, "instance": instance, **changes})


def test_tables_give_the_same_form_and_keep_labels_in_step(shard, truth, tmp_path: Path):
    clouds = tmp_path / "0000.zarr"
    gravity = [truth.gravity, truth.gravity.model_copy(update={"view": 1})]
    write_table(table_path(clouds, "gravity"), records_to_frame(gravity, GravityRow))
    rows = [
        measured_row(7, label="Sofa"),
        measured_row(8, label="Vase", reason="no points"),
        measured_row(9, label="Lamp", sigma_x_m=0.3, sigma_y_m=0.4, sigma_z_m=0.0),
    ]
    write_table(table_path(clouds, "measured"), records_to_frame(rows, MeasuredRow))
    gap = GapRow(view=0, scene_id="house-a", instance_a=7, instance_b=9, gap_m=0.5, sigma_gap_m=0.1)
    write_table(table_path(clouds, "gaps"), records_to_frame([gap], GapRow))

    measurements = MeasuredShard(shard, clouds).of(0)
    assert measurements.label == ("Sofa", "Lamp")
    assert measurements.unmeasured == {8: "no points"}
    assert measurements.gap_m[0, 1] == measurements.gap_m[1, 0] == 0.5
    np.testing.assert_array_equal(measurements.centre_m[1], [9, 9, 9])
    assert len(MeasuredShard(shard, clouds).of(1)) == 0


def test_errors_of_both_ends_add_up_along_the_line_between_them(truth):
    import dataclasses

    sigma = np.zeros_like(truth.centre_m)
    vase, lamp = index(truth, "Vase"), index(truth, "FloorLamp")
    sigma[vase, 2], sigma[lamp, 2] = 0.03, 0.04
    noisy = dataclasses.replace(truth, sigma_centre_m=sigma)
    assert noisy.vertical_distance_m[1][vase, lamp] == pytest.approx(0.05)
    assert noisy.horizontal_distance_m[1][vase, lamp] == 0.0
    straight = noisy.centre_distance_m
    assert straight[1][vase, lamp] == pytest.approx(0.05 * 0.1 / straight[0][vase, lamp])
