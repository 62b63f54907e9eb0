"""Statistics of all clouds of a source, with Dask: one Dask chunk is one array file of a shard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd

from workflow_scripts.common.cli import run
from workflow_scripts.common.cloud_shard import CloudShard
from workflow_scripts.common.storage import write_json

NO_BOX = "(too few points for a box)"
HEIGHT_STEP_M = 0.25
DECIMALS = 6


def main(*, clouds: list[Path], out: Path, threads: int = 1) -> None:
    """Write statistics of cloud shards as JSON."""
    with dask.config.set(scheduler="threads", num_workers=threads):
        write_json(out, statistics([CloudShard.open(path) for path in clouds]))


def statistics(shards: Sequence[CloudShard]) -> dict[str, Any]:
    """Return counts, bounds, heights and box errors over all shards."""
    non_empty = [shard for shard in shards if shard.scene_start[-1] > 0]
    boxes = pd.concat([shard.boxes for shard in shards], ignore_index=True)
    scenes = [scene for shard in shards for scene in shard.scenes]
    summary: dict[str, Any] = {
        "num_shards": len(shards),
        "num_scenes": len(scenes),
        "num_scenes_without_floor": sum(scene.floor is None for scene in scenes),
        "num_views": sum(scene.num_views for scene in scenes),
        "num_pixels": sum(scene.num_pixels for scene in scenes),
        "num_points": 0,
        "num_boxes": len(boxes),
    }
    if not non_empty:
        return summary
    return summary | _point_statistics(non_empty, boxes) | {"categories": _box_statistics(boxes)}


def _point_statistics(shards: Sequence[CloudShard], boxes: pd.DataFrame) -> dict[str, Any]:
    """Return what is summed over points, in one pass over the shards."""
    points = da.concatenate([_dask_array(shard, "point_m") for shard in shards])
    categories = sorted({*boxes.category, NO_BOX})
    codes = da.concatenate([_category_codes(shard, categories) for shard in shards])
    edges = np.arange(-1, 6 + HEIGHT_STEP_M, HEIGHT_STEP_M)
    heights, _ = da.histogram(points[:, 2], bins=edges)
    low, high, mean, by_category, by_height = da.compute(
        points.min(axis=0),
        points.max(axis=0),
        points.mean(axis=0, dtype=np.float64),
        da.bincount(codes, minlength=len(categories)),
        heights,
    )
    per_scene = np.concatenate([np.diff(shard.scene_start) for shard in shards])
    used = np.flatnonzero(by_height)
    return {
        "num_points": len(points),
        "points_per_scene": {
            "min": int(per_scene.min()),
            "median": float(np.median(per_scene)),
            "max": int(per_scene.max()),
        },
        "bounds_m": {"low": _rounded(low), "high": _rounded(high), "mean": _rounded(mean)},
        "points_by_category": dict(zip(categories, by_category.tolist(), strict=True)),
        "points_by_height_m": {f"{edges[i]:.2f}": int(by_height[i]) for i in used},
    }


def _dask_array(shard: CloudShard, name: str) -> da.Array:
    """Return a Dask array over one array of a shard, chunked as it lies on disk."""
    array = shard.group[name]
    result: da.Array = da.from_zarr(array, chunks=array.chunks)  # type: ignore[union-attr]
    return result


def _category_codes(shard: CloudShard, categories: Sequence[str]) -> da.Array:
    """Return the number of each point's category, i64 [point]."""
    number = {category: code for code, category in enumerate(categories)}
    scene_number = {scene.scene_id: index for index, scene in enumerate(shard.scenes)}
    lookup = np.full((len(shard), 1 << 16), number[NO_BOX])
    for row in shard.boxes.itertuples():
        lookup[scene_number[row.scene_id], row.instance] = number[row.category]
    scene = da.from_array(np.repeat(np.arange(len(shard)), np.diff(shard.scene_start)), chunks=-1)
    instance = _dask_array(shard, "instance")
    result: da.Array = da.map_blocks(
        lambda scene, instance: lookup[scene, instance],
        scene.rechunk(instance.chunks),
        instance,
        dtype=lookup.dtype,
    )
    return result


def _box_statistics(boxes: pd.DataFrame) -> dict[str, Any]:
    """Return, per category, the number of boxes and how far measured sizes are from true ones.

    Width and depth are compared in order of size, as the measured box does not distinguish them.
    """
    measured = np.sort(boxes[["width_m", "depth_m"]].to_numpy(), axis=1)
    true = np.sort(boxes[["true_width_m", "true_depth_m"]].to_numpy(), axis=1)
    errors = boxes[["category", "num_points"]].assign(
        footprint_error_m=np.abs(measured - true).max(axis=1),
        height_error_m=(boxes.height_m - boxes.true_height_m).abs(),
        density_per_m2=boxes.num_points
        / (2 * (measured.prod(axis=1) + measured.sum(axis=1) * boxes.height_m)).clip(lower=1e-4),
    )
    groups = errors.groupby("category", sort=True)
    medians = groups.median().round(DECIMALS)
    medians.columns = [f"median_{name}" for name in medians.columns]
    medians.insert(0, "num_boxes", groups.size())
    result: dict[str, Any] = medians.to_dict(orient="index")
    return result


def _rounded(values: np.ndarray) -> list[float]:
    """Return plain floats, rounded to a micrometre."""
    return [round(float(value), DECIMALS) for value in values]


if __name__ == "__main__":
    run(main)
