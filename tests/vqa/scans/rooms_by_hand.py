"""Scans of a few boxes, written by hand."""

import numpy as np

from workflow_scripts.common.label_text import phrase
from workflow_scripts.geometry.cameras import Camera, intrinsics
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanFrame, ScanObject, ScanRoom


def item(
    instance: int,
    category: str,
    place: tuple[float, float],
    size: tuple[float, float, float] = (0.6, 0.6, 0.8),
    *,
    bottom: float = 0.0,
    parent: int = 0,
    colour: str = "",
    shown: bool = True,
    yaw_deg: float = 0.0,
    kind: str = "object",
) -> ScanObject:
    """Return an object; `place` is its middle on the floor."""
    centre = np.array([*place, bottom + size[2] / 2])
    corners = box_corners(centre, np.array(size), yaw_deg)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return ScanObject(
        instance=instance,
        object_id=f"{category}-{instance}",
        category=category,
        phrase=phrase(category),
        kind=kind,
        parent=parent,
        contact="carried" if parent else "",
        centre_m=centre,
        size_m=np.array(size),
        yaw_deg=yaw_deg,
        box=tuple(np.concatenate([(low + high) / 2, high - low]).tolist()),
        corners_m=corners,
        room_id="room",
        colour=colour,
        frames=(0,) if shown else (),
        pixels=500 if shown else 3,
        first_frame_s=0.0 if shown else float("nan"),
        first_glimpse_s=0.0,
        is_shown_whole=shown,
    )


def scan_of(*items: ScanObject, side_m: float = 8.0) -> ScanContext:
    """Return a scan of one square room; what is not shown is glimpsed."""
    corners = np.array([[0, 0], [side_m, 0], [side_m, side_m], [0, side_m]], dtype=np.float64)
    camera = Camera(64, 48, intrinsics(width_px=64, height_px=48, vertical_fov_deg=60), np.eye(4))
    return ScanContext(
        source="scans",
        scene_id="by-hand",
        split="train",
        objects=tuple(i for i in items if i.num_frames and i.kind == "object"),
        openings=tuple(i for i in items if i.kind != "object"),
        glimpsed=tuple(i for i in items if not i.num_frames and i.kind == "object"),
        unseen=(),
        frames=(ScanFrame(0, 0, 0.0, 0, camera),),
        rooms=(ScanRoom("room", "Bedroom", corners),),
        surface_coverage=1.0,
    )
