"""A pre-trained base is measured on houses that are not learned from."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.config.train import TinyBaseSettings
from workflow_scripts.models.patch_naming import patch_objects
from workflow_scripts.train.base import pretrain, pretrain_validation
from workflow_scripts.train.base.experiment import PretrainExperiment
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, read_annotated_images
from workflow_scripts.train.base.pretrain_validation import patch_naming


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    boxes, cameras = living_room_scene(width_px=128, height_px=128)
    scenes = dict.fromkeys("abc", (boxes, cameras))
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return write_shard(path, scenes, splits={"a": "train", "b": "test", "c": "val"})


def counted_patches(images: AnnotatedImages) -> list[str]:
    """Return the category of every patch that one object fills by half."""
    return [
        points[number - 1].category
        for points, object_map in zip(images.object_points, images.object_map, strict=True)
        for number in patch_objects(object_map, 8)
        if number
    ]


@pytest.mark.parametrize(("fraction_right", "expected"), [(1.0, 1.0), (0.0, 0.0)])
def test_names_of_patches_are_compared_with_what_fills_them(
    shard: Path, monkeypatch: pytest.MonkeyPatch, fraction_right: float, expected: float
) -> None:
    images = read_annotated_images([shard], side_px=128, split="val")
    truth = [
        [
            images.categories.index(points[number - 1].category) if number else 1
            for number in patch_objects(object_map, 8)
        ]
        for points, object_map in zip(images.object_points, images.object_map, strict=True)
    ]
    named = np.array(truth) - 1 if fraction_right else np.zeros((len(images), 64), int)
    monkeypatch.setattr(pretrain_validation, "best_names", lambda *_: named)
    weights = torch.zeros(len(images.categories) + 4, 10)
    fake: Any = SimpleNamespace(
        eval=lambda: None, model=None, num_patches=64, class_word_weights=weights
    )
    found = patch_naming(fake, images)
    categories = counted_patches(images)
    assert found["patches"] == len(categories) > 3
    assert found["accuracy"] == expected
    most = max(categories.count(category) for category in categories)
    assert found["commonest"] == pytest.approx(most / len(categories))


def test_without_validation_houses_nothing_is_claimed(shard: Path) -> None:
    none = read_annotated_images([], side_px=128, split="val", allow_empty=True)
    fake: Any = SimpleNamespace(
        eval=lambda: None, model=None, num_patches=64, class_word_weights=torch.zeros(200, 10)
    )
    assert patch_naming(fake, none) == {"accuracy": None, "patches": 0, "commonest": None}


def test_metrics_are_of_the_validation_split_alone(
    shard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_read: dict[str, int] = {}
    original = read_annotated_images

    def read(*arguments: Any, split: str = "train", **more: Any) -> AnnotatedImages:
        images = original(*arguments, split=split, **more)
        num_read[split] = len(images)
        return images

    monkeypatch.setattr(pretrain, "read_annotated_images", read)
    settings = TinyBaseSettings(patch_steps=1, patch_batch_size=2, steps=1, batch_size=4)
    experiment = PretrainExperiment(
        name="tiny", views=(shard,), out=tmp_path, seed=7, settings=settings
    )
    experiment.train()
    assert num_read == {"train": 2, "val": 2}
    metrics = (experiment.result / "tiny.metrics.json").read_text()
    assert '"patch_naming"' in metrics
    assert '"validation_images": 2' in metrics
