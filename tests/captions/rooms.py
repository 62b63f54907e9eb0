"""Hand-made rooms for caption tests, and the shards made of them."""

from dataclasses import replace
from pathlib import Path

from testing.box_scenes import Box, living_room_scene, room, write_shard
from workflow_scripts.common.storage import read_table, write_table
from workflow_scripts.common.view_shard import table_path
from workflow_scripts.geometry.cameras import Camera

WIDTH_M = 5.0
SIZE_PX = 160


def cameras() -> list[Camera]:
    """Return a level view from the middle of one wall, and the view from above."""
    look = {"width_px": SIZE_PX, "height_px": SIZE_PX, "vertical_fov_deg": 90.0}
    return [
        Camera.look((WIDTH_M / 2, 0.1, 1.576), yaw_deg=0.0, pitch_deg=-15.0, **look),
        Camera.look((WIDTH_M / 2, 2.0, 2.5), yaw_deg=0.0, pitch_deg=-90.0, **look),
    ]


def mirrored(boxes: list[Box]) -> list[Box]:
    """Exchange left and right of the room."""
    return [
        replace(
            box,
            centre_m=(WIDTH_M - box.centre_m[0], *box.centre_m[1:]),
            yaw_deg=-box.yaw_deg,
        )
        for box in boxes
    ]


def dining_room() -> list[Box]:
    """Return a red sofa to the left of a brown table with a blue vase; a window; a picture."""
    return [
        *room(),
        Box("Sofa", (1.0, 3.0, 0.4), (1.6, 0.8, 0.8), 180.0, (170, 40, 40)),
        Box("DiningTable", (3.7, 3.0, 0.375), (1.2, 0.8, 0.75), 0.0, (140, 90, 40)),
        Box("Vase", (3.7, 3.0, 0.95), (0.24, 0.24, 0.4), 0.0, (40, 60, 190)),
        Box("window", (2.5, 3.99, 1.5), (1.0, 0.06, 0.9), 0.0, (200, 220, 250), "structure"),
        Box("Painting", (1.2, 3.98, 1.7), (0.8, 0.04, 0.6), 0.0, (30, 130, 50)),
    ]


def shard_of(path: Path, scenes: dict[str, list[Box]], *, parents: dict[str, str]) -> Path:
    """Write a shard of rooms; `parents` says on which category things of a category stand."""
    write_shard(path, {scene_id: (boxes, cameras()) for scene_id, boxes in scenes.items()})
    objects = read_table(table_path(path, "objects"))
    keys = zip(objects["scene_id"], objects["category"], strict=True)
    ids = dict(zip(keys, objects["object_id"], strict=True))
    objects["parent_id"] = [
        ids.get((scene_id, parents.get(category, "")), "")
        for scene_id, category in zip(objects["scene_id"], objects["category"], strict=True)
    ]
    write_table(table_path(path, "objects"), objects)
    return path


def small_shard(path: Path, *, num_scenes: int = 3) -> Path:
    """Write a shard of equal rooms under different names, in small pictures."""
    scenes = {f"house-{number}": living_room_scene(48, 48) for number in range(num_scenes)}
    boxes = {
        name: (
            [replace(box, colour=_tinted(box.colour, number)) for box in scene[0]],
            scene[1],
        )
        for number, (name, scene) in enumerate(scenes.items())
    }
    return write_shard(path, boxes)


def _tinted(colour: tuple[int, int, int], number: int) -> tuple[int, int, int]:
    """Make the pictures of two scenes differ, so that no two requests are the same."""
    return (colour[0], colour[1], (colour[2] + 7 * number) % 256)
