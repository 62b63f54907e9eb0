"""Build meshes from boxes and flat polygons."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.views.meshes import Material, Mesh

# The six sides of a box: the axis each is across, its sign, and the two axes that span it, in
# the order that makes (0,0), (1,0), (1,1), (0,1) counter-clockwise from outside.
_SIDES = (
    (0, -1, 2, 1),
    (0, 1, 1, 2),
    (1, -1, 0, 2),
    (1, 1, 2, 0),
    (2, -1, 1, 0),
    (2, 1, 0, 1),
)


@dataclass
class MeshBuilder:
    """Collect quads and triangles, each with its material; `mesh` joins them.

    `repeat_m` is the size in metres of one repeat of a material's texture.
    """

    vertices: list[np.ndarray] = field(default_factory=list)
    uv: list[np.ndarray] = field(default_factory=list)
    faces: list[np.ndarray] = field(default_factory=list)
    face_material: list[int] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    num_vertices: int = 0

    def _material(self, material: Material) -> int:
        for number, existing in enumerate(self.materials):
            if existing is material:
                return number
        self.materials.append(material)
        return len(self.materials) - 1

    def polygon(
        self, corners: np.ndarray, uv: np.ndarray, faces: np.ndarray, material: Material
    ) -> None:
        """Add triangles: `corners` [n, 3], `uv` [n, 2] in repeats, `faces` [f, 3] into corners."""
        self.vertices.append(np.asarray(corners, dtype=np.float64))
        self.uv.append(np.asarray(uv, dtype=np.float64))
        self.faces.append(np.asarray(faces) + self.num_vertices)
        self.face_material += [self._material(material)] * len(faces)
        self.num_vertices += len(corners)

    def quad(self, corners: np.ndarray, uv: np.ndarray, material: Material) -> None:
        """Add a quad: `corners` [4, 3] counter-clockwise from its visible side."""
        self.polygon(corners, uv, np.array([[0, 1, 2], [0, 2, 3]]), material)

    def box(
        self,
        low: Sequence[float],
        high: Sequence[float],
        material: Material,
        *,
        repeat_m: float = 1.0,
    ) -> None:
        """Add an axis-aligned box from its lowest to its highest corner."""
        ends = np.array([low, high], dtype=np.float64)
        for axis, sign, first, second in _SIDES:
            corners = np.empty((4, 3))
            corners[:, axis] = ends[(sign + 1) // 2, axis]
            corners[:, first] = ends[[0, 1, 1, 0], first]
            corners[:, second] = ends[[0, 0, 1, 1], second]
            # Texture runs along the longer side, as grain does along a board.
            along, across = (first, second)
            if np.ptp(ends[:, first]) < np.ptp(ends[:, second]):
                along, across = second, first
            self.quad(corners, corners[:, [along, across]] / repeat_m, material)

    def mesh(self) -> Mesh:
        """Join everything into one mesh."""
        return Mesh(
            np.concatenate(self.vertices).astype(np.float32),
            np.concatenate(self.faces).astype(np.int32),
            np.concatenate(self.uv).astype(np.float32),
            np.array(self.face_material, dtype=np.int32),
            tuple(self.materials),
        )
