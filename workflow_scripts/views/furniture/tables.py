"""Tables and desks."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import glass, metal, paint, wood
from workflow_scripts.views.furniture.shapes import Finish, block, lathe, rod, tube
from workflow_scripts.views.furniture.storage import drawer_front
from workflow_scripts.views.meshes import Mesh

WOODS = ("oak", "walnut", "cherry", "birch", "wenge", "pine", "teak", "ash")


def table_wood(b: AssetSpec) -> Finish:
    """Choose wood, sometimes paint."""
    return paint(b.pick("white", "black", "cream")) if b.chance(0.2) else wood(b.pick_from(WOODS))


def dining_table(b: AssetSpec) -> Parts:
    """Build a dining table: square legs, turned legs, trestles or a pedestal."""
    top = table_wood(b)
    style = b.pick("square", "turned", "trestle", "square")
    if abs(b.w - b.d) < 0.06 and b.chance(0.7):
        return _pedestal(b, top)
    return _four_legs(b, top, style, thick=0.035, leg=0.075)


def coffee_table(b: AssetSpec) -> Parts:
    """Build a low table, with a shelf below or a glass top."""
    top = table_wood(b)
    if abs(b.w - b.d) < 0.06 and b.chance(0.6):
        return _round(b, top)
    if b.chance(0.25):
        return _glass_top(b)
    parts = _four_legs(b, top, "square", thick=0.035, leg=0.06)
    if b.chance(0.6) and b.h > 0.3:
        x, y = b.w / 2 - 0.02, b.d / 2 - 0.02
        parts.append(block((-x, x), (-y, y), (b.h * 0.24, b.h * 0.24 + 0.02), top))
    return parts


def side_table(b: AssetSpec) -> Parts:
    """Build a side table: nightstand with drawers, console, round table or plain legs."""
    top = table_wood(b)
    if abs(b.w - b.d) < 0.04 and b.chance(0.5):
        return _round(b, top)
    if b.chance(0.55):
        return _nightstand(b, top)
    parts = _four_legs(b, top, b.pick("square", "turned"), thick=0.025, leg=0.045)
    x, y = b.w / 2 - 0.03, b.d / 2 - 0.03
    parts.append(block((-x, x), (-y, y), (b.h * 0.25, b.h * 0.25 + 0.018), top))
    return parts


def desk(b: AssetSpec) -> Parts:
    """Build a desk with a drawer pedestal; a tall one has a hutch of shelves at the back."""
    finish = table_wood(b)
    top = b.support_heights_m[0] if b.support_heights_m else b.h
    x, y, t = b.w / 2, b.d / 2, 0.03
    parts: Parts = [block((-x, x), (-y, y), (top - t, top), finish, bevel=0.004)]
    pedestal = min(0.42, b.w * 0.32)
    sides = (1, -1) if b.w > 1.6 and b.chance(0.5) else (b.pick("1", "-1"),)
    used = {int(side) for side in sides}
    for side in used:
        outer, inner = side * (x - 0.01), side * (x - pedestal)
        parts.append(block((outer, inner), (-y + 0.02, y - 0.04), (0.05, top - t), finish))
        parts.append(block((outer, inner), (-y + 0.03, y - 0.06), (0, 0.05), paint("black")))
        count = 3
        step = (top - t - 0.07) / count
        for row in range(count):
            parts += drawer_front(
                (min(outer, inner) + 0.012, max(outer, inner) - 0.012),
                (0.06 + row * step, 0.06 + (row + 1) * step - 0.008),
                y - 0.04,
                finish,
                metal("steel"),
            )
    for side in {1, -1} - used:
        if b.chance(0.5):
            parts.append(
                block((side * x, side * (x - 0.03)), (-y + 0.02, y - 0.03), (0, top - t), finish)
            )
        else:
            for sy in (-1, 1):
                place = sy * (y - 0.04)
                parts.append(
                    block(
                        (side * x, side * (x - 0.05)),
                        (place - 0.025, place + 0.025),
                        (0, top - t),
                        finish,
                    )
                )
    parts.append(
        block((-x + 0.03, x - 0.03), (-y + 0.02, -y + 0.04), (top * 0.45, top - t), finish)
    )
    if top < b.h - 0.1:
        back = -y + min(0.3, b.d * 0.36)
        parts.append(block((-x, x), (-y, -y + 0.012), (top, b.h), finish))
        posts = np.linspace(-x + 0.01, x - 0.01, 4 if b.w > 1.3 else 3)
        for post in posts:
            parts.append(block((post - 0.01, post + 0.01), (-y, back), (top, b.h), finish))
        for level in np.linspace(top, b.h, 4 if b.h - top > 0.7 else 3)[1:]:
            parts.append(block((-x, x), (-y, back), (level - 0.02, level), finish))
    return parts


def _four_legs(b: AssetSpec, finish: Finish, style: str, *, thick: float, leg: float) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    thick = min(thick, h * 0.2)
    leg = min(leg, b.w * 0.12, b.d * 0.2)
    under = h - thick
    frame = finish if b.chance(0.7) else paint(b.pick("white", "black"))
    parts: Parts = [block((-x, x), (-y, y), (under, h), finish, bevel=0.005)]
    if style == "trestle":
        for side in (-1, 1):
            post = side * x * 0.72
            parts.append(block((post - 0.04, post + 0.04), (-0.06, 0.06), (0.05, under), frame))
            parts.append(
                block((post - 0.045, post + 0.045), (-y * 0.85, y * 0.85), (0, 0.06), frame)
            )
            parts.append(
                block((post - 0.04, post + 0.04), (-y * 0.8, y * 0.8), (under - 0.06, under), frame)
            )
        parts.append(
            block((-x * 0.72, x * 0.72), (-0.02, 0.02), (h * 0.25, h * 0.25 + 0.09), frame)
        )
        return parts
    inset = 0.015
    apron = min(0.08, h * 0.18)
    for side in (-1, 1):
        parts.append(
            block(
                (side * (x - inset - leg * 0.3), side * (x - inset - leg * 0.6)),
                (-y + leg, y - leg),
                (under - apron, under),
                frame,
            )
        )
        parts.append(
            block(
                (-x + leg, x - leg),
                (side * (y - inset - leg * 0.3), side * (y - inset - leg * 0.6)),
                (under - apron, under),
                frame,
            )
        )
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - inset - leg / 2), sy * (y - inset - leg / 2)
            if style == "turned":
                parts.append(_turned_leg(cx, cy, leg / 2, under, apron, frame))
            else:
                parts.append(
                    tube([(cx, cy, 0), (cx, cy, under)], [leg * 0.55, leg / 2**0.5], frame, n=4)
                )
    return parts


def _turned_leg(x: float, y: float, r: float, top: float, apron: float, finish: Finish) -> Mesh:
    shape = [
        (0, 0),
        (0.55, 0),
        (0.7, 0.06),
        (0.55, 0.1),
        (0.6, 0.3),
        (1, 0.62),
        (0.7, 0.7),
        (1, 0.75),
    ]
    body = top - apron
    profile = [(r * radius, body * share) for radius, share in shape]
    return lathe([*profile, (r, top), (0, top)], finish, x=x, y=y, n=12)


def _disc(b: AssetSpec, thick: float, finish: Finish) -> Mesh:
    r, h, e = b.w / 2, b.h, min(0.008, thick / 3)
    edge = [(0, h - thick), (r - e, h - thick), (r, h - thick + e), (r, h - e), (r - e, h), (0, h)]
    return lathe(edge, finish, n=40, squash=b.d / b.w)


def _pedestal(b: AssetSpec, finish: Finish) -> Parts:
    h, r = b.h, b.w / 2
    column = [
        (0, 0.1),
        (0.09, 0.1),
        (0.05, h * 0.4),
        (0.075, h * 0.6),
        (0.05, h * 0.75),
        (0.1, h - 0.035),
        (0, h - 0.035),
    ]
    parts: Parts = [_disc(b, 0.035, finish), lathe(column, finish)]
    for index in range(4):
        angle = np.radians(45 + 90 * index)
        out = 0.68 * r * np.array([np.cos(angle), np.sin(angle)])
        path = [(0, 0, 0.22), (*(out * 0.5), 0.16), (*(out * 0.85), 0.05), (*out, 0.025)]
        parts.append(tube(path, [0.04, 0.038, 0.03, 0.025], finish, n=8))
    return parts


def _round(b: AssetSpec, finish: Finish) -> Parts:
    h, r = b.h, b.w / 2
    if b.chance(0.35):
        steel = metal("iron")
        base = [
            (0, 0),
            (r * 0.6, 0),
            (r * 0.6, 0.012),
            (0.022, 0.03),
            (0.02, h - 0.025),
            (0, h - 0.025),
        ]
        return [_disc(b, 0.025, finish), lathe(base, steel)]
    parts: Parts = [_disc(b, 0.028, finish)]
    num = 3 if b.chance(0.5) else 4
    for index in range(num):
        angle = np.radians(45 + 360 / num * index)
        direction = np.array([np.cos(angle), np.sin(angle) * b.d / b.w])
        foot, head = direction * r * 0.85, direction * r * 0.58
        parts.append(rod((*foot, 0), (*head, h - 0.028), 0.013, finish, 0.022))
    if h > 0.4 and b.chance(0.5):
        ring = [
            (0, h * 0.32),
            (r * 0.68, h * 0.32),
            (r * 0.68, h * 0.32 + 0.015),
            (0, h * 0.32 + 0.015),
        ]
        parts.append(lathe(ring, finish, squash=b.d / b.w, n=32))
    return parts


def _glass_top(b: AssetSpec) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    frame = metal("chrome") if b.chance(0.5) else paint("black")
    parts: Parts = [block((-x, x), (-y, y), (h - 0.012, h), glass("#cfe3dc", 0.7))]
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - 0.05), sy * (y - 0.05)
            parts.append(
                block((cx - 0.016, cx + 0.016), (cy - 0.016, cy + 0.016), (0, h - 0.012), frame)
            )
    for side in (-1, 1):
        parts.append(
            block(
                (-x + 0.05, x - 0.05),
                (side * (y - 0.05) - 0.012, side * (y - 0.05) + 0.012),
                (h - 0.04, h - 0.012),
                frame,
            )
        )
        parts.append(
            block(
                (side * (x - 0.05) - 0.012, side * (x - 0.05) + 0.012),
                (-y + 0.05, y - 0.05),
                (h - 0.04, h - 0.012),
                frame,
            )
        )
    parts.append(
        block(
            (-x + 0.05, x - 0.05),
            (-y + 0.05, y - 0.05),
            (h * 0.22, h * 0.22 + 0.014),
            wood(b.pick_from(WOODS)),
        )
    )
    return parts


def _nightstand(b: AssetSpec, finish: Finish) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    leg = min(0.16, h * 0.25)
    parts: Parts = [
        block((-x, x), (-y, y), (h - 0.022, h), finish, bevel=0.004),
        block((-x + 0.012, x - 0.012), (-y + 0.005, y - 0.03), (leg, h - 0.022), finish),
    ]
    rows = 1 if h - leg < 0.26 else 2 if h - leg < 0.55 else 3
    cols = 1 if b.w < 0.85 else 2
    knob = metal(b.pick("brass", "steel", "iron"))
    for row in range(rows):
        step = (h - 0.03 - leg) / rows
        for col in range(cols):
            wide = (b.w - 0.04) / cols
            left = -x + 0.02 + col * wide
            parts += drawer_front(
                (left + 0.004, left + wide - 0.004),
                (leg + row * step + 0.008, leg + (row + 1) * step - 0.004),
                y - 0.03,
                finish,
                knob,
            )
    for sx in (-1, 1):
        for sy in (-1, 1):
            cx, cy = sx * (x - 0.04), sy * (y - 0.05)
            parts.append(rod((cx, cy, 0), (cx, cy, leg + 0.005), 0.012, finish, 0.02, n=8))
    return parts
