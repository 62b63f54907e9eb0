"""Build one asset: choose its library, build it, and fit it to its box."""

from dataclasses import replace
from functools import cache

import numpy as np

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.sources.readers.procthor_assets import Asset, assets, support_surfaces
from workflow_scripts.views.furniture import sweethome
from workflow_scripts.views.furniture.asset_spec import MovablePart, make_asset_spec
from workflow_scripts.views.furniture.catalogue import BUILDERS, generic
from workflow_scripts.views.furniture.shapes import merge_parts
from workflow_scripts.views.meshes import Material, Mesh

LIBRARIES = ("auto", "procedural", "sweethome3d")
MIN_SIDE_M = 1e-3


def build(
    category: str,
    size_m: tuple[float, float, float],
    asset_id: str,
    *,
    library: str = "procedural",
    openness: float = 0,
) -> Mesh:
    """Return an asset's mesh in the object frame; its bounds fill its box.

    Args:
        category: ProcTHOR object type; one without a builder gets a plain shape.
        size_m: width, depth, height of the box.
        asset_id: decides colours and style; equal ids give equal meshes.
        library: "procedural", "sweethome3d" or "auto" (the latter where it fits, if installed).
        openness: 0 closed to 1 open; the leaf of an open door leaves the box.
    """
    if library not in LIBRARIES:
        raise UserError(
            f"views.furniture: {library!r} is not a library; {allowed_values(library, LIBRARIES)}"
        )
    size = (float(size_m[0]), float(size_m[1]), float(size_m[2]))
    if not all(np.isfinite(side) and side > 0 for side in size):
        raise UserError(f"asset {asset_id!r}: size {size} m; allowed: three numbers above 0")
    return _build(category, size, asset_id, library, round(float(openness), 3))


@cache
def _build(
    category: str, size: tuple[float, float, float], asset_id: str, library: str, openness: float
) -> Mesh:
    if library != "procedural" and openness == 0:
        if library == "sweethome3d":
            sweethome.require_libraries()
        mesh = sweethome.mesh_for(category, size, asset_id)
        if mesh is not None:
            return mesh.transformed(fit_to_box(mesh, size))
    return procedural(category, size, asset_id, openness)


def procedural(
    category: str, size: tuple[float, float, float], asset_id: str, openness: float = 0
) -> Mesh:
    """Build from parts."""
    w, d, h = (max(side, MIN_SIDE_M) for side in size)
    table_entry = assets().get(asset_id)
    asset = Asset(
        asset_id, category, w, d, h, table_entry.split if table_entry else None, (), False
    )
    spec = make_asset_spec(
        category,
        (w, d, h),
        asset_id,
        openness=openness,
        support_heights_m=tuple(surface.height * h for surface in support_surfaces(asset)),
    )
    parts = BUILDERS.get(category, generic)(spec)
    fixed = merge_parts([part for part in parts if not isinstance(part, MovablePart)])
    pose = fit_to_box(fixed, size)
    complete = merge_parts([fixed], [part.mesh for part in parts if isinstance(part, MovablePart)])
    return merge_materials(complete.transformed(pose))


def fit_to_box(mesh: Mesh, size: tuple[float, float, float]) -> np.ndarray:
    """Return the affine map [4, 4] of the mesh's bounds onto a box about the origin."""
    low, high = (bound.astype(np.float64) for bound in mesh.bounds_m)
    scale = np.asarray(size) / np.maximum(high - low, 1e-9)
    pose = np.diag([*scale, 1.0])
    pose[:3, 3] = -(low + high) / 2 * scale
    return pose


def merge_materials(mesh: Mesh) -> Mesh:
    """Merge equal materials, so that a renderer handles each once."""
    unique: list[Material] = []
    index_of: dict[tuple[object, ...], int] = {}
    index = []
    for material in mesh.materials:
        fields = tuple(
            id(value) if isinstance(value, np.ndarray) else value
            for value in vars(material).values()
        )
        if fields not in index_of:
            index_of[fields] = len(unique)
            unique.append(material)
        index.append(index_of[fields])
    return replace(
        mesh,
        face_material=np.array(index, dtype=np.int32)[mesh.face_material],
        materials=tuple(unique),
    )
