"""A small list of the shape that R2D3 released, and its folder of pictures, for tests."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.common.records import SkippedItem
from workflow_scripts.common.storage import read_records
from workflow_scripts.layouts.import_r2d3 import DEFAULT, main
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import read_rooms
from workflow_scripts.sources.readers.procthor_assets import assets_in_category

TABLE = assets_in_category("DiningTable")[0].asset_id
CHAIR = assets_in_category("Chair")[0].asset_id
MUG = assets_in_category("Mug")[0].asset_id
WINDOW = assets_in_category("Window")[0].asset_id
PROGRAM = f"""polygon: [[200, 0, 0], [200, 0, 400], [600, 0, 400], [600, 0, 0]]
floor_material: 'Wood'
wall_material: ['A', 'B', 'C', 'D']

obj_0: ['{TABLE}', [400, 40, 200], [0, 90, 0]]
child_0: ['{MUG}', [400, 85, 200], [0, 0, 0], 'obj_0']
child_1: ['{MUG}', [410, 85, 210], [0, 0, 0], 'obj_0']
obj_1: ['{CHAIR}', [300, 45, 100], [0, 359, 0]]
child_0: ['{MUG}', [300, 95, 100], [0, 45, 0], 'obj_1']
window_0: ['{WINDOW}', [150, 160, 0], [[90, 100, 0], [210, 220, 0]], 1]
"""
COLOURS = {"(200, 10, 10)": "obj_0", "(10, 200, 10)": "obj_1", "(10, 10, 200)": "child_0"}
COLOURS |= {"(9, 9, 9)": "wall", "no colour": "obj_1"}


def vec(x, y, z):
    return {"x": x, "y": y, "z": z}


def rebuilt_house() -> dict:
    """Return the house that was rendered: walls of 8 m, one child left of each key."""
    wall = {"id": 0, "polygon": [vec(2, 0, 0), vec(2, 0, 4), vec(2, 8, 0), vec(2, 8, 4)]}
    mug = {"id": "child_0", "assetId": MUG, "position": vec(3.0, 0.95, 1.0)}
    objects = [{"id": "obj_0", "children": []}, {"id": "obj_1", "children": [mug]}]
    return {"walls": [wall], "objects": objects}


def original_house(seed: int = 0) -> dict:
    corners = [vec(2, 0, 0), vec(2, 0, 4), vec(6, 0, 4), vec(6, 0, 0)]
    far = [vec(8, 0, 0), vec(8, 0, 4), vec(9, 0, 4), vec(9, 0, 0)]
    rooms = [{"id": "room|1", "roomType": "Bathroom", "floorPolygon": far}]
    rooms.append({"id": "room|2", "roomType": "Kitchen", "floorPolygon": corners})
    return {"rooms": rooms, "metadata": {"seed": seed}}


def entry(number: int, *, program: str = PROGRAM, house: int = 0, corners=("0", "2")) -> list:
    cameras = {name: [vec(3.0, 0.9, 0.5), vec(0, 45.0 + int(name), 0)] for name in corners}
    folder = f"/cluster/data/r2d3/train/example_{number}"
    return [
        program,
        rebuilt_house(),
        original_house(house),
        cameras,
        [f"{folder}/{name}.png" for name in corners],
        [[TABLE.rpartition("_")[0].replace("_", " ")] for _ in corners],
        [f"{folder}/{name}_seg.png" for name in corners],
        COLOURS,
        {"obj_0": TABLE, "obj_1": CHAIR},
    ]


def save_pictures(images: Path, number: int, corners=("0", "2"), *, masks: bool = True) -> None:
    folder = images / f"train/example_{number}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in corners:
        Image.new("RGB", (80, 80), (number, 90, 90)).save(folder / f"{name}.png")
        if masks:
            mask = np.full((80, 80, 3), 9, dtype=np.uint8)
            mask[20:50, 10:60] = (200, 10, 10)
            mask[30:34, 30:34] = (10, 10, 200)
            mask[60:80, 70:80] = (10, 200, 10)
            Image.fromarray(mask).save(folder / f"{name}_seg.png")


def convert(tmp_path: Path, content, **settings) -> tuple[list[RoomRecord], list[SkippedItem]]:
    (tmp_path / "final.json").write_text(
        content if isinstance(content, str) else json.dumps(content)
    )
    (tmp_path / "images").mkdir(exist_ok=True)
    main(
        data=tmp_path / "final.json",
        images=tmp_path / "images",
        out=tmp_path / "out",
        settings=DEFAULT.model_copy(update=settings),
    )
    skipped = read_records(tmp_path / "out/skipped.jsonl", SkippedItem)
    return read_rooms(tmp_path / "out/rooms.parquet"), skipped
