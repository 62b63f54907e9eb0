"""What the rules of captions pass to their commands, from section captions of the configuration.

The number of requests at once and the spend cap change no caption, so they are resources and not
params: changing them runs nothing again.
"""

import os
from collections.abc import Mapping
from typing import Any

from workflow_scripts.captions.estimate_cost import estimate, estimate_requests
from workflow_scripts.config.base import section_json
from workflow_scripts.config.captions import SceneCaptionSettings, ServerCaptionSettings

LIMIT_FLAGS = " --concurrency {resources.openai_calls} --max-cost-usd {resources.max_cost_usd}"


def asks_server(captions: Mapping[str, Any]) -> bool:
    """Return whether captions come from a server."""
    result: bool = captions["backend"] == "openai"
    return result


def needs_key(captions: Mapping[str, Any]) -> bool:
    """Return whether captions come from a server that no address names: OpenAI's wants a key."""
    has_address = captions["base_url"] is not None or os.environ.get("OPENAI_BASE_URL", "").strip()
    return asks_server(captions) and not has_address


def settings_json(captions: Mapping[str, Any]) -> str:
    """Return the settings that captions depend on; a server's only if one is asked."""
    model = ServerCaptionSettings if asks_server(captions) else SceneCaptionSettings
    return section_json(captions, model)


def prompt_files(captions: Mapping[str, Any], *kinds: str) -> list[str]:
    """Return the prompt files of kinds of captions if a server is asked."""
    return [f"{captions['prompts']}/{kind}.txt" for kind in kinds if asks_server(captions)]


def user_files(captions: Mapping[str, Any], *kinds: str) -> list[str]:
    """Return the files that captions of some kinds are made from: prompts, and overrides."""
    overrides = captions["overrides"]
    return [*prompt_files(captions, *kinds), *([] if overrides is None else [overrides])]


def openai_calls(captions: Mapping[str, Any]) -> int:
    """Return how many requests to a server one job makes at once."""
    return captions["concurrency"] if asks_server(captions) else 0


def limit_flags(captions: Mapping[str, Any]) -> str:
    """Return the end of a rule's shell command: the limits of requests if a server is asked."""
    return LIMIT_FLAGS if asks_server(captions) else ""


def cost_message(captions: Mapping[str, Any], num_scenes: int) -> str:
    """Return what the dry run says about the cost of all captions; '' without a server."""
    if not asks_server(captions):
        return ""
    settings = ServerCaptionSettings.parse(
        {name: captions[name] for name in ServerCaptionSettings.model_fields}
    )
    cost = estimate(estimate_requests(num_scenes, settings.kinds), settings)
    return f" (whole workflow: {cost}; cap {captions['max_cost_usd']} USD)"
