"""What requests cost: tokens of text and images, and dollars."""

import math
import re
from dataclasses import dataclass

from workflow_scripts.common.errors import UserError

# List prices in USD per million tokens, standard tier, as published in June 2026.
PRICES_DATE = "2026-06"
# A token of English is about four characters; three is on the safe side for a spend cap.
_CHARACTERS_PER_TOKEN = 3.0
_MAX_PATCHES = 1536


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens, and how an image turns into tokens.

    With `tile_tokens` an image costs `base_tokens` plus that per 512-pixel tile; with
    `patch_factor` it costs that per 32-pixel patch.
    """

    input_usd_per_million: float
    output_usd_per_million: float
    base_tokens: int = 85
    tile_tokens: int = 170
    patch_factor: float | None = None

    def usd(self, *, input_tokens: int, output_tokens: int) -> float:
        return (
            input_tokens * self.input_usd_per_million + output_tokens * self.output_usd_per_million
        ) / 1e6

    def image_tokens(self, width_px: int, height_px: int) -> int:
        """Return the tokens of one image at high detail."""
        if self.patch_factor is not None:
            patches = math.ceil(width_px / 32) * math.ceil(height_px / 32)
            return math.ceil(min(patches, _MAX_PATCHES) * self.patch_factor)
        scale = min(1.0, 2048 / max(width_px, height_px))
        scale = min(scale, 768 / min(width_px, height_px))
        tiles = math.ceil(width_px * scale / 512) * math.ceil(height_px * scale / 512)
        return self.base_tokens + tiles * self.tile_tokens


PRICES = {
    "gpt-4o": Price(2.5, 10.0),
    "gpt-4o-mini": Price(0.15, 0.6, base_tokens=2833, tile_tokens=5667),
    "gpt-4.1": Price(2.0, 8.0),
    "gpt-4.1-mini": Price(0.4, 1.6, patch_factor=1.62),
    "gpt-4.1-nano": Price(0.1, 0.4, patch_factor=2.46),
    "gpt-5": Price(1.25, 10.0, base_tokens=70, tile_tokens=140),
    "gpt-5-mini": Price(0.25, 2.0, patch_factor=1.62),
    "gpt-5-nano": Price(0.05, 0.4, patch_factor=2.46),
}


def find_price(
    model: str,
    *,
    section: str,
    input_usd_per_million: float | None,
    output_usd_per_million: float | None,
    max_cost_usd: float | None,
) -> Price:
    """Return a model's price: the user's own, else from the table.

    A dated name ("gpt-4o-2024-08-06") has its model's price. An unknown model costs nothing if
    there is no cap to keep; with one it is a `UserError`. `section` names the settings in messages.
    """
    known = PRICES.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model))
    given = (input_usd_per_million, output_usd_per_million)
    if None not in given:
        images = known or Price(0.0, 0.0)
        return Price(
            float(given[0] or 0.0),
            float(given[1] or 0.0),
            images.base_tokens,
            images.tile_tokens,
            images.patch_factor,
        )
    if known is not None:
        return known
    if max_cost_usd is None:
        return Price(0.0, 0.0)
    raise UserError(
        f"{section}.model {model!r} has no price in the table of {PRICES_DATE} "
        f"({', '.join(sorted(PRICES))}), so {section}.max_cost_usd ({max_cost_usd:g}) cannot "
        f"be kept. Give {section}.input_usd_per_million and {section}.output_usd_per_million (0 "
        f"for a server of your own), or set {section}.max_cost_usd to null."
    )


def text_tokens(text: str) -> int:
    """Return about how many tokens a text has, on the high side."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)
