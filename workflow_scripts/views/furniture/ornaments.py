"""Ornaments: vases, candles, a teddy bear, centrepieces."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import catmull_rom, hollow_profile
from workflow_scripts.views.furniture.materials import (
    ceramic,
    emissive,
    fabric,
    glass,
    metal,
    plastic,
    rubber,
    stone,
    wood,
)
from workflow_scripts.views.furniture.shapes import (
    block,
    ellipsoid,
    lathe,
    rod,
    torus,
    tube,
)

GLAZES = ("#f1efea", "#3f6f86", "#b4563c", "#7d9a83", "#2f3a4a", "#d0a85a", "#8a4f5e")

# Outlines (radius, height) as fractions of half the width and of the height.
VASES = {
    "urn": [(0.5, 0), (0.6, 0.04), (0.95, 0.38), (0.98, 0.55), (0.6, 0.82), (0.52, 0.9), (0.7, 1)],
    "bottle": [(0.62, 0), (0.9, 0.12), (1, 0.3), (0.7, 0.5), (0.3, 0.66), (0.26, 0.9), (0.36, 1)],
    "tulip": [(0.5, 0), (0.55, 0.05), (0.5, 0.12), (0.85, 0.4), (0.8, 0.7), (1, 1)],
    "column": [(0.8, 0), (0.84, 0.04), (0.86, 0.5), (0.94, 0.85), (1, 1)],
    "globe": [(0.45, 0), (0.8, 0.15), (1, 0.5), (0.82, 0.8), (0.45, 0.96), (0.5, 1)],
}


def vase(b: AssetSpec) -> Parts:
    """Build a vase in one of five outlines, glazed, of glass or banded."""
    r, h, squash = b.w / 2, b.h, b.d / b.w
    # A low open outline would be taken for a bowl, a straight one for a cup.
    kinds = sorted(VASES) if h > 1.6 * b.w else [kind for kind in sorted(VASES) if kind != "column"]
    kind = "globe" if h < b.w * 0.8 else b.pick_from(kinds)
    outside = catmull_rom([(x * r, z * h) for x, z in VASES[kind]], 16)
    side = [(0.0, 0.0), *map(tuple, outside)]
    finish = (
        glass(b.pick("#a9cfd6", "#c9b6d6", "#b8d6b0"), 0.55)
        if b.chance(0.2)
        else ceramic(b.pick_from(GLAZES))
    )
    parts: Parts = [lathe(hollow_profile(side, r * 0.07), finish, n=28, squash=squash)]
    if b.chance(0.45):
        band = ceramic(b.pick("#f1efea", "#d0a85a", "#26344a"))
        for index in (5, 7):
            radius, level = outside[index]
            parts.append(torus((0, 0, level), radius, r * 0.03, band, n=28, squash=squash))
    return parts


def candle(b: AssetSpec) -> Parts:
    """Build a candle: a pillar, or a taper in a holder; some burn."""
    r, h, squash = b.w / 2, b.h, b.d / b.w
    wax = plastic(b.pick("#f0e8d4", "#f0e8d4", "#a8352f", "#d8c08a", "#5f7f6a"), 0.5)
    flame = h * 0.12
    top = h - flame
    parts: Parts = []
    if h > 4.5 * b.w or r < 0.02:
        stick = [(0, 0), (r, 0), (r * 0.9, top)]
    elif b.chance(0.35) and h > 2.2 * b.w:
        holder = metal(b.pick("brass", "iron"))
        foot = [(1, 0), (1, 0.03), (0.3, 0.1), (0.22, 0.3), (0.5, 0.38), (0.55, 0.42), (0.3, 0.42)]
        profile = [(0.0, 0.0), *((x * r, z * h) for x, z in foot), (0.0, 0.42 * h)]
        parts.append(lathe(profile, holder, squash=squash))
        stick = [(0, 0.4 * h), (r * 0.27, 0.4 * h), (r * 0.24, top)]
    else:
        stick = [(0, 0), (r * 0.98, 0), (r, h * 0.02), (r, top * 0.97), (r * 0.93, top)]
        stick.append((r * 0.5, top * 0.975))
    end = stick[-1][1]
    parts.append(lathe([*stick, (0, end)], wax, squash=squash))
    parts.append(
        rod((0, 0, end), (0, 0, h - flame * 0.55), min(r * 0.08, 0.0015), rubber("#2b2522"))
    )
    if b.chance(0.5):
        shape = [(0, 0), (0.5, 0.2), (0.6, 0.4), (0.3, 0.75), (0, 1)]
        wide = min(flame * 0.42, r * 0.4)
        fire = [(x * wide, h - flame * 0.75 + z * flame * 0.75) for x, z in shape]
        parts.append(lathe(fire, emissive("#ffcf7a", 1.6), n=10))
        return parts
    parts.append(rod((0, 0, end), (0, 0, h), min(r * 0.06, 0.001), rubber("#2b2522"), n=6))
    return parts


def teddy_bear(b: AssetSpec) -> Parts:
    """Build a sitting teddy bear."""
    x, y, h = b.w / 2, b.d / 2, b.h
    fur = fabric(b.pick("#9a6a3c", "#7a4c2a", "#c9a46c"))
    light, black = fabric("#e2cba0"), plastic("#191614", 0.15)
    parts: Parts = [
        ellipsoid((0, -y * 0.3, h * 0.31), (x * 0.56, y * 0.62, h * 0.31), fur, n=18),
        ellipsoid((0, y * 0.02, h * 0.3), (x * 0.38, y * 0.36, h * 0.21), light, n=16),
        ellipsoid((0, -y * 0.22, h * 0.72), (x * 0.52, y * 0.55, h * 0.23), fur, n=18),
        ellipsoid((0, y * 0.24, h * 0.66), (x * 0.24, y * 0.26, h * 0.095), light, n=12),
        ellipsoid((0, y * 0.48, h * 0.695), (x * 0.09, y * 0.08, h * 0.03), black, n=10),
    ]
    for side in (-1, 1):
        ear = (side * x * 0.42, -y * 0.25, h * 0.9)
        parts.append(ellipsoid(ear, (x * 0.2, y * 0.13, h * 0.1), fur, n=12))
        inner = (side * x * 0.42, -y * 0.15, h * 0.895)
        parts.append(ellipsoid(inner, (x * 0.12, y * 0.06, h * 0.06), light, n=10))
        eye = (side * x * 0.2, y * 0.24, h * 0.765)
        parts.append(ellipsoid(eye, (x * 0.055, y * 0.06, h * 0.028), black, n=8))
        arm = [
            (side * x * 0.42, -y * 0.25, h * 0.5),
            (side * x * 0.74, -y * 0.05, h * 0.36),
            (side * x * 0.84, y * 0.2, h * 0.26),
        ]
        sizes = [x * 0.2, x * 0.2, x * 0.19, x * 0.16, x * 0.07]
        parts.append(tube(catmull_rom(arm, 5), sizes, fur, n=10))
        leg = [
            (side * x * 0.3, -y * 0.2, h * 0.14),
            (side * x * 0.46, y * 0.3, h * 0.13),
            (side * x * 0.56, y * 0.8, h * 0.14),
        ]
        parts.append(
            tube(catmull_rom(leg, 5), [x * 0.22, x * 0.24, x * 0.22, x * 0.22, x * 0.2], fur, n=10)
        )
        sole = (side * x * 0.56, y * 0.84, h * 0.16)
        parts.append(ellipsoid(sole, (x * 0.22, y * 0.16, h * 0.15), fur, n=12))
        pad = (side * x * 0.56, y * 0.95, h * 0.16)
        parts.append(ellipsoid(pad, (x * 0.14, y * 0.07, h * 0.1), light, n=12))
    if b.chance(0.6):
        ribbon = fabric(b.pick("#a3262a", "#2c4f8a", "#3f7a4a"))
        parts.append(torus((0, -y * 0.2, h * 0.53), x * 0.36, x * 0.055, ribbon, squash=y / x))
        for side in (-1, 1):
            bow = (side * x * 0.13, y * 0.22, h * 0.52)
            parts.append(ellipsoid(bow, (x * 0.14, y * 0.07, h * 0.05), ribbon, n=10))
    return parts


def room_decor(b: AssetSpec) -> Parts:
    """Build a tall floor sculpture: three bars of wood or metal wound about each other on a base.

    Not a floor vase with branches: people would count it among the vases and the plants.
    """
    x, y, h = b.w / 2, b.d / 2, b.h
    bar = (
        wood(b.pick("wenge", "walnut", "teak")) if b.chance(0.6) else metal(b.pick("iron", "brass"))
    )
    foot = h * 0.05
    thick = min(x, y) * 0.16
    turns = b.uniform(0.6, 0.9)
    parts: Parts = [block((-x, x), (-y, y), (0, foot), stone("#3a3836", 10), bevel=foot * 0.2)]
    rise = np.linspace(0, 1, 25)
    reach = 0.35 + 0.45 * np.sin(np.pi * rise) ** 2
    for index in range(3):
        angle = 2 * np.pi * (turns * rise + index / 3)
        top = h * (1 - 0.14 * index)
        path = np.column_stack(
            [
                x * reach * np.cos(angle),
                y * reach * np.sin(angle),
                foot * 0.9 + (top - foot * 0.9) * rise,
            ]
        )
        parts.append(tube(path, np.linspace(thick, thick * 0.6, 25), bar, n=10))
    return parts


def table_top_decor(b: AssetSpec) -> Parts:
    """Build a centrepiece: three upright rings of wood or metal on a board.

    Not a bowl of decorative balls: people would count it among the bowls.
    """
    x, y, h = b.w / 2, b.d / 2, b.h
    board = h * 0.14
    ring = (
        wood(b.pick("oak", "teak", "walnut")) if b.chance(0.5) else metal(b.pick("brass", "iron"))
    )
    parts: Parts = [block((-x, x), (-y, y), (0, board), wood("wenge"), bevel=board * 0.2)]
    for place, share in ((-0.05, 1.0), (-0.62, 0.78), (0.55, 0.62)):
        high = (h - board) * share
        thick = high * 0.08
        r = high / 2 - thick
        depth = y * (0.35 if place < -0.5 else -0.3 if place > 0.5 else 0.0)
        parts.append(torus((place * x, depth, board + high / 2), r, thick, ring, axis="y", n=32))
    return parts
