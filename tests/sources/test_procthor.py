"""Source procthor: how houses are sharded, from the generator and from a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.shards import Shard
from workflow_scripts.sources.base import PlanContext
from workflow_scripts.sources.procthor import (
    PROCTHOR_10K_HOUSES,
    ProcthorSettings,
    house_files,
    plan_houses,
    views_per_house,
)

CONTEXT = PlanContext("procthor", {}, Path())


def settings(**values: Any) -> ProcthorSettings:
    return ProcthorSettings.parse(values)


def test_generated_houses_need_no_input() -> None:
    given = settings(num_houses=10, houses_per_shard=4)
    plan = plan_houses(given, CONTEXT)
    assert plan.shards == {"0000": Shard(0, 4), "0001": Shard(4, 8), "0002": Shard(8, 10)}
    assert set(plan.digests.values()) == {""}
    assert house_files(given) == ()


def test_generated_houses_need_a_number() -> None:
    with pytest.raises(UserError, match=r"sources\.procthor\.num_houses: null needs a file"):
        plan_houses(settings(num_houses=None), CONTEXT)


def test_all_houses_of_procthor_10k_are_known_without_loading_them() -> None:
    plan = plan_houses(settings(houses="procthor-10k", num_houses=None), CONTEXT)
    assert list(plan.shards.values())[-1].stop == PROCTHOR_10K_HOUSES
    assert house_files(settings(houses="procthor-10k")) == ()


def test_a_house_more_changes_the_last_shard_only(tmp_path: Path) -> None:
    path = tmp_path / "houses.jsonl"
    path.write_text("".join(json.dumps({"house": number}) + "\n" for number in range(5)))
    given = settings(houses=str(path), num_houses=None, houses_per_shard=2)
    before = plan_houses(given, CONTEXT)
    path.write_text(path.read_text() + '{"house": 5}\n')
    after = plan_houses(given, CONTEXT)
    assert after.shards["0002"] == Shard(4, 6)
    assert [before.digests[name] == after.digests[name] for name in after.shards] == [
        True,
        True,
        False,
    ]
    assert house_files(given) == (str(path),)


def test_fewer_houses_than_the_file_has(tmp_path: Path) -> None:
    path = tmp_path / "houses.jsonl"
    path.write_text('{"house": 1}\n' * 5)
    plan = plan_houses(settings(houses=str(path), num_houses=3, houses_per_shard=2), CONTEXT)
    assert plan.shards == {"0000": Shard(0, 2), "0001": Shard(2, 3)}
    assert len(plan.digests) == 2


def test_views_of_a_house_grow_with_the_policies() -> None:
    few = views_per_house(settings(), {"views": {"policies": {"corner": 1, "random": 0}}})
    many = views_per_house(settings(), {"views": {"policies": {"corner": 2, "random": 1}}})
    assert many == 3 * few > 0
