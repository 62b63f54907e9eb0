"""Toilets, sinks, taps and showers."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    ceramic,
    metal,
    plastic,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    ellipsoid,
    lathe,
    loft,
    loft_rings,
    move,
    outline,
    rod,
    tube,
)
from workflow_scripts.views.furniture.storage import case_finish, door_front
from workflow_scripts.views.meshes import Mesh


def toilet(b: AssetSpec) -> Parts:
    """Build a toilet: foot, bowl, seat with a closed lid, cistern at the back."""
    w, d, h = b.w, b.d, b.h
    white, lid = ceramic("#f4f3f0"), plastic("#f1f0ec", 0.2)
    y = d / 2
    rim = min(0.43, h * 0.44)
    bowl_d = d * 0.68
    cy = y - bowl_d / 2
    rings = []
    for share, z in ((0.42, 0.0), (0.4, 0.08), (0.42, 0.3), (0.62, 0.6), (0.84, 0.85), (0.88, 1.0)):
        long = 0.62 + 0.38 * (share - 0.4) / 0.48
        flat = outline(w * share, bowl_d * long, 2.4, 28, 0, cy - bowl_d * (1 - long) * 0.45)
        rings.append(np.column_stack([flat, np.full(28, z * rim)]))
    parts: Parts = [loft_rings(np.array(rings), white)]
    parts.append(
        loft(
            [(w * 0.9, bowl_d, rim), (w * 0.92, bowl_d, rim + 0.01), (w * 0.9, bowl_d, rim + 0.02)],
            lid,
            power=2.4,
            y=cy,
            n=28,
        )
    )
    parts.append(
        loft(
            [
                (w * 0.9, bowl_d * 0.98, rim + 0.024),
                (w * 0.9, bowl_d * 0.98, rim + 0.036),
                (w * 0.8, bowl_d * 0.9, rim + 0.046),
            ],
            lid,
            power=2.4,
            y=cy,
            n=28,
        )
    )
    tank_d = max(d * 0.23, 0.14)
    back = -y + tank_d
    parts.append(
        block((-w * 0.3, w * 0.3), (-y + 0.02, cy - bowl_d * 0.2), (0, rim), white, bevel=0.03)
    )
    parts.append(
        block((-w * 0.46, w * 0.46), (-y, back), (rim - 0.02, h - 0.04), white, bevel=0.03)
    )
    parts.append(block((-w / 2, w / 2), (-y, back + 0.012), (h - 0.045, h), white, bevel=0.012))
    parts.append(
        rod((-w * 0.33, back, h - 0.11), (-w * 0.33, back + 0.02, h - 0.11), 0.012, metal("chrome"))
    )
    parts.append(
        rod(
            (-w * 0.33, back + 0.02, h - 0.11),
            (-w * 0.18, back + 0.02, h - 0.12),
            0.007,
            metal("chrome"),
            n=8,
        )
    )
    return parts


def basin(w: float, d: float, low: float, high: float, finish: Finish, power: float) -> Mesh:
    """Build a hollow basin between two heights."""
    t = high - low
    sections = [
        (0.55 * w, 0.55 * d, low),
        (0.75 * w, 0.75 * d, low + 0.25 * t),
        (0.97 * w, 0.97 * d, low + 0.8 * t),
        (w, d, low + 0.86 * t),
        (w, d, high),
        (0.9 * w, 0.88 * d, high),
        (0.84 * w, 0.8 * d, high - 0.25 * t),
        (0.55 * w, 0.5 * d, high - 0.72 * t),
        (0.02, 0.02, high - 0.76 * t),
    ]
    return loft(sections, finish, power=power, n=36)


def sink(b: AssetSpec) -> Parts:
    """Build a sink without its faucet: for a counter, on a pedestal or on a vanity cupboard."""
    w, d, h = b.w, b.d, b.h
    white = ceramic("#f4f3f0")
    chrome = metal("chrome")
    power = 2.2 if b.chance(0.4) else 6
    y = d / 2
    if h < 0.3:
        finish = metal("steel") if b.chance(0.35) else white
        twin = w > 1.1
        halves = ((-w / 4, w / 2), (w / 4, w / 2)) if twin else ((0.0, w),)
        parts: Parts = [
            move(basin(wide, d, 0, h, finish, power), x=place) for place, wide in halves
        ]
        if twin:
            # One deck joins both basins, so that they are one sink.
            for side in (-1, 1):
                deck = (side * d / 2, side * d * 0.42)
                parts.append(block((-w / 2, w / 2), deck, (h * 0.9, h), finish, bevel=0.004))
            for place in (-w / 2 + 0.02, 0.0, w / 2 - 0.02):
                strip = (place - 0.02, place + 0.02)
                parts.append(block(strip, (-y, y), (h * 0.9, h), finish, bevel=0.004))
        for place, _ in halves:
            parts.append(
                lathe(
                    [(0, h * 0.25), (0.03, h * 0.25), (0.025, h * 0.29), (0, h * 0.27)],
                    chrome,
                    x=place,
                    n=16,
                )
            )
        return parts
    # The faucet is an object of its own, which stands on the ledge at the back of the rim.
    rim = h
    parts = [basin(w, d, rim - 0.17, rim, white, power)]
    parts.append(
        lathe(
            [(0, rim - 0.13), (0.03, rim - 0.13), (0.025, rim - 0.12), (0, rim - 0.125)],
            chrome,
            n=16,
        )
    )
    ledge = (-y, -y + 0.1 * d)
    half = w * (0.42 if power > 3 else 0.3)
    parts.append(block((-half, half), ledge, (rim - 0.06, rim), white, bevel=0.012))
    if b.chance(0.5):
        pillar = [
            (w * 0.34, d * 0.42, 0),
            (w * 0.3, d * 0.36, 0.06),
            (w * 0.24, d * 0.3, rim * 0.4),
            (w * 0.34, d * 0.4, rim - 0.14),
        ]
        parts.append(loft(pillar, white, power=2.6, y=-d * 0.06))
    else:
        body = case_finish(b)
        parts.append(block((-w * 0.48, w * 0.48), (-y, y - 0.05), (0.06, rim - 0.06), body))
        parts.append(block((-w * 0.44, w * 0.44), (-y, y - 0.1), (0, 0.06), plastic("#2a2a2c")))
        parts.append(
            block((-w * 0.5, w * 0.5), (-y, y), (rim - 0.07, rim - 0.045), white, bevel=0.006)
        )
        for side in (-1, 1):
            span = (0.006, w * 0.475) if side > 0 else (-w * 0.475, -0.006)
            parts += door_front(span, (0.08, rim - 0.08), y - 0.05, body, chrome, side)
    return parts


def faucet(b: AssetSpec) -> Parts:
    """Build a tap: one lever when narrow, two handles beside the spout when wide."""
    w, d, h = b.w, b.d, b.h
    finish = metal(b.pick("chrome", "chrome", "brass", "steel", "iron"))
    if h > 0.6:
        pole = [
            (0, -d * 0.4, 0),
            (0, -d * 0.4, h * 0.9),
            (0, -d * 0.2, h),
            (0, d * 0.3, h * 0.96),
            (0, d * 0.42, h * 0.88),
        ]
        parts: Parts = [tube(pole, 0.014, finish)]
        parts.append(lathe([(0, 0), (0.05, 0), (0.045, 0.012), (0, 0.014)], finish, y=-d * 0.4))
        for side in (-1, 1):
            parts.append(
                rod((0, -d * 0.4, h * 0.78), (side * w * 0.42, -d * 0.4, h * 0.78), 0.012, finish)
            )
            parts.append(
                ellipsoid(
                    (side * w * 0.44, -d * 0.4, h * 0.78), (0.022, 0.022, 0.03), ceramic(), n=10
                )
            )
        return parts
    r = float(np.clip(min(w, h) * 0.13, 0.006, 0.014))
    back = -d / 2 + r * 2.2
    reach = d / 2 - r
    arch = [
        (0, back, 0),
        (0, back, h * 0.58),
        (0, back + 0.1 * d, h * 0.82),
        (0, (back + reach) / 2, h - r),
        (0, reach - 0.08 * d, h * 0.84),
        (0, reach, h * 0.55),
    ]
    parts = [
        tube(arch, [r * 1.25, r * 1.2, r * 1.1, r, r, r], finish, n=12),
        lathe(
            [(0, 0), (r * 2, 0), (r * 1.8, h * 0.06), (r * 1.3, h * 0.1), (0, h * 0.1)],
            finish,
            y=back,
            n=16,
        ),
        rod((0, reach, h * 0.56), (0, reach, h * 0.5), r * 1.15, finish),
    ]
    if w > 0.16:
        parts.append(
            block(
                (-w * 0.42, w * 0.42),
                (back - r * 1.6, back + r * 1.6),
                (0, h * 0.07),
                finish,
                bevel=0.004,
            )
        )
        for side in (-1, 1):
            cx = side * (w / 2 - 0.035)
            parts.append(
                lathe(
                    [
                        (0, 0),
                        (r * 1.7, 0),
                        (r * 1.2, h * 0.2),
                        (r * 1.1, h * 0.4),
                        (r * 1.5, h * 0.46),
                        (0, h * 0.5),
                    ],
                    finish,
                    x=cx,
                    y=back,
                    n=14,
                )
            )
            parts.append(
                rod(
                    (cx - 0.035, back, h * 0.45),
                    (cx + 0.035, back, h * 0.45),
                    r * 0.55,
                    finish,
                    n=8,
                )
            )
            parts.append(
                rod((cx, back - 0.03, h * 0.45), (cx, back + 0.03, h * 0.45), r * 0.55, finish, n=8)
            )
    else:
        parts.append(
            tube(
                [
                    (r, back, h * 0.4),
                    (w * 0.35, back, h * 0.48),
                    (w * 0.5 - 0.004, back + 0.01, h * 0.62),
                ],
                [r * 0.9, r * 0.6, r * 0.45],
                finish,
            )
        )
    return parts


def shower_head(b: AssetSpec) -> Parts:
    """Build a shower: riser pipe on a wall plate, arm and one round head facing down."""
    w, d, h = b.w, b.d, b.h
    chrome = metal("chrome")
    back = -d / 2 + 0.015
    r = min(w / 2, 0.11, d * 0.36)
    y = d / 2 - r
    return [
        tube(
            [
                (0, back, 0.04),
                (0, back, h - 0.06),
                (0, back + 0.03, h - 0.02),
                (0, back + 0.08, h - 0.012),
                (0, y, h - 0.02),
                (0, y, h - 0.06),
            ],
            0.011,
            chrome,
        ),
        lathe(
            [
                (0, h - 0.095),
                (r, h - 0.095),
                (r, h - 0.085),
                (r * 0.4, h - 0.07),
                (0.015, h - 0.05),
                (0, h - 0.05),
            ],
            chrome,
            y=y,
            n=28,
        ),
        lathe(
            [(0, h - 0.0965), (r * 0.88, h - 0.0965), (r * 0.88, h - 0.095), (0, h - 0.095)],
            plastic("#6d7074", 0.6),
            y=y,
            n=28,
        ),
        block((-w / 2, w / 2), (-d / 2, -d / 2 + 0.012), (0, 0.06), chrome, bevel=0.004),
        rod((0, -d / 2, h * 0.55), (0, back + 0.012, h * 0.55), 0.022, chrome, n=16),
    ]
