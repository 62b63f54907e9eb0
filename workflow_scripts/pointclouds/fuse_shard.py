"""Fuse the views of every scene of a shard into clouds, with boxes, floors and a picture."""

import logging
from collections.abc import Iterator
from pathlib import Path

import zarr

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.cloud_shard import Cloud, SceneCloud, empty_cloud, write_clouds
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import BoxRow, records_to_frame
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import open_shard, read_array, write_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.config.pointclouds import FusionSettings
from workflow_scripts.geometry.floor import find_floor
from workflow_scripts.pointclouds.boxes import measure_boxes
from workflow_scripts.pointclouds.cloud_picture import draw_clouds
from workflow_scripts.pointclouds.fuse import View, fuse

log = logging.getLogger(__name__)

DEFAULT = FusionSettings()

TRIM_OF_ESTIMATES = 0.02
"""Estimated depth smears object edges; this share is cut at either end of a box's axes."""


def open_depth(path: Path, shard: ViewShard) -> zarr.Group:
    """Open the group that depth is read from; it must have the views of `shard`."""
    group = open_shard(path)
    if "depth_m" not in group:
        raise UserError(f"{path}: no array 'depth_m'. Remove the folder and run its rule again.")
    actual, expected = group["depth_m"].shape, shard.group["depth_m"].shape  # type: ignore[union-attr]
    if actual != expected:
        raise UserError(
            f"{path}: depth_m has shape {actual}, the views of {shard.path} need {expected}. "
            "Remove the folder and run its rule again."
        )
    return group


def scene_views(shard: ViewShard, depth: zarr.Group, scene_id: str) -> Iterator[View]:
    """Read the views of a scene one at a time."""
    for view in shard.views.view[shard.views.scene_id == scene_id]:
        yield View(
            rgb=shard.rgb(view),
            depth_m=read_array(depth, "depth_m", view),
            instance=shard.instance(view),
            camera=shard.camera(view),
        )


def main(
    *,
    views: Path,
    out: Path,
    seed: int,
    depth: Path | None = None,
    settings: FusionSettings = DEFAULT,
) -> None:
    """Write `out` (Zarr), and beside it `{shard}.boxes.parquet` and `{shard}.png`.

    Args:
        views: the view shard.
        out: the cloud shard to write.
        seed: the workflow's seed.
        depth: group with depth_m[view, y, x] of an estimator, or the view shard itself.
        settings: size of the voxels, and whether normals are estimated and stored.
    """
    voxel_m, normals = settings.voxel_m, settings.normals
    shard = ViewShard.open(views, depth=depth)
    is_estimate = depth is not None and depth.resolve() != views.resolve()
    depth_group = open_depth(depth or views, shard)
    clouds: list[Cloud] = []
    scenes: list[SceneCloud] = []
    boxes: list[BoxRow] = []
    errors = ItemErrors()
    groups = shard.views.groupby("scene_id", sort=False)
    for scene_id, rows in progress(groups, desc="clouds", total=groups.ngroups):
        skipped = ""
        try:
            cloud, num_pixels = fuse(
                scene_views(shard, depth_group, scene_id), voxel_m=voxel_m, normals=normals
            )
            floor = find_floor(
                cloud.point_m,
                rng=rng(seed, "floor", scene_id),
                tolerance_m=0.1 if is_estimate else 0.02,
            )
            if floor is None:
                log.warning("scene %s: no plane passes as its floor", scene_id)
            boxes += measure_boxes(
                cloud,
                shard.objects,
                scene_id=scene_id,
                trim=TRIM_OF_ESTIMATES if is_estimate else 0.0,
            )
        except Exception as error:
            skipped = errors.reason(error, f"scene {scene_id}")
            log.warning("scene %s has no cloud: %s", scene_id, skipped)
            cloud, num_pixels, floor = empty_cloud(normals=normals), 0, None
        clouds.append(cloud)
        scenes.append(
            SceneCloud(
                scene_id=scene_id,
                split=rows.split.iloc[0],
                num_views=len(rows),
                num_pixels=num_pixels,
                floor=floor,
                skipped=skipped,
            )
        )
        log.info("scene %s: %d pixels to %d points", scene_id, num_pixels, len(cloud))
    errors.require_some(sum(not scene.skipped for scene in scenes))
    draw_clouds(out.with_suffix(".png"), clouds, scenes, boxes, voxel_m=voxel_m)
    write_table(table_path(out, "boxes"), records_to_frame(boxes, BoxRow))
    write_clouds(
        out,
        clouds,
        scenes,
        source=str(shard.group.attrs.get("source", "")),
        voxel_m=voxel_m,
        normals=normals,
    )


if __name__ == "__main__":
    run(main)
