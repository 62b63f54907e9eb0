"""Pictures for the report: keypoints in every view, errors against noise and views."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workflow_scripts.common.demonstration_shard import DemonstrationShard
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.evaluate.pose.conditions import ALL_VIEWS
from workflow_scripts.evaluate.score_table import ALL, ScoreRow
from workflow_scripts.geometry.triangulation import project
from workflow_scripts.models.keypoints.baselines import REFERENCE_BASELINE
from workflow_scripts.models.keypoints.plot_keypoints import plot_keypoint_views
from workflow_scripts.models.keypoints.track_dataset import TrackDataset

COLOURS = {
    "learned": "#2456c4",
    "learned_smoothed": "#7aa2f7",
    "smoothed_dlt": "#1d2430",
    "smoothed_ransac": "#12805c",
    "dlt": "#98a2b3",
    "weighted_dlt": "#d9a441",
    "ransac_dlt": "#d9480f",
}


@torch.no_grad()
def draw_frame(
    path: Path,
    tracks: TrackDataset,
    method: Callable[[TrackDataset], Tensor],
    shards: Mapping[str, DemonstrationShard],
    *,
    title: str,
) -> None:
    """Draw true and estimated keypoints on the images of the first episode's middle frame."""
    frame = int(tracks.first[0] + tracks.last[0]) // 2
    track, clip = tracks.sources[0], tracks.clip
    step, views, keypoints = frame - int(tracks.first[0]), len(track.cameras), len(track.names)
    pixels, _ = project(clip.projections[frame], method(tracks)[frame].float())
    shard = shards[track.scene_id]
    figure = plot_keypoint_views(
        true_px=track.keypoints_px[step],
        estimated_px=track.width_px * pixels.transpose(0, 1)[:views, :keypoints].numpy(),
        seen=track.visible[step],
        cameras=track.cameras,
        size_px=(track.width_px, track.height_px),
        rgb=np.stack([shard.rgb(track.scene_id, step=step, camera=c) for c in range(views)]),
        title=f"{title}: {track.task}, step {step} of a test episode",
    )
    save(figure, path)


def draw_errors(path: Path, rows: Sequence[ScoreRow], *, experiment: str) -> None:
    """Draw the mean error against noise, against views, and each method's in the main setting."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    families = {row.family for row in rows}
    family = ALL if ALL in families else min(families, default=ALL)
    chosen = [
        row
        for row in rows
        if row.metric == "mpjpe_mm"
        and row.keypoint == ALL
        and row.family == family
        and row.baseline == REFERENCE_BASELINE
    ]
    if not any(row.views == ALL_VIEWS for row in chosen):
        # A model that has hardly been trained may estimate nothing; the table says so.
        figure, axes = pyplot.subplots(figsize=(13, 4.2))
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"{experiment}: no method has an estimate", ha="center")
        save(figure, path)
        return
    first = next(row for row in chosen if row.views == ALL_VIEWS)
    figure, (left, middle, right) = pyplot.subplots(
        1, 3, figsize=(13, 4.2), layout="constrained", width_ratios=(1, 1.3, 0.9)
    )
    rows_by_noise = [row for row in chosen if row.views == ALL_VIEWS]
    rows_by_views = [row for row in chosen if row.noise == first.noise]
    _lines(left, rows_by_noise, lambda row: row.noise, "noise of the 2D keypoints, all views")
    _lines(middle, rows_by_views, lambda row: row.views, f"views, noise {first.noise}")
    methods_shown = [row for row in rows_by_noise if row.noise == first.noise]
    methods_shown.sort(key=lambda row: -row.value)
    for bar_index, row in enumerate(methods_shown):
        right.barh(bar_index, row.value, color=COLOURS.get(row.method, "#667085"))
        if np.isfinite(row.ci_low):
            right.plot([row.ci_low, row.ci_high], [bar_index, bar_index], color="#d0d5dd", lw=2)
        right.annotate(
            f" {row.value:.1f}", (max(row.value, row.ci_high), bar_index), va="center", fontsize=9
        )
    right.set_yticks(
        range(len(methods_shown)), [row.method.replace("_", " ") for row in methods_shown]
    )
    right.set_xlim(0, 1.2 * max(max(row.value, row.ci_high) for row in methods_shown))
    right.set_title(f"noise {first.noise}, all views, 95 % interval", fontsize=10)
    right.set_xlabel("mean error, mm")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle(f"{experiment}: {family.replace('_', ' ')}, {first.num_scenes} test episodes")
    save(figure, path)


def _lines(axes: Any, rows: Sequence[ScoreRow], key: Callable[[ScoreRow], str], title: str) -> None:
    ticks = list(dict.fromkeys(map(key, rows)))
    ticks.sort(key=noise_sort_key)
    for method in dict.fromkeys(row.method for row in rows):
        values = {key(row): row.value for row in rows if row.method == method}
        axes.plot(
            [ticks.index(tick) for tick in values],
            list(values.values()),
            marker="o",
            ms=4,
            lw=2 if method.startswith("learned") else 1.2,
            ls="-" if len(ticks) > 1 else "none",
            color=COLOURS.get(method, "#667085"),
            label=method.replace("_", " "),
        )
    for line in axes.get_lines():
        order = np.argsort(line.get_xdata())
        line.set_data(np.asarray(line.get_xdata())[order], np.asarray(line.get_ydata())[order])
    tick_style = {"rotation": 30, "ha": "right"} if max(map(len, ticks)) > 8 else {}
    axes.set_xticks(range(len(ticks)), ticks, fontsize=9, **tick_style)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="y", which="minor", labelsize=7)
    axes.grid(alpha=0.3, which="both")
    axes.set_ylabel("mean error, mm")
    axes.set_title(title, fontsize=10)


def noise_sort_key(name: str) -> float:
    """Return the sort key of a noise or set of views: by size, then those without a size."""
    if name == "exact":
        return 0.0
    number = re.fullmatch(r"([\d.e+-]+)x", name)
    return float(number[1]) if number else math.inf


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG and close it."""
    from matplotlib import pyplot

    with atomic_write(path) as partial:
        figure.savefig(partial, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
