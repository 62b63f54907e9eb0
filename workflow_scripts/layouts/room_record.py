"""The record of a room as one view sees it: camera, floor, walls, openings and every object.

Coordinates are in the world frame (right-handed, Z up, metres); `room_layout` gives them in the
other frames of `layouts/layout.py`. `results/vqa/{source}/{shard}.rooms.parquet` has one row each.
"""

from typing import Literal

from pydantic import Field

from workflow_scripts.common.records import Record, Split

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]


class RoomWall(Record):
    """The wall on an edge of the floor: its visible face runs from `start_m` to `end_m`."""

    wall_id: str
    start_m: Point2
    end_m: Point2
    height_m: float
    material: str
    color: Point3 | None = Field(
        default=None,
        description="red, green, blue from 0 to 1 of a plain wall; None: the material's",
    )
    is_open: bool = Field(
        default=False, description="a passage without a wall; it has no id and no material"
    )


class RoomOpening(Record):
    """A door or window: its centre, width and height; `wall` counts from 0."""

    opening_id: str
    kind: Literal["door", "window"]
    wall: int
    asset_id: str
    centre_m: Point3
    width_m: float
    height_m: float
    openness: float = Field(
        default=0.0,
        description="share of a quarter turn by which a door's leaf stands open in this room; 0 "
        "also where it opens into the other room",
    )


class RoomObject(Record):
    """An object of the room: its oriented box, and how much of it the view shows.

    Size is (width, depth, height) along the object's own axes; x is its width, y points out of its
    front, z is up in its own frame. `rotation` has the columns of world_from_object, row by row.
    """

    object_id: str
    instance: int = Field(description="value in the instance masks")
    category: str
    asset_id: str
    phrase: str = Field(description="caption of the asset, '' where there is none")
    parent_id: str = Field(description="object_id of what carries it, ''")
    centre_m: Point3
    size_m: Point3
    rotation: tuple[float, float, float, float, float, float, float, float, float]
    yaw_deg: float
    is_visible: bool = Field(description="enough of its pixels are seen to be asked about")
    pixels: int
    fraction_visible: float
    truncated: bool
    box_px: tuple[float, float, float, float] | None = Field(
        description="x0, y0 inclusive, x1, y1 exclusive; None where it is not seen"
    )
    nearest_m: float = Field(description="from the camera to its drawn surface, NaN: unknown")
    mark_px: Point2 | None = Field(
        default=None, description="a pixel on the object where it is marked, None: not seen"
    )
    mark_m: Point3 | None = Field(
        default=None, description="point of the drawn surface under that pixel, world frame"
    )


class RoomRecord(Record):
    """A room and one view of it.

    `floor_polygon_m` is clockwise seen from above, without a repeated corner. Wall number i stands
    on its edge from corner i to the next one.
    """

    schema_version: Literal[1] = 1
    source: str
    scene_id: str
    split: Split
    room_id: str
    room_type: str
    view: int
    view_id: str
    policy: str
    visibility: Literal["pixels", "names", "frustum"] = Field(
        default="pixels",
        description="what says which objects are seen: their pixels; a list of names, and their "
        "place in the picture; or that place alone, whatever stands before them",
    )
    image: str = Field(description="picture, relative to the folder of pictures of its table")
    width_px: int
    height_px: int
    intrinsics: tuple[float, float, float, float] = Field(description="fx, fy, cx, cy in pixels")
    world_from_camera: tuple[float, ...] = Field(
        min_length=16, max_length=16, description="4 x 4, row by row, OpenCV camera"
    )
    camera_height_m: float = Field(description="above the room's floor")
    yaw_deg: float
    pitch_deg: float = Field(description="positive upwards")
    vertical_fov_deg: float
    floor_z_m: float
    floor_polygon_m: tuple[Point2, ...]
    ceiling_height_m: float
    floor_material: str
    walls: tuple[RoomWall, ...]
    openings: tuple[RoomOpening, ...]
    objects: tuple[RoomObject, ...]
