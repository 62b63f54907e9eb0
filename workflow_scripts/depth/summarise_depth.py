"""Summarise the depth that later stages use, as a table and a picture (for every backend)."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.records import DepthRow, records_to_frame
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.depth.contact_sheet import Tile, draw_contact_sheet
from workflow_scripts.depth.metrics import depth_errors, depth_statistics

log = logging.getLogger(__name__)

MAX_TILES = 24
PHOTOS = "photos"
"""Backend of view shards of photos: whatever depth they have is no truth to compare with."""
_NOT_COMPARED = dict.fromkeys(("abs_rel", "rmse_m", "delta1", "median_scale"), np.nan)


def select_views(shard: ViewShard) -> list[int]:
    """Return the views on the contact sheet: best views first, then evenly spread ones."""
    rows = shard.views
    best = rows.view[rows.is_best].tolist()
    others = rows.view[~rows.is_best].tolist()
    chosen = best[:MAX_TILES]
    num_free = min(MAX_TILES - len(chosen), len(others))
    if num_free:
        chosen += [others[i] for i in np.linspace(0, len(others) - 1, num_free).round().astype(int)]
    return sorted(chosen)


def depth_backends(
    attributes: Mapping[str, Any], *, num_views: int, original_backend: str
) -> list[str]:
    """Return who made the depth of each view: `own`, or the estimator that the notes name.

    Of a view whose estimate failed, "failed: " and why.
    """
    estimator = str(attributes.get("backend", original_backend))
    sources = attributes.get("depth_source", ["estimated"] * num_views)
    names = {"own": original_backend, "estimated": estimator}
    return [names.get(source, source) for source in sources]


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
    depth_shard = ViewShard.open(views, depth=depth)
    attributes = {} if depth_shard.depth is None else dict(depth_shard.depth.attrs)
    has_truth = shard.group.attrs.get("backend") != PHOTOS
    backends = depth_backends(
        attributes, num_views=len(shard), original_backend="simulator" if has_truth else "given"
    )
    sources = attributes.get("intrinsics_source", shard.views.intrinsics_source.tolist())
    shown, tiles, rows = set(select_views(shard)), [], []
    for row in progress(shard.views.itertuples(), desc="depth", total=len(shard)):
        depth_m, errors, title, maps_m = (
            depth_shard.depth_m(row.view),
            _NOT_COMPARED,
            row.view_id,
            [],
        )
        if depth_shard.depth is not None and has_truth:
            true_m = shard.depth_m(row.view)
            errors = depth_errors(depth_m, true_m)
            title, maps_m = f"{row.view_id}: {errors['abs_rel']:.0%} off", [true_m]
        rows.append(
            DepthRow(
                view=row.view,
                view_id=row.view_id,
                scene_id=row.scene_id,
                backend=backends[row.view],
                intrinsics_source=sources[row.view],
                **depth_statistics(depth_m),
                **errors,
            )
        )
        if row.view in shown:
            tiles.append(Tile(title, shard.rgb(row.view), [*maps_m, depth_m]))
    stats = records_to_frame(rows, DepthRow)
    caption = f"Depth of {len(rows)} views: {', '.join(sorted(set(backends)))}"
    if depth_shard.depth is not None:
        caption += f", {attributes.get('model')}"
    if depth_shard.depth is not None and has_truth:
        caption = (
            f"Depth of {len(rows)} views: picture, simulator, {attributes.get('model')}; "
            f"mean abs_rel {stats.abs_rel.mean():.3f}, "
            f"median scale {stats.median_scale.median():.2f}"
        )
        log.info("%s", caption)
    draw_contact_sheet(picture, tiles, caption=caption)
    write_table(out, stats)


if __name__ == "__main__":
    run(main)
