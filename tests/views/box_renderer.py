"""A view backend that draws every object row as a box: exact, fast, independent of a renderer."""

from typing import Any

import numpy as np
import shapely

from testing.box_scenes import Box, render
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.sources.readers.procthor_house import ceiling_height_m, rooms
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.objects import object_rows


def cast(objects: list[ObjectRow], camera: Camera, height_m: float) -> Frame:
    """Return the frame of a camera; one above the ceilings does not see them."""
    above = camera.position_m[2] > height_m
    shown = [row for row in objects if not (above and row.category == "ceiling")]
    boxes = [
        Box(
            row.category,
            (row.x_m, row.y_m, row.z_m),
            (row.width_m, row.depth_m, row.height_m),
            row.yaw_deg,
            (40 + row.instance * 37 % 200, 40 + row.instance * 71 % 200, 90),
            row.kind,
        )
        for row in shown
    ]
    rgb, depth_m, index = render(boxes, camera)
    numbers = np.array([0, *(row.instance for row in shown)], dtype=np.uint16)
    return Frame(rgb, depth_m.astype(np.float32), numbers[index])


def grid_m(house: dict[str, Any], objects: list[ObjectRow]) -> np.ndarray:
    """Return the free points of a 0.25 m grid, 0.2 m from walls and objects on the floor."""
    points = []
    blocks = [
        shapely.box(
            row.x_m - row.width_m / 2,
            row.y_m - row.depth_m / 2,
            row.x_m + row.width_m / 2,
            row.y_m + row.depth_m / 2,
        )
        for row in objects
        if row.kind == "object"
    ]
    for room in rooms(house):
        free = shapely.difference(room.shape, shapely.union_all(blocks)).buffer(-0.2)
        low, high = room.polygon_m.min(axis=0), room.polygon_m.max(axis=0)
        xs, ys = (
            np.arange(np.ceil(a / 0.25), b / 0.25) * 0.25 for a, b in zip(low, high, strict=True)
        )
        points += [(x, y, 0.0) for x in xs for y in ys if free.contains(shapely.Point(x, y))]
    return np.array(points, dtype=np.float64).reshape(-1, 3)


class BoxHouse:
    """A house as boxes."""

    def __init__(self, house: dict[str, Any], scene_id: str) -> None:
        self.objects = object_rows(house, scene_id)
        self._house = house
        self._height_m = ceiling_height_m(house)

    def reachable_m(self) -> np.ndarray:
        return grid_m(self._house, self.objects)

    def geometry(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        frame = cast(self.objects, camera, self._height_m)
        return frame.depth_m, frame.instance

    def render(self, camera: Camera, *, seed: int) -> Frame:
        return cast(self.objects, camera, self._height_m)


class BoxRenderer:
    """The backend; takes the same keywords as the others."""

    def __init__(self, *, preset: str, furniture: str, width_px: int, height_px: int) -> None:
        self.provenance = {"renderer": "boxes"}
        self.credits = ()

    def __enter__(self) -> "BoxRenderer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def load(self, house: dict[str, Any], *, scene_id: str) -> BoxHouse:
        return BoxHouse(house, scene_id)
