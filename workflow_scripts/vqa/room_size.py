"""How large rooms are, and whether a view shows enough of a room's floor to tell."""

import math
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import FloatArray, project, rotation_about_up

# A wall of a rectangular room may differ from the room's side by its own thickness.
RECTANGLE_TOLERANCE_M = 0.02
# A view that shows less of the floor, in its frame and not hidden, does not tell the room's size.
MIN_FLOOR_SHARE = 0.2
TOO_LITTLE_FLOOR = f"less than {MIN_FLOOR_SHARE:.0%} of the room's floor in view"
# The floor is looked for at so many points along each side.
_POINTS_PER_SIDE = 24
_SAME_DEPTH_SHARE, _SAME_DEPTH_M = 0.05, 0.05


@dataclass(frozen=True, eq=False)
class RectangularRoom:
    """A room whose floor is a rectangle.

    Attributes:
        size_m: The shorter and the longer side.
        floor_m: Points of the floor [n, 3], evenly spaced, in the world.
    """

    size_m: tuple[float, float]
    floor_m: FloatArray

    def floor_share(self, shard: ViewShard, view: int) -> float:
        """Return the share of the floor that lies in a view's frame and is not hidden."""
        camera = shard.camera(view)
        pixels, depth_m = project(self.floor_m, camera.intrinsics, camera.world_from_camera)
        size_px = np.array([camera.width_px, camera.height_px])
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels < size_px)).all(axis=1)
        if not inside.any():
            return 0.0
        columns, rows = pixels[inside].astype(int).T
        hit_m = shard.depth_m(view)[rows, columns]
        tolerance_m = np.maximum(_SAME_DEPTH_M, _SAME_DEPTH_SHARE * depth_m[inside])
        with np.errstate(invalid="ignore"):
            seen = hit_m >= depth_m[inside] - tolerance_m
        return float(np.count_nonzero(seen) / len(self.floor_m))


def rectangular_rooms(shard: ViewShard) -> dict[tuple[str, str], RectangularRoom]:
    """Return by (scene, room) the rooms that are rectangles.

    A room's floor row is the box around its polygon, so only a room whose four walls are as long
    as the floor's sides is known to be a rectangle.
    """
    structure = shard.objects[shard.objects["kind"] == "structure"]
    rooms = {}
    for key, group in structure.groupby(["scene_id", "room_id"]):
        floors = group[group["category"] == "floor"]
        walls = sorted(group[group["category"] == "wall"]["width_m"])
        if len(floors) != 1 or len(walls) != 4:
            continue
        floor = floors.iloc[0]
        width_m, depth_m = float(floor["width_m"]), float(floor["depth_m"])
        short, long = sorted((width_m, depth_m))
        if all(
            math.isclose(wall, side, abs_tol=RECTANGLE_TOLERANCE_M)
            for wall, side in zip(walls, [short, short, long, long], strict=True)
        ):
            middle = (np.arange(_POINTS_PER_SIDE) + 0.5) / _POINTS_PER_SIDE - 0.5
            across, along = np.meshgrid(width_m * middle, depth_m * middle)
            level = np.full(across.size, floor["height_m"] / 2)
            points = np.column_stack([across.ravel(), along.ravel(), level])
            points = points @ rotation_about_up(float(floor["yaw_deg"])).T
            centre = floor[["x_m", "y_m", "z_m"]].to_numpy(dtype=np.float64)
            rooms[key] = RectangularRoom((short, long), points + centre)
    return rooms
