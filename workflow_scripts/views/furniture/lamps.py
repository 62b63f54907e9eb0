"""Lamps that stand on the floor or a desk."""

import numpy as np

from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import ceramic, emissive, metal, plastic, wood
from workflow_scripts.views.furniture.shapes import Finish, ellipsoid, lathe, move, rod, tube, turn
from workflow_scripts.views.meshes import Mesh


def shade(
    radius: float, top_share: float, low: float, high: float, finish: Finish, squash: float = 1
) -> Mesh:
    """Build an open lampshade with a wall."""
    r, t = radius, 0.004
    top = r * top_share
    return lathe(
        [(r, low), (top, high), (top - t, high), (r - t, low), (r, low)],
        finish,
        n=32,
        squash=squash,
    )


def shade_cloth(b: AssetSpec) -> Finish:
    """Choose a shade's cloth; it glows a little, as lamps do by day."""
    return emissive(b.pick("#efe3c8", "#f2ece0", "#d9b48a", "#b5493a", "#6f8f8a"), 0.25)


def floor_lamp(b: AssetSpec) -> Parts:
    """Build a floor lamp: a shade on a pole, on three legs, or an arc with a metal shade."""
    w, h = b.w, b.h
    r, squash = w / 2, b.d / b.w
    pole = metal(b.pick("brass", "iron", "steel"))
    tall = min(0.34, h * 0.2)
    style = b.pick("pole", "pole", "tripod", "arc")
    bulb = emissive("#fff1d0", 1.2)
    if style == "arc" and b.w > 0.4:
        y = b.d / 2
        base = lathe(
            [(0, 0), (r * 0.55, 0), (r * 0.55, 0.02), (0.02, 0.035), (0, 0.035)], pole, y=-y * 0.4
        )
        bow = [
            (0, -y * 0.4, 0.02),
            (0, -y * 0.45, h * 0.6),
            (0, -y * 0.3, h * 0.88),
            (0, 0, h * 0.985),
            (0, y * 0.35, h * 0.96),
            (0, y * 0.45, h * 0.9),
        ]
        dome = [
            (r, h * 0.8),
            (r * 0.85, h * 0.86),
            (r * 0.4, h * 0.905),
            (0.02, h * 0.915),
            (0, h * 0.915),
            (0, h * 0.91),
            (r * 0.38, h * 0.9),
            (r * 0.83, h * 0.855),
            (r * 0.985, h * 0.8),
            (r, h * 0.8),
        ]
        return [
            base,
            tube(bow, 0.012, pole),
            lathe(dome, pole, y=y - r * squash, squash=squash, n=32),
            ellipsoid((0, y - r * squash, h * 0.85), (0.04, 0.04, 0.05), bulb),
        ]
    top = shade(r, b.uniform(0.6, 0.95), h - tall, h, shade_cloth(b), squash)
    parts: Parts = [top, ellipsoid((0, 0, h - tall * 0.55), (0.035, 0.035, 0.05), bulb, n=10)]
    if style == "tripod":
        timber = wood(b.pick("oak", "walnut", "birch"))
        hub = h - tall - 0.06
        for index in range(3):
            angle = np.radians(90 + 120 * index)
            foot = (r * 0.9 * np.cos(angle), r * 0.9 * np.sin(angle) * squash, 0.0)
            parts.append(
                rod(foot, (0.02 * np.cos(angle), 0.02 * np.sin(angle), hub), 0.011, timber, 0.016)
            )
        parts.append(rod((0, 0, hub - 0.03), (0, 0, h - tall * 0.6), 0.012, pole))
        parts.append(
            lathe([(0, hub - 0.03), (0.035, hub - 0.03), (0.03, hub + 0.02), (0, hub + 0.02)], pole)
        )
        return parts
    parts.append(
        lathe(
            [(0, 0), (r * 0.62, 0), (r * 0.62, 0.015), (0.03, 0.035), (0, 0.035)],
            pole,
            squash=squash,
        )
    )
    parts.append(rod((0, 0, 0.02), (0, 0, h - tall * 0.6), 0.011, pole))
    return parts


def desk_lamp(b: AssetSpec) -> Parts:
    """Build a desk lamp: a jointed arm with a cone, or a table lamp with a shade."""
    if b.d > 0.9 * b.w and b.h > 0.35 and b.chance(0.55):
        return _jointed(b)
    h, r = b.h, b.w / 2
    squash = b.d / b.w
    base = (
        ceramic(b.pick("#e9e3d6", "#3f6f78", "#b5573d", "#2e3238", "#c9a14a"))
        if b.chance(0.7)
        else metal("brass")
    )
    tall = h * 0.42
    foot = r * 0.55
    body = {
        "gourd": [
            (0, 0),
            (foot * 0.8, 0),
            (foot * 0.85, 0.02 * h),
            (foot, 0.16 * h),
            (foot * 0.8, 0.28 * h),
            (foot * 0.4, 0.38 * h),
            (foot * 0.5, 0.44 * h),
            (foot * 0.18, 0.5 * h),
            (0, 0.5 * h),
        ],
        "column": [
            (0, 0),
            (foot, 0),
            (foot, 0.03 * h),
            (foot * 0.25, 0.06 * h),
            (foot * 0.2, 0.5 * h),
            (0, 0.5 * h),
        ],
    }[b.pick("gourd", "column")]
    return [
        lathe(body, base, squash=squash, n=24),
        rod((0, 0, 0.45 * h), (0, 0, 0.8 * h), 0.007, metal("brass")),
        shade(r, b.uniform(0.55, 0.85), h - tall, h, shade_cloth(b), squash),
        ellipsoid((0, 0, 0.78 * h), (0.025, 0.025, 0.035), emissive("#fff1d0", 1.2), n=10),
    ]


def _jointed(b: AssetSpec) -> Parts:
    h, y = b.h, b.d / 2
    paint = (
        plastic(b.pick("#26282b", "#b5382f", "#e6e4de", "#2f6672"))
        if b.chance(0.8)
        else metal("steel")
    )
    joint = metal("steel")
    r = b.w / 2
    foot = min(r, y * 0.6)
    back = -y + foot
    elbow = (0, -y * 0.75, h * 0.55)
    head = (0, y * 0.35, h * 0.92)
    cone = lathe(
        [
            (min(r * 0.95, y * 0.5), -0.1 * h),
            (0.6 * r, -0.02 * h),
            (0.25 * r, 0.06 * h),
            (0, 0.08 * h),
            (0.0, 0.07 * h),
            (0.22 * r, 0.05 * h),
            (0.57 * r, -0.03 * h),
            (min(r * 0.95, y * 0.5) * 0.97, -0.1 * h),
            (min(r * 0.95, y * 0.5), -0.1 * h),
        ],
        paint,
        n=28,
    )
    bulb = ellipsoid((0, 0, -0.03 * h), (0.022, 0.022, 0.03), emissive("#fff1d0", 1.2), n=10)
    parts: Parts = [
        lathe(
            [(0, 0), (foot, 0), (foot * 0.98, 0.015), (foot * 0.3, 0.03), (0, 0.03)],
            paint,
            y=back,
            n=28,
        ),
        rod((0, back, 0.02), elbow, 0.007, paint),
        rod(elbow, head, 0.007, paint),
    ]
    for point in (elbow, head, (0, back, 0.03)):
        parts.append(rod((-0.016, point[1], point[2]), (0.016, point[1], point[2]), 0.014, joint))
    for part in (cone, bulb):
        parts.append(move(turn(part, "x", -22), y=head[1] + y * 0.18, z=head[2] - 0.03 * h))
    return parts
