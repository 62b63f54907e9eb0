"""Chairs: wooden, upholstered, moulded and swivel ones."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    fabric,
    leather,
    metal,
    plastic,
    rubber,
    wood,
)
from workflow_scripts.views.furniture.seating import frame_finish, square_bar, upholstery
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    cushion,
    lathe,
    loft_rings,
    move,
    rod,
    turn,
)
from workflow_scripts.views.meshes import Mesh


def chair(b: AssetSpec) -> Parts:
    """Build a chair in one of four styles; deep or wide ones are office chairs."""
    (seat,) = b.support_heights_m
    if b.w > 0.55 and b.d > 0.55 and b.h > 0.85:
        return _office_chair(b, seat)
    style = b.pick("slats", "ladder", "padded", "shell", "slats")
    return _shell_chair(b, seat) if style == "shell" else _wooden_chair(b, seat, style)


def _wooden_chair(b: AssetSpec, seat: float, style: str) -> Parts:
    x, y, leg = b.w / 2, b.d / 2, 0.04
    frame = frame_finish(b)
    lean = min(0.07, b.d * 0.14)
    parts: Parts = []
    for side in (-1, 1):
        post = side * (x - leg / 2)
        parts.append(square_bar((post, y - leg, 0), (post, y - leg, seat - 0.03), leg, frame))
        parts.append(
            square_bar((post, -y + lean + 0.02, 0), (post, -y + lean + 0.02, seat), leg, frame)
        )
        parts.append(
            square_bar((post, -y + lean + 0.02, seat), (post, -y + 0.018, b.h), leg, frame)
        )
        rail = (side * (x - leg * 0.75), side * (x - leg * 0.25))
        parts.append(block(rail, (-y + lean, y - leg), (seat - 0.1, seat - 0.04), frame))
        parts.append(block(rail, (-y + lean, y - leg), (seat * 0.35, seat * 0.35 + 0.025), frame))
    inner = x - leg
    parts.append(
        block((-inner, inner), (y - leg * 1.2, y - leg * 0.6), (seat - 0.1, seat - 0.03), frame)
    )
    back_y = -y + lean
    if style == "padded":
        cloth = upholstery(b)
        parts.append(block((-x, x), (-y + lean + 0.02, y), (seat - 0.055, seat), cloth, bevel=0.02))
        pad = block((-inner, inner), (-0.022, 0.022), (0, (b.h - seat) * 0.72), cloth, bevel=0.02)
        parts.append(_leaning(pad, back_y, seat, lean, b.h, (b.h - seat) * 0.22))
        parts.append(
            _leaning(_rail(inner, 0.05, frame), back_y, seat, lean, b.h, b.h - seat - 0.06)
        )
        return parts
    cloth = upholstery(b) if b.chance(0.4) else frame
    parts.append(block((-x, x), (-y + lean, y), (seat - 0.035, seat), cloth, bevel=0.012))
    rise = b.h - seat
    parts.append(_leaning(_rail(inner, 0.075, frame), back_y, seat, lean, b.h, rise - 0.085))
    if style == "ladder":
        for share in (0.2, 0.42, 0.64):
            parts.append(_leaning(_rail(inner, 0.05, frame), back_y, seat, lean, b.h, rise * share))
        return parts
    parts.append(_leaning(_rail(inner, 0.03, frame), back_y, seat, lean, b.h, rise * 0.14))
    for place in np.linspace(-0.72, 0.72, 5):
        slat = block(
            (place * inner - 0.014, place * inner + 0.014),
            (-0.007, 0.007),
            (0, rise * 0.86 - 0.06),
            frame,
        )
        parts.append(_leaning(slat, back_y, seat, lean, b.h, rise * 0.14))
    return parts


def _rail(inner: float, height: float, finish: Finish) -> Mesh:
    return block((-inner, inner), (-0.011, 0.011), (0, height), finish)


def _leaning(
    part: Mesh, back_y: float, seat: float, lean: float, height: float, rise: float
) -> Mesh:
    """Put a part that stands on z = 0 onto the leaning back, `rise` above the seat."""
    angle = np.degrees(np.arctan2(lean, height - seat))
    part = turn(move(part, z=rise), "x", angle)
    return move(part, y=back_y + 0.02, z=seat)


def _shell_chair(b: AssetSpec, seat: float) -> Parts:
    """Build a moulded seat on thin legs."""
    x, y = b.w / 2, b.d / 2
    shell = plastic(b.pick("#e8e6e0", "#2f3236", "#c8452f", "#3f7f8f", "#d9a531", "#7d9a6a"))
    legs = wood("birch") if b.chance(0.5) else metal("chrome")
    # The side view of the shell, from the front lip over the seat up the back.
    curve = [
        (y - 0.005, seat - 0.045),
        (y - 0.04, seat - 0.008),
        (y - 0.12, seat),
        (-y * 0.1, seat),
        (-y * 0.5, seat + 0.003),
        (-y * 0.72, seat + 0.05),
        (-y * 0.84, seat + 0.14),
        (-y * 0.92, (seat + b.h) / 2 + 0.06),
        (-y + 0.012, b.h - 0.05),
        (-y + 0.008, b.h - 0.002),
    ]
    widths = [0.82, 0.92, 0.98, 1.0, 1.0, 1.0, 0.98, 0.92, 0.8, 0.55]
    rows = []
    for (py, pz), share in zip(curve, widths, strict=True):
        across = np.linspace(-1, 1, 9)
        back = max(0.0, (pz - seat) / max(b.h - seat, 1e-6))
        curl = np.abs(across) ** 3
        top = np.column_stack(
            [
                across * x * share,
                py + curl * 0.09 * min(back * 3, 1) * y * 2,
                pz + curl * 0.012 * (1 - back),
            ]
        )
        under = top + np.array([0, -0.014 if back > 0.1 else 0.0, -0.014 if back <= 0.1 else 0.0])
        rows.append(np.concatenate([top, under[::-1]]))
    parts: Parts = [loft_rings(np.array(rows), shell, sharp_rows=False)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                rod(
                    (sx * x * 0.9, sy * y * 0.85, 0),
                    (sx * x * 0.5, sy * y * 0.4, seat - 0.015),
                    0.011,
                    legs,
                    0.016,
                )
            )
    parts.append(
        rod((-x * 0.6, y * 0.5, seat * 0.75), (x * 0.6, y * 0.5, seat * 0.75), 0.007, legs, n=8)
    )
    parts.append(
        rod((-x * 0.6, -y * 0.5, seat * 0.75), (x * 0.6, -y * 0.5, seat * 0.75), 0.007, legs, n=8)
    )
    return parts


def _office_chair(b: AssetSpec, seat: float) -> Parts:
    """Build a swivel chair: five-star base, column, padded seat and back, armrests."""
    x, y = b.w / 2, b.d / 2
    cloth = (
        leather("#2b2a2a") if b.chance(0.5) else fabric(b.pick("charcoal", "navy", "grey", "wine"))
    )
    dark = plastic("#2a2b2e")
    steel = metal("chrome") if b.chance(0.5) else dark
    reach = min(x, y) - 0.03
    parts: Parts = [rod((0, 0, 0.09), (0, 0, seat - 0.08), 0.028, metal("steel"))]
    parts.append(lathe([(0, 0.06), (0.05, 0.06), (0.045, 0.12), (0, 0.12)], steel, n=12))
    for turn_index in range(5):
        angle = np.radians(90 + 72 * turn_index)
        tip = (reach * np.cos(angle), reach * np.sin(angle))
        parts.append(rod((0, 0, 0.1), (*tip, 0.065), 0.024, steel, 0.014, n=8))
        wheel = rod(
            (tip[0] - 0.018, tip[1], 0.028), (tip[0] + 0.018, tip[1], 0.028), 0.028, rubber()
        )
        parts.append(wheel)
    parts.append(block((-0.1, 0.1), (-0.12, 0.1), (seat - 0.1, seat - 0.075), dark))
    parts.append(
        cushion(
            (-x * 0.86, x * 0.86), (-y * 0.7, y), (seat - 0.09, seat), cloth, puff=0.12, power=5
        )
    )
    back = cushion(
        (-x * 0.8, x * 0.8), (-0.045, 0.045), (seat + 0.06, b.h), cloth, puff=0.15, power=6
    )
    parts.append(move(turn(back, "x", 6, (0, 0, seat)), y=-y * 0.75))
    parts.append(rod((0, -y * 0.5, seat - 0.08), (0, -y * 0.88, seat + 0.2), 0.022, dark))
    for side in (-1, 1):
        arm = seat + 0.2
        parts.append(rod((side * x * 0.93, 0, seat - 0.06), (side * x * 0.93, 0, arm), 0.016, dark))
        parts.append(
            rod((side * x * 0.6, 0, seat - 0.07), (side * x * 0.93, 0, seat - 0.06), 0.014, dark)
        )
        pad = (side * x - side * 0.06, side * x)
        parts.append(block(pad, (-y * 0.45, y * 0.5), (arm, arm + 0.03), dark, bevel=0.012))
    return parts
