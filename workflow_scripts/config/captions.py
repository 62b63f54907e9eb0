"""Settings of stage captions."""

from typing import Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, UniqueList, UserPath
from workflow_scripts.config.server import RequestLimits, ServerSettings

CaptionKind = Literal["room", "top_down", "asset"]


class SceneCaptionSettings(Settings):
    """What captions depend on with every backend."""

    backend: Literal["scene", "openai"] = Field(
        "scene",
        description="scene writes from the scene's own metadata; openai asks an OpenAI-compatible "
        "server",
    )
    kinds: UniqueList[CaptionKind] = Field(
        ("room", "top_down", "asset"), description="which captions are written"
    )
    max_failed_fraction: float = Field(
        0.2,
        ge=0,
        le=1,
        description="a job fails if more than this fraction of its captions failed",
    )
    overrides: UserPath | None = Field(
        None, description="JSONL file of captions that replace generated ones; null: none"
    )


class ServerCaptionSettings(SceneCaptionSettings, ServerSettings):
    """What captions of backend openai depend on."""

    model: str = Field("gpt-4o", description="model name for openai")
    max_image_px: int = Field(
        512, ge=64, le=4096, description="images are shrunk to this longest side"
    )
    max_attempts: int = Field(
        3,
        ge=1,
        le=10,
        description="times a caption is asked for, in all, while replies are refused or malformed",
    )
    prompts: UserPath = Field(
        "workflow_scripts/captions/prompts",
        description="folder with room.txt, top_down.txt and asset.txt",
    )
    cache: UserPath = Field(
        "results/captions/cache",
        description="folder of paid replies; nothing in it is paid twice",
    )


class CaptionsSettings(ServerCaptionSettings, RequestLimits):
    """Who writes captions."""
