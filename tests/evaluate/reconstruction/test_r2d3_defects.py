"""What is wrong with R2D3's published metrics, and right with those beside them, one by one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluate.reconstruction.rooms import CONDITIONS, room_records, truth, write_run
from tests.evaluate.reconstruction.test_metrics import EXACT, FLOOR, box, room
from tests.evaluate.reconstruction.test_score import FORMATS, scores_of, value
from workflow_scripts.evaluate.reconstruction.language_metrics import (
    KnownPhrases,
    LanguageMetrics,
)
from workflow_scripts.evaluate.reconstruction.r2d3_corrected import corrected_similarity
from workflow_scripts.evaluate.reconstruction.r2d3_metrics import (
    class_of_asset,
    object_distances,
    semantic_similarity,
)
from workflow_scripts.evaluate.reconstruction.room_pair import PredictedRoom, RoomPair, TrueRoom
from workflow_scripts.evaluate.reconstruction.room_values import Content, room_values
from workflow_scripts.layouts.layout import LayoutBox, RoomLayout
from workflow_scripts.layouts.r2d3 import read_program

L_SHAPE = np.array([[0, 0, 0], [0, 3, 0], [2, 3, 0], [2, 2, 0], [4, 2, 0], [4, 0, 0]], dtype=float)


def test_the_published_number_of_corners_depends_on_the_first_one() -> None:
    # On the points (x, height), a line, the same L has 6 points or 5.
    bent = room(floor=L_SHAPE, materials="abcdef")
    turned = room(floor=np.roll(L_SHAPE, 3, axis=0), materials="abcdef")
    assert semantic_similarity(bent, bent)["PolygonAcc"] == [1]
    assert semantic_similarity(bent, turned)["PolygonAcc"] == [0]
    assert semantic_similarity(bent, turned)["NumCornerError"] == [1]
    assert corrected_similarity(bent, turned)["corrected_corner_error"] == [0]
    assert corrected_similarity(room(), bent)["corrected_corner_error"] == [2]


def test_classes_that_were_not_predicted_cost_no_location() -> None:
    true = room(box("Bed_1", (1, 1, 0)), box("Lamp_1", (3, 1, 0)), box("Sofa_1", (2, 2, 0)))
    predicted = room(box("Bed_1", (1, 1, 0)))
    published = semantic_similarity(true, predicted)
    assert published["ObjectLocationAcc"] == published["ObjectPoseAcc"] == [1]
    corrected = corrected_similarity(true, predicted)
    assert corrected["corrected_location_recall"] == pytest.approx([1 / 3], abs=EXACT)
    assert corrected["corrected_location_precision"] == [1]


def test_more_predictions_cost_no_class_as_published() -> None:
    true = room(box("Bed_1", (1, 1, 0)))
    predicted = room(box("Bed_1", (1, 1, 0)), *(box(f"Lamp_{n}", (2, 2, 0)) for n in range(3)))
    published = semantic_similarity(true, predicted)
    assert published["ObjectClassAcc"] == published["ObjectFinegrainAcc"] == [1]
    assert published["ObjectCountError"] == [0]
    corrected = corrected_similarity(true, predicted)
    assert corrected["corrected_class_f1"] == corrected["corrected_asset_f1"] == [0.4]
    assert corrected["corrected_class_count_error"] == [3]


def test_walls_beyond_the_shorter_list_count_as_published() -> None:
    true = room(floor=L_SHAPE, materials="abcdef")
    predicted = replace(true, walls=true.walls[:1])
    assert semantic_similarity(true, predicted)["WallMaterialAcc"] == [1]
    assert corrected_similarity(true, predicted)["corrected_wall_material_acc"] == pytest.approx(
        [1 / 6], abs=EXACT
    )


def test_distances_to_objects_that_are_missing_cost_nothing_as_published() -> None:
    true = room(box("Bed_1", (1, 1, 0)), box("Lamp_1", (3, 1, 0)), box("Sofa_1", (2, 2, 0)))
    predicted = room(box("Bed_1", (1, 1, 0)), box("Lamp_1", (3, 1, 0)))
    assert object_distances(true, predicted)["ObjectDistancesAcc"] == [1]
    corrected = corrected_similarity(true, predicted)
    assert corrected["corrected_distances_recall"] == pytest.approx([1 / 3], abs=EXACT)


def test_selected_distances_are_those_of_visible_names() -> None:
    true = room(box("Bed_1", (0, 0, 0)), box("Lamp_1", (3, 0, 0)), box("Sofa_1", (0, 2, 0)))
    predicted = room(box("Bed_1", (0, 0, 0)), box("Lamp_1", (3, 0, 0)), box("Sofa_1", (0, 0, 0)))
    # Of the scale of 400 cm: bed to sofa 200 against 0, sofa to lamp 361 against 300, bed to lamp.
    errors = [0.5, (np.hypot(300, 200) - 300) / 400, 0.0]
    assert object_distances(true, predicted)["ObjectDistancesError"] == pytest.approx(
        [float(np.mean(errors))], abs=EXACT
    )
    selected = object_distances(true, predicted, visible=["Double Bed", "Lamp"])
    assert selected["ObjectDistancesError"] == pytest.approx([0.0], abs=EXACT)


def test_without_a_room_to_compare_distances_are_all_wrong(tmp_path) -> None:
    run = write_run(tmp_path, room_records(3, 3, num_objects=1))
    for condition in CONDITIONS:
        run.answer(condition, truth(FORMATS["r2d3"]))
    rows = scores_of(run, FORMATS["r2d3"])
    assert value(rows, "ObjectDistancesError", "target") == 1
    assert value(rows, "ObjectDistancesAcc", "target") == 0


def test_scoring_again_gives_the_same(tmp_path) -> None:
    run = write_run(tmp_path, room_records(3, 3))
    for condition in CONDITIONS:
        run.answer(condition, truth(FORMATS["r2d3"]))
    first = scores_of(run, FORMATS["r2d3"])
    assert first.equals(scores_of(run, FORMATS["r2d3"]))


def test_an_angle_of_nearly_nothing_is_no_turn() -> None:
    for yaw in (0.0, -1e-9, 1e-9, 360.0):
        pair = room(box("Bed_1", (1, 1, 0))), room(box("Bed_1", (1, 1, 0), yaw=yaw))
        assert semantic_similarity(*pair)["ObjectPoseError"] == [0]


def pair_of(
    true: RoomLayout,
    predicted: RoomLayout,
    *,
    marked: Sequence[bool] = (),
    seen: Sequence[bool] = (),
) -> RoomPair:
    flags = np.array(marked or [False] * len(true.boxes))
    visible = np.array(seen or [True] * len(true.boxes)) & ~flags
    truth_of = TrueRoom(None, true, visible, np.ones(len(flags), dtype=bool), (), flags)  # type: ignore[arg-type]
    return RoomPair(truth_of, PredictedRoom(predicted))


def values_of(pair: RoomPair) -> dict[str, float]:
    """Return the metrics of R2D3 of one room, as sums over their totals."""
    values = room_values(pair, Content.of([pair.predicted]), published=True).ratios
    return {
        metric: part / total
        for (group, metric), (part, total) in values.items()
        if group == "target"
    }


def test_a_marked_object_counts_as_published_and_not_as_corrected() -> None:
    # The prompt says where the bed is; the lamp is wrong.
    true = room(box("Bed_1", (1, 1, 0), key="a"), box("Lamp_1", (3, 1, 0), key="b"))
    predicted = room(box("Bed_1", (1, 1, 0)), box("Lamp_1", (1, 3, 0)))
    plain, marked = (
        values_of(pair_of(true, predicted, marked=flags))
        for flags in ((False, False), (True, False))
    )
    assert plain["ObjectLocationAcc"] == marked["ObjectLocationAcc"] == 0.5
    assert plain["corrected_location_recall"] == plain["corrected_location_precision"] == 0.5
    assert marked["corrected_location_recall"] == marked["corrected_location_precision"] == 0
    assert plain["corrected_class_f1"] == marked["corrected_class_f1"] == 1
    # Nor does the bed count among the visible objects, and it is not a hidden one that was found.
    pair = pair_of(true, predicted, marked=(True, False))
    ratios = room_values(pair, Content.of([pair.predicted]), published=True).ratios
    assert ratios["visible", "f1_1m"] == (0, 2)
    assert ratios["hidden", "recall_1m"] == (0, 0)


def test_a_room_with_a_single_rotation_is_left_out_as_published() -> None:
    text = """polygon: [[0, 0, 0], [0, 0, 300], [400, 0, 300], [400, 0, 0]]
obj_0: ['Bed_1', [100, 0, 100], 90]
obj_1: ['Lamp_1', [300, 0, 100], [0, 0, 0]]
"""
    true = room(box("Bed_1", (1, 1, 0), yaw=-90), box("Lamp_1", (3, 1, 0)))
    published = values_of(pair_of(true, read_program(text.replace(" 90]", " [0, 90, 0]]"))))
    assert published["ObjectLocationAcc"] == published["ObjectPoseAcc"] == 1
    alone = values_of(pair_of(true, read_program(text)))
    assert not {metric for metric in alone if metric.startswith(("Object", "Sel", "Polygon"))}
    assert alone["corrected_location_recall"] == alone["corrected_pose_recall"] == 1
    assert alone["corrected_yaw_error_deg"] == pytest.approx(0, abs=EXACT)


def test_lines_without_a_rotation_have_no_pose() -> None:
    text = "a bed at location (100, 0, 100)\n2. a lamp at location (300, 0, 130)."
    true = room(box("a bed", (1, 1, 0)), box("a lamp", (3, 1, 0)))
    values = values_of(pair_of(true, read_program(text)))
    assert values["ObjectLocationAcc"] == 1
    assert values["ObjectLocationError"] == pytest.approx((0 + 30 / 400) / 2, abs=EXACT)
    assert values["corrected_location_recall"] == 1
    assert not {metric for metric in values if "pose" in metric.lower() or "yaw" in metric}


def test_selected_objects_are_those_of_visible_classes() -> None:
    true = room(box("Bed_1", (1, 1, 0)), box("Bed_2", (2, 1, 0)), box("Lamp_1", (3, 1, 0)))
    predicted = room(box("Bed_1", (1, 1, 0)), box("Bed_1", (2, 1.8, 0)), box("Sofa_1", (0, 0, 0)))
    values = values_of(pair_of(true, predicted, seen=(True, False, False)))
    assert values["ObjectClassAcc"] == pytest.approx(2 / 3, abs=EXACT)
    assert values["SelObjectClassAcc"] == 1
    assert values["SelObjectFinegrainAcc"] == 0.5
    assert values["SelObjectCountAcc"] == 0  # two of Bed_1 and none of Bed_2
    assert values["SelObjectCountError"] == 1
    assert values["SelObjectLocationAcc"] == 0.5  # 0 and 80 of 400 cm
    assert values["SelObjectLocationError"] == pytest.approx(40 / 400, abs=EXACT)
    hidden = values_of(pair_of(true, predicted, seen=(False, False, True)))
    assert hidden["SelObjectClassAcc"] == 0
    assert "SelObjectLocationAcc" not in hidden


@pytest.mark.parametrize("yaws", [(1.25, -2.5), (179.875, -179.875), (33.3333, 21.1111)])
def test_published_angles_are_exact(yaws: tuple[float, float]) -> None:
    pair = room(box("Bed_1", (1, 1, 0), yaw=yaws[0])), room(box("Bed_1", (1, 1, 0), yaw=yaws[1]))
    expected = abs(-yaws[0] % 360 - -yaws[1] % 360)
    published = semantic_similarity(*pair)
    np.testing.assert_allclose(published["ObjectPoseError"], [expected], atol=EXACT, rtol=0)
    assert published["ObjectPoseAcc"] == [float(expected < 10)]
    wrapped = min(expected, 360 - expected)
    corrected = corrected_similarity(*pair)["corrected_yaw_error_deg"]
    np.testing.assert_allclose(corrected, [wrapped], atol=EXACT, rtol=0)


# Phrases


class WordVectors:
    """An embedder of phrases by their words; counts what it embeds."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = {word: number for number, word in enumerate(words)}
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        vectors = np.zeros((len(texts), len(self._words)))
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, self._words[word]] = 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


KNOWN = KnownPhrases.of(
    [
        ("red chair", "Chair", "Chair_1"),
        ("red chair", "Chair", "Chair_2"),
        ("blue chair", "Chair", "Chair_3"),
        ("big bed", "Bed", "Bed_1"),
    ]
)


def language_pair(
    true: Sequence[tuple[str, LayoutBox]], predicted: Sequence[tuple[str, LayoutBox]]
) -> RoomPair:
    layouts = [
        RoomLayout(
            frame="world",
            floor_polygon_m=FLOOR,
            boxes=tuple(
                replace(b, label=class_of_asset(b.asset_id), asset_id="", key=f"obj_{n}")
                for n, (_, b) in enumerate(objects)
            ),
        )
        for objects in (true, predicted)
    ]
    phrases = [tuple(text for text, _ in objects) for objects in (true, predicted)]
    record = None
    visible = np.ones(len(true), dtype=bool)
    return RoomPair(
        TrueRoom(record, layouts[0], visible, visible, phrases[0]),  # type: ignore[arg-type]
        PredictedRoom(layouts[1], phrases=phrases[1]),
    )


def test_the_first_predicted_object_is_not_read_as_published() -> None:
    words = WordVectors(["red", "blue", "big", "wide", "chair", "bed"])
    metrics = LanguageMetrics(KNOWN, words)
    true = [("red chair", box("Chair_1", (1, 1, 0))), ("big bed", box("Bed_1", (3, 1, 0)))]
    published = metrics.published(language_pair(true, true))
    assert published["phrase_class_acc"] == [0, 1]
    assert published["phrase_count_error"] == [1, 0]
    assert metrics.published(language_pair(true, true[:1])) == {"JSONAccuracy": [0.0]}
    corrected = metrics.corrected(language_pair(true, true))
    assert corrected["corrected_phrase_f1"] == [1]
    assert corrected["corrected_phrase_similarity"] == pytest.approx([100, 100], abs=EXACT)


def test_published_phrases_by_hand() -> None:
    words = WordVectors(["red", "blue", "big", "wide", "chair", "bed"])
    metrics = LanguageMetrics(KNOWN, words)
    true = [("red chair", box("Chair_1", (1, 1, 0))), ("big bed", box("Bed_1", (3, 1, 0)))]
    predicted = [
        ("big bed", box("Bed_1", (0, 0, 0))),
        ("wide bed", box("Bed_9", (3, 1.2, 0), yaw=350)),
        ("blue chair", box("Chair_9", (1, 2, 0))),
    ]
    published = metrics.published(language_pair(true, predicted))
    assert published["JSONAccuracy"] == [1]
    assert published["phrase_class_acc"] == [1, 1]
    assert published["phrase_location_acc"] == [0, 1]  # 100 and 20 of 400 cm
    assert published["phrase_location_error"] == pytest.approx([0.25, 0.05], abs=EXACT)
    assert published["phrase_pose_error"] == pytest.approx([0, 10], abs=1e-6)
    assert published["ObjectAttrSim"] == pytest.approx([50, 50], abs=EXACT)
    # True: Chair_1, Chair_2, Bed_1; predicted: Bed_1, Chair_3.
    assert published["phrase_finegrain_f1"] == pytest.approx([2 / (2 + 3)], abs=EXACT)
    corrected = metrics.corrected(language_pair(true, predicted))
    assert corrected["corrected_phrase_f1"] == [0.4]
    num_texts = len(words.texts)
    metrics.published(language_pair(true, predicted))
    assert len(words.texts) == num_texts == len(set(words.texts))


def test_without_an_embedder_phrases_are_compared_by_their_words() -> None:
    metrics = LanguageMetrics(KNOWN, None)
    pair = language_pair(
        [("red chair", box("Chair_1", (1, 1, 0)))], [("A red, chair", box("Chair_1", (1, 1, 0)))]
    )
    assert metrics.published(pair) == {}
    assert metrics.corrected(pair) == {"corrected_phrase_f1": [1.0]}


def test_assets_of_a_program_are_called_by_their_captions() -> None:
    words = WordVectors(["red", "blue", "big", "wide", "chair", "bed"])
    metrics = LanguageMetrics(KNOWN, words)
    assets = [("blue chair", box("Chair_3", (1, 1, 0))), ("big bed", box("Bed_1", (3, 1, 0)))]
    pair = language_pair(assets, assets)
    boxes = tuple(
        replace(b, asset_id=asset, key=f"obj_{n + 1}")
        for n, (b, asset) in enumerate(
            zip(pair.predicted.layout.boxes, ("Chair_3", "Bed_1"), strict=True)
        )
    )
    predicted = PredictedRoom(
        replace(pair.predicted.layout, boxes=boxes), phrases=("Chair_3", "Bed_1")
    )
    published = metrics.published(replace(pair, predicted=predicted))
    assert published["phrase_class_acc"] == [1, 1]
    assert published["ObjectAttrSim"] == pytest.approx([100, 100], abs=EXACT)
    assert published["phrase_finegrain_f1"] == [1]
    assert metrics.corrected(replace(pair, predicted=predicted))["corrected_phrase_f1"] == [1]


def test_lines_without_keys_are_all_read_and_have_no_pose() -> None:
    metrics = LanguageMetrics(KNOWN, WordVectors(["red", "blue", "big", "wide", "chair", "bed"]))
    true = [("red chair", box("Chair_1", (1, 1, 0))), ("big bed", box("Bed_1", (3, 1, 0)))]
    pair = language_pair(true, true)
    layout = read_program(
        "red chair at location (100, 0, 100)\nbig bed at location (300, 0, 100)\n"
    )
    phrases = tuple(b.label for b in layout.boxes)
    published = metrics.published(replace(pair, predicted=PredictedRoom(layout, phrases=phrases)))
    assert published["JSONAccuracy"] == [1]
    assert published["phrase_class_acc"] == published["phrase_location_acc"] == [1, 1]
    assert published["phrase_count_error"] == [0, 0]
    assert "phrase_pose_acc" not in published
