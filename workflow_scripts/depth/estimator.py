"""What a depth estimator must offer, and the table of estimators.

The backend `simulator` is not in the table: nothing is estimated, and later stages read the
depth of the view shard itself (the simulator's, or what a user has beside the photos).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workflow_scripts.geometry.cameras import Camera

ESTIMATORS = {
    "transformers": "workflow_scripts.depth.backends.transformers:TransformersEstimator",
}


@dataclass(frozen=True)
class DepthEstimate:
    """Depth f32 [n, h, w] in metres, planar, and focal lengths f64 [n] in pixels.

    A focal length is NaN where the camera was known, or where the network does not guess it.
    """

    depth_m: np.ndarray
    focal_px: np.ndarray


class DepthEstimator(Protocol):
    """A backend, made from `model` (hub id or local folder) and `device` (auto, cpu, cuda)."""

    def estimate(
        self, images: np.ndarray, cameras: Sequence[Camera], *, is_known: Sequence[bool]
    ) -> DepthEstimate:
        """Estimate images u8 [n, h, w, 3].

        Where a camera `is_known` its focal length is used; elsewhere it is only a default, and
        the network's own guess, if it has one, is better.
        """
        ...
