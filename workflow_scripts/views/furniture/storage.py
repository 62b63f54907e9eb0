"""Counters, dressers, stands, shelves, bins, boxes, hampers, safes and carts."""

import numpy as np

from workflow_scripts.common.assets import COUNTER_DEPTH_M
from workflow_scripts.views.furniture.brief import Brief, Parts
from workflow_scripts.views.furniture.materials import (
    fabric,
    metal,
    paint,
    paper,
    plastic,
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
    loft,
    move,
    prism,
    rod,
    skin,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh

CASE_WOODS = ("oak", "walnut", "cherry", "birch", "wenge", "pine", "teak", "ash")


def case_finish(b: Brief) -> Finish:
    """Choose the wood or paint of a case."""
    return (
        paint(b.pick("white", "cream", "grey", "blue", "green"))
        if b.chance(0.35)
        else wood(b.one_of(CASE_WOODS))
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


def counter_top(b: Brief) -> Parts:
    """Build kitchen counters along the runs that the asset's name tells (I, L, C, island)."""
    x, y = b.w / 2, b.d / 2
    body = (
        paint(b.pick("white", "cream", "grey", "blue", "green"))
        if b.chance(0.6)
        else wood(b.one_of(CASE_WOODS))
    )
    top = (
        stone(b.pick("#d9d6d0", "#3a3b3d", "#8f8a82", "#b9b2a6"))
        if b.chance(0.7)
        else wood(b.pick("oak", "walnut", "birch"))
    )
    knob = metal(b.pick("steel", "iron", "brass"))
    deep = min(COUNTER_DEPTH_M, b.d, b.w)
    if "_L_" not in b.asset_id and "_C_" not in b.asset_id:
        return _run(b.w, b.d, b.h, body, top, knob)
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


def dresser(b: Brief) -> Parts:
    """Build a chest of drawers."""
    return _chest(
        b,
        rows=4 if b.h > 1.05 else 3 if b.h > 0.65 else 2,
        cols=1 if b.w < 0.85 else 2 if b.w < 1.8 else 3,
    )


def _chest(b: Brief, rows: int, cols: int) -> Parts:
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


def tv_stand(b: Brief) -> Parts:
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
    black = plastic("#1d1e20")
    level = foot + 0.022
    parts.append(
        block((-0.17, 0.17), (-y * 0.5, y * 0.4), (level, level + 0.05), black, bevel=0.004)
    )
    return parts


def shelving_unit(b: Brief) -> Parts:
    """Build open shelves at the heights where things stand, in a case or on metal posts."""
    x, y, h = b.w / 2, b.d / 2, b.h
    finish = case_finish(b)
    thick = min(0.025, h * 0.03)
    steel = b.chance(0.25)
    post = metal("iron") if steel else finish
    parts: Parts = []
    for level in b.tops:
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
        parts.append(block((-x, x), (y - 0.03, y - 0.012), (0, b.tops[0] - thick), finish))
    return parts


def safe(b: Brief) -> Parts:
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


def box(b: Brief) -> Parts:
    """Build a cardboard box with open flaps, or a lidded decorative one."""
    x, y, h = b.w / 2, b.d / 2, b.h
    if "Decorative" in b.asset_id:
        body, lid = (
            fabric(
                b.pick("teal", "rust", "navy", "rose"),
                print_kind=b.pick("stripes", "dots", "chevron"),
            ),
            paper("#e8dcc6"),
        )
        rim = h * 0.72
        return [
            block((-x * 0.96, x * 0.96), (-y * 0.96, y * 0.96), (0, rim + 0.01), body),
            block((-x, x), (-y, y), (rim, h), lid, bevel=0.004),
            block((-0.012, 0.012), (-y * 1.0, y), (rim - 0.001, h + 0.002), body),
        ]
    card = paper(b.pick("#b98f5f", "#c49a6c", "#a87f52"))
    t = 0.006
    flap = min(0.45 * b.d, 0.14, h * 0.5)
    # Bounds belong to the flaps, which hang outside and slope down a little.
    bx, by, top = x - flap * 0.82, y - flap * 0.82, h - flap * 0.3
    parts: Parts = [
        block((-bx, bx), (-by, by), (0, t), card),
        block((-bx, -bx + t), (-by, by), (0, top), card),
        block((bx - t, bx), (-by, by), (0, top), card),
        block((-bx, bx), (-by, -by + t), (0, top), card),
        block((-bx, bx), (by - t, by), (0, top), card),
    ]
    tape = plastic("#d9c08a", 0.2)
    parts.append(block((-0.025, 0.025), (by - 0.001, by + 0.0012), (top * 0.55, top), tape))
    parts.append(block((-0.025, 0.025), (-by - 0.0012, -by + 0.001), (top * 0.55, top), tape))
    for side in (-1, 1):
        for along, half, edge in (("y", bx, by), ("x", by, bx)):
            rise = flap * 0.3 if (along == "y") == (side > 0) else flap * 0.12
            flat = [(0, 0), (flap * 0.82, rise), (flap * 0.82, rise + t), (0, t)]
            leaf = prism(flat, (-half * 0.98, half * 0.98), card, axis="x")
            leaf = move(leaf, y=edge, z=top - t)
            angle = {("y", 1): 0, ("y", -1): 180, ("x", 1): -90, ("x", -1): 90}[(along, side)]
            parts.append(turn(leaf, "z", angle))
    return parts


def laundry_hamper(b: Brief) -> Parts:
    """Build a woven basket with a lid and two handles."""
    x, h = b.w / 2, b.h
    cane = wood(b.pick("#b88d5a", "#c9a877", "#8a623c"))
    rim = h * 0.86
    rows = 13
    sections = []
    for row in range(rows):
        for swell, part in ((0.96, 0.0), (1.0, 0.25), (1.0, 0.75), (0.96, 1.0)):
            z = rim * (row + part) / rows
            taper = 0.86 + 0.1 * z / rim
            sections.append((b.w * taper * swell, b.d * taper * swell, z))
    lid = [
        (b.w, b.d, rim),
        (b.w, b.d, rim + h * 0.05),
        (b.w * 0.9, b.d * 0.9, h * 0.965),
        (b.w * 0.3, b.d * 0.3, h * 0.975),
    ]
    parts: Parts = [
        loft(sections, cane, power=5, n=28),
        loft(lid, cane, power=5, n=28),
        torus((0, 0, h * 0.965), 0.035, h * 0.012, cane, axis="x"),
        loft([(0.05, 0.05, h * 0.97), (0.04, 0.04, h)], cane, power=2, n=12),
    ]
    for side in (-1, 1):
        parts.append(torus((side * x * 0.9, 0, rim * 0.8), 0.05, 0.009, fabric("cream"), axis="x"))
    return parts


def garbage_can(b: Brief) -> Parts:
    """Build a bin: open and tapered, or with a pedal and a domed lid."""
    w, d, h = b.w, b.d, b.h
    round_bin = abs(w - d) < 0.05
    power = 2 if round_bin else 5
    if b.chance(0.55):
        shell = plastic(b.pick("#3a3d40", "#e2e2df", "#5c7f6b", "#48617f", "#8a8d90"))
        sections = [
            (0.74 * w, 0.74 * d, 0),
            (0.95 * w, 0.95 * d, h * 0.94),
            (w, d, h * 0.95),
            (w, d, h),
            (0.94 * w, 0.94 * d, h),
            (0.7 * w, 0.7 * d, 0.02),
            (0.01, 0.01, 0.02),
        ]
        liner = plastic("#e9e9ec", 0.6)
        lip = [
            (0.955 * w, 0.955 * d, h * 0.8),
            (0.995 * w, 0.995 * d, h * 0.945),
            (0.93 * w, 0.93 * d, h * 0.99),
            (0.8 * w, 0.8 * d, h * 0.5),
        ]
        bag = [loft(lip, liner, power=power, n=32, caps=False)] if b.chance(0.4) else []
        return [loft(sections, shell, power=power, n=32), *bag]
    steel, dark = (metal("steel"), plastic("#232426"))
    y = d / 2
    body = 0.92 * d
    parts: Parts = [
        loft([(0.97 * w, body, 0), (0.97 * w, body, 0.05)], dark, power=power, n=32),
        loft(
            [(0.95 * w, body * 0.97, 0.05), (0.95 * w, body * 0.97, h * 0.84)],
            steel,
            power=power,
            n=32,
        ),
        loft(
            [
                (w, body, h * 0.84),
                (w, body, h * 0.89),
                (0.9 * w, 0.9 * body, h * 0.96),
                (0.55 * w, 0.55 * body, h * 0.995),
                (0.1, 0.1, h),
            ],
            steel if b.chance(0.5) else dark,
            power=power,
            n=32,
        ),
        block((-0.06, 0.06), (body / 2 - 0.03, body / 2 + 0.0), (0.012, 0.03), dark),
    ]
    parts = [move(part, y=-(d - body) / 2) for part in parts]
    parts.append(block((-0.055, 0.055), (y - 0.07, y), (0.012, 0.03), dark, bevel=0.006))
    return parts


def garbage_bag(b: Brief) -> Parts:
    """Build a filled black bag, gathered and tied at the top."""
    film = plastic(b.pick("#1b1c1e", "#24272b"), 0.25)
    profile = [
        (0.05, 0.0),
        (0.72, 0.0),
        (0.92, 0.1),
        (1.0, 0.25),
        (0.97, 0.42),
        (0.8, 0.58),
        (0.5, 0.7),
        (0.2, 0.79),
        (0.085, 0.83),
        (0.1, 0.87),
        (0.24, 0.95),
        (0.3, 1.0),
        (0.12, 0.93),
        (0.0, 0.88),
    ]
    n = 40
    rings = []
    rng = b.rng
    for radius, z in profile:
        angle = np.arange(n) * 2 * np.pi / n
        fold = (
            1
            + 0.06 * np.sin(7 * angle + 3 * z)
            + 0.05 * np.sin(11 * angle - 5 * z)
            + 0.015 * rng.normal(size=n)
        )
        r = radius * np.where(radius > 0.05, fold, 1)
        rings.append(
            np.column_stack(
                [r * np.cos(angle) * b.w / 2, r * np.sin(angle) * b.d / 2, np.full(n, z * b.h)]
            )
        )
    tie = torus((0, 0, 0.835 * b.h), 0.1 * b.w / 2, 0.01, plastic("#c8402f"), n=16)
    return [skin(np.array(rings), film, sharp_rows=False), tie]


def cart(b: Brief) -> Parts:
    """Build a trolley: trays on steel posts, wheels, a tall push handle."""
    x, y, h = b.w / 2, b.d / 2, b.h
    steel, tray = metal("steel"), paint(b.pick("blue", "green", "red", "grey"))
    (deck,) = b.tops
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
