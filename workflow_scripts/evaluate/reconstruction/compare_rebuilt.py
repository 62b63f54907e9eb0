"""Compare rooms that were rebuilt from a model's replies and drawn with the pictures it saw.

Of the true picture only what belongs to the view's room counts: what is seen through a door, no
rebuilt room has.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Record, records_to_frame
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import atomic_write, read_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.evaluate import CompareRebuiltSettings
from workflow_scripts.evaluate.bootstrap import SceneBootstrap
from workflow_scripts.evaluate.reconstruction.rebuilt_picture import RebuiltPicture, draw_rebuilt
from workflow_scripts.evaluate.reconstruction.rendering_metrics import (
    clip_similarity,
    depth_abs_rel,
    mask_iou,
    mean_mask_iou,
)
from workflow_scripts.layouts.rebuilt_view import RebuiltView

log = logging.getLogger(__name__)
DEFAULT = CompareRebuiltSettings()
ALL_ROOMS = "all"
PICTURED_ROOMS = 6


class RenderingRow(Record):
    """A row of rebuilt.csv: a metric of one view, or its mean over views with a 95 % interval."""

    view_id: str
    scene_id: str
    metric: str
    category: str
    value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class DrawnView:
    """One view of a shard, with the class of every pixel."""

    shard: ViewShard
    view: int

    @cached_property
    def _rows(self) -> pd.DataFrame:
        scene_id = self.shard.views["scene_id"].iloc[self.view]
        rows = self.shard.objects
        return rows[rows["scene_id"] == scene_id].set_index("instance")

    @cached_property
    def instance(self) -> np.ndarray:
        """Return the mask [h, w]."""
        return self.shard.instance(self.view)

    def classes(self, kind: str, room_id: str | None = None) -> np.ndarray:
        """Return the category [h, w] of the objects of a kind (of a room), "" elsewhere."""
        rows = self._rows[self._rows["kind"] == kind]
        if room_id is not None:
            rows = rows[rows["room_id"] == room_id]
        largest = max([int(self.instance.max()), *rows.index], default=0)
        names = np.full(largest + 1, "", dtype=object)
        names[rows.index.to_numpy(dtype=np.int64)] = rows["category"].to_numpy()
        classes: np.ndarray = names[self.instance].astype(str)
        return classes

    def belongs_to(self, room_id: str) -> np.ndarray:
        """Return the pixels [h, w] of what belongs to a room."""
        rows = self._rows[self._rows["room_id"] == room_id]
        belongs: np.ndarray = np.isin(self.instance, rows.index)
        return belongs


def compare_view(true: DrawnView, drawn: DrawnView, room: RebuiltView) -> list[RenderingRow]:
    """Return the metrics of one view."""
    own = true.belongs_to(room.room_id)
    truth = true.classes("object", room.room_id)
    predicted = drawn.classes("object")
    error, share = depth_abs_rel(
        true.shard.depth_m(true.view), drawn.shard.depth_m(drawn.view), own
    )
    values = {
        ("mask_iou", "objects"): mean_mask_iou(truth, predicted, own),
        ("mask_iou", "structure"): mean_mask_iou(
            true.classes("structure", room.room_id), drawn.classes("structure"), own
        ),
        ("abs_rel", ""): error,
        ("depth_share", ""): share,
        **{("mask_iou", name): iou for name, iou in mask_iou(truth, predicted, own).items()},
    }
    return [
        _row(room.view_id, room.scene_id, metric, category, value)
        for (metric, category), value in values.items()
    ]


def mean_rows(rows: Sequence[RenderingRow], *, resamples: int, seed: int) -> list[RenderingRow]:
    """Return the mean of each metric over the views, with its interval over houses."""
    result = []
    keys = dict.fromkeys((row.metric, row.category) for row in rows)
    for metric, category in keys:
        own = [row for row in rows if (row.metric, row.category) == (metric, category)]
        bootstrap = SceneBootstrap(
            [row.scene_id for row in own],
            resamples=resamples,
            rng=rng(seed, "bootstrap", "rebuilt", metric, category),
        )
        mean, samples = bootstrap.means(np.array([row.value for row in own]))
        finite = samples[np.isfinite(samples)]
        low, high = np.percentile(finite, [2.5, 97.5]) if len(finite) else (np.nan, np.nan)
        mean_row = _row(ALL_ROOMS, "", metric, category, mean)
        result.append(mean_row.model_copy(update={"ci_low": float(low), "ci_high": float(high)}))
    return result


def _row(view_id: str, scene_id: str, metric: str, category: str, value: float) -> RenderingRow:
    return RenderingRow(
        view_id=view_id,
        scene_id=scene_id,
        metric=metric,
        category=category,
        value=value,
        ci_low=float("nan"),
        ci_high=float("nan"),
    )


def open_true_views(views: Sequence[Path], rooms: Sequence[RebuiltView]) -> dict[str, DrawnView]:
    """Return the true view of each room by view id; `UserError` if a shard lacks one."""
    wanted = {(room.source, room.view_id) for room in rooms}
    found = {}
    for path in views:
        shard = ViewShard.open(path)
        rows = shard.views
        for row in rows[rows["view_id"].isin({view_id for _, view_id in wanted})].itertuples():
            if (row.source, row.view_id) in wanted:
                found[str(row.view_id)] = DrawnView(shard, int(row.view))
    missing = sorted({view_id for _, view_id in wanted} - found.keys())
    if missing:
        raise UserError(f"view {missing[0]} is in none of the {len(views)} shards of views")
    return found


def main(
    *,
    rooms: Path,
    rebuilt: Path,
    views: list[Path],
    out: Path,
    picture: Path,
    experiment: str,
    seed: int,
    settings: CompareRebuiltSettings = DEFAULT,
) -> None:
    """Compare rebuilt rooms with the pictures that a model saw.

    Args:
        rooms: JSON lines of `RebuiltView` records.
        rebuilt: Shard of views in which they are drawn.
        views: Shards of the true views.
        out: CSV file to write: metrics of every view, and their means.
        picture: Picture to draw: what the model saw, both plans, the rebuilt room drawn.
        experiment: Name of the experiment.
        seed: The workflow's seed.
        settings: Resamples, and the folder of a CLIP model if there is one.
    """
    records = {room.view_id: room for room in read_records(rooms, RebuiltView)}
    drawn_shard = ViewShard.open(rebuilt)
    drawn = {
        str(row.view_id): DrawnView(drawn_shard, int(row.view))
        for row in drawn_shard.views.itertuples()
    }
    true = open_true_views(views, list(records.values()))
    rows = [
        row
        for view_id, one in drawn.items()
        for row in compare_view(true[view_id], one, records[view_id])
    ]
    if settings.clip_model is not None:
        similarity = clip_similarity(
            [true[view_id].shard.rgb(true[view_id].view) for view_id in drawn],
            [one.shard.rgb(one.view) for one in drawn.values()],
            Path(settings.clip_model),
        )
        rows += [
            _row(view_id, records[view_id].scene_id, "clip_similarity", "", float(value))
            for view_id, value in zip(drawn, similarity, strict=True)
        ]
    means = mean_rows(rows, resamples=settings.bootstrap_samples, seed=seed)
    table = records_to_frame([*means, *rows], RenderingRow)
    with atomic_write(out) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")
    pictures = [
        RebuiltPicture(records[view_id], true[view_id], one, _caption(rows, view_id))
        for view_id, one in list(drawn.items())[:PICTURED_ROOMS]
    ]
    draw_rebuilt(picture, pictures, experiment)
    log.info("%d rooms compared", len(drawn))


def _caption(rows: Sequence[RenderingRow], view_id: str) -> str:
    values = {(row.metric, row.category): row.value for row in rows if row.view_id == view_id}
    return f"mask IoU {values['mask_iou', 'objects']:.2f}, depth error {values['abs_rel', '']:.0%}"


if __name__ == "__main__":
    run(main)
