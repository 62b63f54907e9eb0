"""Masks without identity become objects: boxes agree with the room's, whatever the ids."""

import numpy as np
import pytest

from testing.posed_room import BOXES, PosedRoom, make_room
from workflow_scripts.geometry.box_overlap import OrientedBoxes, iou_matrix
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.geometry.mask_lifting import (
    FrameMasks,
    LiftedObject,
    LiftingSettings,
    MaskLifter,
    lift_masks,
    upright_box_of,
)

LABELS = {number: label for number, (label, _, _) in enumerate(BOXES, start=1)}


def shuffled_masks(
    room: PosedRoom, seed: int, *, with_labels: bool = True
) -> list[tuple[FrameMasks, np.ndarray, np.ndarray, np.ndarray]]:
    """Return the frames of a room; ids of masks are drawn anew for every frame."""
    rng = np.random.default_rng(seed)
    frames = []
    for ids, depth_m, pose in zip(room.instance, room.depth_m, room.poses, strict=True):
        numbers = np.r_[0, rng.permutation(200)[: len(BOXES)] + 1].astype(np.uint16)
        labels = {int(numbers[key]): label for key, label in LABELS.items()}
        masks = FrameMasks(numbers[ids], labels if with_labels else {})
        frames.append((masks, depth_m, room.depth_intrinsics, pose))
    return frames


def ious(lifted: list[LiftedObject]) -> np.ndarray:
    """Return the IoU [true, lifted] of the room's boxes with lifted ones."""
    low, high = (np.array([box[index] for box in BOXES]) for index in (1, 2))
    true = OrientedBoxes((low + high) / 2, high - low, np.tile(np.eye(3), (len(BOXES), 1, 1)))
    boxes = OrientedBoxes(
        np.array([item.centre_m for item in lifted]),
        np.array([item.size_m for item in lifted]),
        np.array([rotation_about_up(item.yaw_deg) for item in lifted]),
    )
    return iou_matrix(true, boxes)


def seen_often(room: PosedRoom, least: int = 3) -> list[int]:
    """Return the indices of boxes that enough frames show."""
    return [
        number - 1
        for number in LABELS
        if sum((ids == number).sum() >= 25 for ids in room.instance) >= least
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("with_labels", [True, False])
def test_objects_seen_in_three_frames_are_found(seed: int, with_labels: bool) -> None:
    room = make_room(16, depth_size_px=(96, 72))
    lifted = lift_masks(
        shuffled_masks(room, seed, with_labels=with_labels), LiftingSettings(min_frames=3)
    )
    overlap = ious(lifted)
    wanted = seen_often(room)
    assert len(wanted) == len(BOXES)
    found = [index for index in wanted if overlap[index].max() >= 0.25]
    assert len(found) >= 0.7 * len(wanted)
    assert len(lifted) <= len(BOXES) + 1
    if with_labels:
        for index in found:
            assert lifted[int(overlap[index].argmax())].label == BOXES[index][0]


def test_the_result_does_not_depend_on_the_numbers_of_masks() -> None:
    room = make_room(10)
    first, second = (lift_masks(shuffled_masks(room, seed)) for seed in (1, 2))
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.label == b.label
        assert {frame for frame, _ in a.masks} == {frame for frame, _ in b.masks}


def test_noisy_depth_and_ragged_masks() -> None:
    room = make_room(16, depth_size_px=(96, 72))
    rng = np.random.default_rng(5)
    frames = []
    for masks, depth_m, k, pose in shuffled_masks(room, 0):
        noisy = depth_m + rng.normal(0, 0.01, depth_m.shape) * depth_m
        noisy[rng.random(depth_m.shape) < 0.1] = np.nan
        # The mask reaches two pixels into what lies behind.
        grown = masks.ids.copy()
        for shift in (1, 2):
            rolled = np.roll(masks.ids, shift, axis=1)
            grown = np.where(grown == 0, rolled, grown)
        frames.append((FrameMasks(grown, masks.labels), noisy, k, pose))
    overlap = ious(lift_masks(frames, LiftingSettings(min_frames=3, border_px=2)))
    assert (overlap.max(axis=1) >= 0.25).mean() >= 0.7


def test_two_chairs_are_two_objects_and_their_masks_are_known() -> None:
    room = make_room(16, depth_size_px=(96, 72))
    frames = shuffled_masks(room, 0)
    lifted = lift_masks(frames, LiftingSettings(min_frames=3))
    chairs = [item for item in lifted if item.label == "chair"]
    assert len(chairs) == 2
    for item in lifted:
        true_ids = [
            room.instance[frame][frames[frame][0].ids == number] for frame, number in item.masks
        ]
        assert len(np.unique(np.concatenate(true_ids))) == 1


def test_what_is_left_out_is_listed_with_its_reason() -> None:
    lifter = MaskLifter(LiftingSettings(min_frames=2))
    ids = np.zeros((40, 40), np.uint16)
    ids[:3, :3], ids[10:30, 10:30], ids[32:39, 32:39] = 1, 2, 3
    depth_m = np.full(ids.shape, 2.0)
    depth_m[32:, 32:] = np.nan
    k = np.array([[40.0, 0, 20], [0, 40, 20], [0, 0, 1]])
    lifter.add(0, FrameMasks(ids, {2: "box"}), depth_m, k, np.eye(4))
    assert lifter.objects() == []
    reasons = {number: reason for _, number, reason in lifter.left_out}
    assert "too few" in reasons[1]
    assert "1 frames" in reasons[2]
    assert "0 pixels" in reasons[3]


@pytest.mark.parametrize("yaw_deg", [0.0, 20.0, -30.0])
def test_the_box_of_a_turned_box(yaw_deg: float) -> None:
    rng = np.random.default_rng(0)
    size = np.array([1.6, 0.5, 0.8])
    points = rng.uniform(-0.5, 0.5, (4000, 3)) * size
    points = points @ rotation_about_up(yaw_deg).T + [3, -2, 0.4]
    centre, measured, yaw = upright_box_of(points)
    np.testing.assert_allclose(centre, [3, -2, 0.4], atol=0.03)
    np.testing.assert_allclose(measured, size, atol=0.08)
    assert abs(yaw - yaw_deg) <= 2
