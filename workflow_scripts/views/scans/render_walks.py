"""Walk a camera through the houses of a shard and record posed frames with exact depth and ids.

Writes what every view shard has, and `{shard}.surface.parquet`, points on the surfaces of each
scan's room or house. A scan is a scene: all of its frames are rendered in one job, and share the
light of their house where the preset does.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import ViewRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.view_shard import sibling_path
from workflow_scripts.geometry.cameras import wrap_deg
from workflow_scripts.sources.readers.procthor_house import Room, rooms
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.scan_settings import WalkRenderSettings, WalkSettings
from workflow_scripts.views.drawn_surfaces import surface_gap_rows
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.policies import Pose
from workflow_scripts.views.render import RenderedRows, RenderedView, RenderPlan, SceneRenderer
from workflow_scripts.views.renderer import EngineError, LoadedHouse, Renderer
from workflow_scripts.views.scans.surface_points import SurfacePoints, write_surface_points
from workflow_scripts.views.scans.walk import plan_walk
from workflow_scripts.views.scenes_of_shard import read_scenes
from workflow_scripts.views.shard import render_shard

POLICY = "walk"
CLEARANCE_M = 0.22
"""A little more than the 0.2 m that are promised: a path is checked every few centimetres."""
PERSON_HEIGHT_M = 1.8
MIN_WALK_AREA_M2 = 0.25

log = logging.getLogger(__name__)


DEFAULT = WalkRenderSettings()


@dataclass(frozen=True)
class WalkRenderer:
    """Renders walks into a shard."""

    renderer: Renderer
    settings: WalkRenderSettings
    render_plan: RenderPlan
    rendered_rows: RenderedRows
    surface_points: list[SurfacePoints] = field(default_factory=list)

    def render_scan(self, scene: ScanScene) -> None:
        """Add the frames of a scan; `UserError` if there is nowhere to walk."""
        if scene.house is None:
            raise UserError(scene.skipped or "there is no house")
        rooms_of_house = rooms(scene.house)
        loaded_house = self.renderer.load(scene.house, scene_id=scene.scene_id)
        generator = rng(self.render_plan.seed, scene.scene_id, POLICY)
        scanned_rooms, area = self._scanned_area(scene, loaded_house, rooms_of_house)
        walk = plan_walk(
            area,
            generator,
            num_frames=self.settings.frames,
            rate_hz=self.settings.rate_hz,
            speed_m_s=self.settings.speed_m_s,
        )
        spool = self.rendered_rows.spool
        scene_renderer = SceneRenderer(
            scene,
            loaded_house,
            np.empty((0, 3)),
            self.render_plan,
            self.rendered_rows,
            first_view=len(spool),
        )
        rendered_views = []
        for number in progress(range(len(walk)), desc=scene.scene_id):
            x, y, z = walk.position_m[number].tolist()
            yaw_deg, pitch_deg = (
                wrap_deg(float(walk.yaw_deg[number])),
                float(walk.pitch_deg[number]),
            )
            pose = Pose(POLICY, (x, y, z), yaw_deg, pitch_deg)
            camera = self.render_plan.camera(pose)
            rendered_views.append(
                scene_renderer.add_view(
                    _room_of(scanned_rooms, x, y),
                    pose,
                    camera,
                    scene_renderer.render_frame(camera),
                    frame_number=number,
                    timestamp_s=float(walk.time_s[number]),
                )
            )
        surfaces = getattr(loaded_house, "surfaces", None)
        visible = [row for view in rendered_views for row in view.visibility]
        gaps = [] if surfaces is None else surface_gap_rows(loaded_house.objects, visible, surfaces)
        mesh = getattr(loaded_house, "triangle_mesh", None)
        if mesh is not None:
            area = shapely.union_all([room.shape for room in scanned_rooms])
            points = SurfacePoints.of_triangles(scene.scene_id, mesh.triangles, area)
            self.surface_points.append(points)
        self.rendered_rows.views += with_best_views(rendered_views)
        self.rendered_rows.visibility += visible
        self.rendered_rows.objects += loaded_house.objects
        self.rendered_rows.surface_gaps += gaps

    def _scanned_area(
        self, scene: ScanScene, loaded_house: LoadedHouse, rooms_of_house: list[Room]
    ) -> tuple[list[Room], BaseGeometry]:
        """Return the rooms that a scan is about and where in them the camera may be.

        Of a house in which only a room is scanned, its scans go through the rooms with space to
        walk in an order that is drawn by chance.
        """
        area = walkable_area(loaded_house)
        choices = [rooms_of_house]
        if self.settings.scan_unit == "room":
            generator = rng(self.render_plan.seed, scene.first_scan or scene.scene_id, "rooms")
            order = generator.permutation(len(rooms_of_house))
            choices = [[rooms_of_house[index]] for index in order]
        walkable = [
            (chosen, inside)
            for chosen in choices
            if (
                inside := area.intersection(shapely.union_all([room.shape for room in chosen]))
            ).area
            >= MIN_WALK_AREA_M2
        ]
        if walkable:
            return walkable[scene.scan_of_house % len(walkable)]
        raise UserError(
            f"no {self.settings.scan_unit} has {MIN_WALK_AREA_M2} m2 of floor that is "
            f"{CLEARANCE_M} m from furniture and walls"
        )


def with_best_views(rendered_views: list[RenderedView]) -> list[ViewRow]:
    """Return the rows of views, the one of each room that shows most objects marked."""
    best: dict[str, RenderedView] = {}
    for rendered_view in rendered_views:
        room_id = rendered_view.row.room_id
        if room_id not in best or rendered_view.score > best[room_id].score:
            best[room_id] = rendered_view
    return [
        view.row.model_copy(update={"is_best": view is best[view.row.room_id]})
        for view in rendered_views
    ]


def walkable_area(loaded_house: LoadedHouse) -> BaseGeometry:
    """Return where the middle of a person may be.

    Of a backend that knows only points of a grid, the ways between neighbouring points.
    """
    free_area = getattr(loaded_house, "free_area", None)
    if free_area is not None:
        area: BaseGeometry = free_area(clearance_m=CLEARANCE_M, height_m=PERSON_HEIGHT_M)
        return area
    points = {(float(x), float(y)) for x, y, _ in loaded_house.reachable_m()}
    grid_m = 0.25
    ways = [
        shapely.LineString([(x, y), (x + dx, y + dy)])
        for x, y in sorted(points)
        for dx, dy in ((grid_m, 0.0), (0.0, grid_m))
        if (x + dx, y + dy) in points
    ]
    squares = [
        shapely.box(x, y, x + grid_m, y + grid_m)
        for x, y in sorted(points)
        if {(x + grid_m, y), (x, y + grid_m), (x + grid_m, y + grid_m)} <= points
    ]
    return shapely.union_all([*ways, *squares]).buffer(0.005, cap_style="square")


def _room_of(scanned_rooms: list[Room], x: float, y: float) -> Room:
    """Return the room that a camera is in, or the nearest one (in a doorway)."""
    point = shapely.Point(x, y)
    return min(scanned_rooms, key=lambda room: room.shape.distance(point))


def render_walks(
    scenes: list[ScanScene],
    renderer: Renderer,
    settings: WalkRenderSettings,
    spool: FrameSpool,
    *,
    seed: int,
) -> tuple[RenderedRows, list[SurfacePoints]]:
    """Render the scans; those that cannot be walked become `SkippedItem` rows."""
    render_plan = RenderPlan.of(settings, num_views={}, seed=seed)
    walk_renderer = WalkRenderer(renderer, settings, render_plan, RenderedRows(spool))
    rendered_rows, errors = walk_renderer.rendered_rows, ItemErrors()
    for scene in scenes:
        start = len(spool)
        try:
            walk_renderer.render_scan(scene)
        except EngineError:
            raise
        except Exception as error:
            spool.truncate(start)
            rendered_rows.skip(scene, "scan", errors.reason(error, scene.scene_id))
    errors.require_some(len(spool))
    return rendered_rows, walk_renderer.surface_points


def main(
    *,
    scenes: Path,
    out: Path,
    seed: int,
    settings: WalkRenderSettings = DEFAULT,
    measure_surfaces: bool = True,
) -> None:
    """Render walks through the houses of a shard.

    Args:
        scenes: JSON lines of `ScanScene` records.
        out: the Zarr group to write, `{shard}.zarr`; tables and images lie beside it.
        seed: the workflow's seed.
        settings: the walk, the camera and the renderer.
        measure_surfaces: whether the shapes that are drawn are measured, where the renderer can:
            questions about single frames need them.
    """
    records = read_scenes(scenes, ScanScene)

    def render(renderer: Renderer, spool: FrameSpool) -> RenderedRows:
        renderer.measures_surfaces = measure_surfaces
        rows, surface_points = render_walks(records, renderer, settings, spool, seed=seed)
        write_surface_points(sibling_path(out, "surface.parquet"), surface_points)
        return rows

    attributes = {
        "walk": settings.model_dump(include=set(WalkSettings.model_fields)),
        "min_pixels": settings.min_pixels,
        "seed": seed,
    }
    render_shard(out, records[0].source, settings, render, attributes=attributes)


if __name__ == "__main__":
    run(main)
