"""What a view backend must offer, and the table of backends."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from workflow_scripts.common.cameras import Camera
from workflow_scripts.common.records import ObjectRow

BACKENDS = {
    "pathtrace": "workflow_scripts.views.backends.pathtrace:PathtraceRenderer",
    "ai2thor": "workflow_scripts.views.backends.ai2thor:Ai2ThorRenderer",
}


@dataclass(frozen=True)
class Frame:
    """One rendered view: rgb u8 [h, w, 3], depth_m f32 [h, w] (NaN no hit), instance u16 [h, w]."""

    rgb: np.ndarray
    depth_m: np.ndarray
    instance: np.ndarray


class LoadedHouse(Protocol):
    """A house that a backend has loaded and can show."""

    objects: Sequence[ObjectRow]
    """Furniture and structure; `instance` values are those of the masks."""

    def reachable_m(self) -> np.ndarray:
        """Return floor points [n, 3] (z = 0) of a 0.25 m grid where an agent fits (0.2 m)."""
        ...

    def render(self, camera: Camera, *, seed: int) -> Frame:
        """Return the picture, exact planar depth and instance ids at pixel centres."""
        ...


class Renderer(AbstractContextManager["Renderer"], Protocol):
    """A backend: opened once a shard, loads one house after the other."""

    def load(self, house: dict[str, Any], *, scene_id: str) -> LoadedHouse:
        """Load a ProcTHOR house; `UserError` with the engine's own words if it cannot."""
        ...
