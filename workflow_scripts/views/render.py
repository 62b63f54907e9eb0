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

    def skip(self, scene: Scene, item: str, reason: str) -> None:
        """Note something that is left out."""
        logger.warning("%s: %s skipped: %s", scene.scene_id, item, reason)
        self.skipped.append(
            Skipped(source=scene.source, scene_id=scene.scene_id, item=item, reason=reason)
        )


@dataclass(frozen=True)
class Shot:
    """A rendered view and what it shows; `score` is (visible objects, their pixels)."""

    row: ViewRow
    visibility: list[VisibilityRow]
    score: tuple[int, int]


def render_scenes(
    scenes: Sequence[Scene], renderer: Renderer, plan: Plan, spool: FrameSpool
) -> Collected:
    """Render every scene that can be; the others become `Skipped` rows."""
    collected = Collected(spool)
    for scene in progress(scenes, desc="houses"):
        if scene.house is None:
            collected.skip(scene, "house", scene.skipped or "there is no house")
            continue
        try:
            rooms_of_house = rooms(scene.house)
            loaded = renderer.load(scene.house, scene_id=scene.scene_id)
            reachable_m = loaded.reachable_m()
        except EngineError:
            raise
        except UserError as error:
            collected.skip(scene, "house", str(error))
            continue
        visit = Visit(scene, loaded, reachable_m, plan, collected, first_view=len(spool))
        for room in rooms_of_house:
            start = len(spool)
            try:
                visit.render_room(room)
            except EngineError:
                raise
            except UserError as error:
                spool.truncate(start)
                collected.skip(scene, room.room_id, str(error))
        if len(spool) > visit.first_view:
            collected.objects += loaded.objects
    return collected


@dataclass(frozen=True)
class Visit:
    """A loaded scene on its way through the shard; its first view there is `first_view`."""

    scene: Scene
    loaded: LoadedHouse
    reachable_m: np.ndarray
    plan: Plan
    collected: Collected
    first_view: int

    def render_room(self, room: Room) -> None:
        """Add a room's views, the best one marked; none from above without one at eye level."""
        wanted = {name: n for name, n in self.plan.num_views.items() if n}
        shots = [
            shot
            for policy in POLICIES
            if policy in wanted and policy != "top_down"
            for shot in self._shots(room, policy, wanted[policy])
        ]
        best = max(shots, key=lambda shot: shot.score, default=None)
        if "top_down" in wanted and (shots or len(wanted) == 1):
            shots += self._shots(room, "top_down", wanted["top_down"])
        for shot in shots:
            self.collected.views.append(shot.row.model_copy(update={"is_best": shot is best}))
            self.collected.visibility += shot.visibility

    def _shots(self, room: Room, policy: str, num_views: int) -> list[Shot]:
        """Render the first good candidates of a policy; say why if there is none."""
        scene_id = self.scene.scene_id
        generator = rng(self.plan.seed, scene_id, room.room_id, policy)
        shots: list[Shot] = []
        faults: Counter[str] = Counter()
        for pose in POLICIES[policy](room, self.reachable_m, generator, num_views):
            if len(shots) == num_views:
                break
            camera = self.plan.camera(pose)
            found = self._look(camera, pose)
            if isinstance(found, str):
                faults[found] += 1
            else:
                shots.append(self._shot(room, pose, camera, found))
        for reason, count in faults.items():
            self.collected.rejected[policy, reason] += count
        if not shots:
            why = "; ".join(f"{count} x {reason}" for reason, count in sorted(faults.items()))
            self.collected.skip(
                self.scene,
                f"{room.room_id} {policy}",
                f"no good camera: {why}" if why else "no floor point can be reached",
            )
        return shots

    def _look(self, camera: Camera, pose: Pose) -> Frame | str:
        """Return a frame, or why the view is of no use.

        A backend with a cheap depth pass is asked for that first; another renders at once.
        """
        geometry = getattr(self.loaded, "geometry", None)
        # A panorama keeps every direction and a plan shows what there is.
        picky = pose.policy not in ("panorama", "top_down")
        if picky and geometry is not None:
            reason = self._fault(*geometry(probe_camera(camera)))
            if reason:
                return reason
        number = len(self.collected.spool) - self.first_view
        generator = rng(self.plan.seed, self.scene.scene_id, "frame", number)
        frame = self.loaded.render(camera, seed=int(generator.integers(2**31)))
        if picky and geometry is None:
            return self._fault(frame.depth_m, frame.instance) or frame
        return frame

    def _fault(self, depth_m: np.ndarray, instance: np.ndarray) -> str | None:
        return fault(
            depth_m,
            instance,
            object_instances=[row.instance for row in self.loaded.objects if row.kind == "object"],
            min_share=self.plan.min_pixels / (self.plan.width_px * self.plan.height_px),
        )

    def _shot(self, room: Room, pose: Pose, camera: Camera, frame: Frame) -> Shot:
        """Keep a frame and describe it."""
        view = self.collected.spool.add(frame, camera)
        seen = visibility_rows(view, camera, frame.depth_m, frame.instance, self.loaded.objects)
        things = {row.instance for row in self.loaded.objects if row.kind == "object"}
        pixels = [
            row.pixels
            for row in seen
            if row.instance in things and row.pixels >= self.plan.min_pixels
        ]
        row = ViewRow(
            view=view,
            view_id=f"{self.scene.scene_id}-{view - self.first_view:03d}",
            scene_id=self.scene.scene_id,
            source=self.scene.source,
            split=self.scene.split,
            room_id=room.room_id,
            room_type=room.room_type,
            policy=pose.policy,
            yaw_deg=pose.yaw_deg,
            pitch_deg=pose.pitch_deg,
            vertical_fov_deg=camera.vertical_fov_deg,
            num_visible_objects=len(pixels),
            is_best=False,
        )
        return Shot(row, seen, (len(pixels), sum(pixels)))
