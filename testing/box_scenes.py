"""Small, exact inputs for tests: boxes in a room, ray-cast in float64 by a slab test.

Nothing here depends on a renderer, so a stage's geometry can be checked against numbers worked
out by hand.
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from workflow_scripts.common.records import (
    ObjectRow,
    SurfaceGapRow,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import table_path, write_views
from workflow_scripts.geometry.cameras import Camera, rays_camera, rotation_about_up, yaw_pitch_deg
from workflow_scripts.geometry.outline import format_outline
from workflow_scripts.geometry.upright_boxes import box_corners, box_gaps_m, distance_to_point_m


@dataclass(frozen=True)
class Box:
    """A solid oriented box: centre and size in metres, yaw in degrees, sRGB colour."""

    category: str
    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_deg: float = 0.0
    colour: tuple[int, int, int] = (180, 60, 60)
    kind: str = "object"


def room(width_m: float = 5.0, depth_m: float = 4.0, height_m: float = 2.6) -> list[Box]:
    """Return floor, ceiling and four walls (as thin boxes) around (0..width, 0..depth)."""
    w, d, h, t = width_m, depth_m, height_m, 0.1
    grey = (200, 198, 190)
    return [
        Box("floor", (w / 2, d / 2, -t / 2), (w, d, t), 0, (150, 110, 70), "structure"),
        Box("ceiling", (w / 2, d / 2, h + t / 2), (w, d, t), 0, (230, 230, 230), "structure"),
        Box("wall", (w / 2, -t / 2, h / 2), (w, t, h), 0, grey, "structure"),
        Box("wall", (w / 2, d + t / 2, h / 2), (w, t, h), 0, grey, "structure"),
        Box("wall", (-t / 2, d / 2, h / 2), (t, d, h), 0, grey, "structure"),
        Box("wall", (w + t / 2, d / 2, h / 2), (t, d, h), 0, grey, "structure"),
    ]


def render(boxes: list[Box], camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (rgb u8, planar depth_m f64 with NaN, instance u16: 1 + index of the box)."""
    rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
    directions = rays @ camera.world_from_camera[:3, :3].T
    depth = np.full(directions.shape[:2], np.inf)
    instance = np.zeros(directions.shape[:2], dtype=np.uint16)
    shade = np.zeros(directions.shape[:2])
    for index, box in enumerate(boxes):
        object_from_world = rotation_about_up(box.yaw_deg).T
        origin = object_from_world @ (camera.position_m - np.array(box.centre_m))
        direction = directions @ object_from_world.T
        with np.errstate(divide="ignore", invalid="ignore"):
            low = (-np.array(box.size_m) / 2 - origin) / direction
            high = (np.array(box.size_m) / 2 - origin) / direction
        enter = np.nanmax(np.minimum(low, high), axis=-1)
        leave = np.nanmin(np.maximum(low, high), axis=-1)
        hit = (enter <= leave) & (enter > 0) & (enter < depth)
        depth[hit] = enter[hit]
        instance[hit] = index + 1
        face = np.argmax(np.minimum(low, high), axis=-1)
        shade[hit] = np.array([0.75, 0.9, 1.0])[face[hit]]
    colours = np.array([(0, 0, 0), *(box.colour for box in boxes)], dtype=np.float64)
    rgb = (colours[instance] * shade[..., None]).astype(np.uint8)
    return rgb, np.where(np.isinf(depth), np.nan, depth), instance


def write_shard(
    path: Path,
    scenes: dict[str, tuple[list[Box], list[Camera]]],
    *,
    splits: dict[str, str] | None = None,
    source: str = "procthor",
    has_shapes: bool = True,
) -> Path:
    """Write a view shard (Zarr group and tables) of boxes seen by cameras, as `views` would.

    The boxes are what is drawn; without `has_shapes` the tables do not say so.
    """
    arrays: dict[str, list[np.ndarray]] = {
        name: [] for name in ("rgb", "depth_m", "instance", "intrinsics", "world_from_camera")
    }
    views, objects, visibility, gaps = [], [], [], []
    for scene_id, (boxes, cameras) in scenes.items():
        split = (splits or {}).get(scene_id, "train")
        for index, box in enumerate(boxes):
            objects.append(
                ObjectRow(
                    scene_id=scene_id,
                    instance=index + 1,
                    object_id=f"{box.category}|{index}",
                    category=box.category,
                    kind=box.kind,
                    asset_id=f"{box.category}_1" if box.kind == "object" else "",
                    parent_id="",
                    room_id="room|2",
                    x_m=box.centre_m[0],
                    y_m=box.centre_m[1],
                    z_m=box.centre_m[2],
                    width_m=box.size_m[0],
                    depth_m=box.size_m[1],
                    height_m=box.size_m[2],
                    yaw_deg=box.yaw_deg,
                    **(_shape(box) if has_shapes and box.kind == "object" else {}),
                )
            )
        gaps += _gap_rows(scene_id, boxes)
        for number, camera in enumerate(cameras):
            view = len(views)
            rgb, depth_m, instance = render(boxes, camera)
            for name, value in zip(
                arrays,
                (rgb, depth_m, instance, camera.intrinsics, camera.world_from_camera),
                strict=True,
            ):
                arrays[name].append(value)
            seen = 0
            for index, box in enumerate(boxes):
                rows, columns = np.nonzero(instance == index + 1)
                if not len(rows):
                    continue
                seen += box.kind == "object"
                x0, x1 = int(columns.min()), int(columns.max()) + 1
                y0, y1 = int(rows.min()), int(rows.max()) + 1
                visibility.append(
                    VisibilityRow(
                        view=view,
                        scene_id=scene_id,
                        instance=index + 1,
                        pixels=len(rows),
                        fraction_visible=1.0,
                        x0=x0,
                        y0=y0,
                        x1=x1,
                        y1=y1,
                        truncated=x0 == 0
                        or y0 == 0
                        or x1 == camera.width_px
                        or y1 == camera.height_px,
                        nearest_m=_nearest_m(box, camera) if has_shapes else float("nan"),
                    )
                )
            yaw_deg, pitch_deg = yaw_pitch_deg(camera.world_from_camera)
            views.append(
                ViewRow(
                    view=view,
                    view_id=f"{scene_id}-{number:03d}",
                    scene_id=scene_id,
                    source=source,
                    split=split,
                    room_id="room|2",
                    room_type="LivingRoom",
                    policy="top_down" if pitch_deg < -80 else "corner",
                    yaw_deg=yaw_deg,
                    pitch_deg=pitch_deg,
                    vertical_fov_deg=camera.vertical_fov_deg,
                    num_visible_objects=seen,
                    is_best=number == 0,
                )
            )
    write_views(
        path,
        {name: np.stack(values) for name, values in arrays.items()},
        attributes={"source": source, "backend": "synthetic"},
    )
    write_table(table_path(path, "views"), records_to_frame(views, ViewRow))
    write_table(table_path(path, "objects"), records_to_frame(objects, ObjectRow))
    write_table(table_path(path, "visibility"), records_to_frame(visibility, VisibilityRow))
    if has_shapes:
        write_table(table_path(path, "surface_gaps"), records_to_frame(gaps, SurfaceGapRow))
    return path


def _shape(box: Box) -> dict[str, str | float]:
    """Return the columns of `ObjectRow` that say what is drawn: the box."""
    corners = box_corners(box.centre_m, box.size_m, box.yaw_deg)[[0, 4, 6, 2], :2]
    volume = float(np.prod(box.size_m))
    return {
        "outline": format_outline(corners),
        "outline_fill": 1.0,
        "hull_volume_m3": volume,
        "solid_volume_m3": volume,
    }


def _nearest_m(box: Box, camera: Camera) -> float:
    centre, size, yaw = (np.array([value]) for value in (box.centre_m, box.size_m, box.yaw_deg))
    return float(distance_to_point_m(centre, size, yaw, camera.position_m)[0])


def _gap_rows(scene_id: str, boxes: list[Box]) -> list[SurfaceGapRow]:
    """Return the gaps of all pairs of objects, and which box holds which, to 1.5 cm."""
    centre, size, yaw = (
        np.array([getattr(box, name) for box in boxes], dtype=np.float64)
        for name in ("centre_m", "size_m", "yaw_deg")
    )
    gap_m = box_gaps_m(centre, size, yaw)
    rows = []
    for a, b in combinations(range(len(boxes)), 2):
        if boxes[a].kind == boxes[b].kind == "object":
            rows.append(
                SurfaceGapRow(
                    scene_id=scene_id,
                    instance_a=a + 1,
                    instance_b=b + 1,
                    gap_m=float(gap_m[a, b]),
                    share_a_in_b=_share_inside(boxes[a], boxes[b]),
                    share_b_in_a=_share_inside(boxes[b], boxes[a]),
                )
            )
    return rows


def _share_inside(one: Box, other: Box) -> float:
    corners = box_corners(one.centre_m, one.size_m, one.yaw_deg) - np.array(other.centre_m)
    local = corners @ rotation_about_up(other.yaw_deg)
    return float((np.abs(local) <= np.array(other.size_m) / 2 + 0.015).all(axis=1).mean())


def living_room_scene(width_px: int = 96, height_px: int = 96) -> tuple[list[Box], list[Camera]]:
    """Return a hand-made room with four things, seen from one end and from above."""
    boxes = [
        *room(),
        Box("Sofa", (1.2, 3.2, 0.4), (1.8, 0.8, 0.8), 180.0, (170, 40, 40)),
        Box("DiningTable", (3.4, 2.6, 0.375), (1.2, 0.8, 0.75), 0.0, (140, 90, 40)),
        Box("Vase", (3.4, 2.6, 0.9), (0.16, 0.16, 0.3), 0.0, (40, 60, 190)),
        Box("FloorLamp", (2.6, 3.6, 0.8), (0.3, 0.3, 1.6), 0.0, (230, 220, 120)),
    ]
    look = {"width_px": width_px, "height_px": height_px, "vertical_fov_deg": 90.0}
    cameras = [
        Camera.look((2.5, 0.3, 1.576), yaw_deg=0.0, pitch_deg=-10.0, **look),
        Camera.look((2.5, 2.0, 2.5), yaw_deg=0.0, pitch_deg=-90.0, **look),
    ]
    return boxes, cameras
