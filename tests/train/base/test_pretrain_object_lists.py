"""Lists of pre-training are those that experiments of kind reconstruction are about."""

from pathlib import Path

import numpy as np
import pytest
import torch

from testing.box_scenes import living_room_scene, write_shard
from tests.layouts.records import random_record
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.experiments.reconstruction import ReconstructionSettings
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.layouts.answer_format import target_layout, write_answer
from workflow_scripts.layouts.object_list import read_object_list
from workflow_scripts.layouts.room_prompt import room_prompt
from workflow_scripts.layouts.room_record import RoomObject, RoomRecord
from workflow_scripts.models.shared_prefix import IGNORE_INDEX
from workflow_scripts.train.base import pretrain_object_lists
from workflow_scripts.train.base.pretrain_batch import BatchBuilder, SampledImage
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, read_annotated_images
from workflow_scripts.train.base.pretrain_object_lists import list_objects, list_prompt
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_processor

SIDE = 128


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    boxes, cameras = living_room_scene(width_px=SIDE, height_px=SIDE)
    path = tmp_path_factory.mktemp("views") / "0000.zarr"
    return write_shard(path, {"a": (boxes, cameras)}, splits={"a": "train"})


@pytest.fixture(scope="module")
def images(shard: Path) -> AnnotatedImages:
    return read_annotated_images([shard], side_px=SIDE)


def room_record(shard_path: Path, view: int) -> RoomRecord:
    """Return the record of a view, of its large objects alone."""
    shard = ViewShard.open(shard_path)
    camera = shard.camera(view)
    instance = shard.instance(view)
    objects = []
    for row in shard.objects.itertuples(index=False):
        rows, columns = np.nonzero(instance == row.instance)
        if row.kind != "object" or len(rows) < 0.0014 * SIDE**2:
            continue
        objects.append(
            RoomObject.model_construct(
                object_id=f"{row.category}|{row.instance}",
                instance=row.instance,
                category=row.category,
                asset_id="",
                phrase="",
                parent_id="",
                centre_m=(row.x_m, row.y_m, row.z_m),
                size_m=(row.width_m, row.depth_m, row.height_m),
                rotation=tuple(rotation_about_up(row.yaw_deg).ravel()),
                yaw_deg=row.yaw_deg,
                is_visible=True,
                pixels=len(rows),
                box_px=(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1),
            )
        )
    k = camera.intrinsics
    return random_record(1).model_copy(
        update={
            "objects": tuple(objects),
            "width_px": SIDE,
            "height_px": SIDE,
            "intrinsics": (k[0, 0], k[1, 1], k[0, 2], k[1, 2]),
            "world_from_camera": tuple(camera.world_from_camera.ravel()),
        }
    )


@pytest.mark.parametrize("view", [0, 1])
def test_prompt_and_text_are_those_of_an_experiment(
    shard: Path, images: AnnotatedImages, view: int
) -> None:
    settings = ReconstructionSettings(layout={"fields": ["centre"]})
    record = room_record(shard, view)
    expected = write_answer(target_layout(record, settings.layout), settings.layout, record)
    prompt = list_prompt(images.cameras[view])
    sample = list_objects(images.object_points[view], prompt)
    assert len(record.objects) >= 2
    assert sample.answer.splitlines() == expected.splitlines()
    assert prompt == room_prompt(record, settings.layout, settings.train_input.prompt)
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    tokens = tokenizer(f"{sample.question} {sample.answer}")["input_ids"]
    assert tokenizer.unk_token_id not in tokens
    assert list_objects((), prompt).answer == "none;"


def test_a_mirrored_list_is_that_of_the_mirrored_room(images: AnnotatedImages) -> None:
    points = images.object_points[0]
    plain = read_object_list(list_objects(points, "").answer).boxes
    mirrored = read_object_list(
        list_objects(tuple(point.mirrored(SIDE) for point in points), "").answer
    ).boxes
    for one, other in zip(plain, mirrored, strict=True):
        assert one.label == other.label
        np.testing.assert_allclose(one.centre_m * [-1, 1, 1], other.centre_m, atol=1e-9)


def test_a_long_list_is_cut_off_without_an_end(
    images: AnnotatedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list_objects(images.object_points[0], "")
    monkeypatch.setattr(pretrain_object_lists, "MAX_LISTED", 1)
    cut = list_objects(images.object_points[0], "")
    assert whole.is_complete
    assert not cut.is_complete
    assert whole.answer.startswith(cut.answer)
    assert len(cut.mentions) == 1


def test_words_of_an_object_look_at_its_patches(images: AnnotatedImages) -> None:
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    builder = BatchBuilder(tokenizer, TinyVlmConfig(), images.categories)
    points = images.object_points[0]
    sample = list_objects(points, list_prompt(images.cameras[0]))
    image = SampledImage(
        images.rgb[0], images.label_map[0], images.object_map[0], points, (sample,)
    )
    batch = builder.build([image])
    lines = [line.removesuffix(";") for line in sample.answer.splitlines()]
    nearest = sorted(points, key=lambda point: point.camera_distance_m)
    for number, (line, point) in enumerate(zip(lines, nearest, strict=True)):
        chosen = batch["attend_at"][batch["attend_at"][:, 2] == number]
        words = tokenizer.convert_ids_to_tokens(batch["input_ids"][0, chosen[:, 1]])
        # The last word of the name, all about its place, and the sign before the line.
        name, _, place = line.partition(" at ")
        assert [word.removeprefix("▁") for word in words] == [
            name.split()[-1],
            "at",
            *place.split(),
            ";" if number else "<assistant>",
        ]
        shows = batch["mention_patches"][number].reshape(8, 8)
        assert shows[int(point.v) // 16, int(point.u) // 16]
    words_of_patches = batch["patch_places"][0]
    places = {
        tuple(word.removeprefix("▁") for word in tokenizer.convert_ids_to_tokens(ids.tolist()))
        for ids in words_of_patches[words_of_patches[:, 0] != IGNORE_INDEX]
    }
    assert places
    assert places <= {pretrain_object_lists.place_words(point) for point in points}
    answers = batch["input_ids"][0][batch["labels"][0] != IGNORE_INDEX]
    assert torch.equal(answers, batch["input_ids"][0][batch["is_list"][0]][-len(answers) :])
