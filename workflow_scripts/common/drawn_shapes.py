"""What the views of a shard know of the drawn surfaces of its objects, read once."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard, table_path
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.outline import outline_area_m2, parse_outline


class DrawnShapes:
    """Outlines, volumes and gaps of what is drawn.

    `objects` are rows of `ObjectRow`. Structure (walls, doors) has no shape of its own here: its
    boxes stand for it.
    """

    def __init__(self, shard: ViewShard) -> None:
        """Read the shapes of a shard whose objects have them."""
        self._path = table_path(shard.path, "surface_gaps")
        rows = read_table(self._path)
        ends = zip(rows["scene_id"], rows["instance_a"], rows["instance_b"], strict=True)
        names = ("gap_m", "share_a_in_b", "share_b_in_a")
        values = rows[list(names)].to_numpy(np.float64).tolist()
        self._pairs: dict[tuple[str, int, int], list[float]] = dict(zip(ends, values, strict=True))
        self._outlines: dict[str, FloatArray] = {}

    @classmethod
    def of_shard(cls, shard: ViewShard) -> Self | None:
        """Return the shapes of a shard, None where only boxes are known."""
        objects = shard.objects
        if "outline" not in objects.columns:
            return None
        outlines = objects.loc[objects["kind"] == "object", "outline"]
        return cls(shard) if len(outlines) and (outlines != "").all() else None

    def outline_m(self, row: Any) -> FloatArray:
        """Return the outline [k, 2] of an object in the world, no corner of structure."""
        if row.outline not in self._outlines:
            self._outlines[row.outline] = parse_outline(row.outline)
        return self._outlines[row.outline]

    def footprints_m2(self, objects: Sequence[Any], footprint_m2: FloatArray) -> FloatArray:
        """Return footprints [n] with those of drawn outlines put in."""
        return np.array(
            [
                outline_area_m2(self.outline_m(row)) if row.outline else box_m2
                for row, box_m2 in zip(objects, footprint_m2.tolist(), strict=True)
            ]
        )

    def volumes_m3(self, objects: Sequence[Any], volumes_m3: FloatArray) -> FloatArray:
        """Return volumes [n, 3] with those of hull and closed surface put in."""
        volumes_m3 = volumes_m3.copy()
        for place, row in enumerate(objects):
            if row.hull_volume_m3 > 0:
                volumes_m3[place, 0] = row.hull_volume_m3
                volumes_m3[place, 1] = row.solid_volume_m3 or row.hull_volume_m3
        return volumes_m3

    def pairs(
        self, objects: Sequence[Any], gap_m: FloatArray, inside_share: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return gaps [n, n] and shares inside [n, n] with those of drawn surfaces put in."""
        gap_m, inside_share = gap_m.copy(), inside_share.copy()
        drawn = [place for place, row in enumerate(objects) if row.outline]
        for a, b in combinations(sorted(drawn, key=lambda place: objects[place].instance), 2):
            key = (objects[a].scene_id, objects[a].instance, objects[b].instance)
            if key not in self._pairs:
                raise UserError(
                    f"{self._path} has no gap of instances {key[1]} and {key[2]} of {key[0]}; "
                    "remove the shard and run its rule again"
                )
            gap_m[a, b], inside_share[a, b], inside_share[b, a] = self._pairs[key]
            gap_m[b, a] = gap_m[a, b]
        return gap_m, inside_share
