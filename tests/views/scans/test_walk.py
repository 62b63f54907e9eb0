"""The simulated walk: clear of obstacles, smooth, deterministic."""

import numpy as np
import pytest
import shapely

from tests.views.houses import l_shaped_room, living_room
from tests.views.pathtrace_scenes import load
from workflow_scripts.common.errors import UserError
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.views.backends.pathtrace import PathtraceRenderer, TracedHouse
from workflow_scripts.views.scans.render_walks import walkable_area
from workflow_scripts.views.scans.walk import MAX_YAW_RATE_DEG_S, Walk, plan_walk

PERSON_M = (0.1, 1.55)
"""Heights between which nothing may be near the person: above the feet, up to the camera."""


def walk_in(area: object, seed: int = 0, **changes: float) -> Walk:
    given = {"num_frames": 80, "rate_hz": 2.0, "speed_m_s": 0.4, **changes}
    return plan_walk(area, np.random.default_rng(seed), **given)  # type: ignore[arg-type]


def obstacle_points(house: TracedHouse) -> np.ndarray:
    """Return points [n, 2] on the drawn walls, doors and furniture that a person could hit."""
    triangles = house.triangle_mesh.triangles.astype(np.float64)
    corners = np.random.default_rng(0).dirichlet((1, 1, 1), size=(len(triangles), 12))
    points = np.concatenate([np.einsum("tpc,tcd->tpd", corners, triangles), triangles], axis=1)
    instance = np.repeat(house.triangle_mesh.instance, points.shape[1])
    names = {row.instance: row.category for row in house.objects}
    doors = [number for number, name in names.items() if name in ("door", "doorframe")]
    points = points.reshape(-1, 3)
    is_hit = (points[:, 2] > PERSON_M[0]) & (points[:, 2] < PERSON_M[1])
    # A door's frame and handle reach out of the wall and the leaf that a path keeps clear of.
    return points[is_hit & ~np.isin(instance, doors), :2]


@pytest.fixture(scope="module")
def generated() -> list[TracedHouse]:
    renderer = PathtraceRenderer(preset="draft", furniture="procedural")
    return [renderer.load(generate_house(7, number), scene_id=str(number)) for number in (0, 1)]


def test_walks_keep_clear_of_what_is_drawn(generated: list[TracedHouse]) -> None:
    for number, house in enumerate(generated):
        walk = walk_in(walkable_area(house), seed=number)
        drawn = shapely.MultiPoint(obstacle_points(house))
        assert shapely.LineString(walk.path_m).distance(drawn) >= 0.2
        assert shapely.LineString(walk.position_m[:, :2]).distance(drawn) >= 0.19


@pytest.mark.parametrize("seed", range(5))
def test_walks_are_smooth(seed: int) -> None:
    area = walkable_area(load(living_room()))
    for rate_hz, speed_m_s in ((2.0, 0.4), (10.0, 1.5)):
        walk = walk_in(area, seed, rate_hz=rate_hz, speed_m_s=speed_m_s)
        steps = np.linalg.norm(np.diff(walk.position_m[:, :2], axis=0), axis=1)
        assert (steps * rate_hz <= speed_m_s * 1.001).all()
        assert steps.mean() * rate_hz > 0.6 * speed_m_s
        assert (np.abs(np.diff(walk.yaw_deg)) * rate_hz <= MAX_YAW_RATE_DEG_S * 1.001).all()
        assert np.ptp(walk.yaw_deg) > 60
        assert -30 < walk.pitch_deg.min() < walk.pitch_deg.max() < 5
        assert np.ptp(walk.position_m[:, 2]) < 0.1
        assert walk.time_s == pytest.approx(np.arange(80) / rate_hz)


def test_walks_stay_in_their_area_and_see_all_of_it() -> None:
    house = load(l_shaped_room())
    area = walkable_area(house)
    walk = walk_in(area, num_frames=160)
    assert area.buffer(1e-6).covers(shapely.LineString(walk.path_m))
    places = shapely.MultiPoint(walk.position_m[:, :2])
    far = area.difference(places.buffer(1.6))
    assert far.area < 0.05 * area.area


def test_walks_are_deterministic_and_differ_by_seed() -> None:
    area = walkable_area(load(living_room()))
    first, again, other = (walk_in(area, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.position_m, again.position_m)
    assert np.array_equal(first.yaw_deg, again.yaw_deg)
    assert not np.array_equal(first.position_m, other.position_m)


def test_one_frame_and_thousands_can_be_asked_for() -> None:
    area = walkable_area(load(living_room()))
    assert len(walk_in(area, num_frames=1)) == 1
    walk = walk_in(area, num_frames=5000, rate_hz=30.0)
    assert len(walk) == 5000
    assert np.isfinite(walk.position_m).all()


def test_someone_without_space_turns_around() -> None:
    spot = shapely.box(0.99, 0.99, 1.01, 1.01)
    walk = walk_in(spot, num_frames=30)
    assert np.ptp(walk.position_m[:, :2], axis=0).max() == 0
    assert np.ptp(walk.yaw_deg) > 180
    for nowhere in (shapely.Polygon(), shapely.box(0.01, 0.01, 0.02, 0.02)):
        with pytest.raises(UserError, match="no floor to walk on"):
            walk_in(nowhere)


def test_a_backend_with_points_alone_walks_between_neighbours() -> None:
    class Points:
        def reachable_m(self) -> np.ndarray:
            corridor = [(x * 0.25, 0.0, 0.0) for x in range(9)]
            return np.array([*corridor, (0.0, 0.25, 0.0), (0.25, 0.25, 0.0), (9.0, 9.0, 0.0)])

    area = walkable_area(Points())  # type: ignore[arg-type]
    walk = walk_in(area)
    assert area.covers(shapely.LineString(walk.path_m))
    assert walk.position_m[:, 0].max() > 1.5
