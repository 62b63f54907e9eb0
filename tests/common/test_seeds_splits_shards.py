"""Seeds, splits, shards, backends, marks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.common import backend_registry, image_marks, seeds, shards, splits
from workflow_scripts.common.errors import UserError

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


def test_generators_depend_on_every_key_and_nothing_else() -> None:
    draws = {
        keys: seeds.rng(*keys).integers(2**60)
        for keys in [(7, "a", 1), (8, "a", 1), (7, "a1"), (7, "b", 1), (7, "a", "1", "")]
    }
    assert len(set(draws.values())) == len(draws)
    assert seeds.rng(7, "a", 1).integers(2**60) == draws[(7, "a", 1)]


def test_split_shares_are_met_and_stable() -> None:
    names = [splits.assign_split(f"house-{index}", SHARES) for index in range(5000)]
    for split, share in SHARES.items():
        assert names.count(split) / 5000 == pytest.approx(share, abs=0.02)
    assert names[17] == splits.assign_split("house-17", SHARES)


def test_content_hash_ignores_key_order_only() -> None:
    assert splits.content_hash({"a": 1, "b": 2}) == splits.content_hash({"b": 2, "a": 1})
    assert splits.content_hash({"a": 1}) != splits.content_hash({"a": 2})


def test_splits_must_sum_to_one() -> None:
    with pytest.raises(UserError, match=r"sum to 1, not 0\.9"):
        splits.assign_split("x", {"train": 0.5, "val": 0.4})


@given(st.integers(1, 20000), st.integers(1, 300))
def test_shards_cover_every_house_once(num_houses: int, size: int) -> None:
    shards_by_name = shards.assign_shards(num_houses, size)
    covered = [
        index for shard in shards_by_name.values() for index in range(shard.start, shard.stop)
    ]
    assert covered == list(range(num_houses))


@given(st.integers(1, 300))
def test_one_more_house_changes_the_last_shard_only(num_houses: int) -> None:
    before, after = shards.assign_shards(num_houses, 8), shards.assign_shards(num_houses + 1, 8)
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {list(after)[-1]}


def test_ten_thousand_houses_are_few_shards() -> None:
    size = shards.scenes_per_shard(10_000, "auto")
    assert len(shards.assign_shards(10_000, size)) <= shards.MAX_SHARDS
    assert shards.scenes_per_shard(40, "auto") == shards.MIN_SCENES_PER_SHARD
    assert shards.scenes_per_shard(10_000, 50) == 50


def test_unknown_backend_says_what_was_meant_and_missing_package_what_to_do() -> None:
    table = {"pathtrace": "no.such.module:X", "ai2thor": "json:loads"}
    with pytest.raises(UserError, match="did you mean 'pathtrace'"):
        backend_registry.load_backend("pathtracer", table, kind="view")
    with pytest.raises(UserError, match=r"cannot be imported.*no"):
        backend_registry.load_backend("pathtrace", table, kind="view")
    assert backend_registry.load_backend("ai2thor", table, kind="view")("1") == 1


def test_mark_covers_its_pixel_and_keeps_the_rest() -> None:
    grey = np.full((100, 100, 3), 90, dtype=np.uint8)
    marked = image_marks.draw_marks(grey, [("red", (30.5, 40.5)), ("blue", (70.5, 40.5))])
    assert tuple(marked[40, 30]) == image_marks.MARK_COLOURS["red"]
    assert tuple(marked[40, 70]) == image_marks.MARK_COLOURS["blue"]
    rows, columns = np.nonzero((marked != grey).any(axis=-1))
    assert columns.min() >= 30 - 5
    assert columns[columns < 50].mean() + 0.5 == pytest.approx(30.5)
    assert rows.mean() + 0.5 == pytest.approx(40.5)


def test_mark_lies_inside_a_concave_mask() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[5:55, 5:15] = mask[45:55, 5:55] = mask[5:15, 5:55] = True  # a C: its mean is outside
    u, v = image_marks.mark_pixel(mask)
    assert mask[int(v), int(u)]
