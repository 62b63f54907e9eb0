"""Plans show walls, openings and things where they are."""

import numpy as np
import pytest
from PIL import Image

from tests.scenes.houses import small_house
from workflow_scripts.common.records import Scene
from workflow_scripts.scenes.floor_plan_sheet import (
    MAX_PLANS,
    TILE_PX,
    draw_floor_plan_sheet,
    draw_house_plan,
)


def scene(house, skipped=None):
    return Scene(
        source="procthor",
        scene_id="procthor-000000",
        split="train",
        origin="test",
        house=house,
        skipped=skipped,
    )


def pixel(picture, x_m, z_m):
    """Return the colour at a point of the small house (4 x 3 m, drawn as wide as the tile)."""
    margin = 15
    scale = (TILE_PX - 2 * margin) / 4.0
    top = 35
    spare = (TILE_PX - margin - top - 3.0 * scale) / 2
    row = TILE_PX - margin - spare - z_m * scale
    return np.asarray(picture)[round(row), round(margin + x_m * scale)].astype(int)


def test_plan_shows_floor_wall_door_window_and_table():
    picture = draw_house_plan(scene(small_house()))
    assert picture.size == (TILE_PX, TILE_PX)
    assert pixel(picture, 3.6, 0.3) == pytest.approx([226, 240, 222], abs=3)
    assert pixel(picture, 4.0, 2.6).max() < 110, "the wall is dark"
    assert pixel(picture, 0.0, 1.5) == pytest.approx([255, 255, 255], abs=12), "a gap for the door"
    blue = pixel(picture, 1.7, 3.0)
    assert blue[2] > blue[0] + 60, "the window is blue"
    assert pixel(picture, 2.0, 1.9) == pytest.approx([250, 250, 250], abs=6), "the table"


def test_a_left_out_house_gives_its_reason():
    picture = np.asarray(draw_house_plan(scene(None, "objects: id 'a' occurs twice " * 8)))
    reddish = (picture[..., 0] > 140) & (picture[..., 1] < 90)
    assert reddish.sum() > 300


def test_contact_sheet_of_none_few_and_many(tmp_path):

    for count, (columns, rows) in (
        (0, (1, 1)),
        (3, (3, 1)),
        (7, (5, 2)),
        (40, (5, MAX_PLANS // 5)),
    ):
        path = tmp_path / f"{count}.png"
        draw_floor_plan_sheet(path, [scene(small_house())] * count)
        assert Image.open(path).size == (columns * TILE_PX, rows * TILE_PX)
