"""Say in numbers and a picture what depth the later stages use (run for every backend)."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.records import DepthRow, table
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.views import ViewShard
from workflow_scripts.depth.metrics import compare, describe
from workflow_scripts.depth.picture import Tile, draw_sheet

log = logging.getLogger(__name__)

MAX_TILES = 24
PHOTOS = "photos"
"""Backend of view shards of photos: whatever depth they have is no truth to compare with."""
_NOT_COMPARED = dict.fromkeys(("abs_rel", "rmse_m", "delta1", "median_scale"), np.nan)


def shown_views(shard: ViewShard) -> list[int]:
    """Return the views on the contact sheet: best views first, then evenly spread ones."""
    rows = shard.views
    best = rows.view[rows.is_best].tolist()
    others = rows.view[~rows.is_best].tolist()
    chosen = best[:MAX_TILES]
    room = min(MAX_TILES - len(chosen), len(others))
    if room:
        chosen += [others[i] for i in np.linspace(0, len(others) - 1, room).round().astype(int)]
    return sorted(chosen)


def backends_of(notes: Mapping[str, Any], *, num_views: int, own: str) -> list[str]:
    """Return who made the depth of each view: `own`, or the estimator that the notes name."""
    estimator = str(notes.get("backend", own))
    sources = notes.get("depth_source", ["estimated"] * num_views)
    return [own if source == "own" else estimator for source in sources]


def main(*, views: Path, out: Path, picture: Path, depth: Path | None = None) -> None:
    """Write a Parquet table of `DepthRow` and a contact sheet.

    Args:
        views: the view shard.
        out: the table to write.
        picture: the PNG to write.
        depth: group with an estimated depth_m[view, y, x]; the view shard itself, or nothing,
            means the simulator's depth.
    """
    shard = ViewShard.open(views)
    used = ViewShard.open(views, depth=depth)
    notes = {} if used.depth is None else dict(used.depth.attrs)
    has_truth = shard.group.attrs.get("backend") != PHOTOS
    backends = backends_of(notes, num_views=len(shard), own="simulator" if has_truth else "given")
    sources = notes.get("intrinsics_source", shard.views.intrinsics_source.tolist())
    shown, tiles, rows = set(shown_views(shard)), [], []
    for row in progress(shard.views.itertuples(), desc="depth", total=len(shard)):
        used_m, errors, title, maps_m = used.depth_m(row.view), _NOT_COMPARED, row.view_id, []
        if used.depth is not None and has_truth:
            true_m = shard.depth_m(row.view)
            errors = compare(used_m, true_m)
            title, maps_m = f"{row.view_id}: {errors['abs_rel']:.0%} off", [true_m]
        rows.append(
            DepthRow(
                view=row.view,
                view_id=row.view_id,
                scene_id=row.scene_id,
                backend=backends[row.view],
                intrinsics_source=sources[row.view],
                **describe(used_m),
                **errors,
            )
        )
        if row.view in shown:
            tiles.append(Tile(title, shard.rgb(row.view), [*maps_m, used_m]))
    stats = table(rows, DepthRow)
    caption = f"Depth of {len(rows)} views: {', '.join(sorted(set(backends)))}"
    if used.depth is not None:
        caption += f", {notes.get('model')}"
    if used.depth is not None and has_truth:
        caption = (
            f"Depth of {len(rows)} views: picture, simulator, {notes.get('model')}; "
            f"mean abs_rel {stats.abs_rel.mean():.3f}, "
            f"median scale {stats.median_scale.median():.2f}"
        )
        log.info("%s", caption)
    draw_sheet(picture, tiles, caption=caption)
    write_table(out, stats)


if __name__ == "__main__":
    run(main)
