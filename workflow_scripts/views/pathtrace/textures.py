"""Make textures for ProcTHOR's named wall, floor and ceiling materials from their names.

The asset tables hold nothing but the names. Their words say what a surface is made of
("bathroomTilesTan", "DarkWoodPlanks", "RedBricks 1") and often its colour; everything else is
drawn from a generator seeded by the name, so a name looks the same in every house.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from workflow_scripts.common.seeds import rng
from workflow_scripts.common.srgb import linear_rgb
from workflow_scripts.views.meshes import Material
from workflow_scripts.views.pathtrace import patterns

SIZE_PX = 512

# sRGB, in the order in which a name is searched for the words.
COLOURS: dict[str, tuple[float, float, float]] = {
    "eggshell": (0.92, 0.89, 0.82),
    "robinegg": (0.62, 0.80, 0.80),
    "offwhite": (0.90, 0.88, 0.83),
    "off_white": (0.90, 0.88, 0.83),
    "turquoise": (0.35, 0.66, 0.66),
    "yellow": (0.90, 0.80, 0.52),
    "orange": (0.84, 0.60, 0.38),
    "cream": (0.91, 0.86, 0.74),
    "beige": (0.85, 0.78, 0.66),
    "brown": (0.56, 0.42, 0.31),
    "green": (0.58, 0.70, 0.55),
    "white": (0.92, 0.91, 0.89),
    "while": (0.90, 0.89, 0.87),
    "black": (0.16, 0.15, 0.15),
    "grey": (0.64, 0.64, 0.63),
    "gray": (0.64, 0.64, 0.63),
    "pink": (0.88, 0.72, 0.70),
    "rose": (0.80, 0.62, 0.60),
    "blue": (0.50, 0.62, 0.76),
    "sand": (0.83, 0.75, 0.61),
    "tan": (0.78, 0.68, 0.54),
    "red": (0.66, 0.30, 0.26),
}
WOODS = {
    "default": (0.66, 0.46, 0.29),
    "red": (0.56, 0.30, 0.19),
    "orange": (0.72, 0.45, 0.22),
    "brown": (0.50, 0.34, 0.22),
    "white": (0.84, 0.80, 0.74),
    "cream": (0.82, 0.73, 0.58),
    "grey": (0.58, 0.55, 0.51),
    "black": (0.20, 0.17, 0.15),
    "tan": (0.74, 0.59, 0.42),
}
_NEUTRAL = ((0.90, 0.88, 0.84), (0.86, 0.83, 0.77), (0.80, 0.79, 0.76), (0.78, 0.74, 0.68))


@dataclass(frozen=True)
class _TextureSpec:
    image: np.ndarray
    repeat_m: float
    roughness: float
    specular: float = 0.04


@cache
def surface_material(
    name: str, colour: tuple[float, float, float] | None = None
) -> tuple[Material, float]:
    """Return the material of a ProcTHOR material name and the metres one repeat of it spans.

    `colour` (sRGB) is the paint of a plain wall; patterns are tinted by it.
    """
    texture_spec = _texture_spec(name, colour)
    texture = (np.clip(texture_spec.image, 0, 1) * 255 + 0.5).astype(np.uint8)
    return (
        Material(
            colour=linear_rgb(texture_spec.image.mean(axis=(0, 1))),
            texture=texture,
            roughness=texture_spec.roughness,
            specular=texture_spec.specular,
        ),
        texture_spec.repeat_m,
    )


@cache
def ceiling_material(
    name: str, colour: tuple[float, float, float] | None = None
) -> tuple[Material, float]:
    """Return the material of a ceiling: as `surface_material`, but at least light grey.

    ProcTHOR draws ceiling colours like wall colours. A dark ceiling absorbs much of the lamps'
    light and the room gets too dark, so less than half of the colour is kept.
    """
    wall_material, repeat_m = surface_material(name, colour)
    assert wall_material.texture is not None
    lightened = 255 - (255 - wall_material.texture.astype(np.float64)) * 0.42
    texture = (lightened + 0.5).astype(np.uint8)
    mean = linear_rgb(texture.mean(axis=(0, 1)) / 255)
    return Material(colour=mean, texture=texture, roughness=0.95), repeat_m


def _contains_any(text: str, *words: str) -> bool:
    return any(word in text for word in words)


def _base_colour(text: str, random: np.random.Generator, default: tuple[float, ...]) -> np.ndarray:
    base_colour = next((rgb for word, rgb in COLOURS.items() if word in text), default)
    base = np.array(base_colour) * (1 + random.normal(0, 0.02)) + random.normal(0, 0.008, 3)
    if "dark" in text:
        base = base * 0.5
    if _contains_any(text, "pale", "light"):
        base = base + (1 - base) * 0.25
    return np.clip(base, 0.06, 0.95)


def _wood_colour(text: str, random: np.random.Generator) -> np.ndarray:
    base_colour = next((WOODS[word] for word in WOODS if word in text), WOODS["default"])
    base = np.array(base_colour) * (1 + random.normal(0, 0.05)) + random.normal(0, 0.01, 3)
    if "dark" in text:
        base = base * 0.62
    elif _contains_any(text, "light", "pale", "clean"):
        base = base + (np.array([0.90, 0.80, 0.64]) - base) * 0.55
    elif "rich" in text:
        base = base * 0.85
    return np.clip(base, 0.05, 0.93)


def _texture_spec(name: str, colour: tuple[float, float, float] | None) -> _TextureSpec:
    random = rng(0, "surface", name)
    # These parts of names such as "TexturesCom_WoodFine0031_1_seamless_S" say nothing of the look.
    text = re.sub(r"texturescom|seamless|robothor|diffuse|_mat\b|nrm", "", name.lower())
    paint = None if colour is None else np.clip(np.array(colour), 0.04, 0.97)

    if _contains_any(text, "wood", "plank", "cabinet", "wicker", "bedroomfloor", "beams") or (
        "counters" in text
    ):
        return _wood(text, random, paint)
    if "brick" in text:
        base = paint if paint is not None else _base_colour(text, random, (0.62, 0.34, 0.26))
        grout = np.array([0.72, 0.69, 0.65]) if base.mean() < 0.75 else base * 0.82
        image = patterns.tiles(
            random, SIZE_PX, base, grout, across=4, up=12, bond=True, variation=0.09, joint_px=5
        )
        return _TextureSpec(add_roughness(random, image), 0.92, 0.9)
    if _contains_any(text, "tile", "subway", "checker", "kitchenfloor", "kitchenwalls"):
        return _tiles(text, random, paint)
    neutral = _NEUTRAL[int(random.integers(len(_NEUTRAL)))]
    base = paint if paint is not None else _base_colour(text, random, neutral)
    if _contains_any(text, "marble"):
        return _TextureSpec(patterns.marble(random, SIZE_PX, base), 1.6, 0.4)
    if _contains_any(text, "granite", "counter"):
        return _TextureSpec(patterns.granite(random, SIZE_PX, base), 0.7, 0.4)
    if "concrete" in text:
        boards = 4 if "board" in text else 0
        return _TextureSpec(patterns.concrete(random, SIZE_PX, base, boards=boards), 2.4, 0.85)
    if _contains_any(text, "carpet", "cloth", "fabric", "rug"):
        stripes = 12 if _contains_any(text, "pattern", "panel") else 0
        return _TextureSpec(patterns.cloth(random, SIZE_PX, base, stripes=stripes), 0.8, 1.0)
    if _contains_any(text, "greyfloor", "robinegg"):
        return _TextureSpec(patterns.concrete(random, SIZE_PX, base), 2.4, 0.45)
    if _contains_any(text, "porcelain", "pvc", "ceramic"):
        return _TextureSpec(patterns.plaster(random, SIZE_PX, base, grain=0.005), 2.0, 0.5)
    return _TextureSpec(patterns.plaster(random, SIZE_PX, base), 1.5, 0.95)


def _wood(text: str, random: np.random.Generator, paint: np.ndarray | None) -> _TextureSpec:
    base = paint if paint is not None else _wood_colour(text, random)
    glossy = 0.25 if "gloss" in text else 0.4
    if "beams" in text:
        image = patterns.wood(random, SIZE_PX, base, rows=8, planks_a_row=1)
        return _TextureSpec(image.transpose(1, 0, 2), 1.2, 0.7)
    if "wicker" in text:
        image = patterns.tiles(random, SIZE_PX, base, base * 0.55, across=16, up=32, bond=True)
        return _TextureSpec(image, 0.6, 0.8)
    if _contains_any(text, "cross", "slash"):
        block = patterns.wood(random, SIZE_PX // 2, base, rows=5, planks_a_row=1)
        rotated = patterns.wood(random, SIZE_PX // 2, base, rows=5, planks_a_row=1).transpose(
            1, 0, 2
        )
        image = np.block([[[block], [rotated]], [[rotated], [block]]])
        return _TextureSpec(image, 1.0, glossy)
    rows = int(random.choice([10, 12, 14, 16]))
    contrast = 0.6 if _contains_any(text, "smooth", "clean", "painted") else 1.0
    image = patterns.wood(random, SIZE_PX, base, rows=rows, contrast=contrast)
    return _TextureSpec(image, 2.0, glossy)


def _tiles(text: str, random: np.random.Generator, paint: np.ndarray | None) -> _TextureSpec:
    base = paint if paint is not None else _base_colour(text, random, (0.80, 0.78, 0.73))
    light = base.mean() > 0.45
    grout = base * 0.74 if light else base + (1 - base) * 0.3
    if "drywall" in text:
        return _TextureSpec(patterns.plaster(random, SIZE_PX, base), 1.5, 0.95)
    if "subway" in text:
        image = patterns.tiles(random, SIZE_PX, base, grout, across=4, up=8, bond=True)
        return _TextureSpec(image, 0.8, 0.2)
    if "hex" in text:
        return _TextureSpec(patterns.hexagons(random, SIZE_PX, base, grout), 0.9, 0.3)
    if "checker" in text:
        second = base * 0.25 if light else np.array([0.88, 0.87, 0.84])
        image = patterns.tiles(random, SIZE_PX, base, grout, across=4, up=4, second=second)
        return _TextureSpec(image, 1.2, 0.25)
    if _contains_any(text, "small", "glass", "irregular"):
        image = patterns.tiles(random, SIZE_PX, base, grout, across=16, up=16, variation=0.08)
        return _TextureSpec(image, 0.8, 0.4)
    across = 3 if _contains_any(text, "marble", "granite") else int(random.choice([3, 4, 6]))
    image = patterns.tiles(
        random,
        SIZE_PX,
        base,
        grout,
        across=across,
        up=across,
        variation=0.025,
        veins=_contains_any(text, "marble", "granite"),
    )
    return _TextureSpec(image, 1.2, 0.22)


def add_roughness(random: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Return the image with the uneven brightness of rough stone."""
    return patterns.shade(image, 0.05 * patterns.noise(random, SIZE_PX, (1.5, 1.5)))
