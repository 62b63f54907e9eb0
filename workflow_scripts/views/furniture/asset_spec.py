"""The input of furniture builders: an asset's box, and random choices seeded by its id."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common import seeds
from workflow_scripts.views.meshes import Mesh


@dataclass(frozen=True)
class MovablePart:
    """A part that may leave the box, such as the leaf of an open door."""

    mesh: Mesh


Parts = list[Mesh | MovablePart]


@dataclass(frozen=True)
class AssetSpec:
    """One asset to build: fill a box of `w` x `d` x `h` metres.

    Builders work with x from -w/2 to w/2, y from -d/2 (back) to d/2 (front) and z from 0 (floor)
    to h. `openness` 0 is closed, 1 fully open. `support_heights_m` are the heights of level
    surfaces on which objects can stand (`procthor_assets.support_surfaces`).
    """

    category: str
    asset_id: str
    w: float
    d: float
    h: float
    openness: float
    support_heights_m: tuple[float, ...]
    rng: np.random.Generator

    def pick(self, *options: str) -> str:
        """Choose one option."""
        return options[int(self.rng.integers(len(options)))]

    def pick_from(self, options: Sequence[str]) -> str:
        """Choose from a sequence."""
        return options[int(self.rng.integers(len(options)))]

    def uniform(self, low: float, high: float) -> float:
        """Draw a number."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Return True with a probability."""
        return bool(self.rng.random() < probability)


def make_asset_spec(
    category: str,
    size_m: tuple[float, float, float],
    asset_id: str,
    *,
    openness: float = 0,
    support_heights_m: tuple[float, ...] = (),
) -> AssetSpec:
    """Make an asset spec; equal asset ids make equal choices."""
    w, d, h = size_m
    return AssetSpec(
        category, asset_id, w, d, h, openness, support_heights_m, seeds.rng(0, "asset", asset_id)
    )
