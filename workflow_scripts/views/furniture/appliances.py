"""Large household appliances."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    emissive,
    glass,
    metal,
    paint,
    plastic,
    rubber,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    lathe,
    move,
    prism,
    rod,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh


def disc(radius: float, depth: float, finish: Finish, at: tuple[float, float, float]) -> Mesh:
    """Build a round plate that faces the front, its front at `at`."""
    x, y, z = at
    return rod((x, y - depth, z), (x, y, z), radius, finish, n=32)


def fridge(b: AssetSpec) -> Parts:
    """Build a fridge: one door over another, or side by side when wide."""
    x, y, h = b.w / 2, b.d / 2, b.h
    body = (
        metal("steel")
        if b.chance(0.45)
        else paint(b.pick("white", "white", "cream", "red", "black"), 0.25)
    )
    case = plastic("#54575a") if body.material.specular > 0.1 else body
    handle = metal("chrome")
    face = y - 0.1
    parts: Parts = [block((-x, x), (-y, face), (0.05, h), case, bevel=0.008)]
    parts.append(
        block((-x * 0.95, x * 0.95), (-y + 0.03, face - 0.03), (0, 0.06), plastic("#26272a"))
    )
    split = h * (0.34 if b.chance(0.5) else 0.66)
    if b.w > 0.95:
        doors = [((-x, -0.004), (0.07, h), 1), ((0.004, x), (0.07, h), -1)]
        if b.chance(0.5):
            doors = [
                ((-x, -0.004), (h * 0.36, h), 1),
                ((0.004, x), (h * 0.36, h), -1),
                ((-x, x), (0.07, h * 0.35), 0),
            ]
    else:
        doors = [((-x, x), (0.07, split - 0.004), 1), ((-x, x), (split + 0.004, h), 1)]
    for span, z, opening in doors:
        parts.append(block(span, (face + 0.004, y - 0.04), z, body, bevel=0.016))
        if opening == 0:
            level = z[1] - 0.06
            parts += bar_handle((span[0] * 0.6, level), (span[1] * 0.6, level), y, handle)
        else:
            place = span[1] - 0.05 if opening > 0 else span[0] + 0.05
            tall = min(0.5, (z[1] - z[0]) * 0.6)
            middle = (z[0] + z[1]) / 2 if z[1] - z[0] < 1.2 else z[0] + (z[1] - z[0]) * 0.55
            parts += bar_handle((place, middle - tall / 2), (place, middle + tall / 2), y, handle)
    if b.w > 0.95 and b.chance(0.6):
        parts.append(
            block(
                (-x * 0.72, -x * 0.28),
                (y - 0.05, y - 0.036),
                (h * 0.52, h * 0.7),
                plastic("#1b1c1e"),
                bevel=0.006,
            )
        )
    return parts


def bar_handle(
    start: tuple[float, float], end: tuple[float, float], y: float, finish: Finish
) -> list[Mesh]:
    """Build a bar between two (x, z) points whose front is the plane `y`."""
    path = [
        (start[0], y - 0.045, start[1]),
        (start[0], y - 0.011, start[1]),
        (end[0], y - 0.011, end[1]),
        (end[0], y - 0.045, end[1]),
    ]
    return [rod(path[index], path[index + 1], 0.011, finish) for index in range(3)]


def microwave(b: AssetSpec) -> Parts:
    """Build a microwave oven: dark window at the left, keypad at the right."""
    x, y, h = b.w / 2, b.d / 2, b.h
    body = metal("steel") if b.chance(0.5) else plastic(b.pick("#ebe9e4", "#2a2b2e"))
    black = plastic("#141517", 0.08)
    face = y - 0.035
    panel = x - b.w * 0.24
    parts: Parts = [
        block((-x, x), (-y, face), (0.015, h), body, bevel=0.01),
        block((-x, panel - 0.004), (face, face + 0.016), (0.02, h - 0.004), body, bevel=0.005),
        block(
            (-x + 0.05, panel - 0.055),
            (face + 0.01, face + 0.019),
            (0.07, h - 0.06),
            black,
            bevel=0.003,
        ),
        block((panel, x), (face, face + 0.014), (0.02, h - 0.004), black, bevel=0.003),
        block(
            (panel + 0.02, x - 0.02),
            (face + 0.012, face + 0.016),
            (h - 0.075, h - 0.03),
            emissive("#4fd6a0", 0.9),
        ),
    ]
    keys = plastic("#c9ccd0")
    for row in range(4):
        for col in range(3):
            cx = panel + 0.028 + col * (x - panel - 0.056) / 2
            cz = 0.06 + row * (h - 0.17) / 4
            parts.append(
                block(
                    (cx - 0.011, cx + 0.011), (face + 0.012, face + 0.017), (cz, cz + 0.016), keys
                )
            )
    parts += bar_handle((panel - 0.026, 0.06), (panel - 0.026, h - 0.05), y, metal("chrome"))
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                lathe(
                    [(0, 0), (0.018, 0), (0.018, 0.02), (0, 0.02)],
                    rubber(),
                    x=sx * x * 0.85,
                    y=sy * y * 0.7,
                    n=10,
                )
            )
    return parts


def washing_machine(b: AssetSpec) -> Parts:
    """Build a front loader: porthole, dial and a soap drawer."""
    return _loader(b, dark_door=False)


def clothes_dryer(b: AssetSpec) -> Parts:
    """Build a tumble dryer: a wide dark door, a lint grille below."""
    return _loader(b, dark_door=True)


def _loader(b: AssetSpec, *, dark_door: bool) -> Parts:
    x, y, h = b.w / 2, b.d / 2, b.h
    body = paint(b.pick("white", "white", "grey"), 0.25)
    trim, chrome = plastic("#3a3d41"), metal("chrome")
    face = y - 0.075
    r, cz = min(x * 0.62, h * 0.28), h * 0.46
    panel = h - 0.15
    parts: Parts = [
        block((-x, x), (-y, face), (0.03, h), body, bevel=0.012),
        block(
            (-x * 0.985, x * 0.985),
            (face - 0.005, face + 0.012),
            (panel, h - 0.015),
            trim if dark_door else plastic("#d8dadb"),
            bevel=0.004,
        ),
        disc(0.042, 0.05, chrome, (0.0 if dark_door else x * 0.18, face + 0.045, panel + 0.068)),
        block(
            (x * 0.45, x * 0.85),
            (face + 0.008, face + 0.015),
            (panel + 0.04, panel + 0.1),
            emissive("#59a8e0", 0.7),
        ),
        torus((0, face + 0.012, cz), r, r * 0.13, trim if dark_door else chrome, axis="y", n=36),
        disc(r * 0.98, 0.02, trim if dark_door else plastic("#c9cccf"), (0, face + 0.014, cz)),
    ]
    bowl = [
        (0, 0.0),
        (r * 0.8, 0.0),
        (r * 0.74, 0.03),
        (r * 0.5, y - face - 0.014),
        (0, y - face - 0.006),
    ]
    window = lathe(bowl, plastic("#23282d", 0.04) if dark_door else glass("#5d6c78", 0.5), n=32)
    parts.append(move(turn(window, "x", -90), y=face + 0.006, z=cz))
    if not dark_door:
        parts.append(disc(r * 0.72, 0.004, plastic("#34383c", 0.3), (0, face + 0.018, cz)))
        parts.append(
            block(
                (-x * 0.93, -x * 0.4),
                (face + 0.005, face + 0.022),
                (panel + 0.015, h - 0.03),
                body,
                bevel=0.004,
            )
        )
        parts.append(
            block(
                (x * 0.5, x * 0.9),
                (face - 0.005, face + 0.006),
                (0.07, 0.19),
                plastic("#d8dadb"),
                bevel=0.003,
            )
        )
    else:
        for row in range(4):
            parts.append(
                block(
                    (-x * 0.6, x * 0.6),
                    (face - 0.004, face + 0.006),
                    (0.06 + row * 0.025, 0.072 + row * 0.025),
                    trim,
                )
            )
    parts.append(
        block(
            (r * 1.02, r * 1.14),
            (face + 0.02, face + 0.06),
            (cz - 0.05, cz + 0.05),
            trim,
            bevel=0.006,
        )
    )
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                lathe(
                    [(0, 0), (0.025, 0), (0.025, 0.035), (0, 0.035)],
                    rubber(),
                    x=sx * x * 0.85,
                    y=sy * y * 0.7,
                    n=10,
                )
            )
    return parts


def vacuum_cleaner(b: AssetSpec) -> Parts:
    """Build an upright vacuum cleaner: head, dust cup, bag body, long handle."""
    x, y, h = b.w / 2, b.d / 2, b.h
    shell = plastic(b.pick("#b23a2e", "#3c5f9e", "#6a4a8c"))
    dark, clear = plastic("#26272a"), glass("#b9c4cc", 0.4)
    lean = -14
    pivot = (0, y * 0.1, 0.09)
    parts: Parts = [
        prism(
            [
                (-y * 0.2, 0.03),
                (y * 0.85, 0.015),
                (y, 0.03),
                (y, 0.06),
                (y * 0.4, 0.12),
                (-y * 0.2, 0.12),
            ],
            (-x, x),
            shell,
            axis="x",
        ),
        block((-x * 0.98, x * 0.98), (y * 0.9, y * 0.995), (0, 0.03), rubber()),
    ]
    for side in (-1, 1):
        parts.append(
            rod(
                (side * x * 0.5, -y * 0.25, 0.06),
                (side * x * 0.72, -y * 0.25, 0.06),
                0.06,
                dark,
                n=20,
            )
        )
    upright = [
        lathe([(0, 0.1), (0.06, 0.1), (0.085, 0.16), (0.085, 0.22), (0, 0.22)], dark, n=20),
        lathe([(0, 0.22), (0.08, 0.22), (0.08, 0.42), (0, 0.42)], clear, n=24),
        lathe([(0, 0.23), (0.045, 0.23), (0.045, 0.41), (0, 0.41)], plastic("#8d8f92"), n=16),
        lathe(
            [
                (0, 0.42),
                (0.085, 0.42),
                (0.09, 0.5),
                (0.06, h * 0.66),
                (0.025, h * 0.7),
                (0, h * 0.7),
            ],
            shell,
            n=24,
        ),
        rod((0, -0.02, h * 0.6), (0, -0.02, h * 0.93), 0.014, metal("aluminium")),
        tube(
            [
                (0, -0.02, h * 0.92),
                (0, -0.05, h * 0.97),
                (0, -0.02, h),
                (0, 0.05, h * 0.985),
                (0, 0.05, h * 0.94),
                (0, -0.015, h * 0.91),
            ],
            0.013,
            dark,
        ),
        tube(
            [(0.06, -0.04, 0.18), (0.12, -0.07, 0.3), (0.1, -0.07, 0.5), (0.02, -0.05, h * 0.66)],
            0.016,
            dark,
        ),
    ]
    angle = np.degrees(np.arctan2(max(b.d - 0.17, 0.05), h)) * 0.8
    for part in upright:
        parts.append(turn(move(part, y=-y * 0.05), "x", max(angle, -lean * 0.3), pivot))
    return parts
