"""Shards of demonstrations of moving bodies (`testing.keypoint_tracks`), with images."""

from pathlib import Path

import numpy as np

from testing import keypoint_tracks
from workflow_scripts.common.demonstration_shard import Demonstration, Keypoint, KeypointTrack
from workflow_scripts.common.records import Episode, ObjectRow
from workflow_scripts.views import record
from workflow_scripts.views.demonstration_shard import DemonstrationRows, add_episode

SPLITS = ("train", "train", "train", "val", "test")
COLOURS = np.array(
    [(230, 60, 50), (60, 200, 80), (70, 110, 240), (240, 200, 60), (220, 90, 220), (70, 220, 220)]
)
RADIUS_PX = 2.5


def draw_keypoints(track: KeypointTrack) -> np.ndarray:
    """Draw every keypoint as a disc of its own colour: u8 [step, camera, y, x, 3]."""
    rows, columns = np.mgrid[: track.height_px, : track.width_px] + 0.5
    shape = (*track.keypoints_px.shape[:2], track.height_px, track.width_px, 3)
    rgb = np.full(shape, 40, dtype=np.uint8)
    for k, colour in zip(range(track.keypoints_px.shape[2]), COLOURS, strict=False):
        u, v = np.moveaxis(track.keypoints_px[:, :, k, :, None, None], 2, 0)
        rgb[(columns - u) ** 2 + (rows - v) ** 2 <= RADIUS_PX**2] = colour
    return rgb


def demonstration(track: KeypointTrack) -> Demonstration:
    """Return the episode as a backend would."""
    steps = len(track.keypoints_m)
    rgb = draw_keypoints(track)
    return Demonstration(
        cameras=track.cameras,
        rgb=rgb,
        depth_m=np.full(rgb.shape[:4], 9.0, dtype=np.float32),
        instance=np.zeros(rgb.shape[:4], dtype=np.uint16),
        intrinsics=track.intrinsics[0],
        world_from_camera=track.world_from_camera,
        keypoints=[Keypoint(name, "body", 1) for name in track.names],
        keypoints_m=track.keypoints_m,
        joint_positions_rad=np.zeros((steps, 7)),
        joint_velocities_rad_per_s=np.zeros((steps, 7)),
        gripper_opening=np.ones(steps),
        tip_pose=np.tile([0.0, 0, 1, 0, 0, 0, 1], (steps, 1)),
        objects=[
            ObjectRow(
                scene_id=track.scene_id,
                instance=1,
                object_id="body",
                category="body",
                kind="object",
                asset_id="body",
                parent_id="",
                room_id="",
                **dict.fromkeys(("x_m", "y_m", "z_m", "yaw_deg"), 0.0),
                **dict.fromkeys(("width_m", "depth_m", "height_m"), 0.2),
            )
        ],
        world_from_object=None,
        step_s=0.05,
        success=True,
    )


def write_shard(path: Path, count: int, *, task: str = "reach_target", **settings: object) -> Path:
    """Write a shard of `count` episodes; splits go round as `SPLITS`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    recorded = DemonstrationRows(path.parent)
    try:
        for number in range(count):
            track = keypoint_tracks.episode(number, **settings)  # type: ignore[arg-type]
            scene_id = f"rlbench-{task}-{number:05d}"
            episode = Episode.model_validate(
                {
                    "source": "rlbench",
                    "scene_id": scene_id,
                    "split": SPLITS[number % len(SPLITS)],
                    "origin": "test",
                    "task": task,
                    "task_id": 0,
                    "variation": number % 2,
                    "episode": number,
                    "seed": number,
                    "placement": scene_id,
                }
            )
            shown = demonstration(track)
            rows = [row.model_copy(update={"scene_id": scene_id}) for row in shown.objects]
            add_episode(recorded, episode, Demonstration(**{**vars(shown), "objects": rows}))
        record.write(path, recorded, attributes={"source": "rlbench"})
    finally:
        recorded.close()
    return path
