"""A demonstrator of one analytic scene: a red ball that moves over a table behind a wall.

Depth, masks and visibility are known in closed form, so whatever reads demonstrations can be
checked against it exactly. It stands in for a robot simulator where none is wanted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.demonstration_shard import Demonstration, Keypoint
from workflow_scripts.common.records import Episode, ObjectRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.geometry.cameras import Camera, rays_camera
from workflow_scripts.sources.readers.rlbench_tasks import STEP_S
from workflow_scripts.views.demonstrator import EpisodeError

TABLE_Z_M = 0.75
RADIUS_M = 0.04
WALL_X_M, WALL_TOP_M, WALL_HALF_M = 0.55, 1.0, 0.12
PLACES = {
    "left_shoulder": ((-0.175, 0.2, 1.98), -100.0, -65.0),
    "right_shoulder": ((-0.175, -0.2, 1.98), -80.0, -65.0),
    "overhead": ((-0.175, 0.0, 2.43), -90.0, -65.0),
    "wrist": ((0.3, 0.0, 1.4), -90.0, -80.0),
    "front": ((1.35, 0.0, 1.1), 90.0, -10.0),
}


def episode(task: str = "reach_target", number: int = 0, **changes: object) -> Episode:
    """Return an episode record to demonstrate."""
    values = {
        "source": "rlbench",
        "scene_id": f"rlbench-{task}-{number:05d}",
        "split": "train",
        "origin": "test",
        "task": task,
        "task_id": 0,
        "variation": 0,
        "episode": number,
        "seed": 1000 + number,
        "placement": f"{task}-{number}",
    }
    return Episode.model_validate({**values, **changes})


class BallDemonstrator:
    """Backend `ball`: see `workflow_scripts.views.demonstrator.Demonstrator`."""

    def __init__(
        self,
        *,
        cameras: Sequence[str],
        size_px: int,
        max_steps: int,
        max_attempts: int,
        dataset: Path | None,
    ) -> None:
        self.cameras, self.size_px, self.max_steps = tuple(cameras), size_px, max_steps
        self.provenance = {"engine": "ball"}

    def __enter__(self) -> "BallDemonstrator":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def demonstrate(self, episode: Episode) -> Demonstration:
        """Move the ball on a straight line away from a random place."""
        if episode.task == "close_fridge":
            raise EpisodeError("no path to the fridge in 5 attempts")
        if episode.variation > 19:
            raise EpisodeError(f"no variation {episode.variation}")
        generator = rng(episode.seed, episode.task, episode.variation)
        steps = min(6, self.max_steps)
        start = np.array([*generator.uniform((0.1, -0.15), (0.3, 0.15)), TABLE_Z_M + RADIUS_M])
        centres = start + np.linspace(0, 1, steps)[:, None] * [0.05, 0.05, 0.1]
        shots = [
            [self._shot(self._camera(name), centre) for name in self.cameras] for centre in centres
        ]
        joints = np.linspace(0, 0.3, steps)[:, None] * np.ones(7)
        poses = np.tile(np.eye(4), (steps, 3, 1, 1))
        poses[:, 0, :3, 3] = centres
        return Demonstration(
            cameras=self.cameras,
            rgb=np.array([[shot[0] for shot in row] for row in shots]),
            depth_m=np.array([[shot[1] for shot in row] for row in shots]),
            instance=np.array([[shot[2] for shot in row] for row in shots]),
            intrinsics=np.array([self._camera(name).intrinsics for name in self.cameras]),
            world_from_camera=np.tile(
                np.array([self._camera(name).world_from_camera for name in self.cameras]),
                (steps, 1, 1, 1),
            ),
            keypoints=(
                Keypoint("ball", "ball", 1, RADIUS_M),
                Keypoint("table_corner", "table", 2),
            ),
            keypoints_m=np.stack([centres, np.tile([0.2, 0.3, TABLE_Z_M], (steps, 1))], axis=1),
            joint_positions_rad=joints,
            joint_velocities_rad_per_s=np.zeros_like(joints),
            gripper_opening=np.linspace(1, 0, steps),
            tip_pose=np.concatenate([centres, np.tile([1.0, 0, 0, 0], (steps, 1))], axis=1),
            objects=[_row(episode, n, name) for n, name in enumerate(("ball", "table", "wall"), 1)],
            world_from_object=poses,
            step_s=STEP_S,
            success=True,
            description=f"touch the ball, variation {episode.variation}",
        )

    def _camera(self, name: str) -> Camera:
        position, yaw, pitch = PLACES[name]
        return Camera.look(
            position,
            yaw_deg=yaw,
            pitch_deg=pitch,
            width_px=self.size_px,
            height_px=self.size_px,
            vertical_fov_deg=40.0,
        )

    def _shot(
        self, camera: Camera, centre: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Trace the ball (1), the table (2) and the wall (3) at pixel centres."""
        rays = rays_camera(camera.intrinsics, width_px=self.size_px, height_px=self.size_px)
        rays = rays @ camera.world_from_camera[:3, :3].T
        origin = camera.position_m
        with np.errstate(divide="ignore", invalid="ignore"):
            table = (TABLE_Z_M - origin[2]) / rays[..., 2]
            wall = (WALL_X_M - origin[0]) / rays[..., 0]
            a, b = (rays**2).sum(-1), rays @ (origin - centre)
            root = np.sqrt(b**2 - a * (((origin - centre) ** 2).sum() - RADIUS_M**2))
            ball = (-b - root) / a
        hit = origin + wall[..., None] * rays
        on_wall = (np.abs(hit[..., 1]) < WALL_HALF_M) & (hit[..., 2] < WALL_TOP_M)
        wall = np.where(on_wall & (hit[..., 2] > TABLE_Z_M), wall, np.inf)
        depths = np.stack([ball, table, wall])
        depths = np.where((depths > 0) & np.isfinite(depths), depths, np.inf)
        nearest = depths.min(axis=0)
        instance = np.where(np.isfinite(nearest), depths.argmin(axis=0) + 1, 0).astype(np.uint16)
        colours = np.array([(20, 24, 30), (200, 40, 40), (190, 190, 185), (90, 110, 160)], np.uint8)
        depth = np.where(np.isfinite(nearest), nearest, np.nan).astype(np.float32)
        return colours[instance], depth, instance


def _row(episode: Episode, instance: int, name: str) -> ObjectRow:
    return ObjectRow(
        scene_id=episode.scene_id,
        instance=instance,
        object_id=name,
        category=name,
        kind="object" if name == "ball" else "structure",
        asset_id=name,
        parent_id="",
        room_id="",
        **dict.fromkeys(("x_m", "y_m", "z_m", "yaw_deg"), 0.0),
        **dict.fromkeys(("width_m", "depth_m", "height_m"), 2 * RADIUS_M),
    )
