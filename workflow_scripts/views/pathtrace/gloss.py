"""Gloss: what lacquer, glaze and metal mirror on top of their colour.

Lamps in a satin floor are found by looking at them (`sheen`), because paths that leave by chance
hit so small a thing too rarely; everything else in it, and all in a clear mirror, is found by
mirrored paths.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.views.pathtrace.surfaces import Spots, Surfaces, dot

_MATT = 0.6
_CLEAR = 0.2
_METAL = 0.3


@dataclass(frozen=True)
class Gloss:
    """The gloss of spots [n] seen along unit directions `incoming` [3, n].

    `fresnel` is the share of light mirrored, 0 on matt surfaces. `is_clear` says that the mirror
    is sharp enough to show lamps themselves.
    """

    incoming: np.ndarray
    facing: np.ndarray
    roughness: np.ndarray
    specular: np.ndarray
    fresnel: np.ndarray

    @classmethod
    def of(cls, surfaces: Surfaces, spots: Spots, incoming: np.ndarray) -> "Gloss":
        """Look up the gloss of spots."""
        roughness = surfaces.roughness[spots.material]
        specular = surfaces.specular[spots.material]
        facing = -dot(incoming, spots.normal)
        fresnel = _fresnel(specular, roughness, facing)
        return cls(incoming, facing, roughness, specular, np.where(roughness < _MATT, fresnel, 0))

    @property
    def is_clear(self) -> np.ndarray:
        return self.roughness < _CLEAR

    def mirror(
        self, spots: Spots, outgoing: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn some of the `outgoing` directions [3, n] into mirrored ones, in place.

        Returns which [n], and the factor [3, n] by which each path's weight changes.
        """
        chance = np.where(self.fresnel > 0, np.clip(2 * self.fresnel, 0.15, 0.9), 0)
        mirrored = random.random(len(chance), dtype=np.float32) < chance
        share = np.where(
            mirrored, self.fresnel / np.maximum(chance, 1e-6), (1 - self.fresnel) / (1 - chance)
        )
        # Metal tints what it mirrors, lacquer and glaze do not.
        factor = np.where(mirrored & (self.specular < _METAL), np.float32(1), spots.albedo) * share
        which = np.flatnonzero(mirrored)
        if len(which):
            normal = spots.normal[:, which]
            ray = self.incoming[:, which] + 2 * self.facing[which] * normal
            blur = outgoing[:, which] - normal * dot(outgoing[:, which], normal)
            ray = ray + blur * self.roughness[which] ** 2
            ray -= normal * np.minimum(dot(ray, normal) - 0.02, 0)
            outgoing[:, which] = ray / np.sqrt(dot(ray, ray))
        return mirrored, factor

    def sheen(
        self, spots: Spots, lit: np.ndarray, light: np.ndarray, way: np.ndarray
    ) -> np.ndarray:
        """Return the glint of lamps [3, k] on the spots numbered `lit` [k].

        `light` [3, k] is what a white matt surface would reflect of the lamp that lies along
        `way` [3, k]. The lobe is that of Trowbridge and Reitz with Kelemen's shadowing.
        """
        satin = (self.fresnel[lit] > 0) & ~self.is_clear[lit]
        glint = np.zeros_like(light)
        which = np.flatnonzero(satin)
        if not len(which):
            return glint
        spot, way = lit[which], way[:, which]
        to_lamp = way / np.sqrt(dot(way, way))
        half = to_lamp - self.incoming[:, spot]
        half /= np.sqrt(np.maximum(dot(half, half), 1e-6))
        spread = self.roughness[spot] ** 4
        cosine = np.clip(dot(half, spots.normal[:, spot]), 0, 1)
        lobe = spread / (np.pi * (cosine * cosine * (spread - 1) + 1) ** 2)
        toward = np.clip(dot(half, to_lamp), 0.2, 1)
        share = _fresnel(self.specular[spot], self.roughness[spot], toward)
        factor = np.pi * lobe * share / (4 * toward * toward)
        tint = np.where(self.specular[spot] < _METAL, np.float32(1), spots.albedo[:, spot])
        glint[:, which] = light[:, which] * tint * factor
        return glint


def _fresnel(specular: np.ndarray, roughness: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """Return the mirrored share after Schlick; rough surfaces mirror less at a grazing look."""
    return specular + (1 - specular) * (1 - roughness) ** 2 * (1 - np.clip(cosine, 0, 1)) ** 5
