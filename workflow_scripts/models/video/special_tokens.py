"""The tokens of video models: `<ground>` chooses a proposal, `<coord>` is a point, `<object>` one.

They have numbers behind the tokenizer's own. A base has no rows for them: its embeddings stay as
they are, and the video model puts vectors of its own in their place.
"""

from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken

GROUND, COORD, OBJECT = "<ground>", "<coord>", "<object>"


@dataclass(frozen=True)
class SpecialTokens:
    """Numbers of the special tokens, and one that any model has an embedding for."""

    ground: int
    coord: int
    object: int
    padding: int

    @property
    def ids(self) -> tuple[int, int, int]:
        return self.ground, self.coord, self.object


def add_special_tokens(tokenizer: Any) -> SpecialTokens:
    """Add the special tokens to a tokenizer where they are missing, and return their numbers."""
    tokens = [AddedToken(text, special=True, normalized=False) for text in (GROUND, COORD, OBJECT)]
    tokenizer.add_tokens(tokens, special_tokens=True)
    ground, coord, object_ = tokenizer.convert_tokens_to_ids([GROUND, COORD, OBJECT])
    padding = tokenizer.pad_token_id
    return SpecialTokens(
        ground, coord, object_, tokenizer.eos_token_id if padding is None else padding
    )
