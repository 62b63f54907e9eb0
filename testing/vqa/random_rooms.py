"""Rooms with random furniture and views of them, quickly drawn: for checks of many questions."""

from pathlib import Path

import numpy as np

from testing.box_scenes import Box, room, write_shard
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.geometry.cameras import Camera

# Width, depth and height in metres that are usual for a category.
USUAL_SIZES_M = {
    "ArmChair": (0.9, 0.9, 0.9),
    "Bed": (1.5, 2.0, 0.6),
    "Box": (0.4, 0.35, 0.3),
    "Chair": (0.45, 0.45, 0.9),
    "DiningTable": (1.4, 0.8, 0.75),
    "Dresser": (1.1, 0.5, 0.9),
    "FloorLamp": (0.35, 0.35, 1.6),
    "Fridge": (0.8, 0.7, 1.8),
    "GarbageCan": (0.3, 0.3, 0.5),
    "Laptop": (0.35, 0.25, 0.24),
    "Safe": (0.4, 0.4, 0.5),
    "Sofa": (1.9, 0.85, 0.8),
    "Television": (1.1, 0.1, 0.65),
    "Toilet": (0.4, 0.65, 0.75),
    "Vase": (0.2, 0.2, 0.4),
}
VIEWS_PER_ROOM = 3


def random_room(rng: np.random.Generator, size_px: int) -> tuple[list[Box], list[Camera]]:
    """Return a room of random size, one of most categories in it, and views from a wall."""
    width_m, depth_m = (float(side) for side in rng.uniform(3.0, 8.0, size=2))
    boxes = room(width_m, depth_m)
    for category, usual in USUAL_SIZES_M.items():
        size = tuple(float(side * rng.uniform(0.75, 1.35)) for side in usual)
        at = rng.uniform(0.8, np.array([width_m, depth_m]) - 0.8)
        low = 0.0 if rng.random() < 0.7 else float(rng.uniform(0.2, 1.2))
        yaw_deg = float(rng.choice([0.0, 90.0, 180.0, 270.0]))
        if rng.random() < 0.8:
            centre = (float(at[0]), float(at[1]), low + size[2] / 2)
            colour = tuple(int(value) for value in rng.integers(40, 230, size=3))
            boxes.append(Box(category, centre, size, yaw_deg, colour))  # type: ignore[arg-type]
    cameras = [
        Camera.look(
            (float(rng.uniform(0.3, width_m - 0.3)), 0.2, float(rng.uniform(1.3, 1.8))),
            yaw_deg=float(rng.uniform(-30.0, 30.0)),
            pitch_deg=-15.0,
            width_px=size_px,
            height_px=size_px,
            vertical_fov_deg=80.0,
        )
        for _ in range(VIEWS_PER_ROOM)
    ]
    return boxes, cameras


def random_rooms_shard(path: Path, rooms: range, *, size_px: int = 96) -> Path:
    """Write a shard of views of random rooms; a room follows from its number."""
    scenes = {
        f"house{number}": random_room(seeded(number, "random room"), size_px) for number in rooms
    }
    splits = {name: "train" if number % 5 else "test" for number, name in enumerate(scenes)}
    return write_shard(path, scenes, splits=splits)
