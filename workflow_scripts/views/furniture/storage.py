"""Counters, dressers, stands, shelves, safes and carts."""

import numpy as np

from workflow_scripts.sources.readers.procthor_assets import COUNTER_DEPTH_M
from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    metal,
    paint,
    rubber,
    stone,
    wood,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    Span,
    block,
    ellipsoid,
    lathe,
    move,
    rod,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh

CASE_WOODS = ("oak", "walnut", "cherry", "birch", "wenge", "pine", "teak", "ash")


def case_finish(b: AssetSpec) -> Finish:
    """Choose the wood or paint of a case."""
    return (
        paint(b.pick("white", "cream", "grey", "blue", "green"))
        if b.chance(0.35)
        else wood(b.pick_from(CASE_WOODS))
    )


def drawer_front(
    x: Span, z: Span, y: float, finish: Finish, knob: Finish, *, bar: bool = False
) -> list[Mesh]:
    """Build a raised front with its knob or bar on the plane `y`."""
    parts = [block(x, (y - 0.002, y + 0.014), z, finish, bevel=0.004)]
    middle, level = (x[0] + x[1]) / 2, (z[0] + z[1]) / 2
    wide = x[1] - x[0]
    if bar:
        half = min(0.09, wide * 0.25)
        return [
            *parts,
            rod(
                (middle - half, y + 0.022, level),
                (middle + half, y + 0.022, level),
                0.006,
                knob,
                n=8,
            ),
        ]
    for place in (middle,) if wide < 0.55 else (middle - wide * 0.27, middle + wide * 0.27):
        parts.append(ellipsoid((place, y + 0.02, level), (0.013, 0.01, 0.013), knob, n=8))
    return parts


def door_front(x: Span, z: Span, y: float, finish: Finish, knob: Finish, hinge: int) -> list[Mesh]:
    """Build a framed cupboard door; its handle is away from the hinge side (-1 or 1)."""
    frame = min(0.06, (x[1] - x[0]) * 0.18)
    parts = [
        block(x, (y - 0.002, y + 0.008), z, finish),
        block((x[0], x[0] + frame), (y, y + 0.018), z, finish),
        block((x[1] - frame, x[1]), (y, y + 0.018), z, finish),
        block((x[0] + frame, x[1] - frame), (y, y + 0.018), (z[0], z[0] + frame), finish),
        block((x[0] + frame, x[1] - frame), (y, y + 0.018), (z[1] - frame, z[1]), finish),
    ]
    place = x[0] + frame / 2 if hinge > 0 else x[1] - frame / 2
    top = z[1] - (z[1] - z[0]) * 0.3
    parts.append(
        rod((place, y + 0.028, top - 0.06), (place, y + 0.028, top + 0.06), 0.006, knob, n=8)
    )
    return parts


def counter_top(b: AssetSpec) -> Parts:
    """Build kitchen counters along the runs that the asset's name gives (I, L, C, island)."""
    x, y = b.w / 2, b.d / 2
    body = (
        paint(b.pick("white", "cream", "grey", "blue", "green"))
        if b.chance(0.6)
        else wood(b.pick_from(CASE_WOODS))
    )
    top = (
        stone(b.pick("#d9d6d0", "#3a3b3d", "#8f8a82", "#b9b2a6"))
        if b.chance(0.7)
        else wood(b.pick("oak", "walnut", "birch"))
    )
    knob = metal(b.pick("steel", "iron", "brass"))
    deep = min(COUNTER_DEPTH_M, b.d, b.w)
    if "_L_" not in b.asset_id and "_C_" not in b.asset_id:
        return [*_run(b.w, b.d, b.h, body, top, knob)]
    parts = [move(part, y=-y + deep / 2) for part in _run(b.w, deep, b.h, body, top, knob)]
    arm = b.d - deep
    if arm < 0.05:
        return list(parts)
    side = _run(arm, deep, b.h, body, top, knob)
    sides = (1,) if "_L_" in b.asset_id else (1, -1)
    for sign in sides:
        # The run's front, +y, turns towards the middle of the room.
        turned = [turn(part, "z", 90 * sign) for part in side]
        parts += [move(part, x=sign * (x - deep / 2), y=deep / 2) for part in turned]
    return list(parts)


def _run(w: float, d: float, h: float, body: Finish, top: Finish, knob: Finish) -> list[Mesh]:
    """Build one straight counter, its front at +y."""
    x, y = w / 2, d / 2
    parts = [
        block((-x, x), (-y, y), (h - 0.04, h), top, bevel=0.006),
        block((-x, x), (-y, y - 0.04), (0.1, h - 0.04), body),
        block((-x, x), (-y, y - 0.1), (0, 0.1), paint("black")),
    ]
    units = max(1, round(w / 0.55))
    wide = w / units
    for unit in range(units):
        span = (-x + unit * wide + 0.005, -x + (unit + 1) * wide - 0.005)
        if unit % 3 == 1:
            step = (h - 0.05 - 0.11) / 3
            for row in range(3):
                z = (0.11 + row * step, 0.11 + (row + 1) * step - 0.008)
                parts += drawer_front(span, z, y - 0.04, body, knob, bar=True)
        else:
            parts += drawer_front(span, (h - 0.2, h - 0.05), y - 0.04, body, knob, bar=True)
            parts += door_front(span, (0.11, h - 0.21), y - 0.04, body, knob, 1 if unit % 2 else -1)
    return parts


def dresser(b: AssetSpec) -> Parts:
    """Build a chest of drawers."""
    return _chest(
        b,
        rows=4 if b.h > 1.05 else 3 if b.h > 0.65 else 2,
        cols=1 if b.w < 0.85 else 2 if b.w < 1.8 else 3,
    )


def _chest(b: AssetSpec, rows: int, cols: int) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    finish = case_finish(b)
    knob = metal(b.pick("brass", "steel", "iron"))
    foot = min(0.12, h * 0.12)
    bar = b.chance(0.4)
    face = y - 0.035
    parts: Parts = [
        block((-x, x), (-y, y), (h - 0.03, h), finish, bevel=0.006),
        block((-x + 0.015, x - 0.015), (-y + 0.005, face), (foot, h - 0.03), finish),
    ]
    step, wide = (h - 0.05 - foot) / rows, (b.w - 0.06) / cols
    for row in range(rows):
        for col in range(cols):
            span = (-x + 0.03 + col * wide + 0.005, -x + 0.03 + (col + 1) * wide - 0.005)
            z = (foot + 0.012 + row * step, foot + 0.012 + (row + 1) * step - 0.012)
            parts += drawer_front(span, z, face, finish, knob, bar=bar)
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - 0.045), sy * (y - 0.06)
            parts.append(tube([(cx, cy, 0), (cx, cy, foot + 0.005)], [0.025, 0.04], finish, n=4))
    return parts


def tv_stand(b: AssetSpec) -> Parts:
    """Build a low media unit: an open middle shelf between two doors."""
    x, y, h = b.w / 2, b.d / 2, b.h
    finish = case_finish(b)
    knob = metal(b.pick("steel", "iron"))
    foot = min(0.1, h * 0.16)
    wing = b.w * 0.3
    parts: Parts = [
        block((-x, x), (-y, y), (h - 0.028, h), finish, bevel=0.004),
        block((-x, x), (-y, y - 0.02), (foot, foot + 0.022), finish),
        block((-x, x), (-y, -y + 0.01), (foot, h - 0.028), finish),
        block(
            (-x + wing, x - wing),
            (-y, y - 0.04),
            ((foot + h) / 2 - 0.01, (foot + h) / 2 + 0.01),
            finish,
        ),
    ]
    for side in (-1, 1):
        outer, inner = side * x, side * (x - wing)
        parts.append(block((outer, inner), (-y, y - 0.03), (foot, h - 0.028), finish))
        span = (min(outer, inner) + 0.006, max(outer, inner) - 0.006)
        parts += door_front(span, (foot + 0.008, h - 0.034), y - 0.03, finish, knob, side)
        for sy in (-1, 1):
            parts.append(
                rod(
                    (side * (x - 0.05), sy * (y - 0.06), 0),
                    (side * (x - 0.05), sy * (y - 0.06), foot),
                    0.014,
                    finish,
                    0.022,
                    n=8,
                )
            )
    return parts


def shelving_unit(b: AssetSpec) -> Parts:
    """Build open shelves at the support heights, in a case or on metal posts."""
    x, y, h = b.w / 2, b.d / 2, b.h
    finish = case_finish(b)
    thick = min(0.025, h * 0.03)
    steel = b.chance(0.25)
    post = metal("iron") if steel else finish
    parts: Parts = []
    for level in b.support_heights_m:
        parts.append(block((-x, x), (-y, y), (level - thick, level), finish))
    if steel:
        for sx in (-1, 1):
            for sy in (-1, 1):
                cx, cy = sx * (x - 0.012), sy * (y - 0.012)
                parts.append(
                    block((cx - 0.012, cx + 0.012), (cy - 0.012, cy + 0.012), (0, h), post)
                )
        parts.append(rod((-x, -y + 0.012, h * 0.08), (x, -y + 0.012, h * 0.9), 0.005, post, n=6))
    else:
        for side in (-1, 1):
            parts.append(block((side * x, side * (x - thick)), (-y, y), (0, h), finish))
        parts.append(block((-x, x), (-y, -y + 0.008), (0, h), finish))
        parts.append(
            block((-x, x), (y - 0.03, y - 0.012), (0, b.support_heights_m[0] - thick), finish)
        )
    return parts


def safe(b: AssetSpec) -> Parts:
    """Build a steel safe: thick door, dial, handle, hinges."""
    x, y, h = b.w / 2, b.d / 2, b.h
    body, chrome = paint(b.pick("#3d4247", "#4a5148", "#2f3b4a"), 0.5), metal("chrome")
    face = y - 0.06
    parts: Parts = [
        block((-x, x), (-y, face), (0.02, h), body, bevel=0.012),
        block((-x * 0.9, x * 0.9), (face - 0.01, face + 0.02), (0.05, h - 0.03), body, bevel=0.006),
        block((-x * 0.8, x * 0.8), (face + 0.018, face + 0.024), (h * 0.17, h * 0.87), body),
        rod(
            (x * 0.25, face + 0.02, h * 0.52),
            (x * 0.25, face + 0.05, h * 0.52),
            0.055,
            metal("steel"),
            0.05,
            n=24,
        ),
        rod((x * 0.25, face + 0.05, h * 0.52), (x * 0.25, y, h * 0.52), 0.022, chrome, n=16),
        rod((-x * 0.35, face + 0.02, h * 0.52), (-x * 0.35, y - 0.01, h * 0.52), 0.014, chrome),
    ]
    for angle in (30, 150, 270):
        end = (
            -x * 0.35 + 0.065 * np.cos(np.radians(angle)),
            h * 0.52 + 0.065 * np.sin(np.radians(angle)),
        )
        parts.append(
            rod((-x * 0.35, y - 0.015, h * 0.52), (end[0], y - 0.015, end[1]), 0.007, chrome, n=8)
        )
    for level in (0.22, 0.8):
        parts.append(
            rod(
                (x * 0.93, face + 0.012, h * level - 0.03),
                (x * 0.93, face + 0.012, h * level + 0.03),
                0.014,
                chrome,
            )
        )
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                lathe(
                    [(0, 0), (0.022, 0), (0.022, 0.025), (0, 0.025)],
                    rubber(),
                    x=sx * x * 0.85,
                    y=sy * y * 0.8,
                    n=10,
                )
            )
    return parts


def cart(b: AssetSpec) -> Parts:
    """Build a trolley: trays on steel posts, wheels, a tall push handle."""
    x, y, h = b.w / 2, b.d / 2, b.h
    steel, tray = metal("steel"), paint(b.pick("blue", "green", "red", "grey"))
    (deck,) = b.support_heights_m
    wheel = 0.06
    parts: Parts = []
    for level in (0.16, (0.16 + deck) / 2, deck):
        parts.append(
            block((-x * 0.96, x * 0.96), (-y * 0.94, y * 0.94), (level - 0.02, level), tray)
        )
        for side in (-1, 1):
            parts.append(
                rod(
                    (-x * 0.96, side * y * 0.94, level + 0.05),
                    (x * 0.96, side * y * 0.94, level + 0.05),
                    0.007,
                    steel,
                    n=8,
                )
            )
            parts.append(
                rod(
                    (side * x * 0.96, -y * 0.94, level + 0.05),
                    (side * x * 0.96, y * 0.94, level + 0.05),
                    0.007,
                    steel,
                    n=8,
                )
            )
    for sx in (-1, 1):
        for sy in (-1, 1):
            top = h - 0.012 if sy < 0 else deck + 0.05
            parts.append(
                rod(
                    (sx * x * 0.96, sy * y * 0.94, wheel),
                    (sx * x * 0.96, sy * y * 0.94, top),
                    0.011,
                    steel,
                )
            )
            parts.append(
                rod(
                    (sx * x * 0.96 - 0.015, sy * y * 0.9, wheel * 0.6),
                    (sx * x * 0.96 + 0.015, sy * y * 0.9, wheel * 0.6),
                    wheel * 0.6,
                    rubber(),
                    n=16,
                )
            )
    parts.append(
        rod((-x * 0.96, -y * 0.94, h - 0.012), (x * 0.96, -y * 0.94, h - 0.012), 0.012, rubber())
    )
    return parts
