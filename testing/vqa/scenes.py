"""A room in which every family of questions has something to ask about, and usual margins."""

from pathlib import Path

from testing.box_scenes import Box, write_shard
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import ClaritySettings
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.view_context import ViewContext, ViewContexts

DEFAULT_MARGINS = Margins.of_settings(ClaritySettings())
WIDTH_M, DEPTH_M, HEIGHT_M, THICK_M = 6.0, 5.0, 2.6, 0.02


def rectangular_room() -> list[Box]:
    """Return a rectangular room whose walls are as long as the floor's sides."""
    w, d, h, t = WIDTH_M, DEPTH_M, HEIGHT_M, THICK_M
    grey = (200, 198, 190)
    sides = (((w / 2, -t / 2), w, 0), ((w / 2, d + t / 2), w, 0), ((-t / 2, d / 2), d, 90))
    return [
        Box("floor", (w / 2, d / 2, -t / 2), (w, d, t), 0, (150, 110, 70), "structure"),
        *(
            Box("wall", (*at, h / 2), (long, t, h), yaw, grey, "structure")
            for at, long, yaw in (*sides, ((w + t / 2, d / 2), d, 90))
        ),
    ]


def furniture() -> list[Box]:
    """Return furniture: pairs about as large or as far, something in and something on another."""
    return [
        Box("Sofa", (1.4, 3.3, 0.4), (1.7, 0.8, 0.8), 180.0, (170, 40, 40)),
        Box("DiningTable", (3.5, 2.6, 0.375), (1.2, 0.8, 0.75), 0.0, (140, 90, 40)),
        Box("Vase", (3.3, 2.5, 1.05), (0.4, 0.4, 0.6), 0.0, (40, 60, 190)),
        Box("FloorLamp", (2.7, 4.3, 0.85), (0.3, 0.3, 1.7), 0.0, (230, 220, 120)),
        Box("Fridge", (5.2, 4.2, 0.9), (0.8, 0.7, 1.8), 90.0, (230, 230, 235)),
        Box("Bathtub", (4.6, 1.8, 0.25), (0.8, 0.5, 0.5), 0.0, (240, 240, 250)),
        Box("BasketBall", (4.5, 1.8, 0.39), (0.24, 0.24, 0.24), 0.0, (230, 120, 30)),
        Box("Painting", (1.5, 4.95, 1.9), (1.5, 0.06, 1.0), 0.0, (60, 120, 80)),
        Box("Chair", (0.6, 2.0, 0.45), (0.45, 0.45, 0.9), 270.0, (90, 60, 20)),
        Box("Chair", (1.6, 1.9, 0.45), (0.45, 0.45, 0.9), 200.0, (90, 60, 30)),
        Box("Chair", (2.4, 2.3, 0.45), (0.45, 0.45, 0.9), 0.0, (90, 60, 40)),
    ]


def camera(yaw_deg: float = 0.0, x_m: float = 3.0, size_px: int = 160) -> Camera:
    """Return a camera near the front wall that looks into the room."""
    return Camera.look(
        (x_m, 0.15, 1.6),
        yaw_deg=yaw_deg,
        pitch_deg=-16.0,
        width_px=size_px,
        height_px=size_px,
        vertical_fov_deg=90.0,
    )


def furnished_shard(folder: Path, num_scenes: int = 1, size_px: int = 160) -> Path:
    """Write a shard of scenes of the room, three views each."""
    places = ((0.0, 3.0), (12.0, 2.2), (-12.0, 3.8))
    cameras = [camera(yaw_deg, x_m, size_px) for yaw_deg, x_m in places]
    boxes = [*rectangular_room(), *furniture()]
    names = [f"house{number}" for number in range(num_scenes)]
    splits = {name: ("train", "test")[number % 2] for number, name in enumerate(names)}
    scenes = dict.fromkeys(names, (boxes, cameras))
    return write_shard(folder / "0000.zarr", scenes, splits=splits)


def view_contexts(path: Path) -> list[ViewContext]:
    """Return what the views of a shard show, by ground truth."""
    shard = ViewShard.open(path)
    shard_contexts = ViewContexts(
        shard, GroundTruthShard(shard), min_pixels=20, min_fraction_visible=0.1
    )
    return [shard_contexts.of(view) for view in range(len(shard))]
