"""Join shell and furniture into one triangle mesh with attributes per face."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.records import ObjectRow
from workflow_scripts.geometry.cameras import unity_from_world, world_from_unity
from workflow_scripts.sources.readers.procthor_house import entries, find_asset, read_vector
from workflow_scripts.views.meshes import Material, Mesh
from workflow_scripts.views.objects import object_rows
from workflow_scripts.views.pathtrace.settle import Placement, settle_children
from workflow_scripts.views.pathtrace.shell import Shell, build_shell

BuildFurniture = Callable[[str, tuple[float, float, float], str], Mesh]
"""(category, size_m, asset_id) -> mesh in the object frame that fills its box."""


@dataclass(frozen=True)
class TriangleMesh:
    """Triangles [f, 3, 3] f32 in the world and the attributes of each.

    `instance` i32 [f], `material` i32 [f] into `materials`, `uv` f32 [f, 3, 2], `normals`
    f32 [f, 3, 3] (per corner, unit length).
    """

    triangles: np.ndarray
    instance: np.ndarray
    material: np.ndarray
    uv: np.ndarray
    normals: np.ndarray
    materials: tuple[Material, ...]


@dataclass(frozen=True)
class RenderScene:
    """A house ready for the path tracer."""

    shell: Shell
    objects: Sequence[ObjectRow]
    triangle_mesh: TriangleMesh


def build_scene(house: dict[str, Any], scene_id: str, furniture: BuildFurniture) -> RenderScene:
    """Build every surface of a house; `UserError` says what is wrong with the house."""
    rows = object_rows(house, scene_id)
    shell = build_shell(house)
    instance_of = {row.object_id: row.instance for row in rows}
    mesh_of_asset: dict[str, Mesh] = {}
    meshes = [(instance_of[object_id], mesh) for object_id, mesh in shell.parts]
    placed: dict[str, Mesh] = {}
    children: dict[str, list[str]] = {}
    for entry in _iterate_objects(entries(house, "objects")):
        asset = find_asset(str(entry.get("assetId")), where=f"object {entry.get('id')!r}")
        if asset.asset_id not in mesh_of_asset:
            mesh_of_asset[asset.asset_id] = furniture(asset.category, asset.size_m, asset.asset_id)
        placed[entry["id"]] = mesh_of_asset[asset.asset_id].transformed(_world_from_object(entry))
        children[entry["id"]] = [child["id"] for child in entries(entry, "children")]
    placements = settle_children(children, placed)
    for object_id, mesh in placed.items():
        moved = np.eye(4)
        if object_id in placements:
            moved[2, 3] = placements[object_id].moved_z_m
        meshes.append((instance_of[object_id], mesh.transformed(moved) if moved[2, 3] else mesh))
    objects = [_settled(row, placements.get(row.object_id)) for row in rows]
    return RenderScene(shell, objects, _triangle_mesh(meshes))


def _settled(row: ObjectRow, placement: Placement | None) -> ObjectRow:
    """Return the row of an object where it is drawn."""
    if placement is None:
        return row
    update = {
        "z_m": row.z_m + placement.moved_z_m,
        "moved_z_m": placement.moved_z_m,
        "contact": placement.contact,
        "support_z_m": placement.support_z_m,
    }
    return row.model_copy(update=update)


def _iterate_objects(objects: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for entry in objects:
        yield entry
        yield from _iterate_objects(entries(entry, "children"))


def _world_from_object(entry: dict[str, Any]) -> np.ndarray:
    """Return `world_from_object` [4, 4]; Unity rotates about z, then x, then y."""
    where = f"object {entry.get('id')!r}"
    angle_x, angle_y, angle_z = np.deg2rad(
        read_vector(entry.get("rotation") or {}, where=f"{where} rotation")
    )
    rotation = _rotation(1, angle_y) @ _rotation(0, angle_x) @ _rotation(2, angle_z)
    pose = np.eye(4)
    # Each column is the image of a world axis: converted to Unity, rotated there, converted back.
    axes_unity = unity_from_world(np.eye(3))
    pose[:3, :3] = world_from_unity(axes_unity @ rotation.T).T
    pose[:3, 3] = world_from_unity(read_vector(entry.get("position"), where=f"{where} position"))
    return pose


def _rotation(axis: int, angle: float) -> np.ndarray:
    """Return the matrix [3, 3] that Unity uses for a rotation about one axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def _triangle_mesh(meshes: Sequence[tuple[int, Mesh]]) -> TriangleMesh:
    materials: list[Material] = []
    material_index: dict[int, int] = {}
    columns: list[list[np.ndarray]] = [[], [], [], [], []]
    for instance, mesh in meshes:
        for material in mesh.materials:
            if id(material) not in material_index:
                material_index[id(material)] = len(materials)
                materials.append(material)
        material_indices = np.array(
            [material_index[id(material)] for material in mesh.materials], dtype=np.int32
        )
        triangles = mesh.vertices_m[mesh.faces].astype(np.float32)
        edges = triangles[:, 1:].astype(np.float64) - triangles[:, :1]
        scaled_normals = np.cross(edges[:, 0], edges[:, 1])
        keep = np.linalg.norm(scaled_normals, axis=1) > 1e-12
        uv = np.where(np.abs(mesh.uv) < 1e3, mesh.uv, 0.0).astype(np.float32)
        for column, values in zip(
            columns,
            (
                triangles,
                np.full(len(triangles), instance, dtype=np.int32),
                material_indices[mesh.face_material],
                uv[mesh.faces],
                _corner_normals(mesh, scaled_normals),
            ),
            strict=True,
        ):
            column.append(values[keep])
    triangles, instances, face_materials, face_uv, normals = (
        np.concatenate(column) for column in columns
    )
    return TriangleMesh(triangles, instances, face_materials, face_uv, normals, tuple(materials))


def _corner_normals(mesh: Mesh, scaled_normals: np.ndarray) -> np.ndarray:
    """Return unit normals [f, 3, 3]: of the face, or averaged over faces that share a vertex."""
    face_normals = scaled_normals / np.maximum(
        np.linalg.norm(scaled_normals, axis=1, keepdims=True), 1e-20
    )
    corners = np.repeat(face_normals[:, None], 3, axis=1)
    if mesh.smooth:
        normal_sums = np.zeros((len(mesh.vertices_m), 3))
        for corner in range(3):
            np.add.at(normal_sums, mesh.faces[:, corner], scaled_normals)
        smooth = normal_sums[mesh.faces]
        length = np.linalg.norm(smooth, axis=2, keepdims=True)
        corners = np.where(length > 1e-12, smooth / np.maximum(length, 1e-20), corners)
    return corners.astype(np.float32)
