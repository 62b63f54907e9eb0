"""Mesh operations: finishes, surfaces lofted over rings of points, moving and joining parts.

Vertices are shared only where the surface is smooth, so normals averaged over shared vertices are
right everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.views.meshes import Material, Mesh, merge_meshes

SHARP_DEG = 38.0


@dataclass(frozen=True)
class Finish:
    """A material and the size of its texture.

    `repeat_m` is the length of one texture repeat, measured on the part; 0 lets the texture span
    the part once (pictures, labels, screens).
    """

    material: Material
    repeat_m: float = 0.0


def make_mesh(
    vertices: np.ndarray,
    faces: np.ndarray,
    uv: np.ndarray,
    finish: Finish,
    *,
    closed: bool = True,
) -> Mesh:
    """Make a mesh of one material; a closed one is turned inside out if it faces inward."""
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    faces = np.asarray(faces, dtype=np.int32).reshape(-1, 3)
    corners = vertices[faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    faces = faces[area > 1e-12]
    if closed:
        corners = vertices[faces] - vertices.mean(axis=0)
        volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
        if volume < 0:
            faces = faces[:, ::-1]
    if finish.repeat_m:
        uv = _flat_uv(vertices, faces) / finish.repeat_m
    return Mesh(
        vertices.astype(np.float32),
        np.ascontiguousarray(faces),
        np.asarray(uv, dtype=np.float32).reshape(-1, 2),
        np.zeros(len(faces), dtype=np.int32),
        (finish.material,),
        smooth=True,
    )


def _flat_uv(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Project each vertex along its dominant normal axis; u runs along the part's longest side."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], normal)
    drop = np.abs(summed).argmax(axis=1)
    order = np.argsort(-np.ptp(vertices, axis=0), kind="stable")
    kept = np.array([[axis for axis in order if axis != dropped] for dropped in range(3)])[drop]
    return np.take_along_axis(vertices, kept, axis=1)


def merge_parts(*meshes: Mesh | Sequence[Mesh]) -> Mesh:
    """Merge parts into one mesh; arguments are parts or lists of parts."""
    flat: list[Mesh] = []
    for item in meshes:
        flat.extend([item] if isinstance(item, Mesh) else item)
    return merge_meshes(flat)


def move(mesh: Mesh, x: float = 0, y: float = 0, z: float = 0) -> Mesh:
    """Shift a mesh."""
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return mesh.transformed(pose)


def turn(
    mesh: Mesh, axis: str, angle_deg: float, about: tuple[float, float, float] = (0, 0, 0)
) -> Mesh:
    """Turn a mesh about an axis ("x", "y" or "z") through a point, right-handed."""
    angle = np.radians(angle_deg)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    pose = np.eye(4)
    pose[first, first] = pose[second, second] = np.cos(angle)
    pose[first, second], pose[second, first] = -np.sin(angle), np.sin(angle)
    pivot = np.array(about, dtype=np.float64)
    pose[:3, 3] = pivot - pose[:3, :3] @ pivot
    return mesh.transformed(pose)


def stretch(mesh: Mesh, x: float = 1, y: float = 1, z: float = 1) -> Mesh:
    """Scale a mesh about the origin (factors above 0)."""
    return mesh.transformed(np.diag([x, y, z, 1.0]))


def mirror_x(mesh: Mesh) -> Mesh:
    """Return the mirror image left to right, still facing outward."""
    mirrored = mesh.transformed(np.diag([-1.0, 1.0, 1.0, 1.0]))
    return Mesh(
        mirrored.vertices_m,
        np.ascontiguousarray(mirrored.faces[:, ::-1]),
        mirrored.uv,
        mirrored.face_material,
        mirrored.materials,
        mirrored.smooth,
    )


def loft_rings(
    rings: np.ndarray,
    finish: Finish,
    *,
    closed_ring: bool = True,
    caps: bool = True,
    sharp_rows: bool = True,
) -> Mesh:
    """Loft a surface over rings [m, n, 3] that run counter-clockwise seen from the last ring.

    Rows where the outline turns by more than `SHARP_DEG` get an edge. `caps` closes both ends.
    """
    rings = np.asarray(rings, dtype=np.float64)
    rows = list(range(len(rings)))
    if sharp_rows and len(rings) > 2:
        step = np.diff(rings, axis=0)
        length = np.linalg.norm(step, axis=2, keepdims=True)
        step = step / np.maximum(length, 1e-12)
        cosine = (step[:-1] * step[1:]).sum(axis=2).mean(axis=1)
        sharp = np.flatnonzero(cosine < np.cos(np.radians(SHARP_DEG))) + 1
        rows = sorted([*rows, *sharp.tolist()])
    columns = np.arange(rings.shape[1] + (1 if closed_ring else 0)) % rings.shape[1]
    points = rings[rows]
    length = np.concatenate([[0.0], np.cumsum(_row_lengths(points))])
    v = length / max(length[-1], 1e-12)
    m, n = points.shape[:2]
    # The seam of a closed ring is shared, so the texture runs backwards over its last column:
    # round parts that show an image use an open ring instead.
    u = np.arange(n) / (n if closed_ring else max(n - 1, 1))
    uv = np.stack(np.broadcast_arrays(u[None, :], v[:, None]), axis=-1)
    index = np.arange(m * n).reshape(m, n)[:, columns]
    keep = [row for row in range(m - 1) if rows[row] != rows[row + 1]]
    a, b = index[keep][:, :-1], index[keep][:, 1:]
    above = index[[row + 1 for row in keep]]
    c, d = above[:, 1:], above[:, :-1]
    faces = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    vertices, uv = points.reshape(-1, 3), uv.reshape(-1, 2)
    if caps:
        for ring, flip in ((rings[0], True), (rings[-1], False)):
            if np.ptp(ring, axis=0).max() < 1e-9:
                continue
            start = len(vertices)
            fan = np.stack(
                [np.full(n, start), start + 1 + np.arange(n), start + 1 + (np.arange(n) + 1) % n],
                axis=-1,
            )
            vertices = np.concatenate([vertices, ring.mean(axis=0)[None], ring])
            flat = _cap_uv(ring)
            uv = np.concatenate([uv, flat.mean(axis=0)[None], flat])
            faces = np.concatenate([faces, fan[:, ::-1] if flip else fan])
    return make_mesh(vertices, faces, uv, finish, closed=caps or closed_ring)


def _row_lengths(points: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1)
    return lengths


def _cap_uv(ring: np.ndarray) -> np.ndarray:
    keep = np.sort(np.argsort(-np.ptp(ring, axis=0), kind="stable")[:2])
    flat = ring[:, keep]
    uv: np.ndarray = (flat - flat.min(axis=0)) / np.maximum(np.ptp(flat, axis=0), 1e-9)
    return uv
