"""Baselines without a model, objects that a view hides, categories in any spelling, embeddings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluate.reconstruction.rooms import room_records, write_measured, write_run
from tests.layouts.records import random_record
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.reconstruction import LayoutTextSettings
from workflow_scripts.evaluate.reconstruction.average_precision import (
    average_precision_3d,
    resample_average_precision,
    resample_detection_score,
)
from workflow_scripts.evaluate.reconstruction.baselines import MeasuredBoxes, Retrieval
from workflow_scripts.evaluate.reconstruction.categories import CategoryNames
from workflow_scripts.evaluate.reconstruction.detections import PictureBoxes, collect_detections
from workflow_scripts.evaluate.reconstruction.room_pair import (
    PredictedRoom,
    RoomPair,
    read_prediction,
    true_room,
)
from workflow_scripts.evaluate.reconstruction.room_tables import RoomTables, training_view, view_key
from workflow_scripts.evaluate.reconstruction.room_values import Content, room_values
from workflow_scripts.evaluate.reconstruction.sentence_embedder import SentenceEmbedder
from workflow_scripts.layouts.layout import LayoutWall, floor_within
from workflow_scripts.layouts.room_layout import camera_pose, change_frame, room_layout
from workflow_scripts.layouts.room_record import RoomRecord
from workflow_scripts.layouts.room_table import write_rooms

LISTS = LayoutTextSettings()


def moved(record: RoomRecord, shift: tuple[float, float], turn_deg: float) -> RoomRecord:
    """Return the same room elsewhere: what a camera sees of it stays the same."""
    pose = np.eye(4)
    yaw = np.deg2rad(turn_deg)
    pose[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    pose[:2, 3] = shift

    def place(point):
        full = np.append(pose[:3, :3] @ np.append(point, 0.0)[:3] + pose[:3, 3], 0)
        return tuple(float(v) for v in full[: len(point)])

    objects = tuple(
        item.model_copy(
            update={
                "centre_m": tuple(pose[:3, :3] @ item.centre_m + pose[:3, 3]),
                "rotation": tuple(
                    (pose[:3, :3] @ np.array(item.rotation).reshape(3, 3)).ravel().tolist()
                ),
            }
        )
        for item in record.objects
    )
    return record.model_copy(
        update={
            "floor_polygon_m": tuple(place(corner) for corner in record.floor_polygon_m),
            "world_from_camera": tuple((pose @ camera_pose(record)).ravel().tolist()),
            "objects": objects,
            "scene_id": "house-moved",
            "view_id": "house-moved-000",
            "split": "train",
        }
    )


def test_retrieval_finds_the_same_room_elsewhere_and_says_its_objects_here(tmp_path: Path) -> None:
    record = random_record(3).model_copy(update={"split": "test"})
    training = [*room_records(20, 0), moved(record, (7.0, -4.0), 50.0)]
    training = [other for other in training if other.scene_id != record.scene_id]
    path = tmp_path / "0000.rooms.parquet"
    write_rooms(path, training)
    tables = RoomTables([path], {("procthor", record.view_id)})
    retrieval = Retrieval(tables.training)
    assert retrieval.nearest(record).scene_id == "house-moved"
    (answer,) = retrieval.answers([record], tables.names, LISTS)
    truth = room_layout(record, "world", objects="visible")
    assert [box.label for box in answer.layout.boxes] == [box.label for box in truth.boxes]
    for box, other in zip(answer.layout.boxes, truth.boxes, strict=True):
        np.testing.assert_allclose(box.centre_m, other.centre_m, atol=1e-9)
        np.testing.assert_allclose(box.rotation, other.rotation, atol=1e-9)


def test_retrieval_never_takes_the_house_itself() -> None:
    records = room_records(3, 0)
    views = [training_view(record, Path("0000.rooms.parquet")) for record in records]
    assert Retrieval(views).nearest(records[0]).scene_id != records[0].scene_id
    assert Retrieval(views[:1]).nearest(records[0]) is None
    assert Retrieval([]).nearest(records[0]) is None


def test_measured_boxes_are_those_of_visible_objects(tmp_path: Path) -> None:
    run = write_run(tmp_path, room_records(1, 2))
    record, names = run.records[1], CategoryNames(run.records)
    boxes = MeasuredBoxes([write_measured(run)], {view_key(record)})
    answer = boxes.answer(record, names, LISTS)
    seen = [item for item in record.objects if item.is_visible]
    assert [box.label for box in answer.layout.boxes] == [item.category for item in seen]
    np.testing.assert_allclose(
        answer.layout.oriented_boxes.centre_m, [item.centre_m for item in seen]
    )
    assert boxes.answer(run.records[2], names, LISTS) is None
    elsewhere = record.model_copy(update={"view_id": "another"})
    assert boxes.answer(elsewhere, names, LISTS) is None


def test_predictions_of_hidden_objects_do_not_count_among_visible_ones() -> None:
    record = random_record(5)  # objects 0 and 3 of 6 are hidden
    names = CategoryNames([record])
    true = true_room(record, names, LISTS)
    invented = replace(true.layout.boxes[1], centre_m=np.array([99.0, 0, 0]))
    layout = replace(true.layout, boxes=(*true.layout.boxes[:3], invented))
    content = Content.of([PredictedRoom(layout)])
    ratios = room_values(RoomPair(true, PredictedRoom(layout)), content, published=False).ratios
    # Of all: 3 of 6 found by 4. Of the 4 visible: 2 found by 3, for object 0 is hidden.
    assert ratios["all", "f1_1m"] == (6, 10)
    assert ratios["visible", "f1_1m"] == (4, 7)
    assert ratios["visible", "precision_1m"] == (2, 3)
    assert ratios["hidden", "recall_1m"] == (1, 2)
    assert ratios["visible", "count_error"] == (1, 1)


def test_visible_are_the_objects_that_an_answer_is_to_say() -> None:
    """A record's own mark of visibility is that of questions, which has another limit."""
    record = random_record(5)
    pixels = [10, 40, 90, 200, 400, 800]
    objects = tuple(
        item.model_copy(update={"pixels": count, "is_visible": count > 90})
        for item, count in zip(record.objects, pixels, strict=True)
    )
    record = record.model_copy(update={"objects": objects})
    names = CategoryNames([record])
    true = true_room(record, names, LISTS)
    assert true.visible.tolist() == [False, True, True, True, True, True]
    predicted = PredictedRoom(true.target)
    content = Content.of([predicted])
    ratios = room_values(RoomPair(true, predicted), content, published=False).ratios
    assert ratios["visible", "f1_1m"] == (10, 10)


def test_a_label_in_any_spelling_is_its_category() -> None:
    names = CategoryNames([random_record(0)])
    for text in ("SideTable", "side table", "Side_Table", "side-table", "a small side table"):
        assert names.category(text) == "SideTable", text
    assert names.category("The thing, number 2") == "SideTable"  # the caption of an asset
    assert names.category("spaceship") == "spaceship"
    assert names.category("!!") == "!!"
    category, size = names.asset("Side_Table_9_9")
    assert (category, size) == ("Side Table", None)


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("none;", True),
        ("<think>a bed, I think</think>none;", True),
        ("", False),
        ("   \n", False),
        ("Sorry, I cannot see a room.", False),
        ("[]", True),
    ],
)
def test_a_room_that_is_said_to_be_empty_is_read(text: str, is_read: bool) -> None:
    record = random_record(0)
    predicted = read_prediction(text, LISTS, record, CategoryNames([record]))
    assert predicted.is_read is is_read
    assert predicted.layout.boxes == ()
    assert bool(predicted.reason) is not is_read


def test_walls_that_close_are_a_floor() -> None:
    corners = np.array([[0, 0, 0], [0, 3, 0], [4, 3, 0], [4, 0, 0]], dtype=float)
    walls = [LayoutWall(corners[i], corners[(i + 1) % 4], 2.5) for i in range(4)]
    np.testing.assert_array_equal(floor_within(walls), corners)
    assert len(floor_within(walls[:3])) == 0
    assert len(floor_within([])) == 0


def test_resamples_of_average_precision_are_scores_of_the_resampled_pictures() -> None:
    rng = np.random.default_rng(0)
    records = [random_record(seed) for seed in range(8)]
    pictures = []
    for record in records:
        layout = room_layout(record, "world")
        boxes = layout.oriented_boxes
        noisy = replace(boxes, centre_m=boxes.centre_m + rng.normal(0, 0.2, boxes.centre_m.shape))
        labels = tuple(box.label for box in layout.boxes)
        pictures.append(PictureBoxes(boxes, labels, noisy, labels, rng.random(len(labels)) < 0.2))
    weights = rng.multinomial(4, [0.25] * 4, size=20).astype(float)
    scene = np.repeat(np.arange(4), 2)
    detections = collect_detections(pictures)
    result = resample_average_precision(detections, scene, weights)
    assert result.by_threshold.mean() == average_precision_3d(pictures).mean
    for row, expected in zip(weights, result.resampled, strict=True):
        # A picture that is drawn twice is there twice; equal scores go by emission.
        drawn = [p for p, s in zip(pictures, scene, strict=True) for _ in range(int(row[s]))]
        np.testing.assert_allclose(average_precision_3d(drawn).by_threshold, expected, atol=1e-9)
    ods = resample_detection_score(detections, scene, np.ones((1, 4)))
    np.testing.assert_allclose(ods.values, ods.resampled[0], atol=1e-12)


def test_frames_of_one_camera_agree() -> None:
    record = random_record(1)
    layout = room_layout(record, "opencv_camera")
    back = change_frame(layout, record, "world")
    np.testing.assert_allclose(
        back.oriented_boxes.centre_m, room_layout(record, "world").oriented_boxes.centre_m
    )


def test_embeddings_are_means_over_tokens_of_length_one(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    import torch

    words = ["[PAD]", "[UNK]", "red", "blue", "chair"]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(tmp_path)
    torch.manual_seed(0)
    transformers.BertModel(
        transformers.BertConfig(
            vocab_size=5,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
        )
    ).save_pretrained(tmp_path)
    embedder = SentenceEmbedder(tmp_path)
    vectors = embedder.embed(["red chair", "blue", "red chair"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    # Padding does not count.
    np.testing.assert_allclose(vectors[1], embedder.embed(["blue"])[0], atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)
    with pytest.raises(UserError, match="holds no config"):
        SentenceEmbedder(tmp_path / "nothing")
