"""One view as it comes from a renderer, a robot simulator or a photo."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """One view: rgb u8 [h, w, 3], depth_m f32 [h, w] (NaN no hit), instance u16 [h, w]."""

    rgb: np.ndarray
    depth_m: np.ndarray
    instance: np.ndarray
