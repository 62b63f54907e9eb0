"""Cast rays against triangles with Embree: through `embreex` or, without a wheel of it, Open3D.

Both wrap the same Embree and give the same hits. Measured by benchmarks/renderer.py on one core:
embreex casts about 5 % more primary and bounce rays a second and 20 % more shadow rays, imports
in 0.01 s instead of 0.5 s and installs in 45 MB instead of 600 MB. Open3D, which later stages
need anyway, is what remains on Linux aarch64.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from workflow_scripts.common.errors import UserError

# Shadow rays stop at this fraction of the distance to the light, so that it does not shade itself.
_SHADOW_END = 0.999


@dataclass(frozen=True)
class Hits:
    """First hits of rays: `face` i32 [n] (-1: nothing), `distance` f32 [n], `u`, `v` f32 [n].

    `distance` is in lengths of the direction, so with a direction of forward component 1 it is
    planar depth. The point is (1 - u - v) p0 + u p1 + v p2 of the triangle.
    """

    face: np.ndarray
    distance: np.ndarray
    u: np.ndarray
    v: np.ndarray


class RayCaster(Protocol):
    """A bounding volume hierarchy over triangles."""

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Find the first triangle that each ray [n, 3] hits."""
        ...

    def occluded(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Say for each ray whether anything lies between its origin and origin + direction."""
        ...


class EmbreeRayCaster:
    """RayCaster by `embreex`. It runs on one thread; parallelise over processes."""

    def __init__(self, triangles: np.ndarray) -> None:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self._scene = EmbreeScene(robust=True)
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(triangles, np.float32))

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Find the first triangle that each ray [n, 3] hits."""
        hit_result = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="INTERSECT",
            output=True,
        )
        return Hits(hit_result["primID"], hit_result["tfar"], hit_result["u"], hit_result["v"])

    def occluded(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Say for each ray whether anything lies between its origin and origin + direction."""
        limit = np.full(len(origins), _SHADOW_END, dtype=np.float32)
        hit_result = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            limit,
            query="OCCLUDED",
        )
        occluded: np.ndarray = hit_result != -1
        return occluded


class Open3dRayCaster:
    """RayCaster by Open3D's RaycastingScene."""

    def __init__(self, triangles: np.ndarray) -> None:
        import open3d

        # Open3D's stubs do not know that Tensor takes arrays.
        tensor: Any = open3d.core.Tensor
        self._tensor = tensor
        self._scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        vertices = np.ascontiguousarray(triangles, np.float32).reshape(-1, 3)
        faces = np.arange(len(vertices), dtype=np.uint32).reshape(-1, 3)
        self._scene.add_triangles(self._tensor(vertices), self._tensor(faces))

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Find the first triangle that each ray [n, 3] hits."""
        hit_result = self._scene.cast_rays(self._packed(origins, directions), nthreads=1)
        # What was not hit has face 2**32 - 1 and distance inf.
        face = hit_result["primitive_ids"].numpy().astype(np.int32)
        uv = hit_result["primitive_uvs"].numpy()
        return Hits(face, hit_result["t_hit"].numpy(), uv[:, 0].copy(), uv[:, 1].copy())

    def occluded(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Say for each ray whether anything lies between its origin and origin + direction."""
        rays = self._packed(origins, directions)
        occluded: np.ndarray = self._scene.test_occlusions(
            rays, tfar=_SHADOW_END, nthreads=1
        ).numpy()
        return occluded

    def _packed(self, origins: np.ndarray, directions: np.ndarray) -> Any:
        return self._tensor(np.concatenate([origins, directions], axis=1, dtype=np.float32))


def build_ray_caster(triangles: np.ndarray) -> RayCaster:
    """Build the hierarchy over triangles [f, 3, 3] (f32, metres) with the installed library."""
    if not np.isfinite(triangles).all():
        raise UserError("the house has a surface with a coordinate that is not a number")
    for kind in (EmbreeRayCaster, Open3dRayCaster):
        try:
            return kind(triangles)
        except ImportError:
            continue
    raise UserError(
        "the renderer needs a ray library: 'pip install embreex==4.4.0.post1' "
        "(or, on Linux aarch64, 'pip install open3d')"
    )
