"""The flags that say which model puts questions in other words, and which questions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workflow_scripts.common.chat.server import Server
from workflow_scripts.common.records import Split

PROMPT = Path(__file__).with_name("prompt.txt")
SECTION = "vqa.paraphrase"


@dataclass(frozen=True)
class Options:
    """Who is asked, and for what.

    Attributes:
        splits: questions of other splits stay as they are.
        share: share of those questions that is put in other words.
        seed: seed of the workflow, which draws that share.
        prompt: file with {question}, {answer} and {kept}.
        max_failed_share: it is an error if more than this share of requests gets no reply.
        concurrency: requests under way at once.
        model: model name.
        base_url: address of an OpenAI-compatible server; None: the SDK's default.
        cache: folder of paid replies; whoever shares it pays once and shares the spend cap.
        max_tokens: longest reply.
        temperature: None leaves it to the server (some models take no other value).
        reply_format: json_schema, or json_object for servers without schemas.
        max_attempts: times a refused, malformed or rejected reply is asked for again, in all.
        max_retries: times a request is repeated after a time-out, 429 or server error.
        timeout_s: longest wait for one reply.
        max_cost_usd: stop when the cache has cost this much; None: no cap.
        input_usd_per_million: price of a million input tokens, for models not in our table.
        output_usd_per_million: price of a million output tokens.
    """

    splits: tuple[Split, ...] = ("train",)
    share: float = 1.0
    seed: int = 7
    prompt: Path = PROMPT
    max_failed_share: float = 0.2
    concurrency: int = 4
    model: str = "gpt-4o-mini"
    base_url: str | None = None
    cache: Path = Path("results/vqa/cache")
    max_tokens: int = 200
    temperature: float | None = 0.9
    reply_format: Literal["json_schema", "json_object"] = "json_schema"
    max_attempts: int = 2
    max_retries: int = 6
    timeout_s: float = 60.0
    max_cost_usd: float | None = 5.0
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None

    @property
    def server(self) -> Server:
        """Return the server that is asked."""
        return Server(
            section=SECTION,
            model=self.model,
            base_url=self.base_url,
            cache=self.cache,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            reply_format=self.reply_format,
            max_attempts=self.max_attempts,
            max_retries=self.max_retries,
            timeout_s=self.timeout_s,
            max_cost_usd=self.max_cost_usd,
            input_usd_per_million=self.input_usd_per_million,
            output_usd_per_million=self.output_usd_per_million,
        )
