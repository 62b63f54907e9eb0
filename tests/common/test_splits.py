"""Small groups are assigned to splits fairly, and none changes its split when others are added."""

from collections import Counter

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.splits import assign_balanced_split

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


@pytest.mark.parametrize("group", ["a", "b", "7|reach_target"])
def test_every_ten_hold_the_shares_exactly(group: str) -> None:
    for block in range(0, 300, 10):
        found = Counter(assign_balanced_split(group, n, SHARES) for n in range(block, block + 10))
        assert found == {"train": 7, "val": 1, "test": 2}


def test_the_published_study_s_shares_come_out_exactly() -> None:
    shares = {"train": 0.8, "val": 0.0, "test": 0.2}
    found = Counter(assign_balanced_split("study", n, shares) for n in range(300))
    assert found == {"train": 240, "test": 60}


@pytest.mark.parametrize("count", range(4, 10))
def test_the_first_few_are_as_near_as_can_be(count: int) -> None:
    for group in map(str, range(40)):
        found = Counter(assign_balanced_split(group, n, SHARES) for n in range(count))
        for split, share in SHARES.items():
            assert abs(found[split] - share * count) < 1.5


def test_groups_are_dealt_differently_and_shares_need_not_divide() -> None:
    rows = {tuple(assign_balanced_split(str(g), n, SHARES) for n in range(10)) for g in range(50)}
    assert len(rows) > 5
    shares = {"train": 0.62, "val": 0.13, "test": 0.25}
    found = Counter(assign_balanced_split("x", n, shares) for n in range(2000))
    for split, share in shares.items():
        assert found[split] / 2000 == pytest.approx(share, abs=0.04)


def test_shares_that_are_none_are_refused() -> None:
    with pytest.raises(UserError, match="must be fractions"):
        assign_balanced_split("x", 0, {"train": 0.9, "test": 0.2})
