"""Things on walls: paintings, televisions, light switches, towels, blinds."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.assets import Asset, assets_of
from workflow_scripts.scenes.generator.draw import chance, pick, shuffled
from workflow_scripts.scenes.generator.openings import Opening
from workflow_scripts.scenes.generator.things import Object
from workflow_scripts.scenes.generator.walls import Piece, Rect, Room

GAP_M = 0.005
NUM_PAINTINGS = ((0, 0.05), (1, 0.15), (2, 0.4), (3, 0.28), (4, 0.12))
P_TELEVISION = {"LivingRoom": 0.8, "Bedroom": 0.4, "Kitchen": 0.2, "Bathroom": 0.0}
IN_FRONT_M = 0.6
"""Furniture nearer to a wall than this hides what hangs behind it."""
_MARGIN_M = 0.08
_NUM_TRIES = 10


class _Face:
    """A piece of wall and the rectangles (along, height) on it that are taken."""

    def __init__(self, piece: Piece, openings: list[Opening], furniture: Sequence[Object]) -> None:
        self.piece = piece
        self.taken: list[Rect] = []
        for opening in openings:
            if piece in opening.faces():
                low, high = opening.along(piece)
                top = opening.high_m[1] if opening.asset else 9.0
                self.taken.append((low, opening.low_m[1], high, top))
        for thing in furniture:
            for part in (thing, *thing.children):
                along, near = self.shadow(part)
                if near < IN_FRONT_M:
                    self.taken.append((along[0], part.bottom_m, along[1], part.top_m))

    def shadow(self, thing: Object) -> tuple[tuple[float, float], float]:
        """Return the stretch of the piece that a thing covers, and how near it comes."""
        (ux, uy), (nx, ny) = self.piece.direction, self.piece.inward
        x0, y0, x1, y1 = thing.footprint()
        sx, sy = self.piece.start
        corners = [(x - sx, y - sy) for x in (x0, x1) for y in (y0, y1)]
        along = [dx * ux + dy * uy for dx, dy in corners]
        inward = [dx * nx + dy * ny for dx, dy in corners]
        near = min(inward) if max(inward) > 0 else 9.0
        return (min(along), max(along)), near

    def hang(
        self, asset: Asset, along_m: float, middle_m: float, *, below_m: float = 0.0
    ) -> Object | None:
        """Hang an asset with its middle at (along, height); None if something is there.

        `below_m` is wall below it that is taken too.
        """
        half_u, half_v = asset.width_m / 2, asset.height_m / 2
        rect = (along_m - half_u, middle_m - half_v - below_m, along_m + half_u, middle_m + half_v)
        if rect[0] < _MARGIN_M or rect[2] > self.piece.length_m - _MARGIN_M:
            return None
        for a, b, c, d in self.taken:
            apart = (
                rect[2] + _MARGIN_M < a
                or c + _MARGIN_M < rect[0]
                or rect[3] + _MARGIN_M < b
                or d + _MARGIN_M < rect[1]
            )
            if not apart:
                return None
        self.taken.append(rect)
        x, y = self.piece.at(along_m, GAP_M + asset.depth_m / 2)
        yaw = round(self.piece.inward_yaw_deg)
        return Object("", asset, x, y, middle_m, float(yaw), self.piece.room)


def hang_wall_objects(
    rng: np.random.Generator,
    room: Room,
    openings: list[Opening],
    furniture: list[Object],
    ceiling_m: float,
) -> list[Object]:
    """Return the things on a room's walls; they hide behind no furniture."""
    faces = [_Face(piece, openings, furniture) for piece in room.pieces if piece.length_m > 0.4]
    faces = [face for face in faces if not _is_open(face.piece, openings)]
    hung = _switches(rng, faces, openings)
    if room.room_type == "Bathroom":
        hung += _bathroom(rng, faces, furniture)
    hung += _blinds(rng, room, faces, openings, ceiling_m)
    has_screen = any(
        part.asset.category == "Television"
        for thing in furniture
        for part in (thing, *thing.children)
    )
    if not has_screen and chance(rng, P_TELEVISION[room.room_type]):
        thin = [screen for screen in assets_of("Television") if screen.depth_m < 0.18]
        hung += _somewhere(rng, faces, pick(rng, thin), (1.3, 1.6))
    if room.room_type != "Bathroom":
        counts, shares = zip(*NUM_PAINTINGS, strict=True)
        for _ in range(int(rng.choice(counts, p=shares))):
            painting = pick(rng, assets_of("Painting"))
            middle = 1.35 + 0.6 * float(rng.beta(4, 4))
            middle = min(middle, ceiling_m - 0.15 - painting.height_m / 2)
            hung += _somewhere(rng, faces, painting, (middle, middle))
    for number, thing in enumerate(hung):
        thing.object_id = f"{thing.asset.category}|wall|{room.number}|{number}"
        for index, child in enumerate(thing.children):
            child.object_id = f"{child.asset.category}|wall|{room.number}|{number}|{index}"
    return hung


def _is_open(piece: Piece, openings: list[Opening]) -> bool:
    return any(opening.asset is None and piece in opening.faces() for opening in openings)


def _somewhere(
    rng: np.random.Generator,
    faces: list[_Face],
    asset: Asset,
    height_m: tuple[float, float],
    *,
    below_m: float = 0.0,
) -> list[Object]:
    """Hang an asset at a random free place; long walls are likelier; [] if there is none."""
    long_enough = [
        face for face in faces if face.piece.length_m > asset.width_m + 2 * _MARGIN_M + 0.02
    ]
    if not long_enough:
        return []
    for _ in range(_NUM_TRIES):
        face = pick(rng, long_enough, [face.piece.length_m for face in long_enough])
        slack = face.piece.length_m - asset.width_m - 2 * _MARGIN_M
        along = asset.width_m / 2 + _MARGIN_M + slack * float(rng.beta(2, 2))
        thing = face.hang(asset, along, float(rng.uniform(*height_m)), below_m=below_m)
        if thing:
            return [thing]
    return []


def _switches(
    rng: np.random.Generator, faces: list[_Face], openings: list[Opening]
) -> list[Object]:
    """Put a light switch beside every door, on the side where there is wall."""
    found = []
    for face in faces:
        for opening in openings:
            if opening.asset is None or opening.asset.category == "Window":
                continue
            if face.piece not in opening.faces():
                continue
            low, high = opening.along(face.piece)
            switch = pick(rng, assets_of("LightSwitch"))
            away = 0.12 + switch.width_m / 2
            for along in shuffled(rng, (low - away, high + away)):
                thing = face.hang(switch, along, 1.15)
                if thing:
                    found.append(thing)
                    break
    return found


def _bathroom(
    rng: np.random.Generator, faces: list[_Face], furniture: list[Object]
) -> list[Object]:
    """Hang toilet paper beside the toilet and towels where there is wall."""
    found: list[Object] = []
    toilet = next((thing for thing in furniture if thing.asset.category == "Toilet"), None)
    if toilet is not None:
        hanger = pick(rng, assets_of("ToiletPaperHanger"))
        for face in faces:
            (low, high), near = face.shadow(toilet)
            if near > 0.1 or high < 0 or low > face.piece.length_m:
                continue
            away = 0.12 + hanger.width_m / 2
            for along in shuffled(rng, (low - away, high + away)):
                thing = face.hang(hanger, along, 0.72)
                if thing:
                    found.append(thing)
                    break
            if found:
                break
    for holder_sort, towel_sort, height_m in (
        ("TowelHolder", "Towel", 1.4),
        ("HandTowelHolder", "HandTowel", 1.3),
    ):
        if not chance(rng, 0.75):
            continue
        holder, towel = pick(rng, assets_of(holder_sort)), pick(rng, assets_of(towel_sort))
        heights = (height_m, height_m)
        for thing in _somewhere(rng, faces, holder, heights, below_m=towel.height_m):
            found.append(thing)
            thing.children = _towel(rng, thing, towel)
    return found


def _towel(rng: np.random.Generator, holder: Object, towel: Asset) -> list[Object]:
    """Hang a towel in front of its holder, its upper edge at the holder's top."""
    if not chance(rng, 0.8):
        return []
    yaw = np.deg2rad(holder.yaw_deg)
    out = holder.asset.depth_m / 2 + towel.depth_m / 2 + 0.002
    x, y = holder.x - out * float(np.sin(yaw)), holder.y + out * float(np.cos(yaw))
    middle = holder.top_m - towel.height_m / 2
    return [Object("", towel, x, y, middle, holder.yaw_deg, holder.room)]


def _blinds(
    rng: np.random.Generator,
    room: Room,
    faces: list[_Face],
    openings: list[Opening],
    ceiling_m: float,
) -> list[Object]:
    """Hang rolled-up blinds above some windows that are about as wide."""
    blind = pick(rng, assets_of("Blinds"))
    found = []
    for face in faces:
        for opening in openings:
            is_window = opening.asset is not None and opening.asset.category == "Window"
            if not is_window or opening.piece is not face.piece:
                continue
            middle = opening.high_m[1] + _MARGIN_M + 0.01 + blind.height_m / 2
            width = opening.high_m[0] - opening.low_m[0]
            if not 0.85 < width < 1.35 or middle + blind.height_m / 2 > ceiling_m:
                continue
            if chance(rng, 0.5):
                thing = face.hang(blind, opening.middle_m, middle)
                found += [thing] if thing else []
    return found
