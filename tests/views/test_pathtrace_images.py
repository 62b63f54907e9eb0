"""Images of the path tracer: repeatable, bright, without noise."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.views.houses import house_of, living_room, room_entry, wall_entries
from tests.views.pathtrace_scenes import camera, load
from workflow_scripts.common.errors import UserError
from workflow_scripts.views.backends.pathtrace import PRESETS, PathtraceRenderer
from workflow_scripts.views.pathtrace.tone_mapping import atrous_filter, denoise, exposure, srgb
from workflow_scripts.views.pathtrace.tracer import Radiance

VIEW = camera((1.6, 0.4, 1.5), yaw_deg=-15, pitch_deg=-8, size_px=96)


def luminance(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(np.float64) @ [0.2126, 0.7152, 0.0722]


@pytest.fixture(scope="module")
def traced():
    return load(living_room(), preset="default")


def test_a_frame_has_the_types_and_shapes_of_the_protocol(traced):
    frame = traced.render(VIEW, seed=1)
    assert (frame.rgb.dtype, frame.rgb.shape) == (np.uint8, (96, 96, 3))
    assert (frame.depth_m.dtype, frame.depth_m.shape) == (np.float32, (96, 96))
    assert (frame.instance.dtype, frame.instance.shape) == (np.uint16, (96, 96))


def test_equal_seeds_give_equal_bytes_whatever_was_rendered_before(traced):
    first = traced.render(VIEW, seed=1).rgb
    traced.render(camera((2.0, 2.0, 1.5), size_px=32), seed=1)
    assert traced.render(VIEW, seed=1).rgb.tobytes() == first.tobytes()
    again = load(copy.deepcopy(living_room()), preset="default").render(VIEW, seed=1).rgb
    assert again.tobytes() == first.tobytes()


def test_another_seed_gives_other_noise_and_the_same_depth(traced):
    first, second = (traced.render(VIEW, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.depth_m, second.depth_m, equal_nan=True)
    gap = np.abs(first.rgb.astype(int) - second.rgb.astype(int))
    assert np.mean(gap) < 6


def test_a_room_is_bright_with_light_walls_and_no_black_corner(traced):
    frame = traced.render(VIEW, seed=1)
    light = luminance(frame.rgb)
    assert 90 < np.median(light) < 235
    category = {row.instance: row.category for row in traced.objects}
    named = np.vectorize(lambda number: category.get(number, ""))(frame.instance)
    # White plaster is light everywhere, ceiling and corners too.
    assert np.percentile(light[named == "wall"], 2) > 100
    assert np.median(light[named == "ceiling"]) > 130


def test_a_dark_ceiling_is_not_rendered_black():
    house = living_room()
    dark = {"name": "PureWhite", "color": {"r": 0.05, "g": 0.05, "b": 0.06}}
    house["proceduralParameters"]["ceilingMaterial"] = dark
    traced = load(house, preset="default")
    frame = traced.render(camera((1.6, 0.4, 1.4), yaw_deg=-40, pitch_deg=25, size_px=64), seed=1)
    ceiling = next(row.instance for row in traced.objects if row.category == "ceiling")
    assert np.median(luminance(frame.rgb)[frame.instance == ceiling]) > 70


def test_a_large_room_is_as_bright_as_a_small_one():
    corners = [(0.0, 9.0), (9.0, 9.0), (9.0, 0.0), (0.0, 0.0)]
    house = house_of(
        [room_entry("room|2", corners)], wall_entries("room|2", corners, height=3.4), []
    )
    traced = load(house, preset="default")
    light = luminance(traced.render(camera((0.8, 0.8, 1.5), yaw_deg=-45, size_px=96), seed=1).rgb)
    assert 100 < np.median(light) < 235
    # Its far corner is not dark either.
    assert np.percentile(light, 5) > 60


def test_no_pixel_is_a_firefly(traced):
    rgb = traced.render(VIEW, seed=3).rgb
    light = luminance(rgb)
    around = np.stack(
        [
            np.roll(light, (dy, dx), (0, 1))
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
            if (dy, dx) != (0, 0)
        ]
    )
    alone = light - around.max(axis=0)
    assert (alone[1:-1, 1:-1] > 40).mean() < 1e-3


def test_daylight_through_a_window_lights_the_room_without_washing_it_out():
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
    traced = load(house, preset="default")
    view = camera((2.5, 0.6, 1.5), pitch_deg=-5, size_px=96)
    frame = traced.render(view, seed=1)
    light = luminance(frame.rgb)
    window = next(row.instance for row in traced.objects if row.category == "window")
    assert np.median(light[frame.instance == window]) > 190
    assert 80 < np.median(light[frame.instance != window]) < 235
    # The sky in its upper half keeps its blue.
    rows = np.flatnonzero((frame.instance == window).any(axis=1))
    upper = (frame.instance == window) & (np.arange(96)[:, None] < rows.mean() - 2)
    pane = frame.rgb[upper].astype(int)
    assert np.median(pane[:, 2] - pane[:, 0]) > 3


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_renders(preset):
    frame = load(living_room(), preset=preset).render(
        camera((1.6, 0.4, 1.5), yaw_deg=-40, size_px=24), seed=1
    )
    assert frame.rgb.std() > 5


def test_more_samples_come_closer_to_the_truth():
    house = living_room()
    traced = load(house)
    view = camera((1.6, 0.4, 1.5), yaw_deg=-40, size_px=32)

    def light(samples: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        return traced._tracer.radiance(view, samples=samples, bounces=2, random=random).colour

    truth = light(128, 0)
    few, many = (np.abs(light(samples, 1) - truth).mean() for samples in (2, 16))
    assert many < 0.6 * few


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UserError, match=r"views\.preset.*did you mean 'default'"):
        PathtraceRenderer(preset="defualt", furniture="procedural")


def noisy(random: np.random.Generator) -> tuple[Radiance, np.ndarray]:
    """Return a step edge between two walls under noisy light, and the clean picture."""
    albedo = np.full((48, 48, 3), 0.6, dtype=np.float32)
    albedo[:, 24:] = 0.2
    normal = np.zeros((48, 48, 3), dtype=np.float32)
    normal[:, :24, 0], normal[:, 24:, 1] = 1, 1
    noise = random.normal(1, 0.25, (48, 48, 1)).astype(np.float32)
    return Radiance(albedo * np.maximum(noise, 0), albedo, normal), albedo


@pytest.mark.parametrize("clean", [denoise, atrous_filter])
def test_denoising_removes_noise_and_keeps_the_edge(clean):
    light, truth = noisy(np.random.default_rng(0))
    cleaned = clean(light)
    before = np.abs(light.colour - truth)[4:-4, 4:-4].mean()
    assert np.abs(cleaned - truth)[4:-4, 4:-4].mean() < 0.35 * before
    step = cleaned[4:-4, 22].mean() - cleaned[4:-4, 25].mean()
    assert step == pytest.approx(0.4, abs=0.06)


def test_the_denoiser_does_not_load_torch():
    code = """
import sys
import numpy as np
from workflow_scripts.views.pathtrace.tone_mapping import denoise
from workflow_scripts.views.pathtrace.tracer import Radiance
denoise(Radiance(*np.ones((3, 16, 16, 3), np.float32)))
assert "pyoidn" in sys.modules, "pyoidn is not installed"
assert "torch" not in sys.modules
import torch
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_pyoidn_the_plain_filter_is_used(monkeypatch):
    light, _ = noisy(np.random.default_rng(0))
    monkeypatch.setitem(sys.modules, "pyoidn", None)
    assert np.array_equal(denoise(light), atrous_filter(light))


def test_exposure_meters_falling_light_not_colour():
    def lit(albedo: float, light: float) -> float:
        grey = np.full((8, 8, 3), albedo, dtype=np.float32)
        return exposure(grey * light, grey)

    # Twice the light, half the exposure; a darker room is lifted, but not to grey.
    assert lit(0.4, 2.0) == pytest.approx(lit(0.4, 1.0) / 2)
    assert 1 < lit(0.1, 1.0) / lit(0.4, 1.0) < 2
    assert exposure(np.zeros((2, 2, 3)), np.ones((2, 2, 3))) == 1


def test_tone_is_monotonic_and_meets_black_and_white():
    ramp = np.linspace(0, 6, 400)[None, :, None].repeat(3, axis=2)
    levels = srgb(ramp)[0, :, 0].astype(int)
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0
    # Six times white is white, and still has something left above it.
    assert 250 <= levels[-1] < 255
    # Below the knee it is plain sRGB: 0.2140 linear is 0.5.
    assert srgb(np.full((1, 1, 3), 0.21404))[0, 0, 0] in (127, 128)


def test_another_process_gives_the_same_bytes():
    script = (
        "import hashlib\n"
        "from tests.views.houses import living_room\n"
        "from tests.views.test_pathtrace_images import VIEW\n"
        "from tests.views.pathtrace_scenes import load\n"
        "frame = load(living_room(), preset='draft').render(VIEW, seed=5)\n"
        "parts = (frame.rgb, frame.depth_m, frame.instance)\n"
        "print(hashlib.sha256(b''.join(part.tobytes() for part in parts)).hexdigest())\n"
    )

    def digest(hash_seed: str) -> str:
        # Hash seeds order sets and dictionaries of objects differently.
        result = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.strip()

    assert digest("1") == digest("2") != ""
