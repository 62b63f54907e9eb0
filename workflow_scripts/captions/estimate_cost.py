"""Estimate the requests, tokens and dollars that captions will take, without sending a request."""

import logging
from collections.abc import Mapping
from pathlib import Path

from workflow_scripts.common.cli import run
from workflow_scripts.config.captions import ServerCaptionSettings
from workflow_scripts.models.chat.cost_estimate import Estimate
from workflow_scripts.models.chat.prices import find_price, text_tokens
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.sources.readers.house_files import ROOMS_PER_HOUSE

log = logging.getLogger(__name__)
# Assets of ProcTHOR-10K; each is captioned once.
MAX_ASSETS = 1653
# Tokens of the values of a prompt's placeholders, and of a reply.
_FILLED_TOKENS = {"room": 60, "top_down": 200, "asset": 30}
_REPLY_TOKENS = {"room": 140, "top_down": 170, "asset": 20}


def estimate_requests(num_houses: int, kinds: tuple[str, ...]) -> dict[str, int]:
    """Return about how many requests of each kind a number of houses needs."""
    rooms = ROOMS_PER_HOUSE * num_houses
    # Every house adds some 40 assets until nearly all of the table are seen.
    counts = {"room": rooms, "top_down": rooms, "asset": min(MAX_ASSETS, 40 * num_houses)}
    return {kind: counts[kind] for kind in kinds}


def estimate(counts: Mapping[str, int], settings: ServerCaptionSettings) -> Estimate:
    """Estimate the cost of so many captions of each kind. Images are taken as square."""
    price = find_price(
        settings.model,
        section="captions",
        input_usd_per_million=settings.input_usd_per_million,
        output_usd_per_million=settings.output_usd_per_million,
        max_cost_usd=None,
    )
    input_tokens = output_tokens = 0
    for kind, count in counts.items():
        path = Path(settings.prompts) / f"{kind}.txt"
        prompt = Prompt.read(path, kind=kind, key="captions.prompts")
        image = price.image_tokens(settings.max_image_px, settings.max_image_px)
        input_tokens += count * (text_tokens(prompt.template) + _FILLED_TOKENS[kind] + image)
        output_tokens += count * _REPLY_TOKENS[kind]
    return Estimate(
        sum(counts.values()),
        input_tokens,
        output_tokens,
        price.usd(input_tokens=input_tokens, output_tokens=output_tokens),
    )


def main(*, houses: int, settings: ServerCaptionSettings) -> None:
    """Log the estimate for a number of houses.

    Args:
        houses: how many houses are captioned.
        settings: model, prices, kinds of captions, prompt files.
    """
    cost = estimate(estimate_requests(houses, settings.kinds), settings)
    log.info("%s for %d houses: %s", settings.model, houses, cost)


if __name__ == "__main__":
    run(main)
