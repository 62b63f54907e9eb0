"""Five objects as clouds of points before a camera, and the sight of them."""

from collections import Counter
from functools import cache

import numpy as np

from workflow_scripts.common.measurements import Measurements, box_shapes
from workflow_scripts.geometry.cameras import Camera, project
from workflow_scripts.geometry.gravity import axes_from_pose, gravity_row
from workflow_scripts.pointclouds.measure_clouds import LevelCamera, measure_clouds
from workflow_scripts.vqa.view_context import ViewContext

LABELS = ("Sofa", "FloorLamp", "DiningTable", "HousePlant", "Fridge")
CENTRES_M = np.array(
    [(-1.6, 4.0, 0.4), (-0.7, 3.1, 0.8), (0.4, 4.6, 0.37), (1.1, 2.6, 0.5), (2.0, 3.7, 0.9)]
)
SIZES_M = np.array(
    [(1.6, 0.8, 0.8), (0.3, 0.3, 1.6), (1.3, 0.9, 0.74), (0.4, 0.4, 1.0), (0.7, 0.6, 1.8)]
)


def five_clouds(num_points: int, seed: int = 7) -> list[np.ndarray]:
    """Return clouds [num_points, 3] on the surfaces of five upright boxes, in world metres."""
    rng = np.random.default_rng(seed)
    clouds = []
    for centre, size in zip(CENTRES_M, SIZES_M, strict=True):
        points = rng.uniform(-0.5, 0.5, (num_points, 3))
        face = rng.integers(3, size=num_points)
        points[np.arange(num_points), face] = np.where(rng.random(num_points) < 0.5, -0.5, 0.5)
        clouds.append(points * size + centre)
    return clouds


@cache
def make_camera() -> Camera:
    """Return a camera at eye height that looks along +Y."""
    return Camera.look(
        (0.0, 0.0, 1.5),
        yaw_deg=0.0,
        pitch_deg=-8.0,
        width_px=640,
        height_px=480,
        vertical_fov_deg=70.0,
    )


def context_of_clouds(clouds: list[np.ndarray]) -> ViewContext:
    """Measure clouds and return the sight that questions are asked of."""
    camera = make_camera()
    pose = camera.world_from_camera
    axes = axes_from_pose(pose)
    right, forward = ((pose[:3, :3] @ axis)[:2] for axis in (axes.right, axes.forward))
    eye = LevelCamera(camera.position_m, right, forward)
    found = measure_clouds(clouds, eye)
    pixels, _ = project(found.centre_m, camera.intrinsics, pose)
    number = len(clouds)
    box = np.round(np.concatenate([pixels - 20, pixels + 20], axis=1)).astype(np.int64)
    gravity = gravity_row(
        axes, view=0, view_id="v", scene_id="s", source="pose", camera_height_m=1.5
    )
    measured = Measurements(
        view=0,
        scene_id="s",
        camera=camera,
        gravity=gravity,
        instance=np.arange(1, number + 1),
        object_id=LABELS[:number],
        label=LABELS[:number],
        kind=("object",) * number,
        pixels=np.full(number, 1600),
        box_px=box,
        truncated=np.zeros(number, bool),
        occluded=np.zeros(number, bool),
        has_front=np.zeros(number, bool),
        **box_shapes(found.size_m),
        shape_source="cloud",
        **{name: getattr(found, name) for name in found.__dataclass_fields__},
    )
    return ViewContext(
        measured=measured,
        mark_px=pixels,
        middle_px=pixels,
        in_view=Counter(measured.label),
        in_scene=frozenset(measured.label),
        room_size_m=None,
        from_truth=False,
        dropped=Counter(),
    )
