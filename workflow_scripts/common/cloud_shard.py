"""A shard of fused point clouds: one cloud per scene, laid one after the other.

`{shard}.zarr` holds `point_m` f32[point, 3], `colour` u8[point, 3], `instance` u16[point]
(0 = none), `normal` f32[point, 3] if it was asked for, and `scene_start` i64[scene + 1]: the
points of scene number s are `scene_start[s]:scene_start[s + 1]`, sorted by instance. The
attribute `scenes` has one entry per scene (`SceneCloud`). `{shard}.boxes.parquet` (rows of
`records.BoxRow`) has the box of every instance as the cloud shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr
from pydantic import BaseModel, ConfigDict, Field

from workflow_scripts.common.errors import UserError, allowed_values
from workflow_scripts.common.storage import (
    ShardWriter,
    arrays_by_name,
    atomic_write,
    open_shard,
    read_array,
    read_table,
)
from workflow_scripts.common.view_shard import table_path


class Floor(BaseModel):
    """The floor plane `normal . p = offset_m` of a cloud in the world frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    normal: tuple[float, float, float] = Field(description="unit vector, away from the ground")
    offset_m: float
    inlier_share: float = Field(description="points within the tolerance, of all points")
    rms_m: float = Field(description="root mean square distance of the inliers")
    gravity_from_world: list[list[float]] = Field(
        description="pose [4, 4]: z along the normal, 0 on the floor; heading of world +Y kept"
    )


class SceneCloud(BaseModel):
    """What the attributes of a shard say about one scene."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scene_id: str
    split: str
    num_views: int
    num_pixels: int = Field(description="pixels with depth that went into the cloud")
    floor: Floor | None = Field(description="None: no plane passed as a floor")
    skipped: str = Field(default="", description="why it has no cloud; left out where it has one")


@dataclass(frozen=True)
class Cloud:
    """Points of one scene; `normal` is None if normals were not asked for.

    `point_m` f32 [n, 3] in world metres, `colour` u8 [n, 3] sRGB, `instance` u16 [n],
    `normal` f32 [n, 3] unit, towards the camera.
    """

    point_m: np.ndarray
    colour: np.ndarray
    instance: np.ndarray
    normal: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.point_m)

    def select(self, mask: np.ndarray) -> "Cloud":
        """Return the points of a mask [n] or index array."""
        normal = None if self.normal is None else self.normal[mask]
        return Cloud(self.point_m[mask], self.colour[mask], self.instance[mask], normal)


def empty_cloud(*, normals: bool) -> Cloud:
    """Return the cloud of a scene that has none."""
    points = np.zeros((0, 3), np.float32)
    return Cloud(
        points, np.zeros((0, 3), np.uint8), np.zeros(0, np.uint16), points if normals else None
    )


def write_clouds(
    path: Path,
    clouds: Sequence[Cloud],
    scenes: Sequence[SceneCloud],
    *,
    source: str,
    voxel_m: float,
    normals: bool,
) -> None:
    """Write the Zarr group of a shard whole; `clouds` and `scenes` go in pairs.

    Points are stored as plain bytes in one chunk, so that a scene is read by its offset: zstd
    would save little of float32 coordinates and cost most of the speed.
    """
    start = np.cumsum([0, *(len(cloud) for cloud in clouds)]).astype(np.int64)
    attributes = {
        "schema_version": 1,
        "source": source,
        "voxel_m": voxel_m,
        "frame": "world right-handed Z up",
        "scenes": [
            scene.model_dump(mode="json", exclude=None if scene.skipped else {"skipped"})
            for scene in scenes
        ],
    }

    def joined(name: str, empty: np.ndarray) -> np.ndarray:
        return np.concatenate([getattr(cloud, name) for cloud in clouds] or [empty])

    rows = {"rows_per_chunk": int(start[-1]), "compression_level": 0}
    vector = ("point", "axis")
    with atomic_write(path, checksum=True) as partial:
        writer = ShardWriter(partial, attributes)
        writer.add(
            "point_m",
            joined("point_m", np.zeros((0, 3), np.float32)),
            dims=vector,
            attributes={"unit": "m", "frame": "world"},
            **rows,
        )
        writer.add(
            "colour",
            joined("colour", np.zeros((0, 3), np.uint8)),
            dims=("point", "channel"),
            attributes={"unit": "sRGB"},
            **rows,
        )
        writer.add(
            "instance",
            joined("instance", np.zeros(0, np.uint16)),
            dims=("point",),
            attributes={"meaning": "instance in objects table, 0 none"},
            **rows,
        )
        if normals:
            writer.add(
                "normal",
                joined("normal", np.zeros((0, 3), np.float32)),
                dims=vector,
                attributes={"frame": "world", "meaning": "unit vector towards the camera"},
                **rows,
            )
        writer.add(
            "scene_start",
            start,
            dims=("scene_edge",),
            rows_per_chunk=len(start),
            compression_level=0,
        )


@dataclass(frozen=True)
class CloudShard:
    """A cloud shard opened for reading."""

    path: Path
    group: zarr.Group

    @classmethod
    def open(cls, path: Path) -> "CloudShard":
        """Open `{shard}.zarr`; `UserError` if it is missing or damaged."""
        return cls(path, open_shard(path))

    def __len__(self) -> int:
        return len(self.scenes)

    @cached_property
    def scenes(self) -> list[SceneCloud]:
        """What is known of each scene, in the order of their points."""
        return [SceneCloud.model_validate(entry) for entry in self.group.attrs["scenes"]]  # type: ignore[union-attr]

    @cached_property
    def _arrays(self) -> "dict[str, zarr.Array[Any]]":
        return arrays_by_name(self.group)

    @cached_property
    def scene_start(self) -> np.ndarray:
        """Return i64 [scene + 1]."""
        return read_array(self._arrays, "scene_start")

    @cached_property
    def boxes(self) -> pd.DataFrame:
        """Rows of `records.BoxRow`; (scene_id, instance) is the key."""
        return read_table(table_path(self.path, "boxes"))

    @property
    def num_points(self) -> int:
        """Return the number of points of all scenes."""
        return int(self._arrays["point_m"].shape[0])

    @property
    def has_normals(self) -> bool:
        return "normal" in self._arrays

    def number(self, scene_id: str) -> int:
        """Return the number of a scene; `UserError` lists those of the shard."""
        ids = [scene.scene_id for scene in self.scenes]
        if scene_id not in ids:
            raise UserError(f"{self.path}: no scene {scene_id!r}; {allowed_values(scene_id, ids)}")
        return ids.index(scene_id)

    def cloud(self, number: int) -> Cloud:
        """Read the cloud of scene number `number`."""
        part = slice(*map(int, self.scene_start[number : number + 2]))
        return Cloud(
            read_array(self._arrays, "point_m", part),
            read_array(self._arrays, "colour", part),
            read_array(self._arrays, "instance", part),
            read_array(self._arrays, "normal", part) if self.has_normals else None,
        )
