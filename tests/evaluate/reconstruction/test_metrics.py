"""Metrics of reconstructed rooms on rooms made by hand, published and corrected side by side."""

from dataclasses import replace

import numpy as np
import pytest

from workflow_scripts.evaluate.reconstruction.average_precision import (
    average_precision_3d,
    open_detection_score,
)
from workflow_scripts.evaluate.reconstruction.detections import PictureBoxes
from workflow_scripts.evaluate.reconstruction.matching import match_within
from workflow_scripts.evaluate.reconstruction.object_scores import (
    count_objects,
    f1,
    polygon_iou,
    size_errors,
    validity,
    yaw_errors_deg,
)
from workflow_scripts.evaluate.reconstruction.r2d3_corrected import corrected_similarity
from workflow_scripts.evaluate.reconstruction.r2d3_metrics import (
    class_of_asset,
    object_distances,
    semantic_similarity,
)
from workflow_scripts.evaluate.reconstruction.spatiallm_f1 import (
    box_f1,
    layout_f1,
    rectangle_iou,
)
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.layouts.layout import (
    LayoutBox,
    LayoutOpening,
    LayoutWall,
    RoomLayout,
    oriented_boxes,
)

EXACT = 1e-9
FLOOR = np.array([[0, 0, 0], [0, 3, 0], [4, 3, 0], [4, 0, 0]], dtype=float)  # diagonal 5 m


def box(
    label: str,
    centre: tuple[float, float, float],
    *,
    size: tuple[float, float, float] = (0.5, 0.5, 0.5),
    yaw: float = 0.0,
    key: str = "",
    parent: str = "",
) -> LayoutBox:
    return LayoutBox(
        label.rstrip("_0123456789"),
        np.array(centre, dtype=float),
        np.array(size, dtype=float),
        rotation_about_up(yaw),
        key=key,
        parent=parent,
        asset_id=label,
    )


def room(*boxes: LayoutBox, floor: np.ndarray = FLOOR, materials: str = "abcd") -> RoomLayout:
    walls = tuple(
        LayoutWall(floor[i], floor[(i + 1) % len(floor)], 2.5, material=materials[i : i + 1])
        for i in range(len(floor))
    )
    return RoomLayout(
        frame="world", boxes=boxes, walls=walls, floor_polygon_m=floor, floor_material="Wood"
    )


# R2D3: published definitions, and what each corrects


def test_names_of_assets_are_classes() -> None:
    assert class_of_asset("Dining_Table_12_3") == "Dining Table"
    assert class_of_asset("RoboTHOR_sofa_alrid_v2") == "sofa alrid v"
    assert class_of_asset("Countertop_L_10x8") == "L-shaped countertop"


def test_published_semantic_similarity_by_hand() -> None:
    true = room(
        box("Bed_1", (1, 1, 0)), box("Chair_1", (3, 1, 0), yaw=10), box("Chair_2", (3, 2, 0))
    )
    predicted = room(
        box("Bed_2", (1, 1.3, 0), yaw=-5), box("Chair_1", (3, 2.2, 0)), materials="abxd"
    )
    values = semantic_similarity(true, predicted)
    assert values["ObjectClassAcc"] == [1, 1, 1]
    assert values["ObjectFinegrainAcc"] == [0, 1, 0]
    assert values["ObjectCountError"] == [1, 0, 1]
    assert values["WallMaterialAcc"] == [0.75]
    assert values["FloorMaterialAcc"] == [1]
    # The scale is 400 cm: bed 30 cm off, the one chair 20 cm from the nearer of the two.
    assert values["ObjectLocationAcc"] == [1, 1]
    np.testing.assert_allclose(values["ObjectLocationError"], [30 / 400, 20 / 400], atol=EXACT)
    assert values["ObjectPoseAcc"] == [1, 1]
    np.testing.assert_allclose(values["ObjectPoseError"], [5, 0], atol=EXACT)


def test_the_published_tolerance_grows_with_the_distance_from_the_house_s_origin() -> None:
    shift = np.array([20.0, 0, 0])
    true, predicted = room(box("Bed_1", (1, 1, 0))), room(box("Bed_1", (1, 2.5, 0)))
    far = [
        replace(
            layout,
            floor_polygon_m=layout.floor_polygon_m + shift,
            boxes=(replace(layout.boxes[0], centre_m=layout.boxes[0].centre_m + shift),),
        )
        for layout in (true, predicted)
    ]
    assert semantic_similarity(true, predicted)["ObjectLocationAcc"] == [0]  # 150 of 400 cm
    assert semantic_similarity(*far)["ObjectLocationAcc"] == [1]  # 150 of 2,400 cm
    for pair in ((true, predicted), far):
        assert corrected_similarity(*pair)["corrected_location_recall"] == [0]  # 150 of 500 cm


def test_the_published_angle_is_not_wrapped_and_summed() -> None:
    true = room(box("Bed_1", (1, 1, 0), yaw=1), box("Bed_1", (3, 1, 0), yaw=1))
    predicted = room(box("Bed_1", (1, 1, 0), yaw=-1), box("Bed_1", (3, 1, 0), yaw=-1))
    published = semantic_similarity(true, predicted)
    np.testing.assert_allclose(published["ObjectPoseError"], [2 * 358], atol=1e-6)
    assert published["ObjectPoseAcc"] == [0]
    corrected = corrected_similarity(true, predicted)
    np.testing.assert_allclose(corrected["corrected_yaw_error_deg"], [2], atol=1e-6)
    assert corrected["corrected_pose_recall"] == [1]


def test_extra_and_missing_objects_cost_nothing_as_published() -> None:
    true = room(box("Bed_1", (1, 1, 0)), box("Lamp_1", (2, 2, 0)))
    predicted = room(*(box("Bed_1", (1 + 0.5 * n, 1, 0)) for n in range(4)))
    published = semantic_similarity(true, predicted)
    assert published["ObjectLocationAcc"] == [1]
    corrected = corrected_similarity(true, predicted)
    assert corrected["corrected_location_precision"] == [0.25]
    assert corrected["corrected_location_recall"] == [0.5]
    assert corrected["corrected_count_error"] == [2]


def test_published_corners_are_those_of_a_ring_without_area() -> None:
    split = np.insert(FLOOR, 2, [2, 3, 0], axis=0)  # a corner on a straight wall is none
    true, predicted = room(), room(floor=split, materials="abcde")
    published = semantic_similarity(true, predicted)
    assert published["PolygonAcc"] == [0]
    assert published["NumCornerError"] == [1]
    assert corrected_similarity(true, predicted)["corrected_corner_error"] == [0]
    l_shape = np.array(
        [[0, 0, 0], [0, 3, 0], [2, 3, 0], [2, 2, 0], [4, 2, 0], [4, 0, 0]], dtype=float
    )
    bent = room(floor=l_shape, materials="abcdef")
    assert corrected_similarity(true, bent)["corrected_corner_error"] == [2]


def test_a_text_that_cannot_be_read_misses_everything() -> None:
    true = room(box("Bed_1", (1, 1, 0)))
    values = corrected_similarity(true, None)
    assert values["corrected_location_recall"] == [0]
    assert values["corrected_location_precision"] == [0]


def test_published_distances_between_classes_by_hand() -> None:
    true = room(box("Bed_1", (0, 0, 0)), box("Lamp_1", (3, 0, 0)), box("Sofa_1", (0, 2, 0)))
    predicted = room(box("Bed_1", (1, 0, 0)), box("Lamp_1", (3, 0, 0)))
    values = object_distances(true, predicted)
    # Bed to lamp: 300 against 200 cm, in both orders; the scale is 400 cm.
    np.testing.assert_allclose(values["ObjectDistancesError"], [0.25], atol=EXACT)
    assert values["ObjectDistancesAcc"] == [0]
    assert object_distances(true, predicted, visible=["Bed"]) == {}


# SpatialLM


def test_spatiallm_f1_is_a_mean_over_scenes() -> None:
    one = (room(box("bed", (1, 1, 0))), room(box("bed", (1, 1, 0))))
    many = (
        room(*(box("bed", (n, 1, 0)) for n in range(4))),
        room(*(box("bed", (n, 1, 0.0 if n == 0 else 9.0)) for n in range(4))),
    )
    without = (room(), room())
    # The scene of one bed weighs as much as that of four.
    assert box_f1([one, many, without], 0.5)["bed"] == pytest.approx((1 + 0.25) / 2, abs=EXACT)


def test_thin_boxes_count_as_a_tenth_of_a_metre_thick() -> None:
    thin = (1.0, 0.01, 1.0)
    pair = (
        room(box("painting", (1, 0, 1), size=thin)),
        room(box("painting", (1, 0.05, 1), size=thin)),
    )
    # 0.05 of 0.1 m are shared: IoU 1/3, of which 0.25 is reached.
    assert box_f1([pair], 0.25) == {"painting": 1.0}
    assert box_f1([pair], 0.5) == {"painting": 0.0}


def test_walls_doors_and_windows_as_rectangles() -> None:
    true = replace(room(), openings=(LayoutOpening("door", 0, np.array([0, 1, 1.0]), 1.0, 2.0),))
    moved = replace(room(), openings=(LayoutOpening("door", 0, np.array([0, 1.5, 1.0]), 1.0, 2.0),))
    assert layout_f1([(true, moved)], 0.25) == {"door": 1.0, "wall": 1.0}  # IoU 1/3
    assert layout_f1([(true, moved)], 0.5) == {"door": 0.0, "wall": 1.0}


def test_the_published_distance_of_planes_has_a_sign() -> None:
    wall = np.array([[0, 0, 0], [2, 0, 0], [2, 0, 2], [0, 0, 2]], dtype=float)
    for side in (1.0, -1.0):
        far = np.add(wall, [0, side * 3.0, 0])
        assert rectangle_iou(wall, far) == 0
    assert {
        rectangle_iou(wall, np.add(wall, [0, s * 3.0, 0]), signed_distance=True) for s in (1, -1)
    } == {
        0,
        1,
    }
    assert rectangle_iou(wall, np.add(wall, [0.5, 0.1, 0])) == pytest.approx(0.6, abs=EXACT)
    turned = wall @ rotation_about_up(6).T
    assert rectangle_iou(wall, turned) == 0


# Omni3D and ODS


def picture(true: list[LayoutBox], predicted: list[LayoutBox], **more: np.ndarray) -> PictureBoxes:
    return PictureBoxes(
        oriented_boxes(true),
        tuple(b.label for b in true),
        oriented_boxes(predicted),
        tuple(b.label for b in predicted),
        **more,
    )


def test_average_precision_by_hand() -> None:
    # Cubes of 1 m, moved by 1/3 and 2/3 m: IoU 1/2 and 1/5.
    true = [box("a", (0, 0, 0), size=(1, 1, 1)), box("a", (5, 0, 0), size=(1, 1, 1))]
    predicted = [
        box("a", (1 / 3, 0, 0), size=(1, 1, 1)),
        box("a", (5 + 2 / 3, 0, 0), size=(1, 1, 1)),
    ]
    result = average_precision_3d([picture(true, predicted)])
    # At 0.05 to 0.20 both are right: AP 1. From 0.25 on the first alone, first in order: precision
    # 1 up to recall 0.5, which 51 of 101 recalls do not exceed.
    np.testing.assert_allclose(result.by_threshold, [1] * 4 + [51 / 101] * 6, atol=EXACT)
    assert result.mean == pytest.approx((4 + 6 * 51 / 101) / 10, abs=EXACT)


def test_equal_scores_are_ordered_by_emission_and_scores_win() -> None:
    true = [box("a", (0, 0, 0))]
    predicted = [box("a", (9, 0, 0)), box("a", (0, 0, 0))]
    late = average_precision_3d([picture(true, predicted)])
    assert late.mean == pytest.approx(0.5, abs=EXACT)
    scored = average_precision_3d([picture(true, predicted, scores=np.array([0.1, 0.9]))])
    assert scored.mean == pytest.approx(1.0, abs=EXACT)


def test_ignored_boxes_are_neither_found_nor_missed() -> None:
    true = [box("a", (0, 0, 0)), box("a", (5, 0, 0))]
    predicted = [box("a", (5, 0, 0)), box("a", (0, 0, 0))]
    ignored = average_precision_3d([picture(true, predicted, ignored=np.array([False, True]))])
    assert ignored.mean == pytest.approx(1.0, abs=EXACT)
    nothing = average_precision_3d([picture(true, predicted, ignored=np.array([True, True]))])
    assert np.isnan(nothing.mean)


def test_classes_weigh_alike_and_repeats_cost_precision() -> None:
    true = [box("a", (0, 0, 0)), box("b", (3, 0, 0))]
    result = average_precision_3d([picture(true, [box("a", (0, 0, 0))] * 2)])
    assert result.mean == pytest.approx(0.5, abs=EXACT)  # class a 1, class b 0
    after = average_precision_3d([picture(true[:1], [box("a", (9, 0, 0))] * 3 + [true[0]])])
    assert after.mean == pytest.approx(0.25, abs=EXACT)


def test_detection_score_by_hand() -> None:
    size = (0.6, 0.8, 0.0001)  # half the diagonal is 0.5 m
    true = [box("a", (0, 0, 0), size=size)]
    predicted = [box("a", (0.375, 0, 0), size=(0.6, 0.4, 0.0001), yaw=90)]
    result = open_detection_score([picture(true, predicted)])
    # 0.75 of the radius: right from t = 0.75 on, 6 of 11 thresholds.
    assert result.average_precision == pytest.approx(6 / 11, abs=EXACT)
    reached = np.arange(75, 105, 5) / 100
    expected = (5 + (0.75 / reached).sum()) / 11
    assert result.translation_error == pytest.approx(expected, abs=1e-6)
    assert result.size_error == pytest.approx((5 + 6 * 0.5) / 11, abs=EXACT)
    assert result.orientation_error == pytest.approx((5 + 6 * 0.5) / 11, abs=EXACT)
    parts = result.translation_error + result.size_error + result.orientation_error
    assert result.score == pytest.approx((3 * 6 / 11 + 3 - parts) / 6, abs=EXACT)


# Ours


def test_as_many_pairs_as_possible_then_the_nearest() -> None:
    # The nearest pair alone (0.1) would leave the other without a partner within 0.5 m.
    cost = np.array([[0.1, 0.4], [0.3, 9.0]])
    matching = match_within(cost, np.ones((2, 2), dtype=bool), 0.5)
    assert sorted(zip(matching.true.tolist(), matching.predicted.tolist(), strict=True)) == [
        (0, 1),
        (1, 0),
    ]
    assert match_within(cost, np.zeros((2, 2), dtype=bool), 0.5).num_pairs == 0
    assert match_within(np.zeros((0, 3)), np.zeros((0, 3), dtype=bool), 1).num_predicted == 3


def test_objects_match_by_class_and_distance() -> None:
    true = [box("bed", (0, 0, 0)), box("lamp", (2, 0, 0)), box("lamp", (3, 0, 0))]
    predicted = [box("bed", (0.3, 0, 0)), box("lamp", (2.6, 0, 0)), box("sofa", (3, 0, 0))]
    counts, pairs = count_objects(true, predicted)
    assert counts.pairs == (0, 2, 2)
    assert (counts.num_true, counts.num_predicted) == (3, 3)
    assert counts.precision(1) == counts.recall(1) == 2 / 3
    assert f1(counts.pairs[1], 3, 3) == 2 / 3
    assert pairs.num_pairs == 2
    missed, _ = count_objects(true, [])
    assert (missed.pairs, missed.precision(0), missed.recall(0)) == ((0, 0, 0), 0.0, 0.0)
    assert f1(0, 0, 0) == 1
    assert f1(0, 2, 0) == 0


def test_yaw_errors_fold_the_symmetry_of_a_category() -> None:
    true = [box(label, (0, 2.0 * n, 0), yaw=10) for n, label in enumerate("abcd")]
    predicted = [box(label, (0, 2.0 * n, 0), yaw=-160) for n, label in enumerate("abcd")]
    _, pairs = count_objects(true, predicted)
    layouts = room(*true), room(*predicted)
    errors = yaw_errors_deg(*layouts, pairs, {"b": 2, "c": 4, "d": 0})
    order = np.argsort(pairs.true)
    np.testing.assert_allclose(errors[order][:3], [170, 10, 10], atol=EXACT)
    assert np.isnan(errors[order][3])
    np.testing.assert_allclose(size_errors(*layouts, pairs), 0, atol=EXACT)


def test_floors_by_hand() -> None:
    assert polygon_iou(FLOOR, FLOOR[::-1]) == pytest.approx(1, abs=EXACT)
    assert polygon_iou(FLOOR, np.add(FLOOR, [2, 0, 0])) == pytest.approx(1 / 3, abs=EXACT)
    assert polygon_iou(FLOOR, np.vstack([FLOOR, FLOOR[:1]])) == pytest.approx(1, abs=EXACT)
    assert polygon_iou(FLOOR, FLOOR[:2]) == 0
    crossed = FLOOR[[0, 2, 1, 3]]  # two triangles of 3 m2 within the 12
    assert polygon_iou(FLOOR, crossed) == pytest.approx(0.5, abs=EXACT)


def test_what_cannot_stand_is_counted() -> None:
    layout = room(
        box("table", (1, 1, 0.4), size=(1, 1, 0.8), key="table"),
        box("cup", (1, 1, 0.85), size=(0.1, 0.1, 0.1), key="cup", parent="table"),
        box("chair", (1.3, 1, 0.4), size=(0.5, 0.5, 0.8), key="chair"),  # in the table
        box("sofa", (4.2, 1, 0.4), size=(1, 1, 0.8), key="sofa"),  # through the wall
        box("lamp", (3, 2.5, 1.4), size=(0.2, 0.2, 0.2), key="lamp"),  # in the air
        box("painting", (2, 2.97, 1.5), size=(0.5, 0.05, 0.5), key="painting"),
    )
    result = validity(layout, FLOOR, on_walls=["painting"])
    keys = [b.key for b in layout.boxes]
    assert [k for k, flag in zip(keys, result.outside, strict=True) if flag] == ["sofa"]
    assert [k for k, flag in zip(keys, result.colliding, strict=True) if flag] == ["table", "chair"]
    assert [k for k, flag in zip(keys, result.floating, strict=True) if flag] == ["lamp"]
    assert len(validity(room(), FLOOR, []).outside) == 0
