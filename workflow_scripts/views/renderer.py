"""The interface of view backends, and the table of backends."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.credits import Credit
from workflow_scripts.views.frame import Frame

BACKENDS = {
    "pathtrace": "workflow_scripts.views.backends.pathtrace:PathtraceRenderer",
    "ai2thor": "workflow_scripts.views.backends.ai2thor:Ai2ThorRenderer",
}


class EngineError(UserError):
    """The engine itself cannot run, so every other house would fail too."""


class LoadedHouse(Protocol):
    """A house that a backend has loaded and can render.

    A backend that can also give depth and ids without the image, at little cost and for any
    camera, has `geometry(camera) -> (depth_m, instance)`; it is used to check candidate cameras.
    A backend that knows its obstacles has `free_area(clearance_m=, height_m=)`, the area on the
    floor where the middle of someone may be; of others the reachable points are used.
    A backend that knows every triangle that it draws has `surfaces` (`DrawnSurfaces`), and the
    shapes of its objects in their rows (`with_shape`).
    """

    objects: Sequence[ObjectRow]
    """Furniture and structure; `instance` values are those of the masks."""

    def reachable_m(self) -> np.ndarray:
        """Return floor points [n, 3] (z = 0) of a 0.25 m grid where an agent fits (0.2 m)."""
        ...

    def render(self, camera: Camera, *, seed: int) -> Frame:
        """Return the image, exact planar depth and instance ids at pixel centres.

        A camera above the ceilings sees into the rooms: its rays hit no ceiling.
        """
        ...


class Renderer(AbstractContextManager["Renderer"], Protocol):
    """A backend: opened once per shard, loads one house after the other.

    Constructed with keywords `preset`, `furniture`, `width_px`, `height_px` (only `geometry`
    takes cameras of other sizes).
    """

    provenance: Mapping[str, Any]
    """What the images depend on: versions, libraries, furniture; no paths, no times."""

    measures_surfaces: bool
    """Set to False, houses have no `surfaces`; backends that never have any need not look at it."""

    credits: Sequence[Credit]
    """Attributions of the models in the houses loaded so far; empty if none need one."""

    def load(self, house: dict[str, Any], *, scene_id: str) -> LoadedHouse:
        """Load a ProcTHOR house; `UserError` with the engine's message if it cannot."""
        ...
