"""A picture of rebuilt rooms: what the model saw, both plans, and the rebuilt room drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import FloatArray, heading_vector, yaw_pitch_deg
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.layouts.rebuilt_view import RebuiltView
from workflow_scripts.sources.readers.procthor_house import rooms

FLOOR, OUTLINE, OBJECT, CAMERA = "#f2f4f7", "#475467", "#2456c4", "#12805c"
MARGIN_M = 0.4
MAX_LABELS = 25
TITLES = ("picture", "true plan", "predicted plan", "prediction, drawn")


class View(Protocol):
    """One view of a shard."""

    @property
    def shard(self) -> ViewShard: ...

    @property
    def view(self) -> int: ...


@dataclass(frozen=True)
class RebuiltPicture:
    """A room: its record, its true view, the view of its rebuilt house, and a caption."""

    room: RebuiltView
    true: View
    drawn: View
    caption: str


def draw_rebuilt(path: Path, pictures: Sequence[RebuiltPicture], experiment: str) -> None:
    """Draw a row for each room as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(pictures), 4, figsize=(15, 3.8 * len(pictures)), layout="constrained", squeeze=False
    )
    for (photo, true_plan, plan, drawing), one in zip(axes, pictures, strict=True):
        floor = floor_of(one.room)
        extent = np.concatenate([floor, camera_place(one.room)[None]])
        for place, view in ((photo, one.true), (drawing, one.drawn)):
            place.set_axis_off()
            place.imshow(view.shard.rgb(view.view))
        for place, view, room_id in (
            (true_plan, one.true, one.room.room_id),
            (plan, one.drawn, None),
        ):
            _draw_plan(place, floor, objects_of(view, room_id), one.room)
            place.set_xlim(extent[:, 0].min() - MARGIN_M, extent[:, 0].max() + MARGIN_M)
            place.set_ylim(extent[:, 1].min() - MARGIN_M, extent[:, 1].max() + MARGIN_M)
        photo.set_title(f"{one.room.view_id}, {one.room.room_type}", fontsize=9)
        drawing.set_title(one.caption, fontsize=9)
    for place, title in zip(axes[0], TITLES, strict=True):
        text = place.get_title()
        place.set_title(f"{title}\n{text}" if text else title, fontsize=9)
    figure.suptitle(f"{experiment}: rooms rebuilt from its answers")
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)


def floor_of(room: RebuiltView) -> FloatArray:
    """Return the floor [n, 2] of a rebuilt house."""
    assert room.house is not None
    (floor,) = rooms(room.house)
    polygon: FloatArray = floor.polygon_m
    return polygon


def camera_place(room: RebuiltView) -> FloatArray:
    """Return where the camera stands [2]."""
    return np.array(room.world_from_camera).reshape(4, 4)[:2, 3]


def objects_of(view: View, room_id: str | None) -> pd.DataFrame:
    """Return the rows of the objects of a view's scene, in a room or in all."""
    rows = view.shard.objects
    chosen = rows[
        (rows["scene_id"] == view.shard.views["scene_id"].iloc[view.view])
        & (rows["kind"] == "object")
    ]
    return chosen if room_id is None else chosen[chosen["room_id"] == room_id]


def _draw_plan(axes: Any, floor: FloatArray, objects: pd.DataFrame, room: RebuiltView) -> None:
    axes.fill(*floor.T, facecolor=FLOOR, edgecolor=OUTLINE, lw=1.2, zorder=0)
    centres = objects[["x_m", "y_m", "z_m"]].to_numpy(dtype=np.float64)
    sizes = objects[["width_m", "depth_m", "height_m"]].to_numpy(dtype=np.float64)
    corners = box_corners(centres, sizes, objects["yaw_deg"].to_numpy(dtype=np.float64))
    for outline in corners.reshape(-1, 8, 3)[:, [0, 2, 6, 4], :2]:
        axes.fill(*outline.T, facecolor=OBJECT, alpha=0.15, zorder=1)
        axes.plot(*np.concatenate([outline, outline[:1]]).T, color=OBJECT, lw=0.9)
    for row in objects.head(MAX_LABELS).itertuples():
        axes.annotate(
            row.category, (row.x_m, row.y_m), fontsize=6, ha="center", annotation_clip=True
        )
    place = camera_place(room)
    yaw_deg, _ = yaw_pitch_deg(np.array(room.world_from_camera).reshape(4, 4))
    fx, _, cx, _ = room.intrinsics
    for side in np.rad2deg(np.arctan([cx / fx, (cx - room.width_px) / fx])):
        end = place + 0.8 * heading_vector(yaw_deg + float(side))[:2]
        axes.plot(*np.stack([place, end]).T, color=CAMERA, lw=1)
    axes.plot(*place, "o", color=CAMERA, ms=4)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=7)
