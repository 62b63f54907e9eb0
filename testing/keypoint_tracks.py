"""Rigid bodies that lie still and then move, seen by RLBench's four fixed cameras.

The setting of the published study without its simulator: episodes of 70 steps, six keypoints on
one body, a minimum-jerk motion with yaw, every keypoint inside every picture.
"""

import numpy as np

from workflow_scripts.common.demonstration_shard import KeypointTrack
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import intrinsics, project, rotation_about_up

SIDE_PX = 128
CAMERAS = ("left_shoulder", "right_shoulder", "overhead", "front")
# Positions and viewing directions of RLBench's cameras, field of view 40 degrees.
_POSITIONS_M = ((-0.175, 0.2, 1.98), (-0.175, -0.2, 1.98), (-0.175, 0, 2.43), (1.35, 0, 1.58))
_DIRECTIONS = (
    (0.416, -0.073, -0.906),
    (0.416, 0.073, -0.906),
    (0.423, 0, -0.906),
    (-0.906, 0, -0.423),
)
# The body's middle rests 8 cm above the table, whose top is at 0.75 m, and is moved to anywhere.
_LOW_M, _HIGH_M = np.array([-0.3, -0.5, 0.83]), np.array([0.7, 0.5, 1.0])


def pose_looking_along(position_m: tuple, direction: tuple) -> np.ndarray:
    """Return the pose [4, 4] of an OpenCV camera without roll."""
    forward = np.asarray(direction) / np.linalg.norm(direction)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position_m
    return pose


K_PX = intrinsics(width_px=SIDE_PX, height_px=SIDE_PX, vertical_fov_deg=40)
POSES = np.stack(
    [pose_looking_along(*pair) for pair in zip(_POSITIONS_M, _DIRECTIONS, strict=True)]
)


def project_to_cameras(points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project points [..., 3] into every camera: pixels [camera, ..., 2] and in-frame flags."""
    pixels = np.stack([project(points_m, K_PX, pose)[0] for pose in POSES])
    inside = ((pixels >= 0) & (pixels < SIDE_PX)).all(axis=-1)
    return pixels, inside


def random_body(seed: int, num_keypoints: int) -> np.ndarray:
    """Return keypoints [k, 3] of a body some 20 cm across, in its own frame."""
    return rng(seed, "body").uniform(-0.1, 0.1, size=(num_keypoints, 3))


def move_and_rest(
    shape_m: np.ndarray, generator: np.random.Generator, num_steps: int
) -> np.ndarray:
    """Return keypoints [step, k, 3] of a body that rests, moves and rests, always in view."""
    rest_steps, motion_steps = generator.integers(10, 30), generator.integers(30, 50)
    time = np.clip((np.arange(num_steps) - rest_steps) / motion_steps, 0, 1)
    share = time**3 * (10 - 15 * time + 6 * time**2)
    while True:
        ends = generator.uniform(_LOW_M, _HIGH_M, size=(2, 3))
        ends[0, 2] = _LOW_M[2]
        yaws_deg = generator.uniform(-180, 180), generator.uniform(-90, 90)
        points = np.stack(
            [
                shape_m @ rotation_about_up(yaws_deg[0] + yaws_deg[1] * part).T
                + ends[0]
                + part * (ends[1] - ends[0])
                for part in share
            ]
        )
        if project_to_cameras(points)[1].all():
            return points


def episode(
    number: int, *, seed: int = 7, num_steps: int = 70, num_keypoints: int = 6, split: str = "train"
) -> KeypointTrack:
    """Return one episode; its number and the seed decide everything."""
    points = move_and_rest(random_body(seed, num_keypoints), rng(seed, "motion", number), num_steps)
    pixels, inside = project_to_cameras(points)
    frames = (num_steps, len(CAMERAS), 1, 1)
    return KeypointTrack(
        scene_id=f"body-{number:04d}",
        split=split,  # type: ignore[arg-type]
        task="body",
        variation=0,
        cameras=CAMERAS,
        width_px=SIDE_PX,
        height_px=SIDE_PX,
        names=tuple(f"point{k}" for k in range(num_keypoints)),
        parents=("body",) * num_keypoints,
        keypoints_m=points,
        keypoints_px=np.moveaxis(pixels, 0, 1),
        in_frame=np.moveaxis(inside, 0, 1),
        visible=np.moveaxis(inside, 0, 1),
        intrinsics=np.tile(K_PX, frames),
        world_from_camera=np.tile(POSES, (num_steps, 1, 1, 1)),
    )


def episodes(count: int, *, first: int = 0, **settings: object) -> list[KeypointTrack]:
    """Return several episodes."""
    return [episode(number, **settings) for number in range(first, first + count)]  # type: ignore[arg-type]
