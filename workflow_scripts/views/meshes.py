"""Triangle meshes with materials: the form in which furniture and building are rendered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Material:
    """Appearance of a surface.

    `colour` is linear RGB reflectance in [0, 1]; a `texture` (u8 sRGB [h, w, 3]) replaces it,
    tinted by `tint`. `roughness` 1 is matte, 0 a mirror; `specular` is the fraction of light
    reflected at normal incidence. `emission` is linear radiance. Rays pass through texels of
    `cutout` (u8 [h, w]) below 128. `transmission` is the fraction of light that glass lets
    through; for depth and ids glass is opaque.
    """

    colour: tuple[float, float, float] = (0.5, 0.5, 0.5)
    texture: np.ndarray | None = None
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    roughness: float = 0.8
    specular: float = 0.04
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0)
    cutout: np.ndarray | None = None
    transmission: float = 0.0


@dataclass(frozen=True)
class Mesh:
    """Triangles in the object frame (x width, y front, z up; origin = centre of the box) or world.

    `vertices_m` f32 [v, 3], `faces` i32 [f, 3] (counter-clockwise from outside), `uv` f32 [v, 2]
    in texture repeats, `face_material` i32 [f] into `materials`. Vertices are not shared across
    edges that should look sharp; `smooth` says whether normals are averaged over shared ones.
    """

    vertices_m: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    face_material: np.ndarray
    materials: tuple[Material, ...]
    smooth: bool = False

    def transformed(self, world_from_object: np.ndarray) -> "Mesh":
        """Return the mesh moved by a pose [4, 4] (which may also scale)."""
        moved = self.vertices_m @ world_from_object[:3, :3].T + world_from_object[:3, 3]
        return Mesh(
            moved.astype(np.float32),
            self.faces,
            self.uv,
            self.face_material,
            self.materials,
            self.smooth,
        )

    @property
    def bounds_m(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and highest corner [3] of the axis-aligned box."""
        return self.vertices_m.min(axis=0), self.vertices_m.max(axis=0)


def merge_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """Join meshes into one; `smooth` holds if it holds for all."""
    vertex_offset, material_offset = 0, 0
    faces, face_material = [], []
    for mesh in meshes:
        faces.append(mesh.faces + vertex_offset)
        face_material.append(mesh.face_material + material_offset)
        vertex_offset += len(mesh.vertices_m)
        material_offset += len(mesh.materials)
    return Mesh(
        np.concatenate([mesh.vertices_m for mesh in meshes]),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate(face_material).astype(np.int32),
        tuple(material for mesh in meshes for material in mesh.materials),
        all(mesh.smooth for mesh in meshes),
    )
