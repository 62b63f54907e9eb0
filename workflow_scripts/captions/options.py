"""The flags that both caption commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PROMPTS = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Options:
    """Who writes captions, and how.

    Attributes:
        backend: scene writes from the scene's own metadata; openai asks a server.
        seed: chooses among equivalent wordings (scene).
        overrides: JSONL file whose captions win over every backend.
        max_failed_share: it is an error if more than this share of requests has no caption.
        prompts: folder of room.txt, top_down.txt and asset.txt (openai and below).
        model: model name.
        base_url: address of an OpenAI-compatible server; None: the SDK's default.
        cache: folder of paid replies; whoever shares it pays once and shares the spend cap.
        max_image_px: images are shrunk to this longest side.
        max_tokens: longest reply.
        temperature: None leaves it to the server (some models take no other value).
        reply_format: json_schema, json_object for servers without schemas, or text.
        concurrency: requests under way at once.
        max_attempts: times a refused or malformed reply is asked for again, in all.
        max_retries: times a request is repeated after a time-out, 429 or server error.
        timeout_s: longest wait for one reply.
        max_cost_usd: stop when the cache has cost this much; None: no cap.
        input_usd_per_million: price of a million input tokens, for models not in our table.
        output_usd_per_million: price of a million output tokens.
    """

    backend: str = "scene"
    seed: int = 7
    overrides: Path | None = None
    max_failed_share: float = 0.2
    prompts: Path = PROMPTS
    model: str = "gpt-4o"
    base_url: str | None = None
    cache: Path = Path("results/captions/cache")
    max_image_px: int = 512
    max_tokens: int = 300
    temperature: float | None = 0.2
    reply_format: Literal["json_schema", "json_object", "text"] = "json_schema"
    concurrency: int = 4
    max_attempts: int = 3
    max_retries: int = 6
    timeout_s: float = 60.0
    max_cost_usd: float | None = 5.0
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None

    @property
    def workers(self) -> int:
        """How many captions are written at once: only waiting for a server gains by it."""
        return 1 if self.backend == "scene" else max(1, self.concurrency)
