"""Source rlbench: how episodes are sharded, and which plans cannot be."""

from pathlib import Path
from typing import Any

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.base import PlanContext
from workflow_scripts.sources.rlbench import (
    RlbenchSettings,
    check_episodes,
    plan_episodes,
    recorded_files,
)

CONTEXT = PlanContext("rlbench", {}, Path(__file__).parents[2])
TASKS = ("reach_target", "close_fridge", "take_money_out_safe")


def settings(**changes: Any) -> RlbenchSettings:
    values = {"tasks": list(TASKS), "episodes_per_task": 10, "episodes_per_shard": "auto"}
    return RlbenchSettings.parse({**values, "cameras": ["front"], **changes})


def test_shards_hold_all_episodes_once() -> None:
    plan = plan_episodes(settings(), CONTEXT)
    assert sum(shard.stop - shard.start for shard in plan.shards.values()) == 30
    assert list(plan.shards) == list(plan.digests)
    assert not recorded_files(settings())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ["reach_moon"]}, r"sources\.rlbench\.tasks: unknown RLBench task 'reach_moon'"),
        ({"tasks": []}, r"tasks: empty; name at least one"),
        ({"tasks": ["open_fridge"]}, "tasks: backend mujoco does not simulate.*'close_fridge'"),
        ({"variations": [0, 30]}, r"variations: reach_target has no variation 30; its last is 19"),
        ({"variations": [0, 2]}, r"variations: close_fridge has no variation 2; its last is 0"),
        ({"cameras": ["side"]}, r"cameras\.0: 'side' is not allowed; allowed: .*left_shoulder"),
        ({"backend": "dataset"}, "backend dataset needs a folder or tar"),
        ({"backend": "dataset", "dataset": "no.tar"}, "no such folder or tar"),
    ],
)
def test_a_plan_that_cannot_be_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):  # noqa: PT012
        given = settings(**changes)
        check_episodes(given, CONTEXT)
        plan_episodes(given, CONTEXT)
