"""Smooth curves, hollow profiles and bodies lofted along y, for small objects."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.views.furniture.shapes import Finish, Profile, loft_rings, outline
from workflow_scripts.views.meshes import Mesh


def catmull_rom(points: Sequence[Sequence[float]] | np.ndarray, n: int = 16) -> np.ndarray:
    """Return n points on a Catmull-Rom curve through control points."""
    knots = np.asarray(points, dtype=np.float64)
    ends = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    position = np.linspace(0, len(knots) - 1, n)
    start = np.minimum(position.astype(int), len(knots) - 2)
    t = (position - start)[:, None]
    a, b, c, d = (ends[start + shift] for shift in range(4))
    curve: np.ndarray = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * (b - c) + d - a) * t**3
    )
    return curve


def arc(
    centre: Sequence[float], radius: float, start_deg: float, end_deg: float, n: int = 12
) -> np.ndarray:
    """Return n points [n, 2] on a part of a circle."""
    angle = np.radians(np.linspace(start_deg, end_deg, n))
    return np.asarray(centre) + radius * np.column_stack([np.cos(angle), np.sin(angle)])


def hollow_profile(outside: Profile | np.ndarray, wall: float, inset: float = 0.0) -> Profile:
    """Turn the outside of a vessel, from its foot to its rim, into a profile with a wall.

    `inset` moves both sides inward: a lining of another colour has the same outside and an inset.
    """
    low, rim = outside[0][1], outside[-1][1]

    def moved(depth: float) -> list[tuple[float, float]]:
        # A lining ends just below the rim, so that the two are not coplanar.
        return [(max(r - depth, 0), min(max(z, low + depth), rim - inset)) for r, z in outside]

    outer, inner = moved(inset), moved(inset + wall)[::-1]
    points: list[tuple[float, float]] = []
    for point in outer + inner:
        if not points or np.hypot(point[0] - points[-1][0], point[1] - points[-1][1]) > 1e-6:
            points.append((float(point[0]), float(point[1])))
    return points


def loft_along_y(
    stations: Sequence[tuple[float, float, float, float]],
    finish: Finish,
    *,
    power: float = 2.5,
    n: int = 12,
    x: float = 0,
) -> Mesh:
    """Loft cross-sections (y, width, thickness, z of the middle), listed from back to front."""
    rings = []
    for y, width, thickness, z in stations:
        flat = outline(width, thickness, power, n)
        rings.append(np.column_stack([x + flat[:, 0], np.full(n, y), z + flat[:, 1]]))
    return loft_rings(np.array(rings)[:, ::-1], finish, sharp_rows=False)
