"""Plans of some rooms from above, true and predicted boxes, beside the picture that was shown."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist

from workflow_scripts.common.checksums import read_file_of_result
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.evaluate.reconstruction.matching import Matching, same_class
from workflow_scripts.evaluate.reconstruction.object_scores import f1
from workflow_scripts.evaluate.reconstruction.room_pair import RoomPair
from workflow_scripts.evaluate.reconstruction.room_values import match_visible
from workflow_scripts.geometry.cameras import FloatArray, heading_vector
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.layouts.layout import RoomLayout
from workflow_scripts.layouts.room_layout import camera_pose

NUM_ROOMS = 4
PAIR_M = 1.0
MAX_DRAWN_BOXES = 200
MARGIN_M = 0.5
DOT_M = 0.15
TRUE, PREDICTED, FAR, HIDDEN = "#1d2430", "#2456c4", "#d9480f", "#98a2b3"


def draw_plans(
    path: Path, pairs: Sequence[RoomPair], pictures: Sequence[Path], experiment: str
) -> None:
    """Draw rooms from the worst to the best F1 of visible objects, evenly spread, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    order = sorted(range(len(pairs)), key=lambda n: (visible_f1(pairs[n]), n))
    places = np.linspace(0, len(order) - 1, min(NUM_ROOMS, len(order)) + 2)[1:-1]
    chosen = list(dict.fromkeys(order[round(place)] for place in places))
    figure, axes = pyplot.subplots(
        len(chosen), 2, figsize=(11, 4.6 * len(chosen)), layout="constrained", squeeze=False
    )
    for (left, right), number in zip(axes, chosen, strict=True):
        _show_picture(left, pictures[number], pairs[number])
        _draw_plan(right, pairs[number])
    figure.suptitle(f"{experiment}: rooms from above, from a low to a high F1")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def visible_f1(pair: RoomPair) -> float:
    """Return F1 of the visible objects of a room at 1 m."""
    pairs, ignored = _matches(pair)
    num_counted = len(pair.predicted.layout.boxes) - len(ignored)
    return f1(pairs.num_pairs, int(pair.true.visible.sum()), num_counted)


def _matches(pair: RoomPair) -> tuple[Matching, np.ndarray]:
    """Return pairs of visible objects within `PAIR_M`, and predictions that match hidden ones."""
    true, predicted = pair.true.layout, pair.predicted.layout
    cost = cdist(true.oriented_boxes.centre_m, predicted.oriented_boxes.centre_m)
    allowed = same_class(*([box.label for box in layout.boxes] for layout in (true, predicted)))
    return match_visible(cost, allowed, PAIR_M, pair.true.visible)


def _show_picture(axes: Any, picture: Path, pair: RoomPair) -> None:
    axes.set_axis_off()
    if picture.exists():
        with Image.open(io.BytesIO(read_file_of_result(picture))) as image:
            axes.imshow(np.asarray(image.convert("RGB")))
    else:
        axes.text(0.5, 0.5, f"no picture {picture.name}", ha="center", transform=axes.transAxes)
    record = pair.true.record
    axes.set_title(f"{record.view_id}, {record.room_type}", fontsize=10)


def _draw_plan(axes: Any, pair: RoomPair) -> None:
    true, predicted, record = pair.true.layout, pair.predicted.layout, pair.true.record
    floor = true.floor_polygon_m[:, :2]
    axes.fill(*floor.T, facecolor="#f2f4f7", edgecolor="#475467", lw=1.5, zorder=0)
    if len(predicted.floor_polygon_m):
        axes.plot(*_closed(predicted.floor_polygon_m[:, :2]).T, color=PREDICTED, lw=1, ls=":")
    for box, corners, is_seen in zip(true.boxes, _footprints(true), pair.true.visible, strict=True):
        colour, style = (TRUE, "-") if is_seen else (HIDDEN, "--")
        axes.plot(*_closed(corners).T, color=colour, lw=1.4, ls=style, zorder=3)
        if is_seen:
            axes.annotate(
                box.label, box.centre_m[:2], color=TRUE, fontsize=7, ha="center", va="bottom"
            )
    pairs, ignored = _matches(pair)
    near = {*pairs.predicted.tolist(), *ignored.tolist()}
    for i, j in zip(pairs.true, pairs.predicted, strict=True):
        ends = np.stack([true.boxes[i].centre_m[:2], predicted.boxes[j].centre_m[:2]])
        axes.plot(*ends.T, color=PREDICTED, lw=0.9, marker=".", ms=4, zorder=4)
    shown = range(min(len(predicted.boxes), MAX_DRAWN_BOXES))
    for number, corners in zip(shown, _footprints(predicted), strict=False):
        colour = PREDICTED if number in near else FAR
        axes.fill(*corners.T, facecolor=colour, alpha=0.18, zorder=1)
        axes.plot(*_closed(corners).T, color=colour, lw=1.1)
        axes.annotate(
            predicted.boxes[number].label,
            predicted.boxes[number].centre_m[:2],
            color=colour,
            fontsize=7,
            ha="center",
            va="top",
            annotation_clip=True,
        )
    _draw_camera(axes, pair)
    shown_points = np.concatenate([floor, camera_pose(record)[None, :2, 3]])
    low, high = shown_points.min(axis=0) - MARGIN_M, shown_points.max(axis=0) + MARGIN_M
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    axes.set_xlabel("x, m", fontsize=8)
    axes.set_ylabel("y, m", fontsize=8)
    axes.tick_params(labelsize=8)
    title = f"F1 at 1 m of visible objects {visible_f1(pair):.2f}"
    axes.set_title(
        title if pair.predicted.is_read else f"not read: {pair.predicted.reason[:60]}", fontsize=10
    )


def _draw_camera(axes: Any, pair: RoomPair) -> None:
    record = pair.true.record
    place = camera_pose(record)[:2, 3]
    fx, _, cx, _ = record.intrinsics
    sides = np.rad2deg(np.arctan([cx / fx, (cx - record.width_px) / fx]))
    floor = pair.true.layout.floor_polygon_m[:, :2]
    reach = 0.25 * float(np.ptp(floor, axis=0).max()) if len(floor) else MARGIN_M
    for side in sides:
        end = place + reach * heading_vector(record.yaw_deg + float(side))[:2]
        axes.plot(*np.stack([place, end]).T, color="#12805c", lw=1.2)
    axes.plot(*place, "o", color="#12805c", ms=5)


def _footprints(layout: RoomLayout) -> FloatArray:
    """Return the corners [n, 4, 2] of boxes from above; a dot where the size is not known."""
    boxes = layout.oriented_boxes
    size = np.where(np.isfinite(boxes.size_m), boxes.size_m, DOT_M)
    return box_corners(boxes.centre_m, size, layout.yaws_deg)[:, [0, 2, 6, 4], :2]


def _closed(points: FloatArray) -> FloatArray:
    return np.concatenate([points, points[:1]])


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=TRUE, label="true, visible"),
        Line2D([], [], color=HIDDEN, ls="--", label="true, hidden"),
        Line2D([], [], color=PREDICTED, label="predicted, matches within 1 m"),
        Line2D([], [], color=FAR, label="predicted, no match"),
        Line2D([], [], color="#12805c", marker="o", label="camera"),
    ]
