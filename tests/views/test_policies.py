"""Camera policies: exact directions from corners, true height, and no pose outside the room."""

import math

import numpy as np
import pytest
import shapely

from tests.views import houses
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import Camera, heading_vector, project
from workflow_scripts.sources.readers.procthor_house import Room, rooms
from workflow_scripts.views.policies import (
    CAMERA_HEIGHT_M,
    CORNER_PITCH_DEG,
    NEAREST_POINTS,
    POLICIES,
    corner,
    corners,
    panorama,
    points_in,
    random,
    top_down,
)
from workflow_scripts.views.probe import BLOCKED, EMPTY, probe_camera, rejection_reason


def room_of(polygon: list[tuple[float, float]], height_m: float = 2.6) -> Room:
    """Make a room from a polygon in world metres; the reader makes polygons clockwise."""
    points = np.array(polygon, dtype=float)
    if shapely.Polygon(points).exterior.is_ccw:
        points = points[::-1]
    return Room("room|2", "Bedroom", points, height_m)


def grid(room: Room, step_m: float = 0.25, margin_m: float = 0.2) -> np.ndarray:
    low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
    xs, ys = np.meshgrid(*(np.arange(a, b, step_m) for a, b in zip(low, high, strict=True)))
    inner = room.shape.buffer(-margin_m)
    keep = shapely.contains_xy(inner, xs.ravel(), ys.ravel())
    return np.stack([xs.ravel()[keep], ys.ravel()[keep], np.zeros(keep.sum())], axis=1)


SQUARE = room_of([(0, 0), (4, 0), (4, 4), (0, 4)])
L_SHAPE = room_of([(0, 0), (6, 0), (6, 3), (3, 3), (3, 6), (0, 6)])
# Every corner of this one looks in a direction of its own.
UNEVEN_L = room_of([(0, 0), (7, 0), (7, 3), (3, 3), (3, 5), (0, 5)])


def yaw_at(room: Room, vertex: tuple[float, float]) -> float:
    return next(yaw for point, yaw in corners(room) if tuple(point) == vertex)


@pytest.mark.parametrize(
    ("vertex", "yaw_deg"), [((0, 0), -45.0), ((4, 0), 45.0), ((4, 4), 135.0), ((0, 4), -135.0)]
)
def test_the_corners_of_a_square_look_along_its_diagonals(vertex, yaw_deg):
    assert yaw_at(SQUARE, vertex) == pytest.approx(yaw_deg)


def test_a_corner_looks_at_the_centroid_of_its_neighbours_and_itself():
    # ((0, 0), (6, 0), (0, 6)) has its centroid at (2, 2).
    assert yaw_at(L_SHAPE, (0.0, 0.0)) == pytest.approx(-45.0)
    # At (6, 0) it is (4, 1): two metres to the left, one up.
    assert yaw_at(L_SHAPE, (6.0, 0.0)) == pytest.approx(math.degrees(math.atan2(2, 1)))


def test_a_reflex_corner_looks_away_from_the_notch():
    # The centroid of (6, 3), (3, 3), (3, 6) is (4, 4), outside: the view goes to (-1, -1).
    yaw = yaw_at(L_SHAPE, (3.0, 3.0))
    assert heading_vector(yaw)[:2] == pytest.approx([-math.sqrt(0.5), -math.sqrt(0.5)])


@pytest.mark.parametrize("turn_deg", range(0, 360, 15))
def test_directions_turn_with_the_room_in_every_quadrant(turn_deg):
    turn = math.radians(turn_deg)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    turned = Room("room|2", "Bedroom", L_SHAPE.polygon_m @ rotation.T, 2.6)
    for (_, yaw), (_, turned_yaw) in zip(corners(L_SHAPE), corners(turned), strict=True):
        assert heading_vector(turned_yaw) == pytest.approx(heading_vector(yaw + turn_deg), abs=1e-9)


def test_axis_aligned_directions_are_exact():
    kite = room_of([(0, -2), (2, 0), (0, 2), (-2, 0)])
    assert yaw_at(kite, (0.0, -2.0)) == pytest.approx(0.0)
    assert yaw_at(kite, (-2.0, 0.0)) == pytest.approx(-90.0)
    assert abs(yaw_at(kite, (0.0, 2.0))) == pytest.approx(180.0)
    assert yaw_at(kite, (2.0, 0.0)) == pytest.approx(90.0)


def test_a_vertex_in_the_middle_of_a_wall_is_no_corner():
    plain = corners(SQUARE)
    extra = corners(room_of([(0, 0), (1.5, 0), (4, 0), (4, 4), (0, 4), (0, 3)]))
    assert sorted(yaw for _, yaw in extra) == pytest.approx(sorted(yaw for _, yaw in plain))


def test_corner_cameras_stand_among_the_ten_nearest_points_at_eye_height():
    points = grid(UNEVEN_L)
    nearest = {}
    for vertex, yaw in corners(UNEVEN_L):
        order = np.argsort(np.linalg.norm(points[:, :2] - vertex, axis=1), kind="stable")
        nearest[round(yaw, 6)] = {tuple(p) for p in points[order[:NEAREST_POINTS], :2]}
    for pose in corner(UNEVEN_L, points, rng(1), 4):
        assert pose.position_m[2] == CAMERA_HEIGHT_M == 1.576
        assert pose.pitch_deg == CORNER_PITCH_DEG == -30.0
        assert pose.position_m[:2] in nearest[round(pose.yaw_deg, 6)]


def test_every_corner_is_tried_before_any_is_tried_again():
    poses = corner(UNEVEN_L, grid(UNEVEN_L), rng(1), 4)
    assert len({round(pose.yaw_deg, 6) for pose in poses[:6]}) == len(corners(UNEVEN_L)) == 6
    assert len(poses) == len(set(poses)) > 6


def test_one_reachable_point_is_enough_and_none_gives_no_pose():
    one = np.array([[1.0, 1.0, 0.0]])
    assert {pose.position_m[:2] for pose in corner(SQUARE, one, rng(1), 4)} == {(1.0, 1.0)}
    assert len(random(SQUARE, one, rng(1), 4)) >= 4
    outside = np.array([[9.0, 9.0, 0.0]])
    for policy in (corner, random, panorama):
        assert policy(SQUARE, outside, rng(1), 4) == []
        assert policy(SQUARE, np.zeros((0, 3)), rng(1), 4) == []


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_poses_depend_on_the_generator_alone_and_stay_in_the_room(policy):
    points = np.concatenate([grid(L_SHAPE), [[50.0, 50.0, 0.0]]])
    first = POLICIES[policy](L_SHAPE, points, rng(3, "a"), 6)
    assert first == POLICIES[policy](L_SHAPE, points, rng(3, "a"), 6)
    assert first
    for pose in first:
        assert L_SHAPE.shape.buffer(1e-9).contains(shapely.Point(pose.position_m[:2]))
        assert -180.0 <= pose.yaw_deg < 180.0


def test_random_poses_look_every_way_and_a_little_down():
    poses = random(L_SHAPE, grid(L_SHAPE), rng(5), 40)
    yaws = np.array([pose.yaw_deg for pose in poses])
    assert all(-25.0 <= pose.pitch_deg <= 0.0 for pose in poses)
    assert np.histogram(yaws, bins=4, range=(-180, 180))[0].min() > 0.15 * len(poses)


def test_a_panorama_turns_in_equal_steps_at_the_freest_point():
    poses = panorama(SQUARE, grid(SQUARE), rng(2), 6)
    assert len(poses) == 6
    assert {pose.position_m for pose in poses} == {(2.0, 2.0, CAMERA_HEIGHT_M)}
    steps = np.diff(np.unwrap(np.deg2rad([pose.yaw_deg for pose in poses])))
    assert np.rad2deg(steps) == pytest.approx(60.0)


@pytest.mark.parametrize("room", [SQUARE, L_SHAPE, room_of([(0, 0), (2, 0), (2, 9), (0, 9)])])
def test_the_view_from_above_holds_the_whole_floor_from_above_the_ceiling(room):
    (pose,) = top_down(room, np.zeros((0, 3)), rng(1), 1)
    assert pose.position_m[2] > room.height_m
    camera = Camera.look(
        pose.position_m,
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        width_px=100,
        height_px=100,
        vertical_fov_deg=pose.vertical_fov_deg,
    )
    floor = np.column_stack([room.polygon_m, np.zeros(len(room.polygon_m))])
    pixels, depth = project(floor, camera.intrinsics, camera.world_from_camera)
    assert (depth > 0).all()
    assert (pixels > 0).all()
    assert (pixels < 100).all()
    # The longer side lies across the picture.
    extent = np.ptp(pixels, axis=0)
    assert extent[0] >= extent[1] - 1e-9


def test_points_of_other_rooms_are_left_out():
    points = np.array([[1.0, 1.0, 0.0], [5.0, 5.0, 0.0], [2.0, 5.0, 0.0]])
    assert points_in(L_SHAPE, points)[:, 0].tolist() == [1.0, 2.0]


def test_the_reader_makes_rooms_clockwise_so_that_corners_face_inwards():
    for house in (houses.living_room(), houses.l_shaped_room()):
        (room,) = rooms(house)
        for vertex, yaw in corners(room):
            assert room.shape.contains(shapely.Point(vertex + 0.01 * heading_vector(yaw)[:2]))


def picture(near_share: float, *, near_m: float, instance: int) -> tuple[np.ndarray, np.ndarray]:
    depth = np.full((10, 10), 3.0)
    ids = np.full((10, 10), 7)
    rows = round(10 * near_share)
    depth[:rows], ids[:rows] = near_m, instance
    ids[9, :5] = 3
    return depth, ids


@pytest.mark.parametrize(
    ("share", "near_m", "reason"),
    [(0.5, 0.9, BLOCKED), (0.4, 0.9, None), (0.5, 1.1, None), (0.9, 0.2, BLOCKED)],
)
def test_a_view_is_blocked_by_a_near_instance_on_more_than_forty_percent(share, near_m, reason):
    depth, ids = picture(share, near_m=near_m, instance=4)
    assert rejection_reason(depth, ids, object_instances=[3], min_fraction=0.01) == reason


def test_a_view_without_enough_of_an_object_is_empty():
    depth, ids = picture(0.2, near_m=3.0, instance=4)
    assert rejection_reason(depth, ids, object_instances=[3], min_fraction=0.05) is None
    assert rejection_reason(depth, ids, object_instances=[3], min_fraction=0.06) == EMPTY
    assert rejection_reason(depth, ids, object_instances=[], min_fraction=0.01) == EMPTY
    assert (
        rejection_reason(depth * np.nan, ids * 0, object_instances=[3], min_fraction=0.01) == EMPTY
    )


def test_the_probe_sees_the_same_field_of_view():
    camera = Camera.look(
        (1, 2, 1.5), yaw_deg=30, pitch_deg=-10, width_px=640, height_px=480, vertical_fov_deg=70
    )
    small = probe_camera(camera)
    assert (small.width_px, small.height_px) == (64, 48)
    point = np.array([1.5, 4.0, 1.0])
    pixel, _ = project(point, camera.intrinsics, camera.world_from_camera)
    probed, _ = project(point, small.intrinsics, small.world_from_camera)
    assert probed == pytest.approx(pixel / 10)
