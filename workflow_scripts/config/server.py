"""Settings of requests to an OpenAI-compatible server, for captions and paraphrases."""

from pydantic import Field

from workflow_scripts.config.base import Settings


class PriceSettings(Settings):
    """What a model costs."""

    input_usd_per_million: float | None = Field(
        None,
        ge=0,
        description="price of a million input tokens, for a model without a known price; 0 for "
        "your own server",
    )
    output_usd_per_million: float | None = Field(
        None, ge=0, description="price of a million output tokens, as above"
    )


class RequestLimits(Settings):
    """What changes neither requests nor replies: no reason to run a job again."""

    concurrency: int = Field(4, ge=1, le=256, description="requests under way at once in one job")
    max_cost_usd: float | None = Field(
        5.0,
        ge=0,
        description="asking stops when the replies in the cache have cost this much in all; "
        "null: no cap",
    )
