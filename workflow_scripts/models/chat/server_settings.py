"""The flags that say which server is asked, how, and for how much money."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

ReplyFormat = Literal["json_schema", "json_object", "text"]


@dataclass(frozen=True)
class ServerSettings:
    """A server and how it is asked; a stage's options are this and what else the stage needs.

    Attributes:
        section: names the settings in messages: captions, vqa.paraphrase.
        model: model name.
        base_url: address of an OpenAI-compatible server; None: the SDK's default.
        cache: folder of paid replies; whoever shares it pays once and shares the spend cap.
        max_tokens: longest reply.
        temperature: None leaves it to the server (some models take no other value).
        reply_format: json_schema, json_object for servers without schemas, or text.
        concurrency: requests under way at once.
        max_attempts: times a refused, malformed or rejected reply is asked for again, in all.
        max_retries: times a request is repeated after a time-out, 429 or server error.
        timeout_s: longest wait for one reply.
        max_failed_share: it is an error if more than this share of requests gets no reply.
        max_cost_usd: stop when the cache has cost this much; None: no cap.
        input_usd_per_million: price of a million input tokens, for models not in our table.
        output_usd_per_million: price of a million output tokens.
    """

    section: ClassVar[str]

    model: str
    cache: Path
    base_url: str | None = None
    max_tokens: int = 300
    temperature: float | None = 0.2
    reply_format: ReplyFormat = "json_schema"
    concurrency: int = 4
    max_attempts: int = 3
    max_retries: int = 6
    timeout_s: float = 60.0
    max_failed_share: float = 0.2
    max_cost_usd: float | None = 5.0
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
