"""What the rules of captions pass to their commands, from the resolved configuration."""

import json

from workflow_scripts.captions import rule_params
from workflow_scripts.config.captions import CaptionsSettings

SCENE = CaptionsSettings().model_dump(mode="json")
SERVER = CaptionsSettings(backend="openai", concurrency=3).model_dump(mode="json")


def test_without_a_server_nothing_of_a_server_is_passed() -> None:
    settings = json.loads(rule_params.settings_json(SCENE))
    assert sorted(settings) == ["backend", "kinds", "max_failed_fraction", "overrides"]
    assert rule_params.prompt_files(SCENE, "room", "asset") == []
    assert rule_params.openai_calls(SCENE) == 0
    assert rule_params.limit_flags(SCENE) == ""
    assert rule_params.cost_message(SCENE, 10) == ""


def test_limits_of_requests_are_resources_and_not_settings() -> None:
    settings = json.loads(rule_params.settings_json(SERVER))
    assert settings["model"] == "gpt-4o"
    assert not {"concurrency", "max_cost_usd"} & set(settings)
    assert rule_params.prompt_files(SERVER, "asset") == [
        "workflow_scripts/captions/prompts/asset.txt"
    ]
    assert rule_params.openai_calls(SERVER) == 3
    assert "{resources.openai_calls}" in rule_params.limit_flags(SERVER)
    message = rule_params.cost_message(SERVER, 10)
    assert "about 460 requests" in message
    assert "cap 5.0 USD" in message
