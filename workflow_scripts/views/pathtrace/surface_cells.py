"""Divide the surfaces of a house into cells of a few centimetres, which keep its light.

A cell is what one object shows of itself in one voxel to one side: faces belong together if
instance, voxel and rounded normal are equal, so that light does not cross from an object to its
neighbour or through a wall. Cells follow from the triangles alone, not from cameras.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.views.pathtrace import surface_cell_kernels as kernels
from workflow_scripts.views.pathtrace.scene import TriangleMesh
from workflow_scripts.views.pathtrace.surface_cell_kernels import NOT_LINKED

CELL_M = 0.03
_SAMPLE_STEP_M = 0.016
# The grid is shifted, so that floors and walls at round coordinates lie inside voxels.
_GRID_SHIFT_M = 0.0113
_NUM_NORMAL_BUCKETS = 27
_NORMAL_THRESHOLD = 0.38


@dataclass(frozen=True)
class SurfaceCells:
    """Cells [c] of a triangle mesh, found by voxel and face.

    `position_m` f32 [c, 3] is the point of the cell's faces that is nearest to the middle of its
    voxel, `normal` f32 [c, 3] the outward unit normal of its face there. `face_normal` f32 [f, 3]
    and `face_group` i32 [f] belong to the mesh; `group_axes` i8 [g, 3] are the axis across a
    group of faces and the two along it. `neighbours` i32 [c, 8] is filled by `stencils`.
    """

    position_m: np.ndarray
    normal: np.ndarray
    face_normal: np.ndarray
    face_group: np.ndarray
    group_axes: np.ndarray
    group_normal: np.ndarray
    cell_group: np.ndarray
    cell_voxel: np.ndarray
    neighbours: np.ndarray
    table_keys: np.ndarray
    table_cells: np.ndarray
    origin_m: np.ndarray

    @classmethod
    def of(cls, mesh: TriangleMesh, face_normal: np.ndarray) -> "SurfaceCells":
        """Find the cells of a mesh."""
        face_group, group_normal = _groups(mesh.instance, face_normal)
        across = np.abs(group_normal).argmax(axis=1)
        group_axes = np.stack([across, (across + 1) % 3, (across + 2) % 3], axis=1)
        low = mesh.triangles.reshape(-1, 3).min(axis=0)
        origin_m = (np.floor(low / CELL_M - 2) * CELL_M - _GRID_SHIFT_M).astype(np.float32)
        num_samples = int(kernels.count_samples(mesh.triangles, _SAMPLE_STEP_M))
        capacity = 1 << int(np.ceil(np.log2(max(num_samples, 64) * 1.5)))
        table_keys = np.full(capacity, -1, dtype=np.int64)
        table_cells = np.empty(capacity, dtype=np.int32)
        cell_face = np.empty(num_samples, dtype=np.int32)
        cell_voxel = np.empty((num_samples, 3), dtype=np.int32)
        position = np.empty((num_samples, 3), dtype=np.float32)
        squared_distance = np.empty(num_samples, dtype=np.float32)
        num = kernels.insert_samples(
            mesh.triangles,
            face_normal,
            face_group,
            _SAMPLE_STEP_M,
            origin_m,
            CELL_M,
            table_keys,
            table_cells,
            cell_face,
            cell_voxel,
            position,
            squared_distance,
        )
        cell_face = cell_face[:num]
        return cls(
            position[:num].copy(),
            face_normal[cell_face],
            face_normal,
            face_group,
            group_axes.astype(np.int8),
            group_normal.astype(np.float32),
            face_group[cell_face],
            cell_voxel[:num].copy(),
            np.full((num, 8), NOT_LINKED, dtype=np.int32),
            table_keys,
            table_cells,
            origin_m,
        )

    def stencils(
        self, points: np.ndarray, faces: np.ndarray, cells: np.ndarray, weights: np.ndarray
    ) -> None:
        """Find the four cells around points [n, 3] on faces [n], and their weights.

        Fills `cells` i32 [n, 4] and `weights` f32 [n, 4], which sum to 1; cells are all -1 where
        a face is negative.
        """
        kernels.stencils(
            points,
            faces,
            self.face_group,
            self.face_normal,
            self.group_axes,
            self.group_normal,
            self.cell_group,
            self.cell_voxel,
            self.normal,
            self.neighbours,
            self.table_keys,
            self.table_cells,
            self.origin_m,
            CELL_M,
            cells,
            weights,
        )

    def link(self, cells: np.ndarray) -> None:
        """Find the neighbours of cells [n]."""
        kernels.link(
            cells,
            self.group_axes,
            self.group_normal,
            self.cell_group,
            self.cell_voxel,
            self.normal,
            self.neighbours,
            self.table_keys,
            self.table_cells,
        )


def _groups(instance: np.ndarray, face_normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the group i32 [f] of each face, and the rounded unit normal [g, 3] of each group.

    Groups of an instance are numbered in a row: group = first of instance + normal bucket.
    """
    sign = np.sign(face_normal) * (np.abs(face_normal) > _NORMAL_THRESHOLD)
    bucket = ((sign + 1) @ [9, 3, 1]).astype(np.int64)
    _, number = np.unique(instance, return_inverse=True)
    group = (number * _NUM_NORMAL_BUCKETS + bucket).astype(np.int32)
    steps = np.arange(_NUM_NORMAL_BUCKETS)
    normals = np.stack([steps // 9 - 1, steps // 3 % 3 - 1, steps % 3 - 1], axis=1)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return group, np.tile(normals, (int(number.max(initial=0)) + 1, 1))
