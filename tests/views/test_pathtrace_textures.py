"""Textures by material name, and their look-up."""

import numpy as np
import pytest

from workflow_scripts.common.srgb import linear_from_srgb
from workflow_scripts.views.meshes import Material
from workflow_scripts.views.pathtrace.texture_atlas import LINEAR_OF_SRGB, TextureAtlas
from workflow_scripts.views.pathtrace.textures import SIZE_PX, ceiling_material, surface_material

NAMES = [
    "WoodFloorsCrossRED",
    "DarkWoodPlanks",
    "KitchenTiles4",
    "SubwayTiles2",
    "HexTiles",
    "KitchenTilesCheckerboard",
    "RedBricks 1",
    "WhiteMarble2",
    "GREYGRANITE",
    "ConcreteBoards1",
    "Carpet4",
    "PureWhite",
    "Beams",
    "Wicker",
    "no such material",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_texture_is_seamless_small_and_the_same_every_time(name):
    material, repeat_m = surface_material(name)
    assert material.texture.shape == (SIZE_PX, SIZE_PX, 3)
    assert material.texture.dtype == np.uint8
    assert 0.3 < repeat_m < 4
    surface_material.cache_clear()
    assert surface_material(name)[0].texture.tobytes() == material.texture.tobytes()
    # Across the seam rows and columns differ no more than somewhere inside.
    texture = material.texture.astype(int)
    for axis in (0, 1):
        steps = np.abs(np.diff(texture, axis=axis)).mean(axis=(1 - axis, 2))
        seam = np.abs(texture.take(0, axis) - texture.take(-1, axis)).mean()
        assert seam <= steps.max() + 1


def mean(name: str, **options) -> np.ndarray:
    return surface_material(name, **options)[0].texture.mean(axis=(0, 1))


def test_words_of_the_name_give_the_colour():
    red, blue, green = mean("RedWall"), mean("bathroomTilesBlue"), mean("DrywallGreen")
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 40
    assert green[1] > max(green[0], green[2]) + 10
    assert mean("DarkWoodFloors").sum() < mean("LightWoodCounters").sum() - 150
    assert mean("PureBlack_Wood").mean() < 60
    assert mean("PureWhite").mean() > 220


def test_an_explicit_colour_takes_precedence_over_the_name():
    painted = mean("PureWhite", colour=(0.2, 0.4, 0.8))
    assert painted == pytest.approx(np.array([0.2, 0.4, 0.8]) * 255, abs=4)


def test_a_ceiling_keeps_less_than_half_of_a_dark_colour():
    colour = (0.1, 0.1, 0.3)
    lifted = ceiling_material("PureWhite", colour)[0].texture.mean(axis=(0, 1))
    assert (lifted > 145).all()
    assert lifted[2] > lifted[0]


def test_linear_light_of_srgb():
    assert linear_from_srgb([0.0, 0.5, 1.0]) == pytest.approx([0.0, 0.21404, 1.0], abs=1e-4)


def test_texels_read_rows_from_the_top_and_repeat():
    texture = np.zeros((2, 2, 3), dtype=np.uint8)
    texture[0, 0], texture[0, 1], texture[1, 0], texture[1, 1] = 50, 100, 150, 200
    texels = TextureAtlas([Material(colour=(0.3, 0.2, 0.1)), Material(texture=texture)])
    number = np.ones(5, dtype=np.int64)
    # v runs upwards: (0.1, 0.9) is the top left texel; 1.1 repeats 0.1.
    u = np.array([0.1, 0.6, 0.1, 0.6, 1.1], dtype=np.float32)
    v = np.array([0.9, 0.9, 0.1, 0.1, -0.1], dtype=np.float32)
    albedo = texels.albedo(number, u, v, np.zeros(5, dtype=np.float32))
    levels = [50, 100, 150, 200, 50]
    assert albedo[0] == pytest.approx(np.maximum(LINEAR_OF_SRGB[levels], 0.015))
    # From far away there is one colour, the mean.
    far = texels.albedo(number, u, v, np.full(5, 9, dtype=np.float32))
    assert np.ptp(far) == 0
    assert far[0, 0] == pytest.approx(LINEAR_OF_SRGB[125], abs=0.01)
    plain = texels.albedo(number * 0, u, v, np.zeros(5, dtype=np.float32))
    assert plain[:, 0] == pytest.approx([0.3, 0.2, 0.1])


def test_density_counts_texels_per_metre():
    texels = TextureAtlas([Material(texture=np.zeros((64, 64, 3), dtype=np.uint8))])
    triangle = np.array([[[0, 0, 0], [2, 0, 0], [0, 2, 0]]], dtype=np.float32)
    uv = np.array([[[0, 0], [1, 0], [0, 1]]], dtype=np.float32)
    # 64 texels over 2 m are 32 a metre, 2 to the fifth.
    assert texels.density(triangle, uv, np.zeros(1, dtype=np.int64)) == pytest.approx([5.0])
