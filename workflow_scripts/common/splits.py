"""Deal houses (or scenes, or photos) to splits by a hash of what they are, before anything else."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from workflow_scripts.common.errors import UserError

_GOLDEN_RATIO = (5**0.5 - 1) / 2


def content_hash(content: Any) -> str:
    """Hash JSON-like content independently of key order."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_split_fractions(shares: Mapping[str, float]) -> None:
    """Raise `UserError` unless the shares are fractions that sum to 1."""
    total = sum(shares.values())
    if not shares or abs(total - 1) > 1e-6 or min(shares.values()) < 0:
        raise UserError(f"splits: {dict(shares)} must be fractions that sum to 1, not {total:g}")


def assign_split(identity: str, shares: Mapping[str, float], *, salt: str = "sightline") -> str:
    """Choose a split for an identity so that equal identities always share one.

    `shares` maps split names to fractions that sum to 1. A house stays in its split whatever
    else is in the data set, because only its own hash decides.
    """
    check_split_fractions(shares)
    digest = hashlib.sha256(f"{salt}|{identity}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    bound = 0.0
    for name, share in shares.items():
        bound += share
        if position < bound:
            return name
    return next(name for name, share in reversed(list(shares.items())) if share > 0)


def assign_balanced_split(
    group: str, index: int, shares: Mapping[str, float], *, salt: str = "sightline"
) -> str:
    """Choose a split for number `index` of a group so that small groups are split fairly too.

    Every block of ten (or as many as make the shares whole numbers) holds the shares exactly, and
    any first few of it as nearly as can be: within a block numbers follow the golden ratio, which
    spreads them, turned by a hash of the group. A number keeps its split when others are added.
    """
    check_split_fractions(shares)
    size = next((n for n in range(2, 21) if _gives_whole_numbers(n, shares)), 20)
    block, place = divmod(index, size)
    spread = sorted(range(size), key=lambda number: number * _GOLDEN_RATIO % 1)
    digest = hashlib.sha256(f"{salt}|{group}|{block}".encode()).digest()
    rank = (spread.index(place) + int.from_bytes(digest[:8], "big")) % size
    bound = 0.0
    for name, share in shares.items():
        bound += share
        if (rank + 0.5) / size < bound:
            return name
    return next(name for name, share in reversed(list(shares.items())) if share > 0)


def _gives_whole_numbers(size: int, shares: Mapping[str, float]) -> bool:
    return all(abs(share * size - round(share * size)) < 1e-6 for share in shares.values())
