"""Points on the surfaces of a scan's room or house, against which coverage is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from workflow_scripts.common.storage import write_table
from workflow_scripts.geometry.unique_rows import row_keys

SPACING_M = 0.05
_MARGIN_M = 0.02
"""Walls stand on the edge of their room's floor."""


@dataclass(frozen=True)
class SurfacePoints:
    """Points f32 [n, 3] of a scene, one in each cube of `SPACING_M` that its surfaces pass."""

    scene_id: str
    points_m: np.ndarray

    @classmethod
    def of_triangles(
        cls, scene_id: str, triangles: np.ndarray, area: BaseGeometry
    ) -> "SurfacePoints":
        """Sample triangles [t, 3, 3] above an area of the floor."""
        inside = area.buffer(_MARGIN_M)
        shapely.prepare(inside)
        low_x, low_y, high_x, high_y = inside.bounds
        low, high = triangles[..., :2].min(axis=1), triangles[..., :2].max(axis=1)
        is_near = (high >= (low_x, low_y)).all(axis=1) & (low <= (high_x, high_y)).all(axis=1)
        points = sample_triangles(triangles[is_near].astype(np.float64), SPACING_M)
        points = points[shapely.contains_xy(inside, points[:, 0], points[:, 1])]
        # A hair above a multiple lies in the next cube; rounding first keeps planes in one.
        cubes = np.floor(np.round(points / SPACING_M, 4)).astype(np.int64)
        _, first = np.unique(row_keys(cubes), return_index=True)
        return cls(scene_id, points[np.sort(first)].astype(np.float32))


def sample_triangles(triangles: np.ndarray, spacing_m: float) -> np.ndarray:
    """Return points [n, 3] on triangles [t, 3, 3], corners included, no farther apart than asked.

    An edge is cut into equal parts of at most `spacing_m`.
    """
    edges = triangles - np.roll(triangles, 1, axis=1)
    longest = np.linalg.norm(edges, axis=2).max(axis=1, initial=0.0)
    parts = np.maximum(1, np.ceil(longest / spacing_m)).astype(int)
    sampled = [np.empty((0, 3))]
    for count in np.unique(parts):
        i, j = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        is_inside = i + j <= count
        a, b = i[is_inside] / count, j[is_inside] / count
        weights = np.stack([1 - a - b, a, b], axis=1)
        sampled.append((weights @ triangles[parts == count]).reshape(-1, 3))
    return np.concatenate(sampled)


def write_surface_points(path: Path, scenes: Sequence[SurfacePoints]) -> None:
    """Write the points of a shard's scenes as one table."""
    points = np.concatenate([np.empty((0, 3), np.float32), *(scene.points_m for scene in scenes)])
    names = [scene.scene_id for scene in scenes]
    columns = {
        "scene_id": pd.Series(
            np.repeat(names, [len(scene.points_m) for scene in scenes]) if names else [],
            dtype="str",
        ),
        **{f"{axis}_m": points[:, index] for index, axis in enumerate("xyz")},
    }
    write_table(path, pd.DataFrame(columns))
