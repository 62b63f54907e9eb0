"""Towels, holders and paper rolls of bathrooms."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    FABRICS,
    fabric,
    metal,
    paper,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    lathe,
    loft_rings,
    move,
    rod,
    sheet,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh


def _hanging(b: AssetSpec, finish: Finish, top: float) -> Mesh:
    """Hang a folded towel over y = 0 from `top` down."""
    folds = 0.25 * b.d

    def wave(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        height: np.ndarray = (
            b.d * 0.1 + folds * 0.5 * np.sin(u * 11) * (1 - v) + folds * 0.4 * (1 - v)
        )
        return height

    flat = sheet((-b.w / 2, b.w / 2), (0, top), wave, b.d * 0.2, finish, n=(24, 6))
    return turn(flat, "x", 90)


def towel(b: AssetSpec) -> Parts:
    """Build a bath towel folded over a rail."""
    cloth = fabric(b.pick_from(sorted(FABRICS)))
    trim = fabric("cream")
    y, h = b.d / 2, b.h
    parts: Parts = [
        rod((-b.w / 2, 0, h - 0.012), (b.w / 2, 0, h - 0.012), 0.011, cloth, n=12),
        block((-b.w / 2, b.w / 2), (-y, -y * 0.55), (h * 0.18, h - 0.012), cloth, bevel=0.005),
        move(_hanging(b, cloth, h - 0.012), y=y * 0.8),
    ]
    for level in (0.1, 0.15):
        parts.append(
            block(
                (-b.w / 2 * 1.001, b.w / 2 * 1.001),
                (-y * 0.2, y * 0.85),
                (h * level, h * level + 0.012),
                trim,
            )
        )
    return parts


def hand_towel(b: AssetSpec) -> Parts:
    """Build a hand towel gathered at a hook."""
    cloth = fabric(b.pick("teal", "rose", "sage", "blue"))
    n = 40
    angle = np.arange(n) * 2 * np.pi / n
    rings = []
    for share, z in ((1.0, 0.0), (0.97, 0.3), (0.85, 0.6), (0.55, 0.82), (0.24, 0.93), (0.3, 1.0)):
        fold = 1 + 0.22 * np.sin(9 * angle) * share
        rings.append(
            np.column_stack(
                [
                    share * fold * np.cos(angle) * b.w / 2,
                    share * fold * np.sin(angle) * b.d / 2,
                    np.full(n, z * b.h),
                ]
            )
        )
    band = torus((0, 0, b.h * 0.93), 0.017, 0.005, fabric("cream"), n=16)
    return [loft_rings(np.array(rings), cloth, sharp_rows=False), band]


def hand_towel_holder(b: AssetSpec) -> Parts:
    """Build a ring on a wall plate."""
    chrome = metal("chrome")
    r = min(b.w, b.h * 0.86) / 2 - 0.006
    y = b.d / 2
    return [
        lathe_to_wall(0.028, b, b.h - 0.03, chrome),
        rod((0, -y, b.h - 0.03), (0, y - 0.008, b.h - 0.03), 0.009, chrome),
        torus((0, y - 0.008, r + 0.006), r, 0.006, chrome, axis="y", n=32),
        rod((0, y - 0.012, 2 * r), (0, y - 0.008, b.h - 0.022), 0.007, chrome),
    ]


def lathe_to_wall(radius: float, b: AssetSpec, z: float, finish: Finish, x: float = 0) -> Mesh:
    """Build a round wall plate at a height."""
    return rod((x, -b.d / 2, z), (x, -b.d / 2 + 0.012, z), radius, finish, radius * 0.8, n=20)


def towel_holder(b: AssetSpec) -> Parts:
    """Build a long rail on two wall plates."""
    chrome = metal("chrome")
    x, y, h = b.w / 2, b.d / 2, b.h
    parts: Parts = [rod((-x, y - 0.01, h / 2), (x, y - 0.01, h / 2), 0.01, chrome)]
    for side in (-1, 1):
        place = side * (x - 0.03)
        parts.append(lathe_to_wall(h / 2, b, h / 2, chrome, place))
        parts.append(rod((place, -y, h / 2), (place, y - 0.008, h / 2), 0.009, chrome))
    return parts


def paper_roll(radius: float, length: float, core: float, axis: str) -> list[Mesh]:
    """Build a roll of paper with a cardboard core about the origin."""
    half = length / 2
    parts = [
        lathe(
            [(core, -half), (radius, -half), (radius, half), (core, half), (core, -half)],
            paper("#f6f4ef"),
            n=28,
        ),
        lathe(
            [
                (core, -half * 0.99),
                (core, half * 0.99),
                (core * 0.88, half * 0.99),
                (core * 0.88, -half * 0.99),
                (core, -half * 0.99),
            ],
            paper("#b39468"),
            n=20,
        ),
    ]
    return parts if axis == "z" else [turn(part, "y", 90) for part in parts]


def toilet_paper(b: AssetSpec) -> Parts:
    """Build a standing roll; a used-up one is its cardboard core."""
    r, h = b.w / 2, b.h
    if r < 0.03:
        core = paper("#b39468")
        return [lathe([(r * 0.9, 0), (r, 0), (r, h), (r * 0.9, h), (r * 0.9, 0)], core, n=24)]
    flap = block((r - 0.001, r), (-0.002, r * 0.6), (0, h), paper("#f6f4ef"))
    return [*[move(part, z=h / 2) for part in paper_roll(r * 0.985, h, r * 0.4, "z")], flap]


def toilet_paper_hanger(b: AssetSpec) -> Parts:
    """Build a wall holder: plate, arm and bar; the roll is a separate object."""
    finish = metal(b.pick("chrome", "brass", "steel", "iron"))
    x, y, h = b.w / 2, b.d / 2, b.h
    r = min(0.01, h * 0.2)
    bar = y - r
    parts: Parts = [rod((-x, bar, h * 0.35), (x, bar, h * 0.35), r, finish)]
    for side in (-1, 1):
        post = side * (x - 0.018)
        plate = min(h / 2, 0.03)
        parts.append(
            block(
                (post - 0.017, post + 0.017),
                (-y, -y + 0.01),
                (h / 2 - plate, h / 2 + plate),
                finish,
                bevel=0.004,
            )
        )
        parts.append(
            tube(
                [(post, -y, h / 2), (post, y * 0.3, h / 2), (post, bar, h * 0.35)], r * 0.9, finish
            )
        )
    if h > 0.12:
        parts.append(block((-x, x), (-y, -y + 0.008), (h * 0.85, h), finish))
        parts.append(block((-x, x), (-y, y * 0.9), (h - 0.008, h), finish, bevel=0.003))
    return parts
