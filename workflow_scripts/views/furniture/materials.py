"""Finishes of furniture, with small generated textures that all assets share.

Textures are grey or near white and tinted per asset where possible, so that each is in memory
once per house. All are drawn from fixed seeds.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from workflow_scripts.common import seeds
from workflow_scripts.common.srgb import linear_from_srgb
from workflow_scripts.views.furniture.shapes import Finish
from workflow_scripts.views.meshes import Material

Colour = tuple[float, float, float]
SIZE = 256


def linear(colour: str) -> Colour:
    """Turn "#rrggbb" (sRGB) into linear reflectance, kept off pure black and white."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    r, g, b = np.clip(linear_from_srgb(srgb), 0.012, 0.88)
    return (float(r), float(g), float(b))


def noise(key: str, size: int = SIZE, cells: Sequence[int] = (8, 16, 32, 64)) -> np.ndarray:
    """Return tileable smooth noise [size, size] in about -1 to 1, sum of octaves."""
    rng = seeds.rng(0, "texture", key)
    total = np.zeros((size, size))
    for octave, count in enumerate(cells):
        grid = rng.uniform(-1, 1, (count, count))
        total += _upsample(grid, size) / 2**octave
    normalised: np.ndarray = total / np.abs(total).max()
    return normalised


def _upsample(grid: np.ndarray, size: int) -> np.ndarray:
    """Enlarge a tileable grid smoothly to [size, size]."""
    for axis in range(2):
        count = grid.shape[axis]
        position = np.arange(size) * count / size
        low = np.floor(position).astype(int)
        t = position - low
        t = t * t * (3 - 2 * t)
        shape = (-1, 1) if axis == 0 else (1, -1)
        a, b = np.take(grid, low % count, axis), np.take(grid, (low + 1) % count, axis)
        grid = a + (b - a) * t.reshape(shape)
    return grid


def to_u8(values: np.ndarray) -> np.ndarray:
    """Round to u8; a grey image becomes RGB."""
    image = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


@cache
def _grain(kind: str) -> np.ndarray:
    """Draw a near-white wood grain that runs along u."""
    rows = np.arange(SIZE)[:, None] / SIZE
    cols = np.arange(SIZE)[None, :] / SIZE
    wander = noise(f"wood {kind}", cells=(3, 6))[:, :1] * 0 + noise(f"wander {kind}", cells=(4, 8))
    stretched = noise(f"fibre {kind}", cells=(64, 128))
    fibre = np.repeat(stretched[:, ::8], 8, axis=1)[:, :SIZE]
    rings = np.sin(2 * np.pi * (9 * rows + 0.8 * wander + 0.35 * np.sin(2 * np.pi * cols)))
    depth = {"fine": (10, 9), "bold": (24, 14)}[kind]
    return to_u8(226 + depth[0] * rings + depth[1] * fibre)


@cache
def _weave() -> np.ndarray:
    """Draw a near-white woven cloth."""
    rows, cols = np.mgrid[0:SIZE, 0:SIZE]
    thread = np.where(
        (rows // 4 + cols // 4) % 2 == 0, np.abs(rows % 4 - 1.5), np.abs(cols % 4 - 1.5)
    )
    return to_u8(232 - 16 * thread + 10 * noise("weave", cells=(16, 64, 128)))


@cache
def _leather_grain() -> np.ndarray:
    """Draw near-white leather: fine creases."""
    creases = np.abs(noise("hide", cells=(24, 48, 96)))
    return to_u8(200 + 45 * np.clip(creases * 3, 0, 1))


@cache
def _speckle(key: str, contrast: float) -> np.ndarray:
    """Draw near-white stone, paper or clay with soft flecks."""
    return to_u8(228 + contrast * noise(key, cells=(8, 32, 64, 128)))


@cache
def _pattern(kind: str) -> np.ndarray:
    """Draw a two-tone near-white print for cloth: stripes, checks, dots or chevrons."""
    rows, cols = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    if kind == "stripes":
        dark = (cols * 6) % 1 < 0.4
    elif kind == "checks":
        dark = ((cols * 4) % 1 < 0.5) ^ ((rows * 4) % 1 < 0.5)
    elif kind == "dots":
        dark = ((cols * 5) % 1 - 0.5) ** 2 + ((rows * 5) % 1 - 0.5) ** 2 < 0.07
    else:
        dark = ((rows * 5) + np.abs((cols * 3) % 1 - 0.5) * 2) % 1 < 0.45
    return to_u8(np.where(dark, 150, 236) - 8 * (_weave()[..., 0] < 220))


WOODS = {
    "oak": "#b98a56",
    "pine": "#d9b27a",
    "walnut": "#6b4630",
    "cherry": "#8a4a2b",
    "birch": "#dcc49c",
    "wenge": "#3b2a22",
    "ash": "#c8ab85",
    "teak": "#96633a",
}
FABRICS = {
    "sand": "#b9a98f",
    "grey": "#8b8d90",
    "charcoal": "#45474b",
    "navy": "#2f405f",
    "teal": "#3f7278",
    "olive": "#73744b",
    "rust": "#a4552f",
    "wine": "#7c2c37",
    "mustard": "#c29a3e",
    "cream": "#ddd3c0",
    "blue": "#4d7aa6",
    "sage": "#93a58a",
    "rose": "#c08a8a",
}
PAINTS = {
    "white": "#ece9e3",
    "cream": "#e3d8c0",
    "black": "#26262a",
    "grey": "#8e9194",
    "blue": "#5d7f9f",
    "green": "#72896c",
    "red": "#a53a32",
}


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Choose one name."""
    return options[int(rng.integers(len(options)))]


def wood(kind: str, *, grain: str = "bold") -> Finish:
    """Return wood by name (`WOODS`) or colour "#rrggbb"; grain runs along a part's length."""
    tint = _compensated_tint(linear(WOODS.get(kind, kind)))
    return Finish(Material(texture=_grain(grain), tint=tint, roughness=0.45), repeat_m=0.6)


def _compensated_tint(colour: Colour, mean: float = 0.76) -> Colour:
    """Compensate a tint for its texture's mean linear value."""
    r, g, b = (min(value / mean, 1.0) for value in colour)
    return (r, g, b)


def fabric(colour: str, *, print_kind: str | None = None, repeat_m: float = 0.25) -> Finish:
    """Return woven cloth of a colour (`FABRICS` name or hex), with a print of `print_kind`."""
    texture = _pattern(print_kind) if print_kind else _weave()
    tint = _compensated_tint(linear(FABRICS.get(colour, colour)), 0.66)
    return Finish(Material(texture=texture, tint=tint, roughness=0.95, specular=0.02), repeat_m)


def leather(colour: str) -> Finish:
    """Return leather of a colour."""
    tint = _compensated_tint(linear(FABRICS.get(colour, colour)), 0.7)
    return Finish(Material(texture=_leather_grain(), tint=tint, roughness=0.38), repeat_m=0.3)


def stone(colour: str, contrast: float = 26) -> Finish:
    """Return speckled stone, clay, concrete or worktop."""
    tint = _compensated_tint(linear(colour))
    return Finish(
        Material(texture=_speckle("stone", contrast), tint=tint, roughness=0.35), repeat_m=0.5
    )


def paper(colour: str = "#efece4") -> Finish:
    """Return paper, cardboard or felt: matte with faint flecks."""
    tint = _compensated_tint(linear(colour), 0.8)
    return Finish(Material(texture=_speckle("paper", 8), tint=tint, roughness=0.95), repeat_m=0.3)


def paint(colour: str, roughness: float = 0.4) -> Finish:
    """Return paint or lacquer (`PAINTS` name or hex)."""
    return Finish(Material(linear(PAINTS.get(colour, colour)), roughness=roughness))


def plastic(colour: str, roughness: float = 0.35) -> Finish:
    """Return plastic of a colour."""
    return Finish(Material(linear(colour), roughness=roughness, specular=0.05))


def rubber(colour: str = "#26262a") -> Finish:
    """Return matte rubber."""
    return Finish(Material(linear(colour), roughness=0.9, specular=0.03))


def ceramic(colour: str = "#f1efea") -> Finish:
    """Return glazed ceramic."""
    return Finish(Material(linear(colour), roughness=0.12, specular=0.06))


def metal(kind: str = "steel") -> Finish:
    """Return metal: steel, chrome, brass, copper, iron, gold or aluminium."""
    colour, roughness = {
        "steel": ("#b9bbbd", 0.3),
        "chrome": ("#d6d8da", 0.08),
        "brass": ("#c19a4f", 0.25),
        "copper": ("#b8734a", 0.25),
        "iron": ("#2f3033", 0.5),
        "gold": ("#d3aa4a", 0.2),
        "aluminium": ("#cfd1d3", 0.35),
    }[kind]
    return Finish(Material(linear(colour), roughness=roughness, specular=0.5))


def glass(colour: str = "#dfeae8", transmission: float = 0.85) -> Finish:
    """Return glass: light passes, depth and ids do not."""
    return Finish(
        Material(linear(colour), roughness=0.02, specular=0.04, transmission=transmission)
    )


def emissive(colour: str, strength: float) -> Finish:
    """Return an emissive material."""
    r, g, b = linear(colour)
    return Finish(Material((r, g, b), emission=(r * strength, g * strength, b * strength)))


def image(texture: np.ndarray, roughness: float = 0.5, glow_strength: float = 0.0) -> Finish:
    """Return an image that spans its part once."""
    emission = (glow_strength,) * 3
    return Finish(Material(texture=texture, roughness=roughness, emission=emission))
