"""Bowls, plates, cups, mugs, bottles and shakers."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import catmull_rom, hollow_profile
from workflow_scripts.views.furniture.materials import (
    ceramic,
    glass,
    metal,
    paper,
    plastic,
    rubber,
    wood,
)
from workflow_scripts.views.furniture.shapes import Finish, Profile, ellipsoid, lathe, torus, tube

GLAZES = ("#f1efea", "#f1efea", "#e8dcc4", "#4f7d96", "#8fa88b", "#b4563c", "#3d4147", "#d9a441")


def bowl(b: AssetSpec) -> Parts:
    """Build a bowl: round, flared or straight, often lined in another colour."""
    r, h = b.w / 2, b.h
    outside: Profile | np.ndarray = {
        "round": catmull_rom([(0.45, 0), (0.72, 0.22), (0.92, 0.6), (1, 1)], 9),
        "flared": catmull_rom([(0.36, 0), (0.44, 0.1), (0.7, 0.45), (1, 1)], 9),
        "straight": catmull_rom([(0.55, 0), (0.86, 0.12), (0.97, 0.5), (1, 1)], 9),
    }[b.pick("round", "flared", "straight")]
    side = [(0.0, 0.0), *((x * r, z * h) for x, z in outside)]
    wall = max(0.003, r * 0.05)
    squash = b.d / b.w
    body = ceramic(b.pick_from(GLAZES))
    parts: Parts = [lathe(hollow_profile(side, wall), body, n=28, squash=squash)]
    if b.chance(0.6):
        lining = ceramic(b.pick("#f4f2ee", "#f4f2ee", "#7fa6b5", "#c98b4e"))
        parts.append(lathe(hollow_profile(side, wall, wall * 0.3), lining, n=28, squash=squash))
    return parts


def plate(b: AssetSpec) -> Parts:
    """Build a plate with a broad rim, plain or with a coloured line."""
    r, h, squash = b.w / 2, b.h, b.d / b.w
    side = [(0.0, 0.0), (r * 0.56, 0.0), (r * 0.64, h * 0.2), (r * 0.72, h * 0.6), (r, h)]
    wall = h * 0.28
    parts: Parts = [
        lathe(hollow_profile(side, wall), ceramic(b.pick_from(GLAZES)), n=36, squash=squash)
    ]
    if b.chance(0.6):
        line = ceramic(b.pick("#2f4f7a", "#9c3b30", "#c8a24a", "#4e6b4a"))
        for share, thick in ((0.985, 0.02), (0.73, 0.012)):
            level = h * (0.6 + 0.4 * (share - 0.72) / 0.28)
            ring = torus((0, 0, level), r * share, h * thick * 5, line, n=36, squash=squash)
            parts.append(ring)
    return parts


def cup(b: AssetSpec) -> Parts:
    """Build a cup without a handle: a glass, a beaker or a paper cup."""
    r, h, squash = b.w / 2, b.h, b.d / b.w
    style = b.pick("glass", "beaker", "paper")
    foot = {"glass": 0.76, "beaker": 0.86, "paper": 0.68}[style]
    side = [(0.0, 0.0), (r * foot, 0.0), (r * (foot + 1) / 2, h / 2), (r, h)]
    if style == "glass":
        drink = plastic(b.pick("#d98324", "#7c2230", "#a8c7d6"), 0.1)
        level = [(0, h * 0.07), (r * foot * 0.9, h * 0.07), (r * 0.85, h * 0.55), (0, h * 0.55)]
        return [
            lathe(hollow_profile(side, r * 0.06), glass("#e3efef", 0.9), n=28, squash=squash),
            lathe(level, drink, n=24, squash=squash),
        ]
    if style == "beaker":
        body = ceramic(b.pick_from(GLAZES))
        return [lathe(hollow_profile(side, r * 0.09), body, n=28, squash=squash)]
    band = [(r * (foot + 0.1), h * 0.3), (r * 0.93, h * 0.68)]
    sleeve = [(0, band[0][1]), (band[0][0] * 1.02, band[0][1]), (band[1][0] * 1.02, band[1][1])]
    tint = paper(b.pick("#8a5a34", "#2e6b57", "#a33a2e"))
    return [
        lathe(hollow_profile(side, r * 0.04), paper("#f2efe8"), n=28, squash=squash),
        lathe([*sleeve, (r * 0.8, band[1][1]), (0, band[0][1])], tint, n=28, squash=squash),
        torus((0, 0, h * 0.985), r * 0.97, r * 0.05, paper("#f6f4ef"), squash=squash),
    ]


def mug(b: AssetSpec) -> Parts:
    """Build a mug: a straight or bellied body with a handle on the right."""
    r, h = b.d / 2, b.h
    middle = -b.w / 2 + r
    straight = [(0.94, 0), (1, 0.06), (1, 1)]
    outside = (
        straight if b.chance(0.65) else catmull_rom([(0.62, 0), (0.92, 0.2), (1, 0.5), (0.9, 1)], 8)
    )
    side = [(0.0, 0.0), *((share * r, z * h) for share, z in outside)]
    glaze = ceramic(b.pick_from(GLAZES))
    reach = b.w / 2 - (middle + r)
    handle = catmull_rom(
        [
            (middle + r * 0.9, 0, h * 0.8),
            (middle + r + reach * 0.62, 0, h * 0.83),
            (middle + r + reach * 0.86, 0, h * 0.5),
            (middle + r + reach * 0.5, 0, h * 0.22),
            (middle + r * 0.9, 0, h * 0.2),
        ],
        14,
    )
    drink = [(0, h * 0.1), (r * 0.8, h * 0.1), (r * 0.8, h * 0.78), (0, h * 0.78)]
    parts: Parts = [
        lathe(hollow_profile(side, r * 0.1), glaze, n=28, x=middle),
        lathe(hollow_profile(side, r * 0.1, r * 0.02), ceramic("#f4f2ee"), n=28, x=middle),
        tube(handle, reach * 0.15, glaze, section=(1, 1.5)),
    ]
    if b.chance(0.5):
        parts.append(lathe(drink, plastic("#3a2417", 0.15), n=24, x=middle))
    return parts


def bottle(b: AssetSpec) -> Parts:
    """Build a bottle with a label and a screw cap."""
    colour, inside = (
        ("#6f9c7c", None) if b.chance(0.4) else ("#dfeae8", b.pick("#c96f1e", "#a83232", "#e6c65a"))
    )
    return _bottle(b, glass(colour, 0.6), plastic(inside or "#375c45", 0.2), wine=False)


def wine_bottle(b: AssetSpec) -> Parts:
    """Build a wine bottle with a foil capsule."""
    return _bottle(b, glass("#2c4a34", 0.25), plastic("#12261a", 0.1), wine=True)


def _bottle(b: AssetSpec, body: Finish, inside: Finish, *, wine: bool) -> Parts:
    r, h, squash = b.w / 2, b.h, b.d / b.w
    neck, shoulder = (0.36, 0.6) if wine else (0.34, 0.56)
    rise = catmull_rom([(r, h * shoulder), (r * 0.9, h * 0.66), (r * neck, h * 0.78)], 7)
    top = [(r * neck, h * 0.93), (r * neck, h), (0.0, h)]
    side = [(0.0, 0.0), (r * 0.95, 0.0), (r, h * 0.02), *map(tuple, rise), *top]
    core = [(radius * 0.93, max(z, h * 0.01) if z < h else h * 0.8) for radius, z in side]
    cap = metal("gold") if wine and b.chance(0.5) else plastic(b.pick("#7d1f2b", "#1f2024"))
    cap_low = h * (0.8 if wine else 0.93)
    band = [(0, h * 0.14), (r * 1.006, h * 0.14), (r * 1.006, h * 0.48), (0, h * 0.48)]
    stripe = [(0, h * 0.2), (r * 1.012, h * 0.2), (r * 1.012, h * 0.26), (0, h * 0.26)]
    ink = paper(b.pick("#8c2f2a", "#2c4a6b", "#b58b3a"))
    lip = r * neck * 1.15
    return [
        lathe(side, body, n=24, squash=squash),
        lathe([*core[:-2], (0.0, core[-3][1])], inside, n=20, squash=squash),
        lathe(band, paper("#efe8d6"), n=24, squash=squash),
        lathe(stripe, ink, n=24, squash=squash),
        lathe([(0, cap_low), (lip, cap_low), (lip, h), (0, h)], cap, n=20, squash=squash),
    ]


def salt_shaker(b: AssetSpec) -> Parts:
    """Build a salt shaker."""
    return _shaker(b, "#f6f5f2", "birch")


def pepper_shaker(b: AssetSpec) -> Parts:
    """Build a pepper shaker, or a mill if it is tall."""
    return _shaker(b, "#3a332c", "walnut")


def _shaker(b: AssetSpec, filling: str, kind: str) -> Parts:
    r, h, squash = b.w / 2, b.h, b.d / b.w
    if h > 2.2 * b.w:
        finish = wood(kind)
        shape = [(0.9, 0), (1, 0.05), (0.72, 0.3), (0.66, 0.5), (0.86, 0.68), (0.9, 0.7)]
        head = [(0.62, 0.71), (0.86, 0.76), (0.8, 0.88), (0.35, 0.95)]
        body = [(0.0, 0.0), *((x * r, z * h) for x, z in catmull_rom(shape, 12)), (0.0, h * 0.7)]
        top = [(0.0, h * 0.7), *((x * r, z * h) for x, z in catmull_rom(head, 8)), (0.0, h * 0.95)]
        return [
            lathe(body, finish, squash=squash),
            lathe(top, finish, squash=squash),
            ellipsoid((0, 0, h * 0.965), (r * 0.22, r * 0.22, h * 0.035), metal("steel"), n=10),
        ]
    dome = catmull_rom([(r * 0.86, h * 0.68), (r * 0.84, h * 0.85), (r * 0.5, h * 0.97), (0, h)], 8)
    parts: Parts = [
        lathe([(0, 0), (r, 0), (r * 0.84, h * 0.7), (0, h * 0.7)], plastic(filling), n=20),
        lathe(
            [(0, h * 0.68), *map(tuple, dome)],
            metal("chrome"),
            n=20,
        ),
    ]
    hole = rubber("#1c1c1e")
    for angle in np.radians(np.arange(0, 360, 60)):
        spot = (r * 0.34 * np.cos(angle), r * 0.34 * np.sin(angle), h * 0.972)
        parts.append(ellipsoid(spot, (r * 0.08, r * 0.08, h * 0.02), hole, n=6))
    return parts
