"""One suite for every view backend: same rows, exact depth and masks, repeatable images."""

import numpy as np
import pytest
import shapely

from tests.views import houses
from workflow_scripts.common import backend_registry
from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import Camera, back_project, project
from workflow_scripts.sources.readers.procthor_house import rooms
from workflow_scripts.views.objects import object_rows
from workflow_scripts.views.renderer import BACKENDS
from workflow_scripts.views.visibility import visibility_rows

SETTINGS = {"preset": "draft", "furniture": "procedural", "width_px": 96, "height_px": 72}
WIDTH_M = 5.0


def open_backend(name: str):
    """Open a backend; Unity is played by the stand-in behind the real client."""
    if name == "ai2thor":
        pytest.importorskip("ai2thor")
        from tests.views.unity_standin import StandInController

        make = backend_registry.load_backend(name, BACKENDS, kind="views")
        return make(**SETTINGS, controller_class=StandInController)
    return backend_registry.load_backend(name, BACKENDS, kind="views")(**SETTINGS)


@pytest.fixture(scope="module", params=sorted(BACKENDS))
def renderer(request):
    with open_backend(request.param) as opened:
        yield opened


def furnished() -> dict:
    """Return the living room with a solid piece of furniture added."""
    house = houses.living_room()
    house["objects"].append(houses.object_entry("Fridge|2|3", "Fridge", (4.4, 0.9, 0.6), yaw=-90.0))
    return house


@pytest.fixture
def loaded(renderer):
    return renderer.load(furnished(), scene_id="scene")


def look(x: float, y: float, z: float, *, yaw_deg: float, pitch_deg: float = 0.0) -> Camera:
    return Camera.look(
        (x, y, z),
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        width_px=SETTINGS["width_px"],
        height_px=SETTINGS["height_px"],
        vertical_fov_deg=70.0,
    )


VIEWS = (
    look(2.5, 1.0, 1.576, yaw_deg=20, pitch_deg=-25),
    look(4.6, 3.6, 1.576, yaw_deg=140, pitch_deg=-30),
    look(0.6, 2.0, 1.2, yaw_deg=-100, pitch_deg=5),
)


def number_of(loaded, object_id: str) -> int:
    return next(row.instance for row in loaded.objects if row.object_id == object_id)


def test_objects_are_those_of_the_house(loaded):
    """All but where they stand and what is drawn: a renderer may set things down, and says so."""
    of_house = object_rows(furnished(), "scene")
    shape = {"outline", "outline_fill", "hull_volume_m3", "solid_volume_m3"}
    placed = {"z_m", "moved_z_m", "support_z_m", "contact", *shape}
    assert [row.model_dump(exclude=placed) for row in loaded.objects] == [
        row.model_dump(exclude=placed) for row in of_house
    ]
    for row, original in zip(loaded.objects, of_house, strict=True):
        assert row.z_m - row.moved_z_m == pytest.approx(original.z_m, abs=1e-9)
        assert row.contact or not row.moved_z_m
        is_drawn = row.kind == "object" and hasattr(loaded, "surfaces")
        assert bool(row.outline) == bool(row.hull_volume_m3) == is_drawn


def test_arrays_have_the_promised_types(loaded):
    frame = loaded.render(VIEWS[0], seed=1)
    assert (frame.rgb.shape, frame.rgb.dtype) == ((72, 96, 3), np.uint8)
    assert (frame.depth_m.shape, frame.depth_m.dtype) == ((72, 96), np.float32)
    assert (frame.instance.shape, frame.instance.dtype) == ((72, 96), np.uint16)
    assert frame.rgb.std() > 5


def test_a_wall_is_where_it_is_and_depth_is_planar(loaded):
    # High above the furniture, two metres before the far wall at y = 4.
    frame = loaded.render(look(2.5, 2.0, 2.2, yaw_deg=0), seed=1)
    wall = frame.instance == number_of(loaded, "wall|2|0.00|4.00|5.00|4.00")
    assert wall[32, 20:76].all()
    assert frame.depth_m[wall] == pytest.approx(2.0, abs=0.01)


def test_floor_and_ceiling_back_project_to_their_heights(loaded):
    for camera in VIEWS:
        frame = loaded.render(camera, seed=1)
        points = back_project(frame.depth_m, camera.intrinsics, camera.world_from_camera)
        floor = frame.instance == number_of(loaded, "floor|room|2")
        assert floor.any()
        assert points[floor][:, 2] == pytest.approx(0.0, abs=0.01)
        ceiling = frame.instance == number_of(loaded, "ceiling|room|2")
        below_m = 2.6 - points[ceiling][:, 2]
        # A lamp may be fixed to the ceiling and count as part of it.
        assert ((below_m > -0.01) & (below_m < 0.1)).all()
        assert np.count_nonzero(below_m > 0.01) <= 0.1 * below_m.size


def test_everything_seen_lies_in_its_box_and_the_room(loaded):
    rows = {row.instance: row for row in loaded.objects}
    for camera in VIEWS:
        frame = loaded.render(camera, seed=1)
        points = back_project(frame.depth_m, camera.intrinsics, camera.world_from_camera)
        for instance in np.unique(frame.instance):
            if instance == 0 or rows[instance].kind != "object":
                continue
            row = rows[instance]
            reach = 0.5 * np.hypot(row.width_m, row.depth_m) + 0.01
            seen = points[frame.instance == instance]
            assert (np.abs(seen[:, :2] - (row.x_m, row.y_m)) < reach).all()
            assert (np.abs(seen[:, 2] - row.z_m) < row.height_m / 2 + 0.01).all()


def test_a_room_has_no_hole_to_the_outside(loaded):
    for camera in VIEWS:
        frame = loaded.render(camera, seed=1)
        assert np.isfinite(frame.depth_m).all()
        assert (frame.instance > 0).all()


def test_the_centre_of_a_solid_object_is_in_its_mask(loaded):
    hits = 0
    for camera in VIEWS:
        frame = loaded.render(camera, seed=1)
        seen = visibility_rows(0, camera, frame.depth_m, frame.instance, loaded.objects)
        free = {row.instance for row in seen if row.fraction_visible > 0.95 and not row.truncated}
        for row in loaded.objects:
            if row.category not in ("Fridge", "Sofa") or row.instance not in free:
                continue
            (u, v), _ = project(
                (row.x_m, row.y_m, row.z_m), camera.intrinsics, camera.world_from_camera
            )
            assert frame.instance[int(v), int(u)] == row.instance
            hits += 1
    assert hits


def test_ids_mean_the_same_in_every_view(loaded):
    sofa = number_of(loaded, "Sofa|2|0")
    points = []
    for camera in (
        look(1.0, 1.4, 1.576, yaw_deg=0, pitch_deg=-20),
        look(3.0, 1.0, 1.576, yaw_deg=40, pitch_deg=-20),
    ):
        frame = loaded.render(camera, seed=1)
        seen = back_project(frame.depth_m, camera.intrinsics, camera.world_from_camera)
        points.append(seen[frame.instance == sofa])
    first, second = (cloud.mean(axis=0) for cloud in points)
    assert np.linalg.norm(first - second) < 0.4


def test_objects_without_a_bar_in_their_id_are_visible_too(loaded):
    frame = loaded.render(look(2.0, 1.8, 1.2, yaw_deg=130), seed=1)
    assert (frame.instance == number_of(loaded, "lamp_3")).sum() > 20


def test_the_same_seed_gives_the_same_frame_whatever_came_between(renderer):
    first = renderer.load(furnished(), scene_id="scene").render(VIEWS[0], seed=5)
    renderer.load(houses.l_shaped_room(), scene_id="other").render(VIEWS[0], seed=6)
    again = renderer.load(furnished(), scene_id="scene").render(VIEWS[0], seed=5)
    np.testing.assert_array_equal(first.rgb, again.rgb)
    np.testing.assert_array_equal(first.depth_m, again.depth_m)
    np.testing.assert_array_equal(first.instance, again.instance)


def test_depth_and_ids_do_not_depend_on_the_seed(loaded):
    first, second = (loaded.render(VIEWS[1], seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(first.depth_m, second.depth_m)
    np.testing.assert_array_equal(first.instance, second.instance)


def test_geometry_alone_equals_that_of_the_rendered_view(loaded):
    if not hasattr(loaded, "geometry"):
        pytest.skip("this backend has no pass without a picture")
    depth_m, instance = loaded.geometry(VIEWS[0])
    frame = loaded.render(VIEWS[0], seed=1)
    np.testing.assert_array_equal(depth_m, frame.depth_m)
    np.testing.assert_array_equal(instance, frame.instance)


def test_a_mirrored_house_gives_mirrored_depth(renderer):
    house = furnished()
    house["doors"] = []
    camera, yaw_deg = VIEWS[0], 20.0
    straight = renderer.load(house, scene_id="a").render(camera, seed=1)
    x, y, z = camera.position_m
    twin = look(WIDTH_M - x, y, z, yaw_deg=-yaw_deg, pitch_deg=-25)
    turned = renderer.load(houses.mirrored(house, WIDTH_M), scene_id="b").render(twin, seed=1)
    difference = np.abs(straight.depth_m - turned.depth_m[:, ::-1])
    # Furniture need not be its own mirror image; the room is.
    assert (difference < 0.01).mean() > 0.9
    walls = [row.instance for row in object_rows(house, "a") if row.kind == "structure"]
    both = np.isin(straight.instance, walls) & np.isin(turned.instance[:, ::-1], walls)
    assert both.mean() > 0.4
    assert (difference[both] < 0.01).mean() > 0.999


def test_a_camera_above_the_ceiling_sees_the_floor(loaded):
    camera = look(2.5, 2.0, 6.0, yaw_deg=0, pitch_deg=-90)
    frame = loaded.render(camera, seed=1)
    assert not (frame.instance == number_of(loaded, "ceiling|room|2")).any()
    floor = frame.instance == number_of(loaded, "floor|room|2")
    assert floor.mean() > 0.1
    assert frame.depth_m[floor] == pytest.approx(6.0, abs=0.01)
    sofa = next(row for row in loaded.objects if row.category == "Sofa")
    (u, v), _ = project((sofa.x_m, sofa.y_m, sofa.z_m), camera.intrinsics, camera.world_from_camera)
    assert frame.instance[int(v), int(u)] == sofa.instance


def test_an_agent_can_stand_on_every_reachable_point(loaded):
    points = loaded.reachable_m()
    assert points.shape[1:] == (3,)
    assert len(points) > 50
    assert (points[:, 2] == 0).all()
    np.testing.assert_allclose(points[:, :2] / 0.25, np.round(points[:, :2] / 0.25), atol=1e-6)
    (room,) = rooms(furnished())
    inner = room.shape.buffer(-0.15)
    assert shapely.contains_xy(inner, points[:, 0], points[:, 1]).all()
    for row in loaded.objects:
        if row.category in ("Sofa", "Fridge"):
            half = np.array([row.width_m, row.depth_m])
            half = (half if row.category == "Sofa" else half[::-1]) / 2
            inside = (np.abs(points[:, :2] - (row.x_m, row.y_m)) < half).all(axis=1)
            assert not inside.any()


def test_a_house_that_cannot_be_rendered_is_refused_with_a_reason(renderer):
    house = furnished()
    house["objects"][0]["assetId"] = "Sofa_of_nobody"
    with pytest.raises(UserError, match="Sofa_of_nobody"):
        renderer.load(house, scene_id="bad")
    # The next house is none the worse for it.
    assert len(renderer.load(furnished(), scene_id="good").reachable_m()) > 50


def test_the_l_shaped_room_reads_right_in_both_arms(renderer):
    loaded = renderer.load(houses.l_shaped_room(), scene_id="l")
    for camera, distance_m in (
        (look(1.5, 3.5, 1.9, yaw_deg=0), 2.5),
        (look(3.5, 1.5, 1.9, yaw_deg=-90), 2.5),
        (look(5.0, 1.0, 1.9, yaw_deg=0), 2.0),
    ):
        assert loaded.render(camera, seed=1).depth_m[36, 48] == pytest.approx(distance_m, abs=0.01)


def test_provenance_names_versions_and_no_place(renderer):
    text = str(renderer.provenance)
    assert renderer.provenance["renderer"] in ("pathtrace", "ai2thor")
    assert "/" not in text
    assert all(hasattr(credit, "licence") for credit in renderer.credits)
