"""Draw rebuilt rooms, each from the camera of the picture that it was rebuilt from.

The result is a shard of views as any other, whose scenes are called as the views that were shown:
`rebuilt.zarr` with its tables, and `rebuilt.skipped.jsonl` with the rooms that cannot be drawn.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Scene, ViewRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records
from workflow_scripts.config.views import RendererSettings
from workflow_scripts.geometry.cameras import Camera, yaw_pitch_deg
from workflow_scripts.layouts.rebuilt_view import RebuiltView
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.render import RenderedRows
from workflow_scripts.views.renderer import EngineError, Renderer
from workflow_scripts.views.shard import open_renderer, write
from workflow_scripts.views.visibility import visibility_rows

logger = logging.getLogger(__name__)
DEFAULT = RendererSettings(preset="draft")


def camera_of(room: RebuiltView) -> Camera:
    """Return the camera of a rebuilt room."""
    fx, fy, cx, cy = room.intrinsics
    return Camera(
        room.width_px,
        room.height_px,
        np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]),
        np.array(room.world_from_camera).reshape(4, 4),
    )


def render_rooms(
    rooms: Sequence[RebuiltView], renderer: Renderer, spool: FrameSpool, *, seed: int
) -> RenderedRows:
    """Draw rooms; one that cannot be drawn becomes a `SkippedItem` row."""
    rendered_rows = RenderedRows(spool)
    errors = ItemErrors()
    for room in progress(rooms, desc="rooms"):
        scene = Scene(
            source=room.source,
            scene_id=room.view_id,
            split=room.split,
            origin=f"rebuilt from a picture of {room.scene_id}",
            house=room.house,
        )
        if room.house is None:
            rendered_rows.skip(scene, "room", room.skipped or "there is no house")
            continue
        start = len(spool)
        try:
            _render_room(room, scene, renderer, rendered_rows, seed=seed)
        except EngineError:
            raise
        except Exception as error:
            spool.truncate(start)
            rendered_rows.skip(scene, "room", errors.reason(error, room.view_id))
    errors.require_some(len(spool))
    return rendered_rows


def _render_room(
    room: RebuiltView, scene: Scene, renderer: Renderer, rendered_rows: RenderedRows, *, seed: int
) -> None:
    assert scene.house is not None
    camera = camera_of(room)
    house = renderer.load(scene.house, scene_id=scene.scene_id)
    generator = rng(seed, "rebuilt", room.view_id)
    frame = house.render(camera, seed=int(generator.integers(2**31)))
    view = rendered_rows.spool.add(frame, camera)
    visible = visibility_rows(view, camera, frame.depth_m, frame.instance, house.objects)
    objects = {row.instance for row in house.objects if row.kind == "object"}
    yaw_deg, pitch_deg = yaw_pitch_deg(camera.world_from_camera)
    rendered_rows.views.append(
        ViewRow(
            view=view,
            view_id=room.view_id,
            scene_id=room.view_id,
            source=room.source,
            split=room.split,
            room_id=room.room_id,
            room_type=room.room_type,
            policy=room.policy,
            yaw_deg=yaw_deg,
            pitch_deg=pitch_deg,
            vertical_fov_deg=camera.vertical_fov_deg,
            num_visible_objects=sum(row.instance in objects for row in visible),
            is_best=True,
        )
    )
    rendered_rows.visibility += visible
    rendered_rows.objects += house.objects


def main(*, rooms: Path, out: Path, seed: int, settings: RendererSettings = DEFAULT) -> None:
    """Draw rebuilt rooms.

    Args:
        rooms: JSON lines of `RebuiltView` records, all with pictures of one size.
        out: the Zarr group to write; tables lie beside it.
        seed: the workflow's seed.
        settings: the simulator.
    """
    records = read_records(rooms, RebuiltView)
    sizes = {(room.width_px, room.height_px) for room in records}
    if len(sizes) != 1:
        found = ", ".join(f"{width} x {height}" for width, height in sorted(sizes)) or "no picture"
        raise UserError(f"{rooms}: pictures of {found}; all must have one size")
    ((width_px, height_px),) = sizes
    size = {"width_px": width_px, "height_px": height_px}
    with open_renderer(out, settings, **size) as (renderer, spool):
        rendered_rows = render_rooms(records, renderer, spool, seed=seed)
        if not rendered_rows.views:
            reasons = most_common_reasons(item.reason for item in rendered_rows.skipped)
            raise UserError(f"{rooms}: no room can be drawn: {reasons}")
        attributes = {"seed": seed}
        write(out, rendered_rows, records[0].source, settings, renderer, attributes=attributes)
    logger.info("%d rooms drawn, %d left out", len(rendered_rows.views), len(rendered_rows.skipped))


if __name__ == "__main__":
    run(main)
