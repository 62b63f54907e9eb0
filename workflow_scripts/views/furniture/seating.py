"""Armchairs, sofas, stools, footstools, ottomans and dog beds."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import (
    FABRICS,
    fabric,
    leather,
    metal,
    paint,
    wood,
)
from workflow_scripts.views.furniture.shapes import (
    Finish,
    block,
    lathe,
    loft,
    move,
    rod,
    torus,
    tube,
    turn,
)
from workflow_scripts.views.meshes import Mesh

FRAME_WOODS = ("oak", "walnut", "cherry", "birch", "wenge", "pine", "teak")


def upholstery(b: AssetSpec) -> Finish:
    """Choose cloth or leather."""
    colour = b.pick_from(sorted(FABRICS))
    if b.chance(0.3):
        return leather(b.pick("#5a3a2a", "#2b2a2a", "#8c4a32", "#d8d0c2", "#6e2b2b"))
    return fabric(colour)


def frame_finish(b: AssetSpec) -> Finish:
    """Choose the wood or paint of a frame."""
    return (
        paint(b.pick("white", "black", "grey"))
        if b.chance(0.25)
        else wood(b.pick_from(FRAME_WOODS))
    )


def square_bar(start: Sequence[float], end: Sequence[float], side: float, finish: Finish) -> Mesh:
    """Build a straight bar of square section."""
    return tube([start, end], side / np.sqrt(2), finish, n=4)


def armchair(b: AssetSpec) -> Parts:
    """Build an armchair: boxy, rolled arms, or a wooden frame with padding."""
    (seat,) = b.support_heights_m
    if min(b.w, b.d) > 0.55 and b.chance(0.22):
        return _easy_chair(b, seat)
    return _settee(b, seat, seats=1)


def sofa(b: AssetSpec) -> Parts:
    """Build a sofa of two or three seats."""
    (seat,) = b.support_heights_m
    return _settee(b, seat, seats=2 if b.w < 2.05 else 3)


def _settee(b: AssetSpec, seat: float, seats: int) -> Parts:
    x, y = b.w / 2, b.d / 2
    cloth = upholstery(b)
    rolled = b.chance(0.45)
    arm = min(0.2, max(0.1, b.w * (0.17 if seats == 1 else 0.085)))
    arm_top = seat + (b.h - seat) * b.uniform(0.3, 0.5)
    foot = min(0.12, b.h * b.uniform(0.06, 0.14))
    back = b.d * 0.2
    inner = x - arm
    front = y if rolled else y - 0.01
    parts: Parts = [
        block((-inner, inner), (-y + back, front - 0.02), (foot, seat - 0.13), cloth, bevel=0.02),
        block((-x + arm * 0.2, x - arm * 0.2), (-y, -y + back), (foot, b.h), cloth, bevel=0.05),
    ]
    for side in (-1, 1):
        outer = (side * x, side * inner)
        if rolled:
            radius = arm * 0.56
            parts.append(
                block(
                    (side * (x - 0.02), side * (inner - 0.0)),
                    (-y + 0.02, y - 0.01),
                    (foot, arm_top - radius),
                    cloth,
                    bevel=0.015,
                )
            )
            parts.append(
                rod(
                    (side * (x - radius), -y + 0.02, arm_top - radius),
                    (side * (x - radius), y, arm_top - radius),
                    radius,
                    cloth,
                    n=20,
                )
            )
        else:
            parts.append(block(outer, (-y + 0.01, y), (foot, arm_top), cloth, bevel=0.035))
    step = 2 * inner / seats
    for index in range(seats):
        span = (-inner + index * step + 0.004, -inner + (index + 1) * step - 0.004)
        parts.append(block(span, (-y + back + 0.02, y), (seat - 0.15, seat), cloth, bevel=0.035))
        # The back is upholstered in one piece with the frame: nothing on a seat is a pillow.
        pad = block(span, (-0.065, 0.065), (0, b.h - seat - 0.02), cloth, bevel=0.035)
        parts.append(move(turn(pad, "x", 11), y=-y + back + 0.035, z=seat - 0.02))
    legs = wood(b.pick("walnut", "wenge", "oak")) if b.chance(0.7) else metal("steel")
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                lathe(
                    [(0, 0), (0.018, 0), (0.028, foot + 0.01), (0, foot + 0.01)],
                    legs,
                    x=sx * (x - 0.07),
                    y=sy * (y - 0.07),
                    n=10,
                )
            )
    return parts


def _easy_chair(b: AssetSpec, seat: float) -> Parts:
    """Build a lounge chair with a bare wooden frame."""
    x, y = b.w / 2, b.d / 2
    cloth, frame = upholstery(b), wood(b.pick("birch", "oak", "walnut", "teak"))
    arm = seat + (b.h - seat) * 0.42
    parts: Parts = []
    for side in (-1, 1):
        post = side * (x - 0.025)
        parts.append(square_bar((post, y - 0.04, 0), (post, y - 0.07, arm), 0.045, frame))
        parts.append(square_bar((post, -y + 0.1, 0), (post, -y + 0.14, arm), 0.045, frame))
        parts.append(
            block(
                (side * x, side * (x - 0.065)), (-y + 0.04, y), (arm, arm + 0.03), frame, bevel=0.01
            )
        )
        parts.append(
            block(
                (post - 0.012, post + 0.012), (-y + 0.1, y - 0.05), (seat - 0.16, seat - 0.1), frame
            )
        )
    inner = x - 0.06
    parts.append(block((-inner, inner), (-y + 0.12, y - 0.05), (seat - 0.15, seat - 0.12), frame))
    parts.append(
        block((-inner, inner), (-y + 0.12, y - 0.01), (seat - 0.12, seat), cloth, bevel=0.035)
    )
    rise = b.h - seat
    angle = 16
    pad = block(
        (-inner, inner),
        (-0.065, 0.065),
        (0, rise / np.cos(np.radians(angle)) - 0.02),
        cloth,
        bevel=0.04,
    )
    pad = turn(pad, "x", angle)
    parts.append(move(pad, y=-y + 0.05 + rise * 0.29, z=b.h - float(pad.bounds_m[1][2])))
    return parts


def stool(b: AssetSpec) -> Parts:
    """Build a stool: round bar stool, or a wooden one with four legs."""
    x, y, h = b.w / 2, b.d / 2, b.h
    round_seat = abs(b.w - b.d) < 0.03
    frame = frame_finish(b)
    seat = upholstery(b) if b.chance(0.4) else frame
    thick = 0.06 if seat is not frame else 0.035
    splay = 0.86 if h > 0.5 else 0.8
    parts: Parts = []
    if round_seat and h > 0.55 and b.chance(0.5):
        steel = metal("chrome")
        parts.append(
            lathe(
                [
                    (0, 0),
                    (x * 0.9, 0),
                    (x * 0.88, 0.015),
                    (0.03, 0.035),
                    (0.025, h - 0.1),
                    (0, h - 0.1),
                ],
                steel,
                squash=b.d / b.w,
            )
        )
        parts.append(torus((0, 0, h * 0.33), x * 0.6, 0.011, steel, squash=b.d / b.w))
        parts.append(rod((-x * 0.6, 0, h * 0.33), (x * 0.6, 0, h * 0.33), 0.009, steel))
        parts.append(_round_pad(b, upholstery(b), 0.08))
        return parts
    if round_seat:
        parts.append(_round_pad(b, seat, thick))
    else:
        parts.append(block((-x, x), (-y, y), (h - thick, h), seat, bevel=0.014))
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                rod(
                    (sx * x * splay, sy * y * splay, 0),
                    (sx * x * 0.62, sy * y * 0.62, h - thick),
                    0.016,
                    frame,
                    0.02,
                )
            )
    for level in (0.3, 0.42):
        spread = splay + (0.62 - splay) * level
        along_x = level > 0.35
        for side in (-1, 1):
            ends = [(-1, side), (1, side)] if along_x else [(side, -1), (side, 1)]
            (ax, ay), (bx, by) = ends
            parts.append(
                rod(
                    (ax * x * spread, ay * y * spread, h * level),
                    (bx * x * spread, by * y * spread, h * level),
                    0.011,
                    frame,
                    n=8,
                )
            )
    return parts


def _round_pad(b: AssetSpec, finish: Finish, thick: float) -> Mesh:
    radius, h = b.w / 2, b.h
    bevel = min(thick * 0.3, 0.015)
    profile = [
        (0, h - thick),
        (radius - bevel, h - thick),
        (radius, h - thick + bevel),
        (radius, h - bevel),
        (radius - bevel, h),
        (0, h),
    ]
    return lathe(profile, finish, n=28, squash=b.d / b.w)


def footstool(b: AssetSpec) -> Parts:
    """Build a low stool: an upholstered pouffe or a small wooden step."""
    if b.chance(0.5):
        return ottoman(b)
    return stool(b)


def ottoman(b: AssetSpec) -> Parts:
    """Build an upholstered block on feet with a piped, flat top."""
    x, y, h = b.w / 2, b.d / 2, b.h
    cloth = upholstery(b)
    foot = min(0.1, h * 0.2)
    pad = h * 0.28
    round_body = abs(b.w - b.d) < 0.03 and b.chance(0.5)
    parts: Parts = []
    if round_body:
        parts.append(
            lathe([(0, foot), (x * 0.95, foot), (x * 0.97, h - pad), (0, h - pad)], cloth, n=32)
        )
        parts.append(_round_pad(b, cloth, pad))
        parts.append(torus((0, 0, h - pad), x * 0.985, 0.008, cloth, n=32, squash=b.d / b.w))
    else:
        parts.append(
            block((-x * 0.97, x * 0.97), (-y * 0.97, y * 0.97), (foot, h - pad), cloth, bevel=0.012)
        )
        parts.append(block((-x, x), (-y, y), (h - pad, h), cloth, bevel=min(0.035, pad * 0.4)))
    legs = wood(b.pick("walnut", "wenge", "oak"))
    spread = 0.66 if round_body else 0.88
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                rod(
                    (sx * x * spread, sy * y * spread, 0),
                    (sx * x * spread * 0.97, sy * y * spread * 0.97, foot + 0.005),
                    0.016,
                    legs,
                    0.026,
                    n=10,
                )
            )
    return parts


def dog_bed(b: AssetSpec) -> Parts:
    """Build a dog's bed: a soft wall, lower at the front, round a flat mattress."""
    x, y, h = b.w / 2, b.d / 2, b.h
    (top,) = b.support_heights_m
    wall, inside = fabric(b.pick("grey", "navy", "olive", "rust")), fabric("cream")
    radius = min(h * 0.5, 0.15 * min(x, y) * 2 * 0.9)
    angle = np.radians(np.linspace(-62, 242, 32))
    square = 0.55
    path = np.column_stack(
        [
            np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** square * (x - radius),
            -np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** square * (y - radius),
            np.full(32, h / 2),
        ]
    )
    tall = h / 2 / radius
    sizes = radius * np.concatenate([[0.35, 0.8], np.ones(28), [0.8, 0.35]])
    roll = tube(path, sizes, wall, n=12, section=(1, tall))
    parts: Parts = [roll]
    bed = [
        (1.6 * x, 1.6 * y, 0.0),
        (1.75 * x, 1.75 * y, top * 0.3),
        (1.75 * x, 1.75 * y, top * 0.85),
        (1.68 * x, 1.68 * y, top),
    ]
    parts.append(loft(bed, inside, power=4, n=32))
    return parts
