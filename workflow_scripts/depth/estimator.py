"""What a depth estimator must offer, and the table of estimators.

The backend `simulator` is not in the table: nothing is estimated, and later stages read the
depth of the view shard itself.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from workflow_scripts.common.cameras import Camera

ESTIMATORS = {
    "transformers": "workflow_scripts.depth.backends.transformers:TransformersEstimator",
}


class DepthEstimator(Protocol):
    """A backend, made from `model` (hub id or local folder) and `device` (auto, cpu, cuda)."""

    def estimate(self, images: np.ndarray, cameras: Sequence[Camera]) -> np.ndarray:
        """Return planar depth in metres, f32 [n, h, w], of images u8 [n, h, w, 3]."""
        ...
