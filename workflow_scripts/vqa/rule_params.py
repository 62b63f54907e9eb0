"""What the rules of questions take from the configuration: paths, params and messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.common.records import SPLITS
from workflow_scripts.config.base import section_json, without_wildcards
from workflow_scripts.config.vqa import ParaphraseRequestSettings
from workflow_scripts.vqa.paraphrase.estimate import estimate

EXPORTS = {
    "messages": ("results/vqa/dataset/README.md", "results/vqa/dataset/{split}"),
    "sharegpt": ("results/vqa/{split}.sharegpt.json",),
    "regions": ("results/vqa/{split}.regions.json",),
}
# Settings of section vqa that no question depends on.
_NOT_OF_QUESTIONS = ("exports", "hub", "gallery_pictures", "asset_phrases")


def export_files(vqa: Mapping[str, Any]) -> list[str]:
    """Return the files of the forms in which questions are exported."""
    return [
        path
        for form in vqa["exports"]
        for pattern in EXPORTS[form]
        for path in dict.fromkeys(pattern.format(split=split) for split in SPLITS)
    ]


def uses_measurements(vqa: Mapping[str, Any], answers_from: str) -> bool:
    """Say whether answers rest on measurements; `answers_from` is what the source has."""
    return (answers_from if vqa["evidence"] == "auto" else vqa["evidence"]) == "measured"


def card_contents(
    config: Mapping[str, Any], sources: Sequence[str], *, has_houses: bool, is_measured: bool
) -> str:
    """Return as JSON the settings that questions depend on, for the data set's card to list."""
    contents = {
        "seed": config["seed"],
        "splits": config["splits"],
        "sources": {name: config["sources"][name] for name in sources},
        "depth": config["depth"],
        "vqa": {key: value for key, value in config["vqa"].items() if key not in _NOT_OF_QUESTIONS},
    }
    if has_houses:
        # Only houses are rendered from views that settings choose.
        contents["views"] = config["views"]
    if is_measured:
        contents["pointclouds"] = config["pointclouds"]
    return without_wildcards(json.dumps(contents, sort_keys=True))


def paraphrase_settings(vqa: Mapping[str, Any]) -> str:
    """Return the settings that paraphrases depend on, as JSON; '' where they are off.

    The number of requests at once and the spend cap are not among them: they change no reply.
    """
    paraphrase = vqa["paraphrase"]
    return section_json(paraphrase, ParaphraseRequestSettings) if paraphrase else ""


def paraphrase_setting(vqa: Mapping[str, Any], name: str, without: Any) -> Any:
    """Return a setting of paraphrases, or `without` where they are off."""
    return vqa["paraphrase"][name] if vqa["paraphrase"] else without


def paraphrase_cost_message(config: Mapping[str, Any], num_views: float) -> str:
    """Return what the dry run says about the cost of all paraphrases; '' where they are off."""
    vqa = config["vqa"]
    if not vqa["paraphrase"]:
        return ""
    settings = ParaphraseRequestSettings.parse(json.loads(paraphrase_settings(vqa)))
    share = settings.share * sum(config["splits"][split] for split in settings.splits)
    per_view = vqa["questions_per_view"] + vqa["questions_per_pair"]
    cost = estimate(round(num_views * share * per_view), settings)
    cap = vqa["paraphrase"]["max_cost_usd"]
    return f" (whole workflow, at most: {cost}; cap {cap} USD)"
