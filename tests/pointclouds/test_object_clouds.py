"""From masks and depth to clean clouds: what is cut, what must stay, what is flagged."""

import numpy as np
import pytest

from testing.box_scenes import Box, render, room
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.pointclouds.depth_error import ESTIMATE, EXACT, SENSOR
from workflow_scripts.pointclouds.object_clouds import MIN_POINTS, ObjectClouds, object_clouds
from workflow_scripts.pointclouds.sensor_noise import add_sensor_noise

CAMERA = Camera.look(
    (2.5, 0.3, 1.5),
    yaw_deg=0.0,
    pitch_deg=-10.0,
    width_px=160,
    height_px=120,
    vertical_fov_deg=80.0,
)
SOFA = Box("Sofa", (2.5, 2.5, 0.4), (1.8, 0.8, 0.8))
SOFA_ID = 7


def seen(*boxes: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return depth f32 and instances of a room with boxes; the first box is instance 7."""
    _, depth_m, instance = render([*room(), *boxes], CAMERA)
    return depth_m.astype(np.float32), instance


def cloud(clouds: ObjectClouds, number: int = 0) -> np.ndarray:
    return clouds.point_m[clouds.start[number] : clouds.start[number + 1]]


def outside_m(points: np.ndarray, box: Box) -> np.ndarray:
    """Return how far points [n] lie outside a box whose sides are along the axes."""
    beyond = np.abs(points - box.centre_m) - np.array(box.size_m) / 2
    return np.maximum(beyond, 0).max(axis=1)


def test_exact_depth_keeps_every_pixel():
    depth_m, instance = seen(SOFA)
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=EXACT)
    assert len(cloud(clouds)) == clouds.pixels[0] == (instance == SOFA_ID).sum()
    assert outside_m(cloud(clouds), SOFA).max() < 1e-4


def test_border_pixels_are_cut_where_depth_is_a_sensors():
    depth_m, instance = seen(SOFA)
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=SENSOR)
    mask = instance == SOFA_ID
    inner = mask.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inner &= np.roll(mask, step, axis)
    assert len(cloud(clouds)) == inner.sum() < mask.sum()
    assert clouds.pixels[0] == mask.sum()


def test_a_mask_that_spills_over_brings_no_wall_along():
    """A mask three pixels too wide has wall in it, and depth that mixes lamp and wall."""
    lamp = Box("CeilingLamp", (2.5, 2.5, 1.4), (1.0, 0.4, 0.5))
    depth_m, instance = seen(lamp)
    mask = instance == SOFA_ID
    wide = mask.copy()
    for step in (1, 2, 3):
        wide[:, step:] |= mask[:, :-step]
    spilled = np.where(wide, SOFA_ID, instance).astype(np.uint16)
    edge = wide & ~mask & np.roll(mask, 1, axis=1)
    before = np.roll(depth_m, 1, axis=1)
    depth_m[edge] = (depth_m[edge] + before[edge]) / 2
    assert (depth_m[wide & ~mask] > 2.9).sum() > 30
    clouds = object_clouds(depth_m, spilled, CAMERA, [SOFA_ID], error=SENSOR)
    assert outside_m(cloud(clouds), lamp).max() < 0.02


def test_strays_inside_a_mask_are_cut():
    depth_m, instance = seen(SOFA)
    rows, columns = np.nonzero(instance == SOFA_ID)
    some = np.random.default_rng(3).permutation(len(rows))[:12]
    depth_m[rows[some], columns[some]] *= 0.5
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=SENSOR)
    assert outside_m(cloud(clouds), SOFA).max() < 0.02


def test_only_the_largest_cluster_stays():
    """A mask that holds two things a metre apart is the larger one's."""
    lamp = Box("FloorLamp", (1.0, 3.2, 0.8), (0.3, 0.3, 1.6))
    depth_m, instance = seen(SOFA, lamp)
    joined = np.where(instance == SOFA_ID + 1, SOFA_ID, instance).astype(np.uint16)
    clouds = object_clouds(depth_m, joined, CAMERA, [SOFA_ID], error=SENSOR)
    assert outside_m(cloud(clouds), SOFA).max() < 0.02
    assert len(cloud(clouds)) > 0.8 * (instance == SOFA_ID).sum()


def test_pixels_that_the_estimator_is_unsure_of_are_cut():
    depth_m, instance = seen(SOFA)
    confidence = np.where(np.arange(160) < 80, 0.2, 0.9) * np.ones((120, 1))
    depth_m[:, :80] += 1.0
    clouds = object_clouds(
        depth_m,
        instance,
        CAMERA,
        [SOFA_ID],
        error=ESTIMATE,
        confidence=confidence,
        min_confidence=0.5,
    )
    assert outside_m(cloud(clouds), SOFA).max() < 0.02
    everything = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=EXACT)
    assert outside_m(cloud(everything), SOFA).max() > 0.5


def test_a_leg_thinner_than_the_border_stays():
    """All of a pole two pixels wide is border; without it a lamp would be its shade alone."""
    pole = Box("FloorLamp", (2.5, 2.5, 0.9), (0.05, 0.05, 1.8))
    depth_m, instance = seen(pole)
    widths = (instance == SOFA_ID).sum(axis=1)
    assert 0 < widths.max() <= 3
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=SENSOR)
    assert np.ptp(cloud(clouds)[:, 2]) > 1.7


def test_cut_off_by_the_border_is_flagged_and_nothing_else():
    depth_m, instance = seen(SOFA, Box("Shelf", (1.0, 1.2, 1.0), (0.4, 1.2, 2.0)))
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID, SOFA_ID + 1], error=EXACT)
    assert clouds.truncated.tolist() == [False, True]


@pytest.mark.parametrize("error", [EXACT, SENSOR])
def test_covered_by_a_nearer_thing_is_flagged(error):
    lamp = Box("FloorLamp", (2.2, 1.5, 0.8), (0.3, 0.3, 1.6))
    depth_m, instance = seen(SOFA, lamp)
    if error is SENSOR:
        rng = np.random.default_rng(5)
        depth_m, instance = add_sensor_noise(depth_m, instance, error=error, rng=rng)
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID, SOFA_ID + 1], error=error)
    assert clouds.occluded.tolist() == [True, False]


@pytest.mark.parametrize("error", [EXACT, SENSOR])
def test_standing_on_a_table_is_not_being_covered(error):
    table = Box("DiningTable", (2.5, 2.2, 0.4), (1.6, 1.0, 0.8))
    vase = Box("Vase", (2.5, 2.4, 1.0), (0.3, 0.3, 0.4))
    depth_m, instance = seen(vase, table)
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=error)
    assert clouds.occluded.tolist() == [False]


@pytest.mark.parametrize("error", [EXACT, SENSOR])
@pytest.mark.parametrize("is_hidden", [True, False])
def test_a_covered_foot_is_flagged_however_thin(error, is_hidden):
    """The foot is a hundredth of the outline, but without it nobody knows how tall the lamp is."""
    lamp = Box("FloorLamp", (2.5, 2.5, 0.85), (0.1, 0.1, 1.7))
    chest = Box("Chest", (2.5 if is_hidden else 3.5, 1.9, 0.2), (1.0, 0.3, 0.4))
    depth_m, instance = seen(lamp, chest)
    clouds = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=error)
    assert clouds.occluded.tolist() == [is_hidden]


@pytest.mark.parametrize(("y_m", "is_hidden"), [(1.4, True), (0.8, False)])
def test_what_covers_is_seen_through_a_long_lens_too(y_m, is_hidden):
    """A seat under a table's top, from far above: a pixel there spans less, and so does a step."""
    camera = Camera.look(
        (2.5, 2.0, 9.5),
        yaw_deg=0.0,
        pitch_deg=-90.0,
        width_px=160,
        height_px=160,
        vertical_fov_deg=24.0,
    )
    seat = Box("Stool", (2.5, y_m, 0.42), (0.4, 0.4, 0.06))
    table = Box("DiningTable", (2.5, 2.0, 0.72), (1.6, 1.0, 0.06))
    floor = Box("floor", (2.5, 2.0, -0.05), (9.0, 9.0, 0.1), kind="structure")
    _, depth_m, instance = render([seat, table, floor], camera)
    clouds = object_clouds(depth_m.astype(np.float32), instance, camera, [1], error=EXACT)
    assert clouds.pixels[0] > 100
    assert clouds.occluded.tolist() == [is_hidden]


def test_clouds_are_in_the_order_asked_and_an_empty_mask_moves_none():
    """An object without a cloud keeps its place, so that no other object gets its name."""
    lamp = Box("FloorLamp", (1.0, 3.2, 0.8), (0.3, 0.3, 1.6))
    depth_m, instance = seen(SOFA, lamp)
    depth_m[instance == SOFA_ID + 1] = np.nan
    instance[0, :3] = 40
    wanted = [40, SOFA_ID + 1, 39, SOFA_ID]
    clouds = object_clouds(depth_m, instance, CAMERA, wanted, error=EXACT)
    assert clouds.instance.tolist() == wanted
    assert clouds.reason == (
        f"fewer than {MIN_POINTS} pixels with depth",
        f"fewer than {MIN_POINTS} pixels with depth",
        "no pixel in its mask",
        "",
    )
    assert np.diff(clouds.start).tolist() == [0, 0, 0, (instance == SOFA_ID).sum()]
    assert outside_m(cloud(clouds, 3), SOFA).max() < 1e-4


def test_one_object_does_not_touch_another():
    """The points of an object are the same whatever else is asked about."""
    lamp = Box("FloorLamp", (1.0, 3.2, 0.8), (0.3, 0.3, 1.6))
    depth_m, instance = seen(SOFA, lamp)
    depth_m, instance = add_sensor_noise(
        depth_m, instance, error=SENSOR, rng=np.random.default_rng(1)
    )
    both = object_clouds(depth_m, instance, CAMERA, [SOFA_ID + 1, SOFA_ID], error=SENSOR)
    alone = object_clouds(depth_m, instance, CAMERA, [SOFA_ID], error=SENSOR)
    np.testing.assert_array_equal(cloud(both, 1), cloud(alone))


def test_how_far_a_mask_reaches_beyond_its_points_is_noted():
    depth_m, instance = seen(SOFA)
    rows = np.flatnonzero((instance == SOFA_ID).any(axis=1))
    cut = depth_m.copy()
    cut[rows[-6:]] = np.nan
    for error in (EXACT, SENSOR):
        whole, less = (
            object_clouds(depth, instance, CAMERA, [SOFA_ID], error=error).lost_px[0]
            for depth in (depth_m, cut)
        )
        assert whole.tolist() == [0, 0]
        # A sensor's border of one pixel is cut everywhere and is no loss.
        assert less.tolist() == [0, 6 if error is EXACT else 5]
