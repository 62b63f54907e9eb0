"""What the glossy surfaces of a frame mirror."""

import numpy as np

from workflow_scripts.views.pathtrace import gloss_kernels
from workflow_scripts.views.pathtrace.tracer import cosine_directions

_SMOOTHING_PX = 2


class MirrorImages:
    """What the glossy surfaces of a frame mirror, pixel by pixel."""

    def __init__(self, height: int, width: int) -> None:
        self._shape = (height, width)
        num = height * width
        self.tint, self._light, self._normals = (
            np.zeros((num, 3), dtype=np.float32) for _ in range(3)
        )
        self._count = np.zeros(num, dtype=np.int32)
        self._part = np.full(num, -1, dtype=np.int32)
        self._is_sharp = np.zeros(num, dtype=bool)

    def add(
        self,
        pixels: np.ndarray,
        light: np.ndarray,
        is_sharp: np.ndarray,
        normals: np.ndarray,
        part: np.ndarray,
    ) -> None:
        """Add the light [n, 3] of mirrored rays, of `pixels` [n] that may repeat."""
        np.add.at(self._light, pixels, light)
        np.add.at(self._count, pixels, 1)
        self._is_sharp[pixels] = is_sharp
        self._normals[pixels] = normals
        self._part[pixels] = part

    def smoothed(self) -> np.ndarray:
        """Return the mirror images f32 [h, w, 3], averaged over neighbours on satin surfaces."""
        light = self._light / np.maximum(self._count, 1)[:, None]
        satin = (self._count > 0) & ~self._is_sharp
        smooth = np.zeros((*self._shape, 3), dtype=np.float32)
        gloss_kernels.smooth_mirror_images(
            light.reshape(*self._shape, 3),
            satin.reshape(self._shape),
            self._normals.reshape(*self._shape, 3),
            self._part.reshape(self._shape),
            _SMOOTHING_PX,
            smooth,
        )
        image = np.where(self._is_sharp[:, None], light, smooth.reshape(-1, 3)) * self.tint
        mirrored: np.ndarray = image.reshape(*self._shape, 3)
        return mirrored


def mirror_directions(
    directions: np.ndarray,
    normals: np.ndarray,
    roughness: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Mirror directions [n, 3] at normals, blurred by the square of the roughness [n]."""
    mirrored = np.empty_like(directions)
    gloss_kernels.mirror_directions(
        directions, normals, roughness, cosine_directions(normals, random), mirrored
    )
    return mirrored
