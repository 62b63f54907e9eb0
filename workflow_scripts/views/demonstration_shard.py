"""Convert demonstrations into a shard of posed views: arrays and the rows of its tables."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.ndimage import find_objects
from scipy.spatial.transform import Rotation

from workflow_scripts.common.demonstration_shard import (
    GRIPPER_OPEN_THRESHOLD,
    Demonstration,
    EpisodeRow,
    KeypointRow,
    PoseRow,
    StepRow,
)
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Episode, ObjectRow, SkippedItem, ViewRow, VisibilityRow
from workflow_scripts.geometry.cameras import Camera, yaw_pitch_deg
from workflow_scripts.views.demonstrator import Demonstrator, EpisodeError
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.keypoints import project_keypoints

logger = logging.getLogger(__name__)
# An object of RLBench is about this many pixels in size at 128 px when it is just recognisable.
MIN_PIXELS = 8
_STATE_STEP_M = 1e-4


@dataclass
class DemonstrationRows:
    """Rows and keypoints of the shard so far; images are in the spool.

    The spool is made for the first demonstration, whose image size is only known then.
    """

    folder: Path
    spool: FrameSpool | None = None
    size_px: tuple[int, int] = (0, 0)
    views: list[ViewRow] = field(default_factory=list)
    objects: list[ObjectRow] = field(default_factory=list)
    visibility: list[VisibilityRow] = field(default_factory=list)
    episodes: list[EpisodeRow] = field(default_factory=list)
    keypoints: list[KeypointRow] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)
    poses: list[PoseRow] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    pixels: list[np.ndarray] = field(default_factory=list)
    in_frame: list[np.ndarray] = field(default_factory=list)
    visible: list[np.ndarray] = field(default_factory=list)

    def skip(self, episode: Episode, reason: str) -> None:
        """Record an episode that is left out."""
        logger.warning("%s skipped: %s", episode.scene_id, reason)
        self.skipped.append(
            SkippedItem(
                source=episode.source, scene_id=episode.scene_id, item=episode.task, reason=reason
            )
        )

    def mark(self) -> dict[str, int]:
        """Return how long every list is, for `truncate`."""
        lengths = {name: len(rows) for name, rows in vars(self).items() if isinstance(rows, list)}
        return {**lengths, "spool": 0 if self.spool is None else len(self.spool)}

    def truncate(self, mark: dict[str, int]) -> None:
        """Take back all that an episode has added since `mark`."""
        for name, rows in vars(self).items():
            if isinstance(rows, list):
                del rows[mark[name] :]
        if self.spool is not None:
            self.spool.truncate(mark["spool"])
            if not mark["spool"]:  # the next one may have images of another size
                self.close()
                self.spool = None

    def close(self) -> None:
        """Close the spool of images."""
        if self.spool is not None:
            self.spool.__exit__()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the shard; keypoints are padded to the longest list."""
        if self.spool is None:
            with FrameSpool(self.folder, width_px=1, height_px=1) as empty:
                spooled = empty.arrays()
        else:
            spooled = self.spool.arrays()
        max_keypoints = max((len(points) for points in self.points), default=0)
        return {
            **spooled,
            "keypoints_m": _padded(self.points, (max_keypoints, 3), np.nan),
            "keypoints_px": _padded(self.pixels, (max_keypoints, 2), np.nan),
            "keypoints_in_frame": _padded(self.in_frame, (max_keypoints,), False),
            "keypoints_visible": _padded(self.visible, (max_keypoints,), False),
        }


def _padded(rows: Sequence[np.ndarray], shape: tuple[int, ...], fill: float | bool) -> np.ndarray:
    values = np.full((len(rows), *shape), fill)
    for number, row in enumerate(rows):
        values[number, : len(row)] = row
    return values


def record_episodes(
    episodes: Iterable[Episode], demonstrator: Demonstrator, demonstration_rows: DemonstrationRows
) -> None:
    """Record the episodes; those that cannot be recorded become `SkippedItem` rows."""
    errors = ItemErrors()
    for episode in episodes:
        if episode.skipped:
            demonstration_rows.skip(episode, episode.skipped)
            continue
        mark = demonstration_rows.mark()
        try:
            demonstration = demonstrator.demonstrate(episode)
            demonstration.check()
            add_episode(demonstration_rows, episode, demonstration)
        except EpisodeError as error:
            demonstration_rows.truncate(mark)
            demonstration_rows.skip(episode, str(error))
        except UserError:
            raise
        except Exception as error:
            demonstration_rows.truncate(mark)
            demonstration_rows.skip(episode, errors.reason(error, episode.scene_id))
    errors.require_some(len(demonstration_rows.episodes))


def add_episode(
    demonstration_rows: DemonstrationRows, episode: Episode, demonstration: Demonstration
) -> None:
    """Add a demonstration's images, keypoints and rows."""
    height, width = demonstration.rgb.shape[2:4]
    if demonstration_rows.spool is None:
        demonstration_rows.spool = FrameSpool(
            demonstration_rows.folder, width_px=width, height_px=height
        )
        demonstration_rows.size_px = (width, height)
    if (width, height) != demonstration_rows.size_px:
        raise EpisodeError(
            f"images of {width} x {height} px in a shard of {demonstration_rows.size_px[0]} x "
            f"{demonstration_rows.size_px[1]} px; use a separate run for each image size"
        )
    first_view = len(demonstration_rows.spool)
    for step in range(demonstration.num_steps):
        for camera in range(len(demonstration.cameras)):
            _add_view(demonstration_rows, episode, demonstration, step, camera, first_view)
        demonstration_rows.steps.append(_step_row(episode, demonstration, step))
    demonstration_rows.objects += demonstration.objects
    demonstration_rows.poses += _pose_rows(episode, demonstration)
    demonstration_rows.keypoints += [
        KeypointRow(
            scene_id=episode.scene_id,
            keypoint=number,
            name=keypoint.name,
            parent_id=keypoint.parent_id,
            instance=keypoint.instance,
        )
        for number, keypoint in enumerate(demonstration.keypoints)
    ]
    demonstration_rows.episodes.append(
        EpisodeRow(
            scene_id=episode.scene_id,
            source=episode.source,
            split=episode.split,
            task=episode.task,
            task_id=episode.task_id,
            variation=episode.variation,
            episode=episode.episode,
            seed=episode.seed,
            description=demonstration.description,
            first_view=first_view,
            num_steps=demonstration.num_steps,
            num_cameras=len(demonstration.cameras),
            cameras=",".join(demonstration.cameras),
            num_keypoints=len(demonstration.keypoints),
            step_s=demonstration.step_s,
            success=demonstration.success,
            num_attempts=1 + len(demonstration.failures),
            failures="; ".join(demonstration.failures),
            state_hash=state_hash(demonstration),
        )
    )


def state_hash(demonstration: Demonstration) -> str:
    """Hash the state of the first step, rounded to 0.1 mm: equal scenes have equal hashes."""
    parts = [demonstration.keypoints_m[0].ravel(), demonstration.joint_positions_rad[0]]
    if demonstration.world_from_object is not None:
        parts.append(demonstration.world_from_object[0, :, :3, 3].ravel())
    values = np.concatenate(parts)
    state = np.round(values[np.isfinite(values)] / _STATE_STEP_M).astype("<i8")
    return hashlib.sha256(state.tobytes()).hexdigest()[:32]


def _add_view(
    demonstration_rows: DemonstrationRows,
    episode: Episode,
    demonstration: Demonstration,
    step: int,
    camera: int,
    first_view: int,
) -> None:
    """Add one view: the image of camera number `camera` at step `step`."""
    assert demonstration_rows.spool is not None
    frame = Frame(
        demonstration.rgb[step, camera],
        demonstration.depth_m[step, camera],
        demonstration.instance[step, camera],
    )
    width, height = demonstration_rows.size_px
    camera_model = Camera(
        width,
        height,
        demonstration.intrinsics[camera],
        demonstration.world_from_camera[step, camera],
    )
    view = demonstration_rows.spool.add(frame, camera_model)
    pixels, in_frame, visible = project_keypoints(
        demonstration.keypoints_m[step],
        demonstration.keypoints,
        intrinsics=camera_model.intrinsics,
        world_from_camera=camera_model.world_from_camera,
        depth_m=frame.depth_m,
        instance=frame.instance,
    )
    demonstration_rows.points.append(demonstration.keypoints_m[step])
    demonstration_rows.pixels.append(pixels)
    demonstration_rows.in_frame.append(in_frame)
    demonstration_rows.visible.append(visible)
    visible_rows = mask_rows(view, episode.scene_id, frame.instance)
    demonstration_rows.visibility += visible_rows
    object_instances = {row.instance for row in demonstration.objects if row.kind == "object"}
    yaw_deg, pitch_deg = yaw_pitch_deg(camera_model.world_from_camera)
    demonstration_rows.views.append(
        ViewRow(
            view=view,
            view_id=f"{episode.scene_id}-{view - first_view:05d}",
            scene_id=episode.scene_id,
            source=episode.source,
            split=episode.split,
            room_id=f"step-{step:04d}",
            room_type=episode.task,
            policy=demonstration.cameras[camera],
            yaw_deg=yaw_deg,
            pitch_deg=pitch_deg,
            vertical_fov_deg=camera_model.vertical_fov_deg,
            num_visible_objects=sum(
                row.instance in object_instances and row.pixels >= MIN_PIXELS
                for row in visible_rows
            ),
            is_best=step == 0 and camera == _best_camera(demonstration),
        )
    )


def _best_camera(demonstration: Demonstration) -> int:
    """Return the camera that shows most instances at the first step, the first on a tie."""
    counts = [len(np.unique(instance)) for instance in demonstration.instance[0]]
    return int(np.argmax(counts))


def mask_rows(view: int, scene_id: str, instance: np.ndarray) -> list[VisibilityRow]:
    """Return a row for each instance in a mask; `fraction_visible` is unknown (NaN).

    It needs an upright box, which an object in a gripper does not have.
    """
    height, width = instance.shape
    counts = np.bincount(instance.ravel())
    rows = []
    for number, bounds in enumerate(find_objects(instance.astype(np.int32)), start=1):
        if bounds is None:
            continue
        y, x = bounds
        rows.append(
            VisibilityRow(
                view=view,
                scene_id=scene_id,
                instance=number,
                pixels=int(counts[number]),
                fraction_visible=float("nan"),
                x0=x.start,
                y0=y.start,
                x1=x.stop,
                y1=y.stop,
                truncated=x.start == 0 or y.start == 0 or x.stop == width or y.stop == height,
            )
        )
    return rows


def _step_row(episode: Episode, demonstration: Demonstration, step: int) -> StepRow:
    joints = demonstration.joint_positions_rad[step]
    speeds = demonstration.joint_velocities_rad_per_s[step]
    x, y, z, qx, qy, qz, qw = map(float, demonstration.tip_pose[step])
    opening = float(demonstration.gripper_opening[step])
    return StepRow.model_validate(
        {
            "scene_id": episode.scene_id,
            "step": step,
            "time_s": step * demonstration.step_s,
            **{f"joint_{n}_rad": float(value) for n, value in enumerate(joints)},
            **{f"joint_{n}_rad_per_s": float(value) for n, value in enumerate(speeds)},
            "gripper_opening": opening,
            "gripper_open": opening > GRIPPER_OPEN_THRESHOLD,
            **{"tip_x_m": x, "tip_y_m": y, "tip_z_m": z},
            **{"tip_qx": qx, "tip_qy": qy, "tip_qz": qz, "tip_qw": qw},
        }
    )


def _pose_rows(episode: Episode, demonstration: Demonstration) -> list[PoseRow]:
    """Return the poses of all objects at all steps, none if the source has none."""
    poses = demonstration.world_from_object
    if poses is None or not poses.size:
        return []
    known = np.isfinite(poses).all(axis=(-2, -1))
    quaternions = np.full((*poses.shape[:2], 4), np.nan)
    if known.any():
        quaternions[known] = Rotation.from_matrix(poses[known][:, :3, :3]).as_quat(canonical=True)
    return [
        PoseRow(
            scene_id=episode.scene_id,
            step=step,
            instance=row.instance,
            **dict(zip(("x_m", "y_m", "z_m"), poses[step, n, :3, 3].tolist(), strict=True)),
            **dict(zip(("qx", "qy", "qz", "qw"), quaternions[step, n].tolist(), strict=True)),
        )
        for step in range(len(poses))
        for n, row in enumerate(demonstration.objects)
        if known[step, n]
    ]
