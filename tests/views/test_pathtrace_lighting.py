"""Light of the path tracer against numbers worked out by hand."""

import numpy as np
import pytest

from tests.views.houses import living_room
from tests.views.pathtrace_scenes import camera, load
from workflow_scripts.views.meshes import Material, Mesh
from workflow_scripts.views.pathtrace.light_ray_kernels import drawn_light
from workflow_scripts.views.pathtrace.lights import AMBIENT, Lights, Sky
from workflow_scripts.views.pathtrace.scene import build_scene
from workflow_scripts.views.pathtrace.shell import Lamp
from workflow_scripts.views.pathtrace.tracer import Tracer


def empty_room() -> dict:
    """Return a room of 5 x 4 x 2.6 m with matt white surfaces and nothing in it."""
    house = living_room()
    house["objects"], house["doors"] = [], []
    for room in house["rooms"]:
        room["floorMaterial"] = {"name": "PureWhite"}
    return house


def test_the_floor_under_the_lamps_gets_the_light_of_their_area():
    traced = load(empty_room())
    lamps = traced._scene.shell.lamps
    assert len(lamps) == 2
    point = np.array([lamps[0].centre_m[0], lamps[0].centre_m[1], 0.0])
    expected = 0.0
    for lamp in lamps:
        # Radiance over pi, times the integral of cos cos' / d^2 over the panel (in 10 cm squares).
        steps = (np.arange(6) + 0.5) / 6 * lamp.side_m - lamp.side_m / 2
        x, y = np.meshgrid(lamp.centre_m[0] + steps, lamp.centre_m[1] + steps)
        z = lamp.centre_m[2]
        square = (x - point[0]) ** 2 + (y - point[1]) ** 2 + z**2
        expected += lamp.radiance[1] / np.pi * (z**2 / square**2).sum() * (lamp.side_m / 6) ** 2
    view = camera((point[0], point[1], 1.0), pitch_deg=-90, size_px=24, fov_deg=6.0)
    light = traced._tracer.radiance(view, samples=64, bounces=0, random=np.random.default_rng(0))
    measured = (light.colour[..., 1] / light.albedo[..., 1]).mean() - AMBIENT
    assert measured == pytest.approx(expected, rel=0.02)


def test_bounces_add_light_and_the_constant_stands_for_more_of_them():
    traced = load(empty_room())
    view = camera((1.0, 1.0, 1.4), yaw_deg=-30, size_px=24)

    def brightness(bounces: int) -> float:
        random = np.random.default_rng(0)
        return float(
            traced._tracer.radiance(view, samples=32, bounces=bounces, random=random).colour.mean()
        )

    two, six = brightness(2), brightness(6)
    assert brightness(0) < two < six
    # Two bounces and the constant come close to six in the whitest of rooms.
    assert two > 0.6 * six


def test_a_drawn_light_weighs_as_much_as_it_is_rare():
    lamps = [
        Lamp(np.array([x, 1.0, 2.5]), 0.6, np.array([power, power, power]))
        for x, power in ((1.0, 10.0), (4.0, 10.0), (1.0, 2.0))
    ]
    lights = Lights(lamps, np.empty((0, 3, 3)), Sky.of({}))
    lights.build_light_grid(np.zeros(2), np.array([5.0, 2.0]), 2.6)
    random = np.random.default_rng(0)
    place = np.array([1.2, 1.0], dtype=np.float32)
    shares = random.random(20000, dtype=np.float32)
    drawn = np.array([drawn_light(*place, share, lights.arrays) for share in shares])
    light, weight, rest = drawn[:, 0].astype(int), drawn[:, 1], drawn[:, 2]
    for number in range(3):
        # Summing each light over its chance gives each once.
        assert (weight * (light == number)).mean() == pytest.approx(1.0, abs=0.1)
    share = np.bincount(light, minlength=3) / 20000
    assert share[0] > share[1]
    assert share[0] > 4 * share[2] * 0.9
    # What is left of the draw says as evenly where on the light.
    for number in range(3):
        counts, _ = np.histogram(rest[light == number], bins=4, range=(0, 1))
        assert counts.sum() == (light == number).sum()
        assert counts.min() > 0.7 * counts.max()


def test_sun_and_sky_follow_the_house():
    house = living_room()
    parameters = house["proceduralParameters"]
    parameters["lights"].append(
        {"id": "sun", "type": "directional", "rotation": {"x": 30, "y": 90, "z": 0}}
    )
    sky = Sky.of(house)
    # It shines along Unity's +x and down by 30 degrees: it stands at world -x.
    assert sky.to_sun == pytest.approx([-np.cos(np.pi / 6), 0, 0.5])
    up, level, down = (
        sky.radiance(np.array([[0.0], [1.0], [z]]))[:, 0] for z in (10.0, 0.05, -1.0)
    )
    assert up[2] > up[0]
    assert level.mean() > up.mean() > down.mean()
    parameters["skyboxId"] = "SkySunset"
    dusk = Sky.of(house).radiance(np.array([[0.0], [1.0], [0.05]]))[:, 0]
    assert dusk[0] / dusk[2] > level[0] / level[2]


def scene_with(material: Material) -> tuple[Tracer, dict]:
    """Return a tracer of a room whose only object is an upright panel at y = 2 facing -y."""
    corners = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], dtype=np.float32)

    def furniture(category, size_m, asset_id):
        return Mesh(
            corners,
            np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
            np.zeros((4, 2), dtype=np.float32),
            np.zeros(2, dtype=np.int32),
            (material,),
        )

    house = living_room()
    house["doors"], house["objects"] = [], house["objects"][:1]
    panel = house["objects"][0]
    panel["position"], panel["rotation"]["y"] = {"x": 2.5, "y": 1.3, "z": 2.0}, 0
    for wall in house["walls"]:
        if wall["id"].endswith("0.00|0.00|5.00|0.00"):
            wall["material"] = {"name": "PureWhite", "color": {"r": 0.8, "g": 0.1, "b": 0.1}}
    scene = build_scene(house, "test", furniture)
    return Tracer(scene, Sky.of(house)), house


def panel_colour(material: Material) -> np.ndarray:
    tracer, _ = scene_with(material)
    view = camera((2.5, 0.5, 1.2), size_px=16, fov_deg=30)
    random = np.random.default_rng(0)
    return tracer.radiance(view, samples=16, bounces=2, random=random).colour.mean(axis=(0, 1))


def test_a_metal_mirror_shows_the_red_wall_behind_the_camera():
    mirror = panel_colour(Material(colour=(0.8, 0.8, 0.8), roughness=0.02, specular=0.9))
    matt = panel_colour(Material(colour=(0.8, 0.8, 0.8), roughness=1.0))
    # The matt panel only catches a red tinge of it.
    assert mirror[0] / mirror[1] > 1.5 * matt[0] / matt[1]


def test_glass_shows_what_is_behind_it_a_little_darker():
    glass = panel_colour(Material(colour=(0.9, 0.9, 0.9), roughness=0.05, transmission=0.9))
    nothing = Material(colour=(0.9, 0.9, 0.9), cutout=np.zeros((1, 1), dtype=np.uint8))
    free = panel_colour(nothing)
    # The far wall alone, times what glass passes.
    assert glass == pytest.approx(free * 0.94 * 0.88, rel=0.08)


def test_what_shines_is_as_bright_as_its_material_says():
    shining = panel_colour(Material(emission=(3.0, 2.0, 1.0)))
    assert shining == pytest.approx([3.0, 2.0, 1.0], rel=1e-5)
