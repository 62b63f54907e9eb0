"""Screens, telephones, clocks and switches."""

import numpy as np

from workflow_scripts.views.furniture import picture_textures, printed_textures
from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.curves import arc
from workflow_scripts.views.furniture.materials import (
    glass,
    image,
    leather,
    metal,
    paint,
    plastic,
    rubber,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    ellipsoid,
    lathe,
    loft,
    lying,
    move,
    picture,
    prism,
    rod,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh


def television(b: AssetSpec) -> Parts:
    """Build a flat television; deep ones stand on a foot, thin ones hang."""
    x, h = b.w / 2, b.h
    case = plastic("#17181a", 0.3)
    stands = b.d > 0.12
    low = h * 0.09 if stands else 0.0
    front = min(b.d / 2, 0.03)
    thick = min(b.d, 0.055)
    edge = max(0.012, 0.016 * b.w)
    shows = b.chance(0.3)
    # A picture on a thin dark panel would be taken for a painting.
    on = picture_textures.television_menu(int(b.rng.integers(9)))
    screen = image(on if shows else printed_textures.dark_screen(), 0.08)
    parts: Parts = [
        block((-x, x), (front - thick * 0.5, front), (low, h), case, bevel=0.006),
        block((-x * 0.6, x * 0.6), (front - thick, front - 0.01), (low + h * 0.1, h * 0.7), case),
        picture((-x + edge, x - edge), (low + edge * 1.5, h - edge), front + 0.001, screen),
        block((-0.02, 0.02), (front, front + 0.002), (low + 0.005, low + 0.01), metal("steel")),
    ]
    if not stands:
        return parts
    # Legs at the ends of a deep one would stand beside a shallow stand.
    if b.chance(0.5) or b.d > 0.3:
        foot = [(x * 0.5, b.d, 0), (x * 0.5, b.d, 0.01), (x * 0.4, b.d * 0.9, 0.018)]
        neck = (front - thick * 0.5, front - 0.01)
        parts.append(loft(foot, case, power=5))
        return [*parts, block((-x * 0.1, x * 0.1), neck, (0, low + 0.03), case)]
    for side in (-1, 1):
        # A stand may be narrower than what stands on it.
        spot = side * x * 0.35
        for end in (-1, 1):
            parts.append(
                rod((spot, front * 0.5, low), (spot, end * (b.d / 2 - 0.008), 0.008), 0.008, case)
            )
    return parts


def laptop(b: AssetSpec) -> Parts:
    """Build an open laptop."""
    x, y, h = b.w / 2, b.d / 2, b.h
    shell = metal("aluminium") if b.chance(0.6) else plastic(b.pick("#2a2b2f", "#3a4356"))
    hinge, thick = -y * 0.62, min(0.018, h * 0.08)
    lid = np.hypot(h, hinge + y)
    lean = np.degrees(np.arctan2(hinge + y, h))
    screen = image(picture_textures.window_screen(int(b.rng.integers(4))), 0.15)
    panel: list[Mesh] = [
        block((-x, x), (-thick * 0.5, 0), (0, lid), shell, bevel=thick * 0.2),
        block((-x * 0.97, x * 0.97), (0, 0.0008), (lid * 0.03, lid * 0.98), plastic("#121316")),
        picture((-x * 0.93, x * 0.93), (lid * 0.09, lid * 0.94), 0.0015, screen),
    ]
    keys = image(picture_textures.keyboard(), 0.5)
    deck = (hinge + (y - hinge) * 0.12, hinge + (y - hinge) * 0.6)
    pad = (hinge + (y - hinge) * 0.66, hinge + (y - hinge) * 0.95)
    return [
        block((-x, x), (hinge, y), (0, thick), shell, bevel=thick * 0.25),
        lying((-x * 0.9, x * 0.9), deck, thick + 0.0008, keys),
        block((-x * 0.25, x * 0.25), pad, (thick, thick + 0.0006), plastic("#77797e", 0.2)),
        *(move(turn(part, "x", lean), y=hinge, z=thick * 0.5) for part in panel),
    ]


def desktop(b: AssetSpec) -> Parts:
    """Build a computer: screen and keyboard at the left, mouse, tower at the right."""
    x, y, h = b.w / 2, b.d / 2, b.h
    dark, silver = plastic("#1c1d20"), metal("aluminium")
    tower, middle = (-x, -x + b.w * 0.21), x - b.w * 0.36
    wide = b.w * 0.34
    screen = image(picture_textures.window_screen(int(b.rng.integers(4))), 0.15)
    foot = [(wide * 0.8, y * 0.7, 0), (wide * 0.8, y * 0.7, 0.008), (wide * 0.7, y * 0.6, 0.014)]
    keys = (middle - wide * 0.75, middle + wide * 0.75)
    panel = (-y * 0.4, -y * 0.28)
    parts: Parts = [
        block(tower, (-y, y), (0, h * 0.82), dark, bevel=0.006),
        block((tower[0] + 0.02, tower[1] - 0.02), (y, y + 0.002), (h * 0.66, h * 0.72), silver),
        rod((tower[0] + 0.04, y, h * 0.55), (tower[0] + 0.04, y + 0.003, h * 0.55), 0.012, silver),
        block((middle - wide, middle + wide), panel, (h * 0.2, h), dark, bevel=0.006),
        picture(
            (middle - wide + 0.012, middle + wide - 0.012),
            (h * 0.2 + 0.02, h - 0.012),
            -y * 0.28 + 0.001,
            screen,
        ),
        loft(foot, silver, power=5, x=middle, y=-y * 0.4),
        block((middle - 0.03, middle + 0.03), (-y * 0.55, -y * 0.4), (0, h * 0.4), silver),
        block(keys, (y * 0.3, y), (0, 0.018), dark, bevel=0.004),
        lying(keys, (y * 0.33, y * 0.97), 0.019, image(picture_textures.keyboard())),
        ellipsoid((middle - wide * 0.93, y * 0.65, 0.01), (0.028, y * 0.32, 0.02), dark, n=12),
    ]
    return parts


def cell_phone(b: AssetSpec) -> Parts:
    """Build a telephone that lies on its back."""
    x, y, h = b.w / 2, b.d / 2, b.h
    case = metal("aluminium") if b.chance(0.4) else plastic(b.pick("#17181a", "#7c1f2c", "#e8e6e2"))
    screen = image(printed_textures.phone_screen(b.pick("#26456b", "#3f2f5e", "#1f4f4a")), 0.1)
    body = [(1.9 * x, 1.95 * y, 0), (2 * x, 2 * y, h * 0.3), (2 * x, 2 * y, h * 0.8)]
    pane = [(1.9 * x, 1.95 * y, h * 0.9), (1.9 * x, 1.95 * y, h * 1.02)]
    return [
        loft([*body, (1.96 * x, 1.98 * y, h)], case, power=8, n=40),
        loft(pane, plastic("#0d0e10", 0.08), power=8, n=40),
        lying((-x * 0.88, x * 0.88), (-y * 0.86, y * 0.86), h * 1.06, screen),
    ]


def remote_control(b: AssetSpec) -> Parts:
    """Build a remote control: dark, rows of buttons, a red one."""
    x, y, h = b.w / 2, b.d / 2, b.h
    case = plastic(b.pick("#1b1c1f", "#1b1c1f", "#5a5d63"))
    grey, top = rubber("#b8babd"), h * 0.86
    body = [(1.6 * x, 1.94 * y, 0), (2 * x, 2 * y, h * 0.4), (1.9 * x, 1.98 * y, top)]
    parts: Parts = [
        loft(body, case, power=6, n=32),
        lathe([(0, top), (x * 0.56, top), (x * 0.5, h * 0.97), (0, h * 0.97)], grey, n=18),
        lathe([(0, top), (x * 0.22, top), (x * 0.2, h), (0, h)], case, n=12),
    ]
    red = rubber("#c0281f")
    for row, share in enumerate((-0.86, -0.68, -0.52, -0.36, 0.42, 0.56, 0.7)):
        for column in (-0.5, 0, 0.5):
            if row == 0 and column == 0:
                continue
            finish = red if row == 0 and column > 0 else grey
            spot = (column * x, share * y)
            parts.append(
                block(
                    (spot[0] - x * 0.16, spot[0] + x * 0.16),
                    (spot[1] - y * 0.045, spot[1] + y * 0.045),
                    (top * 0.98, h),
                    finish,
                )
            )
    return parts


def light_switch(b: AssetSpec) -> Parts:
    """Build a wall plate with one to three rockers or toggles."""
    x, y, h = b.w / 2, b.d / 2, b.h
    white = plastic(b.pick("#f0eee8", "#f0eee8", "#e6dcc4"))
    gangs = max(1, min(3, round(b.w / 0.065)))
    rocker = b.chance(0.6)
    parts: Parts = [
        block((-x, x), (-y, -y + b.d * 0.4), (0, h), white, bevel=min(0.004, b.d * 0.15))
    ]
    shade, front = plastic("#c9c6be"), -y + b.d * 0.4
    for gang in range(gangs):
        middle = (gang - (gangs - 1) / 2) * b.w / (gangs + 0.25)
        half = b.w / (gangs + 0.25) * (0.3 if rocker else 0.13)
        tall = h * (0.26 if rocker else 0.13)
        frame = (middle - half * 1.15, middle + half * 1.15)
        parts.append(
            block(frame, (front, front + 0.0008), (h / 2 - tall * 1.1, h / 2 + tall * 1.1), shade)
        )
        key = block((-half, half), (-0.002, b.d * 0.4), (-tall, tall), white, bevel=0.002)
        if not rocker:
            key = block((-half * 0.7, half * 0.7), (0, b.d * 0.6), (-0.005, 0.005), white)
        parts.append(move(turn(key, "x", 8 if rocker else 25), middle, front, h / 2))
        for level in (0.14, 0.86):
            screw = ((middle, front, h * level), (middle, front + 0.001, h * level))
            parts.append(rod(*screw, 0.004, metal("steel"), n=8))
    return parts


def alarm_clock(b: AssetSpec) -> Parts:
    """Build an alarm clock: mostly twin bells if it is about as tall as wide, else digital."""
    return _bell_clock(b) if b.h > b.w * 0.85 and b.chance(0.75) else _digital_clock(b)


def _bell_clock(b: AssetSpec) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    r = min(x * 0.97, h * 0.41)
    case = paint(b.pick("#b3362c", "#2f6b78", "#26262a", "#d9a83a", "#86b09a"))
    chrome, middle = metal("chrome"), h * 0.05 + r
    face = image(
        np.ascontiguousarray(printed_textures.clock_face("#f4f0e4", "#222222")[::-1, ::-1]), 0.3
    )
    drum = turn(lathe([(r, -y * 0.8), (r, y * 0.92)], case, n=28), "x", -90)
    dial = turn(lathe([(r * 0.9, 0), (r * 0.9, y * 0.95)], face, n=28), "x", -90)
    parts: Parts = [
        move(drum, z=middle),
        move(dial, z=middle),
        torus((0, y * 0.9, middle), r * 0.94, r * 0.07, chrome, axis="y"),
    ]
    for side in (-1, 1):
        bell = lathe([(0, 0), *map(tuple, arc((0, 0), r * 0.45, 0, 90, 6)[:, :])], chrome, n=16)
        parts.append(move(turn(bell, "y", side * 32), side * r * 0.55, 0, middle + r * 0.93))
        leg = ((side * r * 0.6, 0, middle - r * 0.7), (side * r * 0.85, 0, 0))
        parts.append(rod(*leg, r * 0.09, chrome, r * 0.05))
    parts.append(rod((0, 0, middle + r), (0, 0, middle + r * 1.35), r * 0.05, chrome))
    bow = [(c * r * 0.35, 0, middle + r * 1.3 + s * r * 0.3) for c, s in arc((0, 0), 1, 0, 180, 10)]
    parts.append(tube(bow, r * 0.045, chrome))
    return parts


def _digital_clock(b: AssetSpec) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    case = plastic(b.pick("#1a1b1e", "#e9e6df", "#8a5a34"))
    ink = b.pick("#ff4a36", "#57e07a", "#7cc4ff")
    digits = image(printed_textures.clock_digits(ink, b.pick("10:28", "12:30", "7:12")), 0.2)
    button = rubber("#6b6d70")
    rows = [(-y, 0), (y, 0), (y * 0.75, h * 0.9), (y * 0.6, h * 0.94), (-y, h * 0.94)]
    parts: Parts = [
        prism(rows, (-x, x), case, axis="x"),
        _slanted((-x * 0.88, x * 0.88), (y, y * 0.75), (0, h * 0.9), (0.14, 0.88), digits),
        block((-x * 0.4, x * 0.4), (-y * 0.5, y * 0.2), (h * 0.9, h), button, bevel=0.002),
    ]
    return parts


def _slanted(
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    part: tuple[float, float],
    finish: Finish,
) -> Mesh:
    """Lay a picture on a front that leans from (y0, z0) to (y1, z1), over a part of its rise."""
    rise = np.hypot(y[1] - y[0], z[1] - z[0])
    lean = np.degrees(np.arctan2(y[0] - y[1], z[1] - z[0]))
    flat = picture(x, (rise * part[0], rise * part[1]), 0.001, finish)
    return move(turn(flat, "x", lean), y=y[0], z=z[0])


def watch(b: AssetSpec) -> Parts:
    """Build a wrist watch that lies on its side, its dial to the front."""
    x, y, h = b.w / 2, b.d / 2, b.h
    strap = leather(b.pick("#5a3a2a", "#26262a")) if b.chance(0.7) else metal("steel")
    case = metal(b.pick("gold", "steel"))
    angle = np.linspace(0, 2 * np.pi, 29)[:-1]
    loop = np.column_stack(
        [np.cos(angle) * x * 0.94, np.sin(angle) * y * 0.86 - y * 0.1, np.full(28, h / 2)]
    )
    thick = y * 0.09
    band = tube(loop, thick, strap, loop=True, section=(1, h * 0.32 / thick))
    r = h / 2
    face = image(
        np.ascontiguousarray(printed_textures.clock_face("#f7f5ef", "#1d1d1f")[::-1, ::-1]), 0.2
    )
    dial = turn(lathe([(r * 0.8, 0), (r * 0.8, y * 0.14)], face, n=24), "x", -90)
    body = turn(lathe([(0, 0), (r, 0), (r, y * 0.24), (0, y * 0.24)], case, n=24), "x", -90)
    return [
        band,
        move(body, y=y * 0.74, z=r),
        move(dial, y=y * 0.87, z=r),
        rod((r * 0.9, y * 0.84, r), (r * 1.2, y * 0.84, r), r * 0.12, case),
    ]


def compact_disc(b: AssetSpec) -> Parts:
    """Build a compact disc, bright side up."""
    r, h = b.w / 2, b.h
    return [
        lathe([(r, 0), (r, h)], image(printed_textures.disc(), 0.1), n=36),
        torus((0, 0, h * 0.9), r * 0.33, h * 0.15, glass(), n=20),
    ]


def credit_card(b: AssetSpec) -> Parts:
    """Build a bank card."""
    x, y, h = b.w / 2, b.d / 2, b.h
    ground = b.pick("#24508c", "#7a1f2c", "#1f4f42", "#26282c")
    face = image(printed_textures.bank_card(ground), 0.25)
    return [
        block((-x, x), (-y, y), (0, h * 0.9), plastic(ground), bevel=h * 0.3),
        lying((-x * 0.98, x * 0.98), (-y * 0.98, y * 0.98), h, face),
    ]
