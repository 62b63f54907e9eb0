"""The contact sheet: which views it shows, and that its tiles show what they should."""

import numpy as np
import pytest
from PIL import Image

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.views.contact_sheet import (
    GAP_PX,
    HIGHLIGHT_COLOUR,
    TILE_PX,
    choose_views,
    draw_contact_sheet,
    instance_colour,
)


def shard_of(folder, num_scenes: int, *, width_px: int = 48, height_px: int = 48) -> ViewShard:
    boxes, cameras = living_room_scene(width_px=width_px, height_px=height_px)
    scenes = {f"s{number}": (boxes, [*cameras, *cameras]) for number in range(num_scenes)}
    return ViewShard.open(write_shard(folder / "0000.zarr", scenes))


def test_views_of_many_scenes_are_chosen_best_ones_first(tmp_path):
    shard = shard_of(tmp_path, 12)
    chosen = choose_views(shard.views)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 8
    rows = shard.views.iloc[chosen]
    assert rows.is_best.sum() == 5
    assert (rows.policy == "top_down").sum() >= 1
    assert rows.scene_id.nunique() >= 6


def test_a_small_shard_shows_all_it_has(tmp_path):
    assert choose_views(shard_of(tmp_path, 1).views) == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [(48, 48), (60, 30), (30, 60)])
def test_sheets_of_every_shape_are_drawn_alike_each_time(tmp_path, size):
    shard = shard_of(tmp_path, 2, width_px=size[0], height_px=size[1])
    for name in ("a.png", "b.png"):
        draw_contact_sheet(tmp_path / name, shard, min_pixels=10)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape[1] > 2 * (3 * TILE_PX + 2 * GAP_PX)
    # The best view wears a frame, and the sofa its colour in box and instance tile.
    assert (pixels == HIGHLIGHT_COLOUR).all(axis=-1).sum() > 500
    sofa = int(shard.objects[shard.objects.category == "Sofa"].instance.iloc[0])
    assert (pixels == instance_colour(sofa)).all(axis=-1).sum() > 100


def test_neighbouring_instances_look_different():
    colours = np.array([instance_colour(number) for number in range(1, 40)], dtype=float)
    assert np.linalg.norm(np.diff(colours, axis=0), axis=1).min() > 60
