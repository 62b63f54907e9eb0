"""Say in numbers and a picture what depth the later stages use (run for every backend)."""

import logging
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import DepthRow, table
from workflow_scripts.common.storage import open_shard, read_array, write_table
from workflow_scripts.common.views import ViewShard
from workflow_scripts.depth.metrics import compare, describe
from workflow_scripts.depth.picture import Tile, draw_sheet

log = logging.getLogger(__name__)

MAX_TILES = 24
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
    estimate = None
    if depth is not None and depth.resolve() != views.resolve():
        estimate = open_shard(depth)
        wanted = shard.group["rgb"].shape[:3]  # type: ignore[union-attr]
        if "depth_m" not in estimate or estimate["depth_m"].shape != wanted:  # type: ignore[union-attr]
            raise UserError(
                f"{depth}: does not hold depth_m of shape {wanted} for the views of {views}. "
                "Remove the folder and run its rule again."
            )
    backend = "simulator" if estimate is None else str(estimate.attrs.get("backend", "estimate"))
    shown, tiles, rows = set(shown_views(shard)), [], []
    for row in progress(shard.views.itertuples(), desc="depth", total=len(shard)):
        true_m = shard.depth_m(row.view)
        used_m = true_m if estimate is None else read_array(estimate, "depth_m", row.view)
        errors = _NOT_COMPARED if estimate is None else compare(used_m, true_m)
        rows.append(
            DepthRow(
                view=row.view,
                view_id=row.view_id,
                scene_id=row.scene_id,
                backend=backend,
                **describe(used_m),
                **errors,
            )
        )
        if row.view in shown:
            maps_m = [used_m] if estimate is None else [true_m, used_m]
            title = (
                row.view_id if estimate is None else f"{row.view_id}: {errors['abs_rel']:.0%} off"
            )
            tiles.append(Tile(title, shard.rgb(row.view), maps_m))
    stats = table(rows, DepthRow)
    if estimate is None:
        caption = f"Depth of {len(rows)} views: simulator"
    else:
        caption = (
            f"Depth of {len(rows)} views: picture, simulator, {estimate.attrs.get('model')}; "
            f"mean abs_rel {stats.abs_rel.mean():.3f}, "
            f"median scale {stats.median_scale.median():.2f}"
        )
        log.info("%s", caption)
    draw_sheet(picture, tiles, caption=caption)
    write_table(out, stats)


if __name__ == "__main__":
    run(main)
