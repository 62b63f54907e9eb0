"""Cleaning: soap, sprays, brushes, cloths and tissues."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    ceramic,
    fabric,
    metal,
    paper,
    plastic,
    rubber,
    wood,
)
from workflow_scripts.views.furniture.shapes import (
    block,
    cushion,
    ellipsoid,
    lathe,
    loft,
    loft_rings,
    prism,
    rod,
    sheet,
    torus,
    tube,
)


def soap_bottle(b: AssetSpec) -> Parts:
    """Build a pump dispenser of liquid soap."""
    body = plastic(b.pick("#e7e4dc", "#8fb9b0", "#d69a9a", "#7fa3c7", "#d8c074", "#4a4d52"), 0.2)
    steel = metal("chrome") if b.chance(0.5) else plastic("#f0efec")
    d, h, x = b.d, b.h, b.w / 2
    cx = x - d / 2 if b.w > d * 1.1 else 0.0
    w = d if b.w > d * 1.1 else b.w
    shoulder = 0.66 * h
    power = 2 if b.chance(0.5) else 5
    return [
        loft(
            [
                (0.9 * w, 0.9 * d, 0),
                (w, d, 0.03 * h),
                (w, d, shoulder * 0.92),
                (0.5 * w, 0.5 * d, shoulder),
                (0.3 * w, 0.3 * d, shoulder * 1.02),
            ],
            body,
            power=power,
            x=cx,
        ),
        loft(
            [(1.004 * w, 1.004 * d, 0.18 * h), (1.004 * w, 1.004 * d, 0.45 * h)],
            paper("#f2efe8"),
            power=power,
            x=cx,
            caps=False,
        ),
        lathe(
            [(0, shoulder), (0.022, shoulder), (0.02, shoulder + 0.02), (0, shoulder + 0.02)],
            steel,
            x=cx,
        ),
        rod((cx, 0, shoulder), (cx, 0, h * 0.95), 0.004, steel),
        tube(
            [
                (cx + 0.012, 0, h * 0.96),
                (cx - 0.01, 0, h * 0.975),
                (-x + 0.01, 0, h * 0.96),
                (-x, 0, h * 0.9),
            ],
            [0.009, 0.008, 0.006, 0.005],
            steel,
        ),
        lathe([(0, h * 0.94), (0.014, h * 0.94), (0.014, h), (0, h)], steel, x=cx, n=12),
    ]


def spray_bottle(b: AssetSpec) -> Parts:
    """Build a trigger spray bottle, nozzle to the front."""
    body = plastic(b.pick("#e9e7e2", "#7fa8d0", "#86b58a", "#d8b45a", "#c8687a"), 0.25)
    head = plastic(b.pick("#f0efec", "#c8452f", "#2f3236", "#3f6fa0"))
    y, h = b.d / 2, b.h
    w, d = b.w, b.d * 0.68
    back = -y + d / 2
    neck = 0.68 * h
    return [
        loft(
            [
                (0.9 * w, 0.9 * d, 0),
                (w, d, 0.03 * h),
                (w, d, 0.38 * h),
                (0.8 * w, 0.7 * d, 0.5 * h),
                (0.6 * w, 0.36 * d, 0.62 * h),
                (0.6 * w, 0.34 * d, neck),
            ],
            body,
            power=3,
            y=back,
        ),
        loft(
            [(1.005 * w, 1.005 * d, 0.1 * h), (1.005 * w, 1.005 * d, 0.32 * h)],
            paper("#f4f0df"),
            power=3,
            y=back,
            caps=False,
        ),
        loft([(0.8 * w, 0.45 * d, neck), (0.8 * w, 0.45 * d, neck + 0.03)], head, power=2, y=back),
        prism(
            [
                (back - 0.02, neck + 0.025),
                (back + 0.012, neck + 0.025),
                (back + 0.02, 0.86 * h),
                (y - 0.01, 0.9 * h),
                (y - 0.008, h * 0.98),
                (-y + 0.006, h),
                (-y, h * 0.93),
                (back - 0.02, 0.86 * h),
            ],
            (-w * 0.36, w * 0.36),
            head,
            axis="x",
        ),
        block((-w * 0.2, w * 0.2), (y - 0.012, y), (0.91 * h, 0.97 * h), plastic("#2f3236")),
        tube(
            [(0, y - 0.035, 0.88 * h), (0, y - 0.022, 0.8 * h), (0, y - 0.028, 0.7 * h)],
            [0.006, 0.006, 0.004],
            head,
            n=6,
        ),
    ]


def plunger(b: AssetSpec) -> Parts:
    """Build a plunger: rubber cup and wooden handle."""
    r, h = b.w / 2, b.h
    cup = [
        (0.8 * r, 0.0),
        (r, 0.0),
        (r, 0.02),
        (0.92 * r, 0.06 * h),
        (0.62 * r, 0.15 * h),
        (0.25 * r, 0.19 * h),
        (0.2 * r, 0.24 * h),
        (0, 0.24 * h),
    ]
    red = plastic("#a5372b", 0.6) if b.chance(0.6) else rubber()
    return [
        lathe([(0, 0.03), (0.7 * r, 0.01), *cup], red, n=28),
        lathe(
            [(0, 0.2 * h), (0.0125, 0.2 * h), (0.0125, 0.96 * h), (0.011, 0.99 * h), (0, h)],
            wood("birch"),
            n=12,
        ),
    ]


def scrub_brush(b: AssetSpec) -> Parts:
    """Build a toilet brush in its holder."""
    r, h = b.w / 2, b.h
    white = ceramic("#eef0ef")
    holder = [
        (0, 0),
        (r, 0),
        (0.98 * r, 0.02 * h),
        (0.8 * r, 0.12 * h),
        (0.78 * r, 0.34 * h),
        (0.72 * r, 0.34 * h),
        (0.7 * r, 0.1 * h),
        (0, 0.08 * h),
    ]
    return [
        lathe(holder, white, n=28),
        ellipsoid((0, 0, 0.31 * h), (0.6 * r, 0.6 * r, 0.12 * h), paper("#dfe6ee"), n=16),
        lathe(
            [
                (0, 0.4 * h),
                (0.012, 0.4 * h),
                (0.009, 0.5 * h),
                (0.009, 0.8 * h),
                (0.016, 0.86 * h),
                (0.016, 0.97 * h),
                (0.008, h),
                (0, h),
            ],
            plastic("#f0efec"),
            n=14,
        ),
    ]


def soap_bar(b: AssetSpec) -> Parts:
    """Build a bar of soap with a pressed mark."""
    soap = plastic(b.pick("#e9d7b0", "#d9b9c4", "#b9d3c2"), 0.35)
    x, y, h = b.w / 2, b.d / 2, b.h
    return [
        cushion((-x, x), (-y, y), (0, h), soap, puff=0.25, power=3.2),
        torus((0, 0, h * 0.985), x * 0.5, h * 0.03, soap, squash=1.5, n=20),
    ]


def cloth(b: AssetSpec) -> Parts:
    """Build a crumpled cleaning cloth."""
    rng = b.rng
    waves = [(rng.uniform(3, 9), rng.uniform(3, 9), rng.uniform(0, 6)) for _ in range(5)]
    t = 0.12 * b.h

    def height(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        level = sum(np.sin(a * u + c * v + phase) for a, c, phase in waves) / 5
        edge = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) * 4
        bumps = np.clip(0.5 + 0.6 * level, 0, 1)
        top: np.ndarray = t + (b.h - t) * bumps * np.clip(0.15 + edge, 0, 1)
        return top

    finish = fabric(
        b.pick("cream", "blue", "sage", "rose", "mustard"),
        print_kind=b.pick("checks", "stripes"),
        repeat_m=0.08,
    )
    return [sheet((-b.w / 2, b.w / 2), (-b.d / 2, b.d / 2), height, t, finish, n=(26, 26))]


def tissue_box(b: AssetSpec) -> Parts:
    """Build a box of tissues with one sticking out."""
    x, y, h = b.w / 2, b.d / 2, b.h
    lid = h * 0.62
    card = fabric(
        b.pick("blue", "rose", "sage", "teal"), print_kind=b.pick("dots", "chevron"), repeat_m=0.12
    )
    white = paper("#f8f7f3")
    parts: Parts = [
        block((-x, x), (-y, y), (0, lid), card, bevel=0.003),
        loft(
            [(x * 1.1, y * 0.9, lid - 0.001), (x * 1.1, y * 0.9, lid + 0.001)],
            plastic("#55585c"),
            power=2,
        ),
    ]
    n = 30
    angle = np.arange(n) * 2 * np.pi / n
    rings = []
    for share, z in (
        (0.3, 0.0),
        (0.42, 0.3),
        (0.62, 0.65),
        (0.75, 0.85),
        (0.95, 1.0),
        (0.6, 0.8),
        (0.2, 0.4),
        (0.0, 0.3),
    ):
        fold = 1 + 0.3 * np.sin(5 * angle) * share
        lift = lid + (h - lid) * (z + 0.12 * np.sin(3 * angle + 1) * z)
        rings.append(
            np.column_stack(
                [
                    share * fold * np.cos(angle) * x * 0.6,
                    share * fold * np.sin(angle) * y * 0.5,
                    lift,
                ]
            )
        )
    parts.append(loft_rings(np.array(rings), white, sharp_rows=False))
    return parts
