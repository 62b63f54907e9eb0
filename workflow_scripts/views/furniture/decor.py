"""House plants, paintings and books."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    ceramic,
    fabric,
    image,
    metal,
    paint,
    paper,
    plastic,
    stone,
    wood,
)
from workflow_scripts.views.furniture.picture_textures import canvas
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    lathe,
    leaf,
    loft,
    loft_rings,
    picture,
    rod,
    tube,
)

GREENS = ("#3f7a3a", "#4f8f3f", "#2f6238", "#6a9a4a", "#5b8a5e")


def house_plant(b: AssetSpec) -> Parts:
    """Build a potted plant: broad leaves, long blades, a small tree, a palm or a cactus."""
    r = b.w / 2
    squash = b.d / b.w
    pot_h = b.h * b.uniform(0.24, 0.36)
    pot_r = min(r, b.d / 2, pot_h * 0.85) * 0.8
    clay = b.pick("clay", "white", "grey", "woven")
    finish = {
        "clay": stone("#b5683f", 14),
        "white": ceramic(),
        "grey": stone("#6f7072"),
        "woven": wood("#b88d5a"),
    }[clay]
    pot = [
        (0, 0),
        (pot_r * 0.68, 0),
        (pot_r * 0.92, pot_h * 0.82),
        (pot_r, pot_h * 0.82),
        (pot_r, pot_h),
        (pot_r * 0.9, pot_h),
        (pot_r * 0.88, pot_h * 0.88),
        (0, pot_h * 0.88),
    ]
    if clay == "white":
        pot = [
            (0, 0),
            (pot_r * 0.75, 0),
            (pot_r, pot_h * 0.3),
            (pot_r * 0.96, pot_h),
            (pot_r * 0.86, pot_h),
            (pot_r * 0.86, pot_h * 0.88),
            (0, pot_h * 0.88),
        ]
    parts: Parts = [
        lathe(pot, finish, n=24),
        lathe(
            [
                (0, pot_h * 0.885),
                (pot_r * 0.87, pot_h * 0.89),
                (pot_r * 0.87, pot_h * 0.9),
                (0, pot_h * 0.92),
            ],
            stone("#4a3626"),
            n=16,
        ),
    ]
    slim = b.h > 2.2 * max(b.w, b.d)
    style = (
        b.pick("blades", "cactus") if slim else b.pick("broad", "broad", "blades", "tree", "palm")
    )
    grow = {"broad": _broad, "blades": _blades, "tree": _tree, "palm": _palm, "cactus": _cactus}[
        style
    ]
    return parts + grow(b, pot_h * 0.9, pot_r, squash)


def _green(b: AssetSpec) -> Finish:
    return plastic(b.pick_from(GREENS), 0.5)


def _broad(b: AssetSpec, low: float, pot_r: float, squash: float) -> Parts:
    """Grow stalks that each carry one broad leaf."""
    parts: Parts = []
    stalk, greens = plastic("#5f8a45", 0.6), [_green(b), _green(b)]
    count = 22
    for index in range(count):
        ring = (index + 0.5) / count
        angle = index * 2.39996
        reach = b.w / 2 * (0.35 + 0.65 * (1 - ring) ** 0.6)
        top = low + (b.h - low) * (0.35 + 0.65 * ring**0.8)
        direction = np.array([np.cos(angle), np.sin(angle) * squash, 0.0])
        base = direction * pot_r * 0.35 + [0, 0, low]
        knee = direction * reach * 0.45 + [0, 0, low + (top - low) * 0.85]
        parts.append(tube([base, (base + knee) / 2 + [0, 0, 0.06 * b.h], knee], 0.004, stalk, n=5))
        size = min(reach * 0.75, b.h * 0.34)
        path = [
            knee,
            knee + direction * size * 0.35 + [0, 0, size * 0.16],
            knee + direction * size * 0.72 + [0, 0, size * 0.08],
            knee + direction * size + [0, 0, -size * 0.18],
        ]
        parts.append(
            leaf(
                path,
                [0.1 * size, 0.62 * size, 0.5 * size, 0.01 * size],
                greens[index % 2],
                fold=0.3,
            )
        )
    return parts


def _blades(b: AssetSpec, low: float, pot_r: float, squash: float) -> Parts:
    """Grow upright sword leaves."""
    parts: Parts = []
    greens = [_green(b), plastic("#8fae5a", 0.5)]
    count = 20
    for index in range(count):
        angle = index * 2.39996
        direction = np.array([np.cos(angle), np.sin(angle) * squash, 0.0])
        out = (index + 1) / count
        reach = b.w / 2 * out
        top = low + (b.h - low) * (1 - 0.42 * out)
        base = direction * pot_r * 0.6 * out + [0, 0, low]
        path = [
            base,
            base + direction * (reach - pot_r * 0.6 * out) * 0.2 + [0, 0, (top - low) * 0.4],
            direction * reach * 0.7 + [0, 0, low + (top - low) * 0.82],
            direction * reach + [0, 0, top],
        ]
        wide = max(0.02, 0.11 * b.w)
        parts.append(leaf(path, [wide * 0.6, wide, wide * 0.8, 0.002], greens[index % 2], fold=0.5))
    return parts


def _tree(b: AssetSpec, low: float, pot_r: float, squash: float) -> Parts:
    """Grow a trunk with a round crown of small leaves."""
    bark = wood("#6d5238")
    crown = max(low + 0.3 * (b.h - low), b.h - b.w * 0.95)
    trunk = [
        (0, 0, low),
        (0.02 * b.w, 0.01, (low + crown) / 2),
        (0, 0, crown + (b.h - crown) * 0.4),
    ]
    parts: Parts = [tube(trunk, [0.05 * b.w, 0.04 * b.w, 0.02 * b.w], bark, n=8)]
    greens = [_green(b), _green(b)]
    middle = (crown + b.h) / 2
    for index in range(110):
        z = 1 - 2 * (index + 0.5) / 110
        flat = (1 - z * z) ** 0.5
        angle = index * 2.39996
        depth = 0.55 + 0.45 * ((index * 7) % 10) / 10
        direction = np.array([flat * np.cos(angle), flat * np.sin(angle) * squash, z])
        spot = direction * depth * [b.w * 0.44, b.w * 0.44, (b.h - crown) * 0.44] + [0, 0, middle]
        size = 0.24 * b.w
        tip = np.array([direction[0], direction[1], direction[2] * 0.4 - 0.25])
        path = [spot, spot + tip * size * 0.5 + [0, 0, 0.1 * size], spot + tip * size]
        parts.append(leaf(path, [0.1 * size, 0.8 * size, 0.02 * size], greens[index % 2]))
    return parts


def _palm(b: AssetSpec, low: float, pot_r: float, squash: float) -> Parts:
    """Grow arching fronds of paired leaflets."""
    parts: Parts = []
    stalk, green = plastic("#6f8f4a", 0.6), _green(b)
    for index in range(9):
        angle = index * 2.39996
        direction = np.array([np.cos(angle), np.sin(angle) * squash, 0.0])
        out = 0.45 + 0.55 * ((index * 4) % 9) / 8
        reach, top = b.w / 2 * out, b.h - (b.h - low) * 0.3 * out
        t = np.linspace(0, 1, 8)[:, None]
        base = direction * pot_r * 0.2 + [0, 0, low]
        mid, end = (
            direction * reach * 0.35 + [0, 0, top * 1.02],
            direction * reach + [0, 0, low + (top - low) * 0.72],
        )
        stem = (1 - t) ** 2 * base + 2 * t * (1 - t) * mid + t**2 * end
        parts.append(tube(stem, np.linspace(0.006, 0.002, 8), stalk, n=5))
        across = np.array([-direction[1], direction[0], 0.0])
        for place in range(3, 8):
            size = reach * 0.5 * (1 - 0.09 * place)
            for side in (-1, 1):
                tip = (
                    stem[place]
                    + across * side * size * 0.8
                    + direction * size * 0.5
                    - [0, 0, size * 0.25]
                )
                parts.append(
                    leaf(
                        [stem[place], (stem[place] + tip) / 2 + [0, 0, size * 0.1], tip],
                        [0.008, size * 0.2, 0.002],
                        green,
                    )
                )
    return parts


def _cactus(b: AssetSpec, low: float, pot_r: float, squash: float) -> Parts:
    """Grow a ribbed column with arms."""
    green = plastic("#4d7f4f", 0.6)
    n = 36
    angle = np.arange(n) * 2 * np.pi / n
    rib = 1 + 0.1 * np.cos(9 * angle)

    def column(r: float, start: float, end: float, x: float) -> np.ndarray:
        rows = []
        for share, z in ((0.8, 0), (1, 0.15), (1, 0.8), (0.75, 0.93), (0.35, 0.99), (0, 1.0)):
            rows.append(
                np.column_stack(
                    [
                        x + r * share * rib * np.cos(angle),
                        r * share * rib * np.sin(angle),
                        np.full(n, start + (end - start) * z),
                    ]
                )
            )
        return np.array(rows)

    r = b.w * 0.17
    parts: Parts = [loft_rings(column(r, low, b.h, 0), green, sharp_rows=False)]
    for side, share in ((-1, 0.45), (1, 0.6)):
        x = side * (b.w / 2 - r * 0.6)
        z = low + (b.h - low) * share
        parts.append(
            tube(
                [(side * r * 0.8, 0, z), (x * 0.8, 0, z), (x, 0, z + r * 0.5)], r * 0.5, green, n=10
            )
        )
        parts.append(
            loft_rings(
                column(r * 0.55, z + r * 0.3, z + (b.h - z) * 0.6, x), green, sharp_rows=False
            )
        )
    return parts


def painting(b: AssetSpec) -> Parts:
    """Build a framed picture: a moulded frame, often a white mount, a canvas drawn in code."""
    x, y, h = b.w / 2, b.d / 2, b.h
    finish = {
        "gold": metal("gold"),
        "black": paint("black"),
        "white": paint("white"),
        "wood": wood("walnut"),
    }[b.pick("gold", "black", "white", "wood")]
    side = min(0.045, b.w * 0.08, h * 0.08)
    parts: Parts = [
        block((-x, -x + side), (-y, y), (0, h), finish, bevel=0.006),
        block((x - side, x), (-y, y), (0, h), finish, bevel=0.006),
        block((-x + side, x - side), (-y, y), (0, side), finish, bevel=0.006),
        block((-x + side, x - side), (-y, y), (h - side, h), finish, bevel=0.006),
        block((-x + side, x - side), (-y, y * 0.2), (side, h - side), paper("#f3f0e8")),
    ]
    mount = side + (min(b.w, h) * 0.09 if b.chance(0.5) else 0)
    parts.append(
        picture(
            (-x + mount, x - mount),
            (mount, h - mount),
            y * 0.2 + 0.0008,
            image(canvas(b.rng, b.w / h), 0.7),
        )
    )
    return parts


def book(b: AssetSpec) -> Parts:
    """Build a closed book lying flat, its spine at the left: boards, pages, a title block."""
    x, y, h = b.w / 2, b.d / 2, b.h
    colour = b.pick(
        "#7c2c37", "#2f405f", "#3f6b4a", "#c9a14a", "#2b2b2e", "#a4552f", "#e5ded0", "#5d7f9f"
    )
    cover, accent = fabric(colour), plastic("#e8d9a8" if colour != "#e5ded0" else "#8c3b2f", 0.5)
    t = min(0.003, h * 0.12)
    return [
        block((-x, x), (-y, y), (h - t, h), cover),
        block((-x, x), (-y, y), (0, t), cover),
        loft([(t * 2, b.d, 0), (t * 2, b.d, h)], cover, power=8, x=-x + t),
        block((-x + t, x - 0.005), (-y + 0.005, y - 0.005), (t, h - t), paper("#efe8d6")),
        block((-x * 0.62, x * 0.62), (-y * 0.66, -y * 0.34), (h - 0.001, h + 0.0004), accent),
        block((-x * 0.4, x * 0.4), (y * 0.5, y * 0.62), (h - 0.001, h + 0.0004), accent),
        rod((-x - 0.0006, -y * 0.5, h / 2), (-x - 0.0006, y * 0.2, h / 2), h * 0.12, accent, n=6),
    ]
