"""Contact of objects: what stands on what, what is inside what, what touches.

Each function returns [n, n] how clearly it holds of i and j: positive yes, negative no, 0 where
boxes cannot tell (a cushion lies inside the box of its sofa).
"""

from functools import lru_cache

import numpy as np

from workflow_scripts.common import upright
from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.common.names import phrase
from workflow_scripts.vqa.sight import Sight

# How far the underside of what stands may be from the top of what carries it.
CONTACT_M = 0.03
# What is this far away does not touch.
APART_M = 0.15
# Things with room in them that an onlooker sees into.
_CONTAINERS = frozenset(
    [
        "basin",
        "basket",
        "bathtub",
        "bin",
        "bowl",
        "box",
        "bucket",
        "cabinet",
        "cart",
        "crate",
        "cupboard",
        "drawer",
        "fridge",
        "hamper",
        "microwave",
        "pan",
        "pot",
        "safe",
        "shelf",
        "shelves",
        "sink",
        "tray",
        "tub",
        "unit",
    ]
)


@lru_cache(maxsize=2)
def on_top(sight: Sight) -> FloatArray:
    """Say of i and j whether i stands or lies on j."""
    measured = sight.measured
    low, high = measured.low_m[:, 2], measured.high_m[:, 2]
    lift = low[:, None] - high[None, :]
    sigma = np.hypot(measured.sigma_extent_m[:, None, 2], measured.sigma_extent_m[None, :, 2])
    over = _over(sight)
    contact = CONTACT_M - np.abs(lift)
    yes = over & (contact > 0) & (sigma < CONTACT_M)
    # Nothing stands on what is a hand's breadth away, or on what is above it.
    away = measured.gap_m - 2 * measured.sigma_gap_m
    beneath = high[None, :] - high[:, None] - 2 * sigma
    no = (away >= APART_M) | (beneath >= APART_M)
    clear = np.where(yes, contact, 0.0) - np.where(no & ~yes, np.maximum(away, beneath), 0.0)
    return _without_self(clear)


def inside(sight: Sight) -> FloatArray:
    """Say of i and j whether i is in j: j holds things, and its box holds that of i."""
    measured = sight.measured
    holds = np.array(
        [bool(_CONTAINERS & set(phrase(one).split())) for one in sight.categories], dtype=bool
    )
    corners = upright.corners_m(measured.centre_m, measured.size_m, measured.yaw_deg)
    axes = upright.axes_of_yaw(measured.yaw_deg)
    relative = corners[:, None, :, :] - measured.centre_m[None, :, None, :]
    level = np.einsum("ijkx,jax->ijka", relative[..., :2], axes)
    own = np.concatenate([level, relative[..., 2:]], axis=-1)
    room = (measured.size_m[None, :, None, :] / 2 - np.abs(own)).min(axis=(2, 3))
    yes = (room > -CONTACT_M / 2) & holds[None, :] & (measured.sigma_centre_m.max(initial=0) < 0.02)
    away = measured.gap_m - 2 * measured.sigma_gap_m
    no = (away >= APART_M) & holds[None, :]
    clear = np.where(yes, room + CONTACT_M, 0.0) - np.where(no & ~yes, away, 0.0)
    return _without_self(clear)


def touching(sight: Sight) -> FloatArray:
    """Say of i and j whether they touch: one stands on the other, or they are far apart."""
    on = on_top(sight)
    yes = np.maximum(np.maximum(on, on.T), 0.0)
    away = sight.measured.gap_m - 2 * sight.measured.sigma_gap_m
    return _without_self(np.where(yes > 0, yes, np.where(away >= APART_M, -away, 0.0)))


def _over(sight: Sight) -> np.ndarray:
    """Say of i and j whether the middle of i lies over the footprint of j."""
    measured = sight.measured
    offset = measured.centre_m[:, None, :2] - measured.centre_m[None, :, :2]
    own = np.einsum("ijx,jax->ija", offset, upright.axes_of_yaw(measured.yaw_deg))
    return (np.abs(own) <= measured.size_m[None, :, :2] / 2).all(axis=-1)


def _without_self(clear: FloatArray) -> FloatArray:
    np.fill_diagonal(clear, 0.0)
    return clear
