"""Primitive parts of furniture: every function returns one Mesh.

Lengths are metres, z is up. Surfaces of closed parts face outward. Vertices are
shared only where the surface is smooth, so normals averaged over shared vertices are right.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from shapely import constrained_delaunay_triangles
from shapely.geometry import Polygon

from workflow_scripts.geometry.unique_rows import row_keys
from workflow_scripts.views.furniture.mesh_ops import (
    SHARP_DEG,
    Finish,
    loft_rings,
    make_mesh,
    merge_parts,
    mirror_x,
    move,
    stretch,
    turn,
)
from workflow_scripts.views.meshes import Mesh

__all__ = [
    "Finish",
    "Profile",
    "Span",
    "block",
    "cushion",
    "ellipsoid",
    "lathe",
    "leaf",
    "loft",
    "loft_rings",
    "lying",
    "make_mesh",
    "merge_parts",
    "mirror_x",
    "move",
    "outline",
    "picture",
    "prism",
    "quad",
    "rod",
    "sheet",
    "stretch",
    "torus",
    "tube",
    "turn",
]

Span = tuple[float, float]
Profile = Sequence[tuple[float, float]]


def block(x: Span, y: Span, z: Span, finish: Finish, bevel: float = 0.0) -> Mesh:
    """Make a box from its extents; `bevel` rounds its edges."""
    low = np.minimum([x[0], y[0], z[0]], [x[1], y[1], z[1]]).astype(float)
    high = np.maximum([x[0], y[0], z[0]], [x[1], y[1], z[1]]).astype(float)
    if bevel > 0:
        bevel = min(bevel, 0.49 * float((high - low).min()))
    steps = np.array([0.0, 1.0]) if bevel <= 0 else np.array([0.0, 0.35, 0.65, 1.0])
    vertices: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    uv: list[np.ndarray] = []
    count = len(steps)
    index = np.arange(count * count).reshape(count, count)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], -1)
    quads = quads.reshape(-1, 4)
    first, second = np.meshgrid(steps, steps, indexing="ij")
    for axis in range(3):
        for side in (0.0, 1.0):
            fractions = np.empty((count * count, 3))
            fractions[:, axis] = side
            fractions[:, (axis + 1) % 3] = first.ravel()
            fractions[:, (axis + 2) % 3] = second.ravel()
            order = quads if side else quads[:, ::-1]
            faces.append(np.concatenate([order[:, [0, 1, 2]], order[:, [0, 2, 3]]]))
            faces[-1] = faces[-1] + len(vertices) * count * count
            vertices.append(fractions)
            uv.append(_face_uv(fractions, axis, side))
    points = np.concatenate(vertices)
    if bevel <= 0:
        return make_mesh(
            low + points * (high - low), np.concatenate(faces), np.concatenate(uv), finish
        )
    # Cells next to an edge are bevel: move the outer rows onto a sphere about the inner box.
    inner_low, inner_high = low + bevel, high - bevel
    grid = np.select(
        [points <= 0, points < 0.5, points < 1], [low, inner_low, inner_high], default=high
    )
    core = np.clip(grid, inner_low, inner_high)
    away = grid - core
    away *= bevel / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    return _weld(core + away, np.concatenate(faces), np.concatenate(uv), finish)


def _face_uv(fractions: np.ndarray, axis: int, side: float) -> np.ndarray:
    """Return uv of a box side, so that an image is upright as seen from outside."""
    if axis == 2:
        return np.stack([fractions[:, 0], fractions[:, 1]], axis=1)
    across = fractions[:, 1] if axis == 0 else 1 - fractions[:, 0]
    return np.stack([across if side else 1 - across, fractions[:, 2]], axis=1)


def _weld(vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray, finish: Finish) -> Mesh:
    """Share equal vertices so that a rounded part looks round across its patches."""
    keys = row_keys(np.round(vertices * 1e6).astype(np.int64))
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return make_mesh(vertices[first], inverse.ravel()[faces], uv[first], finish)


def lathe(
    profile: Profile, finish: Finish, *, x: float = 0, y: float = 0, n: int = 20, squash: float = 1
) -> Mesh:
    """Revolve (radius, z) points about a vertical axis, listed so that outside is on the right.

    Going up on the outside and down on the inside makes a vessel. `squash` scales depth.
    """
    angle = np.arange(n) * 2 * np.pi / n
    circle = np.stack([np.cos(angle), np.sin(angle) * squash], axis=1)
    rings = np.array(
        [
            np.column_stack([x + r * circle[:, 0], y + r * circle[:, 1], np.full(n, z)])
            for r, z in profile
        ]
    )
    ends = profile[0][0] > 1e-9 or profile[-1][0] > 1e-9
    return loft_rings(rings, finish, caps=ends)


def rod(
    start: Sequence[float],
    end: Sequence[float],
    r0: float,
    finish: Finish,
    r1: float | None = None,
    n: int = 12,
) -> Mesh:
    """Make a round bar or cone between two points."""
    return tube([start, end], [r0, r0 if r1 is None else r1], finish, n=n)


def tube(
    path: npt.ArrayLike,
    radius: npt.ArrayLike,
    finish: Finish,
    *,
    n: int = 8,
    loop: bool = False,
    section: tuple[float, float] = (1, 1),
) -> Mesh:
    """Sweep a circle (an ellipse with `section`) along a path [m, 3]; `loop` joins its ends."""
    points = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), len(points))
    if loop:
        forward = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    elif len(points) > 2:
        forward = np.gradient(points, axis=0)
    else:
        forward = np.repeat(np.diff(points, axis=0), 2, 0)
    forward = forward / np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-12)
    side = np.cross(forward[0], [0, 0, 1.0])
    if np.linalg.norm(side) < 0.2:
        side = np.cross(forward[0], [0, 1.0, 0])
    angle = np.arange(n) * 2 * np.pi / n + np.pi / n
    rings = []
    for point, ahead, r in zip(points, forward, radii, strict=True):
        side = side - ahead * (side @ ahead)
        side /= max(np.linalg.norm(side), 1e-12)
        up = np.cross(side, ahead)
        rings.append(
            point
            + r * section[0] * np.cos(angle)[:, None] * side
            + r * section[1] * np.sin(angle)[:, None] * up
        )
    if loop:
        rings.append(rings[0])
    return loft_rings(np.array(rings)[:, ::-1], finish, caps=not loop, sharp_rows=False)


def outline(
    width: float, depth: float, power: float = 2, n: int = 24, x: float = 0, y: float = 0
) -> np.ndarray:
    """Return a superellipse [n, 2]: power 2 is an ellipse, 4 to 8 a rounded rectangle."""
    angle = np.arange(n) * 2 * np.pi / n
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.column_stack(
        [
            x + width / 2 * np.sign(cosine) * np.abs(cosine) ** (2 / power),
            y + depth / 2 * np.sign(sine) * np.abs(sine) ** (2 / power),
        ]
    )


def loft(
    sections: Sequence[tuple[float, float, float]],
    finish: Finish,
    *,
    power: float = 4,
    n: int = 24,
    x: float = 0,
    y: float = 0,
    caps: bool = True,
) -> Mesh:
    """Loft superellipse sections (width, depth, z), listed upward on the outside."""
    rings = [
        np.column_stack([outline(width, depth, power, n, x, y), np.full(n, z)])
        for width, depth, z in sections
    ]
    return loft_rings(np.array(rings), finish, caps=caps)


def ellipsoid(
    centre: Sequence[float], radii: Sequence[float], finish: Finish, n: int = 16, power: float = 2
) -> Mesh:
    """Make an ellipsoid; a power above 2 makes it boxier (a cushion, a loaf)."""
    rows = max(n // 2, 5)
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rows + 1)
    exponent = 2 / power
    rings = []
    for tilt in latitude:
        radius = max(np.cos(tilt), 0.0) ** exponent
        height = np.sign(np.sin(tilt)) * abs(np.sin(tilt)) ** exponent
        flat = outline(2 * radius, 2 * radius, power, n)
        rings.append(np.column_stack([flat, np.full(n, height)]))
    unit = loft_rings(np.array(rings), finish, caps=False, sharp_rows=False)
    vertices = unit.vertices_m * np.asarray(radii) + np.asarray(centre)
    return make_mesh(vertices, unit.faces, unit.uv, finish)


def cushion(
    x: Span, y: Span, z: Span, finish: Finish, *, puff: float = 0.5, power: float = 5, n: int = 28
) -> Mesh:
    """Make a stuffed cushion: boxy in plan, `puff` (0 to 1) of its height bulges."""
    rows = 8
    rings = []
    for share in np.linspace(-1, 1, rows + 1):
        edge = 1 - 0.06 * abs(share) ** 4 - 0.94 * (abs(share) > 0.999)
        rings.append(np.column_stack([outline(2 * edge, 2 * edge, power, n), np.full(n, share)]))
    # Flat caps are replaced by domes: points nearer the middle rise by `puff`.
    shape = np.concatenate(
        [_dome(rings[1], -1, n, power), rings[1:-1], _dome(rings[-2], 1, n, power)]
    )
    flat = np.clip(np.abs(shape[..., :2]), 0, 1)
    rise = 1 - puff * np.maximum(flat[..., 0], flat[..., 1]) ** 2
    shape[..., 2] *= rise
    shape[..., 2] /= np.abs(shape[..., 2]).max()
    low = np.array([min(x), min(y), min(z)])
    high = np.array([max(x), max(y), max(z)])
    return loft_rings((shape + 1) / 2 * (high - low) + low, finish, caps=False, sharp_rows=False)


def _dome(ring: np.ndarray, side: int, n: int, power: float) -> np.ndarray:
    scales = np.array([0.0, 0.35, 0.65, 0.86, 0.95])
    rings = [
        np.column_stack([ring[:, :2] * scale, np.full(n, float(side))])
        for scale in (scales if side < 0 else scales[::-1])
    ]
    return np.array(rings)


def torus(
    centre: Sequence[float],
    radius: float,
    thickness: float,
    finish: Finish,
    *,
    axis: str = "z",
    n: int = 24,
    squash: float = 1,
) -> Mesh:
    """Make a ring of round section about an axis."""
    angle = np.arange(n) * 2 * np.pi / n
    circle = np.column_stack([radius * np.cos(angle), squash * radius * np.sin(angle), 0 * angle])
    order = {"z": [0, 1, 2], "y": [0, 2, 1], "x": [2, 0, 1]}[axis]
    return tube(circle[:, order] + np.asarray(centre), thickness, finish, loop=True)


def prism(points: Profile | np.ndarray, span: Span, finish: Finish, axis: str = "z") -> Mesh:
    """Extrude a simple polygon along an axis: "z" of (x, y), "y" of (x, z), "x" of (y, z)."""
    flat = np.asarray(points, dtype=np.float64)
    area = np.sum(flat[:, 0] * np.roll(flat[:, 1], -1) - flat[:, 1] * np.roll(flat[:, 0], -1))
    if area < 0:
        flat = flat[::-1]
    n = len(flat)
    edge = np.roll(flat, -1, axis=0) - flat
    edge = edge / np.maximum(np.linalg.norm(edge, axis=1, keepdims=True), 1e-12)
    sharp = (edge * np.roll(edge, 1, axis=0)).sum(axis=1) < np.cos(np.radians(SHARP_DEG))
    columns, quads = [], []
    for corner in range(n):
        after = (corner + 1) % n
        if corner == 0 or sharp[corner]:
            columns.append(corner)
        columns.append(after)
        quads.append((len(columns) - 2, len(columns) - 1))
    low, high = min(span), max(span)
    side = flat[columns]
    count = len(side)
    vertices = [
        np.column_stack([side, np.full(count, low)]),
        np.column_stack([side, np.full(count, high)]),
    ]
    faces = [(a, b, b + count) for a, b in quads] + [(a, b + count, a + count) for a, b in quads]
    share = np.linspace(0, 1, count)
    uv = [np.column_stack([share, np.zeros(count)]), np.column_stack([share, np.ones(count)])]
    caps, cap_faces = _triangulate(flat)
    box = (caps - caps.min(axis=0)) / np.maximum(np.ptp(caps, axis=0), 1e-9)
    for level, flip in ((low, True), (high, False)):
        start = sum(len(part) for part in vertices)
        vertices.append(np.column_stack([caps, np.full(len(caps), level)]))
        uv.append(box)
        faces += [tuple(start + face[::-1] if flip else start + face) for face in cap_faces]
    points3 = np.concatenate(vertices)[:, {"z": [0, 1, 2], "y": [0, 2, 1], "x": [2, 0, 1]}[axis]]
    return make_mesh(points3, np.array(faces), np.concatenate(uv), finish)


def _triangulate(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a simple polygon [n, 2] into counter-clockwise triangles over its vertices."""
    vertices: list[np.ndarray] = []
    faces = []
    for triangle in constrained_delaunay_triangles(Polygon(flat)).geoms:
        corners = np.asarray(triangle.exterior.coords)[:3]
        a, b, c = corners
        if (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) < 0:
            corners = corners[::-1]
        faces.append(np.arange(3) + len(vertices))
        vertices.extend(corners)
    return np.array(vertices), np.array(faces)


def quad(corners: Sequence[Sequence[float]], finish: Finish) -> Mesh:
    """Make one rectangle from its lower left, lower right, upper right, upper left corner."""
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    return make_mesh(
        np.asarray(corners), np.array([[0, 1, 2], [0, 2, 3]]), uv, finish, closed=False
    )


def picture(x: Span, z: Span, y: float, finish: Finish) -> Mesh:
    """Make a flat image that faces the front (+y) and is not mirrored for the viewer."""
    return quad([(x[1], y, z[0]), (x[0], y, z[0]), (x[0], y, z[1]), (x[1], y, z[1])], finish)


def lying(x: Span, y: Span, z: float, finish: Finish) -> Mesh:
    """Make a flat image that faces up; its top edge is at the back."""
    return quad([(x[1], y[1], z), (x[0], y[1], z), (x[0], y[0], z), (x[1], y[0], z)], finish)


def leaf(path: npt.ArrayLike, widths: Sequence[float], finish: Finish, fold: float = 0.25) -> Mesh:
    """Make a leaf along a path [m, 3]: two halves that meet in a fold at the midrib."""
    points = np.asarray(path, dtype=np.float64)
    forward = np.gradient(points, axis=0)
    side = np.cross(forward, [0, 0, 1.0])
    short = np.linalg.norm(side, axis=1) < 1e-6
    side[short] = [1.0, 0, 0]
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, forward)
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-12)
    half = np.asarray(widths, dtype=np.float64)[:, None] / 2
    rows = np.stack(
        [points - side * half + up * half * fold, points, points + side * half + up * half * fold],
        1,
    )
    return loft_rings(rows, finish, closed_ring=False, caps=False, sharp_rows=False)


def sheet(
    x: Span,
    y: Span,
    height: Callable[[np.ndarray, np.ndarray], np.ndarray],
    thickness: float,
    finish: Finish,
    n: tuple[int, int] = (16, 16),
) -> Mesh:
    """Make cloth: a grid over x and y with top height `height(u, v)`, u and v from 0 to 1."""
    u, v = np.meshgrid(np.linspace(0, 1, n[0]), np.linspace(0, 1, n[1]), indexing="ij")
    top = height(u, v)
    rows = []
    grid = np.stack([x[0] + u * (x[1] - x[0]), y[0] + v * (y[1] - y[0]), top], axis=-1)
    under = grid - [0, 0, thickness]
    for row in range(n[0]):
        rows.append(np.concatenate([grid[row], under[row, ::-1]]))
    return loft_rings(np.array(rows), finish, caps=True, sharp_rows=False)
