"""Beds and pillows."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import FABRICS, fabric, leather, metal, paint, wood
from workflow_scripts.views.furniture.shapes import Finish, block, cushion, rod, tube

BED_WOODS = ("oak", "walnut", "cherry", "birch", "wenge", "pine")
PRINTS = ("stripes", "checks", "dots", "chevron")


def bed(b: AssetSpec) -> Parts:
    """Build a bed, head at the back: frame, mattress, blanket, no pillow; posts on a tall one."""
    x, y, h = b.w / 2, b.d / 2, b.h
    (top,) = b.support_heights_m
    style = "posts" if h > 1.4 else b.pick("panel", "upholstered", "slats", "panel")
    frame: Finish
    if style == "upholstered":
        frame = leather("#4a3a32") if b.chance(0.4) else fabric(b.pick_from(sorted(FABRICS)))
    else:
        frame = paint(b.pick("white", "black")) if b.chance(0.25) else wood(b.pick_from(BED_WOODS))
    head = 0.07
    rail = max(0.03, top - 0.2)
    low = min(0.14, rail * 0.4)
    parts: Parts = []
    if style == "posts":
        parts += _posts(b, frame)
    elif style == "slats":
        for side in (-1, 1):
            parts.append(block((side * x, side * (x - 0.06)), (-y, -y + head), (0, h), frame))
        parts.append(block((-x, x), (-y, -y + head), (h - 0.09, h), frame, bevel=0.01))
        parts.append(block((-x, x), (-y + 0.01, -y + head - 0.01), (top * 0.6, top * 0.8), frame))
        for slat_x in np.linspace(-x + 0.12, x - 0.12, max(5, int(b.w / 0.13))):
            parts.append(
                block(
                    (slat_x - 0.02, slat_x + 0.02),
                    (-y + 0.025, -y + 0.045),
                    (top * 0.7, h - 0.05),
                    frame,
                )
            )
    else:
        bevel = 0.035 if style == "upholstered" else 0.008
        parts.append(block((-x, x), (-y, -y + head), (0, h), frame, bevel=bevel))
        if style == "upholstered":
            wide = b.w / max(2, round(b.w / 0.5))
            for panel_x in np.arange(-x + wide / 2, x, wide):
                parts.append(
                    block(
                        (panel_x - wide / 2 + 0.006, panel_x + wide / 2 - 0.006),
                        (-y + head - 0.02, -y + head + 0.025),
                        (top + 0.02, h - 0.04),
                        frame,
                        bevel=0.025,
                    )
                )
    parts.append(block((-x, x), (-y + head, y), (low, rail), frame, bevel=0.012))
    if style in ("panel", "slats") and b.chance(0.45):
        parts.append(block((-x, x), (y - 0.05, y), (0, top * 0.98), frame, bevel=0.008))
    for sx in (-1, 1):
        for sy in (-1, 1):
            leg = (sx * (x - 0.05), sy * (y - 0.06))
            parts.append(tube([(*leg, 0), (*leg, low + 0.01)], 0.045, frame, n=4))
    half_width, foot = x - 0.03, y - 0.055
    sheet = fabric("#f0ede6")
    parts.append(
        block(
            (-half_width, half_width),
            (-y + head, foot),
            (rail - 0.02, top - 0.025),
            sheet,
            bevel=0.04,
        )
    )
    parts += _bedding(b, half_width, foot, head, top, rail)
    return parts


def _bedding(b: AssetSpec, side: float, foot: float, head: float, top: float, rail: float) -> Parts:
    y = b.d / 2
    colour = b.pick_from(sorted(FABRICS))
    blanket = (
        fabric(colour, print_kind=b.pick_from(PRINTS), repeat_m=0.6)
        if b.chance(0.4)
        else fabric(colour)
    )
    # Pillows are objects of their own; without them the blanket reaches nearly to the head.
    fold = -y + head + min(0.3, b.d * 0.14)
    hang = max(rail - 0.05, 0.03)
    return [
        block((-side - 0.018, side + 0.018), (fold, foot + 0.02), (hang, top), blanket, bevel=0.03),
        block(
            (-side - 0.021, side + 0.021),
            (fold - 0.03, fold + 0.16),
            (hang + 0.03, top + 0.006),
            fabric("#f0ede6"),
            bevel=0.02,
        ),
        block((-side, side), (-y + head, fold), (rail, top), fabric("#f0ede6"), bevel=0.03),
    ]


def _posts(b: AssetSpec, frame: Finish) -> Parts:
    """Build four posts joined by rails under the box's top."""
    x, y, h = b.w / 2, b.d / 2, b.h
    (top,) = b.support_heights_m
    parts: Parts = [
        block((-x + 0.05, x - 0.05), (-y + 0.015, -y + 0.045), (top * 0.5, top + 0.45), frame)
    ]
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - 0.035), sy * (y - 0.035)
            parts.append(block((cx - 0.035, cx + 0.035), (cy - 0.035, cy + 0.035), (0, h), frame))
        parts.append(block((sx * x, sx * (x - 0.05)), (-y, y), (h - 0.06, h - 0.005), frame))
        parts.append(block((-x, x), (sx * y, sx * (y - 0.05)), (h - 0.06, h - 0.005), frame))
    for place in np.linspace(-y * 0.7, y * 0.7, 4):
        parts.append(
            rod(
                (-x + 0.03, place, h - 0.03), (x - 0.03, place, h - 0.03), 0.012, metal("iron"), n=6
            )
        )
    return parts


def pillow(b: AssetSpec) -> Parts:
    """Build a stuffed pillow with a seam."""
    cloth = (
        fabric(b.pick_from(sorted(FABRICS)), print_kind=b.pick_from(PRINTS))
        if b.chance(0.6)
        else fabric(b.pick_from(sorted(FABRICS)))
    )
    return [
        cushion((-b.w / 2, b.w / 2), (-b.d / 2, b.d / 2), (0, b.h), cloth, puff=0.82, power=5, n=36)
    ]
