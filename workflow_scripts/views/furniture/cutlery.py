"""Knives, forks, spoons, ladles and spatulas; they lie along y with the handle to the front."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import catmull_rom, hollow_profile, loft_along_y
from workflow_scripts.views.furniture.materials import metal, plastic, wood
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    lathe,
    move,
    prism,
    rod,
    stretch,
    tube,
)
from workflow_scripts.views.meshes import Mesh


def _handle(b: AssetSpec) -> Finish:
    """Choose what the handle of a kitchen tool is made of."""
    if b.chance(0.4):
        return wood(b.pick("oak", "walnut", "cherry"))
    return plastic(b.pick("#1e1e20", "#1e1e20", "#8c1f24", "#e6e2da", "#27496b"))


def fork(b: AssetSpec) -> Parts:
    """Build a table fork with four tines."""
    y, w, h, steel = b.d / 2, b.w, b.h, metal("steel")
    t = h * 0.12
    parts: Parts = [
        loft_along_y(
            [
                (-y * 0.45, w * 0.5, t, h * 0.12),
                (-y * 0.38, w * 0.9, t, h * 0.1),
                (-y * 0.2, w * 0.95, t, h * 0.2),
                (-y * 0.05, w * 0.3, t * 1.3, h * 0.5),
                (y * 0.2, w * 0.22, t * 1.6, h * 0.8),
                (y * 0.6, w * 0.45, t, h * 0.85),
                (y * 0.93, w * 0.6, t, h * 0.5),
                (y, w * 0.35, t, h * 0.4),
            ],
            steel,
        )
    ]
    for place in (-0.375, -0.125, 0.125, 0.375):
        parts.append(
            loft_along_y(
                [
                    (-y, w * 0.07, t * 0.5, h * 0.62),
                    (-y * 0.75, w * 0.15, t, h * 0.25),
                    (-y * 0.36, w * 0.16, t, h * 0.08),
                ],
                steel,
                n=8,
                x=place * w,
            )
        )
    return parts


def _bowl(b: AssetSpec, length: float, width: float, depth: float, finish: Finish) -> Mesh:
    """Make the bowl of a spoon about the origin, its rim at z = depth."""
    angle = np.linspace(0, np.pi / 2, 7)
    side = np.column_stack([np.sin(angle), 1 - np.cos(angle)])
    unit = lathe(hollow_profile(side, 0.09), finish, n=24)
    return stretch(unit, width / 2, length / 2, depth)


def spoon(b: AssetSpec) -> Parts:
    """Build a spoon."""
    y, w, h, steel = b.d / 2, b.w, b.h, metal("steel")
    length = min(w * 1.55, b.d * 0.36)
    t = h * 0.13
    handle = [
        (-y + length * 0.93, w * 0.25, t * 1.2, h * 0.42),
        (-y + length * 1.15, w * 0.19, t * 1.5, h * 0.75),
        (y * 0.3, w * 0.24, t * 1.3, h * 0.93),
        (y * 0.75, w * 0.42, t, h * 0.8),
        (y * 0.95, w * 0.46, t, h * 0.5),
        (y, w * 0.25, t, h * 0.42),
    ]
    return [
        move(_bowl(b, length, w, h * 0.5, steel), y=-y + length / 2),
        loft_along_y(handle, steel),
    ]


def ladle(b: AssetSpec) -> Parts:
    """Build a soup ladle: a deep round bowl on a long, rising handle with a hook."""
    y, w, h = b.d / 2, b.w, b.h
    steel, grip = metal("steel"), _handle(b)
    path = catmull_rom(
        [(0, -y + w * 0.97, h * 0.8), (0, -y + w * 1.15, h * 0.88), (0, y * 0.3, h * 0.93)], 8
    )
    return [
        move(_bowl(b, w, w, h * 0.85, steel), y=-y + w / 2),
        tube(path, h * 0.07, steel, section=(1.6, 0.8)),
        loft_along_y(
            [
                (y * 0.2, w * 0.12, h * 0.13, h * 0.92),
                (y * 0.4, w * 0.22, h * 0.16, h * 0.92),
                (y * 0.92, w * 0.26, h * 0.16, h * 0.92),
                (y, w * 0.14, h * 0.12, h * 0.92),
            ],
            grip,
        ),
    ]


def spatula(b: AssetSpec) -> Parts:
    """Build a slotted turner."""
    y, w, h = b.d / 2, b.w, b.h
    blade = plastic("#232325") if b.chance(0.5) else metal("steel")
    t, end = h * 0.2, -y + b.d * 0.34
    parts: Parts = [
        block((-w / 2, w / 2), (-y, -y + b.d * 0.05), (0, t), blade),
        block((-w / 2, w / 2), (end - b.d * 0.05, end), (0, t), blade, bevel=t * 0.3),
        loft_along_y(
            [
                (end - 0.01, w * 0.5, t, t * 0.5),
                (end + b.d * 0.08, w * 0.17, h * 0.3, h * 0.5),
                (y * 0.3, w * 0.17, h * 0.3, h * 0.75),
            ],
            blade,
        ),
        loft_along_y(
            [
                (y * 0.2, w * 0.2, h * 0.4, h * 0.76),
                (y * 0.35, w * 0.34, h * 0.5, h * 0.75),
                (y * 0.9, w * 0.38, h * 0.5, h * 0.75),
                (y, w * 0.2, h * 0.35, h * 0.75),
            ],
            _handle(b),
        ),
    ]
    for place in np.linspace(-0.42, 0.42, 4):
        bar = (place * w - w * 0.075, place * w + w * 0.075)
        parts.append(block(bar, (-y, end - 0.001), (0, t), blade))
    return parts


def knife(b: AssetSpec) -> Parts:
    """Build a cook's knife standing on its edge: a pointed blade and a riveted handle."""
    y, t, h = b.d / 2, b.w, b.h
    neck = y - b.d * 0.36
    belly = catmull_rom([(-y, h * 0.78), (-y * 0.7, h * 0.28), (-y * 0.2, h * 0.03), (neck, 0)], 10)
    blade = [*belly[:, :2], (neck, h * 0.9), (-y * 0.5, h * 0.97), (-y, h * 0.8)]
    grip = [
        (neck, h * 0.5),
        (neck + b.d * 0.08, h * 0.45),
        (y * 0.8, h * 0.38),
        (y, h * 0.3),
        (y, h * 0.85),
        (y * 0.9, h),
        (neck, h),
    ]
    parts: Parts = [
        prism(blade, (-t * 0.1, t * 0.1), metal("steel"), axis="x"),
        prism(grip, (-t / 2, t / 2), _handle(b), axis="x"),
        block((-t * 0.45, t * 0.45), (neck - b.d * 0.025, neck), (h * 0.4, h), metal("steel")),
    ]
    for share in (0.25, 0.5, 0.75):
        spot = neck + (y - neck) * share
        rivet = ((-t * 0.54, spot, h * 0.7), (t * 0.54, spot, h * 0.7))
        parts.append(rod(*rivet, h * 0.07, metal("steel"), n=10))
    return parts


def butter_knife(b: AssetSpec) -> Parts:
    """Build a table knife standing on its edge: a round tip and a plain steel handle."""
    y, t, h = b.d / 2, b.w, b.h
    blade = catmull_rom(
        [(-y * 0.1, h * 0.3), (-y * 0.5, h * 0.02), (-y * 0.9, h * 0.12), (-y, h * 0.6)], 10
    )
    top = [(-y * 0.97, h * 0.92), (-y * 0.8, h), (-y * 0.1, h * 0.85)]
    steel = metal("steel")
    return [
        prism([*blade, *top], (-t * 0.2, t * 0.2), steel, axis="x"),
        loft_along_y(
            [
                (-y * 0.12, t * 0.5, h * 0.5, h * 0.58),
                (y * 0.05, t * 0.8, h * 0.4, h * 0.56),
                (y * 0.8, t, h * 0.62, h * 0.55),
                (y, t * 0.5, h * 0.5, h * 0.55),
            ],
            steel,
        ),
    ]
