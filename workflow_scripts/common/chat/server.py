"""The settings that say which server is asked, how, and for how much money."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ReplyFormat = Literal["json_schema", "json_object", "text"]


@dataclass(frozen=True)
class Server:
    """A server and how it is asked; `section` is the part of the configuration it is set in.

    Attributes:
        section: names the settings in messages: captions, vqa.paraphrase.
        model: model name.
        base_url: address of an OpenAI-compatible server; None: the SDK's default.
        cache: folder of paid replies; whoever shares it pays once and shares the spend cap.
        max_tokens: longest reply.
        temperature: None leaves it to the server (some models take no other value).
        reply_format: json_schema, json_object for servers without schemas, or text.
        max_attempts: times a refused or malformed reply is asked for again, in all.
        max_retries: times a request is repeated after a time-out, 429 or server error.
        timeout_s: longest wait for one reply.
        max_cost_usd: stop when the cache has cost this much; None: no cap.
        input_usd_per_million: price of a million input tokens, for models not in our table.
        output_usd_per_million: price of a million output tokens.
    """

    section: str
    model: str
    base_url: str | None
    cache: Path
    max_tokens: int
    temperature: float | None
    reply_format: ReplyFormat
    max_attempts: int
    max_retries: int
    timeout_s: float
    max_cost_usd: float | None
    input_usd_per_million: float | None
    output_usd_per_million: float | None
