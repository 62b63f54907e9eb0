"""Seeds, splits, shards, backends, marks, configuration."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.cli import parse_config
from snakemake.utils import update_config

from workflow_scripts.common import backend_registry, marks, seeds, shards, splits
from workflow_scripts.common.config import checked
from workflow_scripts.common.errors import UserError

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "rules/schemas/config.schema.yaml"
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


def config(**changes: object) -> dict:
    return {**yaml.safe_load((ROOT / "config.yaml").read_text()), **changes}


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
    marked = marks.draw_marks(grey, [("red", (30.5, 40.5)), ("blue", (70.5, 40.5))])
    assert tuple(marked[40, 30]) == marks.MARK_COLOURS["red"]
    assert tuple(marked[40, 70]) == marks.MARK_COLOURS["blue"]
    rows, columns = np.nonzero((marked != grey).any(axis=-1))
    assert columns.min() >= 30 - 5
    assert columns[columns < 50].mean() + 0.5 == pytest.approx(30.5)
    assert rows.mean() + 0.5 == pytest.approx(40.5)


def test_mark_lies_inside_a_concave_mask() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[5:55, 5:15] = mask[45:55, 5:55] = mask[5:15, 5:55] = True  # a C: its mean is outside
    u, v = marks.mark_pixel(mask)
    assert mask[int(v), int(u)]


def test_shipped_configuration_is_complete_and_valid() -> None:
    assert checked(config(), SCHEMA)["views"]["policies"]["panorama"] == 0


def test_defaults_fill_what_a_short_configuration_leaves_out() -> None:
    filled = checked(
        {"seed": 1, "sources": {"procthor": {}}, "train": {"experiments": {"a": {}}}}, SCHEMA
    )
    assert filled["sources"]["procthor"]["houses"] == "generate"
    assert filled["train"]["experiments"]["a"]["lora"]["r"] == 16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view": {}}, r"view: unknown key; .*did you mean 'views'"),
        ({"views": {"widht_px": 3}}, r"views\.widht_px: unknown key; .*'width_px'"),
        ({"views": {"backend": "pathtracer"}}, r"views\.backend: 'pathtracer'.*'pathtrace'"),
        ({"views": {"width_px": "big"}}, r"views\.width_px: 'big' must be of type integer"),
        ({"views": {"width_px": 0}}, r"views\.width_px: 0 is less than the minimum"),
        ({"views": {"vertical_fov_deg": 180}}, r"views\.vertical_fov_deg"),
        ({"sources": {"procthor": {"num_houses": 0}}}, r"sources\.procthor\.num_houses: 0"),
        ({"sources": {}}, r"sources: "),
        ({"train": {"experiments": {"Bad Name": {}}}}, r"Bad Name"),
    ],
)
def test_mistakes_are_named_with_the_nearest_valid_key(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        checked(config(**changes), SCHEMA)


def test_every_problem_is_listed_and_every_key_described() -> None:
    with pytest.raises(UserError) as caught:
        checked(config(view={}, dept={}), SCHEMA)
    assert str(caught.value).count("unknown key") == 2

    def keys_without_description(rule: dict, name: str) -> list[str]:
        missing = [] if "description" in rule else [name]
        for key, child in rule.get("properties", {}).items():
            missing += keys_without_description(child, f"{name}.{key}")
        return missing

    assert keys_without_description(yaml.safe_load(SCHEMA.read_text()), "config") == []


def from_command_line(*words: str) -> dict:
    """Return the configuration as Snakemake hands it over after `--config` with such words."""
    found = config()
    update_config(found, parse_config(words))
    return checked(found, SCHEMA)


def test_numbers_and_null_in_braces_on_the_command_line_are_no_text() -> None:
    found = from_command_line(
        "sources={procthor: {num_houses: 40}, rlbench: null}",
        "vqa={multiple_choice: false, margin_m: 0.2}",
        "train={experiments: {lifter: {steps: 5, learning_rate: 1e-3, noise: {multiplier: 2}}}}",
        "captions={model: gpt-4o}",
    )
    assert found["sources"]["procthor"]["num_houses"] == 40
    assert found["sources"]["rlbench"] is None
    assert (found["vqa"]["multiple_choice"], found["vqa"]["margin_m"]) == (False, 0.2)
    lifter = found["train"]["experiments"]["lifter"]
    assert (lifter["steps"], lifter["learning_rate"], lifter["noise"]["multiplier"]) == (5, 1e-3, 2)
    assert found["captions"]["model"] == "gpt-4o"


@pytest.mark.parametrize("value", ["many", "40 houses", "[40"])
def test_other_text_for_a_number_is_named(value: str) -> None:
    with pytest.raises(UserError, match=r"sources\.procthor\.num_houses: "):
        checked(config(sources={"procthor": {"num_houses": value}}), SCHEMA)
