"""Doors, frames, windows, blinds and shower curtains as objects."""

from itertools import pairwise

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, MovablePart, Parts
from workflow_scripts.views.furniture.materials import fabric, glass, metal, paint, plastic, wood
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    loft_rings,
    move,
    prism,
    rod,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh

CASING_M = 0.06


def _casing(b: AssetSpec, finish: Finish) -> list[Mesh]:
    """Build two posts and a lintel that fill the box's outline."""
    x, y, h = b.w / 2, b.d / 2, b.h
    return [
        block((-x, -x + CASING_M), (-y, y), (0, h), finish),
        block((x - CASING_M, x), (-y, y), (0, h), finish),
        block((-x, x), (-y, y), (h - CASING_M, h), finish),
    ]


def doorframe(b: AssetSpec) -> Parts:
    """Build an open door frame."""
    x, y, h = b.w / 2, b.d / 2, b.h
    jamb, stop = CASING_M, CASING_M + 0.014
    inset = min(0.02, y * 0.4)
    shadow = paint("cream")
    parts: Parts = [block((-x + jamb, x - jamb), (-inset, inset), (h - stop, h - jamb), shadow)]
    for side in (-1, 1):
        parts.append(
            block((side * (x - jamb), side * (x - stop)), (-inset, inset), (0, h - jamb), shadow)
        )
    return [*_casing(b, paint("white")), *parts]


def doorway(b: AssetSpec) -> Parts:
    """Build a frame with one leaf or two; `openness` swings them to the front, up to 90 degrees."""
    finish = paint("white") if b.chance(0.6) else wood(b.pick("oak", "walnut", "cherry"))
    x, t = b.w / 2 - CASING_M, min(0.04, b.d * 0.4)
    top = b.h - CASING_M - 0.004
    double = b.w > 1.3
    leaves: Parts = []
    for hinge in (-1, 1) if double else (-1,):
        wide = (x if double else 2 * x) - 0.003
        for part in _leaf(b, wide, top, t, finish):
            placed = part if hinge < 0 else turn(part, "z", 180)
            placed = turn(placed, "z", 90 * b.openness * -hinge)
            leaves.append(MovablePart(move(placed, x=hinge * x)))
    return [*_casing(b, finish), *leaves]


def _leaf(b: AssetSpec, wide: float, top: float, t: float, finish: Finish) -> list[Mesh]:
    """Build a panelled leaf from its hinge at x = 0 to `wide`."""
    parts = [block((0, wide), (-t / 2, t / 2), (0.008, top), finish)]
    frame = min(0.12, wide * 0.18)
    for low, high in ((0.2, 0.85), (1.05, top - 0.14)):
        for side in (-1, 1):
            panel_y = (side * t / 2, side * (t / 2 + 0.008))
            parts.append(block((frame, wide - frame), panel_y, (low, high), finish, bevel=0.004))
    for side in (-1, 1):
        place = wide - 0.06
        y = side * (t / 2 + min(0.035, b.d * 0.2))
        parts.append(rod((place, 0, 1.0), (place, y, 1.0), 0.01, metal("brass")))
        parts.append(rod((place, y, 1.0), (place - 0.11, y, 1.0), 0.009, metal("brass")))
    return parts


def window(b: AssetSpec) -> Parts:
    """Build a glazed window: fixed, hung, slider or a bay, as its name says."""
    x, y, h = b.w / 2, b.d / 2, b.h
    white, pane = paint("white"), glass("#e3eef0", 0.9)
    if "Bay" in b.asset_id:
        return _bay(b, white, pane)
    deep = min(0.08, b.d)
    rail = 0.05
    front = y if b.d < 0.12 else deep / 2
    back = front - deep
    parts: Parts = [
        block((-x, x), (back, front), (0, rail), white),
        block((-x, x), (back, front), (h - rail, h), white),
        block((-x, -x + rail), (back, front), (0, h), white),
        block((x - rail, x), (back, front), (0, h), white),
        block(
            (-x + rail, x - rail),
            ((back + front) / 2 - 0.004, (back + front) / 2 + 0.004),
            (rail, h - rail),
            pane,
        ),
    ]
    if b.d >= 0.12:
        parts.append(block((-x, x), (-y, y), (0, 0.03), white))
    if "Hung" in b.asset_id:
        parts.append(block((-x, x), (back, front), (h / 2 - 0.025, h / 2 + 0.025), white))
    elif "Slider" in b.asset_id or b.w > 1.1:
        parts.append(block((-0.025, 0.025), (back, front), (0, h), white))
    else:
        parts.append(
            block((-x, x), (back + 0.02, front - 0.02), (h / 2 - 0.012, h / 2 + 0.012), white)
        )
        parts.append(block((-0.012, 0.012), (back + 0.02, front - 0.02), (0, h), white))
    return parts


def _bay(b: AssetSpec, white: Finish, pane: Finish) -> Parts:
    """Build a bay: three lights that stand out to the back, a seat board and a roof."""
    x, y, h = b.w / 2, b.d / 2, b.h
    plan = [
        (-x + 0.02, y - 0.02),
        (-x * 0.55, -y + 0.02),
        (x * 0.55, -y + 0.02),
        (x - 0.02, y - 0.02),
    ]
    outline = [(-x, y), (-x * 0.57, -y), (x * 0.57, -y), (x, y)]
    parts: Parts = [prism(outline, (0, 0.06), white), prism(outline, (h - 0.06, h), white)]
    for start, end in pairwise(plan):
        low, high = np.array([*start, 0.05]), np.array([*end, 0.05])
        length = float(np.linalg.norm(high - low))
        sheet = block((0, length), (-0.004, 0.004), (0.05, h - 0.05), pane)
        angle = float(np.degrees(np.arctan2(high[1] - low[1], high[0] - low[0])))
        parts.append(move(turn(sheet, "z", angle), start[0], start[1]))
    for place in plan:
        parts.append(tube([(*place, 0.03), (*place, h - 0.03)], 0.03, white, n=4))
    return parts


def blinds(b: AssetSpec) -> Parts:
    """Build Venetian blinds under a head rail, with cords."""
    x, y, h = b.w / 2, b.d / 2, b.h
    slat_finish = plastic("#eeece6")
    rail = min(0.03, h * 0.15)
    parts: Parts = [
        block((-x, x), (-y, y), (h - rail, h), slat_finish),
        block((-x, x), (-y * 0.8, y * 0.8), (0, 0.012), slat_finish),
    ]
    count = max(6, int((h - rail) / 0.018))
    for level in np.linspace(0.02, h - rail - 0.008, count):
        slat = block((-x * 0.99, x * 0.99), (-y * 0.85, y * 0.85), (-0.001, 0.001), slat_finish)
        parts.append(move(turn(slat, "x", 24), z=level))
    for place in (-0.6, 0.6):
        parts.append(
            rod((place * x, 0, 0.01), (place * x, 0, h - rail), 0.002, fabric("cream"), n=6)
        )
    return parts


def shower_curtain(b: AssetSpec) -> Parts:
    """Build a gathered curtain that hangs in folds from rings on a rod."""
    x, y, h = b.w / 2, b.d / 2, b.h
    cloth, hem = fabric(b.pick("teal", "sage", "blue", "rose")), fabric("cream")
    top = h - 0.05
    n = 48
    u = np.linspace(-1, 1, n)
    rows = []
    for z in np.linspace(0, top, 9):
        spread = 0.86 + 0.14 * (1 - z / top)
        wave = np.sin(u * 10) * (0.75 + 0.2 * np.cos(2 * z / top))
        front = np.column_stack([u * x * spread, wave * y * 0.9, np.full(n, z)])
        rows.append(np.concatenate([front, front[::-1] - [0, 0.004, 0]]))
    curtain = np.array(rows)
    parts: Parts = [
        loft_rings(curtain[:2], hem, sharp_rows=False),
        loft_rings(curtain[1:], cloth, sharp_rows=False),
    ]
    chrome = metal("chrome")
    parts.append(rod((-x, 0, h - 0.028), (x, 0, h - 0.028), 0.011, chrome))
    for place in np.linspace(-0.8, 0.8, 6):
        parts.append(torus((place * x, 0, h - 0.035), 0.028, 0.003, chrome, axis="x", n=16))
    return parts
