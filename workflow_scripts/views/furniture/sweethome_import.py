"""Convert a model of a Sweet Home 3D library to a Mesh and repair its defects; cached on disk."""

import hashlib
import io
import os
import re
import tempfile
import zipfile
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from workflow_scripts.common.srgb import linear_from_srgb
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.views.meshes import Material, Mesh, merge_meshes

CACHE_VARIABLE = "SIGHTLINE_CACHE"
VERSION = 1
MAX_TEXTURE = 512
# A few models have texture coordinates of up to 3e9, which overflow in renderers.
MAX_UV = 1e3
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tga")


def cache_folder() -> Path:
    """Return where converted models are kept."""
    configured = os.environ.get(CACHE_VARIABLE)
    return Path(configured) if configured else Path.home() / ".cache" / "sightline"


@cache
def load_model(archive: Path, model_path: str, rotation: tuple[float, ...] = ()) -> Mesh | None:
    """Return the model in the object frame (x width, y front, z up), None without triangles."""
    key = f"{VERSION}|{archive.name}|{archive.stat().st_size}|{model_path}|{rotation}"
    file = cache_folder() / "sweethome3d" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if file.is_file():
        return read_mesh(file)
    mesh = convert(archive, model_path, rotation)
    if mesh is not None:
        write_mesh(file, mesh)
    return mesh


def convert(archive: Path, model_path: str, rotation: tuple[float, ...] = ()) -> Mesh | None:
    """Load a model from its library with trimesh."""
    import trimesh

    with tempfile.TemporaryDirectory() as folder:
        obj = _extract(archive, model_path, Path(folder))
        if obj is None:
            return None
        scene: Any = trimesh.load(obj, force="scene", process=False)
        parts = [
            _part(submesh)
            for submesh in scene.dump(concatenate=False)
            if isinstance(submesh, trimesh.Trimesh) and len(submesh.faces)
        ]
    if not parts:
        return None
    full_mesh = merge_meshes(parts)
    # OBJ: y up, front towards +z. Here: x width, y front, z up, so x changes sign.
    pose = np.eye(4)
    pose[:3, :3] = np.array([[-1, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float64)
    if rotation:
        pose[:3, :3] = pose[:3, :3] @ np.array(rotation).reshape(3, 3)
    return full_mesh.transformed(pose)


def _extract(archive: Path, model_path: str, folder: Path) -> Path | None:
    """Unpack a model's folder and repair texture paths to missing files."""
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
        if model_path not in names:
            return None
        parent = str(PurePosixPath(model_path).parent)
        for name in names:
            member = PurePosixPath(name)
            if str(member.parent) == parent and not name.endswith("/"):
                (folder / member.name).write_bytes(file.read(name))
    pictures = {p.name.lower(): p.name for p in folder.iterdir() if p.suffix.lower() in PICTURES}
    for mtl in folder.glob("*.[mM][tT][lL]"):
        text = mtl.read_text(encoding="latin-1")
        mtl.write_text(
            re.sub(
                r"(?mi)^(\s*map_Kd\s+)(.+?)\s*$",
                lambda match: _repair_texture_path(match[1], match[2], pictures),
                text,
            ),
            encoding="latin-1",
        )
    return folder / PurePosixPath(model_path).name


def _repair_texture_path(key: str, path: str, pictures: dict[str, str]) -> str:
    """Point a texture at the file of that base name, else at the folder's only picture."""
    base = re.split(r"[\\/]", path.strip())[-1].lower()
    texture = pictures.get(base) or (next(iter(pictures.values())) if len(pictures) == 1 else None)
    return f"{key}{texture}" if texture else ""


def _part(submesh: Any) -> Mesh:
    """Convert a `trimesh.Trimesh` into a Mesh of one material."""
    vertices = np.asarray(submesh.vertices, dtype=np.float32)
    uv = getattr(submesh.visual, "uv", None)
    if uv is None or len(uv) != len(vertices):
        uv = np.zeros((len(vertices), 2))
    uv = np.asarray(uv, dtype=np.float64)
    uv = np.where(np.isfinite(uv) & (np.abs(uv) <= MAX_UV), uv, 0)
    return Mesh(
        vertices,
        np.asarray(submesh.faces, dtype=np.int32),
        uv.astype(np.float32),
        np.zeros(len(submesh.faces), dtype=np.int32),
        (_material(getattr(submesh.visual, "material", None)),),
        smooth=True,
    )


def _material(source: object) -> Material:
    """Read colour, texture, cut-out and transparency from an OBJ material."""
    kwargs = {str(key).lower(): value for key, value in getattr(source, "kwargs", {}).items()}
    image = getattr(source, "image", None)
    diffuse = np.asarray(getattr(source, "diffuse", (128, 128, 128, 255)), dtype=np.float64)[:3]
    srgb = diffuse / 255
    # Kd is often pure black or white in these files; real paint is neither.
    r, g, b = (float(value) for value in np.clip(linear_from_srgb(srgb), 0.015, 0.88))
    opacity = float(np.ravel(kwargs.get("d", 1.0))[0]) if "d" in kwargs else 1.0
    shininess = float(np.ravel(kwargs.get("ns", 0.0))[0]) if "ns" in kwargs else 0.0
    texture, cutout = None, None
    if isinstance(image, Image.Image):
        image.thumbnail((MAX_TEXTURE, MAX_TEXTURE))
        rgba = np.asarray(image.convert("RGBA"))
        texture = np.ascontiguousarray(rgba[..., :3])
        if (rgba[..., 3] < 128).any():
            cutout = np.ascontiguousarray(rgba[..., 3])
    return Material(
        colour=(r, g, b),
        texture=texture,
        roughness=float(np.clip(1 - shininess / 400, 0.25, 0.9)),
        cutout=cutout,
        transmission=float(np.clip(1 - opacity, 0, 0.9)) if opacity < 0.95 else 0.0,
    )


def write_mesh(path: Path, mesh: Mesh) -> None:
    """Store a converted mesh atomically."""
    arrays: dict[str, Any] = {
        "vertices": mesh.vertices_m,
        "faces": mesh.faces,
        "uv": mesh.uv,
        "face_material": mesh.face_material,
        "colour": np.array([m.colour for m in mesh.materials]),
        "roughness": np.array([m.roughness for m in mesh.materials]),
        "transmission": np.array([m.transmission for m in mesh.materials]),
    }
    for number, material in enumerate(mesh.materials):
        if material.texture is not None:
            arrays[f"texture_{number}"] = material.texture
        if material.cutout is not None:
            arrays[f"cutout_{number}"] = material.cutout
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    with atomic_write(path) as partial:
        partial.write_bytes(buffer.getvalue())


def read_mesh(path: Path) -> Mesh:
    """Read a converted mesh."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    materials = tuple(
        Material(
            colour=tuple(float(value) for value in colour),  # type: ignore[arg-type]
            texture=arrays.get(f"texture_{number}"),
            roughness=float(arrays["roughness"][number]),
            cutout=arrays.get(f"cutout_{number}"),
            transmission=float(arrays["transmission"][number]),
        )
        for number, colour in enumerate(arrays["colour"])
    )
    return Mesh(
        arrays["vertices"],
        arrays["faces"],
        arrays["uv"],
        arrays["face_material"],
        materials,
        smooth=True,
    )
