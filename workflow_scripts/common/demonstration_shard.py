"""Demonstrations: what a backend returns in memory, what a view shard adds for them, the reader.

A shard of demonstrations is a shard of posed views like any other (`common.views`): the views of
an episode lie together, camera after camera within a step, step after step. It adds arrays of
keypoints for each view and the tables `{shard}.episodes.parquet`, `{shard}.keypoints.parquet`,
`{shard}.steps.parquet` (the robot) and `{shard}.poses.parquet` (the objects). Letters of shapes:
T steps, C cameras, K keypoints, N objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow, Record, Split
from workflow_scripts.common.storage import read_array, read_table
from workflow_scripts.common.view_shard import ArrayLayout, ViewShard, table_path

NUM_JOINTS = 7
# The least opening that RLBench calls open, as a share of the whole; the same split is used for
# every backend so that "open" means the same.
GRIPPER_OPEN_THRESHOLD = 0.9
KEYPOINT_ARRAYS: ArrayLayout = {
    "keypoints_m": (
        "float64",
        ("view", "keypoint", "axis"),
        {"unit": "m", "frame": "world", "meaning": "NaN past the last keypoint of its episode"},
    ),
    "keypoints_px": (
        "float64",
        ("view", "keypoint", "axis"),
        {"unit": "px", "meaning": "u, v; pixel centres at + 0.5; NaN at or behind the camera"},
    ),
    "keypoints_in_frame": (
        "bool",
        ("view", "keypoint"),
        {"meaning": "in front of the camera and inside the picture"},
    ),
    "keypoints_visible": (
        "bool",
        ("view", "keypoint"),
        {"meaning": "in frame, and nothing but its own object in front (depth test)"},
    ),
}


class EpisodeRow(Record):
    """One row of `{shard}.episodes.parquet`: an episode and where its views lie in the shard.

    View number of (step, camera): `first_view + step * num_cameras + camera`.
    """

    scene_id: str
    source: str
    split: Split
    task: str
    task_id: int
    variation: int
    episode: int
    seed: int
    description: str = Field(description="what the robot is told, '' if unknown")
    first_view: int
    num_steps: int
    num_cameras: int
    cameras: str = Field(description="camera names, joined by commas, in the order of the views")
    num_keypoints: int
    step_s: float = Field(description="time from step to step")
    success: bool
    num_attempts: int = Field(description="demonstrations tried until this one")
    failures: str = Field(description="why the earlier ones failed, joined by '; '")
    state_hash: str = Field(description="hash of the first step's positions, to 0.1 mm")


class KeypointRow(Record):
    """One row of `{shard}.keypoints.parquet`: what keypoint number `keypoint` of an episode is."""

    scene_id: str
    keypoint: int = Field(description="index into the keypoint axis of the arrays")
    name: str
    parent_id: str = Field(
        description="what it is rigidly fixed to: an object_id where it has one, '' for the world"
    )
    instance: int = Field(description="of that object, 0 if it has none")


class StepRow(Record):
    """One row of `{shard}.steps.parquet`: the robot at a step, in world metres and radians."""

    scene_id: str
    step: int
    time_s: float
    joint_0_rad: float
    joint_1_rad: float
    joint_2_rad: float
    joint_3_rad: float
    joint_4_rad: float
    joint_5_rad: float
    joint_6_rad: float
    joint_0_rad_per_s: float
    joint_1_rad_per_s: float
    joint_2_rad_per_s: float
    joint_3_rad_per_s: float
    joint_4_rad_per_s: float
    joint_5_rad_per_s: float
    joint_6_rad_per_s: float
    gripper_opening: float = Field(description="share of the whole opening, 0 to 1")
    gripper_open: bool
    tip_x_m: float
    tip_y_m: float
    tip_z_m: float
    tip_qx: float
    tip_qy: float
    tip_qz: float
    tip_qw: float


class PoseRow(Record):
    """One row of `{shard}.poses.parquet`: the pose of an object's own frame at a step."""

    scene_id: str
    step: int
    instance: int
    x_m: float
    y_m: float
    z_m: float
    qx: float
    qy: float
    qz: float
    qw: float


@dataclass(frozen=True)
class Keypoint:
    """A point fixed to an object (or the world).

    `inside_m` is how far under its object's surface it may lie (a ball's centre: its radius), so
    that the object's own surface in front of it is not taken for an occluder.
    """

    name: str
    parent_id: str = ""
    instance: int = 0
    surface_depth_m: float = 0.0


@dataclass(frozen=True)
class Demonstration:
    """A recorded demonstration, as every backend returns it; world frame Z up, metres, radians.

    rgb u8 [T, C, y, x, 3] sRGB; depth_m f32 [T, C, y, x] planar z, NaN nothing hit; instance
    u16 [T, C, y, x], 0 none, values of `objects`; intrinsics [C, 3, 3]; world_from_camera
    [T, C, 4, 4] (OpenCV camera); keypoints_m [T, K, 3]; joint_positions_rad and
    joint_velocities_rad_per_s [T, 7]; gripper_opening [T], 0 closed to 1 open; tip_pose [T, 7]
    (x, y, z, then quaternion x, y, z, w); world_from_object [T, N, 4, 4] in the order of
    `objects`, NaN for an object and None for all where the source does not record poses.

    `objects` are boxes at the first step. `failures` say why earlier attempts were given up.
    """

    cameras: Sequence[str]
    rgb: np.ndarray
    depth_m: np.ndarray
    instance: np.ndarray
    intrinsics: np.ndarray
    world_from_camera: np.ndarray
    keypoints: Sequence[Keypoint]
    keypoints_m: np.ndarray
    joint_positions_rad: np.ndarray
    joint_velocities_rad_per_s: np.ndarray
    gripper_opening: np.ndarray
    tip_pose: np.ndarray
    objects: Sequence[ObjectRow]
    world_from_object: np.ndarray | None
    step_s: float
    success: bool
    description: str = ""
    failures: Sequence[str] = ()

    @property
    def num_steps(self) -> int:
        return len(self.rgb)

    def check(self) -> None:
        """Raise `ValueError` for arrays whose shapes or types do not fit together."""
        steps, cameras, height, width = self.rgb.shape[:4]
        num_keypoints, num_objects = len(self.keypoints), len(self.objects)
        wanted: dict[str, tuple[tuple[int, ...], str]] = {
            "rgb": ((steps, len(self.cameras), height, width, 3), "u"),
            "depth_m": ((steps, cameras, height, width), "f"),
            "instance": ((steps, cameras, height, width), "u"),
            "intrinsics": ((cameras, 3, 3), "f"),
            "world_from_camera": ((steps, cameras, 4, 4), "f"),
            "keypoints_m": ((steps, num_keypoints, 3), "f"),
            "joint_positions_rad": ((steps, NUM_JOINTS), "f"),
            "joint_velocities_rad_per_s": ((steps, NUM_JOINTS), "f"),
            "gripper_opening": ((steps,), "f"),
            "tip_pose": ((steps, 7), "f"),
            "world_from_object": ((steps, num_objects, 4, 4), "f"),
        }
        if not steps or not cameras or not num_keypoints:
            raise ValueError(
                f"a demonstration of {steps} steps, {cameras} cameras, {num_keypoints} keypoints"
            )
        for name, (shape, kind) in wanted.items():
            values = getattr(self, name)
            if values is not None and (values.shape != shape or values.dtype.kind != kind):
                raise ValueError(
                    f"{name} is {values.dtype}{list(values.shape)}; it must be {kind}{list(shape)}"
                )


@dataclass(frozen=True)
class KeypointTrack:
    """The keypoints of an episode over time: what training reads instead of pictures.

    keypoints_m [T, K, 3]; keypoints_px [T, C, K, 2]; in_frame and visible bool [T, C, K];
    intrinsics [T, C, 3, 3]; world_from_camera [T, C, 4, 4]. The picture of (step, camera) is
    `DemonstrationShard.rgb(scene_id, step=..., camera=...)`.
    """

    scene_id: str
    split: Split
    task: str
    variation: int
    cameras: tuple[str, ...]
    width_px: int
    height_px: int
    names: tuple[str, ...]
    parents: tuple[str, ...]
    keypoints_m: np.ndarray
    keypoints_px: np.ndarray
    in_frame: np.ndarray
    visible: np.ndarray
    intrinsics: np.ndarray
    world_from_camera: np.ndarray

    def select_steps(self, steps: np.ndarray) -> "KeypointTrack":
        """Return the track at some steps only."""
        return replace(
            self,
            keypoints_m=self.keypoints_m[steps],
            keypoints_px=self.keypoints_px[steps],
            in_frame=self.in_frame[steps],
            visible=self.visible[steps],
            intrinsics=self.intrinsics[steps],
            world_from_camera=self.world_from_camera[steps],
        )

    def select_keypoints(self, names: Sequence[str]) -> "KeypointTrack":
        """Return the track with some of its keypoints only."""
        kept = [number for number, name in enumerate(self.names) if name in names]
        return replace(
            self,
            names=tuple(self.names[number] for number in kept),
            parents=tuple(self.parents[number] for number in kept),
            keypoints_m=self.keypoints_m[:, kept],
            keypoints_px=self.keypoints_px[:, :, kept],
            in_frame=self.in_frame[:, :, kept],
            visible=self.visible[:, :, kept],
        )


@dataclass(frozen=True)
class DemonstrationShard:
    """A view shard of demonstrations opened for reading."""

    shard: ViewShard

    @classmethod
    def open(cls, path: Path) -> "DemonstrationShard":
        """Open `{shard}.zarr`; `UserError` if it is missing, damaged or no demonstrations."""
        shard = ViewShard.open(path)
        missing = [name for name in KEYPOINT_ARRAYS if name not in shard.group]
        if missing:
            raise UserError(
                f"{path} has no array {missing[0]!r}: it is not a shard of demonstrations; "
                "give a shard of results/views/rlbench"
            )
        return cls(shard)

    @cached_property
    def episodes(self) -> pd.DataFrame:
        """Rows of `EpisodeRow`."""
        return read_table(table_path(self.shard.path, "episodes"))

    @cached_property
    def keypoints(self) -> pd.DataFrame:
        """Rows of `KeypointRow`."""
        return read_table(table_path(self.shard.path, "keypoints"))

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Rows of `StepRow`."""
        return read_table(table_path(self.shard.path, "steps"))

    @cached_property
    def poses(self) -> pd.DataFrame:
        """Rows of `PoseRow`."""
        return read_table(table_path(self.shard.path, "poses"))

    @cached_property
    def _episode_by_id(self) -> dict[str, EpisodeRow]:
        rows = self.episodes.to_dict("records")
        return {str(row["scene_id"]): EpisodeRow.model_validate(row) for row in rows}

    def episode(self, scene_id: str) -> EpisodeRow:
        """Return the row of an episode."""
        if scene_id not in self._episode_by_id:
            raise UserError(f"{self.shard.path}: no episode {scene_id!r}")
        return self._episode_by_id[scene_id]

    def view(self, scene_id: str, *, step: int, camera: int) -> int:
        """Return the number of a view."""
        row = self.episode(scene_id)
        if not (0 <= step < row.num_steps and 0 <= camera < row.num_cameras):
            raise IndexError(f"{scene_id} has no step {step} of camera {camera}")
        return row.first_view + step * row.num_cameras + camera

    def rgb(self, scene_id: str, *, step: int, camera: int) -> np.ndarray:
        """Return u8 [height, width, 3] of one camera at one step."""
        return self.shard.rgb(self.view(scene_id, step=step, camera=camera))

    def images(self, scene_id: str) -> np.ndarray:
        """Return u8 [T, C, height, width, 3], all pictures of an episode."""
        row = self.episode(scene_id)
        values = read_array(self.shard.group, "rgb", self._views(row))
        return values.reshape(row.num_steps, row.num_cameras, *values.shape[1:])

    def track(self, scene_id: str) -> KeypointTrack:
        """Return the keypoints of an episode in every camera."""
        row = self.episode(scene_id)
        keypoint_rows = self.keypoints[self.keypoints.scene_id == scene_id].sort_values("keypoint")

        def read_by_step(name: str) -> np.ndarray:
            values = read_array(self.shard.group, name, self._views(row))
            return values.reshape(row.num_steps, row.num_cameras, *values.shape[1:])

        height, width = self.shard.group["rgb"].shape[1:3]  # type: ignore[union-attr]
        count = row.num_keypoints
        return KeypointTrack(
            scene_id=scene_id,
            split=row.split,
            task=row.task,
            variation=row.variation,
            cameras=tuple(row.cameras.split(",")),
            width_px=width,
            height_px=height,
            names=tuple(keypoint_rows.name),
            parents=tuple(keypoint_rows.parent_id),
            keypoints_m=read_by_step("keypoints_m")[:, 0, :count],
            keypoints_px=read_by_step("keypoints_px")[:, :, :count],
            in_frame=read_by_step("keypoints_in_frame")[:, :, :count],
            visible=read_by_step("keypoints_visible")[:, :, :count],
            intrinsics=read_by_step("intrinsics"),
            world_from_camera=read_by_step("world_from_camera"),
        )

    @staticmethod
    def _views(row: EpisodeRow) -> slice:
        return slice(row.first_view, row.first_view + row.num_steps * row.num_cameras)
