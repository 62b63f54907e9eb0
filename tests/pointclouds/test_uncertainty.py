"""Is the stated uncertainty right? Errors in sigmas, over rooms of boxes seen by a noisy sensor."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.synthetic import Box, render, room
from workflow_scripts.common import upright
from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.gravity import axes_of_pose, gravity_row
from workflow_scripts.pointclouds.depth_error import SENSOR
from workflow_scripts.pointclouds.sensor import disturbed
from workflow_scripts.pointclouds.view import Thing, measure_view

NUM_ROOMS = 10
QUANTITIES = ("distance", "nearest", "height", "centre height", "gap", "centres apart")


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
        camera = Camera.look(
            (2.5, 0.2, 1.6),
            yaw_deg=float(rng.uniform(-8, 8)),
            pitch_deg=-15.0,
            width_px=224,
            height_px=168,
            vertical_fov_deg=80.0,
        )
        _, depth_m, instance = render(boxes, camera)
        depth_m, instance = disturbed(depth_m.astype(np.float32), instance, error=SENSOR, rng=rng)
        gravity = gravity_row(
            axes_of_pose(camera.world_from_camera),
            view=0,
            view_id="v",
            scene_id="s",
            source="pose",
            camera_height_m=1.6,
        )
        things = [Thing(one + 1, f"{one}", "Box", "object") for one in range(5)]
        rows, gaps = measure_view(depth_m, instance, camera, things, gravity, error=SENSOR)
        whole = {row.instance: row for row in rows if not (row.truncated or row.occluded)}
        centre, size = (
            np.array([getattr(box, name) for box in boxes[:5]]) for name in ("centre_m", "size_m")
        )
        yaw = np.array([box.yaw_deg for box in boxes[:5]])
        nearest = upright.nearest_to_point_m(centre, size, yaw, camera.position_m)
        gap = upright.gaps_m(centre, size, yaw)
        for instance_id, row in whole.items():
            one = instance_id - 1
            far = float(np.linalg.norm(centre[one] - camera.position_m))
            found["distance"].append((row.distance_m - far) / row.sigma_distance_m)
            found["nearest"].append((row.nearest_m - nearest[one]) / row.sigma_nearest_m)
            found["height"].append((row.height_m - size[one, 2]) / row.sigma_height_m)
            found["centre height"].append((row.z_m - centre[one, 2]) / row.sigma_z_m)
        for pair in gaps:
            a, b = pair.instance_a, pair.instance_b
            if a in whole and b in whole:
                found["gap"].append((pair.gap_m - gap[a - 1, b - 1]) / pair.sigma_gap_m)
                apart = abs(whole[a].z_m - whole[b].z_m) - abs(centre[a - 1, 2] - centre[b - 1, 2])
                sigma = np.hypot(whole[a].sigma_z_m, whole[b].sigma_z_m)
                found["centres apart"].append(apart / sigma)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_most_errors_lie_within_two_sigmas(sigmas, quantity):
    """The share due is 95 %; boxes are simpler than furniture, so that more is no surprise."""
    errors = sigmas[quantity]
    assert len(errors) >= 25
    assert (np.abs(errors) <= 2).mean() >= 0.9
    # Not so wide that nothing could ever be asked: errors do fill a good part of the interval.
    assert np.abs(errors).max() > 0.5


def test_more_noise_gives_larger_sigmas():
    rng = np.random.default_rng(0)
    boxes = furnished(rng)
    camera = Camera.look(
        (2.5, 0.2, 1.6),
        yaw_deg=0.0,
        pitch_deg=-15.0,
        width_px=160,
        height_px=120,
        vertical_fov_deg=80.0,
    )
    _, depth_m, instance = render(boxes, camera)
    gravity = gravity_row(
        axes_of_pose(camera.world_from_camera),
        view=0,
        view_id="v",
        scene_id="s",
        source="pose",
        camera_height_m=1.6,
    )
    things = [Thing(one + 1, f"{one}", "Box", "object") for one in range(5)]
    names = ("sigma_distance_m", "sigma_nearest_m", "sigma_height_m", "sigma_x_m", "sigma_z_m")
    stated = []
    for error in (SENSOR, replace(SENSOR, scale=0.1), replace(SENSOR, scale=0.1, mask_px=2.0)):
        rows, gaps = measure_view(
            depth_m.astype(np.float32), instance, camera, things, gravity, error=error
        )
        values = [[getattr(row, name) for name in names] for row in rows if not row.reason]
        stated.append((np.array(values), np.array([pair.sigma_gap_m for pair in gaps])))
    for (few, few_gaps), (many, many_gaps) in pairwise(stated):
        assert (many >= few).all()
        assert (many > few).any(axis=0).all() or (many_gaps > few_gaps).any()
        assert (many_gaps >= few_gaps).all()
