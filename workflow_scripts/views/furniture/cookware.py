"""Pots, pans and kitchen appliances for the worktop."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import arc, catmull_rom, hollow_profile, loft_along_y
from workflow_scripts.views.furniture.materials import ceramic, glass, metal, paper, plastic, rubber
from workflow_scripts.views.furniture.shapes import (
    Finish,
    Profile,
    block,
    ellipsoid,
    lathe,
    loft,
    move,
    rod,
    sheet,
    torus,
    tube,
    turn,
)


def kettle(b: AssetSpec) -> Parts:
    """Build a stove kettle: a round belly, a spout at the front, a bow handle."""
    x, y, h = b.w / 2, b.d / 2, b.h
    body = metal("steel") if b.chance(0.5) else ceramic(b.pick("#a5342c", "#2f6b78", "#e9e2cf"))
    dark = plastic("#1d1d1f")
    top = h * 0.56
    shape = [(0.0, 0.0), (0.86, 0.0), (1.0, 0.1), (0.96, 0.5), (0.72, 0.88), (0.4, 1.0), (0.0, 1.0)]
    middle = -y + x * 0.98
    bow = [(0, middle + r, z) for r, z in arc((0, h * 0.45), h * 0.52, -2, 182, 18)]
    spout = catmull_rom(
        [(0, middle + x * 0.7, h * 0.2), (0, y * 0.85, h * 0.42), (0, y, h * 0.6)], 7
    )
    return [
        lathe([(r * x, z * top) for r, z in shape], body, y=middle, n=28),
        tube(spout, np.linspace(x * 0.26, x * 0.13, 7), body, n=12),
        lathe(
            [(0, top * 0.97), (x * 0.38, top), (x * 0.3, top + h * 0.03), (0, top + h * 0.04)],
            body,
            y=middle,
        ),
        ellipsoid((0, middle, top + h * 0.07), (x * 0.1, x * 0.1, h * 0.05), dark, n=10),
        tube(bow, h * 0.035, dark, section=(1.5, 0.8)),
    ]


def pan(b: AssetSpec) -> Parts:
    """Build a frying pan, its long handle to the front."""
    r = min(b.w, b.d) / 2
    long = b.d - 2 * r
    middle, h = -b.d / 2 + r, b.h
    deep = h * 0.85
    outer, inner = (
        (metal("iron"), rubber("#1d1d1f"))
        if b.chance(0.6)
        else (metal("steel"), plastic("#303235", 0.3))
    )
    side = [(0.0, 0.0), (r * 0.78, 0.0), (r * 0.9, deep * 0.3), (r, deep)]
    parts: Parts = [
        lathe(hollow_profile(side, r * 0.025), outer, y=middle, n=32),
        lathe(hollow_profile(side, r * 0.025, r * 0.006), inner, y=middle, n=32),
    ]
    grip = plastic("#1c1c1e") if b.chance(0.7) else metal("steel")
    if long < 0.05:
        return [*parts, *_loop_handles(r * 0.9, middle, deep * 0.8, b.w * 0.08, grip, "x")]
    parts.append(
        loft_along_y(
            [
                (middle + r * 0.9, r * 0.16, h * 0.2, deep * 0.75),
                (middle + r + long * 0.25, r * 0.15, h * 0.24, h * 0.8),
                (middle + r + long * 0.4, r * 0.24, h * 0.3, h * 0.84),
                (b.d / 2 - long * 0.06, r * 0.27, h * 0.3, h * 0.85),
                (b.d / 2, r * 0.16, h * 0.2, h * 0.85),
            ],
            grip,
        )
    )
    return parts


def _loop_handles(r: float, y: float, z: float, size: float, finish: Finish, axis: str) -> Parts:
    """Make two loop handles on the sides of a round pot."""
    parts: Parts = []
    for side in (0, 180):
        loop = [(r + size * 0.9 * c, s * size * 1.3, z) for c, s in arc((0, 0), 1, -80, 80, 10)]
        handle = tube(loop, size * 0.2, finish)
        parts.append(move(turn(handle, "z", side + (90 if axis == "y" else 0)), y=y))
    return parts


def pot(b: AssetSpec) -> Parts:
    """Build a pot with a lid and two loop handles, or a saucepan with one long handle."""
    body = metal("steel") if b.chance(0.6) else ceramic(b.pick("#a5342c", "#2f5d74", "#d88a2d"))
    dark = plastic("#1d1d1f")
    saucepan = b.d > b.w * 1.35
    axis = "y" if b.d > b.w else "x"
    r = b.w / 2 if saucepan else min(min(b.w, b.d) / 2, max(b.w, b.d) / 2 * 0.86)
    y = -b.d / 2 + r if saucepan else 0.0
    lid = b.chance(0.6)
    top = b.h * (0.74 if lid else 1)
    side = [(0.0, 0.0), (r * 0.93, 0.0), (r, top * 0.1), (r, top * 0.96), (r * 1.02, top)]
    parts: Parts = [lathe(hollow_profile(side, r * 0.05), body, y=y, n=32)]
    if lid:
        dome = catmull_rom([(r * 1.02, top), (r * 0.75, top * 1.1), (r * 0.1, top * 1.17)], 7)
        cover = glass("#cfdad8", 0.55) if b.chance(0.4) else body
        parts.append(lathe([(0, top), *map(tuple, dome), (0, top * 1.17)], cover, y=y, n=28))
        parts.append(lathe(_knob(r * 0.16, top * 1.15, b.h), dark, y=y, n=14))
    if saucepan:
        end = y + r
        handle = [
            (end - r * 0.1, r * 0.2, b.h * 0.08, top * 0.85),
            (end + (b.d / 2 - end) * 0.4, r * 0.22, b.h * 0.1, top * 0.9),
            (b.d / 2, r * 0.24, b.h * 0.1, top * 0.92),
        ]
        return [*parts, loft_along_y(handle, dark)]
    size = max(max(b.w, b.d) / 2 - r, r * 0.12)
    return [*parts, *_loop_handles(r * 0.97, y, top * 0.8, size, dark, axis)]


def _knob(r: float, low: float, high: float) -> Profile:
    return [
        (0, low),
        (r * 0.5, low),
        (r * 0.5, low + (high - low) * 0.4),
        (r, high * 0.97 + low * 0.03),
        (r * 0.8, high),
        (0, high),
    ]


def paper_towel_roll(b: AssetSpec) -> Parts:
    """Build a standing roll of kitchen paper with its end hanging loose."""
    r, h, squash = b.w / 2, b.h, b.d / b.w
    white, core = paper("#f6f4ef"), paper("#a9814f")
    ring = [(r * 0.36, 0), (r, 0), (r, h), (r * 0.36, h)]
    tube_side = [(r * 0.28, 0), (r * 0.36, 0), (r * 0.36, h * 0.998), (r * 0.28, h * 0.998)]
    parts: Parts = [
        lathe([*ring, ring[0]], white, n=28, squash=squash),
        lathe([*tube_side, tube_side[0]], core, n=16, squash=squash),
        block((0, r), (b.d / 2 - 0.001, b.d / 2 + 0.0015), (0, h), white),
    ]
    for level in (0.3, 0.32, 0.66, 0.68):
        line = torus((0, 0, h * level), r, 0.0007, paper("#7f9db5"), n=24, squash=squash)
        parts.append(line)
    return parts


def dish_sponge(b: AssetSpec) -> Parts:
    """Build a yellow sponge with a green scouring side on top."""
    x, y, h = b.w / 2, b.d / 2, b.h
    soft, rough = b.pick("#e3c23d", "#e0a83a"), b.pick("#3f6b45", "#2f5a78")
    return [
        block((-x, x), (-y, y), (0, h * 0.75), paper(soft), bevel=h * 0.12),
        block((-x, x), (-y, y), (h * 0.72, h), rubber(rough), bevel=h * 0.08),
    ]


def aluminium_foil(b: AssetSpec) -> Parts:
    """Build a roll of foil with a sheet pulled out to the front."""
    x, y, h = b.w / 2, b.d / 2, b.h
    foil = metal("aluminium")
    r = h / 2

    def crumple(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        height: np.ndarray = (
            h * 0.06 + h * 0.07 * np.sin(9 * u + 7 * v) * v + h * 0.9 * (1 - v) ** 4
        )
        return height

    return [
        rod((-x, -y + r, r), (x, -y + r, r), r, foil, n=20),
        rod((-x * 1.01, -y + r, r), (x * 1.01, -y + r, r), r * 0.45, paper("#9c7748"), n=14),
        sheet((-x * 0.97, x * 0.97), (-y + r, y), crumple, h * 0.03, foil, n=(14, 10)),
    ]


def toaster(b: AssetSpec) -> Parts:
    """Build a toaster: two slots along its length, a lever at the front end."""
    x, y, h = b.w / 2, b.d / 2, b.h
    shell = metal("steel") if b.chance(0.5) else ceramic(b.pick("#a8322b", "#e9e2d0", "#2b2c30"))
    dark = plastic("#1b1b1d")
    body = [
        (2 * x * 0.96, 2 * y * 0.94, h * 0.04),
        (2 * x, 2 * y * 0.97, h * 0.3),
        (2 * x, 2 * y * 0.97, h * 0.72),
        (2 * x * 0.93, 2 * y * 0.94, h * 0.9),
        (2 * x * 0.78, 2 * y * 0.88, h * 0.96),
    ]
    parts: Parts = [
        loft(body, shell, power=5, n=28),
        block((-x * 0.84, x * 0.84), (-y * 0.86, y * 0.86), (0, h * 0.09), dark),
        block((-x * 0.05, x * 0.05), (y * 0.95, y * 0.975), (h * 0.25, h * 0.75), dark),
        block((-x * 0.22, x * 0.22), (y * 0.95, y), (h * 0.6, h * 0.7), dark, bevel=0.006),
        rod((x * 0.5, y * 0.94, h * 0.3), (x * 0.5, y, h * 0.3), h * 0.07, dark),
    ]
    for side in (-0.36, 0.36):
        slot = (side * x - x * 0.14, side * x + x * 0.14)
        parts.append(block(slot, (-y * 0.66, y * 0.66), (h * 0.9, h * 0.965), dark))
    return parts


def coffee_machine(b: AssetSpec) -> Parts:
    """Build an espresso machine: tank at the back, hood with two spouts over a drip tray."""
    x, y, h = b.w / 2, b.d / 2, b.h
    shell = plastic(b.pick("#1d1e21", "#1d1e21", "#8f1f24", "#d9d6cf"))
    steel, black = metal("steel"), plastic("#17171a")
    spot, low, top = y * 0.36, h * 0.1, h * 0.62
    tray = (-y * 0.2, y * 0.92)
    bars = [
        block((-x * 0.8, x * 0.8), (place, place + y * 0.04), (low, low + 0.006), steel)
        for place in np.linspace(tray[0] + y * 0.03, tray[1] - y * 0.07, 8)
    ]
    spouts = [
        rod((side * x * 0.13, spot, top), (side * x * 0.13, spot, h * 0.47), h * 0.014, steel)
        for side in (-1, 1)
    ]
    return [
        block((-x, x), (-y, y), (0, h * 0.1), shell, bevel=0.012),
        block((-x, x), (-y, -y * 0.28), (0.01, h), shell, bevel=0.02),
        block((-x, x), (-y, y * 0.86), (h * 0.62, h), shell, bevel=0.03),
        block((-x * 0.7, x * 0.7), (y * 0.85, y * 0.875), (h * 0.72, h * 0.9), steel, bevel=0.004),
        rod((x * 0.4, y * 0.87, h * 0.81), (x * 0.4, y * 0.91, h * 0.81), h * 0.03, black),
        block((-x * 0.85, x * 0.85), tray, (low - 0.004, low + 0.002), black),
        *bars,
        rod((0, spot, h * 0.56), (0, spot, top), x * 0.3, steel, n=20),
        block((-x * 0.2, x * 0.2), (spot - 0.02, spot + 0.02), (h * 0.52, h * 0.57), steel),
        *spouts,
        rod((0, spot, h * 0.585), (0, y * 0.98, h * 0.555), h * 0.025, black, h * 0.03),
    ]
