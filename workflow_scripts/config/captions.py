"""Settings of stage captions."""

from typing import Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, UniqueList
from workflow_scripts.config.server import PriceSettings, RequestLimits

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
    max_failed_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="a job fails when more than this share of its captions could not be had",
    )
    overrides: str | None = Field(None, description="JSONL file whose captions win")


class ServerCaptionSettings(SceneCaptionSettings, PriceSettings):
    """What captions of backend openai depend on."""

    model: str = Field("gpt-4o", description="model name for openai")
    base_url: str | None = Field(
        None, description="address of an OpenAI-compatible server; null: the SDK's default"
    )
    max_image_px: int = Field(
        512, ge=64, le=4096, description="images are shrunk to this longest side"
    )
    max_tokens: int = Field(300, ge=16, description="longest reply of a server in tokens")
    temperature: float | None = Field(
        0.2,
        ge=0,
        le=2,
        description="randomness of a server's replies; null leaves it to the server, as some "
        "models demand",
    )
    reply_format: Literal["json_schema", "json_object", "text"] = Field(
        "json_schema",
        description="how a server is asked to answer; json_object and text are for servers "
        "without JSON schemas",
    )
    max_attempts: int = Field(
        3,
        ge=1,
        le=10,
        description="times a caption is asked for, in all, while replies are refused or malformed",
    )
    prompts: str = Field(
        "workflow_scripts/captions/prompts",
        description="folder with room.txt, top_down.txt and asset.txt",
    )
    cache: str = Field(
        "results/captions/cache",
        description="folder of paid replies; nothing in it is paid twice",
    )


class CaptionsSettings(ServerCaptionSettings, RequestLimits):
    """Who writes captions."""
