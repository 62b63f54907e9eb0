"""What is drawn of objects: outlines, volumes and gaps, against brute force over the triangles."""

from itertools import combinations

import numpy as np
import pytest

from testing.vqa.drawn_meshes import drawn_meshes
from tests.geometry.test_surface_distance import BOX_FACES, box_triangles
from tests.views import houses
from tests.views.shards import render, scene
from workflow_scripts.common.drawn_shapes import DrawnShapes
from workflow_scripts.common.records import SurfaceGapRow
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import table_path
from workflow_scripts.geometry.outline import outline_area_m2, parse_outline
from workflow_scripts.geometry.upright_boxes import box_corners
from workflow_scripts.sources.readers.procthor_assets import assets_in_category
from workflow_scripts.views.drawn_surfaces import DrawnSurfaces, asset_shape
from workflow_scripts.views.furniture import build
from workflow_scripts.views.meshes import Material, Mesh, merge_meshes


def box_mesh(centre_m, size_m) -> Mesh:
    corners = box_corners(centre_m, size_m, 0.0)
    return Mesh(
        corners.astype(np.float32),
        BOX_FACES.astype(np.int32),
        np.zeros((8, 2), np.float32),
        np.zeros(12, np.int32),
        (Material(),),
    )


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    scenes = [scene("a", houses.living_room()), scene("b", houses.l_shaped_room())]
    settings = {"backend": "pathtrace", "preset": "draft", "furniture": "procedural"}
    return render(tmp_path_factory.mktemp("drawn"), scenes, corner=1, random=1, **settings)


@pytest.fixture(scope="module")
def meshes(shard):
    return drawn_meshes(shard.path.with_name("scenes.jsonl"))


def test_a_box_is_its_outline_and_its_volume():
    shape = asset_shape(box_mesh((0, 0, 0), (2.0, 1.0, 0.5)))
    assert shape.hull_volume_m3 == pytest.approx(1.0, rel=1e-5)
    assert shape.solid_volume_m3 == pytest.approx(1.0, rel=1e-5)
    assert shape.outline_fill == pytest.approx(1.0, abs=0.01)


def test_a_corner_sofa_does_not_fill_its_outline():
    corner = merge_meshes(
        [box_mesh((0, 0, 0), (3.0, 1.0, 0.5)), box_mesh((-1.0, -1.5, 0), (1.0, 2.0, 0.5))]
    )
    shape = asset_shape(corner)
    assert shape.outline_fill == pytest.approx(5.0 / 7.0, abs=0.02)
    assert shape.hull_volume_m3 == pytest.approx(3.5, rel=1e-4)
    assert shape.solid_volume_m3 == pytest.approx(2.5, rel=1e-4)


def test_an_open_surface_has_no_volume_inside():
    box = box_mesh((0, 0, 0), (1.0, 1.0, 1.0))
    lidless = Mesh(box.vertices_m, box.faces[:-1], box.uv, box.face_material[:-1], box.materials)
    assert asset_shape(lidless).solid_volume_m3 == 0.0
    assert asset_shape(lidless).hull_volume_m3 == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize(
    "category", ["DiningTable", "Television", "HousePlant", "Bowl", "Painting"]
)
def test_the_shape_of_furniture_lies_within_its_box(category):
    asset = assets_in_category(category)[0]
    shape = asset_shape(build(category, asset.size_m, asset.asset_id))
    volume = float(np.prod(asset.size_m))
    assert 0 < shape.hull_volume_m3 <= volume * 1.001
    assert 0 < shape.outline_fill <= 1.03


def test_shares_inside_are_those_of_corners_in_the_hull():
    triangles = np.concatenate(
        [
            box_triangles((0, 0, 0), (2, 2, 2)),
            box_triangles((0.5, 0, 0), (0.5, 0.5, 0.5)),
            box_triangles((1.0, 0, 0), (0.5, 0.5, 0.5)),
        ]
    )
    surfaces = DrawnSurfaces(triangles, np.repeat([1, 2, 3], 12))
    assert surfaces.share_inside(2, 1) == 1.0
    assert surfaces.share_inside(3, 1) == 0.5
    assert surfaces.share_inside(1, 2) == 0.0


def test_every_object_has_the_outline_and_nearest_point_that_is_drawn(shard, meshes):
    objects = shard.objects[shard.objects["kind"] == "object"]
    assert len(objects) >= 5
    for row in objects.itertuples():
        mesh = meshes[row.scene_id, row.instance]
        outline = parse_outline(row.outline)
        assert outline_area_m2(outline) == pytest.approx(mesh.footprint_m2, rel=1e-4)
        assert outline_area_m2(outline) <= row.width_m * row.depth_m * 1.001
        assert row.hull_volume_m3 == pytest.approx(mesh.volume_m3, rel=1e-3)
    near = 0
    for row in shard.visibility.itertuples():
        if (row.scene_id, row.instance) not in meshes:
            assert np.isnan(row.nearest_m)
            continue
        point = shard.camera(row.view).position_m
        true_m = meshes[row.scene_id, row.instance].nearest_m(point)
        assert row.nearest_m == pytest.approx(true_m, rel=0.005, abs=0.006)
        near += 1
    assert near > 10


def test_gaps_are_those_of_the_drawn_triangles(shard, meshes):
    rows = read_table(table_path(shard.path, "surface_gaps"))
    assert list(rows.columns) == list(SurfaceGapRow.model_fields)
    assert len(rows) > 5
    boxes_off = 0
    for row in rows.itertuples():
        one, other = (meshes[row.scene_id, number] for number in (row.instance_a, row.instance_b))
        assert row.gap_m == pytest.approx(one.gap_m(other), rel=0.005, abs=0.009)
        assert abs(row.share_a_in_b - one.share_inside(other)) < 0.35
        boxes_off += row.gap_m > 0.02
    assert boxes_off


def test_every_pair_that_a_view_shows_has_a_gap(shard):
    shapes = DrawnShapes.of_shard(shard)
    assert shapes is not None
    rows = read_table(table_path(shard.path, "surface_gaps"))
    known = set(zip(rows["scene_id"], rows["instance_a"], rows["instance_b"], strict=True))
    kinds = shard.objects.set_index(["scene_id", "instance"])["kind"]
    for (_, scene_id), seen in shard.visibility.groupby(["view", "scene_id"]):
        numbers = [one for one in seen["instance"] if kinds[scene_id, one] == "object"]
        assert {(scene_id, *pair) for pair in combinations(sorted(numbers), 2)} <= known


def test_a_backend_that_knows_only_boxes_says_nothing_of_shapes(tmp_path, monkeypatch):
    from workflow_scripts.views.renderer import BACKENDS

    monkeypatch.setitem(BACKENDS, "boxes", "tests.views.box_renderer:BoxRenderer")
    found = render(tmp_path, [scene("a", houses.living_room())], corner=1, random=0)
    assert (found.objects["outline"] == "").all()
    assert read_table(table_path(found.path, "surface_gaps")).empty
    assert DrawnShapes.of_shard(found) is None


def test_shapes_do_not_depend_on_the_scenes_before(shard, tmp_path):
    settings = {"backend": "pathtrace", "preset": "draft", "furniture": "procedural"}
    alone = render(
        tmp_path, [scene("b", houses.l_shaped_room())], corner=1, random=0, top_down=0, **settings
    )
    columns = ["outline", "outline_fill", "hull_volume_m3", "solid_volume_m3"]
    before = shard.objects[shard.objects["scene_id"] == "b"]
    assert alone.objects[columns].to_numpy().tolist() == before[columns].to_numpy().tolist()


def test_a_house_without_objects_has_no_surfaces():
    surfaces = DrawnSurfaces(np.zeros((0, 3, 3)), np.zeros(0, dtype=int))
    assert 1 not in surfaces


def test_a_flat_object_has_an_outline_without_area():
    flat = np.array([[[0, 0, 0], [1, 0, 0], [1, 0, 1]], [[0, 0, 0], [1, 0, 1], [0, 0, 1]]])
    surfaces = DrawnSurfaces(flat.astype(np.float32), np.array([4, 4]))
    assert outline_area_m2(surfaces.outline_m(4)) == 0.0
    assert np.ptp(surfaces.outline_m(4)[:, 0]) == pytest.approx(1.0)
    assert surfaces.share_inside(4, 4) == 0.0
