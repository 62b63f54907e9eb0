"""The size of a room is asked of views that show enough of its floor."""

from pathlib import Path

import numpy as np
import pytest

from testing.box_scenes import Box, write_shard
from testing.vqa.scenes import rectangular_room
from tests.vqa.generation import generate_for_shard
from workflow_scripts.common.measurements import GroundTruthShard
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.vqa.room_size import MIN_FLOOR_SHARE, TOO_LITTLE_FLOOR, rectangular_rooms
from workflow_scripts.vqa.view_context import ViewContexts

SIZE = {"width_px": 96, "height_px": 96, "vertical_fov_deg": 70.0}
# From a corner over the whole room; at a wall from near; over the room, but behind a screen.
CAMERAS = [
    Camera.look((5.7, 0.3, 2.2), yaw_deg=45.0, pitch_deg=-30.0, **SIZE),
    Camera.look((2.5, 4.0, 1.5), yaw_deg=0.0, pitch_deg=0.0, **SIZE),
    Camera.look((0.3, 0.3, 1.2), yaw_deg=-45.0, pitch_deg=-15.0, **SIZE),
]
SCREEN = Box("ShelvingUnit", (0.9, 0.9, 1.0), (2.0, 0.05, 2.0), 135.0, (90, 90, 200))
OBJECTS = [
    Box("Bed", (1.5, 3.2, 0.3), (1.4, 1.0, 0.6), 0.0, (200, 60, 60)),
    Box("Chair", (3.2, 2.4, 0.45), (0.5, 0.5, 0.9), 20.0, (60, 200, 60)),
]


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> ViewShard:
    path = tmp_path_factory.mktemp("room") / "0000.zarr"
    return ViewShard.open(
        write_shard(path, {"house": ([*rectangular_room(), SCREEN, *OBJECTS], CAMERAS)})
    )


def test_the_share_is_what_is_in_frame_and_not_hidden(shard: ViewShard) -> None:
    (one,) = rectangular_rooms(shard).values()
    assert one.size_m == pytest.approx((5.0, 6.0))
    np.testing.assert_allclose(one.floor_m[:, 2], 0.0, atol=1e-9)
    assert one.floor_m[:, :2].min() > 0
    assert (one.floor_m[:, :2].max(axis=0) < (6.0, 5.0)).all()
    over, wall, screened = (one.floor_share(shard, view) for view in range(3))
    assert over > MIN_FLOOR_SHARE
    assert wall < 0.05
    assert screened < MIN_FLOOR_SHARE


def test_other_views_are_not_asked_about_the_room(shard: ViewShard, tmp_path: Path) -> None:
    contexts = ViewContexts(shard, GroundTruthShard(shard), min_pixels=20, min_fraction_visible=0.1)
    assert contexts.of(0).room_size_m == pytest.approx((5.0, 6.0))
    for view in (1, 2):
        context = contexts.of(view)
        assert context.room_size_m is None
        assert context.dropped["", TOO_LITTLE_FLOOR] == 1
    questions, dropped = generate_for_shard(
        shard.path, tmp_path / "procthor", families=["room_area", "room_length"]
    )
    assert {question.view for question in questions} <= {0}
    assert TOO_LITTLE_FLOOR in {row.reason for row in dropped}
