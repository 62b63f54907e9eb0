"""Measure the objects of every view of a shard: gravity frames, boxes, gaps, and a picture."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import GapRow, GravityRow, MeasuredRow, records_to_frame
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_array, write_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.config.pointclouds import MeasurementSettings
from workflow_scripts.pointclouds.depth_error import DEPTH_ERROR_MODELS, DepthKind
from workflow_scripts.pointclouds.fuse_shard import open_depth
from workflow_scripts.pointclouds.gravity import gravity_of_view, rejected_gravity
from workflow_scripts.pointclouds.measure_view import SceneObject, measure_view, unmeasured_rows
from workflow_scripts.pointclouds.sensor_noise import add_sensor_noise

log = logging.getLogger(__name__)

DEFAULT = MeasurementSettings()


def main(
    *,
    views: Path,
    out: Path,
    seed: int,
    depth: Path | None = None,
    depth_kind: DepthKind = "exact",
    sensor_noise: bool = False,
    settings: MeasurementSettings = DEFAULT,
) -> None:
    """Write `{out}.gravity.parquet`, `{out}.measured.parquet` and `{out}.gaps.parquet`.

    Args:
        views: the view shard.
        out: the tables' path without their endings: `results/pointclouds/{source}/{shard}`.
        seed: the workflow's seed.
        depth: group with depth_m[view, y, x] (and confidence[view, y, x], if the estimator gives
            one), or the view shard itself.
        depth_kind: how far depth and masks may be wrong: a simulator's, a sensor's, an
            estimate's.
        sensor_noise: first add the errors of that kind to depth and masks, for the label audit.
        settings: which pixels are measured.
    """
    shard = ViewShard.open(views, depth=depth)
    store = open_depth(depth or views, shard)
    error = DEPTH_ERROR_MODELS[depth_kind]
    objects: dict[str, list[SceneObject]] = {}
    for row in shard.objects.itertuples(index=False):
        if row.kind == "object":
            obj = SceneObject(row.instance, row.object_id, row.category, row.kind)
            objects.setdefault(row.scene_id, []).append(obj)
    gravity: list[GravityRow] = []
    measured: list[MeasuredRow] = []
    gaps: list[GapRow] = []
    errors = ItemErrors()
    failed = 0
    for row in progress(shard.views.itertuples(index=False), desc="views", total=len(shard)):
        camera = shard.camera(row.view)
        depth_m, instance = read_array(store, "depth_m", row.view), shard.instance(row.view)
        # Every object of the exact masks has a row, even if the noise removes all its pixels.
        visible = set(np.unique(instance).tolist())
        seen = [obj for obj in objects.get(row.scene_id, []) if obj.instance in visible]
        names = {"view": row.view, "view_id": row.view_id, "scene_id": row.scene_id}
        try:
            if sensor_noise:
                noise_rng = rng(seed, "sensor", row.view_id)
                depth_m, instance = add_sensor_noise(depth_m, instance, error=error, rng=noise_rng)
            gravity_row = gravity_of_view(
                depth_m,
                camera,
                **names,
                pose_is_known=getattr(row, "pose_source", "simulator") != "none",
                error=error,
                rng=rng(seed, "gravity", row.view_id),
            )
            rows, pairs = measure_view(
                depth_m,
                instance,
                camera,
                seen,
                gravity_row,
                error=error,
                confidence=(
                    read_array(store, "confidence", row.view) if "confidence" in store else None
                ),
                min_confidence=settings.min_confidence,
            )
        except Exception as problem:
            reason = errors.reason(problem, row.view_id)
            gravity_row = rejected_gravity(**names, reason=reason)
            rows, pairs = unmeasured_rows(gravity_row, seen, reason), []
            failed += 1
        gravity.append(gravity_row)
        measured += rows
        gaps += pairs
    errors.require_some(len(gravity) - failed)
    base = out.with_name(f"{out.name}.zarr")
    write_table(table_path(base, "gaps"), records_to_frame(gaps, GapRow))
    write_table(table_path(base, "measured"), records_to_frame(measured, MeasuredRow))
    write_table(table_path(base, "gravity"), records_to_frame(gravity, GravityRow))
    _log_summary(gravity, measured)


def _log_summary(gravity: list[GravityRow], measured: list[MeasuredRow]) -> None:
    """Log what was measured, and what was not and why."""
    reasons = Counter(row.reason for row in measured)
    log.info("%d objects measured in %d views", reasons.pop("", 0), len(gravity))
    for reason, count in sorted(reasons.items()):
        log.warning("%d objects not measured: %s", count, reason)
    for reason, count in sorted(Counter(row.reason for row in gravity if row.reason).items()):
        log.warning("%d views without a gravity frame: %s", count, reason)


if __name__ == "__main__":
    run(main)
