"""Fruit, vegetables, bread and eggs."""

from functools import cache

import numpy as np

from workflow_scripts.common import seeds
from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.materials import image, noise, paper, plastic, stone, to_u8
from workflow_scripts.views.furniture.shapes import (
    Finish,
    ellipsoid,
    lathe,
    leaf,
    loft_rings,
    make_mesh,
    rod,
)
from workflow_scripts.views.meshes import Mesh


@cache
def _two_colour_texture(key: str, base: str, other: str, share: float = 0.5) -> Finish:
    """Return an image of noise between two colours."""
    first, second = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (base, other))
    mix = np.clip((noise(key, size=64, cells=(4, 8, 16)) + 1) / 2 * 2 * share, 0, 1)[..., None]
    return image(to_u8(first + (second - first) * mix), roughness=0.35)


def _displaced(mesh: Mesh, key: str, depth: float, finish: Finish) -> Mesh:
    """Displace the vertices of a round mesh by a few low-frequency waves."""
    rng = seeds.rng(0, "bumps", key)
    points = mesh.vertices_m.astype(np.float64)
    middle = points.mean(axis=0)
    away = points - middle
    unit = away / np.maximum(np.abs(away).max(axis=0), 1e-9)
    waves = np.zeros(len(points))
    for _ in range(5):
        waves += np.sin(unit @ rng.normal(scale=2.2, size=3) + rng.uniform(0, 6))
    return make_mesh(middle + away * (1 + depth * waves / 5)[:, None], mesh.faces, mesh.uv, finish)


def apple(b: AssetSpec) -> Parts:
    """Build an apple with a stem and a leaf."""
    r, h = b.w / 2, b.h
    top = 0.86 * h
    colour = b.pick("red", "green", "yellow", "red")
    skin = {
        "red": _two_colour_texture("apple red", "#b3242a", "#d9853b", 0.45),
        "green": _two_colour_texture("apple green", "#86a83a", "#b5c65a"),
        "yellow": _two_colour_texture("apple yellow", "#dcb648", "#cf6f3a", 0.4),
    }[colour]
    shape = [
        (0, 0.1),
        (0.25, 0.02),
        (0.45, 0.0),
        (0.72, 0.14),
        (0.92, 0.38),
        (1.0, 0.62),
        (0.94, 0.82),
        (0.72, 0.97),
        (0.45, 1.0),
        (0.2, 0.94),
        (0, 0.8),
    ]
    body = lathe([(x * r, z * top) for x, z in shape], skin, n=24)
    stem = rod((0, 0, 0.75 * top), (0.08 * r, 0, h), 0.035 * r, plastic("#5a4028"), 0.05 * r, n=6)
    blade = leaf(
        [(0.05 * r, 0, 0.95 * h), (0.3 * r, 0.1 * r, 0.99 * h), (0.6 * r, 0.2 * r, 0.95 * h)],
        [0.01 * r, 0.28 * r, 0.01 * r],
        plastic("#4f7a35"),
    )
    return [body, stem, blade]


def tomato(b: AssetSpec) -> Parts:
    """Build a ribbed tomato with its green star."""
    r, h = b.w / 2, b.h
    top = 0.93 * h
    red = _two_colour_texture("tomato", "#c02a1e", "#d8472c")
    n = 40
    angle = np.arange(n) * 2 * np.pi / n
    rings = []
    for radius, z in [
        (0, 0.05),
        (0.4, 0.0),
        (0.75, 0.14),
        (0.96, 0.38),
        (1.0, 0.58),
        (0.9, 0.8),
        (0.62, 0.97),
        (0.35, 1.0),
        (0.12, 0.93),
        (0, 0.9),
    ]:
        rib = 1 + 0.03 * np.cos(5 * angle)
        rings.append(
            np.column_stack(
                [
                    radius * r * rib * np.cos(angle),
                    radius * b.d / 2 * rib * np.sin(angle),
                    np.full(n, z * top),
                ]
            )
        )
    green = plastic("#4d7d34", 0.7)
    parts: Parts = [
        loft_rings(np.array(rings), red, sharp_rows=False),
        rod((0, 0, 0.88 * h), (0.02 * r, 0, h), 0.05 * r, green, n=6),
    ]
    for index in range(5):
        a = np.radians(72 * index)
        out = np.array([np.cos(a), np.sin(a)]) * r
        parts.append(
            leaf(
                [(0, 0, 0.93 * h), (*(out * 0.3), 0.955 * h), (*(out * 0.6), 0.93 * h)],
                [0.12 * r, 0.14 * r, 0.01 * r],
                green,
            )
        )
    return parts


def egg(b: AssetSpec) -> Parts:
    """Build an egg."""
    shell = plastic(b.pick("#e9d3b8", "#f2ece0", "#d9b08c"), 0.6)
    t = np.linspace(0, np.pi, 14)
    profile = [(b.w / 2 * np.sin(a) * (1 + 0.13 * np.cos(a)), b.h / 2 * (1 - np.cos(a))) for a in t]
    return [lathe(profile, shell, n=24, squash=b.d / b.w)]


def potato(b: AssetSpec) -> Parts:
    """Build a lumpy potato."""
    brown = _two_colour_texture("potato", "#a9834f", "#8a6538", 0.6)
    lump = ellipsoid((0, 0, b.h / 2), (b.w / 2, b.d / 2, b.h / 2), brown, n=26, power=2.3)
    return [_displaced(lump, b.asset_id, 0.13, brown)]


def bread(b: AssetSpec) -> Parts:
    """Build a loaf with slashes across its crust."""
    crust = _two_colour_texture("crust", "#a8672e", "#c98f4e", 0.6)
    pale = paper("#e2c593")
    parts: Parts = []
    n, rows = 24, 15
    angle = np.arange(n) * 2 * np.pi / n
    rings = []
    slashes = np.array([-0.45, -0.1, 0.25, 0.58])
    for place in np.linspace(-1, 1, rows * 2 + 1):
        size = (1 - abs(place) ** 4) ** 0.5 if abs(place) < 1 else 0.0
        dent = 1 - 0.09 * np.exp(-(((place - slashes) / 0.05) ** 2)).sum()
        flat = np.where(np.sin(angle) < 0, np.maximum(np.sin(angle), -0.72), np.sin(angle) * dent)
        rings.append(
            np.column_stack(
                [
                    b.w / 2 * size * np.cos(angle),
                    np.full(n, place * b.d / 2),
                    b.h * 0.42 + b.h * 0.58 * size * flat,
                ]
            )
        )
    parts.append(loft_rings(np.array(rings), crust, sharp_rows=False))
    for place in slashes:
        size = (1 - abs(place) ** 4) ** 0.5
        line = [
            (
                s * b.w / 2 * size * 0.7,
                place * b.d / 2 + s * 0.012,
                b.h * 0.43 + b.h * 0.55 * size * (1 - (0.7 * s) ** 2) ** 0.5,
            )
            for s in np.linspace(-0.9, 0.9, 7)
        ]
        parts.append(leaf(line, [0.002, 0.012, 0.018, 0.02, 0.018, 0.012, 0.002], pale, fold=0.1))
    return parts


def lettuce(b: AssetSpec) -> Parts:
    """Build a head of lettuce: overlapping frilled leaves round a pale heart."""
    w, d, h = b.w, b.d, b.h
    rng = b.rng
    heart = plastic("#b9cf7c", 0.7)
    greens = [plastic(c, 0.7) for c in ("#5f9a3c", "#76ad4a", "#93c062")]
    parts: Parts = [ellipsoid((0, 0, h * 0.48), (w * 0.34, d * 0.38, h * 0.42), heart, n=16)]
    for ring, (count, size, green) in enumerate(((7, 1.0, 0), (6, 0.9, 1), (5, 0.75, 2))):
        for index in range(count):
            turn_angle = 2 * np.pi * (index + 0.5 * ring) / count + rng.uniform(-0.15, 0.15)
            u, v = np.meshgrid(np.linspace(-1, 1, 11), np.linspace(0, 1, 7), indexing="ij")
            frill = 0.07 * np.sin(u * 11 + index) * v**2
            spread = turn_angle + u * 0.72 * (0.35 + 0.65 * np.sqrt(v))
            lift = np.sin(v * np.pi * 0.55) * (1 - 0.3 * u**4 * v)
            radius = size * (0.25 + 0.75 * np.sin(np.pi * (0.1 + 0.52 * v))) + frill
            points = np.stack(
                [
                    radius * np.cos(spread) * w / 2,
                    radius * np.sin(spread) * d / 2,
                    h * (0.02 + (0.75 + 0.1 * ring) * lift) + frill * h * 0.5,
                ],
                -1,
            )
            parts.append(
                loft_rings(points, greens[green], closed_ring=False, caps=False, sharp_rows=False)
            )
    parts.append(
        lathe([(0, 0), (w * 0.1, 0), (w * 0.14, h * 0.1), (0, h * 0.12)], stone("#dfe3c0"), n=12)
    )
    return parts
