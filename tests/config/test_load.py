"""Configurations are checked, completed, and refused with file, line, key, value and fix."""

import json
from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from tests.config import MODEL, resolved
from workflow_scripts.common.errors import UserError
from workflow_scripts.config import renamed
from workflow_scripts.config.base import section_json
from workflow_scripts.config.depth import EstimatorSettings
from workflow_scripts.config.load import load_config

ROOT = Path(__file__).parents[2]


def config(**changes: object) -> dict:
    return {**yaml.safe_load((ROOT / "config.yaml").read_text()), **changes}


def test_shipped_configuration_is_complete_and_valid() -> None:
    assert resolved(config())["views"]["policies"]["panorama"] == 0


def test_defaults_fill_what_a_short_configuration_leaves_out() -> None:
    filled = resolved({"seed": 1, "sources": {"procthor": {}}, "train": {"experiments": {"a": {}}}})
    assert filled["sources"]["procthor"]["houses"] == "generate"
    assert filled["train"]["experiments"]["a"]["lora"]["r"] == 16


def test_the_home_folder_is_expanded_in_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/users/me")
    photos = dict.fromkeys(("photos", "depth", "intrinsics", "masks"), "~/x")
    models = {"localise": {"model": "~/x", "mask_model": "~/x"}, "filter": {"model": "~/x"}}
    benchmark = {"format": "vsi-bench", "path": "~/x", "images": "~/x"}
    filled = resolved(
        config(
            sources={
                "procthor": {"houses": "~/x"},
                "rlbench": {"dataset": "~/x"},
                "images": {**photos, **models, "ignore_folders": ["~/x"]},
            },
            depth={"model": "~/x"},
            captions={"prompts": "~/x", "cache": "~/x", "overrides": "~/x"},
            vqa={"paraphrase": {"prompt": "~/x", "cache": "~/x"}},
            train={
                "experiments": {
                    "a": {"base": "~/x"},
                    "b": {"kind": "api", "model": "m", "cache": "~/x"},
                }
            },
            evaluate={"benchmarks": {"b": benchmark}},
        )
    )
    text = json.dumps(filled)
    assert "~" not in text
    assert text.count('"/users/me/x"') == 20


def test_settings_of_a_rule_hold_no_wildcards() -> None:
    estimator = EstimatorSettings(model='a "{shard}" \\ {}')
    text = section_json(estimator, EstimatorSettings)
    assert "{shard}" not in text
    assert json.loads(text) == estimator.model_dump()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"view": {}}, r"view: unknown key; .*did you mean 'views'"),
        ({"views": {"widht_px": 3}}, r"views\.widht_px: unknown key; .*'width_px'"),
        ({"views": {"backend": "pathtracer"}}, r"views\.backend: 'pathtracer'.*'pathtrace'"),
        ({"views": {"width_px": "big"}}, r"views\.width_px: 'big' must be an integer"),
        ({"views": {"width_px": 0}}, r"views\.width_px: 0 is less than the minimum"),
        ({"views": {"vertical_fov_deg": 180}}, r"views\.vertical_fov_deg"),
        ({"sources": {"procthor": {"num_houses": 0}}}, r"sources\.procthor\.num_houses: 0"),
        ({"sources": {}}, r"sources: "),
        ({"train": {"experiments": {"Bad Name": {}}}}, r"Bad Name"),
    ],
)
def test_mistakes_are_named_with_the_nearest_valid_key(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolved(config(**changes))


def test_every_problem_is_listed_and_every_key_described() -> None:
    with pytest.raises(UserError) as caught:
        resolved(config(view={}, dept={}))
    assert str(caught.value).count("unknown key") == 2

    def undescribed(rule: dict, name: str) -> list[str]:
        missing = [] if "description" in rule else [name]
        for key, child in rule.get("properties", {}).items():
            missing += undescribed(child, f"{name}.{key}")
        return missing

    schema = yaml.safe_load((ROOT / "rules/schemas/config.schema.yaml").read_text())
    assert undescribed(schema, "config") == []


def from_command_line(*words: str) -> dict:
    """Return the configuration as Snakemake hands it over after `--config` with such words."""
    found = config()
    update_config(found, parse_config(words))
    return resolved(found)


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
        resolved(config(sources={"procthor": {"num_houses": value}}))


def test_whole_floats_and_texts_are_integers_where_integers_belong() -> None:
    views = {"width_px": 64.0, "height_px": "1e3", "policies": {"corner": "4.0"}}
    found = resolved(config(views=views))["views"]
    assert (found["width_px"], found["height_px"], found["policies"]["corner"]) == (64, 1000, 4)
    assert type(found["width_px"]) is int
    variations = {"variations": ["1", 2.0], "episodes_per_shard": "16"}
    found = resolved(config(sources={"rlbench": variations}))["sources"]["rlbench"]
    assert (found["variations"], found["episodes_per_shard"]) == ([1, 2], 16)


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ({"width_px": 64.5}, r"views\.width_px: 64\.5 must be an integer"),
        ({"width_px": True}, r"views\.width_px: True must be an integer"),
        ({"width_px": None}, r"views\.width_px: None must be an integer"),
        ({"vertical_fov_deg": float("inf")}, r"vertical_fov_deg: inf is not a finite number"),
        ({"width_px": float("nan")}, r"views\.width_px: nan is not a finite number"),
        ({"preset": True}, r"views\.preset: True must be"),
        ({"policies": 3}, r"views\.policies: 3 must be a group of keys"),
        # As --config gives it: text inside braces.
        ({"width_px": "0"}, r"views\.width_px: 0 is less than the minimum of 16"),
    ],
)
def test_other_types_are_refused(views: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolved(config(views=views))


def test_an_empty_list_is_explained_in_words() -> None:
    with pytest.raises(UserError, match=r"vqa\.forms: \[\] must have at least 1 entry"):
        resolved(config(vqa={"forms": []}))


def test_a_word_or_a_number_is_explained_once() -> None:
    with pytest.raises(UserError) as caught:
        resolved(config(sources={"procthor": {"houses_per_shard": 0}}))
    assert str(caught.value).count("houses_per_shard") == 1
    assert "0 is less than the minimum of 1" in str(caught.value)
    with pytest.raises(UserError, match=r"houses_per_shard: 'few' must be 'auto' or an integer"):
        resolved(config(sources={"procthor": {"houses_per_shard": "few"}}))


def loaded(tmp_path: Path, *texts: str, command_line: dict | None = None) -> dict:
    """Return the configuration of files on top of each other, as Snakemake merges them."""
    files, merged = [], {"sources": {"procthor": {}}, "train": {"experiments": {"a": {}}}}
    for number, text in enumerate(texts):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(text)
        update_config(merged, yaml.safe_load(text))
    update_config(merged, command_line or {})
    found = load_config(merged, MODEL, files=files, command_line=command_line)
    return found.model_dump(mode="json")


def test_mistakes_are_told_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(
            tmp_path,
            "seed: 1\nviews:\n  width_px: 9\n  preset: high\n",
            "views:\n  preset: hihg\nvqa: {margn_m: 1}\n",
            command_line={"depth": {"batch_size": 0}},
        )
    lines = str(caught.value).splitlines()
    assert lines[1:] == [
        "  --config: depth.batch_size: 0 is less than the minimum of 1 (images at a time)",
        f"  {tmp_path}/1.yaml:2: views.preset: 'hihg' is not allowed; allowed: default, draft, "
        "high, reference, shared; did you mean 'high'?",
        f"  {tmp_path}/0.yaml:3: views.width_px: 9 is less than the minimum of 16 (image width)",
        f"  {tmp_path}/1.yaml:3: vqa.margn_m: unknown key; {lines[4].partition('key; ')[2]}",
    ]
    assert lines[4].endswith("did you mean 'margin_m'?")


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = r"0\.yaml:3: views\.width_px: stands twice, first on line 2; keep one"
    with pytest.raises(UserError, match=message):
        loaded(tmp_path, "views:\n  width_px: 64\n  width_px: 32\n")


@pytest.mark.parametrize(("name", "value"), [("on", "bool True"), ("2024", "int 2024")])
def test_names_that_yaml_does_not_read_as_text_must_be_quoted(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(UserError, match=f"0.yaml:1: train.experiments.{name}: YAML reads the name"):
        loaded(tmp_path, f"train: {{experiments: {{{name}: {{}}}}}}\n")
    with pytest.raises(UserError, match=f'as {value}; write it in quotes: "{name}"'):
        loaded(tmp_path, f"train: {{experiments: {{{name}: {{}}}}}}\n")
    found = loaded(tmp_path, f'train: {{experiments: {{"{name}": {{}}}}}}\n')
    assert list(found["train"]["experiments"]) == ["a", name]


def test_renamed_keys_are_refused_with_the_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "RENAMED", {"train.experiments.*.epochs": "steps"})
    with pytest.raises(UserError, match=r"experiments\.a\.epochs: unknown key; it is now steps"):
        resolved(config(train={"experiments": {"a": {"epochs": 3}}}))


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ({"kind": "pose", "window": 4}, r"experiments\.a: window 4 must be odd"),
        (
            {"kind": "poze"},
            r"experiments\.a\.kind: 'poze' is not allowed; allowed: api, pose, .*vlm",
        ),
        ({"kind": "pose", "lora": {}}, r"experiments\.a\.lora: unknown key"),
        ({"lora": {"rank": 3}}, r"experiments\.a\.lora\.rank: unknown key; .*allowed: alpha"),
        (5, r"train\.experiments\.a: 5 must be a group of keys"),
    ],
)
def test_an_experiment_is_checked_as_its_kind(experiment: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolved(config(train={"experiments": {"a": experiment}}))


def test_splits_sum_to_one_and_half_a_price_is_named() -> None:
    with pytest.raises(UserError, match=r"splits: .* sum to 1, not 1\.1"):
        resolved(config(splits={"train": 0.8, "val": 0.1, "test": 0.2}))


@pytest.mark.parametrize("name", ["base", "benchmarks"])
def test_an_experiment_has_no_name_of_a_folder_of_results(name: str) -> None:
    with pytest.raises(UserError, match=rf"train\.experiments: '{name}' is not allowed"):
        resolved(config(train={"experiments": {name: {"kind": "vlm"}}}))
