"""About what asking a server takes: requests, tokens, dollars."""

from dataclasses import dataclass

from workflow_scripts.models.chat.prices import PRICES_DATE


@dataclass(frozen=True)
class Estimate:
    """About what a number of requests takes."""

    num_requests: int
    input_tokens: int
    output_tokens: int
    usd: float

    def __str__(self) -> str:
        return (
            f"about {self.num_requests:,} requests, {self.input_tokens:,} + "
            f"{self.output_tokens:,} tokens, ${self.usd:,.2f} (prices of {PRICES_DATE}; "
            "less what the cache holds)"
        )
