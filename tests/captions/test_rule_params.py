"""What the rules of captions pass to their commands, from the resolved configuration."""

import json

import pytest

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


def test_a_key_is_needed_where_no_address_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    server = {"backend": "openai", "base_url": None}
    assert rule_params.needs_key(server)
    assert not rule_params.needs_key({**server, "backend": "scene"})
    assert not rule_params.needs_key({**server, "base_url": "http://localhost:8000/v1"})
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert not rule_params.needs_key(server)
