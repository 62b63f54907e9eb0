"""Scans of a few boxes, written by hand."""

import numpy as np

from testing.vqa.scan_contexts import scan_context, scan_object
from workflow_scripts.geometry.cameras import Camera, intrinsics
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
    return scan_object(
        instance,
        category,
        (*place, bottom + size[2] / 2),
        size,
        yaw_deg=yaw_deg,
        frames=(0,) if shown else (),
        kind=kind,
        parent=parent,
        contact="carried" if parent else "",
        room_id="room",
        colour=colour,
        pixels=500 if shown else 3,
        first_glimpse_s=0.0,
        is_shown_whole=shown,
    )


def scan_of(*items: ScanObject, side_m: float = 8.0, scene_id: str = "by-hand") -> ScanContext:
    """Return a scan of one square room; what is not shown is glimpsed."""
    corners = np.array([[0, 0], [side_m, 0], [side_m, side_m], [0, side_m]], dtype=np.float64)
    camera = Camera(64, 48, intrinsics(width_px=64, height_px=48, vertical_fov_deg=60), np.eye(4))
    return scan_context(
        [i for i in items if i.num_frames and i.kind == "object"],
        scene_id=scene_id,
        openings=tuple(i for i in items if i.kind != "object"),
        glimpsed=tuple(i for i in items if not i.num_frames and i.kind == "object"),
        frames=(ScanFrame(0, 0, 0.0, 0, camera),),
        rooms=(ScanRoom("room", "Bedroom", corners),),
        surface_coverage=1.0,
    )
