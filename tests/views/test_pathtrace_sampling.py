"""How the draws of paths are spread, and which rays need not be cast."""

import numpy as np
import pytest
from shapely.geometry import Polygon, box

from tests.views.houses import living_room
from tests.views.pathtrace_scenes import camera, load
from tests.views.test_pathtrace_light_cells import sunny_room
from tests.views.test_pathtrace_lighting import empty_room
from workflow_scripts.views.pathtrace.ceiling_map import closed_ceiling
from workflow_scripts.views.pathtrace.light_ray_kernels import PointArrays
from workflow_scripts.views.pathtrace.sobol import PathDraws, path_numbers
from workflow_scripts.views.pathtrace.surfaces import STEP_M


@pytest.mark.parametrize("decision", [0, 1, 7, 70])
def test_aligned_blocks_of_draws_have_one_point_in_every_elementary_interval(decision):
    draws = PathDraws(np.random.default_rng(decision))
    points = draws.pairs(np.arange(256, dtype=np.uint32), decision).astype(np.float64)
    assert points.min() >= 0
    assert points.max() < 1
    for bits in range(9):
        blocks = points.reshape(2, -1, 1 << bits)
        for of_first in range(bits + 1):
            column = (blocks[0] * 2**of_first).astype(int)
            row = (blocks[1] * 2 ** (bits - of_first)).astype(int)
            cell = np.sort(column * 2 ** (bits - of_first) + row, axis=1)
            assert (cell == np.arange(1 << bits)).all()


def test_decisions_draw_independently_of_each_other():
    draws, path = PathDraws(np.random.default_rng(0)), np.arange(4096, dtype=np.uint32)
    numbers = np.concatenate([draws.pairs(path, decision) for decision in range(6)])
    correlation = np.corrcoef(numbers) - np.eye(len(numbers))
    assert np.abs(correlation).max() < 0.08
    again = PathDraws(np.random.default_rng(0)).pairs(path, 5)
    assert np.array_equal(again, numbers[10:])
    other = PathDraws(np.random.default_rng(1)).pairs(path, 5)
    assert np.abs(np.corrcoef(again[0], other[0])[0, 1]) < 0.08


def test_squares_of_pixels_have_consecutive_paths_whatever_part_of_the_picture_is_numbered():
    whole = path_numbers(24, 0, 16, 4).reshape(16, 24, 4)
    assert len(np.unique(whole)) == whole.size
    assert np.array_equal(path_numbers(24, 5, 9, 4), whole[5:9].ravel())
    square = np.sort(whole[8:12, 16:20].ravel())
    assert np.array_equal(square, square[0] + np.arange(64))


def test_neighbouring_pixels_are_less_noisy_together_than_independent_ones():
    tracer = load(empty_room())._tracer
    view = camera((2.5, 1.0, 1.5), pitch_deg=-60, size_px=32, fov_deg=40)

    def light(samples: int) -> np.ndarray:
        random = np.random.default_rng(samples)
        traced = tracer.radiance(view, samples=samples, bounces=0, random=random)
        return (traced.colour / traced.albedo).astype(np.float64)

    noise = light(4) - light(256)
    squares = noise.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    # Of 16 independent pixels the mean has a quarter of their noise.
    assert np.median(np.abs(squares)) < 0.6 * np.median(np.abs(noise)) / 4
    # Four independent draws of lamps have twice the noise.
    assert np.median(np.abs(noise)) < 0.008


def test_a_picture_does_not_depend_on_how_many_paths_are_traced_together(monkeypatch):
    traced = load(sunny_room(), preset="default")
    view = camera((1.6, 0.4, 1.5), yaw_deg=-40, size_px=32)
    whole = traced.render(view, seed=3)
    monkeypatch.setattr("workflow_scripts.views.pathtrace.tracer._PATHS_PER_BATCH", 700)
    parts = traced.render(view, seed=3)
    assert parts.rgb.tobytes() == whole.rgb.tobytes()


def test_half_of_the_paths_bring_the_bounced_light_of_all():
    tracer = load(living_room())._tracer
    view = camera((1.6, 0.4, 1.5), yaw_deg=-40, size_px=64)

    def brightness(samples: int) -> float:
        random = np.random.default_rng(5)
        light = tracer.radiance(view, samples=samples, bounces=2, random=random)
        return float(light.colour.mean())

    # A single path has no other that could stand for it.
    assert brightness(4) == pytest.approx(brightness(1), rel=0.02)
    assert brightness(3) == pytest.approx(brightness(1), rel=0.02)


def test_points_below_the_ceiling_lie_in_the_shade_without_a_ray():
    tracer = load(sunny_room())._tracer
    assert tracer.has_sun
    num_facing = num_sunlit = num_rays = 0
    for yaw_deg in (0, 90, 180, 270):
        centre = tracer.centre_hits(camera((2.5, 2.0, 1.5), yaw_deg=yaw_deg, size_px=96))
        seen, _ = tracer.surfaces.camera_rays(centre.origins, centre.directions)
        hits = tracer.surfaces.surface_hits(seen)
        hits = hits.select(np.flatnonzero(hits.sides >= 0))
        to_sun = tracer._sky.to_sun.astype(np.float32)
        facing = np.flatnonzero(hits.normals @ to_sun > 0.01)
        origins = (hits.points + hits.normals * np.float32(STEP_M))[facing]
        is_free = tracer.surfaces.unoccluded(origins, np.broadcast_to(to_sun * 100, origins.shape))
        points = PointArrays(
            hits.face, hits.points, hits.normals, hits.albedo, hits.sides, hits.points
        )
        assert np.array_equal(tracer._sunlit(points), facing[is_free])
        num_facing += len(facing)
        num_sunlit += int(is_free.sum())
        num_rays += len(tracer._sun_rays(points)[0])
    assert 0 < num_sunlit < num_rays < 0.6 * num_facing


def test_a_cell_of_the_ceiling_is_closed_only_within_one_room():
    corner = Polygon([(0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)])
    ceiling = closed_ceiling([corner, box(4, 0, 6, 2)], 2.5)
    assert ceiling.height_m == np.float32(2.5)

    def is_closed(x: float, y: float) -> bool:
        i, j = np.floor((np.array([x, y]) - ceiling.low_m) / ceiling.cell_m).astype(int)
        return bool(ceiling.is_closed[i, j])

    assert all(is_closed(*place) for place in [(1, 3), (3, 1), (5, 1)])
    # Cells at walls may lie over them.
    assert not any(is_closed(*place) for place in [(3, 3), (5, 3), (3.99, 1), (1.99, 3)])
