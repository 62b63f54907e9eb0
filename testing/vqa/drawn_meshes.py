"""Shapes of drawn triangles by brute force, for the oracle: points spread over every surface."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

from workflow_scripts.common.records import Scene
from workflow_scripts.common.storage import read_records
from workflow_scripts.views.backends.pathtrace import PathtraceRenderer

STEP_M = 0.01


@dataclass(frozen=True, eq=False)
class DrawnMesh:
    """The triangles [f, 3, 3] of an object in the world."""

    triangles: np.ndarray

    @cached_property
    def points(self) -> np.ndarray:
        """Points on the triangles about a centimetre apart."""
        # The first corner is an end of the shortest side.
        sides = np.linalg.norm(np.roll(self.triangles, -1, axis=1) - self.triangles, axis=2)
        turn = (sides.argmin(axis=1)[:, None] + np.arange(3)) % 3
        a, b, c = np.moveaxis(np.take_along_axis(self.triangles, turn[..., None], axis=1), 1, 0)
        ab, ac = b - a, c - a
        steps = np.ceil(np.linalg.norm(np.stack([ab, ac], axis=1), axis=2) / STEP_M)
        steps = np.maximum(steps.astype(int), 1)
        found = []
        for pair in np.unique(steps, axis=0):
            u, v = (one.ravel() for one in np.meshgrid(*(np.linspace(0, 1, n + 1) for n in pair)))
            u, v = u[u + v < 1 + 1e-9, None], v[u + v < 1 + 1e-9, None]
            those = (steps == pair).all(axis=1)
            spread = a[those][:, None] + u * ab[those][:, None] + v * ac[those][:, None]
            found.append(spread.reshape(-1, 3))
        return np.concatenate(found)

    @cached_property
    def tree(self) -> cKDTree:
        return cKDTree(self.points)

    @cached_property
    def corners(self) -> np.ndarray:
        return self.triangles.reshape(-1, 3)

    def gap_m(self, other: "DrawnMesh") -> float:
        """Return the least distance between points of two surfaces."""
        bound = float(self.tree.query(other.points[::97])[0].min())
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        apart = np.maximum(np.maximum(low - other.points, other.points - high), 0.0)
        near = other.points[np.linalg.norm(apart, axis=1) <= bound]
        return float(min(bound, self.tree.query(near, distance_upper_bound=bound)[0].min()))

    def nearest_m(self, point: np.ndarray) -> float:
        return float(self.tree.query(point)[0])

    @cached_property
    def footprint_m2(self) -> float:
        """The area of the convex outline, seen from above."""
        return float(ConvexHull(self.corners[:, :2]).volume)

    @cached_property
    def volume_m3(self) -> float:
        """The volume of the convex hull."""
        return float(ConvexHull(self.corners).volume)

    def share_inside(self, other: "DrawnMesh") -> float:
        """Return the share of the points that the convex hull of another encloses, to 2 cm."""
        planes = ConvexHull(other.corners).equations
        return float((self.points @ planes[:, :3].T + planes[:, 3] <= 0.02).all(axis=1).mean())


def drawn_meshes(
    scenes: Path, *, furniture: str = "procedural"
) -> dict[tuple[str, int], DrawnMesh]:
    """Return what is drawn of every object of scenes (JSON lines), by scene and instance."""
    renderer = PathtraceRenderer(preset="draft", furniture=furniture)
    found = {}
    for scene in read_records(scenes, Scene):
        if scene.house is None:
            continue
        house = renderer.load(scene.house, scene_id=scene.scene_id)
        mesh = house.triangle_mesh
        for row in house.objects:
            if row.kind == "object":
                triangles = mesh.triangles[mesh.instance == row.instance].astype(np.float64)
                found[scene.scene_id, row.instance] = DrawnMesh(triangles)
    return found
