"""A room of R2D3 as a room record: what its program, its mask picture and its house say together.

The picture shows the room that was rebuilt from the program: its whole centimetres, its walls of
8 m, windows but no doors, and of the children only those whose keys did not collide. The record
has every object of the program; what the picture does not show is not visible. Without a mask
picture, what is seen follows from the list's names and from the camera (`RoomRecord.visibility`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field
from shapely.geometry import Polygon

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import mark_pixel
from workflow_scripts.common.records import Split
from workflow_scripts.config.base import Settings
from workflow_scripts.geometry.cameras import (
    Camera,
    FloatArray,
    world_from_unity,
    wrap_deg,
    yaw_from_unity,
)
from workflow_scripts.layouts.entries import REPEATED
from workflow_scripts.layouts.floor_polygon import clean_floor_polygon, distance_to_edge_m
from workflow_scripts.layouts.frustum import box_area_px
from workflow_scripts.layouts.layout import LayoutBox, LayoutWall, RoomLayout
from workflow_scripts.layouts.r2d3 import read_program
from workflow_scripts.layouts.r2d3_list import R2D3Room, R2D3View
from workflow_scripts.layouts.room_record import RoomObject, RoomOpening, RoomRecord, RoomWall
from workflow_scripts.sources.readers.procthor_assets import Asset, assets
from workflow_scripts.sources.readers.procthor_house import entries, read_vector

SAME_PLACE_M = 0.015
"""Values of programs are cut off to whole centimeters."""
SAME_ROOM_IOU = 0.9


class CameraSettings(Settings):
    """What R2D3's list does not say about its cameras."""

    camera_above_agent_m: float = Field(
        0.676, ge=0, le=3, description="height of the camera above the agent's position"
    )
    pitch_deg: float = Field(
        -30.0, ge=-90, le=90, description="pitch of the camera, negative downwards"
    )
    vertical_fov_deg: float = Field(90.0, gt=0, lt=180, description="vertical field of view")
    min_pixels: int = Field(
        150, ge=1, description="an object with fewer pixels of its mask does not count as visible"
    )


@dataclass(frozen=True)
class ViewPicture:
    """A picture: path relative to its folder, size, and its mask picture u8 [h, w, 3] or None."""

    image: str
    width_px: int
    height_px: int
    masks: np.ndarray | None


@dataclass(frozen=True)
class RoomTruth:
    """What a room's program and houses say, whatever the view.

    Attributes:
        room: entry of the list.
        layout: layout of the program, children with keys of their own.
        floor_m: corners [n, 2], clockwise.
        room_id: room of the original house, "room_0" if none has this floor.
        room_type: its type, "" likewise.
        assets: asset of each box that is kept, by key.
        drawn_ids: id in the mask picture by key.
        lost: what was left out: (item, reason).
    """

    room: R2D3Room
    layout: RoomLayout
    floor_m: FloatArray
    room_id: str
    room_type: str
    assets: Mapping[str, Asset]
    drawn_ids: Mapping[str, str]
    lost: Sequence[tuple[str, str]]

    @classmethod
    def read(cls, room: R2D3Room, house: dict[str, Any]) -> "RoomTruth":
        """Read a room; `UserError` if its program is broken or its floor is no polygon."""
        layout = read_program(room.program, wall_height_m=room.wall_height_m)
        lost = [(p.position, p.reason) for p in layout.problems if REPEATED in p.reason]
        broken = [p for p in layout.problems if REPEATED not in p.reason]
        if broken:
            raise UserError(f"its program is broken: {broken[0].position}: {broken[0].reason}")
        if not len(layout.floor_polygon_m):
            raise UserError("its program has no polygon")
        floor = clean_floor_polygon(layout.floor_polygon_m[:, :2], where="its polygon")
        table, kept = assets(), {}
        for box in layout.boxes:
            asset_id = box.asset_id or room.assets_by_id.get(box.key, "")
            if asset_id in table:
                kept[box.key] = table[asset_id]
            else:
                name = asset_id or box.label
                lost.append((box.key, f"asset {name!r:.60} is not in ProcTHOR's table: no size"))
        room_id, room_type = _original_room(house, floor)
        return cls(room, layout, floor, room_id, room_type, kept, _drawn_ids(room, layout), lost)


def view_record(
    truth: RoomTruth,
    view: R2D3View,
    picture: ViewPicture,
    *,
    settings: CameraSettings,
    source: str,
    scene_id: str,
    split: str,
    number: int,
    view_id: str,
) -> RoomRecord:
    """Return the record of a picture of a room."""
    position = world_from_unity(view.position)
    position[2] += settings.camera_above_agent_m
    yaw_deg = yaw_from_unity(view.yaw_unity_deg)
    camera = Camera.look(
        position,
        yaw_deg=yaw_deg,
        pitch_deg=settings.pitch_deg,
        width_px=picture.width_px,
        height_px=picture.height_px,
        vertical_fov_deg=settings.vertical_fov_deg,
    )
    k = camera.intrinsics
    room_walls = _walls(truth)
    visibility = "names" if view.names else "frustum"
    shows = (
        partial(_shown_in_frustum, truth, view, camera, settings)
        if picture.masks is None
        else partial(_shown_in_masks, truth, picture.masks, settings)
    )
    return RoomRecord(
        source=source,
        scene_id=scene_id,
        split=_as_split(split),
        room_id=truth.room_id,
        room_type=truth.room_type,
        view=number,
        view_id=view_id,
        policy="corner",
        visibility="pixels" if picture.masks is not None else visibility,
        image=picture.image,
        width_px=picture.width_px,
        height_px=picture.height_px,
        intrinsics=(float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2])),
        world_from_camera=tuple(camera.world_from_camera.ravel().tolist()),
        camera_height_m=float(position[2]),
        yaw_deg=yaw_deg,
        pitch_deg=settings.pitch_deg,
        vertical_fov_deg=settings.vertical_fov_deg,
        floor_z_m=0.0,
        floor_polygon_m=tuple((float(x), float(y)) for x, y in truth.floor_m),
        ceiling_height_m=truth.room.wall_height_m,
        floor_material=truth.layout.floor_material,
        walls=room_walls,
        openings=_openings(truth, room_walls),
        objects=tuple(
            _object(truth, box, instance, shows(box))
            for instance, box in enumerate(truth.layout.boxes, start=1)
            if box.key in truth.assets
        ),
    )


def _object(
    truth: RoomTruth, box: LayoutBox, instance: int, shown: Mapping[str, Any]
) -> RoomObject:
    asset = truth.assets[box.key]
    x, y, z = box.centre_m.tolist()
    return RoomObject(
        object_id=box.key,
        instance=instance,
        category=asset.category,
        asset_id=asset.asset_id,
        phrase="" if box.asset_id else box.label,
        parent_id=box.parent if box.parent in truth.assets else "",
        centre_m=(x, y, z),
        size_m=asset.size_m,
        rotation=tuple(box.rotation.ravel().tolist()),
        yaw_deg=wrap_deg(box.yaw_deg),
        fraction_visible=float("nan"),
        nearest_m=float("nan"),
        **{"is_visible": False, "pixels": 0, "truncated": False, "box_px": None, **shown},
    )


def _shown_in_masks(
    truth: RoomTruth, masks: np.ndarray, settings: CameraSettings, box: LayoutBox
) -> dict[str, Any]:
    """Return what the mask picture shows of an object; nothing if it has no pixel there."""
    mask = _mask_of(masks, truth.room.ids_by_colour, truth.drawn_ids.get(box.key))
    return _mask_fields(mask, settings.min_pixels) if mask.any() else {}


def _shown_in_frustum(
    truth: RoomTruth, view: R2D3View, camera: Camera, settings: CameraSettings, box: LayoutBox
) -> dict[str, Any]:
    """Return what a picture without masks shows of an object, as far as its box says.

    Pixels are those within the box's outline. Where the list names what is seen (assets without
    their number, children never), only that is.
    """
    asset = truth.assets[box.key]
    name = asset.asset_id.rpartition("_")[0].replace("_", " ")
    if view.names and (box.parent or name not in view.names):
        return {}
    area = box_area_px(box.centre_m, np.array(asset.size_m), box.rotation, camera)
    pixels = int(area)
    return {"pixels": pixels, "is_visible": pixels >= settings.min_pixels}


def _mask_of(
    masks: np.ndarray, ids_by_colour: Mapping[int, str], object_id: str | None
) -> np.ndarray:
    """Return the pixels [h, w] of an object; none if it was not drawn."""
    colours = [colour for colour, drawn in ids_by_colour.items() if drawn == object_id]
    result = np.zeros(masks.shape[:2], dtype=bool)
    for colour in colours:
        parts = (colour >> 16, colour >> 8 & 255, colour & 255)
        result |= (masks == np.array(parts, dtype=np.uint8)).all(axis=-1)
    return result


def _mask_fields(mask: np.ndarray, min_pixels: int) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    u, v = mark_pixel(mask[y0:y1, x0:x1])
    pixels = int(np.count_nonzero(mask))
    return {
        "is_visible": pixels >= min_pixels,
        "pixels": pixels,
        "truncated": bool(x0 == 0 or y0 == 0 or x1 == mask.shape[1] or y1 == mask.shape[0]),
        "box_px": (float(x0), float(y0), float(x1), float(y1)),
        "mark_px": (u + float(x0), v + float(y0)),
    }


def _drawn_ids(room: R2D3Room, layout: RoomLayout) -> dict[str, str]:
    """Return the id that each object has in the rendered house, for those that it has.

    Top-level objects keep their key; children are found by asset and place.
    """
    result = {box.key: box.key for box in layout.boxes if not box.parent}
    left = list(room.children)
    for box in layout.boxes:
        if not box.parent:
            continue
        for child in left:
            place = world_from_unity(child.position)
            is_near = np.abs(place - box.centre_m).max() <= SAME_PLACE_M
            if is_near and child.asset_id == box.asset_id:
                result[box.key] = child.object_id
                left.remove(child)
                break
    return result


def _original_room(house: dict[str, Any], floor_m: FloatArray) -> tuple[str, str]:
    """Return id and type of the room of the original house that has this floor."""
    shape = Polygon(floor_m)
    for entry in entries(house, "rooms"):
        where = f"room {entry.get('id')!r} floorPolygon"
        points = [read_vector(point, where=where) for point in entry.get("floorPolygon") or []]
        if len(points) < 3:
            continue
        other = Polygon(world_from_unity(np.array(points))[:, :2])
        if other.is_valid and (
            shape.intersection(other).area > SAME_ROOM_IOU * shape.union(other).area
        ):
            return str(entry.get("id")), str(entry.get("roomType", ""))
    return "room_0", ""


def _walls(truth: RoomTruth) -> tuple[RoomWall, ...]:
    """Return a wall for each edge of the floor, with the material of the program's edge there."""
    corners = truth.floor_m
    result: list[RoomWall] = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        wall = truth.layout.walls[_nearest_wall((start + end) / 2, truth.layout.walls)]
        result.append(
            RoomWall(
                wall_id=f"wall_{len(result)}",
                start_m=(float(start[0]), float(start[1])),
                end_m=(float(end[0]), float(end[1])),
                height_m=wall.height_m,
                material=wall.material,
            )
        )
    return tuple(result)


def _openings(truth: RoomTruth, room_walls: Sequence[RoomWall]) -> tuple[RoomOpening, ...]:
    edges = [
        LayoutWall(np.array([*wall.start_m, 0.0]), np.array([*wall.end_m, 0.0]), wall.height_m)
        for wall in room_walls
    ]
    result = []
    for number, opening in enumerate(truth.layout.openings):
        x, y, z = opening.centre_m.tolist()
        result.append(
            RoomOpening(
                opening_id=f"{opening.kind}_{number}",
                kind=opening.kind,
                wall=_nearest_wall(opening.centre_m[:2], edges),
                asset_id=opening.asset_id,
                centre_m=(x, y, z),
                width_m=opening.width_m,
                height_m=opening.height_m,
            )
        )
    return tuple(result)


def _nearest_wall(point_m: FloatArray, walls: Sequence[LayoutWall]) -> int:
    """Return the number of the wall nearest to a floor point [2]; none without length."""
    distances = [distance_to_edge_m(point_m, wall.start_m[:2], wall.end_m[:2]) for wall in walls]
    return int(np.argmin(distances))


def _as_split(name: str) -> Split:
    for split in ("train", "val", "test"):
        if name == split:
            return split
    raise ValueError(name)
