"""Two hundred views that no camera makes: nothing raises, nothing is lost, labels stay in step."""

import warnings

import numpy as np
import pytest

from tests.pointclouds.measurement_helpers import measure_and_read, view_gravity
from workflow_scripts.common.measurements import Measurements
from workflow_scripts.common.records import MeasuredRow
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.pointclouds.depth_error import DEPTH_ERROR_MODELS, EXACT
from workflow_scripts.pointclouds.measure_view import SceneObject
from workflow_scripts.pointclouds.sensor_noise import add_sensor_noise

NUM_INPUTS = 200
HEIGHT, WIDTH = 48, 64
LABELS = ("Sofa", "sofa", "Sofa", "茶碗", "", "a\nb", "<image>", "é" * 300, "{a}", "no 1")


def camera_at(yaw_deg: float, pitch_deg: float) -> Camera:
    return Camera.look(
        (0.0, 0.0, 1.5),
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_px=WIDTH,
        height_px=HEIGHT,
        vertical_fov_deg=60.0,
    )


def depth_of(rng: np.random.Generator) -> np.ndarray:
    """Return a depth map f32 [h, w] that is flat, noisy, empty, or full of what is no depth."""
    kind = rng.integers(6)
    depth_m = np.full((HEIGHT, WIDTH), rng.choice([0.01, 2.0, 80.0]), np.float32)
    if kind == 1:
        depth_m = rng.uniform(0.1, 10.0, depth_m.shape).astype(np.float32)
    elif kind == 2:
        depth_m[:] = rng.choice([np.nan, np.inf, 0.0, -1.0])
    elif kind == 3:
        depth_m = np.exp(rng.normal(0, 3, depth_m.shape)).astype(np.float32)
    elif kind == 4:
        depth_m += np.arange(WIDTH, dtype=np.float32) * rng.choice([0.0, 1e-6, 5.0])
    spoilt = rng.random(depth_m.shape) < rng.choice([0.0, 0.3, 0.99])
    bad = rng.choice([np.nan, np.inf, -np.inf, 0.0, -3.0], depth_m.shape)
    return np.where(spoilt, bad, depth_m).astype(np.float32)


def masks_of(rng: np.random.Generator) -> np.ndarray:
    """Return instances u16 [h, w]: none, one everywhere, single pixels, lines, a chequerboard."""
    kind = rng.integers(6)
    mask = np.zeros((HEIGHT, WIDTH), np.uint16)
    if kind == 1:
        mask[:] = 65_535 if rng.random() < 0.5 else 1
    elif kind == 2:
        for number in range(1, 9):
            mask[rng.integers(HEIGHT), rng.integers(WIDTH)] = number
    elif kind == 3:
        mask = rng.integers(0, 10, mask.shape).astype(np.uint16)
    elif kind == 4:
        mask[::2, :], mask[:, ::3] = 3, 4
    elif kind == 5:
        for number in range(1, rng.integers(2, 10)):
            top, left = rng.integers(HEIGHT), rng.integers(WIDTH)
            mask[top : top + rng.integers(1, 30), left : left + rng.integers(1, 30)] = number
    return mask


def objects_of(mask: np.ndarray, rng: np.random.Generator) -> list[SceneObject]:
    """Return what is asked about: everything in the mask and something that is not, shuffled."""
    instances = [number for number in np.unique(mask).tolist() if number]
    instances += [number for number in (5, 60_000) if number not in instances]
    order = rng.permutation(len(instances))
    return [
        SceneObject(
            instances[place], f"object|{instances[place]}", str(rng.choice(LABELS)), "object"
        )
        for place in order.tolist()
    ]


def measure_random_view(
    seed: int,
) -> tuple[np.ndarray, list[SceneObject], list[MeasuredRow], Measurements]:
    """Measure hostile view `seed`; a warning is an error."""
    rng = np.random.default_rng(seed)
    depth_m, mask = depth_of(rng), masks_of(rng)
    camera = camera_at(float(rng.uniform(-180, 180)), float(rng.choice([-90, -20, 0, 45])))
    error = DEPTH_ERROR_MODELS[str(rng.choice(list(DEPTH_ERROR_MODELS)))]
    if rng.random() < 0.3:
        depth_m, mask = add_sensor_noise(depth_m, mask, error=error, rng=rng)
    confidence = rng.choice([0.0, 1.0, np.nan], mask.shape) if rng.random() < 0.3 else None
    objects = objects_of(mask, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_pose = bool(rng.random() < 0.5)
        gravity = view_gravity(depth_m, camera, error=error, rng=rng, from_pose=from_pose)
        rows, _, found = measure_and_read(
            depth_m,
            mask,
            camera,
            objects,
            gravity,
            error=error,
            confidence=confidence,
            min_confidence=0.5 if confidence is not None else 0.0,
        )
    return mask, objects, rows, found


@pytest.mark.parametrize("block", range(10))
def test_hostile_views(block):
    """Every thing asked about has its row, in its place, with numbers or with a reason."""
    for seed in range(block, NUM_INPUTS, 10):
        mask, objects, rows, found = measure_random_view(seed)
        expected = [(one.instance, one.object_id, one.label) for one in objects]
        assert [(row.instance, row.object_id, row.label) for row in rows] == expected, seed
        good = [row for row in rows if not row.reason]
        for row in rows:
            assert row.pixels == (mask == row.instance).sum(), seed
            numbers = np.array([row.x_m, row.width_m, row.sigma_height_m, row.distance_m])
            assert np.isfinite(numbers).all() == (not row.reason), (seed, row)
            assert (row.num_points > 0) == (not row.reason), (seed, row)
        assert found.instance.tolist() == [row.instance for row in good], seed
        assert set(found.unmeasured) == {row.instance for row in rows if row.reason}, seed
        assert len(found) + len(found.unmeasured) == len(objects), seed
        for name in ("gap_m", "sigma_gap_m", "size_m", "sigma_size_m", "sigma_extent_m"):
            values = getattr(found, name)
            assert np.isfinite(values).all(), (seed, name)
            assert (values >= 0).all(), (seed, name)
        assert (found.low_m <= found.high_m).all(), seed
        np.testing.assert_array_equal(found.gap_m, found.gap_m.T)


def test_a_pixel_line_and_a_point_have_no_negative_side():
    """Forty pixels in a row, and sixteen at nearly one place in space."""
    camera = camera_at(0.0, 0.0)
    mask = np.zeros((HEIGHT, WIDTH), np.uint16)
    mask[10, :40], mask[12:16, 50:54] = 1, 2
    depth_m = np.where(mask == 2, 1e-6, 2.0).astype(np.float32)
    gravity = view_gravity(depth_m, camera, error=EXACT)
    objects = [SceneObject(1, "line", "Line", "object"), SceneObject(2, "point", "Point", "object")]
    rows, gaps, _ = measure_and_read(depth_m, mask, camera, objects, gravity, error=EXACT)
    assert [row.reason for row in rows] == ["", ""]
    assert rows[0].height_m < 0.15
    assert rows[0].width_m > 1.0
    assert max(rows[1].width_m, rows[1].depth_m, rows[1].height_m) < 1e-5
    assert len(gaps) == 1
    assert gaps[0].gap_m == pytest.approx(rows[0].nearest_m, abs=0.1)
