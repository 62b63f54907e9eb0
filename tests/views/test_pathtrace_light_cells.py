"""Light that the views of a house share: it depends on the house alone, and looks as traced."""

import copy
import dataclasses

import numpy as np
import pytest

from tests.views.houses import house_of, living_room, room_entry, wall_entries
from tests.views.pathtrace_scenes import camera, load
from workflow_scripts.views.backends.pathtrace import TracedHouse
from workflow_scripts.views.pathtrace import gloss_kernels
from workflow_scripts.views.pathtrace.camera_rays import jittered_directions
from workflow_scripts.views.pathtrace.cell_tracer import CellTracer
from workflow_scripts.views.pathtrace.lights import AMBIENT, Sky
from workflow_scripts.views.pathtrace.mirror_images import mirror_directions
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


def test_rays_through_even_pixels_hit_what_casting_them_hits(shared):
    surfaces, tracer = shared._tracer.surfaces, shared._tracer
    for view in VIEWS:
        centre = tracer.centre_hits(view)
        known = tracer.even_faces(view, centre)
        assert 0.2 < (known >= 0).mean() < 0.95
        pixels = np.arange(view.width_px * view.height_px)
        directions = jittered_directions(view, pixels, 9, np.random.default_rng(5))
        origins, _ = tracer.ray_origins(view, directions)
        cast, _ = surfaces.camera_rays(origins, directions)
        taken, _ = surfaces.camera_rays(origins, directions, np.repeat(known, 9))
        is_known = np.repeat(known >= 0, 9)
        assert np.array_equal(cast.face[~is_known], taken.face[~is_known])
        # Others are the shared edges of triangles, and things that no centre of a pixel hits.
        assert (cast.face == taken.face).mean() > 0.999
        same = (cast.face >= 0) & (cast.face == taken.face)
        assert np.abs(cast.distance - taken.distance)[same].max() < 1e-4
        assert (np.abs(cast.distance - taken.distance) > 1e-3)[cast.face >= 0].mean() < 0.001
        assert np.abs(cast.u - taken.u)[same].max() < 1e-3


def test_mirrored_directions_leave_the_surface_at_the_angle_of_the_ray():
    random = np.random.default_rng(0)
    normals = random.normal(size=(500, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    rays = random.normal(size=(500, 3)).astype(np.float32)
    rays *= -np.sign((rays * normals).sum(axis=1, keepdims=True))
    unit = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    sharp = mirror_directions(rays, normals, np.zeros(500, np.float32), random)
    upward = -(unit * normals).sum(axis=1)
    steep = upward > 0.02
    expected = unit + 2 * upward[:, None] * normals
    assert sharp[steep] == pytest.approx(expected[steep], abs=1e-5)
    blurred = mirror_directions(rays, normals, np.full(500, 0.5, np.float32), random)
    assert np.linalg.norm(blurred, axis=1) == pytest.approx(np.ones(500), abs=1e-5)
    assert ((blurred * normals).sum(axis=1) > 0).all()
    assert 0.05 < np.abs(blurred - sharp).mean() < 0.3


def test_the_highlights_of_a_light_do_not_depend_on_other_lights(shared):
    tracer, cells = shared._tracer, shared._cell_tracer
    centre = tracer.centre_hits(VIEWS[1])
    rays, _ = tracer.surfaces.camera_rays(centre.origins, centre.directions)
    hits = tracer.surfaces.surface_hits(rays, 0.01)
    hits = hits.select(np.flatnonzero(hits.sides >= 0))
    directions = (hits.points - VIEWS[1].position_m).astype(np.float32)
    lights = tracer.lights.arrays
    num_lights = len(lights.corner)

    def num_rays(weight: np.ndarray, *, with_highlights: bool = True) -> int:
        rays = (
            np.empty(4 * len(directions) * num_lights, dtype=np.int32),
            *(np.empty((4 * len(directions) * num_lights, 3), np.float32) for _ in "ab"),
        )
        return gloss_kernels.gloss(
            hits.face,
            hits.points,
            hits.normals,
            directions,
            cells._arrays,
            lights._replace(weight=weight),
            np.uint64(1),
            with_highlights,
            np.empty(len(directions), dtype=np.float32),
            rays,
        )

    alone = [
        num_rays(np.where(np.arange(num_lights) == light, lights.weight, np.float32(0)))
        for light in range(num_lights)
    ]
    assert sum(num > 0 for num in alone) > 1
    assert num_rays(lights.weight) == sum(alone)
    assert num_rays(lights.weight, with_highlights=False) == 0
