"""Write a record of every view of a shard of houses: the room, its camera, what the view shows.

The picture of a record is `{shard}.room_images/{view_id}.jpg`, named relative to `results/vqa`.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_marks import mark_pixel
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Caption, Scene, SkippedItem
from workflow_scripts.common.storage import atomic_write, read_records, write_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.vqa import RoomRecordSettings
from workflow_scripts.geometry.cameras import (
    Camera,
    FloatArray,
    rotation_about_up,
    transform,
)
from workflow_scripts.layouts.house_rooms import HouseRooms, room_of_house
from workflow_scripts.layouts.room_record import RoomObject, RoomRecord
from workflow_scripts.layouts.room_table import write_rooms
from workflow_scripts.sources.readers.procthor_assets import assets
from workflow_scripts.vqa.drawing import save_jpeg

log = logging.getLogger(__name__)
DEFAULT = RoomRecordSettings()
_LEVEL = 1e-9


@dataclass(frozen=True)
class ShardRooms:
    """A shard of views of houses, and all that its records are made of.

    Attributes:
        shard: views, tables, arrays.
        houses: house JSON by scene id.
        phrases: caption by asset id.
        settings: when an object counts as visible.
    """

    shard: ViewShard
    houses: Mapping[str, dict[str, Any]]
    phrases: Mapping[str, str]
    settings: RoomRecordSettings

    @cached_property
    def _objects(self) -> dict[str, pd.DataFrame]:
        """Return the furniture and small objects by scene."""
        rows = self.shard.objects
        return dict(tuple(rows[rows["kind"] == "object"].groupby("scene_id", sort=False)))

    @cached_property
    def _visibility(self) -> dict[int, pd.DataFrame]:
        """Return what each view shows, by instance."""
        rows = self.shard.visibility
        return {int(view): part.set_index("instance") for view, part in rows.groupby("view")}

    @cached_property
    def _house_rooms(self) -> dict[str, HouseRooms]:
        return {}

    def house_rooms(self, scene_id: str) -> HouseRooms:
        """Return a scene's rooms; they are read once."""
        if scene_id not in self._house_rooms:
            house = self.houses.get(scene_id)
            if house is None:
                raise UserError(f"the shard of scenes has no house {scene_id!r}")
            self._house_rooms[scene_id] = HouseRooms.read(house)
        return self._house_rooms[scene_id]

    def record(self, row: Any, *, image: str) -> RoomRecord:
        """Return the record of a view, a row of the views table."""
        house_rooms = self.house_rooms(row.scene_id)
        room = room_of_house(house_rooms, row.room_id)
        camera = self.shard.camera(row.view)
        room_walls = house_rooms.room_walls(row.room_id)
        k = camera.intrinsics
        return RoomRecord(
            source=row.source,
            scene_id=row.scene_id,
            split=row.split,
            room_id=row.room_id,
            room_type=row.room_type,
            view=row.view,
            view_id=row.view_id,
            policy=row.policy,
            image=image,
            width_px=camera.width_px,
            height_px=camera.height_px,
            intrinsics=(float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2])),
            world_from_camera=tuple(camera.world_from_camera.ravel().tolist()),
            camera_height_m=float(camera.position_m[2]),
            yaw_deg=row.yaw_deg,
            pitch_deg=row.pitch_deg,
            vertical_fov_deg=row.vertical_fov_deg,
            floor_z_m=0.0,
            floor_polygon_m=tuple((float(x), float(y)) for x, y in room.polygon_m),
            ceiling_height_m=room.height_m,
            floor_material=house_rooms.floor_materials.get(row.room_id, ""),
            walls=room_walls,
            openings=house_rooms.room_openings(row.room_id, room_walls),
            objects=tuple(self._objects_of(row, house_rooms, camera)),
        )

    def _objects_of(
        self, row: Any, house_rooms: HouseRooms, camera: Camera
    ) -> Iterator[RoomObject]:
        """Yield the objects of the view's room, in the order of the house."""
        objects = self._objects.get(row.scene_id)
        if objects is None:
            return
        visibility = self._visibility.get(row.view)
        masks, depth_m = self.shard.instance(row.view), self.shard.depth_m(row.view)
        for item in objects[objects["room_id"] == row.room_id].itertuples(index=False):
            rotation, size_m = _pose(item, house_rooms.rotations.get(item.object_id))
            seen: dict[str, Any] = {"pixels": 0, "fraction_visible": 0.0, "is_visible": False}
            seen |= {"truncated": False, "box_px": None, "nearest_m": float("nan")}
            if visibility is not None and item.instance in visibility.index:
                shown = visibility.loc[item.instance]
                seen = self._visibility_fields(shown)
                window = (slice(int(shown.y0), int(shown.y1)), slice(int(shown.x0), int(shown.x1)))
                mark = surface_mark(masks == item.instance, depth_m, camera, window)
                if mark is not None:
                    seen |= {"mark_px": mark[0], "mark_m": mark[1]}
            yield RoomObject(
                object_id=item.object_id,
                instance=item.instance,
                category=item.category,
                asset_id=item.asset_id,
                phrase=self.phrases.get(item.asset_id, ""),
                parent_id=item.parent_id,
                centre_m=(item.x_m, item.y_m, item.z_m),
                size_m=size_m,
                rotation=tuple(rotation.ravel().tolist()),
                yaw_deg=item.yaw_deg,
                **seen,
            )

    def _visibility_fields(self, shown: Any) -> dict[str, Any]:
        enough = (
            shown.pixels >= self.settings.min_pixels
            and shown.fraction_visible >= self.settings.min_fraction_visible
        )
        return {
            "is_visible": bool(enough),
            "pixels": int(shown.pixels),
            "fraction_visible": float(shown.fraction_visible),
            "truncated": bool(shown.truncated),
            "box_px": (float(shown.x0), float(shown.y0), float(shown.x1), float(shown.y1)),
            "nearest_m": float(shown.nearest_m),
        }


def surface_mark(
    mask: np.ndarray, depth_m: np.ndarray, camera: Camera, window: tuple[slice, slice]
) -> tuple[tuple[float, float], tuple[float, float, float]] | None:
    """Return a pixel deep inside a mask and the world point of the surface under it.

    Args:
        mask: u8 or bool [height, width], the object's pixels.
        depth_m: planar depth [height, width], NaN where nothing was hit.
        camera: camera of both.
        window: rows and columns outside of which the mask is empty.

    The pixel is the centre of one that has depth; None if no pixel of the mask has.
    """
    usable = mask[window] & np.isfinite(depth_m[window])
    if not usable.any():
        return None
    u, v = mark_pixel(usable)
    u, v = u + window[1].start, v + window[0].start
    k = camera.intrinsics
    z = float(depth_m[int(v), int(u)])
    point = np.array([(u - k[0, 2]) / k[0, 0] * z, (v - k[1, 2]) / k[1, 1] * z, z])
    x, y, z = transform(camera.world_from_camera, point).tolist()
    return (u, v), (x, y, z)


def _pose(
    item: Any, house_rotation: FloatArray | None
) -> tuple[FloatArray, tuple[float, float, float]]:
    """Return world_from_object [3, 3] and the size of an object's box.

    The row of an object that is tilted has a box around it with the same yaw; here it is its own.
    """
    size_m = (item.width_m, item.depth_m, item.height_m)
    is_tilted = house_rotation is not None and abs(house_rotation[2, 2] - 1) > _LEVEL
    if not is_tilted or item.asset_id not in assets():
        return rotation_about_up(item.yaw_deg), size_m
    assert house_rotation is not None
    return house_rotation, assets()[item.asset_id].size_m


def read_phrases(path: Path) -> dict[str, str]:
    """Return the caption of each asset that has one, from a file of captions."""
    return {
        caption.asset_id: caption.text
        for caption in read_records(path, Caption)
        if caption.kind == "asset" and caption.text
    }


def main(
    *,
    scenes: Path,
    views: Path,
    out: Path,
    images: Path,
    skipped: Path,
    settings: RoomRecordSettings = DEFAULT,
    captions: Path | None = None,
) -> None:
    """Write the room records of a shard.

    Args:
        scenes: JSON lines of houses, `results/scenes/{source}/{shard}.jsonl`.
        views: the shard, `results/views/{source}/{shard}.zarr`.
        out: table of records, `{shard}.rooms.parquet`.
        images: folder for the pictures; records name them relative to its grandparent.
        skipped: views without a record, and why, one a line.
        settings: when an object counts as visible.
        captions: captions of assets, which become the objects' phrases.
    """
    shard = ViewShard.open(views)
    rooms_of_shard = ShardRooms(
        shard,
        {scene.scene_id: scene.house for scene in read_records(scenes, Scene) if scene.house},
        read_phrases(captions) if captions is not None else {},
        settings,
    )
    prefix = f"{images.resolve().parent.name}/{images.name}"
    records, problems, errors = [], [], ItemErrors()
    with atomic_write(images, checksum=True) as folder:
        folder.mkdir()
        for row in progress(shard.views.itertuples(index=False), desc="views", total=len(shard)):
            try:
                record = rooms_of_shard.record(row, image=f"{prefix}/{row.view_id}.jpg")
                save_jpeg(folder / f"{row.view_id}.jpg", shard.rgb(row.view))
            except Exception as error:
                problems.append(
                    SkippedItem(
                        source=row.source,
                        scene_id=row.scene_id,
                        item=row.view_id,
                        reason=errors.reason(error, row.view_id),
                    )
                )
                continue
            records.append(record)
        errors.require_some(len(records))
    if problems and not records:
        raise UserError(f"{views}: no view has a record: {problems[0].reason}")
    write_records(skipped, problems)
    write_rooms(out, records)
    log.info("%d rooms and views, %d left out", len(records), len(problems))


if __name__ == "__main__":
    run(main)
