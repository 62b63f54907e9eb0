"""Say how many requests, tokens and dollars captions will take, without asking anybody."""

import logging
from collections.abc import Mapping
from pathlib import Path

from workflow_scripts.captions.options import PROMPTS
from workflow_scripts.common.cli import run
from workflow_scripts.models.chat.cost_estimate import Estimate
from workflow_scripts.models.chat.prices import find_price, text_tokens
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.sources.readers.house_files import ROOMS_PER_HOUSE

log = logging.getLogger(__name__)
# Assets of ProcTHOR-10K; each is captioned once.
MAX_ASSETS = 1653
# What is filled into a prompt, and what comes back, in tokens.
_FILLED_TOKENS = {"room": 60, "top_down": 200, "asset": 30}
_REPLY_TOKENS = {"room": 140, "top_down": 170, "asset": 20}


def estimate_requests(num_houses: int, kinds: tuple[str, ...]) -> dict[str, int]:
    """Return about how many requests of each kind a number of houses needs."""
    rooms = ROOMS_PER_HOUSE * num_houses
    # Every house brings some dozen assets until nearly all of the table are seen.
    counts = {"room": rooms, "top_down": rooms, "asset": min(MAX_ASSETS, 40 * num_houses)}
    return {kind: counts[kind] for kind in kinds}


def estimate(
    counts: Mapping[str, int],
    *,
    model: str,
    max_image_px: int,
    prompts: Path = PROMPTS,
    input_usd_per_million: float | None = None,
    output_usd_per_million: float | None = None,
) -> Estimate:
    """Estimate the cost of so many captions of each kind. Images are taken as square."""
    price = find_price(
        model,
        section="captions",
        input_usd_per_million=input_usd_per_million,
        output_usd_per_million=output_usd_per_million,
        max_cost_usd=None,
    )
    input_tokens = output_tokens = 0
    for kind, count in counts.items():
        file = Prompt.read(prompts / f"{kind}.txt", kind=kind, key="captions.prompts")
        prompt = text_tokens(file.template)
        image = price.image_tokens(max_image_px, max_image_px)
        input_tokens += count * (prompt + _FILLED_TOKENS[kind] + image)
        output_tokens += count * _REPLY_TOKENS[kind]
    return Estimate(
        sum(counts.values()),
        input_tokens,
        output_tokens,
        price.usd(input_tokens=input_tokens, output_tokens=output_tokens),
    )


def main(
    *,
    houses: int,
    kinds: tuple[str, ...] = ("room", "top_down", "asset"),
    model: str = "gpt-4o",
    max_image_px: int = 512,
    prompts: Path = PROMPTS,
    input_usd_per_million: float | None = None,
    output_usd_per_million: float | None = None,
) -> None:
    """Log the estimate for a number of houses.

    Args:
        houses: how many houses are captioned.
        kinds: which captions are written.
        model: model name.
        max_image_px: images are shrunk to this longest side.
        prompts: folder of prompt files.
        input_usd_per_million: price of a million input tokens.
        output_usd_per_million: price of a million output tokens.
    """
    cost = estimate(
        estimate_requests(houses, kinds),
        model=model,
        max_image_px=max_image_px,
        prompts=prompts,
        input_usd_per_million=input_usd_per_million,
        output_usd_per_million=output_usd_per_million,
    )
    log.info("%s for %d houses: %s", model, houses, cost)


if __name__ == "__main__":
    run(main)
