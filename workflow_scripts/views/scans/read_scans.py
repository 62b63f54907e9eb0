"""Read scans from files into a shard of views, whatever their layout.

Writes what every view shard has, and `{shard}.quality.parquet`, how sharp and well exposed each
frame is. Frames that cannot be used are rows of `{shard}.skipped.jsonl`. One frame is in memory at
a time.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import (
    ObjectRow,
    Record,
    SkippedItem,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import write_records, write_table
from workflow_scripts.common.view_shard import ViewShard, sibling_path, table_path, write_views
from workflow_scripts.geometry.cameras import back_project, yaw_pitch_deg
from workflow_scripts.geometry.mask_lifting import LiftingSettings
from workflow_scripts.sources.readers.scan_records import ScanScene
from workflow_scripts.sources.readers.scans.base import (
    Scan,
    ScanFrame,
    ScanObject,
)
from workflow_scripts.sources.readers.scans.check_scan import check_scan
from workflow_scripts.sources.readers.scans.lift_scan import with_files
from workflow_scripts.sources.scan_settings import ScanViewSettings
from workflow_scripts.views.contact_sheet import draw_contact_sheet
from workflow_scripts.views.credits import write_credits
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.scans.frame_pixels import (
    PointInstances,
    ScanView,
    picture_quality,
    scaled_size,
    scan_view,
)
from workflow_scripts.views.scans.open_scan import chosen_frames, open_scene
from workflow_scripts.views.scans.scan_checks import pose_warnings, scale_warnings
from workflow_scripts.views.scenes_of_shard import read_scenes
from workflow_scripts.views.visibility import visibility_rows

POLICY = "scan"
STRUCTURE = frozenset(
    ("wall", "floor", "ceiling", "door", "doorframe", "window", "room", "pillar", "column")
)
"""Labels of annotated objects that are part of the building."""
_SAMPLED_FRAMES, _SAMPLE_STEP = 60, 16
log = logging.getLogger(__name__)


class FrameQuality(Record):
    """One row of `{shard}.quality.parquet` of views: how good the picture of a frame is."""

    view: int
    frame_id: str = Field(description="its name in the scan's files")
    sharpness: float = Field(description="variance of the grey picture's Laplacian; low: blurred")
    brightness: float = Field(description="mean of the grey picture, 0 to 255")
    dark_share: float = Field(description="pixels at most 5")
    bright_share: float = Field(description="pixels at least 250")
    depth_share: float = Field(description="pixels of the picture that have depth")


@dataclass
class ScanRows:
    """Rows and frames of the shard so far."""

    spool: FrameSpool
    views: list[ViewRow] = field(default_factory=list)
    objects: list[ObjectRow] = field(default_factory=list)
    visibility: list[VisibilityRow] = field(default_factory=list)
    quality: list[FrameQuality] = field(default_factory=list)
    content_px: list[tuple[int, int, int, int]] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    warnings: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, scene: ScanScene, item: str, reason: str) -> None:
        """Record what is left out."""
        log.warning("%s: %s left out: %s", scene.scene_id, item, reason)
        self.skipped.append(
            SkippedItem(source=scene.source, scene_id=scene.scene_id, item=item, reason=reason)
        )


def view_size_px(
    scenes: list[ScanScene], settings: ScanViewSettings, errors: ItemErrors
) -> tuple[dict[str, str], tuple[int, int]]:
    """Return why scans cannot be opened, and the (width, height) that all others' frames fit in."""
    problems, sizes = {}, []
    for scene in scenes:
        try:
            with open_scene(scene) as scan:
                frames = [scan.frames[n] for n in chosen_frames(scan, settings.read_frames)]
                if not frames:
                    raise UserError(_no_frame(scan))
                sizes += [
                    scaled_size(size, settings.longest_side_px)
                    for size in {frame.colour_size_px for frame in frames}
                ]
        except Exception as error:
            problems[scene.scene_id] = errors.reason(error, scene.scene_id)
    return problems, tuple(np.max(sizes, axis=0).tolist()) if sizes else (16, 16)


def _no_frame(scan: Scan) -> str:
    reasons = sorted({frame.reason for frame in scan.frames})
    return f"none of {len(scan.frames)} frames can be used: {'; '.join(reasons[:3])}"


def read_scan(scene: ScanScene, settings: ScanViewSettings, rows: ScanRows) -> None:
    """Add the frames of a scan; `UserError` if none of them can be used."""
    with open_scene(scene) as scan:
        scan = with_files(
            scan,
            boxes=None if settings.boxes is None else Path(settings.boxes),
            masks=None if settings.masks is None else Path(settings.masks),
            min_score=settings.min_box_score,
            settings=LiftingSettings(min_frames=settings.min_mask_frames),
        )
        numbers = chosen_frames(scan, settings.read_frames)
        for frame in scan.frames:
            if frame.reason:
                rows.skip(scene, f"frame {frame.frame_id}", frame.reason)
        for reason in scan.left_out:
            rows.skip(scene, "object", reason)
        usable = sum(not frame.reason for frame in scan.frames)
        if len(numbers) < usable:
            reason = f"read_frames is {settings.read_frames}: frames at equal steps are read"
            rows.skip(scene, f"{usable - len(numbers)} of {usable} frames", reason)
        objects = [object_row(scene.scene_id, entry) for entry in scan.objects]
        points = None if scan.load_points is None else PointInstances(scan.load_points())
        first_view, errors = len(rows.spool), ItemErrors()
        sample = _Sample(max(1, len(numbers) // _SAMPLED_FRAMES))
        for number in progress(numbers, desc=scene.scene_id):
            frame = scan.frames[number]
            try:
                view = scan_view(frame, size_px=(rows.spool.width_px, rows.spool.height_px))
            except Exception as error:
                reason = errors.reason(error, f"{scene.scene_id} {frame.frame_id}")
                rows.skip(scene, f"frame {frame.frame_id}", reason)
                continue
            if points is not None and frame.load_instance is None:
                view.frame.instance[:] = points.of_view(view)
            sample.add(view)
            _add_view(scene, scan, rows, objects, view, frame, number, first_view, settings)
        if len(rows.spool) == first_view:
            raise UserError(f"none of {len(numbers)} frames can be used; see their own rows")
        _mark_best(rows, first_view)
        rows.objects += objects
        suspicious = sample.warnings() or check_scan(scan, np.random.default_rng(0))
        warnings = list(dict.fromkeys([*scan.warnings, *suspicious]))
        for warning in warnings:
            log.warning("%s: %s", scene.scene_id, warning)
        if warnings:
            rows.warnings[scene.scene_id] = warnings


class _Sample:
    """Some of the points and all of the cameras of a scan."""

    def __init__(self, step: int) -> None:
        self._step, self._count = step, 0
        self._points: list[np.ndarray] = []
        self._poses: list[np.ndarray] = []

    def add(self, view: ScanView) -> None:
        self._poses.append(view.camera.world_from_camera)
        if self._count % self._step == 0:
            points = back_project(
                view.frame.depth_m, view.camera.intrinsics, view.camera.world_from_camera
            )[::_SAMPLE_STEP, ::_SAMPLE_STEP].reshape(-1, 3)
            self._points.append(points[np.isfinite(points).all(axis=1)])
        self._count += 1

    def warnings(self) -> list[str]:
        if not self._poses:
            return []
        cameras = np.array([pose[:3, 3] for pose in self._poses])
        points = np.concatenate(self._points)
        return [*pose_warnings(self._poses), *scale_warnings(points, cameras)]


def _add_view(
    scene: ScanScene,
    scan: Scan,
    rows: ScanRows,
    objects: list[ObjectRow],
    added: ScanView,
    frame: ScanFrame,
    number: int,
    first_view: int,
    settings: ScanViewSettings,
) -> None:
    camera, content = added.camera, added.content_px
    view = rows.spool.add(added.frame, camera)
    rows.content_px.append(content)
    visible = visibility_rows(view, camera, added.frame.depth_m, added.frame.instance, objects)
    rows.visibility += visible
    object_instances = {row.instance for row in objects if row.kind == "object"}
    num_visible = sum(
        row.instance in object_instances and row.pixels >= settings.min_pixels for row in visible
    )
    yaw_deg, pitch_deg = yaw_pitch_deg(camera.world_from_camera)
    rows.views.append(
        ViewRow(
            view=view,
            view_id=f"{scene.scene_id}-{view - first_view:03d}",
            scene_id=scene.scene_id,
            source=scene.source,
            split=scene.split,
            room_id="",
            room_type="",
            policy=POLICY,
            yaw_deg=yaw_deg,
            pitch_deg=pitch_deg,
            vertical_fov_deg=camera.vertical_fov_deg,
            intrinsics_source="given",
            pose_source="given" if scan.has_gravity else "none",
            num_visible_objects=num_visible,
            is_best=False,
            frame=number,
            timestamp_s=frame.timestamp_s,
        )
    )
    inner = (slice(content[1], content[3]), slice(content[0], content[2]))
    quality = picture_quality(added.frame.rgb[inner])
    rows.quality.append(
        FrameQuality(
            view=view,
            frame_id=frame.frame_id,
            sharpness=quality.sharpness,
            brightness=quality.brightness,
            dark_share=quality.dark_share,
            bright_share=quality.bright_share,
            depth_share=float(np.isfinite(added.frame.depth_m[inner]).mean()),
        )
    )


def _mark_best(rows: ScanRows, first_view: int) -> None:
    """Mark the view of a scan that shows most objects, the first of equal ones."""
    counts = [row.num_visible_objects for row in rows.views[first_view:]]
    best = first_view + int(np.argmax(counts))
    rows.views[best] = rows.views[best].model_copy(update={"is_best": True})


def object_row(scene_id: str, entry: ScanObject) -> ObjectRow:
    """Return the row of an annotated object."""
    x, y, z = entry.centre_m
    width, depth, height = entry.size_m
    return ObjectRow(
        scene_id=scene_id,
        instance=entry.instance,
        object_id=entry.object_id,
        category=entry.label,
        kind="structure" if entry.label.casefold() in STRUCTURE else "object",
        asset_id="",
        parent_id="",
        room_id="",
        x_m=x,
        y_m=y,
        z_m=z,
        width_m=width,
        depth_m=depth,
        height_m=height,
        yaw_deg=entry.yaw_deg,
    )


def write(out: Path, rows: ScanRows, *, attributes: dict[str, Any]) -> None:
    """Write the shard and its tables, each whole."""
    for name, records, model in (
        ("views", rows.views, ViewRow),
        ("objects", rows.objects, ObjectRow),
        ("visibility", rows.visibility, VisibilityRow),
        ("quality", rows.quality, FrameQuality),
    ):
        write_table(table_path(out, name), records_to_frame(records, model))
    write_records(sibling_path(out, "skipped.jsonl"), rows.skipped)
    whole_picture = (0, 0, rows.spool.width_px, rows.spool.height_px)
    if any(content != whole_picture for content in rows.content_px):
        attributes = {**attributes, "content_px": [list(content) for content in rows.content_px]}
    write_views(out, rows.spool.arrays(), attributes=attributes)


DEFAULT = ScanViewSettings()


def main(
    *,
    scenes: Path,
    out: Path,
    settings: ScanViewSettings = DEFAULT,
    localised_masks: Path | None = None,
) -> None:
    """Read the scans of a shard.

    Args:
        scenes: JSON lines of `ScanScene` records with their layout and path.
        out: the Zarr group to write, `{shard}.zarr`; tables and images lie beside it.
        settings: how many frames are read, and how large they become.
        localised_masks: masks that rule localise_scans found, instead of those of the settings.
    """
    if localised_masks is not None:
        settings = settings.model_copy(update={"masks": str(localised_masks)})
    records = read_scenes(scenes, ScanScene)
    if out.suffix != ".zarr":
        raise UserError(f"--out {out} must end in .zarr")
    out.parent.mkdir(parents=True, exist_ok=True)
    errors = ItemErrors()
    problems, (width_px, height_px) = view_size_px(records, settings, errors)
    with FrameSpool(out.parent, width_px=width_px, height_px=height_px) as spool:
        rows = ScanRows(spool)
        for scene in records:
            if scene.scene_id in problems:
                rows.skip(scene, "scan", problems[scene.scene_id])
                continue
            try:
                read_scan(scene, settings, rows)
            except Exception as error:
                rows.skip(scene, "scan", errors.reason(error, scene.scene_id))
        errors.require_some(len(spool))
        attributes = {
            "source": records[0].source,
            "backend": records[0].format,
            "min_pixels": settings.min_pixels,
            "warnings": rows.warnings,
        }
        write(out, rows, attributes=attributes)
    write_credits(sibling_path(out, "credits.csv"), ())
    shard = ViewShard.open(out)
    draw_contact_sheet(sibling_path(out, "png"), shard, min_pixels=settings.min_pixels)
    log.info("%d frames, %d left out", len(shard), len(rows.skipped))


if __name__ == "__main__":
    run(main)
