"""Plans of scans from above: boxes that are meant and chosen, all proposals, the camera's path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.label_text import phrase
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.evaluate.video.frame_picture import NOTHING, result_line
from workflow_scripts.evaluate.video.shown_samples import ShownSample

COLUMNS = 2
MARGIN_M = 0.5
NAMED_M2 = 0.15
TITLE_CHARACTERS = 70
TRUE, PREDICTED, OTHER, PATH = "#12805c", "#d9480f", "#98a2b3", "#2456c4"


def draw_plans(path: Path, shown: Sequence[ShownSample], experiment: str) -> None:
    """Write the picture (PNG): a plan for each sample."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    num_rows = -(-max(len(shown), 1) // COLUMNS)
    figure, axes = pyplot.subplots(
        num_rows, COLUMNS, figsize=(11, 5 * num_rows), layout="constrained", squeeze=False
    )
    for place in axes.flat:
        place.set_axis_off()
    if not shown:
        axes.flat[0].text(0, 0.5, NOTHING, fontsize=9, transform=axes.flat[0].transAxes)
    for place, one in zip(axes.flat, shown, strict=False):
        place.set_axis_on()
        _draw_plan(place, one)
    figure.suptitle(f"{experiment}: scans from above")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _draw_plan(axes: Any, one: ShownSample) -> None:
    proposals = one.proposals
    for box, category in zip(proposals.boxes, proposals.categories, strict=True):
        axes.plot(*_outline(box), color=OTHER, lw=1, zorder=1)
        # Names of small boxes would cover each other.
        if category and box[3] * box[4] >= NAMED_M2:
            name = phrase(category)
            axes.annotate(
                name, box[:2], color=OTHER, fontsize=7, ha="center", va="center", zorder=1
            )
    axes.plot(*one.path_m[:, :2].T, color=PATH, lw=1, alpha=0.6, zorder=2)
    axes.plot(*one.chosen_m[:, :2].T, "o", color=PATH, ms=3, zorder=2)
    for box in one.truth:
        axes.plot(*_outline(box), color=TRUE, lw=3.5, zorder=3)
    for box in one.predicted:
        axes.plot(*_outline(box), color=PREDICTED, lw=1.6, zorder=4)
    if one.sample.point_m is not None:
        axes.plot(*one.sample.point_m[:2], "x", color=TRUE, ms=8, zorder=4)
    if one.sample.position_m is not None:
        _draw_situation(axes, one)
    axes.set_aspect("equal")
    axes.margins(0.05)
    axes.set_xlabel("x, m", fontsize=8)
    axes.set_ylabel("y, m", fontsize=8)
    axes.tick_params(labelsize=8)
    text = one.sample.text or "(describe the object)"
    if len(text) > TITLE_CHARACTERS:
        text = f"{text[: TITLE_CHARACTERS - 3]}..."
    result = result_line(one)[:TITLE_CHARACTERS]
    axes.set_title(f"{one.sample.scene_id}: {text}\n{result}", fontsize=8, parse_math=False)


def _draw_situation(axes: Any, one: ShownSample) -> None:
    """Draw where one stands, and an arrow where one looks."""
    assert one.sample.position_m is not None
    place = np.array(one.sample.position_m[:2])
    axes.plot(*place, "s", color=TRUE, ms=6, zorder=5)
    if one.sample.facing_deg is not None:
        angle = np.deg2rad(one.sample.facing_deg)
        step = MARGIN_M * np.array([np.cos(angle), np.sin(angle)])
        axes.annotate("", place + step, place, arrowprops={"arrowstyle": "->", "color": TRUE})


def _outline(box: np.ndarray) -> np.ndarray:
    """Return the outline [2 (x, y), 5] of a box [6] from above."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    outline: np.ndarray = (box[:2] + signs * box[3:5] / 2).T
    return outline


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=TRUE, lw=3.5, label="meant"),
        Line2D([], [], color=PREDICTED, lw=1.6, label="chosen by the model"),
        Line2D([], [], color=OTHER, label="could be chosen"),
        Line2D([], [], color=PATH, alpha=0.6, label="camera's path"),
        Line2D([], [], color=PATH, marker="o", ms=3, ls="", label="chosen frames"),
    ]
