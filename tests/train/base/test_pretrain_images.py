"""Images that the pre-training reads, and marks drawn into them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import draw_marks
from workflow_scripts.common.storage import read_table, write_table
from workflow_scripts.common.view_shard import table_path
from workflow_scripts.train.base.pretrain_images import (
    AnnotatedImages,
    MarkSprites,
    read_annotated_images,
)


def test_reads_the_training_split_alone(shard: Path, pictures: AnnotatedImages) -> None:
    assert len(pictures) == 2
    assert pictures.rgb.shape == (2, 128, 128, 3)
    test = read_annotated_images([shard], side_px=128, split="test")
    assert test.rgb.mean() > pictures.rgb.mean() + 20
    categories = {
        object_point.category
        for object_points in pictures.object_points
        for object_point in object_points
    }
    assert {"Sofa", "DiningTable"} <= categories <= {"Sofa", "DiningTable", "Vase", "FloorLamp"}
    with pytest.raises(UserError, match="nothing to train on"):
        read_annotated_images([], side_px=128)


@pytest.mark.parametrize("max_images", [1, 3, 4, 9])
def test_of_many_views_some_are_read_at_even_steps(tmp_path: Path, max_images: int) -> None:
    boxes, cameras = living_room_scene(width_px=40, height_px=40)
    scenes = dict.fromkeys("abc", (boxes, cameras))
    path = write_shard(tmp_path / "0000.zarr", scenes, splits=dict.fromkeys("abc", "train"))
    whole = read_annotated_images([path, path], side_px=32)
    some = read_annotated_images([path, path], side_px=32, max_images=max_images)
    expected = [number * len(whole) // max_images for number in range(max_images)]
    assert len(whole) == 12
    assert len(some) == max_images == len(some.cameras)
    np.testing.assert_array_equal(some.label_map, whole.label_map[expected])
    assert some.object_points == tuple(whole.object_points[number] for number in expected)


def test_object_point_lies_on_its_object(pictures: AnnotatedImages) -> None:
    for number, object_points in enumerate(pictures.object_points):
        for object_point in object_points:
            shown = pictures.label_map[number, int(object_point.v), int(object_point.u)]
            assert pictures.categories[shown] == object_point.category


def test_objects_without_a_place_in_space_teach_no_places(tmp_path: Path) -> None:
    scene = living_room_scene(width_px=120, height_px=100)
    path = write_shard(tmp_path / "0000.zarr", {"a": scene}, splits={"a": "train"})
    objects = read_table(table_path(path, "objects"))
    is_photo = objects["category"] == "Sofa"
    objects.loc[is_photo, ["x_m", "y_m", "z_m"]] = np.nan
    write_table(table_path(path, "objects"), objects)
    images = read_annotated_images([path], side_px=128)
    points = [point for points in images.object_points for point in points]
    assert {point.category for point in points} >= {"DiningTable"}
    assert all(np.isfinite(point.center_m).all() for point in points)
    # What its pixels show is still learned.
    assert (images.label_map == images.categories.index("Sofa")).any()


def test_mark_sprites_match_marks_drawn_large_and_scaled() -> None:
    rng = np.random.default_rng(3)
    background = Image.fromarray(rng.integers(60, 200, (8, 8, 3), dtype=np.uint8))
    large = np.asarray(background.resize((336, 336), Image.Resampling.BICUBIC))
    places = [("red", (100.0, 120.0)), ("blue", (60.5, 250.2)), ("yellow", (280.0, 290.0))]
    small = Image.fromarray(draw_marks(large, places)).resize((128, 128), Image.Resampling.BICUBIC)
    pasted = np.asarray(Image.fromarray(large).resize((128, 128), Image.Resampling.BICUBIC)).copy()
    sprites = MarkSprites(128)
    for colour, (u, v) in places:
        sprites.paste(pasted, colour, u * 128 / 336, v * 128 / 336)
    difference = np.abs(pasted.astype(int) - np.asarray(small))
    touched = difference.max(axis=2) > 0
    assert touched.mean() < 0.06
    assert difference[touched].mean() < 16


def test_mark_at_the_border_is_cut_off_not_wrapped() -> None:
    rgb = np.zeros((128, 128, 3), np.uint8)
    MarkSprites(128).paste(rgb, "red", 1.0, 127.0)
    assert rgb[127, 0, 0] == 255
    assert rgb[:, 64:].max() == 0
