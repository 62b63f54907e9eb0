"""Choose good cameras in every room of a scene, render them, and record what they show."""

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.common.cli import progress
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import (
    ObjectRow,
    Scene,
    SkippedItem,
    SurfaceGapRow,
    ViewRow,
    VisibilityRow,
)
from workflow_scripts.common.seeds import rng
from workflow_scripts.config.views import FrameSettings
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.sources.readers.procthor_house import Room, rooms
from workflow_scripts.views.drawn_surfaces import surface_gap_rows, with_nearest
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.policies import POLICIES, Pose
from workflow_scripts.views.probe import probe_camera, rejection_reason
from workflow_scripts.views.renderer import EngineError, LoadedHouse, Renderer
from workflow_scripts.views.visibility import visibility_rows

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderPlan:
    """What to render of every room: image size and number of views per policy."""

    width_px: int
    height_px: int
    vertical_fov_deg: float
    num_views: dict[str, int]
    min_pixels: int
    seed: int

    @classmethod
    def of(cls, settings: FrameSettings, *, num_views: dict[str, int], seed: int) -> "RenderPlan":
        """Return the plan that some settings ask for."""
        return cls(
            width_px=settings.width_px,
            height_px=settings.height_px,
            vertical_fov_deg=settings.vertical_fov_deg,
            num_views=num_views,
            min_pixels=settings.min_pixels,
            seed=seed,
        )

    def camera(self, pose: Pose) -> Camera:
        """Return the camera of a pose; the field of view of a pose is that of a square image."""
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
class RenderedRows:
    """Rows and frames of the shard so far."""

    spool: FrameSpool
    views: list[ViewRow] = field(default_factory=list)
    objects: list[ObjectRow] = field(default_factory=list)
    visibility: list[VisibilityRow] = field(default_factory=list)
    surface_gaps: list[SurfaceGapRow] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)

    def skip(self, scene: Scene, item: str, reason: str) -> None:
        """Record an item that is left out."""
        logger.warning("%s: %s skipped: %s", scene.scene_id, item, reason)
        self.skipped.append(
            SkippedItem(source=scene.source, scene_id=scene.scene_id, item=item, reason=reason)
        )


@dataclass(frozen=True)
class RenderedView:
    """A rendered view and what it shows; `score` is (visible objects, their pixels)."""

    row: ViewRow
    visibility: list[VisibilityRow]
    score: tuple[int, int]


def render_scenes(
    scenes: Sequence[Scene], renderer: Renderer, render_plan: RenderPlan, spool: FrameSpool
) -> RenderedRows:
    """Render the scenes; those that cannot be rendered become `SkippedItem` rows."""
    rendered_rows = RenderedRows(spool)
    errors = ItemErrors()
    for scene in progress(scenes, desc="houses"):
        if scene.house is None:
            rendered_rows.skip(scene, "house", scene.skipped or "there is no house")
            continue
        try:
            rooms_of_house = rooms(scene.house)
            loaded_house = renderer.load(scene.house, scene_id=scene.scene_id)
            reachable_m = loaded_house.reachable_m()
        except EngineError:
            raise
        except Exception as error:
            rendered_rows.skip(scene, "house", errors.reason(error, scene.scene_id))
            continue
        scene_renderer = SceneRenderer(
            scene, loaded_house, reachable_m, render_plan, rendered_rows, first_view=len(spool)
        )
        first_visible = len(rendered_rows.visibility)
        for room in rooms_of_house:
            start = len(spool)
            try:
                scene_renderer.render_room(room)
            except EngineError:
                raise
            except Exception as error:
                spool.truncate(start)
                reason = errors.reason(error, f"{scene.scene_id} {room.room_id}")
                rendered_rows.skip(scene, room.room_id, reason)
        if len(spool) > scene_renderer.first_view:
            rendered_rows.objects += loaded_house.objects
            surfaces = getattr(loaded_house, "surfaces", None)
            if surfaces is not None:
                rendered_rows.surface_gaps += surface_gap_rows(
                    loaded_house.objects, rendered_rows.visibility[first_visible:], surfaces
                )
    errors.require_some(len(spool))
    return rendered_rows


@dataclass(frozen=True)
class SceneRenderer:
    """Renders a loaded scene into the shard; its first view there is `first_view`."""

    scene: Scene
    loaded_house: LoadedHouse
    reachable_m: np.ndarray
    render_plan: RenderPlan
    rendered_rows: RenderedRows
    first_view: int

    def render_room(self, room: Room) -> None:
        """Add a room's views and mark the best; add one from above only if there is another."""
        views_per_policy = {name: n for name, n in self.render_plan.num_views.items() if n}
        rendered_views = [
            rendered_view
            for policy in POLICIES
            if policy in views_per_policy and policy != "top_down"
            for rendered_view in self._render_policy(room, policy, views_per_policy[policy])
        ]
        best = max(rendered_views, key=lambda rendered_view: rendered_view.score, default=None)
        if "top_down" in views_per_policy and (rendered_views or len(views_per_policy) == 1):
            rendered_views += self._render_policy(room, "top_down", views_per_policy["top_down"])
        for rendered_view in rendered_views:
            self.rendered_rows.views.append(
                rendered_view.row.model_copy(update={"is_best": rendered_view is best})
            )
            self.rendered_rows.visibility += rendered_view.visibility

    def _render_policy(self, room: Room, policy: str, num_views: int) -> list[RenderedView]:
        """Render the first good candidates of a policy; say why if there is none."""
        scene_id = self.scene.scene_id
        generator = rng(self.render_plan.seed, scene_id, room.room_id, policy)
        rendered_views: list[RenderedView] = []
        rejection_counts: Counter[str] = Counter()
        for pose in POLICIES[policy](room, self.reachable_m, generator, num_views):
            if len(rendered_views) == num_views:
                break
            camera = self.render_plan.camera(pose)
            frame_or_reason = self._render_candidate(camera, pose)
            if isinstance(frame_or_reason, str):
                rejection_counts[frame_or_reason] += 1
            else:
                rendered_views.append(self.add_view(room, pose, camera, frame_or_reason))
        for reason, count in rejection_counts.items():
            self.rendered_rows.rejected[policy, reason] += count
        if not rendered_views:
            reasons = "; ".join(
                f"{count} x {reason}" for reason, count in sorted(rejection_counts.items())
            )
            self.rendered_rows.skip(
                self.scene,
                f"{room.room_id} {policy}",
                f"no good camera: {reasons}" if reasons else "no floor point can be reached",
            )
        return rendered_views

    def _render_candidate(self, camera: Camera, pose: Pose) -> Frame | str:
        """Return a frame, or why the view is rejected.

        A backend with a cheap depth pass is checked with that first; others render at once.
        """
        geometry = getattr(self.loaded_house, "geometry", None)
        # Panoramas keep every direction, views from above are always of use.
        check_view = pose.policy not in ("panorama", "top_down")
        if check_view and geometry is not None:
            reason = self._rejection_reason(*geometry(probe_camera(camera)))
            if reason:
                return reason
        frame = self.render_frame(camera)
        if check_view and geometry is None:
            return self._rejection_reason(frame.depth_m, frame.instance) or frame
        return frame

    def render_frame(self, camera: Camera) -> Frame:
        """Render the next view of the scene."""
        number = len(self.rendered_rows.spool) - self.first_view
        generator = rng(self.render_plan.seed, self.scene.scene_id, "frame", number)
        return self.loaded_house.render(camera, seed=int(generator.integers(2**31)))

    def _rejection_reason(self, depth_m: np.ndarray, instance: np.ndarray) -> str | None:
        return rejection_reason(
            depth_m,
            instance,
            object_instances=[
                row.instance for row in self.loaded_house.objects if row.kind == "object"
            ],
            min_fraction=self.render_plan.min_pixels
            / (self.render_plan.width_px * self.render_plan.height_px),
        )

    def add_view(
        self,
        room: Room,
        pose: Pose,
        camera: Camera,
        frame: Frame,
        *,
        frame_number: int = -1,
        timestamp_s: float = math.nan,
    ) -> RenderedView:
        """Keep a frame and describe it; number and time are those of a scan's frame."""
        view = self.rendered_rows.spool.add(frame, camera)
        visible_rows = visibility_rows(
            view, camera, frame.depth_m, frame.instance, self.loaded_house.objects
        )
        surfaces = getattr(self.loaded_house, "surfaces", None)
        if surfaces is not None:
            visible_rows = with_nearest(visible_rows, surfaces, camera.position_m)
        object_instances = {
            row.instance for row in self.loaded_house.objects if row.kind == "object"
        }
        pixels = [
            row.pixels
            for row in visible_rows
            if row.instance in object_instances and row.pixels >= self.render_plan.min_pixels
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
            frame=frame_number,
            timestamp_s=timestamp_s,
        )
        return RenderedView(row, visible_rows, (len(pixels), sum(pixels)))
