"""Draw seamless patterns: planks, tiles, bricks, stone, plaster, cloth.

Every function returns sRGB f64 [size, size, 3] in [0, 1]; rows run along v, columns along u, and
opposite edges meet. Everything that varies is drawn from `random`.
"""

from itertools import pairwise

import numpy as np

Image = np.ndarray
Generator = np.random.Generator


def noise(random: Generator, size: int, sigma_px: tuple[float, float]) -> Image:
    """Return seamless noise [size, size] of unit deviation, blurred by sigma along (v, u)."""
    frequency_v, frequency_u = np.fft.fftfreq(size), np.fft.rfftfreq(size)
    falloff = np.exp(-2 * np.pi**2 * (sigma_px[0] * frequency_v[:, None]) ** 2)
    falloff = falloff * np.exp(-2 * np.pi**2 * (sigma_px[1] * frequency_u[None, :]) ** 2)
    falloff[0, 0] = 0
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) * falloff
    field = np.fft.irfft2(spectrum, s=(size, size))
    normalised: np.ndarray = field / max(float(field.std()), 1e-9)
    return normalised


def clouds(random: Generator, size: int, sigma_px: float) -> Image:
    """Return seamless noise of unit deviation with detail at three scales."""
    total = np.zeros((size, size))
    for sigma, weight in ((sigma_px, 1.0), (sigma_px / 3, 0.5), (sigma_px / 9, 0.25)):
        total += weight * noise(random, size, (sigma, sigma))
    return total / 1.15


def shade(base: np.ndarray, relative: Image) -> Image:
    """Return the base colour [3] or [.., 3] made lighter or darker by a relative field."""
    shaded: Image = np.clip(base * (1 + relative[..., None]), 0, 1)
    return shaded


def plaster(random: Generator, size: int, base: np.ndarray, *, grain: float = 0.012) -> Image:
    """Draw a painted wall: faint roller marks and unevenness."""
    field = grain * noise(random, size, (1.2, 1.2)) + 0.12 * grain * clouds(random, size, 40)
    return shade(base, field)


def wood(
    random: Generator,
    size: int,
    base: np.ndarray,
    *,
    rows: int,
    planks_a_row: int = 2,
    gap: float = 0.45,
    contrast: float = 1.0,
) -> Image:
    """Draw boards along u with grain, joints staggered; `rows` 1 draws one broad panel."""
    image = np.empty((size, size, 3))
    grain = 0.6 * noise(random, size, (1.0, 70)) + 0.4 * noise(random, size, (3.5, 120))
    edges = np.linspace(0, size, rows + 1).astype(int)
    warp = noise(random, size, (14, 90))
    for row in range(rows):
        top, bottom = edges[row], edges[row + 1]
        if rows == 1:
            joints = [0, size]
        else:
            start = int(random.integers(size))
            spans = np.cumsum(random.uniform(0.7, 1.3, planks_a_row))
            joints = [start + int(size * span / spans[-1]) for span in (0, *spans)]
        for left, right in pairwise(joints):
            columns = np.arange(left, right) % size
            tone = random.normal(0, 0.075 * contrast) if rows > 1 else 0.0
            tint = base * (1 + random.normal(0, 0.006, 3))
            shift = int(random.integers(size)) if rows > 1 else 0
            band = np.ix_((np.arange(top, bottom) + shift) % size, columns)
            across = np.linspace(-1, 1, bottom - top)[:, None]
            rings = np.sin(9 * across + 2.2 * warp[band] + random.uniform(0, 6))
            field = contrast * (0.055 * grain[band] + 0.045 * rings) + tone
            image[np.ix_(np.arange(top, bottom), columns)] = shade(tint, field)
            if rows > 1:
                image[top:bottom, left % size] *= 1 - 0.8 * gap
        if rows > 1:
            image[top] *= 1 - gap
            image[(top + 1) % size] *= 1 - 0.3 * gap
    return image


def tiles(
    random: Generator,
    size: int,
    base: np.ndarray,
    grout: np.ndarray,
    *,
    across: int,
    up: int,
    bond: bool = False,
    variation: float = 0.03,
    joint_px: float = 3.0,
    second: np.ndarray | None = None,
    veins: bool = False,
) -> Image:
    """Draw a grid of tiles or, with `bond`, courses shifted by half; `second` makes a checker."""
    y, x = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5, indexing="ij")
    row = np.floor(y * up / size).astype(int)
    shifted = x + (row % 2) * (size / across / 2 if bond else 0)
    column = np.floor(shifted * across / size).astype(int) % across
    in_x = (shifted * across / size) % 1 * (size / across)
    in_y = (y * up / size) % 1 * (size / up)
    edge = np.minimum.reduce([in_x, size / across - in_x, in_y, size / up - in_y])
    tone = random.normal(0, variation, (up, across))[row, column]
    field = tone + 0.012 * clouds(random, size, 12)
    colour = np.broadcast_to(base, (size, size, 3))
    if second is not None:
        colour = np.where(((row + column) % 2)[..., None] == 1, second, colour)
    image = marble(random, size, colour) * (1 + tone[..., None]) if veins else shade(colour, field)
    # A bevel: tiles darken a little towards the joint.
    blend = np.clip((edge - joint_px / 2 + 0.5), 0, 1)[..., None]
    bevel = (0.94 + 0.06 * np.clip(edge / (joint_px * 2), 0, 1))[..., None]
    jointed: Image = np.clip(image * bevel * blend + grout * (1 - blend), 0, 1)
    return jointed


def hexagons(
    random: Generator, size: int, base: np.ndarray, grout: np.ndarray, *, across: int = 8
) -> Image:
    """Draw hexagonal tiles."""
    # Rows of hexagon centres alternate by half; each pixel belongs to its nearest centre.
    up = round(across / np.sqrt(3)) * 2
    y, x = np.meshgrid(
        (np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size, indexing="ij"
    )
    min_distance = np.full((2, size, size), np.inf)
    tile_index = np.zeros((size, size), dtype=int)
    for i in range(up):
        for j in range(across):
            dx = (x - (j + 0.5 * (i % 2)) / across + 0.5) % 1 - 0.5
            dy = (y - i / up + 0.5) % 1 - 0.5
            gap = np.hypot(dx, dy)
            nearer = gap < min_distance[0]
            min_distance[1] = np.where(nearer, min_distance[0], np.minimum(min_distance[1], gap))
            min_distance[0] = np.where(nearer, gap, min_distance[0])
            tile_index[nearer] = i * across + j
    tone = random.normal(0, 0.03, up * across)[tile_index]
    blend = np.clip((min_distance[1] - min_distance[0]) * size / 2 - 1, 0, 1)[..., None]
    image: Image = np.clip(shade(base, tone) * blend + grout * (1 - blend), 0, 1)
    return image


def marble(random: Generator, size: int, base: np.ndarray) -> Image:
    """Draw polished stone with veins."""
    turbulence = clouds(random, size, 46)
    veins = np.exp(-np.abs(turbulence) / 0.045) + 0.5 * np.exp(
        -np.abs(clouds(random, size, 22)) / 0.06
    )
    field = 0.035 * clouds(random, size, 60)
    image = shade(np.asarray(base), field)
    vein = 1 - np.round(image.mean())
    veined: Image = np.clip(
        image + (vein * 0.8 + 0.1 - image) * (0.22 * np.clip(veins, 0, 1))[..., None], 0, 1
    )
    return veined


def granite(random: Generator, size: int, base: np.ndarray) -> Image:
    """Draw speckled stone."""
    field = 0.10 * noise(random, size, (1.2, 1.2)) + 0.07 * noise(random, size, (3, 3))
    specks = noise(random, size, (1.6, 1.6))
    field = field + np.where(specks > 1.7, 0.28, 0) - np.where(specks < -1.7, 0.3, 0)
    return shade(base, field)


def concrete(random: Generator, size: int, base: np.ndarray, *, boards: int = 0) -> Image:
    """Draw concrete, with the marks of `boards` formwork boards."""
    field = 0.028 * clouds(random, size, 50) + 0.02 * noise(random, size, (1, 1))
    image = shade(base, field)
    if boards:
        edges = np.linspace(0, size, boards + 1).astype(int)[:-1]
        tone = np.repeat(random.normal(0, 0.03, boards), np.diff([*edges, size]))
        image = shade(image, np.broadcast_to(tone[None, :], (size, size)))
        image[:, edges] *= 0.7
    return image


def cloth(random: Generator, size: int, base: np.ndarray, *, stripes: int = 0) -> Image:
    """Draw carpet or woven cloth, with `stripes` stripes."""
    y, x = np.mgrid[0:size, 0:size]
    weave = 0.03 * (np.sin(2 * np.pi * x / 4) + np.sin(2 * np.pi * y / 4))
    field = weave + 0.05 * noise(random, size, (1, 1)) + 0.02 * clouds(random, size, 30)
    if stripes:
        field = field + np.where((x * stripes * 2 // size) % 2 == 0, 0.06, -0.06)
    return shade(base, field)
