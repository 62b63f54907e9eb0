"""Specular reflection of lacquer, glaze and metal, on top of the diffuse colour.

Highlights of lamps on satin surfaces are computed directly (`lamp_highlights`), because random
paths hit a small lamp too rarely; other reflections, and all in a sharp mirror, come from
mirrored paths.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.views.pathtrace.surfaces import SurfaceHits, Surfaces, dot

_MATTE_ROUGHNESS = 0.6
_SHARP_MIRROR_ROUGHNESS = 0.2
_METAL_SPECULAR = 0.3


@dataclass(frozen=True)
class SpecularLobe:
    """The specular reflection of surface points [n] seen along unit directions `incoming` [3, n].

    `fresnel` is the fraction of light that is mirrored, 0 on matte surfaces. `is_sharp_mirror`
    says that the mirror image shows the lamps themselves.
    """

    incoming: np.ndarray
    facing: np.ndarray
    roughness: np.ndarray
    specular: np.ndarray
    fresnel: np.ndarray

    @classmethod
    def of(
        cls, surfaces: Surfaces, surface_hits: SurfaceHits, incoming: np.ndarray
    ) -> "SpecularLobe":
        """Look up the reflection of the surface points that rays hit."""
        roughness = surfaces.roughness[surface_hits.material]
        specular = surfaces.specular[surface_hits.material]
        facing = -dot(incoming, surface_hits.normal)
        fresnel = _fresnel(specular, roughness, facing)
        return cls(
            incoming,
            facing,
            roughness,
            specular,
            np.where(roughness < _MATTE_ROUGHNESS, fresnel, 0),
        )

    @property
    def is_sharp_mirror(self) -> np.ndarray:
        return self.roughness < _SHARP_MIRROR_ROUGHNESS

    def sample_mirror(
        self, surface_hits: SurfaceHits, outgoing: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Replace some of the `outgoing` directions [3, n] by mirrored ones, in place.

        Returns which are mirrored, bool [n], and the factor [3, n] for the weight of each path.
        """
        mirror_probability = np.where(self.fresnel > 0, np.clip(2 * self.fresnel, 0.15, 0.9), 0)
        mirrored = random.random(len(mirror_probability), dtype=np.float32) < mirror_probability
        weight = np.where(
            mirrored,
            self.fresnel / np.maximum(mirror_probability, 1e-6),
            (1 - self.fresnel) / (1 - mirror_probability),
        )
        # Metal tints what it mirrors, lacquer and glaze do not.
        factor = (
            np.where(
                mirrored & (self.specular < _METAL_SPECULAR), np.float32(1), surface_hits.albedo
            )
            * weight
        )
        indices = np.flatnonzero(mirrored)
        if len(indices):
            normal = surface_hits.normal[:, indices]
            ray = self.incoming[:, indices] + 2 * self.facing[indices] * normal
            blur = outgoing[:, indices] - normal * dot(outgoing[:, indices], normal)
            ray = ray + blur * self.roughness[indices] ** 2
            ray -= normal * np.minimum(dot(ray, normal) - 0.02, 0)
            outgoing[:, indices] = ray / np.sqrt(dot(ray, ray))
        return mirrored, factor

    def lamp_highlights(
        self,
        surface_hits: SurfaceHits,
        lit_indices: np.ndarray,
        light: np.ndarray,
        to_light: np.ndarray,
    ) -> np.ndarray:
        """Return the highlights of lamps [3, k] on the surface points `lit_indices` [k].

        `light` [3, k] is what a white diffuse surface would reflect of the lamp in the direction
        `to_light` [3, k]. The lobe is that of Trowbridge and Reitz with Kelemen's shadowing.
        """
        is_satin = (self.fresnel[lit_indices] > 0) & ~self.is_sharp_mirror[lit_indices]
        highlight = np.zeros_like(light)
        indices = np.flatnonzero(is_satin)
        if not len(indices):
            return highlight
        hit_index, to_light = lit_indices[indices], to_light[:, indices]
        to_lamp = to_light / np.sqrt(dot(to_light, to_light))
        half = to_lamp - self.incoming[:, hit_index]
        half /= np.sqrt(np.maximum(dot(half, half), 1e-6))
        alpha_squared = self.roughness[hit_index] ** 4
        cosine = np.clip(dot(half, surface_hits.normal[:, hit_index]), 0, 1)
        lobe = alpha_squared / (np.pi * (cosine * cosine * (alpha_squared - 1) + 1) ** 2)
        cos_half = np.clip(dot(half, to_lamp), 0.2, 1)
        fresnel = _fresnel(self.specular[hit_index], self.roughness[hit_index], cos_half)
        factor = np.pi * lobe * fresnel / (4 * cos_half * cos_half)
        tint = np.where(
            self.specular[hit_index] < _METAL_SPECULAR,
            np.float32(1),
            surface_hits.albedo[:, hit_index],
        )
        highlight[:, indices] = light[:, indices] * tint * factor
        return highlight


def _fresnel(specular: np.ndarray, roughness: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """Return Schlick's Fresnel term; rough surfaces mirror less at grazing angles."""
    grazing = (1 - np.clip(cosine, 0, 1)) ** 5
    fresnel: np.ndarray = specular + (1 - specular) * (1 - roughness) ** 2 * grazing
    return fresnel
