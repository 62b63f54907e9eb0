"""Fusion against hand-made boxes: where the points lie, what they carry, and symmetries."""

import numpy as np
import pytest

from testing.box_scenes import Box, living_room_scene, render, room
from tests.pointclouds.conftest import LOOK, corner_cameras
from workflow_scripts.common.cloud_shard import Cloud
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import Camera, rotation_about_up
from workflow_scripts.pointclouds.fuse import View, fuse

VOXEL_M = 0.04


def views_of(boxes: list[Box], cameras: list[Camera]) -> list[View]:
    return [
        View(rgb, depth_m.astype(np.float32), instance, camera)
        for camera in cameras
        for rgb, depth_m, instance in [render(boxes, camera)]
    ]


def distance_to_surface(points: np.ndarray, box: Box) -> np.ndarray:
    """Return the distance of points to the surface of a box."""
    local = np.abs((points - np.array(box.centre_m)) @ rotation_about_up(box.yaw_deg))
    beyond = local - np.array(box.size_m) / 2
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=1)
    return np.abs(outside + np.minimum(beyond.max(axis=1), 0))


@pytest.fixture(scope="module")
def boxes() -> list[Box]:
    return living_room_scene()[0]


@pytest.fixture(scope="module")
def views(boxes: list[Box]) -> list[View]:
    return views_of(boxes, corner_cameras())


@pytest.fixture(scope="module")
def cloud(views: list[View]) -> Cloud:
    return fuse(views, voxel_m=VOXEL_M, normals=True)[0]


def test_every_point_of_a_tiny_voxel_lies_on_its_box(boxes, views):
    """With voxels smaller than pixels nothing is averaged over an edge."""
    cloud, _ = fuse(views, voxel_m=0.002)

    for index, box in enumerate(boxes):
        mine = cloud.point_m[cloud.instance == index + 1]
        assert len(mine) > 100
        assert distance_to_surface(mine.astype(np.float64), box).max() < 1e-4


def test_points_on_flat_faces_stay_on_them_after_averaging(boxes, cloud):
    floor = cloud.point_m[cloud.instance == 1]
    assert np.abs(floor[:, 2]).max() < 1e-4
    table_top = cloud.point_m[(cloud.instance == 8) & (cloud.normal[:, 2] > 0.99)]
    assert np.abs(table_top[:, 2] - 0.75).max() < 1e-4


def test_a_cell_holds_one_point_per_instance_and_the_right_mean():
    """Two pixels of 1 x 2 at depth 1 and 3 m; the camera looks along +Y from the origin."""
    camera = Camera.look(
        (0, 0, 0), yaw_deg=0.0, pitch_deg=0.0, width_px=2, height_px=1, vertical_fov_deg=90.0
    )
    rgb = np.array([[[10, 20, 30], [21, 41, 61]]], dtype=np.uint8)
    depth_m = np.array([[1.0, 3.0]])

    def fused(instance: list[int]) -> Cloud:
        view = View(rgb, depth_m, np.array([instance], dtype=np.uint16), camera)
        return fuse([view], voxel_m=100.0)[0]

    # Focal length is 0.5 px, so the pixel centres see x = -1 and +1 per metre of depth.
    together, apart = fused([5, 5]), fused([6, 5])
    np.testing.assert_allclose(together.point_m, [[1.0, 2.0, 0.0]], atol=1e-5)
    np.testing.assert_array_equal(together.colour, [[16, 30, 46]])
    np.testing.assert_allclose(apart.point_m, [[3, 3, 0], [-1, 1, 0]], atol=1e-5)
    np.testing.assert_array_equal(apart.instance, [5, 6])


def test_points_are_sorted_by_instance_and_no_cell_comes_twice(cloud):
    assert (np.diff(cloud.instance.astype(int)) >= 0).all()
    cell = np.floor(cloud.point_m.astype(np.float64) / VOXEL_M + 0.5 + 1e-6)
    keys = np.column_stack([cloud.instance, cell])
    # A centroid may lie on the border of its cell and round into the next one.
    assert len(np.unique(keys, axis=0)) > 0.98 * len(cloud)


def test_against_a_plain_dictionary(views):
    """The slow obvious way gives the same cells, centroids and colours."""
    small = [
        View(v.rgb[::8, ::8], v.depth_m[::8, ::8], v.instance[::8, ::8], v.camera) for v in views
    ]
    expected: dict[tuple, list] = {}
    for view in small:
        k, pose = view.camera.intrinsics, view.camera.world_from_camera
        for row, column in np.ndindex(view.depth_m.shape):
            z = float(view.depth_m[row, column])
            ray = [(column + 0.5 - k[0, 2]) / k[0, 0], (row + 0.5 - k[1, 2]) / k[1, 1], 1.0]
            point = pose[:3, :3] @ (np.array(ray) * z) + pose[:3, 3]
            cell = np.floor(point / 0.1 + 0.5).astype(int)
            key = (int(view.instance[row, column]), *cell.tolist())
            expected.setdefault(key, []).append((*point, *view.rgb[row, column].tolist()))
    means = np.array([np.mean(expected[key], axis=0) for key in sorted(expected)])

    cloud, num_pixels = fuse(small, voxel_m=0.1)

    assert num_pixels == sum(len(rows) for rows in expected.values())
    np.testing.assert_allclose(cloud.point_m, means[:, :3], atol=1e-5)
    np.testing.assert_allclose(cloud.colour, means[:, 3:], atol=0.51)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share_seen", [1.0, 0.7])
def test_random_views_equal_sums_in_a_dictionary(seed, share_seen):
    """Voxels of half a metre are exact in float32 at the depths below, so no cell is in doubt."""
    rng = np.random.default_rng(seed)
    views, expected = [], {}
    for _ in range(3):
        height, width = rng.integers(1, 40, 2)
        depth_m = np.repeat(rng.integers(1, 9, (height, width)), 4, axis=1)[:, :width] / 8
        depth_m[rng.random(depth_m.shape) >= share_seen] = np.nan
        rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        instance = rng.choice([0, 3, 65535], (height, width)).astype(np.uint16)
        # The focal length is a power of two and the principal point a pixel's corner.
        intrinsics = np.array([[16.0, 0, 5], [0, 16.0, 7], [0, 0, 1]])
        pose = np.eye(4)[[0, 2, 1, 3]]
        pose[:3, 3] = rng.integers(-40, 40, 3) / 8 + 1 / 512
        views.append(View(rgb, depth_m, instance, Camera(width, height, intrinsics, pose)))
        for row, column in np.argwhere(depth_m > 0):
            ray = [(column + 0.5 - 5) / 16, (row + 0.5 - 7) / 16, 1.0]
            point = pose[:3, :3] @ ray * depth_m[row, column] + pose[:3, 3]
            key = (int(instance[row, column]), *np.floor(point / 0.5 + 0.5).astype(int).tolist())
            expected.setdefault(key, []).append((*point, *rgb[row, column].tolist()))
    means = np.array([np.mean(expected[key], axis=0) for key in sorted(expected)])

    cloud, num_pixels = fuse(views, voxel_m=0.5)

    assert num_pixels == sum(map(len, expected.values()))
    assert cloud.instance.tolist() == [key[0] for key in sorted(expected)]
    np.testing.assert_allclose(cloud.point_m, means[:, :3], atol=1e-6)
    np.testing.assert_array_equal(cloud.colour, np.rint(means[:, 3:]))


def test_pixels_without_depth_are_left_out(views):
    holed = []
    for number, view in enumerate(views):
        depth_m = view.depth_m.copy()
        depth_m[:, :80] = (np.nan, np.inf, 0.0, -1.0)[number]
        holed.append(View(view.rgb, depth_m, view.instance, view.camera))
    cropped = [
        View(v.rgb[:, 80:], v.depth_m[:, 80:], v.instance[:, 80:], shifted(v.camera, 80))
        for v in views
    ]

    with_holes, num_pixels = fuse(holed, voxel_m=VOXEL_M)
    without, _ = fuse(cropped, voxel_m=VOXEL_M)

    assert num_pixels == 4 * 160 * 80
    np.testing.assert_allclose(with_holes.point_m, without.point_m, atol=2e-5)
    np.testing.assert_array_equal(with_holes.instance, without.instance)


def shifted(camera: Camera, columns: int) -> Camera:
    """Return the camera of a picture whose first columns were cut off."""
    k = camera.intrinsics.copy()
    k[0, 2] -= columns
    return Camera(camera.width_px - columns, camera.height_px, k, camera.world_from_camera)


def test_no_views_and_blind_views_give_an_empty_cloud(views):
    blind = [View(v.rgb, np.full_like(v.depth_m, np.nan), v.instance, v.camera) for v in views]
    for nothing in ([], blind):
        cloud, num_pixels = fuse(nothing, voxel_m=VOXEL_M, normals=True)
        assert len(cloud) == num_pixels == 0
        assert cloud.normal.shape == (0, 3)


def moved(views: list[View], world_from_old: np.ndarray) -> list[View]:
    """Return the same pictures taken by cameras that were moved with the world."""
    return [
        View(
            v.rgb,
            v.depth_m,
            v.instance,
            Camera(160, 160, v.camera.intrinsics, world_from_old @ v.camera.world_from_camera),
        )
        for v in views
    ]


def test_translation_by_whole_voxels_moves_every_point(views, cloud):
    shift = np.eye(4)
    shift[:3, 3] = [64 * 0.0625, -32 * 0.0625, 16 * 0.0625]

    before, _ = fuse(views, voxel_m=0.0625)
    after, _ = fuse(moved(views, shift), voxel_m=0.0625)

    # Rounding may push a pixel over a cell's border: hardly any point, and by little.
    assert abs(len(after) - len(before)) <= 0.002 * len(before)
    np.testing.assert_allclose(
        after.point_m.mean(axis=0), before.point_m.mean(axis=0) + shift[:3, 3], atol=1e-3
    )


@pytest.mark.parametrize("yaw_deg", [90.0, 180.0, 37.0])
def test_rotation_turns_the_surface(boxes, views, yaw_deg):
    turn = np.eye(4)
    turn[:3, :3] = rotation_about_up(yaw_deg)

    cloud, _ = fuse(moved(views, turn), voxel_m=0.002)

    back = cloud.point_m.astype(np.float64) @ turn[:3, :3]
    for index in (6, 7, 8):
        assert distance_to_surface(back[cloud.instance == index + 1], boxes[index]).max() < 1e-4


def test_mirrored_pictures_give_the_mirrored_room(boxes):
    """Flip the picture of a camera that stands on the mirror plane and looks along it."""
    camera = Camera.look((2.5, 0.3, 1.5), yaw_deg=0.0, pitch_deg=-10.0, **LOOK)
    (view,) = views_of(boxes, [camera])
    flipped = View(view.rgb[:, ::-1], view.depth_m[:, ::-1], view.instance[:, ::-1], camera)

    cloud, _ = fuse([flipped], voxel_m=0.002)

    unflipped = cloud.point_m.astype(np.float64) * [-1, 1, 1] + [5, 0, 0]
    for index in (6, 7, 8, 9):
        assert (
            distance_to_surface(unflipped[cloud.instance == index + 1], boxes[index]).max() < 1e-4
        )


def test_the_order_of_views_does_not_matter_beyond_rounding(views, cloud):
    backwards, _ = fuse(views[::-1], voxel_m=VOXEL_M, normals=True)

    np.testing.assert_allclose(backwards.point_m, cloud.point_m, atol=1e-6)
    np.testing.assert_array_equal(backwards.instance, cloud.instance)


def test_voxels_too_small_to_number_are_refused(views):
    with pytest.raises(UserError, match="voxel_m is too small"):
        fuse(views, voxel_m=1e-8)
    with pytest.raises(UserError, match=r"voxel_m is too small .* more than 2\*\*31 voxels"):
        fuse(views, voxel_m=1e-10)


def test_points_stay_in_order_across_more_than_2_to_the_31_voxels():
    """Two pixels that look past each other at things far on either side."""
    camera = Camera.look(
        (0, 0, 0), yaw_deg=0, pitch_deg=0, width_px=2, height_px=1, vertical_fov_deg=90.0
    )
    pixels = (np.zeros((1, 2, 3), np.uint8), np.full((1, 2), 1e9), np.zeros((1, 2), np.uint16))

    cloud, _ = fuse([View(*pixels, camera)], voxel_m=0.9)

    assert np.diff(cloud.point_m[:, 0]) > 2.0**31 * 0.9
    assert np.ptp(cloud.point_m[:, 1]) < 1e-3 * np.ptp(cloud.point_m[:, 0])


@pytest.mark.parametrize(
    ("instance", "axis", "sign"), [(1, 2, 1), (2, 2, -1), (3, 1, 1), (4, 1, -1), (5, 0, 1)]
)
def test_normals_of_floor_ceiling_and_walls_face_the_room(cloud, instance, axis, sign):
    expected = np.zeros(3)
    expected[axis] = sign
    normal = cloud.normal[cloud.instance == instance]

    angle_deg = np.rad2deg(np.arccos(np.clip(normal @ expected, -1, 1)))

    assert np.quantile(angle_deg, 0.98) < 0.5
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1, atol=1e-5)


def test_normals_of_a_turned_box_follow_its_faces():
    box = Box("Dresser", (2.5, 2.0, 0.5), (1.2, 0.6, 1.0), 33.0)
    cloud, _ = fuse(views_of([*room(), box], corner_cameras()), voxel_m=VOXEL_M, normals=True)
    mine = cloud.select(cloud.instance == 7)
    local = mine.normal @ rotation_about_up(33.0)
    # VoxelAccumulator on an edge average two faces; all others follow one face within a degree.
    on_a_face = np.abs(local).max(axis=1) > np.cos(np.deg2rad(1.0))
    assert on_a_face.mean() > 0.85
