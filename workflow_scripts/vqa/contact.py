"""Contact of objects: what stands on what, what is inside what, what touches.

Each function returns [n, n] how clearly it holds of i and j: positive yes, negative no, 0 where it
is not known. Where the views know what is drawn, the surface that carries decides: a seat, a
mattress, a board, not the highest point of what has it; gaps and containment are those of the drawn
surfaces. A thing that hangs above its surface or is sunk in has no contact that could be asked
about. Where only boxes are known, a yes also needs the scene's own record of what stands on what.
"""

import numpy as np

from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.view_context import DrawnContact, ViewContext, cached_per_view

# How far the underside of an object may be from the top of what it stands on.
CONTACT_M = 0.03
# Objects this far apart do not touch.
APART_M = 0.15
# Drawn surfaces this near to one another touch.
TOUCH_M = 0.01
# What is inside is within the convex hull of its container but for a few corners.
INSIDE_SHARE, OUTSIDE_SHARE = 0.95, 0.02
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
    # Nothing stands on what is a hand's breadth away, or on what ends above it; but a seat or a
    # board may carry what ends below the top of its box.
    away = measured.gap_m - 2 * measured.sigma_gap_m
    beneath = high[None, :] - high[:, None] - 2 * sigma
    if measured.shape_source == "surface":
        yes &= measured.gap_m <= TOUCH_M
        is_clear_of = measured.gap_m > CONTACT_M
    elif measured.shape_source == "box":
        yes &= _is_child(view_context) | (not view_context.parents)
        is_clear_of = np.ones_like(yes)
    else:
        is_clear_of = low[None, :] - high[:, None] - 2 * sigma > -CONTACT_M
    supported = yes.copy()
    for upper, lower in carried_pairs(view_context):
        supported[upper, lower] = True
    beneath = np.where(is_clear_of | supported.T, beneath, 0.0)
    no = ((away >= APART_M) | (beneath >= APART_M)) & ~_stands_above(view_context)
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
    """Say of i and j whether i is in j: j holds things, and what is drawn of it encloses i."""
    measured = view_context.measured
    holds = np.array(
        [not _CONTAINERS.isdisjoint(noun.split()) for noun in view_context.nouns], dtype=bool
    )
    away = measured.gap_m - 2 * measured.sigma_gap_m
    no = (away >= APART_M) & holds[None, :] & ~_stands_above(view_context)
    if measured.shape_source == "surface":
        yes = (measured.inside_share >= INSIDE_SHARE) & holds[None, :]
        no &= measured.inside_share <= OUTSIDE_SHARE
        clear = np.where(yes, measured.inside_share, 0.0) - np.where(no & ~yes, away, 0.0)
        return _zero_diagonal(_without_unclear(view_context, clear))
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
    if measured.shape_source == "box":
        yes &= _is_child(view_context) | (not view_context.parents)
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


def _is_child(view_context: ViewContext) -> np.ndarray:
    """Say of i and j [n, n] whether the scene's record has i on or in j."""
    names = view_context.measured.object_id
    parents = [view_context.parents.get(name, "") for name in names]
    return np.array([[parent == name for name in names] for parent in parents], dtype=bool).reshape(
        len(names), len(names)
    )


@cached_per_view
def _stands_above(view_context: ViewContext) -> np.ndarray:
    """Say of i and j [n, n] whether i is on or in j, or on what is: people may say it is on j.

    What the record has with j but stands on the same floor does not count.
    """
    names = view_context.measured.object_id
    low = view_context.measured.low_m[:, 2]
    found = np.zeros((len(names), len(names)), dtype=bool)
    place = {name: column for column, name in enumerate(names)}
    for row, name in enumerate(names):
        above = view_context.parents.get(name, "")
        for _ in range(len(view_context.parents)):
            if above in place:
                found[row, place[above]] = True
            above = view_context.parents.get(above, "")
            if not above:
                break
    found &= low[:, None] - low[None, :] > CONTACT_M
    return found


def _zero_diagonal(clear: FloatArray) -> FloatArray:
    clear.flat[:: len(clear) + 1] = 0.0
    return clear
