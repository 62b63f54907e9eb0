"""Bats, balls, rackets and weights."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import arc, catmull_rom, loft_along_y
from workflow_scripts.views.furniture.materials import metal, plastic, rubber, wood
from workflow_scripts.views.furniture.shapes import block, ellipsoid, lathe, rod, torus, tube


def baseball_bat(b: AssetSpec) -> Parts:
    """Build a baseball bat standing on its barrel, its knob up."""
    r, h, squash = b.w / 2, b.h, b.d / b.w
    wooden = b.chance(0.65)
    body = wood(b.pick("ash", "oak", "cherry")) if wooden else metal("aluminium")
    side = catmull_rom(
        [(0.78, 0), (0.98, 0.03), (1, 0.25), (0.75, 0.48), (0.42, 0.68), (0.36, 0.94)], 16
    )
    knob = [(0.36, 0.96), (0.62, 0.97), (0.66, 0.985), (0.5, 1.0), (0.0, 1.0)]
    profile = [(0.0, 0.0), *((x * r, z * h) for x, z in [*side, *knob])]
    grip = rubber(b.pick("#1c1c1e", "#7d1f24", "#233a63"))
    parts: Parts = [lathe(profile, body, squash=squash)]
    for level in np.linspace(0.7, 0.94, 8):
        parts.append(torus((0, 0, level * h), r * 0.34, r * 0.12, grip, n=12, squash=squash))
    if not wooden:
        band = [(0, h * 0.14), (r * 1.01, h * 0.14), (r * 1.01, h * 0.34), (0, h * 0.34)]
        parts.append(lathe(band, plastic(b.pick("#b3261e", "#1f4f9a", "#1d1d1f")), squash=squash))
    return parts


def basket_ball(b: AssetSpec) -> Parts:
    """Build a basketball: orange, with its eight black seams."""
    r = b.w / 2
    middle = (0.0, 0.0, b.h / 2)
    seam = rubber("#1a1815")
    parts: Parts = [
        ellipsoid(middle, (r, b.d / 2, b.h / 2), rubber(b.pick("#c4652a", "#b4531f")), n=28),
        torus(middle, r, r * 0.018, seam, axis="x", n=32),
        torus(middle, r, r * 0.018, seam, axis="z", n=32),
    ]
    turns = np.linspace(0, 2 * np.pi, 37)[:-1]
    for side in (-1, 1):
        # Two curved seams bulge toward the poles of the left and right half.
        x = side * (0.62 - 0.24 * np.cos(2 * turns))
        ring = np.sqrt(1 - x**2)
        path = np.column_stack([x, ring * np.cos(turns), ring * np.sin(turns)]) * r
        parts.append(tube(path + np.array(middle), r * 0.018, seam, loop=True, n=6))
    return parts


def dumbbell(b: AssetSpec) -> Parts:
    """Build a dumbbell along y: plates or hexagonal heads on a steel bar."""
    y, r = b.d / 2, b.h / 2
    steel = metal("chrome")
    parts: Parts = [
        rod((0, -y * 0.95, r), (0, y * 0.95, r), r * 0.2, steel),
        rod((0, -y * 0.32, r), (0, y * 0.32, r), r * 0.25, rubber("#2a2a2d")),
    ]
    hexagonal = b.chance(0.5)
    head = rubber(b.pick("#1d1d20", "#1d1d20", "#3b4a66", "#6b2630"))
    for side in (-1, 1):
        if hexagonal:
            stations = [(0.4, 0.85), (0.46, 1.0), (0.9, 1.0), (0.97, 0.8)]
            path = [(0, side * y * share, r) for share, _ in stations]
            parts.append(tube(path, [r * 1.1 * size for _, size in stations], head, n=6))
            cap = ((0, side * y * 0.9, r), (0, side * y, r))
            parts.append(rod(*cap, r * 0.4, steel, n=16))
            continue
        for low, high, size in ((0.42, 0.58, 1.0), (0.6, 0.74, 0.82), (0.76, 0.88, 0.64)):
            disc = ((0, side * y * low, r), (0, side * y * high, r))
            parts.append(rod(*disc, r * size, head, n=24))
        parts.append(rod((0, side * y * 0.88, r), (0, side * y, r), r * 0.34, steel, n=16))
    return parts


def tennis_racket(b: AssetSpec) -> Parts:
    """Build a tennis racket that lies flat, its handle to the front."""
    x, y, h = b.w / 2, b.d / 2, b.h
    frame = plastic(b.pick("#b3261e", "#1f4f9a", "#1c1d20", "#d6a622"), 0.2)
    string, grip = plastic("#f0eeda"), rubber(b.pick("#1f1f22", "#e4e0d6"))
    thick = min(h * 0.4, x * 0.09)
    z = h * 0.5
    half, long = x - thick * 0.7, b.d * 0.26
    middle = -y + long + thick * 0.7
    hoop = [(half * c, middle + long * s, z) for c, s in arc((0, 0), 1, 0, 360, 37)[:-1]]
    parts: Parts = [tube(hoop, thick * 0.7, frame, loop=True, n=8, section=(1, 1.3))]
    throat = middle + long
    for side in (-1, 1):
        fork = catmull_rom(
            [
                (side * half * 0.75, middle + long * 0.66, z),
                (side * half * 0.3, throat + b.d * 0.07, z),
                (side * half * 0.06, throat + b.d * 0.16, z),
            ],
            7,
        )
        parts.append(tube(fork, thick * 0.65, frame, section=(1, 1.2)))
    for share in np.linspace(-0.86, 0.86, 11):
        reach = np.sqrt(1 - share**2)
        wire = thick * 0.12
        parts.append(
            block(
                (share * half - wire, share * half + wire),
                (middle - reach * long, middle + reach * long),
                (z - wire, z + wire),
                string,
            )
        )
        parts.append(
            block(
                (-reach * half, reach * half),
                (middle + share * long - wire, middle + share * long + wire),
                (z - wire * 0.8, z + wire * 1.2),
                string,
            )
        )
    start = throat + b.d * 0.12
    parts.append(
        loft_along_y(
            [
                (start, h * 0.5, h * 0.6, z),
                (start + b.d * 0.06, h * 0.66, h * 0.8, z),
                (y * 0.97, h * 0.7, h * 0.86, z),
                (y * 0.975, h * 0.85, h, z),
                (y, h * 0.85, h, z),
            ],
            grip,
            n=8,
        )
    )
    return parts
