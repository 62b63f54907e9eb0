"""Draw a labelled contact sheet of all object types, for visual inspection."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from workflow_scripts.common import seeds
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.sources.readers.procthor_assets import (
    Asset,
    assets_in_category,
    read_database,
)
from workflow_scripts.views.furniture.build import build
from workflow_scripts.views.furniture.materials import linear
from workflow_scripts.views.meshes import Mesh

HALF_ANGLE_DEG = 14.0
SUN = np.array([0.35, 0.5, 0.8]) / np.linalg.norm([0.35, 0.5, 0.8])
BACKDROP = 0.8
SKY_RAYS = 16


def tile(mesh: Mesh, px: int, *, yaw_deg: float = 35, pitch_deg: float = 22) -> np.ndarray:
    """Draw a mesh in sun and sky light from its front left: u8 [px, px, 3]."""
    from embreex import rtcore_scene
    from embreex.mesh_construction import TriangleMesh

    scene = rtcore_scene.EmbreeScene()
    corners = mesh.vertices_m[mesh.faces].astype(np.float64)
    TriangleMesh(scene, corners.astype(np.float32))
    low, high = mesh.bounds_m
    radius = float(np.linalg.norm(high - low)) / 2
    origins, rays = _rays(px * 2, radius, yaw_deg, pitch_deg)
    hit = scene.run(origins, rays, query="INTERSECT", output=True)
    seen = np.flatnonzero(hit["primID"] >= 0)
    image = np.full((len(rays), 3), BACKDROP)
    face = hit["primID"][seen]
    weight = np.stack([1 - hit["u"][seen] - hit["v"][seen], hit["u"][seen], hit["v"][seen]], -1)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = (_vertex_normals(mesh, flat)[mesh.faces[face]] * weight[..., None]).sum(axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    flat = flat[face] / np.maximum(np.linalg.norm(flat[face], axis=1, keepdims=True), 1e-12)
    away = (flat * rays[seen]).sum(axis=1, keepdims=True) > 0
    normal, flat = np.where(away, -normal, normal), np.where(away, -flat, flat)
    points = origins[seen] + rays[seen] * hit["tfar"][seen, None] + flat * radius * 3e-4
    light = _light(scene, points.astype(np.float32), normal, radius)
    uv = (mesh.uv[mesh.faces[face]] * weight[..., None]).sum(axis=1)
    colour, emission = _colours(mesh, face, uv)
    image[seen] = colour * light[:, None] + emission
    image = image.reshape(px, 2, px, 2, 3).mean(axis=(1, 3))
    srgb = np.where(image <= 0.0031308, image * 12.92, 1.055 * image ** (1 / 2.4) - 0.055)
    pixels: np.ndarray = (np.clip(srgb, 0, 1) * 255).round().astype(np.uint8)
    return pixels


def _rays(n: int, radius: float, yaw_deg: float, pitch_deg: float) -> tuple[np.ndarray, np.ndarray]:
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    towards = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    camera_m = towards * radius / np.sin(np.radians(HALF_ANGLE_DEG))
    right = np.cross(-towards, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, -towards)
    share = ((np.arange(n) + 0.5) / n * 2 - 1) * np.tan(np.radians(HALF_ANGLE_DEG))
    x, y = np.meshgrid(share, -share)
    rays = (-towards + x[..., None] * right + y[..., None] * up).reshape(-1, 3)
    return np.repeat(camera_m[None], len(rays), 0).astype(np.float32), rays.astype(np.float32)


def _vertex_normals(mesh: Mesh, flat: np.ndarray) -> np.ndarray:
    total = np.zeros((len(mesh.vertices_m), 3))
    for corner in range(3):
        np.add.at(total, mesh.faces[:, corner], flat)
    normals: np.ndarray = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return normals


def _light(scene: Any, points: np.ndarray, normal: np.ndarray, radius: float) -> np.ndarray:
    """Add sun with shadows and a sky occluded by nearby surfaces."""

    def free(directions: np.ndarray, reach: float) -> np.ndarray:
        far = np.full(len(points), reach, dtype=np.float32)
        occluder = scene.run(points, directions.astype(np.float32), dists=far, query="OCCLUDED")
        unoccluded: np.ndarray = occluder < 0
        return unoccluded

    light = np.clip(normal @ SUN, 0, 1) * free(np.repeat(SUN[None], len(points), 0), 10 * radius)
    rng = seeds.rng(0, "contact sheet")
    sky = np.zeros(len(points))
    for _ in range(SKY_RAYS):
        directions = rng.normal(size=points.shape)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True) + normal * 1.001
        directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
        sky += free(directions, radius)
    total: np.ndarray = 0.8 * light + (0.38 + 0.2 * normal[:, 2]) * sky / SKY_RAYS + 0.06
    return total


def _colours(mesh: Mesh, face: np.ndarray, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = np.array([linear(f"#{value:02x}{value:02x}{value:02x}")[0] for value in range(256)])
    colour, emission = np.zeros((len(face), 3)), np.zeros((len(face), 3))
    for number, material in enumerate(mesh.materials):
        selected = mesh.face_material[face] == number
        colour[selected] = material.colour
        if material.texture is not None:
            rows, columns = material.texture.shape[:2]
            column = np.floor(uv[selected, 0] * columns).astype(int) % columns
            row = np.floor((1 - uv[selected, 1]) * rows).astype(int) % rows
            colour[selected] = table[material.texture[row, column]] * np.array(material.tint)
        share = material.transmission * 0.7
        colour[selected] = colour[selected] * (1 - share) + BACKDROP * share
        emission[selected] = np.array(material.emission)
    return colour, emission


def sheet(chosen: Sequence[Asset], *, library: str, tile_px: int, columns: int) -> Image.Image:
    """Draw assets in reading order, each with its type below."""
    label = 16
    rows = -(-len(chosen) // columns)
    page = Image.new("RGB", (columns * tile_px, rows * (tile_px + label)), "white")
    draw = ImageDraw.Draw(page)
    for index, asset in enumerate(progress(chosen, desc="types")):
        mesh = build(asset.category, asset.size_m, asset.asset_id, library=library)
        x, y = index % columns * tile_px, index // columns * (tile_px + label)
        page.paste(Image.fromarray(tile(mesh, tile_px)), (x, y))
        draw.text((x + 4, y + tile_px + 2), asset.category, fill="black")
    return page


def main(
    *,
    out: Path,
    library: str = "procedural",
    categories: tuple[str, ...] = (),
    per_category: int = 1,
    tile_px: int = 160,
    columns: int = 11,
) -> None:
    """Write a contact sheet of furniture.

    Args:
        out: the PNG to write.
        library: procedural, sweethome3d or auto.
        categories: object types to show; all 109 if none.
        per_category: assets of each type.
        tile_px: width of a tile.
        columns: tiles in a row.
    """
    known = sorted(read_database("asset-database"))
    for category in categories:
        if category not in known:
            raise UserError(f"--categories {category}: {allowed_values(category, known)}")
    chosen = []
    for category in categories or known:
        entries = assets_in_category(category)
        positions = np.linspace(0, len(entries) - 1, min(per_category, len(entries)) + 2)[1:-1]
        chosen += [entries[round(position)] for position in positions]
    page = sheet(chosen, library=library, tile_px=tile_px, columns=columns)
    with atomic_write(out) as partial:
        page.save(partial, format="PNG")


if __name__ == "__main__":
    run(main)
