"""Turn a layout, true or predicted, into a ProcTHOR house with one room, schema 1.0.0.

The house follows AI2-THOR's rules: ids with "|", floor corners clockwise, a wall's two floor points
first, one hole a wall. What a format does not say (for boxes in a camera's frame: the whole shell)
is taken from the record of the true room.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from shapely.geometry import Polygon

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import FloatArray, unity_from_yaw
from workflow_scripts.geometry.rotation_conventions import unity_euler_deg
from workflow_scripts.layouts.asset_match import STRUCTURE, category_of_label, nearest_asset
from workflow_scripts.layouts.floor_polygon import clean_floor_polygon, distance_to_edge_m
from workflow_scripts.layouts.layout import (
    CORNER_GAP_M,
    MAX_CORNERS,
    FormatProblem,
    LayoutBox,
    LayoutOpening,
    LayoutWall,
    RoomLayout,
)
from workflow_scripts.layouts.rebuild_walls import (
    LAYER,
    Edge,
    place_holes,
    split_edges,
    vector,
    wall_entries,
)
from workflow_scripts.layouts.room_layout import camera_pose, change_frame, room_layout
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.sources.readers.procthor_assets import Asset, assets, read_database
from workflow_scripts.sources.readers.procthor_house import MIN_ROOM_AREA_M2

Part = Literal["floor", "heights", "doors", "windows"]
FORMAT_PARTS: dict[str, frozenset[Part]] = {
    "r2d3": frozenset(["floor", "windows"]),
    "spatiallm": frozenset(["floor", "heights", "doors", "windows"]),
}
"""What the texts of the formats say beside boxes; the others say nothing."""
ROOM = 2
"""AI2-THOR's rooms count from 2."""
MAX_OBJECTS = 300
MAX_FROM_CAMERA_M = 50.0
MAX_SIDE_M = 60.0
CEILING_M = (1.5, 10.0)
ROOM_TYPES = ("Bathroom", "Bedroom", "Kitchen", "LivingRoom")
LAMP_BELOW_CEILING_M = 0.2
AGENT_Y_M = 0.95


@dataclass(frozen=True)
class RebuiltHouse:
    """A house JSON, the ids of the boxes that it has by their number, and what it lacks."""

    house: dict[str, Any]
    object_ids: dict[int, str] = field(default_factory=dict)
    problems: tuple[FormatProblem, ...] = ()


def rebuild_house(
    layout: RoomLayout, record: RoomRecord, *, parts: Collection[Part] = ()
) -> RebuiltHouse:
    """Return the house of a layout in any frame of the record.

    Args:
        layout: What is rebuilt. A box without a known asset gets the one of its category whose
            size is nearest; one without a category is a problem and left out.
        record: The true room and its camera; its floor lies at height 0.
        parts: What the layout says beside boxes; the rest comes from the record.
    """
    layout = change_frame(layout, record, "world")
    truth = room_layout(record, "world", open_walls=True)
    floor, problems = None, []
    if "floor" in parts:
        try:
            floor = _outline(layout)
        except UserError as error:
            problems.append(FormatProblem("floor", f"{error}; the true floor is taken"))
    edges = _true_edges(record)
    if floor is not None:
        edges = _edges(floor, layout.walls, edges)
    heights = [wall.height_m for wall in layout.walls if "heights" in parts]
    usable = [height for height in heights if CEILING_M[0] <= height <= CEILING_M[1]]
    ceiling_m = max(usable, default=record.ceiling_height_m)
    openings = [
        *_of_kind(layout if "doors" in parts else truth, "door"),
        *_of_kind(layout if "windows" in parts else truth, "window"),
    ]
    holes, unplaced = place_holes(edges, openings, ceiling_m, record.openings)
    wall_parts = split_edges(edges, holes)
    corners = np.array([part.start_m for part, _ in wall_parts])
    placed = place_objects(layout.boxes, camera_pose(record)[:3, 3])
    floor_material = layout.floor_material if "floor" in parts else ""
    house = {
        "rooms": [
            {
                "id": f"room|{ROOM}",
                "roomType": record.room_type if record.room_type in ROOM_TYPES else "LivingRoom",
                "floorPolygon": [vector(x, y, 0.0) for x, y in corners],
                "floorMaterial": {"name": floor_material or record.floor_material},
                "ceilings": [],
                "children": [],
                "layer": LAYER,
            }
        ],
        **wall_entries(wall_parts, room=ROOM, ceiling_m=ceiling_m),
        "objects": placed.entries,
        "proceduralParameters": {
            "ceilingMaterial": {"name": "PureWhite"},
            "floorColliderThickness": 1.0,
            "lights": _lights(corners, ceiling_m),
            "receptacleHeight": 0.7,
            "reflections": [],
            "skyboxId": "SkyAlbany",
        },
        "metadata": _metadata(record),
    }
    return RebuiltHouse(house, placed.object_ids, (*problems, *unplaced, *placed.problems))


@dataclass(frozen=True)
class PlacedObjects:
    """Entries of a house's list of objects, children inside their parents."""

    entries: list[dict[str, Any]]
    object_ids: dict[int, str]
    problems: tuple[FormatProblem, ...]


def place_objects(boxes: Sequence[LayoutBox], camera_m: FloatArray) -> PlacedObjects:
    """Return the objects of boxes in the world frame, around a camera [3]."""
    chosen: dict[int, Asset] = {}
    problems = []
    for number, box in enumerate(boxes):
        asset = _asset_of(box)
        position = box.key or f"box {number}"
        far = np.linalg.norm(box.centre_m - camera_m)
        if not np.isfinite(box.centre_m).all() or not np.isfinite(box.rotation).all():
            problems.append(FormatProblem(position, "its place or rotation is not a number"))
        elif far > MAX_FROM_CAMERA_M:
            problems.append(FormatProblem(position, f"is {far:.0f} m from the camera"))
        elif asset is None:
            problems.append(FormatProblem(position, f"{box.label!r:.60} is no category of assets"))
        elif len(chosen) == MAX_OBJECTS:
            problems.append(FormatProblem(position, f"only {MAX_OBJECTS} objects are rebuilt"))
            break
        else:
            chosen[number] = asset
    parents = _parents(boxes, chosen)
    entries: dict[int, dict[str, Any]] = {}
    for number, asset in chosen.items():
        surface = "surface|" if number in parents else ""
        entries[number] = _object(
            f"{asset.category}|{surface}{ROOM}|{number}", asset, boxes[number]
        )
    for number, parent in parents.items():
        entries[parent]["children"].append(entries[number])
    return PlacedObjects(
        [entry for number, entry in entries.items() if number not in parents],
        {number: str(entry["id"]) for number, entry in entries.items()},
        tuple(problems),
    )


def _asset_of(box: LayoutBox) -> Asset | None:
    asset = assets().get(box.asset_id)
    if asset is not None:
        return None if asset.category in STRUCTURE else asset
    category = category_of_label(box.label)
    if category is None:
        return None
    size_m = box.size_m if np.isfinite(box.size_m).all() else np.ones(3)
    return nearest_asset(category, size_m.tolist())


def _parents(boxes: Sequence[LayoutBox], chosen: Collection[int]) -> dict[int, int]:
    """Return the number of each box's parent; of what would carry itself there is none."""
    numbers = {boxes[number].key: number for number in chosen if boxes[number].key}
    parents: dict[int, int] = {}
    for number in chosen:
        parent = numbers.get(boxes[number].parent) if boxes[number].parent else None
        above = parent
        while above is not None and above != number:
            above = parents.get(above)
        if parent is not None and above is None:
            parents[number] = parent
    return parents


def _object(identity: str, asset: Asset, box: LayoutBox) -> dict[str, Any]:
    kinematic = bool(read_database("placement-annotations")["isKinematic"].get(asset.category))
    angles = [round(float(angle), 4) % 360.0 for angle in unity_euler_deg(box.rotation)]
    return {
        "id": identity,
        "assetId": asset.asset_id,
        "position": vector(*box.centre_m),
        "rotation": dict(zip("xyz", angles, strict=True)),
        "kinematic": kinematic,
        "layer": LAYER,
        "children": [],
    }


def _of_kind(layout: RoomLayout, kind: str) -> list[LayoutOpening]:
    return [opening for opening in layout.openings if opening.kind == kind]


def _outline(layout: RoomLayout) -> FloatArray:
    """Return the floor [n, 2] of a layout: its polygon, or the ring of its walls."""
    corners = layout.floor_polygon_m[:, :2]
    if not len(corners):
        corners = wall_ring(layout.walls)
    floor = clean_floor_polygon(corners, where="the floor")
    size = np.ptp(floor, axis=0).max()
    area = Polygon(floor).area
    if size > MAX_SIDE_M or area < MIN_ROOM_AREA_M2 or len(floor) > MAX_CORNERS:
        raise UserError(
            f"the floor has {len(floor)} corners, {area:.2f} m2 and is {size:.0f} m long; "
            f"{MIN_ROOM_AREA_M2} m2, {MAX_SIDE_M:.0f} m and {MAX_CORNERS} corners are the limits"
        )
    return floor


def wall_ring(walls: Sequence[LayoutWall]) -> FloatArray:
    """Return the corners [n, 2] of walls that follow each other; `UserError` if they do not."""
    left = [(wall.start_m[:2], wall.end_m[:2]) for wall in walls]
    if len(left) < 3:
        raise UserError(f"{len(left)} walls enclose no floor")
    if len(left) > MAX_CORNERS:
        raise UserError(f"the floor has {len(left)} walls, more than {MAX_CORNERS}")
    corners = [left[0][0]]
    end = left.pop(0)[1]
    while left:
        gaps = [min(np.linalg.norm(point - end) for point in wall) for wall in left]
        start, other = left.pop(int(np.argmin(gaps)))
        if min(gaps) > CORNER_GAP_M:
            raise UserError(f"the walls leave a gap of {min(gaps):.2f} m")
        corners.append(end)
        is_turned = np.linalg.norm(other - end) < np.linalg.norm(start - end)
        end = start if is_turned else other
    gap = np.linalg.norm(corners[0] - end)
    if gap > CORNER_GAP_M:
        raise UserError(f"the walls leave a gap of {gap:.2f} m")
    return np.array(corners)


def _true_edges(record: RoomRecord) -> list[Edge]:
    return [
        Edge(np.array(wall.start_m), np.array(wall.end_m), wall.material, wall.color, wall.is_open)
        for wall in record.walls
    ]


def _edges(
    floor_m: FloatArray, walls: Sequence[LayoutWall], true_edges: Sequence[Edge]
) -> list[Edge]:
    """Return the edges of a floor with the material of the nearest wall.

    A wall without a material has that of the nearest true wall; colors are those of true walls
    of the same material, for no format says them.
    """
    drawn = [edge for edge in true_edges if not edge.is_open]
    edges = []
    for start, end in zip(floor_m, np.roll(floor_m, -1, axis=0), strict=True):
        middle = (start + end) / 2
        far = [distance_to_edge_m(middle, wall.start_m[:2], wall.end_m[:2]) for wall in walls]
        material = walls[int(np.argmin(far))].material if far else ""
        same = [edge for edge in drawn if material in ("", edge.material)]
        gaps = [distance_to_edge_m(middle, edge.start_m, edge.end_m) for edge in same]
        nearest = same[int(np.argmin(gaps))] if same else Edge(start, end, material)
        edges.append(Edge(start, end, nearest.material, nearest.color))
    return edges


def _lights(corners_m: FloatArray, ceiling_m: float) -> list[dict[str, Any]]:
    """Return the sun, and a lamp under the ceiling near the middle of the room."""
    shape = Polygon(corners_m)
    middle = shape.centroid if shape.contains(shape.centroid) else shape.representative_point()
    shadow = {
        "type": "Soft",
        "strength": 1,
        "normalBias": 0,
        "bias": 0,
        "nearPlane": 0.2,
        "resolution": "FromQualitySettings",
    }
    return [
        {
            "id": "DirectionalLight",
            "type": "directional",
            "position": {"x": 0.84, "y": 0.1855, "z": -1.09},
            "rotation": {"x": 66, "y": 75, "z": 0},
            "intensity": 1,
            "indirectMultiplier": 1.0,
            "rgb": {"r": 1.0, "g": 1.0, "b": 1.0},
            "shadow": shadow,
        },
        {
            "id": f"light_{ROOM}",
            "type": "point",
            "position": vector(middle.x, middle.y, ceiling_m - LAMP_BELOW_CEILING_M),
            "intensity": 0.75,
            "range": 15,
            "rgb": {"r": 1.0, "g": 0.855, "b": 0.722},
            "shadow": {**shadow, "bias": 0.05},
        },
    ]


def _metadata(record: RoomRecord) -> dict[str, Any]:
    """Return the schema, and an agent that stands where the camera is and looks where it looks."""
    x, y, _ = camera_pose(record)[:3, 3]
    pose = {
        "position": vector(x, y, AGENT_Y_M),
        "rotation": {"x": 0, "y": round(unity_from_yaw(record.yaw_deg), 4) % 360.0, "z": 0},
        "horizon": round(-record.pitch_deg, 4),
        "standing": True,
    }
    return {
        "schema": "1.0.0",
        "roomSpecId": "rebuilt",
        "agent": pose,
        "agentPoses": dict.fromkeys(("default", "arm", "locobot", "stretch"), pose),
        "warnings": {},
    }
