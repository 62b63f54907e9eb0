"""Household items: boots, keys, newspapers, pens, a watering can."""

import numpy as np

from workflow_scripts.views.furniture import printed_textures
from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import catmull_rom
from workflow_scripts.views.furniture.materials import (
    image,
    leather,
    metal,
    paint,
    paper,
    plastic,
    rubber,
    wood,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    lathe,
    loft,
    loft_rings,
    lying,
    move,
    outline,
    rod,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh


def boots(b: AssetSpec) -> Parts:
    """Build a pair of tall boots side by side, toes to the front."""
    wide = b.w * 0.46
    upper = rubber(b.pick("#3f5a3a", "#26344f", "#8c2f2a")) if b.chance(0.5) else leather("#5f3d28")
    parts: Parts = []
    for side in (-1, 1):
        shift = side * (b.w - wide) / 2
        parts.extend(move(part, x=shift) for part in _boot(wide, b.d, b.h, upper))
    return parts


def _boot(w: float, d: float, h: float, upper: Finish) -> list[Mesh]:
    y = d / 2
    leg = min(d * 0.62, w * 1.2)
    heel = -y + leg / 2
    # (width, depth, middle y, height): sole, instep, ankle, shaft, rim.
    stations = [
        (0.86, d * 0.96, 0.0, 0.035),
        (0.94, d * 0.98, 0.0, 0.07),
        (0.9, d * 0.95, -y * 0.03, 0.13),
        (0.8, d * 0.8, -y * 0.16, 0.2),
        (0.78, leg * 1.05, heel + leg * 0.05, 0.29),
        (0.8, leg * 0.96, heel, 0.42),
        (0.94, leg * 1.0, heel, 0.75),
        (1.0, leg * 1.04, heel, 1.0),
        (0.92, leg * 0.96, heel, 1.0),
        (0.86, leg * 0.9, heel, 0.7),
    ]
    rings = [
        np.column_stack([outline(share * w, deep, 2.6, 20, y=mid), np.full(20, level * h)])
        for share, deep, mid, level in stations
    ]
    dark = rubber("#1d1b19")
    return [
        loft_rings(np.array(rings), upper),
        loft([(w * 0.9, d * 0.98, 0), (w * 0.98, d, h * 0.05)], dark, power=2.6),
        block((-w * 0.4, w * 0.4), (-y, -y * 0.4), (0, h * 0.05), dark, bevel=0.005),
        loft(
            [(w * 1.01, leg * 1.05, h * 0.94), (w * 1.01, leg * 1.05, h * 0.985)],
            dark,
            y=heel,
            power=2.6,
            caps=False,
        ),
    ]


def key_chain(b: AssetSpec) -> Parts:
    """Build a ring with three keys and a tag, lying flat."""
    x, y, h = b.w / 2, b.d / 2, b.h
    r = min(y * 0.55, x * 0.35)
    middle = -x * 0.25
    steel = metal("steel")
    parts: Parts = [torus((middle, 0, h / 2), r, h * 0.12, steel)]
    for metal_kind, angle in (("brass", -24), ("steel", 6), ("brass", 34)):
        length = x - (middle + r * 0.8)
        parts.extend(
            move(turn(part, "z", angle * min(1.0, y / x * 1.5)), middle + r * 0.7)
            for part in _key(length, min(y * 0.3, length * 0.2), h, metal(metal_kind))
        )
    tag = leather(b.pick("#7d2a2a", "#2b4a6b", "#5a3a2a"))
    wide = min(y * 0.4, 0.018)
    parts.append(
        block((-x, middle - r * 0.85), (-wide, wide), (h * 0.2, h * 0.8), tag, bevel=h * 0.2)
    )
    return parts


def _key(length: float, r: float, h: float, finish: Finish) -> list[Mesh]:
    """Make a key along +x: a holed bow, a blade with teeth."""
    t = h * 0.14
    blade = (r * 2, length)
    parts = [
        torus((r, 0, h / 2), r * 0.72, r * 0.3, finish, n=18),
        block(blade, (-r * 0.26, r * 0.26), (h / 2 - t, h / 2 + t), finish),
    ]
    for share, deep in ((0.45, 0.3), (0.6, 0.45), (0.75, 0.25), (0.9, 0.4)):
        spot = blade[0] + (blade[1] - blade[0]) * share
        tooth = (-r * (0.26 + deep), -r * 0.2)
        width = (blade[1] - blade[0]) * 0.05
        parts.append(block((spot - width, spot + width), tooth, (h / 2 - t, h / 2 + t), finish))
    return parts


def newspaper(b: AssetSpec) -> Parts:
    """Build a folded newspaper: the front page up, its sheets showing at the edges."""
    x, y, h = b.w / 2, b.d / 2, b.h
    sheets, under = paper("#e2dfd4"), paper("#bdb9ae")
    parts: Parts = []
    count = 5
    for sheet in range(count):
        low, high = h * sheet / count, h * (sheet + 0.82) / count
        inset = 0.02 * ((sheet * 7) % 3)
        finish = under if sheet % 2 else sheets
        parts.append(
            block(
                (-x * (1 - inset), x * (1 - inset / 2)), (-y * (1 - inset), y), (low, high), finish
            )
        )
    fold = [(-x, y - h * 0.5, h / 2), (x, y - h * 0.5, h / 2)]
    parts.append(tube(fold, h * 0.48, sheets, n=12))
    page = lying(
        (-x * 0.99, x * 0.99), (-y * 0.98, y - h * 0.2), h, image(printed_textures.newspaper(), 0.9)
    )
    return [*parts, page]


def pen(b: AssetSpec) -> Parts:
    """Build a ball-point pen along y with a cap clip."""
    y, r = b.d / 2, min(b.w, b.h) / 2
    body = plastic(b.pick("#1f3f8c", "#1c1c1e", "#a3262a", "#e9e7e1"))
    steel = metal("chrome")
    return [
        rod((0, -y * 0.62, r), (0, y * 0.7, r), r * 0.92, body),
        rod((0, -y * 0.95, r), (0, -y * 0.6, r), r * 0.25, steel, r * 0.9),
        rod((0, -y, r), (0, -y * 0.94, r), r * 0.12, steel, r * 0.25),
        rod((0, y * 0.68, r), (0, y * 0.96, r), r, steel),
        rod((0, y * 0.95, r), (0, y, r), r * 0.5, body),
        block((-r * 0.25, r * 0.25), (y * 0.25, y * 0.9), (r * 1.85, b.h), steel),
    ]


def pencil(b: AssetSpec) -> Parts:
    """Build a six-sided pencil along y: sharpened tip, metal ferrule, pink rubber."""
    y, r = b.d / 2, min(b.w, b.h) / 2
    lacquer = paint(b.pick("#e3ac2b", "#e3ac2b", "#a8322b", "#2c5f8a"))
    return [
        tube([(0, -y * 0.8, r), (0, y * 0.82, r)], r, lacquer, n=6),
        rod((0, -y * 0.95, r), (0, -y * 0.8, r), r * 0.28, wood("birch"), r * 0.9, n=10),
        rod((0, -y, r), (0, -y * 0.94, r), r * 0.05, plastic("#2a2a2c"), r * 0.3, n=8),
        rod((0, y * 0.81, r), (0, y * 0.91, r), r * 0.98, metal("brass")),
        rod((0, y * 0.9, r), (0, y, r), r * 0.88, rubber("#d98a8e")),
    ]


def watering_can(b: AssetSpec) -> Parts:
    """Build a watering can: round body, long spout with a rose to the front, bow handle."""
    x, y, h = b.w / 2, b.d / 2, b.h
    finish = (
        metal("steel")
        if b.chance(0.35)
        else paint(b.pick("#3f7a55", "#2f6f8a", "#b3493a", "#d9a83a"))
    )
    r, top = x, h * 0.66
    middle = -y + r + b.d * 0.1
    body = [(0, 0), (r * 0.94, 0), (r, h * 0.03), (r * 0.9, top), (r * 0.6, top + h * 0.03)]
    spout = [(0, middle + r * 0.8, h * 0.16), (0, y * 0.55, h * 0.5), (0, y * 0.86, h * 0.84)]
    rose = ((0, y * 0.84, h * 0.82), (0, y * 0.98, h * 0.92))
    bow = catmull_rom(
        [
            (0, middle + r * 0.55, top),
            (0, middle + r * 0.3, h * 0.93),
            (0, middle - r * 0.5, h * 0.98),
            (0, -y + r * 0.05, h * 0.6),
            (0, middle - r * 0.92, h * 0.22),
        ],
        16,
    )
    parts: Parts = [
        lathe([*body, (r * 0.58, top), (0, top)], finish, y=middle, n=28),
        tube(catmull_rom(spout, 8), np.linspace(r * 0.22, r * 0.11, 8), finish, n=12),
        rod(*rose, r * 0.12, finish, r * 0.36, n=16),
        tube(bow, r * 0.09, finish, section=(1.6, 0.8)),
    ]
    for level in (0.05, 0.6):
        ring = torus((0, middle, h * level), r * (0.99 if level < 0.3 else 0.9), r * 0.04, finish)
        parts.append(ring)
    return parts
