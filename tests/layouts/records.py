"""Room records of random rooms, for the tests of whatever reads them."""

import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.geometry.cameras import Camera, rotation_about_up, yaw_pitch_deg
from workflow_scripts.layouts.room_record import RoomObject, RoomOpening, RoomRecord, RoomWall

CATEGORIES = ("Bed", "Chair", "SideTable", "Painting")


def random_record(seed: int, *, num_objects: int = 6, tilted: bool = False) -> RoomRecord:
    """Return a rectangular room far from the world's origin, one wall of it a passage."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-20, 20, 2)
    width, depth = rng.uniform(2, 6, 2)
    corners = np.array([[0, 0], [0, depth], [width, depth], [width, 0]]) + corner
    points = [(float(x), float(y)) for x, y in corners]
    walls = tuple(
        RoomWall(
            wall_id="" if i == 2 else f"wall|{i}",
            start_m=points[i],
            end_m=points[(i + 1) % 4],
            height_m=2.7,
            material="" if i == 2 else f"Paint{i}",
            color=(0.25, 0.5, 0.125) if i == 1 else None,
            is_open=i == 2,
        )
        for i in range(4)
    )
    middle = corners[3:].mean(axis=0)
    window = RoomOpening(
        opening_id="window|1",
        kind="window",
        wall=3,
        asset_id="Window_1",
        centre_m=(float(middle[0] - width / 2), float(middle[1]), 1.4),
        width_m=0.8,
        height_m=1.0,
    )
    camera = Camera.look(
        [corner[0] + width / 2, corner[1] + 0.1, 1.5],
        yaw_deg=float(rng.uniform(-180, 180)),
        pitch_deg=float(rng.uniform(-40, 20)),
        width_px=320,
        height_px=240,
        vertical_fov_deg=60,
    )
    yaw, pitch = yaw_pitch_deg(camera.world_from_camera)
    objects = []
    for number in range(num_objects):
        yaw_deg = float(rng.uniform(-180, 180))
        rotation = rotation_about_up(yaw_deg)
        if tilted:
            rotation = Rotation.random(random_state=1000 * seed + number).as_matrix()
        x, y = corner + rng.uniform(0.1, 0.9, 2) * [width, depth]
        visible = bool(number % 3)
        objects.append(
            RoomObject(
                object_id=f"{CATEGORIES[number % 4]}|{number}",
                instance=number + 1,
                category=CATEGORIES[number % 4],
                asset_id=f"{CATEGORIES[number % 4]}_{number}",
                phrase="" if number % 2 else f"a thing, number {number}",
                parent_id=f"{CATEGORIES[0]}|0" if number == 3 else "",
                centre_m=(float(x), float(y), float(rng.uniform(0.1, 1.5))),
                size_m=tuple(float(v) for v in rng.uniform(0.1, 2, 3)),
                rotation=tuple(float(v) for v in rotation.ravel()),
                yaw_deg=yaw_deg,
                is_visible=visible,
                pixels=100 * visible,
                fraction_visible=float(rng.uniform(0, 1)),
                truncated=False,
                box_px=(3.0, 4.0, 30.0, 40.0) if visible else None,
                nearest_m=float("nan") if number == 1 else 1.25,
                mark_px=(10.5, 20.5) if visible else None,
                mark_m=(float(x), float(y), 0.5) if visible else None,
            )
        )
    k = camera.intrinsics
    return RoomRecord(
        source="procthor",
        scene_id=f"house-{seed:06d}",
        split="train",
        room_id="room|2",
        room_type="Bedroom",
        view=seed,
        view_id=f"house-{seed:06d}-000",
        policy="corner",
        image=f"pictures/house-{seed:06d}-000.jpg",
        width_px=320,
        height_px=240,
        intrinsics=(k[0, 0], k[1, 1], k[0, 2], k[1, 2]),
        world_from_camera=tuple(float(v) for v in camera.world_from_camera.ravel()),
        camera_height_m=1.5,
        yaw_deg=yaw,
        pitch_deg=pitch,
        vertical_fov_deg=60.0,
        floor_z_m=0.0,
        floor_polygon_m=tuple(points),
        ceiling_height_m=2.7,
        floor_material="Wood",
        walls=walls,
        openings=(window,),
        objects=tuple(objects),
    )
