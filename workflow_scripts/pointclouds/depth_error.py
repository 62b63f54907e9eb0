"""How far depth may be wrong: the model that every uncertainty is propagated from.

A depth map is taken to read z (1 + s) + n: `s` is one number for the whole view (a wrong focal
length or scale, standard deviation `scale`), `n` differs from pixel to pixel and grows with the
square of the distance, as disparity's quantisation makes it. Masks are wrong by `mask_px`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
DepthKind = Literal["exact", "sensor", "estimate"]


@dataclass(frozen=True)
class DepthErrorModel:
    """Standard deviations: of a pixel `constant_m + quadratic_per_m (z - 0.4)^2`, of the scale.

    The quadratic law and its origin at 0.4 m are those of Nguyen, Izadi, Lovell (2012), "Modeling
    Kinect Sensor Noise".
    """

    constant_m: float = 0.0
    quadratic_per_m: float = 0.0
    scale: float = 0.0
    mask_px: float = 0.0

    def sigma_m(self, depth_m: ArrayLike) -> FloatArray:
        """Return the standard deviation of pixels with these depths, without the scale's."""
        sigma: FloatArray = (
            self.constant_m + self.quadratic_per_m * (np.asarray(depth_m) - 0.4) ** 2
        )
        return sigma

    @property
    def is_exact(self) -> bool:
        return not (self.constant_m or self.quadratic_per_m or self.mask_px)


EXACT = DepthErrorModel()
SENSOR = DepthErrorModel(constant_m=0.0012, quadratic_per_m=0.0019, scale=0.0, mask_px=0.5)
ESTIMATE = DepthErrorModel(constant_m=0.005, quadratic_per_m=0.004, scale=0.1, mask_px=1.0)
"""The three kinds of depth: of a simulator, of an RGB-D sensor, of a network from one image."""

DEPTH_ERROR_MODELS: dict[DepthKind, DepthErrorModel] = {
    "exact": EXACT,
    "sensor": SENSOR,
    "estimate": ESTIMATE,
}


def resolve_depth_kind(
    setting: DepthKind | Literal["auto"], *, is_estimated: bool, source_kind: DepthKind
) -> DepthKind:
    """Return the kind of the depth that is measured; "auto": the source's, or an estimate's."""
    if setting != "auto":
        return setting
    return "estimate" if is_estimated else source_kind
