"""Sweet Home 3D's furniture libraries (.sh3f): models that fit ProcTHOR assets.

A library is a zip of OBJ models with `PluginFurnitureCatalog.properties`. Debian's package
`sweethome3d-furniture` puts five of them below /usr/share; most are CC-BY, so every model used
must be credited (`credits`).
"""

import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common import seeds
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.procthor_assets import Asset, assets, support_surfaces
from workflow_scripts.views.credits import Credit
from workflow_scripts.views.furniture.sweethome_import import load_model
from workflow_scripts.views.meshes import Mesh

FOLDER_VARIABLE = "SIGHTLINE_SWEETHOME3D"
DEBIAN_FOLDER = Path("/usr/share/sweethome3d/furniture")
MAX_STRETCH = 1.35
MAX_FACES = 60_000
MAX_SURFACE_ERROR_M = 0.03
CATALOGUE = "PluginFurnitureCatalog.properties"

# Regular expressions of model names for each type: to include and to exclude. Beds are missing:
# the libraries' beds show pillows, which no table of objects lists.
PATTERNS: dict[str, tuple[str, str]] = {
    "ArmChair": (r"\barm ?chair", r"ottoman|office"),
    "Chair": (r"\bchair", r"arm|child|deck|wheel|high|rocking|long"),
    "CoffeeTable": (r"coffee table|low table", r""),
    "Desk": (r"\bdesk\b", r"lamp|chair"),
    "DiningTable": (
        r"^(oak |black |round |glass |garden )?table\b|dining",
        r"tennis|bed|coffee|cloth",
    ),
    "Dresser": (r"dresser|chest of drawers|commode", r""),
    "Fridge": (r"fridge|refrigerator", r""),
    "HousePlant": (r"plant|ficus|yucca|bamboo|cactus|spathi|orchid|bonsai", r"tree|christmas"),
    "Laptop": (r"laptop", r""),
    "Microwave": (r"microwave", r""),
    "Ottoman": (r"ottoman|pouf", r"armchair"),
    "ShelvingUnit": (r"\bshel(f|ves)|bookcase", r"full|corner"),
    "SideTable": (r"bedside|night|side table", r"lamp"),
    "Sofa": (r"\bsofa|couch", r"corner|angle|bed"),
    "Stool": (r"\bstool", r""),
    "TVStand": (r"tv (stand|cabinet)|television cabinet", r""),
    "Television": (r"\btv\b|television", r"stand|cabinet|wall"),
    "Toilet": (r"toilet(?! paper)|\bwc\b", r"brush|paper|unit"),
    "WashingMachine": (r"washing machine", r""),
    "FloorLamp": (r"floor lamp|\blamp", r"desk|table|ceiling|wall|chandelier"),
    "DeskLamp": (r"desk lamp|table lamp|\blamp", r"floor|ceiling|wall|chandelier"),
    "Vase": (r"\bvase", r"flower|tulip"),
}


@dataclass(frozen=True)
class Model:
    """One model of a library; sizes in metres, width, depth, height."""

    library: str
    archive: Path
    model_id: str
    name: str
    path: str
    size_m: tuple[float, float, float]
    rotation: tuple[float, ...]
    creator: str
    licence: str


def archives() -> tuple[Path, ...]:
    """Return the installed libraries, sorted by name; none if there are none."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or DEBIAN_FOLDER)
    return tuple(sorted(folder.glob("*.sh3f"))) if folder.is_dir() else ()


def require_libraries() -> None:
    """Raise `UserError` if no library is installed."""
    if not archives():
        folder = os.environ.get(FOLDER_VARIABLE) or DEBIAN_FOLDER
        raise UserError(
            f"views.furniture is sweethome3d, but {folder} has no .sh3f library. "
            "Install Debian's package sweethome3d-furniture (apt-get install "
            f"sweethome3d-furniture), or set {FOLDER_VARIABLE} to a folder with *.sh3f files, or "
            "set views.furniture: procedural."
        )


def models() -> tuple[Model, ...]:
    """Return all models of the installed libraries."""
    return tuple(model for archive in archives() for model in read_catalogue(archive))


@cache
def read_catalogue(archive: Path) -> tuple[Model, ...]:
    """Read a library's catalogue; entries without a model or a size are left out."""
    try:
        with zipfile.ZipFile(archive) as file:
            text = file.read(CATALOGUE).decode("latin-1")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{archive}: not a Sweet Home 3D furniture library: {error}") from error
    fields: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        match = re.match(r"\s*([\w]+)(?:#(\d+))?\s*=\s*(.*?)\s*$", line)
        if match:
            key, number, value = match.groups()
            fields.setdefault(number or "", {})[key] = _unescape(value)
    licence = fields.get("", {}).get("license", "see the library").split("  ")[0]
    catalogue_models = []
    for number, entry in fields.items():
        try:
            size = tuple(float(entry[side]) / 100 for side in ("width", "depth", "height"))
            path = entry["model"].lstrip("/")
        except (KeyError, ValueError):
            continue
        if min(size) <= 0:
            continue
        rotation = tuple(float(value) for value in entry.get("modelRotation", "").split())
        catalogue_models.append(
            Model(
                library=archive.stem,
                archive=archive,
                model_id=entry.get("id", f"{archive.stem}#{number}"),
                name=entry.get("name", ""),
                path=path,
                size_m=(size[0], size[1], size[2]),
                rotation=rotation if len(rotation) == 9 else (),
                creator=entry.get("creator", "unknown"),
                licence=licence,
            )
        )
    return tuple(catalogue_models)


def _unescape(value: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), value)


def stretch_ratio(model: Model, size_m: tuple[float, float, float]) -> float:
    """Return the largest ratio of two axes' scales when the model fills a box."""
    scales = [
        target_sides / model_sides
        for target_sides, model_sides in zip(size_m, model.size_m, strict=True)
    ]
    return max(scales) / min(scales)


def candidates(category: str, size_m: tuple[float, float, float]) -> list[Model]:
    """Return the models that fit an asset, least stretched first."""
    if category not in PATTERNS:
        return []
    include_pattern, exclude_pattern = PATTERNS[category]
    fitting: list[tuple[float, str, Model]] = []
    for model in models():
        name = model.name.lower()
        if not re.search(include_pattern, name) or (
            exclude_pattern and re.search(exclude_pattern, name)
        ):
            continue
        ratio = stretch_ratio(model, size_m)
        scale = size_m[2] / model.size_m[2]
        if ratio <= MAX_STRETCH and 0.5 <= scale <= 2:
            fitting.append((ratio, model.model_id, model))
    return [model for _, _, model in sorted(fitting, key=lambda item: item[:2])]


def choose_model(category: str, size_m: tuple[float, float, float], asset_id: str) -> Model | None:
    """Choose the model for an asset at random among those that fit nearly as well as the best."""
    fitting = candidates(category, size_m)
    if not fitting:
        return None
    limit = stretch_ratio(fitting[0], size_m) * 1.1
    near = [model for model in fitting if stretch_ratio(model, size_m) <= limit]
    order = seeds.rng(0, "sweethome", asset_id).permutation(len(near))
    for index in order[:4]:
        model = near[int(index)]
        mesh = load_model(model.archive, model.path, model.rotation)
        if mesh is None or len(mesh.faces) > MAX_FACES:
            continue
        asset = Asset(asset_id, category, *size_m, None, (), False)
        if supports_its_surfaces(mesh, asset):
            return model
    return None


def mesh_for(category: str, size_m: tuple[float, float, float], asset_id: str) -> Mesh | None:
    """Return the mesh chosen for an asset, in the size of its library; None if none fits."""
    model = choose_model(category, size_m, asset_id)
    return load_model(model.archive, model.path, model.rotation) if model else None


def supports_its_surfaces(mesh: Mesh, asset: Asset) -> bool:
    """Return whether the mesh, fitted to the asset's box, is level on its support surfaces."""
    from embreex import rtcore_scene
    from embreex.mesh_construction import TriangleMesh

    low, high = mesh.bounds_m
    span = np.maximum(high - low, 1e-9)
    points = ((mesh.vertices_m - low) / span - 0.5) * np.array(asset.size_m)
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, points[mesh.faces].astype(np.float32))
    for surface in support_surfaces(asset):
        fraction = np.linspace(0.12, 0.88, 6)
        x = (surface.x0 + fraction * (surface.x1 - surface.x0)) * asset.width_m
        y = (surface.y0 + fraction * (surface.y1 - surface.y0)) * asset.depth_m
        grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
        level = (surface.height - 0.5) * asset.height_m
        origins = np.column_stack([grid, np.full(len(grid), level + 0.06)]).astype(np.float32)
        down = np.repeat([[0, 0, -1]], len(grid), axis=0).astype(np.float32)
        hit = scene.run(origins, down, query="INTERSECT", output=True)
        heights = np.where(hit["primID"] >= 0, level + 0.06 - hit["tfar"], -1e3)
        if np.mean(np.abs(heights - level) <= MAX_SURFACE_ERROR_M) < 0.75:
            return False
        if surface.clearance is not None and not _is_open(scene, asset, level):
            return False
    return True


def _is_open(scene: Any, asset: Asset, level: float) -> bool:
    """Return whether a shelf is open at the front, without a door or pane."""
    height = level + 0.1 * min(asset.height_m, 1)
    x = np.linspace(-0.3, 0.3, 5) * asset.width_m
    origins = np.column_stack([x, np.full(5, asset.depth_m), np.full(5, height)])
    back = np.repeat([[0, -1, 0]], 5, axis=0).astype(np.float32)
    hit = scene.run(origins.astype(np.float32), back, query="INTERSECT", output=True)
    free = np.where(hit["primID"] >= 0, hit["tfar"], np.inf) - asset.depth_m / 2
    return bool(np.mean(free > 0.3 * asset.depth_m) >= 0.6)


def credits(asset_ids: Iterable[str]) -> tuple[Credit, ...]:
    """Return the attributions of the models chosen for these assets, one row per asset."""
    rows = []
    for asset_id in sorted(set(asset_ids)):
        asset = assets().get(asset_id)
        model = choose_model(asset.category, asset.size_m, asset_id) if asset else None
        if model:
            rows.append(Credit(asset_id, model.library, model.name, model.creator, model.licence))
    return tuple(rows)
