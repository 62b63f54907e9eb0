"""Masks of simulated walks without identity over frames: how many objects are found again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.views.scans import walks
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.box_overlap import OrientedBoxes, iou_matrix
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.geometry.mask_lifting import (
    FrameMasks,
    LiftedObject,
    LiftingSettings,
    lift_masks,
)
from workflow_scripts.scenes.generator import generate_house

LEAST_FRAMES, LEAST_PIXELS = 3, 25
WANTED_SHARE = 0.7


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    folder: Path = tmp_path_factory.mktemp("walks")
    scans = [walks.scan(str(number), generate_house(7, number)) for number in (0, 1)]
    size = {"width_px": 128, "height_px": 96}
    return walks.render(folder, scans, measure_surfaces=False, frames=16, **size)


def masks_of(
    shard: ViewShard, views: list[int], objects: pd.DataFrame, rng: np.random.Generator
) -> tuple[list[tuple[FrameMasks, np.ndarray, np.ndarray, np.ndarray]], list[int]]:
    """Return frames whose masks have numbers drawn anew, and the objects that enough frames show.

    An object counts as shown with as many pixels as a mask needs.
    """
    names = dict(zip(objects.instance, objects.category, strict=True))
    frames, counts = [], dict.fromkeys(names, 0)
    for view in views:
        ids = shard.instance(view)
        ids = np.where(np.isin(ids, objects.instance), ids, 0)
        shown = [int(number) for number in np.unique(ids) if number]
        for number in shown:
            counts[number] += int((ids == number).sum() >= LEAST_PIXELS)
        table = np.zeros(int(ids.max()) + 1, np.uint16)
        table[shown] = 1 + rng.permutation(60_000)[: len(shown)]
        labels = {int(table[number]): names[number] for number in shown}
        camera = shard.camera(view)
        pose, k = camera.world_from_camera, camera.intrinsics
        frames.append((FrameMasks(table[ids], labels), shard.depth_m(view), k, pose))
    return frames, [number for number, count in counts.items() if count >= LEAST_FRAMES]


def true_boxes(objects: pd.DataFrame) -> OrientedBoxes:
    return OrientedBoxes(
        objects[["x_m", "y_m", "z_m"]].to_numpy(float),
        objects[["width_m", "depth_m", "height_m"]].to_numpy(float),
        np.array([rotation_about_up(yaw_deg) for yaw_deg in objects.yaw_deg]),
    )


def lifted_boxes(lifted: list[LiftedObject]) -> OrientedBoxes:
    return OrientedBoxes(
        np.array([item.centre_m for item in lifted]),
        np.array([item.size_m for item in lifted]),
        np.array([rotation_about_up(item.yaw_deg) for item in lifted]),
    )


def test_most_objects_that_three_frames_show_are_found(shard: ViewShard) -> None:
    rng = np.random.default_rng(0)
    wanted, found = 0, 0
    for scene_id, rows in shard.views.groupby("scene_id"):
        is_object = (shard.objects.scene_id == scene_id) & (shard.objects.kind == "object")
        objects = shard.objects[is_object]
        frames, shown = masks_of(shard, rows["view"].tolist(), objects, rng)
        lifted = lift_masks(frames, LiftingSettings(min_frames=LEAST_FRAMES))
        assert len(lifted) <= 1.3 * len(shown), "objects are not split"
        true = objects.set_index("instance").loc[shown]
        overlap = iou_matrix(true_boxes(true), lifted_boxes(lifted))
        wanted += len(shown)
        found += int((overlap.max(axis=1) >= 0.25).sum())
    assert wanted >= 20
    assert found >= WANTED_SHARE * wanted, f"{found} of {wanted}"
