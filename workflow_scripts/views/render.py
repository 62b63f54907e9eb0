"""Choose good cameras in every room of a scene, render them, and note what they show."""

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.cli import progress
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow, Scene, Skipped, ViewRow, VisibilityRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.views.house import Room, rooms
from workflow_scripts.views.policies import POLICIES, Pose
from workflow_scripts.views.probe import fault, probe_camera
from workflow_scripts.views.renderer import EngineError, Frame, LoadedHouse, Renderer
from workflow_scripts.views.spool import FrameSpool
from workflow_scripts.views.visibility import visibility_rows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What to render of every room: picture size and number of views per policy."""

    width_px: int
    height_px: int
    vertical_fov_deg: float
    num_views: dict[str, int]
    min_pixels: int
    seed: int

    def check(self) -> None:
        """Raise `UserError` for sizes and numbers that cannot be."""
        for name, value, low, high in (
            ("width_px", self.width_px, 16, 4096),
            ("height_px", self.height_px, 16, 4096),
            ("vertical_fov_deg", self.vertical_fov_deg, 10, 150),
            ("min_pixels", self.min_pixels, 1, self.width_px * self.height_px),
            *((f"policies.{policy}", n, 0, 1000) for policy, n in self.num_views.items()),
        ):
            if not low <= value <= high:
                raise UserError(f"views.{name} is {value}; it must be from {low} to {high}")
        if not any(self.num_views.values()):
            raise UserError("views.policies asks for no view; set at least one policy above 0")

    def camera(self, pose: Pose) -> Camera:
        """Return the camera of a pose; a field of view of its own is for a square picture."""
        fov_deg = self.vertical_fov_deg
        if pose.vertical_fov_deg is not None:
            upright = max(1.0, self.height_px / self.width_px)
            half = math.tan(math.radians(pose.vertical_fov_deg / 2)) * upright
            fov_deg = math.degrees(2 * math.atan(half))
        return Camera.look(
            pose.position_m,
            yaw_deg=pose.yaw_deg,
            pitch_deg=pose.pitch_deg,
            width_px=self.width_px,
            height_px=self.height_px,
            vertical_fov_deg=fov_deg,
        )


@dataclass
class Collected:
    """Rows and frames of the shard so far."""

    spool: FrameSpool
    views: list[ViewRow] = field(default_factory=list)
    objects: list[ObjectRow] = field(default_factory=list)
    visibility: list[VisibilityRow] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)


def render_scenes(
    scenes: Sequence[Scene], renderer: Renderer, plan: Plan, spool: FrameSpool
) -> Collected:
    """Render every scene that can be; the others become `Skipped` rows."""
    collected = Collected(spool)
    for scene in progress(scenes, desc="houses"):
        if scene.house is None:
            _skip(collected, scene, "house", scene.skipped or "there is no house")
            continue
        try:
            rooms_of_house = rooms(scene.house)
            loaded = renderer.load(scene.house, scene_id=scene.scene_id)
            reachable_m = loaded.reachable_m()
        except EngineError:
            raise
        except UserError as error:
            _skip(collected, scene, "house", str(error))
            continue
        first_view = len(spool)
        for room in rooms_of_house:
            start = len(spool)
            try:
                _render_room(collected, scene, room, loaded, reachable_m, plan, first_view)
            except EngineError:
                raise
            except UserError as error:
                spool.truncate(start)
                _skip(collected, scene, room.room_id, str(error))
        if len(spool) > first_view:
            collected.objects += loaded.objects
    return collected


def _skip(collected: Collected, scene: Scene, item: str, reason: str) -> None:
    logger.warning("%s: %s skipped: %s", scene.scene_id, item, reason)
    collected.skipped.append(
        Skipped(source=scene.source, scene_id=scene.scene_id, item=item, reason=reason)
    )


def _render_room(
    collected: Collected,
    scene: Scene,
    room: Room,
    loaded: LoadedHouse,
    reachable_m: np.ndarray,
    plan: Plan,
    first_view: int,
) -> None:
    """Add a room's views, the best one marked; no view from above without one at eye level."""
    rows: list[ViewRow] = []
    visibility: list[VisibilityRow] = []
    scores: list[tuple[int, int]] = []
    wanted_at_eye_level = 0
    for policy, choose in POLICIES.items():
        num_views = plan.num_views.get(policy, 0)
        if not num_views:
            continue
        if policy == "top_down" and wanted_at_eye_level and not rows:
            continue
        wanted_at_eye_level += num_views if policy != "top_down" else 0
        poses = choose(
            room, reachable_m, rng(plan.seed, scene.scene_id, room.room_id, policy), num_views
        )
        reasons: Counter[str] = Counter()
        made = 0
        for pose in poses:
            if made == num_views:
                break
            camera = plan.camera(pose)
            number = len(collected.spool) - first_view
            frame, reason = _look(loaded, camera, pose, plan, scene.scene_id, number)
            if frame is None:
                reasons[reason] += 1
                continue
            view = collected.spool.add(frame, camera)
            seen = visibility_rows(view, camera, frame.depth_m, frame.instance, loaded.objects)
            visibility += seen
            scores.append(_score(seen, loaded.objects, plan.min_pixels))
            rows.append(_view_row(view, number, scene, room, pose, camera, scores[-1][0]))
            made += 1
        for reason, count in reasons.items():
            collected.rejected[policy, reason] += count
        if not made:
            why = "; ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items()))
            _skip(
                collected,
                scene,
                f"{room.room_id} {policy}",
                f"no good camera: {why}" if why else "no floor point can be reached",
            )
    best = _best(rows, scores)
    collected.visibility += visibility
    collected.views += [row.model_copy(update={"is_best": row.view == best}) for row in rows]


def _look(
    loaded: LoadedHouse, camera: Camera, pose: Pose, plan: Plan, scene_id: str, number: int
) -> tuple[Frame | None, str]:
    """Return a frame, or None and why the view is of no use.

    A backend with a cheap depth pass is asked for it first; another renders at once.
    """
    geometry = getattr(loaded, "geometry", None)
    judge = {
        "object_instances": [row.instance for row in loaded.objects if row.kind == "object"],
        "min_share": plan.min_pixels / (plan.width_px * plan.height_px),
    }
    # A panorama keeps every direction and a plan shows what there is.
    picky = pose.policy not in ("panorama", "top_down")
    if picky and geometry is not None:
        reason = fault(*geometry(probe_camera(camera)), **judge)
        if reason:
            return None, reason
    frame_seed = int(rng(plan.seed, scene_id, "frame", number).integers(2**31))
    frame = loaded.render(camera, seed=frame_seed)
    if picky and geometry is None:
        reason = fault(frame.depth_m, frame.instance, **judge)
        if reason:
            return None, reason
    return frame, ""


def _score(
    seen: Sequence[VisibilityRow], objects: Sequence[ObjectRow], min_pixels: int
) -> tuple[int, int]:
    """Return (number of visible objects, their pixels)."""
    kinds = {row.instance: row.kind for row in objects}
    pixels = [
        row.pixels for row in seen if kinds[row.instance] == "object" and row.pixels >= min_pixels
    ]
    return len(pixels), sum(pixels)


def _best(rows: Sequence[ViewRow], scores: Sequence[tuple[int, int]]) -> int | None:
    """Return the view with most visible objects, then most of their pixels, then the first."""
    eye_level = [
        (score, -row.view)
        for row, score in zip(rows, scores, strict=True)
        if row.policy != "top_down"
    ]
    return -max(eye_level)[1] if eye_level else None


def _view_row(
    view: int,
    number: int,
    scene: Scene,
    room: Room,
    pose: Pose,
    camera: Camera,
    num_visible_objects: int,
) -> ViewRow:
    return ViewRow(
        view=view,
        view_id=f"{scene.scene_id}-{number:03d}",
        scene_id=scene.scene_id,
        source=scene.source,
        split=scene.split,
        room_id=room.room_id,
        room_type=room.room_type,
        policy=pose.policy,
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        vertical_fov_deg=camera.vertical_fov_deg,
        num_visible_objects=num_visible_objects,
        is_best=False,
    )
