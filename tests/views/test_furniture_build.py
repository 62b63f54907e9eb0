"""Every asset of every type has a mesh that fills its box and holds what stands on it."""

import numpy as np
import pytest
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.procthor_assets import (
    SUPPORT_SURFACES,
    assets,
    assets_in_category,
    read_database,
    support_surfaces,
)
from workflow_scripts.views.furniture import build
from workflow_scripts.views.furniture.build import procedural
from workflow_scripts.views.furniture.catalogue import BUILDERS
from workflow_scripts.views.meshes import Mesh

CATEGORIES = sorted(read_database("asset-database"))


def sample(category: str, count: int = 4):
    entries = assets_in_category(category)
    return [entries[i] for i in sorted({int(p) for p in np.linspace(0, len(entries) - 1, count)})]


def assert_sound(mesh: Mesh, size_m):
    low, high = mesh.bounds_m
    np.testing.assert_allclose(high - low, size_m, atol=1e-3)
    np.testing.assert_allclose((high + low) / 2, 0, atol=1e-3)
    assert np.isfinite(mesh.vertices_m).all()
    assert np.isfinite(mesh.uv).all()
    assert np.abs(mesh.uv).max() < 1e3
    assert mesh.uv.shape == (len(mesh.vertices_m), 2)
    assert mesh.faces.min() >= 0
    assert mesh.faces.max() < len(mesh.vertices_m)
    assert mesh.face_material.shape == (len(mesh.faces),)
    assert mesh.face_material.max() < len(mesh.materials)


def test_all_109_types_have_a_builder():
    assert len(CATEGORIES) == 109
    assert [category for category in CATEGORIES if category not in BUILDERS] == []


@pytest.mark.parametrize("category", CATEGORIES)
def test_meshes_fill_their_boxes(category):
    for asset in sample(category):
        mesh = build(category, asset.size_m, asset.asset_id)
        assert_sound(mesh, asset.size_m)
        assert len(mesh.faces) < 8000


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_type_is_a_bare_box(category):
    asset = sample(category)[0]
    mesh = build(category, asset.size_m, asset.asset_id)
    assert len(mesh.faces) > 12
    assert len(mesh.materials) > 1 or len(mesh.faces) > 100


@pytest.mark.parametrize("category", sorted(SUPPORT_SURFACES))
def test_objects_can_stand_on_the_support_surfaces_of_the_table(category):
    for asset in sample(category, 6):
        for surface in support_surfaces(asset):
            heights = heights_below(build(category, asset.size_m, asset.asset_id), asset, surface)
            expected = (surface.height - 0.5) * asset.height_m
            # Round tops leave the corners of their rectangle free, chairs' backs lean over it.
            assert np.mean(np.abs(heights - expected) < 0.005) >= 0.6, (asset.asset_id, surface)
            assert abs(np.median(heights) - expected) < 0.005, (asset.asset_id, surface)


def heights_below(mesh: Mesh, asset, surface) -> np.ndarray:
    """Cast rays down onto a grid of the surface from just above it."""
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, mesh.vertices_m[mesh.faces].astype(np.float32))
    share = np.linspace(0.1, 0.9, 7)
    x = (surface.x0 + share * (surface.x1 - surface.x0)) * asset.width_m
    y = (surface.y0 + share * (surface.y1 - surface.y0)) * asset.depth_m
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    start = (surface.height - 0.5) * asset.height_m + 0.03
    origins = np.column_stack([grid, np.full(len(grid), start)]).astype(np.float32)
    down = np.repeat([[0, 0, -1]], len(grid), axis=0).astype(np.float32)
    hit = scene.run(origins, down, query="INTERSECT", output=True)
    return np.where(hit["primID"] >= 0, start - hit["tfar"], -1e3)


def test_equal_ids_give_equal_meshes_and_others_differ():
    size = (0.5, 0.55, 0.9)
    first, again = (procedural("Chair", size, "Chair_002_1") for _ in range(2))
    np.testing.assert_array_equal(first.vertices_m, again.vertices_m)
    np.testing.assert_array_equal(first.faces, again.faces)
    kinds = {len(procedural("Chair", size, f"Chair_{n}").faces) for n in range(12)}
    assert len(kinds) >= 3


def test_an_open_door_leaves_its_frame():
    size = (1.0, 0.12, 2.1)
    closed = build("Doorway", size, "Doorway_1")
    opened = build("Doorway", size, "Doorway_1", openness=1)
    assert_sound(closed, size)
    assert opened.bounds_m[1][1] > 0.7


def test_closed_parts_face_outward():
    for asset_id in ("Dresser_205_1", "Countertop_I_4x2", "Shelving_Unit_219_1"):
        asset = assets()[asset_id]
        corners = build(asset.category, asset.size_m, asset_id).vertices_m[
            build(asset.category, asset.size_m, asset_id).faces
        ]
        volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
        assert volume > 0


def test_invalid_arguments_are_refused_by_name():
    with pytest.raises(UserError, match="procedural"):
        build("Chair", (1, 1, 1), "x", library="procedurall")
    with pytest.raises(UserError, match="above 0"):
        build("Chair", (1, float("nan"), 1), "x")
