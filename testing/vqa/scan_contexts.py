"""Scans made by hand: objects with boxes and the times at which frames show them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from workflow_scripts.common.label_text import phrase
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.vqa.scans.scan_context import (
    ScanContext,
    ScanFrame,
    ScanObject,
    ScanRoom,
)

FRAMES = 12
CATEGORIES = {
    "Bed": (1.6, 2.0, 0.6), "Sofa": (1.9, 0.85, 0.8), "Fridge": (0.8, 0.7, 1.8),
    "Toilet": (0.4, 0.65, 0.75), "DiningTable": (1.4, 0.8, 0.75), "Chair": (0.45, 0.45, 0.9),
    "FloorLamp": (0.35, 0.35, 1.6), "Dresser": (1.1, 0.5, 0.9), "Safe": (0.4, 0.4, 0.5),
    "HousePlant": (0.4, 0.4, 0.8), "LaundryHamper": (0.4, 0.4, 0.6), "Box": (0.4, 0.35, 0.3),
    "ShelvingUnit": (0.9, 0.35, 1.7), "BasketBall": (0.25, 0.25, 0.25),
    "VacuumCleaner": (0.4, 0.4, 0.9),
}  # fmt: skip


def scan_object(
    instance: int,
    category: str,
    centre_m: Sequence[float],
    size_m: Sequence[float] = (0.6, 0.6, 0.8),
    *,
    yaw_deg: float = 0.0,
    frames: tuple[int, ...] = (0,),
    **changes: Any,
) -> ScanObject:
    """Return an object; two numbers as its center put it on the floor. Frames are 1 s apart."""
    size = np.array(size_m, dtype=np.float64)
    centre = np.array([*centre_m, size[2] / 2][:3], dtype=np.float64)
    values: dict[str, Any] = {
        "instance": instance,
        "object_id": f"{category}|{instance}",
        "category": category,
        "phrase": phrase(category),
        "kind": "object",
        "parent": 0,
        "contact": "",
        "centre_m": centre,
        "size_m": size,
        "yaw_deg": yaw_deg,
        "room_id": "room|1",
        "colour": "",
        "frames": frames,
        "pixels": 500,
        "first_frame_s": float(frames[0]) if frames else float("nan"),
        "first_glimpse_s": float(frames[0]) if frames else float("nan"),
        "is_shown_whole": True,
    }
    return ScanObject(**{**values, **changes})


def scan_context(
    objects: Sequence[ScanObject],
    *,
    scene_id: str = "scan",
    floor_m: Sequence[tuple[float, float]] | None = ((0, 0), (0, 5), (6, 5), (6, 0)),
    **changes: Any,
) -> ScanContext:
    """Return a scan of a room, 6 m by 5 m without other corners."""
    camera = Camera.look(
        (1.0, 1.0, 1.5), yaw_deg=0.0, pitch_deg=0.0, width_px=32, height_px=24,
        vertical_fov_deg=60.0,
    )  # fmt: skip
    frames = tuple(ScanFrame(number, number, float(number), number, camera) for number in range(12))
    rooms = () if floor_m is None else (ScanRoom("room|1", "Bedroom", np.array(floor_m, float)),)
    values: dict[str, Any] = {
        "source": "scans", "scene_id": scene_id, "split": "train", "objects": tuple(objects),
        "openings": (), "glimpsed": (), "unseen": (), "frames": frames, "rooms": rooms,
        "surface_coverage": 0.9,
    }  # fmt: skip
    return ScanContext(**{**values, **changes})


def random_context(number: int) -> ScanContext:
    """Return a room with turned furniture that does not overlap; all follows from the number."""
    rng = np.random.default_rng(number)
    width_m, depth_m = rng.uniform(4.0, 8.0, size=2)
    objects: list[ScanObject] = []
    hidden: list[ScanObject] = []
    names = [*CATEGORIES, "Chair", "Chair", "HousePlant", "Box"]
    for name in (names[place] for place in rng.permutation(len(names))):
        first = int(rng.integers(FRAMES))
        frames = tuple(range(first, min(FRAMES, first + int(rng.integers(1, 4)))))
        item = scan_object(
            len(objects) + len(hidden) + 1,
            name,
            rng.uniform([0.6, 0.6], [width_m - 0.6, depth_m - 0.6]),
            np.array(CATEGORIES[name]) * rng.uniform(0.8, 1.2, size=3),
            yaw_deg=float(rng.choice([0.0, 90.0, 180.0, -90.0, 30.0, -72.5])),
            frames=frames,
            first_glimpse_s=float(max(0, first - int(rng.integers(3)))),
            is_shown_whole=bool(rng.random() < 0.8),
        )
        taken = shapely.union_all([other.footprint for other in (*objects, *hidden)])
        if not item.footprint.intersects(taken):
            (hidden if rng.random() < 0.1 else objects).append(item)
    return scan_context(
        objects,
        scene_id=f"room{number}",
        floor_m=((0, 0), (0, depth_m), (width_m, depth_m), (width_m, 0)),
        unseen=tuple(hidden),
    )
