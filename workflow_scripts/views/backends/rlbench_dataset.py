"""Backend `dataset`: episodes recorded by RLBench, read from its folders or a tar."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.demonstration_shard import Demonstration, Keypoint
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Episode, ObjectRow
from workflow_scripts.geometry.cameras import back_project, project
from workflow_scripts.sources.readers.rlbench_recordings import LOW_DIM, Recordings
from workflow_scripts.sources.readers.rlbench_tasks import STEP_S
from workflow_scripts.views.demonstrator import EpisodeError
from workflow_scripts.views.rlbench_decoding import (
    decode_depth_m,
    decode_handles,
    gripper_opening,
    instance_of_handles,
    object_positions_m,
    read_png,
    recorded_camera,
    stack_over_time,
)

KINDS = ("rgb", "depth", "mask")
# How far behind the surface of its object the recorded centre of a small object may lie.
_MAX_INSIDE_M = 0.15
_MARGIN_M = 0.005


class DatasetDemonstrator:
    """Reads recorded episodes; see `workflow_scripts.views.demonstrator.Demonstrator`."""

    def __init__(
        self,
        *,
        cameras: Sequence[str],
        size_px: int,
        max_steps: int,
        max_attempts: int,
        dataset: Path | None,
    ) -> None:
        if dataset is None:
            raise UserError("backend dataset needs --dataset, a folder or tar of RLBench episodes")
        self._cameras, self._max_steps = tuple(cameras), max_steps
        self._recordings = Recordings(dataset)
        self.provenance: dict[str, Any] = {"engine": "RLBench recording"}

    def __enter__(self) -> "DatasetDemonstrator":
        return self

    def __exit__(self, *_: object) -> None:
        self._recordings.__exit__()

    def demonstrate(self, episode: Episode) -> Demonstration:
        """Read a recorded episode; `EpisodeError` says what is missing or broken."""
        try:
            return self._read(episode)
        except EpisodeError:
            raise
        except UserError as error:
            raise EpisodeError(str(error)) from None

    def _read(self, episode: Episode) -> Demonstration:
        states = self._recordings.states(episode.path)
        if len(states) > self._max_steps:
            raise EpisodeError(
                f"{len(states)} steps; sources.rlbench.max_steps allows {self._max_steps}"
            )
        self._check_frames(episode.path, len(states))
        rgb, depth_png, mask_png = self._images(episode.path, len(states))
        name = f"{episode.path}/{LOW_DIM}"
        size_px = (rgb.shape[3], rgb.shape[2])
        cameras = [
            [recorded_camera(state, camera, size_px=size_px, name=name) for camera in self._cameras]
            for state in states
        ]
        depth_m = np.array(
            [
                [
                    decode_depth_m(png, near_m=limits[0], far_m=limits[1])
                    for png, (_, _, limits) in zip(pngs, row, strict=True)
                ]
                for pngs, row in zip(depth_png, cameras, strict=True)
            ]
        )
        intrinsics = np.array([[k for k, _, _ in row] for row in cameras])
        if np.ptp(intrinsics, axis=0).max() > 1e-6:
            raise EpisodeError(f"{name}: a camera's intrinsics change during the episode")
        handles = decode_handles(mask_png)
        instance_of_handle = instance_of_handles([handles])
        instance = np.vectorize(instance_of_handle.__getitem__, otypes=[np.uint16])(handles)
        observations = EpisodeViews(
            depth_m=depth_m,
            instance=instance,
            intrinsics=intrinsics[0],
            world_from_camera=np.array([[pose for _, pose, _ in row] for row in cameras]),
        )
        tip_pose = stack_over_time(states, "gripper_pose", (7,), name=name)
        names = {number: f"handle-{handle}" for handle, number in instance_of_handle.items()}
        keypoints, points = self._keypoints(
            episode, states, tip_pose, observations, names, name=name
        )
        return Demonstration(
            cameras=self._cameras,
            rgb=rgb,
            depth_m=depth_m,
            instance=instance,
            intrinsics=observations.intrinsics,
            world_from_camera=observations.world_from_camera,
            keypoints=keypoints,
            keypoints_m=points,
            joint_positions_rad=stack_over_time(states, "joint_positions", (7,), name=name),
            joint_velocities_rad_per_s=stack_over_time(states, "joint_velocities", (7,), name=name),
            gripper_opening=gripper_opening(states, name=name),
            tip_pose=tip_pose,
            objects=observations.object_rows(episode.scene_id, names),
            world_from_object=None,
            step_s=STEP_S,
            success=True,
            description=self._recordings.description(episode.path),
        )

    def _check_frames(self, folder: str, num_steps: int) -> None:
        """Raise `EpisodeError` unless every camera has an image of each kind for every step."""
        expected = {f"{step}.png" for step in range(num_steps)}
        for camera in self._cameras:
            for kind in KINDS:
                names = set(self._recordings.names(f"{folder}/{camera}_{kind}"))
                if not names:
                    raise EpisodeError(
                        f"{folder}/{camera}_{kind} is missing; "
                        "leave the camera out of sources.rlbench.cameras"
                    )
                if names != expected:
                    first = min(names ^ expected, key=lambda name: (len(name), name))
                    problem = "missing" if first in expected else "not of a step"
                    raise EpisodeError(
                        f"{folder}/{camera}_{kind} has {len(names)} images for {num_steps} "
                        f"steps; {first} is {problem}"
                    )

    def _images(self, folder: str, num_steps: int) -> np.ndarray:
        """Return u8 [kind, step, camera, height, width, 3]; all images must have one size."""
        images: list[np.ndarray] = []
        for kind in KINDS:
            for step in range(num_steps):
                for camera in self._cameras:
                    name = f"{folder}/{camera}_{kind}/{step}.png"
                    image = read_png(self._recordings.read(name), name=name)
                    if images and image.shape != images[0].shape:
                        height, width = image.shape[:2]
                        first_height, first_width = images[0].shape[:2]
                        raise EpisodeError(
                            f"{name} has {width} x {height} px, {self._cameras[0]}_rgb/0.png "
                            f"{first_width} x {first_height}; use a separate run for cameras of "
                            "another size (sources.rlbench.cameras)"
                        )
                    images.append(image)
        shape = (len(KINDS), num_steps, len(self._cameras), *images[0].shape)
        return np.stack(images).reshape(shape)

    def _keypoints(
        self,
        episode: Episode,
        states: Sequence[dict[str, Any]],
        tip_pose: np.ndarray,
        observations: "EpisodeViews",
        names: dict[int, str],
        *,
        name: str,
    ) -> tuple[list[Keypoint], np.ndarray]:
        """Return the gripper's tip and the centres of the task's objects over time.

        RLBench does not write its waypoints into a data set.
        """
        keypoints, points = [Keypoint("gripper_tip", "gripper")], [tip_pose[:, :3]]
        shape = np.shape(states[0].get("task_low_dim_state", 0.0))
        if len(shape) == 1:
            low_dim = stack_over_time(states, "task_low_dim_state", shape, name=name)
            for label, positions, _ in object_positions_m(low_dim, task=episode.task):
                instance, surface_depth_m = observations.instance_at(positions)
                keypoints.append(
                    Keypoint(label, names.get(instance, label), instance, surface_depth_m)
                )
                points.append(positions)
        return keypoints, np.stack(points, axis=1)


class EpisodeViews:
    """Depth [T, C, y, x], instances, K [C, 3, 3] and poses [T, C, 4, 4] of an episode's cameras."""

    def __init__(
        self,
        *,
        depth_m: np.ndarray,
        instance: np.ndarray,
        intrinsics: np.ndarray,
        world_from_camera: np.ndarray,
    ) -> None:
        self.depth_m, self.instance = depth_m, instance
        self.intrinsics, self.world_from_camera = intrinsics, world_from_camera

    def instance_at(self, positions_m: np.ndarray) -> tuple[int, float]:
        """Return the instance that points [T, 3] lie in and how deep, (0, 0) if none is visible.

        Handles have no names in a data set. The centre of an object lies just behind its surface,
        so it belongs to the instance that most cameras see there at the first step.
        """
        votes: dict[int, list[float]] = {}
        height, width = self.depth_m.shape[2:]
        for camera in range(len(self.intrinsics)):
            pixel, depth = project(
                positions_m[0], self.intrinsics[camera], self.world_from_camera[0, camera]
            )
            if not (depth > 0 and (pixel >= 0).all() and (pixel < (width, height)).all()):
                continue
            index = (0, camera, int(pixel[1]), int(pixel[0]))
            depth_inside_m = float(depth) - float(self.depth_m[index])
            if -_MARGIN_M <= depth_inside_m <= _MAX_INSIDE_M:
                votes.setdefault(int(self.instance[index]), []).append(depth_inside_m)
        if not votes:
            return 0, 0.0
        # On a tie the instance that the point lies least deep in.
        instance = min(votes, key=lambda number: (-len(votes[number]), np.median(votes[number])))
        return instance, max(float(np.median(votes[instance])), 0.0) + _MARGIN_M

    def object_rows(self, scene_id: str, names: dict[int, str]) -> list[ObjectRow]:
        """Return a row for each instance; its box encloses what is visible at the first step."""
        points = np.stack(
            [
                back_project(depth, k, pose)
                for depth, k, pose in zip(
                    self.depth_m[0], self.intrinsics, self.world_from_camera[0], strict=True
                )
            ]
        )
        rows = []
        for number, name in names.items():
            object_points = points[(self.instance[0] == number) & np.isfinite(points[..., 0])]
            low, high = (
                (object_points.min(axis=0), object_points.max(axis=0))
                if len(object_points)
                else (np.full(3, np.nan), np.full(3, np.nan))
            )
            centre, size = ((low + high) / 2).tolist(), (high - low).tolist()
            rows.append(
                ObjectRow(
                    scene_id=scene_id,
                    instance=number,
                    object_id=name,
                    category="unnamed",
                    kind="object",
                    asset_id="",
                    parent_id="",
                    room_id="",
                    **dict(zip(("x_m", "y_m", "z_m"), centre, strict=True)),
                    **dict(zip(("width_m", "depth_m", "height_m"), size, strict=True)),
                    yaw_deg=0.0,
                )
            )
        return rows
