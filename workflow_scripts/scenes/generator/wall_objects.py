"""Objects on walls: paintings, televisions, light switches, towels, blinds."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.scenes.generator.openings import Opening
from workflow_scripts.scenes.generator.placed_objects import PlacedObject
from workflow_scripts.scenes.generator.sampling import chance, pick, shuffled
from workflow_scripts.scenes.generator.walls import Rect, Room, WallSegment
from workflow_scripts.sources.readers.procthor_assets import Asset, assets_in_category

GAP_M = 0.005
NUM_PAINTINGS = ((0, 0.05), (1, 0.15), (2, 0.4), (3, 0.28), (4, 0.12))
P_TELEVISION = {"LivingRoom": 0.8, "Bedroom": 0.4, "Kitchen": 0.2, "Bathroom": 0.0}
IN_FRONT_M = 0.6
"""Furniture nearer to a wall than this hides what hangs behind it."""
_MARGIN_M = 0.08
_NUM_TRIES = 10


class _WallFace:
    """A piece of wall and the rectangles (along, height) on it that are taken."""

    def __init__(
        self, segment: WallSegment, openings: list[Opening], furniture: Sequence[PlacedObject]
    ) -> None:
        self.segment = segment
        self.occupied: list[Rect] = []
        for opening in openings:
            if segment in opening.faces():
                low, high = opening.along(segment)
                top = opening.high_m[1] if opening.asset else 9.0
                self.occupied.append((low, opening.low_m[1], high, top))
        for obj in furniture:
            for part in (obj, *obj.children):
                along, distance_m = self.covered_range(part)
                if distance_m < IN_FRONT_M:
                    self.occupied.append((along[0], part.bottom_m, along[1], part.top_m))

    def covered_range(self, obj: PlacedObject) -> tuple[tuple[float, float], float]:
        """Return the stretch of the piece that an object covers, and how near it comes."""
        (ux, uy), (nx, ny) = self.segment.direction, self.segment.inward
        x0, y0, x1, y1 = obj.footprint()
        sx, sy = self.segment.start
        corners = [(x - sx, y - sy) for x in (x0, x1) for y in (y0, y1)]
        along = [dx * ux + dy * uy for dx, dy in corners]
        inward = [dx * nx + dy * ny for dx, dy in corners]
        distance_m = min(inward) if max(inward) > 0 else 9.0
        return (min(along), max(along)), distance_m

    def place(
        self, asset: Asset, along_m: float, middle_m: float, *, below_m: float = 0.0
    ) -> PlacedObject | None:
        """Hang an asset with its middle at (along, height); None if something is there.

        `below_m` is wall below it that is taken too.
        """
        half_u, half_v = asset.width_m / 2, asset.height_m / 2
        rect = (along_m - half_u, middle_m - half_v - below_m, along_m + half_u, middle_m + half_v)
        if rect[0] < _MARGIN_M or rect[2] > self.segment.length_m - _MARGIN_M:
            return None
        for a, b, c, d in self.occupied:
            is_apart = (
                rect[2] + _MARGIN_M < a
                or c + _MARGIN_M < rect[0]
                or rect[3] + _MARGIN_M < b
                or d + _MARGIN_M < rect[1]
            )
            if not is_apart:
                return None
        self.occupied.append(rect)
        x, y = self.segment.point_at(along_m, GAP_M + asset.depth_m / 2)
        yaw = round(self.segment.inward_yaw_deg)
        return PlacedObject("", asset, x, y, middle_m, float(yaw), self.segment.room)


def place_wall_objects(
    rng: np.random.Generator,
    room: Room,
    openings: list[Opening],
    furniture: list[PlacedObject],
    ceiling_m: float,
) -> list[PlacedObject]:
    """Return the objects on a room's walls; none hangs behind furniture."""
    faces = [
        _WallFace(segment, openings, furniture)
        for segment in room.segments
        if segment.length_m > 0.4
    ]
    faces = [face for face in faces if not _is_open(face.segment, openings)]
    wall_objects = _place_light_switches(rng, faces, openings)
    if room.room_type == "Bathroom":
        wall_objects += _place_bathroom_objects(rng, faces, furniture)
    wall_objects += _place_blinds(rng, room, faces, openings, ceiling_m)
    has_screen = any(
        part.asset.category == "Television" for obj in furniture for part in (obj, *obj.children)
    )
    if not has_screen and chance(rng, P_TELEVISION[room.room_type]):
        thin_screens = [
            screen for screen in assets_in_category("Television") if screen.depth_m < 0.18
        ]
        wall_objects += _place_randomly(rng, faces, pick(rng, thin_screens), (1.3, 1.6))
    if room.room_type != "Bathroom":
        counts, shares = zip(*NUM_PAINTINGS, strict=True)
        for _ in range(int(rng.choice(counts, p=shares))):
            painting = pick(rng, assets_in_category("Painting"))
            middle = 1.35 + 0.6 * float(rng.beta(4, 4))
            middle = min(middle, ceiling_m - 0.15 - painting.height_m / 2)
            wall_objects += _place_randomly(rng, faces, painting, (middle, middle))
    for number, obj in enumerate(wall_objects):
        obj.object_id = f"{obj.asset.category}|wall|{room.number}|{number}"
        for index, child in enumerate(obj.children):
            child.object_id = f"{child.asset.category}|wall|{room.number}|{number}|{index}"
    return wall_objects


def _is_open(segment: WallSegment, openings: list[Opening]) -> bool:
    return any(opening.asset is None and segment in opening.faces() for opening in openings)


def _place_randomly(
    rng: np.random.Generator,
    faces: list[_WallFace],
    asset: Asset,
    height_m: tuple[float, float],
    *,
    below_m: float = 0.0,
) -> list[PlacedObject]:
    """Hang an asset at a random free place; long walls are likelier; [] if there is none."""
    long_enough = [
        face for face in faces if face.segment.length_m > asset.width_m + 2 * _MARGIN_M + 0.02
    ]
    if not long_enough:
        return []
    for _ in range(_NUM_TRIES):
        face = pick(rng, long_enough, [face.segment.length_m for face in long_enough])
        slack = face.segment.length_m - asset.width_m - 2 * _MARGIN_M
        along = asset.width_m / 2 + _MARGIN_M + slack * float(rng.beta(2, 2))
        obj = face.place(asset, along, float(rng.uniform(*height_m)), below_m=below_m)
        if obj:
            return [obj]
    return []


def _place_light_switches(
    rng: np.random.Generator, faces: list[_WallFace], openings: list[Opening]
) -> list[PlacedObject]:
    """Put a light switch beside every door, on the side where there is wall."""
    objects = []
    for face in faces:
        for opening in openings:
            if opening.asset is None or opening.asset.category == "Window":
                continue
            if face.segment not in opening.faces():
                continue
            low, high = opening.along(face.segment)
            switch = pick(rng, assets_in_category("LightSwitch"))
            offset_m = 0.12 + switch.width_m / 2
            for along in shuffled(rng, (low - offset_m, high + offset_m)):
                obj = face.place(switch, along, 1.15)
                if obj:
                    objects.append(obj)
                    break
    return objects


def _place_bathroom_objects(
    rng: np.random.Generator, faces: list[_WallFace], furniture: list[PlacedObject]
) -> list[PlacedObject]:
    """Hang toilet paper beside the toilet and towels where there is wall."""
    objects: list[PlacedObject] = []
    toilet = next((obj for obj in furniture if obj.asset.category == "Toilet"), None)
    if toilet is not None:
        hanger = pick(rng, assets_in_category("ToiletPaperHanger"))
        for face in faces:
            (low, high), distance_m = face.covered_range(toilet)
            if distance_m > 0.1 or high < 0 or low > face.segment.length_m:
                continue
            offset_m = 0.12 + hanger.width_m / 2
            for along in shuffled(rng, (low - offset_m, high + offset_m)):
                obj = face.place(hanger, along, 0.72)
                if obj:
                    objects.append(obj)
                    break
            if objects:
                break
    for holder_category, towel_category, height_m in (
        ("TowelHolder", "Towel", 1.4),
        ("HandTowelHolder", "HandTowel", 1.3),
    ):
        if not chance(rng, 0.75):
            continue
        holder, towel = (
            pick(rng, assets_in_category(holder_category)),
            pick(rng, assets_in_category(towel_category)),
        )
        heights = (height_m, height_m)
        for obj in _place_randomly(rng, faces, holder, heights, below_m=towel.height_m):
            objects.append(obj)
            obj.children = _place_towel(rng, obj, towel)
    return objects


def _place_towel(
    rng: np.random.Generator, holder: PlacedObject, towel: Asset
) -> list[PlacedObject]:
    """Hang a towel in front of its holder, its upper edge at the holder's top."""
    if not chance(rng, 0.8):
        return []
    yaw = np.deg2rad(holder.yaw_deg)
    out = holder.asset.depth_m / 2 + towel.depth_m / 2 + 0.002
    x, y = holder.x - out * float(np.sin(yaw)), holder.y + out * float(np.cos(yaw))
    middle = holder.top_m - towel.height_m / 2
    return [PlacedObject("", towel, x, y, middle, holder.yaw_deg, holder.room)]


def _place_blinds(
    rng: np.random.Generator,
    room: Room,
    faces: list[_WallFace],
    openings: list[Opening],
    ceiling_m: float,
) -> list[PlacedObject]:
    """Hang rolled-up blinds above some windows that are about as wide."""
    blind = pick(rng, assets_in_category("Blinds"))
    objects = []
    for face in faces:
        for opening in openings:
            is_window = opening.asset is not None and opening.asset.category == "Window"
            if not is_window or opening.segment is not face.segment:
                continue
            middle = opening.high_m[1] + _MARGIN_M + 0.01 + blind.height_m / 2
            width = opening.high_m[0] - opening.low_m[0]
            if not 0.85 < width < 1.35 or middle + blind.height_m / 2 > ceiling_m:
                continue
            if chance(rng, 0.5):
                obj = face.place(blind, opening.middle_m, middle)
                objects += [obj] if obj else []
    return objects
