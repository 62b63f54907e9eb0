"""Contact of objects: what stands on what, what is inside what, what touches.

Each function returns [n, n] how clearly it holds of i and j: positive yes, negative no, 0 where
boxes do not decide. Where the views know what is drawn, the surface that carries decides: a seat,
a mattress, a board, not the highest point of what has it. A thing that hangs above its surface or
is sunk in has no contact that could be asked about.
"""

import numpy as np

from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.view_context import DrawnContact, ViewContext, cached_per_view

# How far the underside of an object may be from the top of what it stands on.
CONTACT_M = 0.03
# Objects this far apart do not touch.
APART_M = 0.15
# Categories that contain other objects visibly.
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


@cached_per_view
def on_top(view_context: ViewContext) -> FloatArray:
    """Say of i and j whether i stands or lies on j."""
    measured = view_context.measured
    low, high = measured.low_m[:, 2], measured.high_m[:, 2]
    lift = low[:, None] - high[None, :]
    sigma = np.hypot(measured.sigma_extent_m[:, None, 2], measured.sigma_extent_m[None, :, 2])
    over = _centre_over_footprint(view_context)
    contact = CONTACT_M - np.abs(lift)
    yes = over & (contact > 0) & (sigma < CONTACT_M)
    # Nothing stands on what is a hand's breadth away, or on what is above it.
    away = measured.gap_m - 2 * measured.sigma_gap_m
    beneath = high[None, :] - high[:, None] - 2 * sigma
    no = (away >= APART_M) | (beneath >= APART_M)
    clear = np.where(yes, contact, 0.0) - np.where(no & ~yes, np.maximum(away, beneath), 0.0)
    for upper, lower in carried_pairs(view_context):
        lift_m = abs(_drawn_contact(view_context, upper).lift_m)
        clear[upper, lower] = max(CONTACT_M - lift_m, 0.0) if over[upper, lower] else 0.0
    return _zero_diagonal(_without_unclear(view_context, clear))


def carried_pairs(view_context: ViewContext) -> list[tuple[int, int]]:
    """Return (i, j) of every object i that the drawn surface of j carries."""
    place = {object_id: row for row, object_id in enumerate(view_context.measured.object_id)}
    pairs = ((row, _drawn_contact(view_context, row).carrier) for row in place.values())
    return [(upper, place[carrier]) for upper, carrier in pairs if carrier in place]


def support_height_m(view_context: ViewContext, upper: int, lower: int) -> float:
    """Return the height of the surface of j that is under i: drawn, or the top of its box."""
    measured = view_context.measured
    if (upper, lower) in carried_pairs(view_context):
        lift_m = _drawn_contact(view_context, upper).lift_m
        return float(measured.low_m[upper, 2]) - lift_m
    return float(measured.high_m[lower, 2])


def _drawn_contact(view_context: ViewContext, row: int) -> DrawnContact:
    object_id = view_context.measured.object_id[row]
    return view_context.drawn_contacts.get(object_id, DrawnContact("", 0.0))


def _without_unclear(view_context: ViewContext, clear: FloatArray) -> FloatArray:
    """Take out what would be said of objects that hang above their surface or are sunk in."""
    contacts = view_context.drawn_contacts
    for row, object_id in enumerate(view_context.measured.object_id):
        if object_id in contacts and not contacts[object_id].carrier:
            clear[row] = 0.0
            clear[:, row] = 0.0
    return clear


def inside(view_context: ViewContext) -> FloatArray:
    """Say of i and j whether i is in j: j holds things, and its box holds that of i."""
    measured = view_context.measured
    holds = np.array(
        [not _CONTAINERS.isdisjoint(noun.split()) for noun in view_context.nouns], dtype=bool
    )
    # Along an axis of j, i reaches as far as its middle and half its extent together.
    half = measured.size_m / 2
    axes = upright_boxes.footprint_axes(measured.yaw_deg).reshape(-1, 2)
    turned = np.abs(axes @ axes.T).reshape(len(axes), len(half), 2)
    extent = (turned * half[:, :2]).sum(axis=-1).reshape(len(half), 2, len(half))
    beside = half[:, :2] - np.abs(_offsets(view_context)) - extent.transpose(2, 0, 1)
    height = measured.centre_m[:, 2]
    over = half[:, 2] - np.abs(height[:, None] - height) - half[:, 2][:, None]
    room = np.minimum(beside.min(axis=-1), over)
    yes = (room > -CONTACT_M / 2) & holds[None, :] & (measured.sigma_centre_m.max(initial=0) < 0.02)
    away = measured.gap_m - 2 * measured.sigma_gap_m
    no = (away >= APART_M) & holds[None, :]
    clear = np.where(yes, room + CONTACT_M, 0.0) - np.where(no & ~yes, away, 0.0)
    return _zero_diagonal(_without_unclear(view_context, clear))


def touching(view_context: ViewContext) -> FloatArray:
    """Say of i and j whether they touch: one stands on the other, or they are far apart."""
    on = on_top(view_context)
    yes = np.maximum(np.maximum(on, on.T), 0.0)
    away = view_context.measured.gap_m - 2 * view_context.measured.sigma_gap_m
    clear = np.where(yes > 0, yes, np.where(away >= APART_M, -away, 0.0))
    return _zero_diagonal(_without_unclear(view_context, clear))


@cached_per_view
def _offsets(view_context: ViewContext) -> FloatArray:
    """Return how far [n, n, 2] the middle of i lies from that of j along j's own level axes."""
    measured = view_context.measured
    axes = upright_boxes.footprint_axes(measured.yaw_deg)
    along = (measured.centre_m[:, :2] @ axes.reshape(-1, 2).T).reshape(len(view_context), -1, 2)
    places = np.arange(len(view_context))
    return along - along[places, places]


def _centre_over_footprint(view_context: ViewContext) -> np.ndarray:
    """Say of i and j whether the middle of i lies over the footprint of j."""
    half = view_context.measured.size_m[:, :2] / 2
    return np.asarray((np.abs(_offsets(view_context)) <= half).all(axis=-1))


def _zero_diagonal(clear: FloatArray) -> FloatArray:
    clear.flat[:: len(clear) + 1] = 0.0
    return clear
