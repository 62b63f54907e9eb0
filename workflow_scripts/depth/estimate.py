"""Estimate the depth of every view of a shard (only run for an estimator)."""

import logging
from pathlib import Path

import numpy as np

from workflow_scripts.common.backends import load
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.storage import ShardWriter, read_array, whole
from workflow_scripts.common.views import ViewShard
from workflow_scripts.depth.estimator import ESTIMATORS, DepthEstimator

log = logging.getLogger(__name__)


def estimate_shard(estimator: DepthEstimator, shard: ViewShard, *, batch_size: int) -> np.ndarray:
    """Return depth_m f32 [view, y, x]; NaN where the estimate is not a positive number."""
    depth_m = np.full(shard.group["rgb"].shape[:3], np.nan, np.float32)  # type: ignore[union-attr]
    for first in progress(range(0, len(shard), batch_size), desc="depth"):
        views = range(first, min(first + batch_size, len(shard)))
        images = read_array(shard.group, "rgb", slice(views.start, views.stop))
        estimate = estimator.estimate(images, [shard.camera(view) for view in views])
        usable = np.isfinite(estimate) & (estimate > 0)
        depth_m[first : first + len(views)] = np.where(usable, estimate, np.nan)
    return depth_m


def main(
    *,
    views: Path,
    out: Path,
    model: str,
    backend: str = "transformers",
    batch_size: int = 8,
    device: str = "auto",
) -> None:
    """Write a Zarr group with depth_m[view, y, x] in metres.

    Args:
        views: the view shard.
        out: the Zarr group to write.
        model: hub id or local folder of the estimator.
        backend: name of the estimator.
        batch_size: images at a time.
        device: auto, cpu or cuda.
    """
    estimator = load(backend, ESTIMATORS, kind="depth")(model, device=device)
    shard = ViewShard.open(views)
    depth_m = estimate_shard(estimator, shard, batch_size=batch_size)
    # A local folder is named without its path: outputs do not depend on the machine.
    name = Path(model).name if Path(model).exists() else model
    with whole(out) as partial:
        ShardWriter(partial, {"schema_version": 1, "backend": backend, "model": name}).add(
            "depth_m",
            depth_m,
            dims=("view", "y", "x"),
            attributes={"unit": "m", "meaning": "planar z, NaN no estimate"},
        )
    log.info("%s: %d views", out, len(shard))


if __name__ == "__main__":
    run(main)
