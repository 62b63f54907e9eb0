"""What the rules of questions take from the configuration."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.config import resolved
from workflow_scripts.vqa import rule_params

DEFAULT = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))


def configured(**vqa: Any) -> dict[str, Any]:
    return resolved(DEFAULT | {"vqa": vqa})


def test_exports_are_the_files_of_the_configured_forms() -> None:
    vqa = configured(exports=["sharegpt", "messages"])["vqa"]
    assert rule_params.export_files(vqa) == [
        "results/vqa/train.sharegpt.json",
        "results/vqa/val.sharegpt.json",
        "results/vqa/test.sharegpt.json",
        "results/vqa/dataset/README.md",
        "results/vqa/dataset/train",
        "results/vqa/dataset/val",
        "results/vqa/dataset/test",
    ]


def test_measurements_are_used_where_the_source_or_the_configuration_says_so() -> None:
    for evidence, answers_from, expected in (
        ("auto", "truth", False),
        ("auto", "measured", True),
        ("truth", "measured", False),
        ("measured", "truth", True),
    ):
        vqa = configured(evidence=evidence)["vqa"]
        assert rule_params.uses_measurements(vqa, answers_from) == expected


def test_the_card_lists_what_questions_depend_on_and_nothing_else() -> None:
    config = configured()
    text = rule_params.card_contents(config, ["procthor"], has_houses=True, is_measured=False)
    contents = json.loads(text)
    assert set(contents) == {"seed", "splits", "sources", "depth", "vqa", "views"}
    assert set(contents["sources"]) == {"procthor"}
    assert not {"hub", "exports", "gallery_pictures"} & set(contents["vqa"])
    measured = rule_params.card_contents(config, [], has_houses=False, is_measured=True)
    assert set(json.loads(measured)) == {"seed", "splits", "sources", "depth", "vqa", "pointclouds"}


def test_limits_of_requests_are_no_params_of_paraphrases() -> None:
    assert rule_params.paraphrase_settings(configured()["vqa"]) == ""
    texts = {
        rule_params.paraphrase_settings(configured(paraphrase=limits)["vqa"])
        for limits in ({"concurrency": 2}, {"max_cost_usd": 1.0})
    }
    (text,) = texts
    assert json.loads(text)["model"] == "gpt-4o-mini"


def test_the_cost_grows_with_the_views() -> None:
    assert rule_params.paraphrase_cost_message(configured(), 100) == ""
    config = configured(paraphrase={"splits": ["train", "val", "test"]})
    message = rule_params.paraphrase_cost_message(config, 10)
    assert "whole workflow, at most: about 520 requests" in message
    assert "cap 5.0 USD" in message
