"""Is the stated uncertainty right? Errors in sigmas, over rooms of boxes seen by a noisy sensor."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from testing.box_scenes import Box, render, room
from tests.pointclouds.measurement_helpers import measure_and_read, view_gravity
from workflow_scripts.common.measurements import Measurements
from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.pointclouds.depth_error import SENSOR
from workflow_scripts.pointclouds.measure_view import SceneObject
from workflow_scripts.pointclouds.sensor_noise import add_sensor_noise
from workflow_scripts.vqa.view_context import select_objects

NUM_ROOMS = 10
QUANTITIES = (
    *("distance", "nearest", "height", "length", "top", "bottom", "centre height"),
    *("view width", "gap", "centre distance", "horizontal distance", "vertical distance"),
)
# What depends on up, where up follows from the floor.
TILTED = ("height", "top", "bottom", "horizontal distance", "vertical distance")


OBJECTS = [SceneObject(one + 1, f"{one}", "Box", "object") for one in range(5)]


def camera_at(yaw_deg: float, *, width_px: int, height_px: int) -> Camera:
    """Look into the room from its near wall."""
    return Camera.look(
        (2.5, 0.2, 1.6),
        yaw_deg=yaw_deg,
        pitch_deg=-15.0,
        width_px=width_px,
        height_px=height_px,
        vertical_fov_deg=80.0,
    )


def furnished(rng: np.random.Generator) -> list[Box]:
    """Return a room with five boxes in a row of places, none touching."""
    boxes = []
    for place in range(5):
        size = rng.uniform(0.3, 0.8, 3)
        centre = (0.6 + 0.9 * place, float(rng.uniform(1.9, 3.2)), float(size[2] / 2))
        boxes.append(Box("Box", centre, tuple(size.tolist()), float(rng.uniform(-45, 45))))
    return [*boxes, *room()]


@pytest.fixture(scope="module")
def sigmas() -> dict[str, np.ndarray]:
    """Return by quantity the errors in sigmas, of what is whole in the picture."""
    found = defaultdict(list)
    for number in range(NUM_ROOMS):
        rng = np.random.default_rng(number)
        boxes = furnished(rng)
        camera = camera_at(float(rng.uniform(-8, 8)), width_px=224, height_px=168)
        _, depth_m, instance = render(boxes, camera)
        depth_m, instance = add_sensor_noise(
            depth_m.astype(np.float32), instance, error=SENSOR, rng=rng
        )
        for source in ("pose", "floor"):
            gravity = view_gravity(
                depth_m, camera, error=SENSOR, rng=rng, from_pose=source == "pose"
            )
            assert gravity.accepted
            *_, measured = measure_and_read(
                depth_m, instance, camera, OBJECTS, gravity, error=SENSOR
            )
            for name, errors in errors_in_sigmas(measured, boxes, camera).items():
                found[name if source == "pose" else f"{name}, up from the floor"].append(errors)
    return {name: np.concatenate(values) for name, values in found.items()}


def errors_in_sigmas(
    measured: Measurements, boxes: list[Box], camera: Camera
) -> dict[str, np.ndarray]:
    """Return by quantity the errors of what is whole in the picture, in sigmas.

    True extents across the camera's heading are those of the box's corners.
    """
    rows = np.flatnonzero(~(measured.truncated | measured.occluded))
    mine = [boxes[one] for one in measured.instance[rows] - 1]
    centre, size = (
        np.array([getattr(box, name) for box in mine]) for name in ("centre_m", "size_m")
    )
    yaw = np.array([box.yaw_deg for box in mine])
    right = upright_boxes.box_corners(centre, size, yaw) @ camera.world_from_camera[:3, 0]
    found = select_objects(measured, rows.tolist())
    longer = found.size_m[:, :2].argmax(axis=1)
    one, other = np.triu_indices(len(rows), 1)
    step = centre[one] - centre[other]
    width = found.high_m[:, 0] - found.low_m[:, 0]
    pairs = {
        "gap": (
            found.gap_m,
            found.sigma_gap_m,
            upright_boxes.box_gaps_m(centre, size, yaw)[one, other],
        ),
        "centre distance": (*found.centre_distance_m, np.linalg.norm(step, axis=1)),
        "horizontal distance": (*found.horizontal_distance_m, np.linalg.norm(step[:, :2], axis=1)),
        "vertical distance": (*found.vertical_distance_m, np.abs(step[:, 2])),
    }
    each = np.arange(len(rows))
    far = np.linalg.norm(centre - camera.position_m, axis=1)
    nearest = upright_boxes.distance_to_point_m(centre, size, yaw, camera.position_m)
    up = found.sigma_extent_m[:, 2]
    values = {
        "distance": (found.distance_m, found.sigma_distance_m, far),
        "nearest": (found.nearest_m, found.sigma_nearest_m, nearest),
        "height": (found.size_m[:, 2], found.sigma_size_m[:, 2], size[:, 2]),
        "length": (
            found.size_m[each, longer],
            found.sigma_size_m[each, longer],
            size[:, :2].max(axis=1),
        ),
        "top": (found.high_m[:, 2], up, centre[:, 2] + size[:, 2] / 2),
        "bottom": (found.low_m[:, 2], up, centre[:, 2] - size[:, 2] / 2),
        "centre height": (found.centre_m[:, 2], found.sigma_centre_m[:, 2], centre[:, 2]),
        "view width": (width, np.sqrt(2) * found.sigma_extent_m[:, 0], np.ptp(right, axis=1)),
        **{
            name: (value[one, other], sigma[one, other], true)
            for name, (value, sigma, true) in pairs.items()
        },
    }
    return {name: (value - true) / sigma for name, (value, sigma, true) in values.items()}


@pytest.mark.parametrize(
    "quantity", [*QUANTITIES, *(f"{name}, up from the floor" for name in TILTED)]
)
def test_most_errors_lie_within_two_sigmas(sigmas, quantity):
    """The share due is 95 %; boxes are simpler than furniture, so that more is no surprise."""
    errors = sigmas[quantity]
    assert len(errors) >= 25
    share = (np.abs(errors) <= 2).mean()
    assert share >= 0.9, f"{share:.3f} of {len(errors)}, median {np.median(errors):.2f}"
    # Not so wide that nothing could ever be asked: errors do fill a good part of the interval.
    assert np.abs(errors).max() > 0.4


def test_more_noise_gives_larger_sigmas():
    rng = np.random.default_rng(0)
    boxes = furnished(rng)
    camera = camera_at(0.0, width_px=160, height_px=120)
    _, depth_m, instance = render(boxes, camera)
    depth_m = depth_m.astype(np.float32)
    gravity = view_gravity(depth_m, camera, error=SENSOR)
    names = ("sigma_distance_m", "sigma_nearest_m", "sigma_height_m", "sigma_x_m", "sigma_z_m")
    stated = []
    for error in (SENSOR, replace(SENSOR, scale=0.1), replace(SENSOR, scale=0.1, mask_px=1.0)):
        rows, gaps, _ = measure_and_read(depth_m, instance, camera, OBJECTS, gravity, error=error)
        values = [[getattr(row, name) for name in names] for row in rows if not row.reason]
        stated.append((np.array(values), np.array([pair.sigma_gap_m for pair in gaps])))
    for (few, few_gaps), (many, many_gaps) in pairwise(stated):
        # A mask that wanders more is also drawn in more, and with it what its box may hide.
        assert (many >= 0.9 * few).all(), (many / few).min(axis=0)
        assert (many.mean(axis=0) >= 0.98 * few.mean(axis=0)).all()
        assert (many > few).any(axis=0).all() or (many_gaps > few_gaps).any()
        assert many_gaps.mean() > few_gaps.mean()
