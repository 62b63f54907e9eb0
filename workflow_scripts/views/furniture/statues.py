"""Statuettes: a figure, a bust, a cat, a ring or a lying dog, chosen by the shape of the box."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import catmull_rom
from workflow_scripts.views.furniture.materials import ceramic, metal, stone, wood
from workflow_scripts.views.furniture.shapes import Finish, block, ellipsoid, loft, rod, tube


def statue(b: AssetSpec) -> Parts:
    """Build a statuette; a tall box gets a tall plinth, so that the statue keeps its build."""
    if b.w > 1.5 * b.d:
        builders = {_dog: 0.0}
    elif b.h > 2.2 * max(b.w, b.d):
        builders = {_figure: 3.2, _bust: 1.75}
    else:
        builders = {_figure: 3.2, _bust: 1.75, _cat: 1.9, _ring: 2.0}
    build_figure = list(builders)[int(b.rng.integers(len(builders)))]
    finish = {
        "stone": stone("#b9b5aa"),
        "marble": stone("#e6e3dc", 12),
        "bronze": metal("copper"),
        "gold": metal("gold"),
        "black": ceramic("#232326"),
        "wood": wood("walnut"),
    }[b.pick("stone", "marble", "bronze", "gold", "black", "wood")]
    foot = (
        max(b.h * 0.1, b.h - builders[build_figure] * min(b.w, b.d))
        if builders[build_figure]
        else b.h * 0.08
    )
    base = stone("#3a3836", 10)
    x, y = b.w / 2, b.d / 2
    step = min(b.h * 0.06, foot * 0.5)
    column = 0.86 if foot > b.h * 0.2 else 0.95
    parts: Parts = [
        block((-x, x), (-y, y), (0, step), base, bevel=0.003),
        block((-x * column, x * column), (-y * column, y * column), (0, foot), base, bevel=0.003),
    ]
    return [*parts, *build_figure(x * 0.92, y * 0.92, foot, b.h, finish)]


def _bust(x: float, y: float, low: float, h: float, finish: Finish) -> Parts:
    """Make a head on its neck and shoulders."""
    t = h - low
    face = low + t * 0.72
    chest = [
        (0.6 * x, 0.7 * y, low),
        (0.7 * x, 0.8 * y, low + t * 0.12),
        (1.9 * x, 1.3 * y, low + t * 0.27),
        (1.7 * x, 1.1 * y, low + t * 0.36),
        (0.7 * x, 0.7 * y, low + t * 0.44),
        (0.6 * x, 0.65 * y, low + t * 0.58),
    ]
    return [
        loft(chest, finish, power=2.4, n=20),
        ellipsoid((0, 0, face), (x * 0.5, y * 0.62, t * 0.24), finish, n=18),
        ellipsoid((0, -y * 0.12, face + t * 0.09), (x * 0.56, y * 0.62, t * 0.19), finish, n=16),
        ellipsoid((0, y * 0.6, face - t * 0.03), (x * 0.1, y * 0.16, t * 0.06), finish, n=10),
        ellipsoid((0, y * 0.42, face - t * 0.17), (x * 0.2, y * 0.2, t * 0.06), finish, n=10),
        *(
            ellipsoid(
                (s * x * 0.5, 0, face - t * 0.02), (x * 0.07, y * 0.13, t * 0.06), finish, n=8
            )
            for s in (-1, 1)
        ),
    ]


def _figure(x: float, y: float, low: float, h: float, finish: Finish) -> Parts:
    """Make a standing robed figure that waves."""
    t = h - low
    robe = [
        (1.3 * x, 1.3 * y, low),
        (1.1 * x, 1.1 * y, low + t * 0.2),
        (0.9 * x, 0.9 * y, low + t * 0.45),
        (0.66 * x, 0.66 * y, low + t * 0.56),
        (1.05 * x, 0.8 * y, low + t * 0.7),
        (0.9 * x, 0.7 * y, low + t * 0.77),
        (0.3 * x, 0.34 * y, low + t * 0.8),
    ]
    shoulder = low + t * 0.74
    waving = catmull_rom(
        [(x * 0.4, 0, shoulder), (x * 0.85, 0, shoulder - t * 0.02), (x * 0.8, 0, low + t * 0.96)],
        9,
    )
    resting = catmull_rom(
        [
            (-x * 0.4, 0, shoulder),
            (-x * 0.78, y * 0.05, shoulder - t * 0.14),
            (-x * 0.3, y * 0.62, shoulder - t * 0.17),
        ],
        9,
    )
    taper = np.linspace(x * 0.17, x * 0.1, 9)
    return [
        loft(robe, finish, power=2.2, n=20),
        ellipsoid((0, y * 0.05, low + t * 0.9), (x * 0.32, y * 0.36, t * 0.1), finish, n=16),
        ellipsoid((0, -y * 0.2, low + t * 0.92), (x * 0.3, y * 0.3, t * 0.09), finish, n=12),
        rod((0, 0, low + t * 0.77), (0, 0, low + t * 0.86), x * 0.15, finish),
        tube(waving, taper, finish),
        ellipsoid(tuple(waving[-1]), (x * 0.13, y * 0.09, t * 0.035), finish, n=10),
        tube(resting, taper, finish),
    ]


def _cat(x: float, y: float, low: float, h: float, finish: Finish) -> Parts:
    """Make a cat that sits upright, tail round its side."""
    t = h - low
    tail = catmull_rom(
        [
            (0, -y * 0.7, low + t * 0.07),
            (x * 0.8, -y * 0.5, low + t * 0.06),
            (x * 0.88, y * 0.2, low + t * 0.06),
            (x * 0.6, y * 0.6, low + t * 0.06),
        ],
        12,
    )
    parts: Parts = [
        ellipsoid((0, -y * 0.3, low + t * 0.24), (x * 0.75, y * 0.65, t * 0.26), finish, n=18),
        ellipsoid((0, 0, low + t * 0.46), (x * 0.52, y * 0.46, t * 0.28), finish, n=16),
        ellipsoid((0, y * 0.16, low + t * 0.78), (x * 0.5, y * 0.45, t * 0.15), finish, n=16),
        ellipsoid((0, y * 0.56, low + t * 0.74), (x * 0.2, y * 0.16, t * 0.055), finish, n=10),
        tube(tail, x * 0.12, finish),
    ]
    for side in (-1, 1):
        ear = ((side * x * 0.3, y * 0.1, low + t * 0.86), (side * x * 0.36, y * 0.1, h))
        parts.append(rod(*ear, x * 0.19, finish, x * 0.02, n=8))
        leg = ((side * x * 0.25, y * 0.4, low), (side * x * 0.25, y * 0.25, low + t * 0.45))
        parts.append(rod(*leg, x * 0.14, finish, n=10))
        paw = (side * x * 0.25, y * 0.5, low + t * 0.03)
        parts.append(ellipsoid(paw, (x * 0.17, y * 0.24, t * 0.045), finish, n=10))
    return parts


def _ring(x: float, y: float, low: float, h: float, finish: Finish) -> Parts:
    """Make a modern sculpture: a thick ring that swells, a ball inside."""
    t = (h - low) / 2
    angle = np.linspace(0, 2 * np.pi, 33)[:-1]
    path = np.column_stack(
        [np.sin(angle) * x * 0.76, 0.25 * y * np.sin(2 * angle), low + t - np.cos(angle) * t * 0.8]
    )
    sizes = x * (0.2 + 0.08 * np.cos(angle))
    return [
        tube(path, sizes, finish, n=12, loop=True),
        ellipsoid((0, 0, low + t * 0.75), (x * 0.3, x * 0.3, x * 0.3), metal("brass"), n=16),
    ]


def _dog(x: float, y: float, low: float, h: float, finish: Finish) -> Parts:
    """Make a dog that lies with its head up, along x."""
    t = h - low
    tail = catmull_rom(
        [
            (-x * 0.75, 0, low + t * 0.15),
            (-x * 0.95, y * 0.4, low + t * 0.1),
            (-x * 0.6, y * 0.85, low + t * 0.08),
        ],
        9,
    )
    back = catmull_rom(
        [
            (-x * 0.72, 0, low + t * 0.28),
            (-x * 0.2, 0, low + t * 0.3),
            (x * 0.3, 0, low + t * 0.36),
            (x * 0.45, 0, low + t * 0.62),
            (x * 0.55, 0, low + t * 0.8),
        ],
        12,
    )
    girth = np.array([0.2, 0.28, 0.29, 0.27, 0.26, 0.27, 0.29, 0.28, 0.24, 0.19, 0.17, 0.14]) * t
    parts: Parts = [
        tube(back, girth, finish, n=14, section=(min(1.6, y / t * 2), 1)),
        ellipsoid((x * 0.6, 0, low + t * 0.82), (x * 0.17, y * 0.34, t * 0.17), finish, n=14),
        ellipsoid((x * 0.8, 0, low + t * 0.77), (x * 0.18, y * 0.19, t * 0.09), finish, n=12),
        tube(tail, t * 0.06, finish),
    ]
    for side in (-1, 1):
        haunch = (-x * 0.5, side * y * 0.5, low + t * 0.22)
        parts.append(ellipsoid(haunch, (x * 0.28, y * 0.32, t * 0.23), finish, n=14))
        for start, end in ((0.02, 0.96), (-0.6, -0.08)):
            paw = (
                (x * start, side * y * 0.55, low + t * 0.08),
                (x * end, side * y * 0.6, low + t * 0.07),
            )
            parts.append(rod(*paw, t * 0.09, finish, t * 0.075, n=10))
        ear = (x * 0.52, side * y * 0.34, low + t * 0.76)
        parts.append(ellipsoid(ear, (x * 0.07, y * 0.08, t * 0.15), finish, n=10))
    return parts
