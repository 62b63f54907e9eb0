"""An episode that fails, at whichever step, leaves nothing of itself in the shard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testing.ball_demonstrator import BallDemonstrator, episode
from workflow_scripts.common.demonstration_shard import Demonstration
from workflow_scripts.common.records import Episode
from workflow_scripts.views import demonstration_shard
from workflow_scripts.views.demonstration_shard import DemonstrationRows, record_episodes

SETTINGS: dict[str, Any] = {
    "cameras": ("front", "overhead"),
    "size_px": 32,
    "max_steps": 50,
    "max_attempts": 1,
    "dataset": None,
}


def recorded(folder: Path, numbers: list[int]) -> DemonstrationRows:
    rows = DemonstrationRows(folder)
    with BallDemonstrator(**SETTINGS) as demonstrator:
        record_episodes([episode(number=number) for number in numbers], demonstrator, rows)
    return rows


@pytest.mark.parametrize("broken", [0, 1])
def test_an_episode_that_breaks_halfway_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    wanted = recorded(tmp_path, [number for number in range(3) if number != broken])
    whole = demonstration_shard._step_row

    def step_row(row: Episode, demonstration: Demonstration, step: int) -> Any:
        if row.episode == broken and step == 2:
            raise FloatingPointError("the arm left the table")
        return whole(row, demonstration, step)

    monkeypatch.setattr(demonstration_shard, "_step_row", step_row)
    rows = recorded(tmp_path, [0, 1, 2])
    assert [row.reason for row in rows.skipped] == ["FloatingPointError: the arm left the table"]
    assert rows.episodes == wanted.episodes
    assert rows.views == wanted.views
    assert rows.steps == wanted.steps
    assert [row.model_dump(exclude={"fraction_visible"}) for row in rows.visibility] == [
        row.model_dump(exclude={"fraction_visible"}) for row in wanted.visibility
    ]
    for name, values in wanted.arrays().items():
        np.testing.assert_array_equal(rows.arrays()[name], values)
    for made in (rows, wanted):
        made.close()


def test_a_shard_in_which_every_episode_breaks_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step_row(*_: object) -> None:
        raise FloatingPointError("the arm left the table")

    monkeypatch.setattr(demonstration_shard, "_step_row", step_row)
    with pytest.raises(FloatingPointError):
        recorded(tmp_path, [0, 1])
