"""Rooms of random boxes, for the tests of formats and frames."""

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry.cameras import Camera, rotation_about_up
from workflow_scripts.layouts.layout import (
    LayoutBox,
    LayoutOpening,
    LayoutWall,
    RoomLayout,
    transform_layout,
)


def random_layout(seed: int, *, upright: bool = True, count: int = 6) -> RoomLayout:
    """Return a room of a house far from its origin, with walls, a window, a door and objects."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 30, 2)
    width, depth = rng.uniform(2, 6, 2)
    corners = np.array([[0, 0], [0, depth], [width, depth], [width, 0]]) + corner
    floor = np.column_stack([corners, np.zeros(4)])
    walls = tuple(
        LayoutWall(floor[i], floor[(i + 1) % 4], 2.6, 0.1, material=f"Paint {i}'s")
        for i in range(4)
    )
    along = (walls[1].end_m - walls[1].start_m) / walls[1].length_m
    window = LayoutOpening(
        "window",
        1,
        walls[1].start_m + 1.0 * along + np.array([0, 0, 1.5]),
        0.8,
        1.0,
        asset_id="Window_1",
    )
    door = LayoutOpening("door", 2, walls[2].start_m + np.array([0, -1.0, 1.0]), 0.9, 2.0)
    boxes = []
    for number in range(count):
        yaw = rng.uniform(-180, 180)
        rotation = rotation_about_up(yaw)
        if not upright:
            rotation = Rotation.random(random_state=seed * 100 + number).as_matrix()
        boxes.append(
            LayoutBox(
                label=["bed", "side table", "a lamp, green"][number % 3],
                centre_m=np.array([*(corner + rng.uniform(0, 1, 2) * [width, depth]), 0.5]),
                size_m=rng.uniform(0.1, 2, 3),
                rotation=rotation,
                key=f"object|{number}",
                parent="object|0" if number in (1, 2) else "",
                asset_id=f"Bed_{number}",
            )
        )
    return RoomLayout(
        frame="world",
        boxes=tuple(boxes),
        walls=walls,
        openings=(door, window),
        floor_polygon_m=floor,
        floor_material="Wood",
    )


def in_camera(layout: RoomLayout, seed: int) -> tuple[RoomLayout, Camera]:
    rng = np.random.default_rng(seed)
    camera = Camera.look(
        layout.floor_polygon_m.mean(axis=0) + np.array([0, 0, 1.5]),
        yaw_deg=float(rng.uniform(-180, 180)),
        pitch_deg=float(rng.uniform(-40, 20)),
        width_px=640,
        height_px=480,
        vertical_fov_deg=60,
    )
    camera_from_world = np.linalg.inv(camera.world_from_camera)
    return transform_layout(layout, camera_from_world, "opencv_camera"), camera
