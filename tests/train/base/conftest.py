"""Images of a room, for tests of the pre-training."""

from dataclasses import replace
from pathlib import Path

import pytest

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.train.base.pretrain_images import (
    AnnotatedImages,
    read_annotated_images,
)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    boxes, cameras = living_room_scene(width_px=120, height_px=100)
    brighter = [replace(box, colour=(250, 250, 250)) for box in boxes]
    scenes = {"a": (boxes, cameras), "b": (brighter, cameras), "c": (boxes, cameras)}
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return write_shard(path, scenes, splits={"a": "train", "b": "test", "c": "val"})


@pytest.fixture(scope="module")
def pictures(shard: Path) -> AnnotatedImages:
    return read_annotated_images([shard], side_px=128)
