"""A shard of posed views: what every source becomes, and what every later stage reads.

`{shard}.zarr` holds `rgb` u8[view, y, x, 3], `depth_m` f32[view, y, x] (planar z, NaN = nothing
hit), `instance` u16[view, y, x] (0 = none), `intrinsics` f64[view, 3, 3] and
`world_from_camera` f64[view, 4, 4] (OpenCV camera; world right-handed, Z up, metres). Where views
have bars (photos of many sizes in one frame), the attribute `content_px` says where the picture
lies: [x0, y0, x1, y1] of each view, ends exclusive; bars have no depth and no instance. Beside it
lie the tables `{shard}.views.parquet`, `{shard}.objects.parquet`, `{shard}.visibility.parquet`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import (
    ShardWriter,
    atomic_write,
    open_shard,
    read_array,
    read_table,
)
from workflow_scripts.geometry.cameras import Camera

ArrayLayout = Mapping[str, tuple[str, tuple[str, ...], dict[str, str]]]
ARRAYS: ArrayLayout = {
    "rgb": ("uint8", ("view", "y", "x", "channel"), {"unit": "sRGB"}),
    "depth_m": ("float32", ("view", "y", "x"), {"unit": "m", "meaning": "planar z, NaN no hit"}),
    "instance": ("uint16", ("view", "y", "x"), {"meaning": "instance in objects table, 0 none"}),
    "intrinsics": ("float64", ("view", "row", "column"), {"unit": "px"}),
    "world_from_camera": (
        "float64",
        ("view", "row", "column"),
        {"unit": "m", "frame": "world right-handed Z up from OpenCV camera"},
    ),
}


def table_path(zarr_path: Path, name: str) -> Path:
    """Return the path of a table that lies beside a shard: `x.zarr` -> `x.{name}.parquet`."""
    return zarr_path.with_name(f"{zarr_path.name.removesuffix('.zarr')}.{name}.parquet")


def sibling_path(out: Path, ending: str) -> Path:
    """Return the path of a file beside a shard: `x.zarr` -> `x.{ending}`."""
    return out.with_name(f"{out.name.removesuffix('.zarr')}.{ending}")


def write_views(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    *,
    attributes: Mapping[str, Any],
    extra_arrays: ArrayLayout | None = None,
) -> None:
    """Write the Zarr group of a view shard whole.

    `arrays` has exactly the keys of `ARRAYS` and of `more`, the arrays that a kind of source adds.
    """
    layout = {**ARRAYS, **(extra_arrays or {})}
    if set(arrays) != set(layout):
        raise ValueError(f"arrays {sorted(arrays)} must be {sorted(layout)}")
    with atomic_write(path, checksum=True) as partial:
        writer = ShardWriter(partial, {"schema_version": 1, **attributes})
        for name, (dtype, dims, notes) in layout.items():
            values = np.ascontiguousarray(arrays[name], dtype=dtype)
            small = not ({"y", "x"} & set(dims))
            writer.add(
                name,
                values,
                dims=dims,
                attributes=notes,
                rows_per_chunk=len(values) if small else 1,
            )


@dataclass(frozen=True)
class ViewShard:
    """A view shard opened for reading. Arrays are read per view, tables once.

    With an estimator's group (`depth`), depth and cameras are what the stage `depth` found; all
    else is the shard's own.
    """

    path: Path
    group: zarr.Group
    depth: zarr.Group | None = None

    @classmethod
    def open(cls, path: Path, *, depth: Path | None = None) -> "ViewShard":
        """Open `{shard}.zarr`; `UserError` if it is missing or damaged.

        `depth` is the group of an estimator; the shard itself, or None, means its own depth.
        """
        group = open_shard(path)
        if depth is None or depth.resolve() == path.resolve():
            return cls(path, group)
        estimate = open_shard(depth)
        view_shape = group["rgb"].shape[:3]  # type: ignore[union-attr]
        if "depth_m" not in estimate:
            raise UserError(
                f"{depth}: no array 'depth_m'. Remove the folder and run its rule again."
            )
        depth_shape = estimate["depth_m"].shape  # type: ignore[union-attr]
        if depth_shape != view_shape:
            raise UserError(
                f"{depth}: depth_m has shape {depth_shape}, the views of {path} need {view_shape}. "
                "Remove the folder and run its rule again."
            )
        return cls(path, group, estimate)

    def __len__(self) -> int:
        return int(self.group["rgb"].shape[0])  # type: ignore[union-attr]

    @property
    def image_shape(self) -> tuple[int, int]:
        """Return (height, width) of every view in pixels."""
        height, width = self.group["rgb"].shape[1:3]  # type: ignore[union-attr]
        return int(height), int(width)

    @cached_property
    def views(self) -> pd.DataFrame:
        """Rows of `ViewRow`; row number equals `view`."""
        return read_table(table_path(self.path, "views"))

    @cached_property
    def objects(self) -> pd.DataFrame:
        """Rows of `ObjectRow`; (scene_id, instance) is the key."""
        return read_table(table_path(self.path, "objects"))

    @cached_property
    def visibility(self) -> pd.DataFrame:
        """Rows of `VisibilityRow`; (view, instance) is the key."""
        return read_table(table_path(self.path, "visibility"))

    def rgb(self, view: int) -> np.ndarray:
        """Return u8 [height, width, 3], sRGB."""
        return read_array(self.group, "rgb", view)

    def depth_m(self, view: int) -> np.ndarray:
        """Return f32 [height, width], planar z in metres, NaN where nothing was hit."""
        return read_array(self.group if self.depth is None else self.depth, "depth_m", view)

    def instance(self, view: int) -> np.ndarray:
        """Return u16 [height, width], 0 = none."""
        return read_array(self.group, "instance", view)

    def content(self, view: int) -> tuple[slice, slice]:
        """Return the (rows, columns) of a view that are picture; the rest is bars."""
        boxes = self.group.attrs.get("content_px")
        if boxes is None:
            return slice(None), slice(None)
        x0, y0, x1, y1 = boxes[view]  # type: ignore[index, misc]
        return slice(y0, y1), slice(x0, x1)

    @cached_property
    def _intrinsics(self) -> np.ndarray:
        is_known = self.depth is not None and "intrinsics" in self.depth
        return read_array(self.depth if is_known else self.group, "intrinsics")  # type: ignore[arg-type]

    @cached_property
    def _world_from_camera(self) -> np.ndarray:
        return read_array(self.group, "world_from_camera")

    def camera(self, view: int) -> Camera:
        """Return the camera of a view."""
        height, width = self.group["rgb"].shape[1:3]  # type: ignore[union-attr]
        return Camera(width, height, self._intrinsics[view], self._world_from_camera[view])
