"""Cast rays at triangles: a thin wrapper of Embree (`embreex`)."""

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from workflow_scripts.common.errors import UserError


@dataclass(frozen=True)
class Hits:
    """What rays met first: `face` i32 [n] (-1: nothing), `distance` f32 [n], `u`, `v` f32 [n].

    `distance` is in lengths of the direction, so with a direction of forward component 1 it is
    planar depth. The point is (1 - u - v) p0 + u p1 + v p2 of the triangle.
    """

    face: np.ndarray
    distance: np.ndarray
    u: np.ndarray
    v: np.ndarray


class Rays:
    """A bounding volume hierarchy over triangles [f, 3, 3] (f32, metres)."""

    def __init__(self, triangles: np.ndarray) -> None:
        if not np.isfinite(triangles).all():
            raise UserError("the house has a surface with a coordinate that is not a number")
        self._scene = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(triangles, np.float32))

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Find the first triangle each ray meets."""
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="INTERSECT",
            output=True,
        )
        return Hits(found["primID"], found["tfar"], found["u"], found["v"])

    def occluded(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Say for each ray whether anything lies between its origin and origin + direction."""
        limit = np.full(len(origins), 0.999, dtype=np.float32)
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            limit,
            query="OCCLUDED",
        )
        return found != -1
