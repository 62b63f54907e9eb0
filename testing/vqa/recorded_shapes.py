"""Shapes as the tables of a view shard have them, for the oracle where no mesh is at hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely import MultiPoint

from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard, table_path


@dataclass(frozen=True, eq=False)
class RecordedShape:
    """What is recorded of an object as a view shows it; the methods are those of `DrawnMesh`."""

    instance: int
    outline: np.ndarray
    volume_m3: float
    distance_m: float
    gaps: dict[tuple[int, int], Any]

    @property
    def corners(self) -> np.ndarray:
        return np.column_stack([self.outline, np.zeros(len(self.outline))])

    @property
    def footprint_m2(self) -> float:
        return float(MultiPoint(self.outline).convex_hull.area)

    def nearest_m(self, point: np.ndarray) -> float:
        return self.distance_m

    def _pair(self, other: "RecordedShape") -> Any:
        return self.gaps[min(self.instance, other.instance), max(self.instance, other.instance)]

    def gap_m(self, other: "RecordedShape") -> float:
        return float(self._pair(other).gap_m)

    def share_inside(self, other: "RecordedShape") -> float:
        pair = self._pair(other)
        return float(pair.share_a_in_b if pair.instance_a == self.instance else pair.share_b_in_a)


class RecordedShapes:
    """The recorded shapes of a shard."""

    def __init__(self, shard: ViewShard) -> None:
        self._gaps: dict[str, dict[tuple[int, int], Any]] = {}
        if (shard.objects["outline"] != "").any():
            for row in read_table(table_path(shard.path, "surface_gaps")).itertuples():
                pairs = self._gaps.setdefault(row.scene_id, {})
                pairs[row.instance_a, row.instance_b] = row

    def of(self, row: Any, seen: Any) -> RecordedShape | None:
        """Return the shape of an object's row as a row of visibility has it; None for boxes."""
        if not row.outline:
            return None
        outline = np.array(row.outline.split(), dtype=np.float64).reshape(-1, 2)
        gaps = self._gaps.get(row.scene_id, {})
        return RecordedShape(row.instance, outline, row.hull_volume_m3, seen.nearest_m, gaps)
