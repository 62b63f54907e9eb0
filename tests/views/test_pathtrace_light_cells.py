"""Light that the views of a house share: it depends on the house alone, and looks as traced."""

import copy
import dataclasses

import numpy as np
import pytest

from tests.views.houses import house_of, living_room, room_entry, wall_entries
from tests.views.pathtrace_scenes import camera, load
from workflow_scripts.views.backends.pathtrace import TracedHouse
from workflow_scripts.views.pathtrace.cell_tracer import CellTracer
from workflow_scripts.views.pathtrace.lights import AMBIENT, Sky
from workflow_scripts.views.pathtrace.surface_cells import SurfaceCells
from workflow_scripts.views.pathtrace.surfaces import Surfaces
from workflow_scripts.views.pathtrace.tone_mapping import exposure, srgb, tone_map
from workflow_scripts.views.pathtrace.tracer import Tracer

VIEWS = (
    camera((1.6, 0.4, 1.5), yaw_deg=-15, pitch_deg=-8, size_px=64),
    camera((4.2, 3.4, 1.5), yaw_deg=130, pitch_deg=-25, size_px=48),
    camera((2.5, 2.0, 1.2), yaw_deg=60, pitch_deg=-5, size_px=56),
)


def sunny_room() -> dict:
    """Return the living room with a window that the sun shines through."""
    house = living_room()
    house["windows"] = [
        {
            "id": "window|2|0",
            "room0": "room|2",
            "room1": "room|2",
            "wall0": "wall|2|0.00|4.00|5.00|4.00",
            "wall1": "wall|exterior|2|0.00|4.00|5.00|4.00",
            "assetId": "Window_Fixed_60x48",
            "assetPosition": {"x": 3.0, "y": 1.5, "z": 0},
            "holePolygon": [{"x": 2.25, "y": 0.9, "z": 0}, {"x": 3.75, "y": 2.1, "z": 0}],
        }
    ]
    # From the window's side, 35 degrees high.
    house["proceduralParameters"]["lights"].append(
        {"id": "sun", "type": "directional", "rotation": {"x": 35, "y": 190, "z": 0}}
    )
    return house


@pytest.fixture(scope="module")
def shared() -> TracedHouse:
    return load(sunny_room(), preset="shared")


def test_a_frame_has_the_same_bytes_whichever_views_are_rendered_with_it(shared):
    frames = [shared.render(view, seed=3) for view in VIEWS]
    other_order = load(copy.deepcopy(sunny_room()), preset="shared")
    for number in (2, 0, 1):
        again = other_order.render(VIEWS[number], seed=3)
        assert again.rgb.tobytes() == frames[number].rgb.tobytes()
    alone = load(sunny_room(), preset="shared").render(VIEWS[1], seed=3)
    assert alone.rgb.tobytes() == frames[1].rgb.tobytes()


def test_depth_and_ids_do_not_depend_on_where_light_comes_from(shared):
    traced = load(sunny_room(), preset="draft")
    for view in VIEWS:
        frame, other = shared.render(view, seed=3), traced.render(view, seed=3)
        assert frame.depth_m.tobytes() == other.depth_m.tobytes()
        assert frame.instance.tobytes() == other.instance.tobytes()


def test_a_picture_is_as_near_to_the_truth_as_one_of_four_paths(shared):
    for view in VIEWS[:2]:
        truth = shared._tracer.radiance(
            view, samples=256, bounces=2, random=np.random.default_rng(0)
        )
        truth_rgb = srgb(truth.colour * exposure(truth.colour, truth.albedo)).astype(float)
        paths = shared._tracer.radiance(view, samples=4, bounces=2, random=np.random.default_rng(1))
        before = np.abs(tone_map(paths) - truth_rgb).mean()
        after = np.abs(shared.render(view, seed=1).rgb - truth_rgb).mean()
        assert after < 1.05 * before
        assert after < 6


def test_neighbouring_cameras_show_a_wall_in_the_same_light(shared):
    def wall(seed: int) -> np.ndarray:
        return shared.render(VIEWS[0], seed=seed).rgb.astype(float)

    traced = load(sunny_room(), preset="draft")
    noise = np.abs(wall(1) - wall(2)).mean()
    paths = np.abs(
        traced.render(VIEWS[0], seed=1).rgb.astype(float) - traced.render(VIEWS[0], seed=2).rgb
    ).mean()
    assert noise < 0.6 * paths


def test_the_patch_of_sun_on_the_floor_has_the_outline_of_the_window(shared):
    view = camera((3.0, 2.2, 2.3), pitch_deg=-89, size_px=64)
    dark = load(living_room(), preset="draft")._tracer
    few = shared._cell_tracer.radiance(
        view, samples=4, edge_samples=8, random=np.random.default_rng(0)
    )
    truth = shared._tracer.radiance(view, samples=64, bounces=0, random=np.random.default_rng(0))
    lamps = dark.radiance(view, samples=64, bounces=0, random=np.random.default_rng(0))
    sun = 0.5 * (shared._sky.sun * shared._sky.to_sun[2])[1] / np.pi
    irradiance = [light.colour[..., 1] / light.albedo[..., 1] for light in (few, truth, lamps)]
    patch = irradiance[1] - irradiance[2] > sun
    assert 0.02 < patch.mean() < 0.9
    shows = irradiance[0] - irradiance[2] > sun
    assert (patch != shows).mean() < 0.03


def test_light_does_not_pass_through_a_wall():
    left = [(0.0, 4.0), (4.0, 4.0), (4.0, 0.0), (0.0, 0.0)]
    right = [(4.0, 4.0), (8.0, 4.0), (8.0, 0.0), (4.0, 0.0)]
    rooms = [room_entry("room|2", left), room_entry("room|3", right)]
    house = house_of(rooms, wall_entries("room|2", left) + wall_entries("room|3", right), [])
    lit = load(house, preset="shared")
    lamps = [lamp for lamp in lit._scene.shell.lamps if 0 < lamp.centre_m[0] < 4]
    assert 0 < len(lamps) < len(lit._scene.shell.lamps)
    shell = dataclasses.replace(lit._scene.shell, lamps=lamps)
    scene, sky = dataclasses.replace(lit._scene, shell=shell), Sky.of(house)
    tracer = CellTracer(scene, sky, Tracer(scene, sky))
    view = camera((7.0, 1.0, 1.5), yaw_deg=60, pitch_deg=-10, size_px=48)
    light = tracer.radiance(view, samples=4, edge_samples=8, random=np.random.default_rng(0))
    is_surface = light.albedo.max(axis=2) < 0.95
    irradiance = (light.colour / light.albedo)[is_surface]
    # All that is left is the constant that stands for bounces that are not traced; some pixels
    # show the rim of a panel that shines.
    assert np.percentile(irradiance, 98) < 1.5 * AMBIENT
    bright = camera((1.0, 1.0, 1.5), yaw_deg=-60, pitch_deg=-10, size_px=48)
    light = tracer.radiance(bright, samples=4, edge_samples=8, random=np.random.default_rng(0))
    assert np.median(light.colour / light.albedo) > 2 * np.median(irradiance)


def test_cells_lie_on_the_surfaces_that_they_stand_for(shared):
    mesh = shared.triangle_mesh
    cells = SurfaceCells.of(mesh, Surfaces(mesh).face_normals)
    random = np.random.default_rng(0)
    faces = random.integers(len(mesh.triangles), size=2000)
    weights = random.dirichlet([1, 1, 1], size=2000).astype(np.float32)
    points = np.einsum("nk,nka->na", weights, mesh.triangles[faces])
    rows = np.empty((2000, 4), dtype=np.int32)
    shares = np.empty((2000, 4), dtype=np.float32)
    cells.stencils(points, faces.astype(np.int32), rows, shares)
    assert (rows[:, 0] >= 0).mean() > 0.999
    used = rows[:, 0] >= 0
    assert shares[used].sum(axis=1) == pytest.approx(1, abs=1e-5)
    distance = np.linalg.norm(cells.position_m[rows[used, 0]] - points[used], axis=1)
    assert distance.max() < 0.1
    # Cells are those of the point's own object.
    groups = cells.cell_group[rows[used, 0]] // 27
    own = cells.face_group[faces[used]] // 27
    assert (groups == own).all()
