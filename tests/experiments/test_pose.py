"""Pose experiments that cannot run are named before anything is simulated for them."""

from typing import Any

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.experiments import EXPERIMENT_KINDS
from workflow_scripts.experiments.base import WorkflowContext
from workflow_scripts.experiments.enabled import enabled_experiments

MODEL = {"kind": "pose", "tasks": ["reach_target"], "front_end": "noise", "objective": "masked"}
SOURCE = {"tasks": ["reach_target", "pick_and_lift"], "cameras": ["front", "overhead"]}


def check(model: dict[str, Any], source: dict[str, Any]) -> None:
    context = WorkflowContext(
        config={"train": {"experiments": {"lifter": model}}, "sources": {"rlbench": source}},
        shards={"rlbench": ("0000",)},
        scene_kinds={"rlbench": "episode"},
    )
    assert set(enabled_experiments(context, EXPERIMENT_KINDS, warn=pytest.fail)) == {"lifter"}


def test_what_can_be_is_let_through() -> None:
    check(MODEL, SOURCE)
    check({**MODEL, "tasks": []}, SOURCE)
    check({**MODEL, "tasks": ["open_box"]}, {**SOURCE, "tasks": []})


@pytest.mark.parametrize(
    ("model", "source", "message"),
    [
        ({"window": 4}, {}, r"window 4 must be odd"),
        ({"window": 1}, {}, "window 1 leaves objective masked nothing to learn from"),
        ({"width": 10}, {}, "width 10 must be a multiple of heads 4"),
        ({"front_end": "images"}, {}, "objective supervised only, not 'masked'"),
        (
            {},
            {"cameras": ["front"]},
            r"^train\.experiments\.lifter: .*needs 2 cameras; sources\.rlbench\.cameras has "
            "front alone",
        ),
        (
            {"tasks": ["pick_and_lif"]},
            {},
            r"'pick_and_lif' is not in sources\.rlbench\.tasks; .*mean 'pick_and_lift'",
        ),
    ],
)
def test_what_cannot_be_is_named(
    model: dict[str, Any], source: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        check({**MODEL, **model}, {**SOURCE, **source})


def test_experiments_without_their_source_are_left_out_and_named() -> None:
    experiments = {"lifter": MODEL, "tiny": {"kind": "vlm"}, "off": None}
    context = WorkflowContext(
        config={"train": {"experiments": experiments}, "sources": {}},
        shards={"procthor": ("0000",)},
        scene_kinds={"procthor": "house"},
    )
    warnings: list[str] = []
    assert set(enabled_experiments(context, EXPERIMENT_KINDS, warn=warnings.append)) == {"tiny"}
    assert warnings == [
        "train.experiments: lifter off: kind pose needs demonstrations; give sources.rlbench its "
        "settings"
    ]
