"""What the patches of images show, for the first phase of pre-training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from testing.box_scenes import living_room_scene, write_shard
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.geometry.cameras import world_from_camera
from workflow_scripts.train.base import pretrain_patches
from workflow_scripts.train.base.pretrain_batch import BatchBuilder
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, read_annotated_images
from workflow_scripts.train.base.pretrain_patches import (
    PatchDataset,
    mean_over_class,
    patch_class_ids,
)
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_processor


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> AnnotatedImages:
    boxes, cameras = living_room_scene(width_px=120, height_px=100)
    path: Path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return read_annotated_images([write_shard(path, {"a": (boxes, cameras)})], side_px=128)


def test_patches_are_named_by_what_they_show(pictures: AnnotatedImages) -> None:
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    words = BatchBuilder(tokenizer, TinyVlmConfig(), pictures.categories).class_word_weights
    label_map = torch.zeros((1, 128, 128), dtype=torch.long)
    table = pictures.categories.index("CoffeeTable")
    label_map[0, 16:32, 32:48] = table
    # A mark's few pixels win over the rest of their patch: 64 x 5 > 192.
    label_map[0, 16:24, 48:56] = len(pictures.categories) + list(MARK_COLOURS).index("blue")
    named = patch_class_ids(label_map, patch_px=16, num_classes=len(words))[0]
    assert named[8 + 2] == table
    assert words[table, tokenizer.convert_tokens_to_ids("▁coffee")] == 0.5
    blue = words[named[8 + 3]]
    assert blue.argmax() == tokenizer.convert_tokens_to_ids("▁blue")
    assert (named == 0).sum() == 62
    assert words[0].sum() == 0


def test_an_object_names_a_patch_before_the_wall_behind_it(pictures: AnnotatedImages) -> None:
    wall, sofa = (pictures.categories.index(name) for name in ("wall", "Sofa"))
    label_map = torch.full((1, 128, 128), wall)
    label_map[0, :16, :3] = sofa  # 48 of 256 pixels
    label_map[0, :16, 16:18] = sofa  # 32 of 256
    named = patch_class_ids(label_map, patch_px=16, num_classes=len(pictures.categories) + 4)
    assert named[0, :3].tolist() == [sofa, wall, wall]


def test_geometry_of_a_patch_is_that_of_its_class() -> None:
    label_map = torch.zeros((1, 32, 32), dtype=torch.long)
    label_map[0, :12, :16] = 3
    depth = torch.full((1, 32, 32), 9.0)
    depth[0, :12, :16] = 2.0
    named = patch_class_ids(label_map, patch_px=16, num_classes=10)
    means = mean_over_class(depth, label_map, named, patch_px=16)
    assert named.tolist() == [[3, 0, 0, 0]]
    assert means.tolist() == [[2.0, 9.0, 9.0, 9.0]]


def test_offsets_point_at_the_middle_of_what_is_visible(pictures: AnnotatedImages) -> None:
    sofa = pictures.categories.index("Sofa")
    image = next(n for n in range(len(pictures)) if (pictures.label_map[n] == sofa).any())
    rows, columns = np.nonzero(pictures.label_map[image] == sofa)
    offsets = pictures.center_offset[image, rows, columns].astype(float) * 128
    middles = np.stack([columns, rows], axis=1) + offsets
    np.testing.assert_allclose(middles, [[columns.mean(), rows.mean()]] * len(rows), atol=0.2)


def looking(pictures: AnnotatedImages, *, pitch_deg: float) -> AnnotatedImages:
    """Return the images as if every camera had had this pitch."""
    pose = world_from_camera([0.0, 0.0, 2.0], yaw_deg=30.0, pitch_deg=pitch_deg)
    cameras = tuple(replace(camera, world_from_camera=pose) for camera in pictures.cameras)
    return replace(pictures, cameras=cameras)


def make_patch_dataset(pictures: AnnotatedImages, **more: int) -> PatchDataset:
    num_classes = len(pictures.categories) + len(MARK_COLOURS)
    return PatchDataset(
        pictures,
        TinyVlmConfig(),
        **{"steps": 4, "images_per_step": 6, "num_classes": num_classes, "seed": 7} | more,
    )


@pytest.mark.parametrize("pitch_deg", [-90.0, -30.0])
def test_changed_images_keep_their_labels(
    pictures: AnnotatedImages, monkeypatch: pytest.MonkeyPatch, pitch_deg: float
) -> None:
    """Paint each class in its own grey: after mirroring and cutting out the labels still fit."""
    for name in ("LOG_BRIGHTNESS", "LOG_TINT", "LOG_CONTRAST", "MARKED_FRACTION"):
        monkeypatch.setattr(pretrain_patches, name, 0.0)
    monkeypatch.setattr(pretrain_patches, "BACKGROUND_PIXEL_WEIGHT", 1.0)
    painted = replace(
        looking(pictures, pitch_deg=pitch_deg), rgb=np.stack([pictures.label_map] * 3, axis=-1)
    )
    batch = make_patch_dataset(painted)[0]
    grey = (batch["pixel_values"] * 0.25 + 0.5) * 255
    shown = grey[:, 0].reshape(-1, 8, 16, 8, 16).permute(0, 1, 3, 2, 4).reshape(-1, 64, 256)
    is_close = (shown - batch["patch_classes"][..., None]).abs() < 0.5
    # The class that most pixels have, but for those that lie between two classes.
    assert (is_close.float().mean(dim=2) > 0.25).float().mean() > 0.97


@pytest.mark.parametrize(("pitch_deg", "num_places"), [(-30.0, 2), (-90.0, 8)])
def test_top_down_images_are_turned_and_others_mirrored_alone(
    pictures: AnnotatedImages,
    monkeypatch: pytest.MonkeyPatch,
    pitch_deg: float,
    num_places: int,
) -> None:
    """All pixels point at a white spot, wherever it goes."""
    for name in ("LOG_BRIGHTNESS", "LOG_TINT", "LOG_CONTRAST", "MARKED_FRACTION"):
        monkeypatch.setattr(pretrain_patches, name, 0.0)
    monkeypatch.setattr(pretrain_patches, "MIN_CROP", 0.999)
    rgb = np.zeros_like(pictures.rgb)
    rgb[:, 88:92, 24:28] = 255
    rows, columns = (np.mgrid[:128, :128] + 0.5) / 128
    offset = np.stack([26 / 128 - columns, 90 / 128 - rows], axis=-1).astype(np.float16)
    spotted = replace(
        looking(pictures, pitch_deg=pitch_deg),
        rgb=rgb,
        label_map=np.ones_like(pictures.label_map),
        center_offset=np.stack([offset] * len(pictures)),
    )
    batch = make_patch_dataset(spotted, images_per_step=64)[0]
    found = set()
    for image, centers in zip(batch["pixel_values"], batch["patch_object_center"], strict=True):
        shown = np.argwhere(image[0].numpy() > 0).mean(axis=0)[::-1] + 0.5
        np.testing.assert_allclose(128 * centers, np.tile(shown, (64, 1)), atol=0.5)
        found.add(tuple((shown / 8).astype(int)))
    assert len(found) == num_places


def test_enlarged_images_are_nearer(
    pictures: AnnotatedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = replace(pictures, depth_m=np.full_like(pictures.depth_m, 4.0))
    monkeypatch.setattr(pretrain_patches, "MIN_CROP", 0.999)
    whole = make_patch_dataset(flat)[0]["patch_log_depth"].exp()
    assert whole.min() > 3.9
    monkeypatch.setattr(pretrain_patches, "MIN_CROP", 0.5)
    enlarged = make_patch_dataset(flat)[0]["patch_log_depth"].exp()
    assert 3.9 < enlarged.max() <= 8.01
    assert enlarged.mean() > 4.5


def test_patch_batches_depend_on_seed_and_step_alone(pictures: AnnotatedImages) -> None:
    first, second = make_patch_dataset(pictures), make_patch_dataset(pictures)
    second[0]
    for name, value in first[3].items():
        assert torch.equal(value, second[3][name]), name
    assert not torch.equal(first[2]["pixel_values"], first[3]["pixel_values"])


def test_patches_of_a_mark_point_at_its_middle(
    pictures: AnnotatedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrain_patches, "MARKED_FRACTION", 1.0)
    batch = make_patch_dataset(pictures)[0]
    first_mark = len(pictures.categories)
    is_mark = batch["patch_classes"] >= first_mark
    assert is_mark.any()
    for image, classes in enumerate(batch["patch_classes"]):
        for mark in set(classes[is_mark[image]].tolist()):
            shown = classes == mark
            centers = batch["patch_object_center"][image][shown]
            assert (centers - centers[0]).abs().max() < 1e-5
            column, row = (8 * centers[0]).long().tolist()
            # A mark may be covered by a later one, but its patches are around its middle.
            patch_rows, patch_columns = np.nonzero(shown.reshape(8, 8).numpy())
            assert abs(patch_rows - row).max() <= 1
            assert abs(patch_columns - column).max() <= 1
