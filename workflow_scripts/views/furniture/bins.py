"""Boxes, baskets, bins and bags."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    fabric,
    metal,
    paper,
    plastic,
    wood,
)
from workflow_scripts.views.furniture.shapes import (
    block,
    loft,
    loft_rings,
    move,
    prism,
    torus,
    turn,
)


def box(b: AssetSpec) -> Parts:
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
    flap = min(0.14, h * 0.5, 0.32 * b.w, 0.32 * b.d)
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


def laundry_hamper(b: AssetSpec) -> Parts:
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


def garbage_can(b: AssetSpec) -> Parts:
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
        return [loft(sections, shell, power=power, n=32)]
    steel, dark = (metal("steel"), plastic("#232426"))
    y = d / 2
    body = 0.92 * d
    shell_parts = [
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
    parts: Parts = [move(part, y=-(d - body) / 2) for part in shell_parts]
    parts.append(block((-0.055, 0.055), (y - 0.07, y), (0.012, 0.03), dark, bevel=0.006))
    return parts


def garbage_bag(b: AssetSpec) -> Parts:
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
    return [loft_rings(np.array(rings), film, sharp_rows=False), tie]
