"""Estimate the depth of every view of a shard (only run for an estimator)."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workflow_scripts.common.backend_registry import load_backend
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.storage import ShardWriter, atomic_write
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.depth import EstimatorSettings
from workflow_scripts.depth.estimator import ESTIMATORS, DepthEstimate, DepthEstimator
from workflow_scripts.geometry.cameras import Camera

log = logging.getLogger(__name__)

ORIGINAL, ESTIMATED = "own", "estimated"
FAILED = "failed: "
"""What `depth_source` of a view without an estimate begins with; the reason follows."""
#: Who runs this command by hand wants an estimator, not the simulator.
DEFAULT = EstimatorSettings(backend="transformers")


@dataclass
class ShardEstimates:
    """Depth f32 [view, y, x] (NaN no estimate), K f64 [view, 3, 3], and where both come from."""

    depth_m: np.ndarray
    intrinsics: np.ndarray
    depth_source: list[str]
    intrinsics_source: list[str]


def estimate_shard(
    estimator: DepthEstimator, shard: ViewShard, *, batch_size: int, keep_original: bool = False
) -> ShardEstimates:
    """Estimate every view without its bars; NaN where the estimate is not a positive number.

    The camera is the given one, else EXIF's, else the network's guess, else the stated default.
    With `keep_original` a view that came with depth keeps it. A view whose estimate fails has none,
    and its `depth_source` says why.
    """
    shape = shard.group["rgb"].shape[:3]  # type: ignore[union-attr]
    estimates = ShardEstimates(
        np.full(shape, np.nan, np.float32),
        np.stack([shard.camera(view).intrinsics for view in range(len(shard))])
        if len(shard)
        else np.zeros((0, 3, 3)),
        [ESTIMATED] * len(shard),
        shard.views.intrinsics_source.tolist(),
    )
    to_estimate = []
    for view in range(len(shard)):
        original_m = shard.depth_m(view) if keep_original else None
        if original_m is not None and np.isfinite(original_m).any():
            estimates.depth_m[view], estimates.depth_source[view] = original_m, ORIGINAL
        else:
            to_estimate.append(view)
    batches = list(make_batches(shard, to_estimate, batch_size=batch_size))
    errors = ItemErrors()
    failed: list[int] = []
    for views in progress(batches, desc="depth"):
        try:
            _estimate_batch(estimator, shard, estimates, views)
        except Exception as error:
            # One picture must not cost those beside it theirs.
            errors.reason(error, f"views {views}")
            for view in views:
                try:
                    _estimate_batch(estimator, shard, estimates, [view])
                except Exception as error_of_view:
                    reason = errors.reason(error_of_view, f"view {view}")
                    log.warning("view %d has no depth: %s", view, reason)
                    estimates.depth_source[view] = f"{FAILED}{reason}"
                    failed.append(view)
    errors.require_some(len(shard) - len(failed))
    return estimates


def _estimate_batch(
    estimator: DepthEstimator, shard: ViewShard, estimates: ShardEstimates, views: list[int]
) -> None:
    rows, columns = shard.content(views[0])
    images = np.stack([shard.rgb(view)[rows, columns] for view in views])
    cameras = [crop_camera(shard.camera(view), rows, columns) for view in views]
    is_known = [estimates.intrinsics_source[view] != "default" for view in views]
    estimate = estimator.estimate(images, cameras, is_known=is_known)
    _store_batch(estimates, estimate, views, (rows, columns))


def _store_batch(
    estimates: ShardEstimates,
    estimate: DepthEstimate,
    views: list[int],
    content: tuple[slice, slice],
) -> None:
    """Put a batch's depth between the bars, and the focal lengths that the network guessed."""
    usable = np.isfinite(estimate.depth_m) & (estimate.depth_m > 0)
    depth_m = np.where(usable, estimate.depth_m, np.nan)
    for view, values, focal_px in zip(views, depth_m, estimate.focal_px, strict=True):
        estimates.depth_m[view][content] = values
        if np.isfinite(focal_px):
            # Both axes have the default's own ratio: it follows how the photo was scaled.
            intrinsics_px = estimates.intrinsics[view]
            ratio = intrinsics_px[1, 1] / intrinsics_px[0, 0]
            intrinsics_px[0, 0], intrinsics_px[1, 1] = focal_px, focal_px * ratio
            estimates.intrinsics_source[view] = "network"


def make_batches(shard: ViewShard, views: list[int], *, batch_size: int) -> Iterator[list[int]]:
    """Yield views in order, at most `batch_size` at a time; those of a batch lie alike."""
    batch: list[int] = []
    for view in views:
        differs = bool(batch) and shard.content(view) != shard.content(batch[0])
        if len(batch) == batch_size or differs:
            yield batch
            batch = []
        batch.append(view)
    if batch:
        yield batch


def crop_camera(camera: Camera, rows: slice, columns: slice) -> Camera:
    """Return the camera of a part of a picture."""
    top, bottom, _ = rows.indices(camera.height_px)
    left, right, _ = columns.indices(camera.width_px)
    intrinsics_px = camera.intrinsics - np.array([[0, 0, left], [0, 0, top], [0, 0, 0]])
    return replace(camera, width_px=right - left, height_px=bottom - top, intrinsics=intrinsics_px)


def main(
    *,
    views: Path,
    out: Path,
    settings: EstimatorSettings = DEFAULT,
    keep_original: bool = False,
    device: str = "auto",
) -> None:
    """Write a Zarr group with depth_m[view, y, x] in metres and intrinsics[view, 3, 3].

    Args:
        views: the view shard.
        out: the Zarr group to write.
        settings: the estimator.
        keep_original: views that came with depth keep it.
        device: auto, cpu or cuda.
    """
    model = settings.model
    estimator = load_backend(settings.backend, ESTIMATORS, kind="depth")(model, device=device)
    shard = ViewShard.open(views)
    estimates = estimate_shard(
        estimator, shard, batch_size=settings.batch_size, keep_original=keep_original
    )
    # A local folder is named without its path: outputs do not depend on the machine.
    name = Path(model).name if Path(model).exists() else model
    attributes = {
        "schema_version": 2,
        "backend": settings.backend,
        "model": name,
        "depth_source": estimates.depth_source,
        "intrinsics_source": estimates.intrinsics_source,
    }
    with atomic_write(out, checksum=True) as partial:
        writer = ShardWriter(partial, attributes)
        writer.add(
            "depth_m",
            estimates.depth_m,
            dims=("view", "y", "x"),
            attributes={"unit": "m", "meaning": "planar z, NaN no estimate"},
        )
        writer.add(
            "intrinsics",
            estimates.intrinsics,
            dims=("view", "row", "column"),
            attributes={"unit": "px"},
            rows_per_chunk=len(estimates.intrinsics),
        )
    log.info("%s: %d views", out, len(shard))


if __name__ == "__main__":
    run(main)
