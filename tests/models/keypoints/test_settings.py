"""Pose experiments that cannot be are named before anything is simulated for them."""

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.models.keypoints.settings import check_pose_experiment

MODEL = {
    "tasks": ["reach_target"],
    "window": 7,
    "width": 128,
    "heads": 4,
    "front_end": "noise",
    "objective": "masked",
}
SOURCE = {"tasks": ["reach_target", "pick_and_lift"], "cameras": ["front", "overhead"]}


def test_what_can_be_is_let_through() -> None:
    check_pose_experiment("lifter", MODEL, SOURCE)
    check_pose_experiment("lifter", {**MODEL, "tasks": []}, SOURCE)
    check_pose_experiment("lifter", {**MODEL, "tasks": ["open_box"]}, {**SOURCE, "tasks": []})


@pytest.mark.parametrize(
    ("model", "source", "message"),
    [
        ({"window": 4}, {}, r"^train\.experiments\.lifter: window 4 must be odd"),
        ({"window": 1}, {}, "window 1 leaves objective masked nothing to learn from"),
        ({"width": 10}, {}, "width 10 must be a multiple of heads 4"),
        ({"front_end": "images"}, {}, "objective supervised only, not 'masked'"),
        ({}, {"cameras": ["front"]}, r"needs 2 cameras; sources\.rlbench\.cameras has front alone"),
        (
            {"tasks": ["pick_and_lif"]},
            {},
            r"'pick_and_lif' is not in sources\.rlbench\.tasks; .*mean 'pick_and_lift'",
        ),
    ],
)
def test_what_cannot_be_is_named(model: dict, source: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_pose_experiment("lifter", {**MODEL, **model}, {**SOURCE, **source})
