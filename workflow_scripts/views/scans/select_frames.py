"""Choose the frames of each scan of a shard, and draw where they were taken.

Writes `{shard}.frames.parquet`, a row a chosen frame in the order of time, and a plan of every
scan with the camera's path. Frames are read one at a time.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import SkippedItem, records_to_frame
from workflow_scripts.common.scan_frames import ChosenFrame
from workflow_scripts.common.storage import read_table, write_records, write_table
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.frame_selection import (
    FrameSelection,
    choose_frames,
    frame_budget,
)
from workflow_scripts.geometry.voxel_coverage import (
    FrameVoxelCounter,
    FrameVoxels,
    voxel_centres_m,
    voxel_keys,
)
from workflow_scripts.sources.scan_settings import FrameSelectionSettings
from workflow_scripts.views.scans.scan_plan import ScanPlan, draw_scan_plans
from workflow_scripts.views.scans.surface_points import SPACING_M

DEFAULT = FrameSelectionSettings()
log = logging.getLogger(__name__)


def count_scan(shard: ViewShard, views: list[int], voxel_m: float) -> FrameVoxels:
    """Return the voxels that some views of a shard show, read one after the other."""
    counter = FrameVoxelCounter(voxel_m)
    for view in progress(views, desc="frames"):
        camera = shard.camera(view)
        counter.add(shard.depth_m(view), camera.intrinsics, camera.world_from_camera)
    return counter.result()


def near_surface(voxels: FrameVoxels, surface_m: np.ndarray, voxel_m: float) -> FrameVoxels:
    """Return frames with only the voxels that the scan's own surface [n, 3] passes.

    So what is seen through a door does not decide. A voxel is kept if a point of the surface, of
    which there is one in each cube of `SPACING_M`, may lie in it.
    """
    reach_m = (voxel_m + SPACING_M) * 3**0.5 / 2
    centres = voxel_centres_m(voxels.keys, voxel_m)
    distance_m, _ = cKDTree(surface_m).query(centres, distance_upper_bound=reach_m)
    return voxels.restricted_to(np.isfinite(distance_m))


def surface_coverage(
    voxels: FrameVoxels, selection: FrameSelection, surface_m: np.ndarray, voxel_m: float
) -> np.ndarray:
    """Return f64 [k]: the share of surface points [n, 3] in voxels that the first frames show."""
    if not len(surface_m):
        return np.full(len(selection.frames), np.nan)
    keys, owner = voxel_keys(surface_m, voxel_m)
    weight = np.bincount(owner, minlength=len(keys))
    is_covered = np.zeros(len(keys), bool)
    shares = []
    for frame in selection.frames:
        is_covered |= np.isin(keys, voxels.of_frame(int(frame)))
        shares.append(weight[is_covered].sum() / weight.sum())
    return np.array(shares)


def chosen_rows(
    rows: pd.DataFrame, selection: FrameSelection, shares: np.ndarray, strategy: str
) -> list[ChosenFrame]:
    """Return the rows of a scan's chosen frames in the order of time.

    `rows` are those of its views; frames of the selection are positions in them.
    """
    coverage = selection.coverage
    chosen = []
    for rank in np.argsort(selection.frames, kind="stable"):
        view = rows.iloc[int(selection.frames[rank])]
        chosen.append(
            ChosenFrame(
                scene_id=view.scene_id,
                view=int(view["view"]),
                view_id=view.view_id,
                frame=int(view.frame),
                timestamp_s=float(view.timestamp_s),
                strategy=strategy,
                rank=int(rank),
                gain=int(selection.gains[rank]),
                coverage=float(coverage[rank]),
                surface_coverage=float(shares[rank]),
            )
        )
    return chosen


def main(
    *,
    views: Path,
    out: Path,
    picture: Path,
    surface: Path | None = None,
    settings: FrameSelectionSettings = DEFAULT,
) -> None:
    """Choose the frames of the scans of a shard.

    Args:
        views: the shard, `{shard}.zarr`.
        out: the table to write; scans without a frame to choose go to `.skipped.jsonl` beside it.
        picture: plans of the scans (PNG).
        surface: points on each scan's own surface; none if it is not known.
        settings: strategy and budget.
    """
    budget = frame_budget(
        max_frames=settings.max_frames,
        max_tokens=settings.max_tokens,
        tokens_per_frame=settings.tokens_per_frame,
    )
    shard = ViewShard.open(views)
    surface_table = None if surface is None else read_table(surface)
    chosen: list[ChosenFrame] = []
    plans: list[ScanPlan] = []
    skipped: list[SkippedItem] = []
    errors = ItemErrors()
    for scene_id, rows in shard.views.groupby("scene_id", sort=False):
        try:
            voxels = count_scan(shard, rows["view"].tolist(), settings.voxel_m)
            points = np.empty((0, 3))
            if surface_table is not None:
                own = surface_table[surface_table.scene_id == scene_id]
                points = own[["x_m", "y_m", "z_m"]].to_numpy(np.float64)
            if len(points):
                voxels = near_surface(voxels, points, settings.voxel_m)
            selection = choose_frames(voxels, strategy=settings.strategy, max_frames=budget)
            shares = surface_coverage(voxels, selection, points, settings.voxel_m)
        except Exception as error:
            reason = errors.reason(error, str(scene_id))
            log.warning("%s: no frame chosen: %s", scene_id, reason)
            source = str(rows.source.iloc[0])
            skipped.append(
                SkippedItem(
                    source=source, scene_id=str(scene_id), item="chosen frames", reason=reason
                )
            )
            continue
        frames = chosen_rows(rows, selection, shares, settings.strategy)
        chosen += frames
        plans.append(ScanPlan.of(shard, rows, frames, voxels.keys, settings.voxel_m))
    errors.require_some(len(chosen))
    write_table(out, records_to_frame(chosen, ChosenFrame))
    write_records(out.with_suffix(".skipped.jsonl"), skipped)
    draw_scan_plans(picture, plans)
    log.info("%d of %d frames chosen in %d scans", len(chosen), len(shard), len(plans))


if __name__ == "__main__":
    run(main)
