"""Greedy answers that are lists: entries that begin alike are limited.

A small model that is unsure of everything names what it is least unsure of again and again.
"""

from collections import Counter
from typing import Any

import torch
from transformers import LogitsProcessor


class DistinctEntries(LogitsProcessor):
    """Lets an answer begin at most so many of its entries with the same token.

    It serves one batch, whose rows must stay in order (no beams).

    Args:
        tokenizer: What the model's tokens mean.
        end: The sign that ends an entry.
        most: So many entries may begin with the same token.
        prompt_length: Tokens of the padded prompts; what follows is the answer.
    """

    def __init__(self, tokenizer: Any, *, end: str, most: int, prompt_length: int) -> None:
        self._tokenizer = tokenizer
        self._end = end
        self._most = most
        self._prompt_length = prompt_length
        self._text: dict[int, str] = {}
        self._begun: list[Counter[int]] = []
        self._is_start: list[bool] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores [n, tokens] of the next token, -inf where it may not stand."""
        if input_ids.shape[1] == self._prompt_length:
            self._begun = [Counter() for _ in input_ids]
            self._is_start = [True] * len(input_ids)
        else:
            for row, token in enumerate(input_ids[:, -1].tolist()):
                self._read(row, token)
        scores = scores.clone()
        for row in range(len(scores)):
            if self._is_start[row]:
                used = [token for token, n in self._begun[row].items() if n >= self._most]
                scores[row, used] = -torch.inf
        return scores

    def _read(self, row: int, token: int) -> None:
        text = self._decode(token).strip()
        if self._is_start[row] and text:
            self._begun[row][token] += 1
            self._is_start[row] = False
        if text.endswith(self._end):
            self._is_start[row] = True

    def _decode(self, token: int) -> str:
        if token not in self._text:
            self._text[token] = self._tokenizer.decode([token])
        return self._text[token]
