"""Draw houses from above: walls, doors with their swing, windows, furniture with names."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from workflow_scripts.common.fonts import font
from workflow_scripts.common.records import Scene
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.geometry.cameras import (
    rotation_about_up,
    world_from_unity,
    yaw_from_unity,
)
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.sources.readers.procthor_assets import assets

TILE_PX = 600
TITLE_PX = 26
COLUMNS = 5
MAX_PLANS = 30
_OVERSAMPLING = 2
_ROOM_COLOURS = {
    "Bathroom": (214, 234, 240),
    "Bedroom": (232, 226, 242),
    "Kitchen": (246, 236, 212),
    "LivingRoom": (226, 240, 222),
}
_WALL, _DOOR, _WINDOW = (60, 60, 66), (176, 110, 50), (70, 140, 215)
_FURNITURE, _SMALL, _WALL_MOUNTED = (250, 250, 250), (235, 150, 130), (150, 90, 160)
_LINE, _TEXT = (90, 90, 96), (30, 30, 34)
_MIN_TEXT_PX = 16
_WALL_MOUNTED_ABOVE_M = 0.6
"""An object whose bottom is higher than this and that stands on nothing hangs on a wall."""


@dataclass(frozen=True)
class _PlanCanvas:
    """A drawing in progress: pen, scale and where the plan's lower left corner lies."""

    pen: ImageDraw.ImageDraw
    px_per_m: float
    origin_m: np.ndarray
    origin_px: np.ndarray

    def px(self, points_m: Any) -> list[tuple[float, float]]:
        """Map plan points [n, 2+] to pixels."""
        points = (np.asarray(points_m, dtype=float)[..., :2] - self.origin_m) * self.px_per_m
        pixels = self.origin_px + points * np.array([1.0, -1.0])
        return [(float(x), float(y)) for x, y in pixels]


@dataclass(frozen=True)
class _Label:
    """A name to write, where, and how much room its object offers."""

    text: str
    at_px: tuple[float, float]
    space_px: tuple[float, float]


def draw_house_plan(scene: Scene, *, size_px: int = TILE_PX) -> Image.Image:
    """Draw one scene on a square of `size_px`; a left-out house gives its reason as text."""
    side = size_px * _OVERSAMPLING
    picture = Image.new("RGB", (side, side), (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    title = f"{scene.scene_id}  {scene.split}"
    if scene.house is None:
        _write_reason(pen, scene, side)
    else:
        spec = scene.house["metadata"].get("roomSpecId", "")
        title += f"  {spec}  {len(scene.house['objects'])} objects"
        _draw_house(pen, scene.house, side)
    pen.text((12, 8), title, fill=_TEXT, font=font(TITLE_PX))
    return picture.resize((size_px, size_px), Image.Resampling.LANCZOS)


def draw_floor_plan_sheet(path: Path, scenes: Sequence[Scene]) -> None:
    """Write the plans of the first scenes of a shard side by side (PNG)."""
    shown = scenes[:MAX_PLANS]
    columns = min(COLUMNS, max(len(shown), 1))
    rows = -(-max(len(shown), 1) // columns)
    sheet = Image.new("RGB", (columns * TILE_PX, rows * TILE_PX), (255, 255, 255))
    for index, scene in enumerate(shown):
        offset_px = (index % columns * TILE_PX, index // columns * TILE_PX)
        sheet.paste(draw_house_plan(scene), offset_px)
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")


def _write_reason(pen: ImageDraw.ImageDraw, scene: Scene, side: int) -> None:
    words, line, lines = (scene.skipped or "").split(), "", []
    for word in words:
        if pen.textlength(f"{line} {word}", font=font(30)) > side - 60:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    text = "\n".join(["left out:", "", *lines, line])
    pen.multiline_text((30, 80), text, fill=(170, 40, 40), font=font(30))


def _draw_house(pen: ImageDraw.ImageDraw, house: dict[str, Any], side: int) -> None:
    outlines = {room["id"]: _plan_points(room["floorPolygon"]) for room in house["rooms"]}
    points = np.concatenate(list(outlines.values()))
    low, high = points.min(axis=0), points.max(axis=0)
    margin, top = 30, 70
    space_px = np.array([side - 2 * margin, side - margin - top], dtype=float)
    scale = float((space_px / (high - low)).min())
    padding_px = (space_px - scale * (high - low)) / 2
    corner = np.array([margin + padding_px[0], side - margin - padding_px[1]])
    sheet = _PlanCanvas(pen, scale, low, corner)
    walls = {wall["id"]: wall for wall in house["walls"]}
    for room in house["rooms"]:
        pen.polygon(sheet.px(outlines[room["id"]]), fill=_ROOM_COLOURS[room["roomType"]])
    labels: list[_Label] = []
    for obj in sorted(house["objects"], key=lambda obj: obj["position"]["y"]):
        _draw_object(sheet, obj, labels, depth=0)
    for wall in house["walls"]:
        start, end = _floor_points(wall)
        colour, width = (_LINE, 1) if wall.get("empty") else (_WALL, 9)
        pen.line(sheet.px([start, end]), fill=colour, width=width)
    for window in house["windows"]:
        _draw_opening(sheet, window, walls, _WINDOW)
    for door in house["doors"]:
        _draw_opening(sheet, door, walls, (255, 255, 255))
        _draw_swing(sheet, door, walls)
    for label in labels:
        _write_label(pen, label)


def _plan_points(points: Iterable[dict[str, float]]) -> np.ndarray:
    """Return plan points [n, 2] of points in Unity's frame."""
    return world_from_unity([[p["x"], p["y"], p["z"]] for p in points])[:, :2]


def _floor_points(wall: dict[str, Any]) -> np.ndarray:
    """Return the plan points [2, 2] of the wall's two lowest corners."""
    lowest = sorted(wall["polygon"], key=lambda point: point["y"])[:2]
    return _plan_points(lowest)


def _jambs(opening: dict[str, Any], walls: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the plan points of an opening's two jambs."""
    start, end = _floor_points(walls[opening["wall0"]])
    along = (end - start) / np.linalg.norm(end - start)
    low, high = (corner["x"] for corner in opening["holePolygon"])
    return start + low * along, start + high * along


def _draw_opening(
    sheet: _PlanCanvas, opening: dict[str, Any], walls: dict[str, Any], colour: tuple[int, int, int]
) -> None:
    sheet.pen.line(sheet.px(np.stack(_jambs(opening, walls))), fill=colour, width=9)


def _draw_swing(sheet: _PlanCanvas, door: dict[str, Any], walls: dict[str, Any]) -> None:
    """Draw the quarter circle of a leaf (two for a double door) into the door's first room."""
    if door["assetId"].startswith("Doorframe"):
        return
    low, high = _jambs(door, walls)
    middle = (low + high) / 2
    leaves = [(low, middle), (high, middle)] if "Double" in door["assetId"] else [(low, high)]
    along = (high - low) / np.linalg.norm(high - low)
    into = np.array([along[1], -along[0]])
    for hinge, tip in leaves:
        reach = float(np.linalg.norm(tip - hinge))
        toward = (tip - hinge) / reach
        angles = np.linspace(0, np.pi / 2, 16)[:, None]
        arc = hinge + reach * (np.cos(angles) * toward + np.sin(angles) * into)
        sheet.pen.line(sheet.px(arc), fill=_DOOR, width=2)
        sheet.pen.line(sheet.px(np.stack([hinge, arc[-1]])), fill=_DOOR, width=5)


def _draw_object(
    sheet: _PlanCanvas, obj: dict[str, Any], labels: list[_Label], *, depth: int
) -> None:
    """Draw an object as an oriented rectangle with a tick at its front, then what it supports."""
    asset = assets()[obj["assetId"]]
    centre = _plan_points([obj["position"]])[0]
    yaw = yaw_from_unity(obj["rotation"]["y"])
    corners = box_corners((*centre, 0.0), asset.size_m, yaw)[[0, 2, 6, 4]]
    is_wall_mounted = (
        not depth and obj["position"]["y"] - asset.height_m / 2 > _WALL_MOUNTED_ABOVE_M
    )
    fill = _SMALL if depth else _WALL_MOUNTED if is_wall_mounted else _FURNITURE
    sheet.pen.polygon(sheet.px(corners), fill=fill, outline=_LINE, width=2)
    if not depth and not is_wall_mounted:
        front = rotation_about_up(yaw)[:2, 1] * asset.depth_m / 2
        sheet.pen.line(sheet.px([centre + front, centre + 0.75 * front]), fill=_DOOR, width=4)
    for child in obj.get("children") or []:
        _draw_object(sheet, child, labels, depth=depth + 1)
    if not depth and not is_wall_mounted:
        size = np.ptp(corners[:, :2], axis=0) * sheet.px_per_m
        labels.append(_Label(asset.category, sheet.px([centre])[0], (size[0], size[1])))


def _write_label(pen: ImageDraw.ImageDraw, label: _Label) -> None:
    """Write a name as large as its object allows, over two lines if that helps; with a halo."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", label.text)
    width, height = label.space_px
    for size in range(26, _MIN_TEXT_PX - 1, -2):
        for text in dict.fromkeys((label.text, split)):
            left, top, right, bottom = pen.multiline_textbbox((0, 0), text, font=font(size))
            if (right - left <= width - 4 and bottom - top <= height) or (
                size == _MIN_TEXT_PX and text == split
            ):
                pen.multiline_text(
                    label.at_px,
                    text,
                    fill=_TEXT,
                    font=font(size),
                    anchor="mm",
                    align="center",
                    spacing=0,
                    stroke_width=2,
                    stroke_fill=(255, 255, 255),
                )
                return
