"""Depth and ids of the path tracer: exact, deterministic, where the house says they are."""

import copy
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from testing.reference_raycast import reference_first_hits
from tests.views.houses import l_shaped_room, living_room, mirrored
from tests.views.pathtrace_scenes import camera, depth_at, load, seen_at
from workflow_scripts.common.errors import UserError
from workflow_scripts.views.meshes import Material, Mesh
from workflow_scripts.views.pathtrace import ray_casting
from workflow_scripts.views.pathtrace.ray_casting import EmbreeRayCaster, Open3dRayCaster
from workflow_scripts.views.pathtrace.scene import build_scene
from workflow_scripts.views.pathtrace.surfaces import Surfaces
from workflow_scripts.views.pathtrace.walls import FACE_INSET_M

REAL_HOUSES = Path(__file__).parents[3] / "shared/data/procthor_houses.jsonl.gz"
VIEWS = [
    camera((0.5, 0.5, 1.5), yaw_deg=-40, pitch_deg=-15),
    camera((4.5, 0.6, 1.2), yaw_deg=50, pitch_deg=-5, fov_deg=70),
    camera((2.5, 2.0, 5.5), pitch_deg=-90, fov_deg=60),
]


def assert_exact(house, view) -> None:
    """Ids are those of a float64 computation, depth within 0.1 mm (in truth within 0.01)."""
    triangle_mesh = house.triangle_mesh
    expected, label, lead = reference_first_hits(
        triangle_mesh.triangles, triangle_mesh.instance, view
    )
    depth, instance = house.geometry(view)
    untied = ~(lead < 1e-5)
    assert np.array_equal(instance[untied], label[untied])
    hit = instance > 0
    assert np.abs(depth[hit] - expected[hit]).max() < 1e-4
    assert np.isnan(depth[~hit]).all()


@pytest.mark.parametrize("view", VIEWS[:2], ids=["corner", "side"])
def test_depth_and_ids_equal_a_float64_computation(view):
    assert_exact(load(living_room()), view)


@pytest.mark.shared_data
@pytest.mark.skipif(not REAL_HOUSES.exists(), reason="real houses are not in ../shared/data")
def test_depth_and_ids_of_a_real_house_equal_a_float64_computation():
    with gzip.open(REAL_HOUSES, "rt") as lines:
        house = load(json.loads(next(lines)))
    x, y, _ = house.reachable_m()[100]
    assert_exact(house, camera((x, y, 1.5), yaw_deg=30, pitch_deg=-10))


def test_an_empty_room_has_the_depths_of_its_walls():
    house = living_room()
    house["objects"] = []
    traced = load(house)
    # The room is 5 x 4 m; faces stand 1 mm inside it.
    assert depth_at(traced, (2.0, 1.5, 1.3), 0.0) == pytest.approx(2.5 - FACE_INSET_M, abs=1e-5)
    assert depth_at(traced, (2.0, 1.5, 1.3), 90.0) == pytest.approx(2.0 - FACE_INSET_M, abs=1e-5)
    assert depth_at(traced, (2.0, 1.5, 1.3), 180.0) == pytest.approx(1.5 - FACE_INSET_M, abs=1e-5)
    depth, instance = traced.geometry(camera((2.0, 1.5, 1.3), pitch_deg=90, size_px=1, fov_deg=1))
    assert depth[0, 0] == pytest.approx(1.3, abs=1e-5)
    assert traced.objects[instance[0, 0] - 1].category == "ceiling"


def test_planar_depth_of_a_wall_is_the_same_in_every_pixel():
    house = living_room()
    house["objects"], house["doors"] = [], []
    # Straight at the wall y = 4 from 1 m: rays through the border are 1.4 m long, depth is not.
    depth, instance = load(house).geometry(camera((2.5, 3.0, 1.4), size_px=32))
    wall = instance == instance[16, 16]
    assert wall.mean() > 0.5
    assert depth[wall] == pytest.approx(1.0 - FACE_INSET_M, abs=1e-5)


def test_no_ray_leaves_a_closed_room():
    for house in (living_room(), l_shaped_room()):
        traced = load(house)
        for yaw in (0, 90, 180, 270):
            for pitch in (-35, 35):
                view = camera((1.0, 1.0, 1.3), yaw_deg=yaw + 10, pitch_deg=pitch, size_px=64)
                depth, instance = traced.geometry(view)
                assert (instance > 0).all()
                assert np.isfinite(depth).all()


def test_an_l_shaped_room_has_floor_in_both_arms_and_walls_at_its_inner_corner():
    traced = load(l_shaped_room())
    down = {"pitch_deg": -90, "size_px": 1, "fov_deg": 1.0}
    for place in ((1.5, 5.5, 1.0), (5.5, 1.5, 1.0), (2.9, 2.9, 1.0)):
        _, instance = traced.geometry(camera(place, **down))
        assert traced.objects[instance[0, 0] - 1].category == "floor"
    # From the arm at the top towards +x: the inner wall x = 3 is 1.5 m away, not 4.5.
    assert depth_at(traced, (1.5, 4.5, 2.0), -90.0) == pytest.approx(1.5 - FACE_INSET_M, abs=1e-5)
    # The inner corner is closed: walls there are mitred outwards.
    depth, instance = traced.geometry(
        camera((1.0, 1.0, 1.3), yaw_deg=-45, size_px=201, fov_deg=2.0)
    )
    assert (instance > 0).all()
    assert depth.min() == pytest.approx(2 * 2**0.5, abs=0.05)


def test_a_closed_door_fills_its_hole_and_an_open_passage_has_no_wall():
    house = living_room()
    house["objects"] = []
    traced = load(house)
    assert seen_at(traced, (2.5, 3.0, 1.0), -90.0) == "door|1|2"
    assert seen_at(traced, (2.5, 1.0, 1.0), -90.0) == "wall|2|5.00|0.00|5.00|4.00"
    house["doors"] = []
    for wall in house["walls"]:
        if wall["id"].endswith("5.00|0.00|5.00|4.00"):
            wall["empty"] = True
    assert seen_at(load(house), (2.5, 1.0, 1.0), -90.0) == ""


def test_a_window_is_glass_and_opaque_to_ids():
    house = living_room()
    house["objects"] = []
    house["windows"] = [
        {
            "id": "window|2|0",
            "room0": "room|2",
            "room1": "room|2",
            "wall0": "wall|2|0.00|4.00|5.00|4.00",
            "wall1": "wall|exterior|2|0.00|4.00|5.00|4.00",
            "assetId": "Window_Fixed_60x48",
            # The wall runs from (0, 4) to (5, 4).
            "assetPosition": {"x": 1.5, "y": 1.5, "z": 0},
            "holePolygon": [{"x": 0.75, "y": 0.9, "z": 0}, {"x": 2.25, "y": 2.1, "z": 0}],
        }
    ]
    traced = load(house)
    assert seen_at(traced, (1.4, 2.0, 1.5), 0.0) == "window|2|0"
    assert seen_at(traced, (3.5, 2.0, 1.5), 0.0) == "wall|2|0.00|4.00|5.00|4.00"
    # The pane lies in the middle of a wall of 10 cm.
    assert depth_at(traced, (1.4, 2.0, 1.5), 0.0) == pytest.approx(2.05, abs=1e-4)


def test_an_open_leaf_leaves_the_doorway_free():
    house = living_room()
    house["objects"] = []
    house["doors"][0] |= {"openness": 1, "openable": True}
    traced = load(house)
    assert seen_at(traced, (2.5, 3.0, 1.0), -90.0) == ""
    # The leaf stands in the room at one end of the hole, along x.
    assert {seen_at(traced, (4.6, 3.0, 1.0), yaw) for yaw in (0.0, 180.0)} >= {"door|1|2"}


def test_children_stand_on_their_parents():
    traced = load(living_room())
    rows = {row.object_id: row for row in traced.objects}
    vase = rows["Vase|surface|2|0"]
    assert vase.parent_id == "DiningTable|2|1"
    assert seen_at(traced, (vase.x_m, vase.y_m - 1.5, vase.z_m), 0.0) == vase.object_id


def test_every_object_is_drawn_inside_its_box():
    traced = load(living_room())
    triangle_mesh = traced.triangle_mesh
    for row in traced.objects:
        if row.kind != "object":
            continue
        corners = triangle_mesh.triangles[triangle_mesh.instance == row.instance].reshape(-1, 3)
        turn = np.deg2rad(-row.yaw_deg)
        local = corners - (row.x_m, row.y_m, row.z_m)
        x = local[:, 0] * np.cos(turn) - local[:, 1] * np.sin(turn)
        y = local[:, 0] * np.sin(turn) + local[:, 1] * np.cos(turn)
        half = np.array([row.width_m, row.depth_m, row.height_m]) / 2
        extent = np.abs(np.stack([x, y, local[:, 2]], axis=1)).max(axis=0)
        assert extent == pytest.approx(half, abs=2e-3), row.object_id


def test_a_tilted_object_is_turned_about_z_then_x_then_y():
    house = living_room()
    lamp = house["objects"][2]
    lamp["rotation"] = {"x": 0, "y": 0, "z": 90}
    size = {row.object_id: row for row in load(living_room()).objects}["lamp_3"]
    traced = load(house)
    triangle_mesh = traced.triangle_mesh
    row = next(row for row in traced.objects if row.object_id == "lamp_3")
    corners = triangle_mesh.triangles[triangle_mesh.instance == row.instance].reshape(-1, 3)
    # Unity turns counter-clockwise about +z seen against it: its up (+y) goes to -x.
    assert np.ptp(corners, axis=0)[0] == pytest.approx(size.height_m, abs=2e-3)
    assert np.ptp(corners, axis=0)[2] == pytest.approx(size.width_m, abs=2e-3)


def test_a_mirrored_house_gives_the_mirrored_picture():
    house = living_room()
    # Furniture is not symmetric, its boxes are: the room alone has to mirror exactly.
    house["objects"], house["doors"] = [], []
    left = load(house).geometry(camera((1.0, 1.0, 1.5), yaw_deg=-30, pitch_deg=-20))
    right = load(mirrored(house, 5.0)).geometry(camera((4.0, 1.0, 1.5), yaw_deg=30, pitch_deg=-20))
    assert np.abs(left[0] - right[0][:, ::-1]).max() < 1e-5


def test_a_camera_above_the_ceiling_sees_into_the_rooms():
    traced = load(living_room())
    depth, instance = traced.geometry(VIEWS[2])
    categories = {traced.objects[number - 1].category for number in np.unique(instance) if number}
    assert "ceiling" not in categories
    assert {"floor", "Sofa", "DiningTable"} <= categories
    floor = next(row for row in traced.objects if row.category == "floor")
    assert depth[instance == floor.instance] == pytest.approx(5.5, abs=1e-4)


def test_a_cut_out_lets_rays_through_its_holes():
    quad = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], dtype=np.float32)
    leaf = np.full((2, 2), 255, dtype=np.uint8)
    leaf[:, 1] = 0

    def furniture(category, size_m, asset_id):
        if category != "Sofa":
            return Mesh(
                quad * 0.01,
                np.array([[0, 1, 2]], dtype=np.int32),
                np.zeros((4, 2), dtype=np.float32),
                np.zeros(1, dtype=np.int32),
                (Material(),),
            )
        uv = (quad[:, [0, 2]] + 1) / 2
        faces = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
        return Mesh(quad * 0.4, faces, uv * 0.999, np.zeros(2, np.int32), (Material(cutout=leaf),))

    house = living_room()
    house["objects"] = house["objects"][:1]
    house["objects"][0]["rotation"]["y"] = 0
    scene = build_scene(house, "test", furniture)
    surfaces = Surfaces(scene.triangle_mesh)
    sofa = scene.objects[0]
    origins = np.array([[sofa.x_m + dx, 0.5, sofa.z_m] for dx in (-0.2, 0.2)], dtype=np.float32)
    directions = np.tile(np.array([0, 1, 0], dtype=np.float32), (2, 1))
    face, distance = surfaces.first_faces(origins, directions)
    instance = surfaces.instances(face)
    assert instance[0] == sofa.instance
    assert distance[0] == pytest.approx(sofa.y_m - 0.5, abs=1e-5)
    assert instance[1] != sofa.instance
    assert distance[1] == pytest.approx(3.5 - FACE_INSET_M, abs=1e-4)


@pytest.mark.parametrize("kind", [EmbreeRayCaster, Open3dRayCaster])
def test_ray_libraries_agree_on_one_triangle(kind):
    if kind is Open3dRayCaster:
        pytest.importorskip("open3d")
    ray_caster = kind(np.array([[[0, 0, 2], [1, 0, 2], [0, 1, 2]]], dtype=np.float32))
    origins = np.array([[0.25, 0.5, 0], [0.9, 0.9, 0]], dtype=np.float32)
    directions = np.array([[0, 0, 0.5], [0, 0, 1]], dtype=np.float32)
    hits = ray_caster.cast(origins, directions)
    assert hits.face.tolist() == [0, -1]
    assert hits.distance[0] == pytest.approx(4.0)
    assert (hits.u[0], hits.v[0]) == pytest.approx((0.25, 0.5))
    # A shadow ray ends where its direction ends: 0.5 m is short of the triangle, 5 m is not.
    assert not ray_caster.occluded(origins, directions).any()
    assert ray_caster.occluded(origins, directions * 10).tolist() == [True, False]


def test_without_embreex_the_same_frame_comes_from_open3d(monkeypatch):
    pytest.importorskip("open3d")
    view = VIEWS[0]
    depth, instance = load(living_room()).geometry(view)

    def missing(triangles):
        raise ImportError("embreex")

    monkeypatch.setattr(ray_casting, "EmbreeRayCaster", missing)
    other_depth, other_instance = load(living_room()).geometry(view)
    assert np.array_equal(instance, other_instance)
    assert np.abs(depth - other_depth).max() < 1e-5


def test_a_surface_without_numbers_is_refused():
    with pytest.raises(UserError, match="not a number"):
        ray_casting.build_ray_caster(np.full((1, 3, 3), np.nan, dtype=np.float32))


def bad_openness(house):
    house["doors"][0]["openness"] = "wide"


def bad_hole(house):
    for corner in house["doors"][0]["holePolygon"]:
        corner["x"] += 50


def bad_colour(house):
    house["walls"][0]["material"] = {"name": "PureWhite", "color": {"r": 1, "g": float("nan")}}


def bad_lamp(house):
    house["proceduralParameters"]["lights"][0]["rgb"] = {"r": "red", "g": 1, "b": 1}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (bad_openness, "openness is 'wide'; it must be a number from 0 to 1"),
        (bad_hole, "door 'door|1|2': its holePolygon lies outside its wall"),
        (bad_colour, "colour of material 'PureWhite'.g is nan"),
        (bad_lamp, "light 'light_2' rgb.r is 'red'"),
    ],
)
def test_a_bad_house_is_refused_by_name(spoil, words):
    house = living_room()
    spoil(house)
    with pytest.raises(UserError) as error:
        load(house)
    assert words in str(error.value)


def test_instances_and_objects_are_the_same_whatever_was_loaded_before():
    first = load(living_room())
    load(l_shaped_room())
    again = load(copy.deepcopy(living_room()))
    assert first.objects == again.objects
    for left, right in zip(first.geometry(VIEWS[0]), again.geometry(VIEWS[0]), strict=True):
        assert left.tobytes() == right.tobytes()
