"""Draw views of a shard again with another focal length, from the same cameras.

The result is a shard of views as any other. Nothing but K differs: where a camera stands, what it
looks at and the size of the picture stay. The id of a view ends in "-f" and the percentage.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError, most_common_reasons
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Scene, ViewRow
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.views import FocalViewSettings
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.frame_spool import FrameSpool
from workflow_scripts.views.render import RenderedRows
from workflow_scripts.views.renderer import EngineError, LoadedHouse, Renderer
from workflow_scripts.views.shard import open_renderer, write
from workflow_scripts.views.visibility import visibility_rows

logger = logging.getLogger(__name__)
DEFAULT = FocalViewSettings()
FROM_ABOVE = "top_down"


def scaled_camera(camera: Camera, factor: float) -> Camera:
    """Return a camera whose focal lengths are `factor` times as long."""
    k = camera.intrinsics * np.array([[factor, 1, 1], [1, factor, 1], [1, 1, 1]])
    return Camera(camera.width_px, camera.height_px, k, camera.world_from_camera)


def render_focal(
    shard: ViewShard,
    scenes: Sequence[Scene],
    renderer: Renderer,
    spool: FrameSpool,
    *,
    percent: int,
    split: str,
    min_pixels: int,
    seed: int,
) -> RenderedRows:
    """Draw the views of a split, but those from above; what fails becomes a `SkippedItem` row."""
    rendered_rows = RenderedRows(spool)
    errors = ItemErrors()
    rows = shard.views
    rows = rows[(rows["split"] == split) & (rows["policy"] != FROM_ABOVE)]
    houses = {scene.scene_id: scene for scene in scenes}
    for scene_id, views in progress(rows.groupby("scene_id", sort=False), desc="houses"):
        start = len(spool)
        scene = houses.get(str(scene_id))
        if scene is None or scene.house is None:
            raise UserError(f"{shard.path}: house {scene_id} is not in the file of scenes")
        try:
            house = renderer.load(scene.house, scene_id=scene.scene_id)
            rendered = [
                _render_view(shard, row, house, spool, percent, min_pixels, seed)
                for row in views.itertuples(index=False)
            ]
        except EngineError:
            raise
        except Exception as error:
            spool.truncate(start)
            rendered_rows.skip(scene, "house", errors.reason(error, scene.scene_id))
            continue
        for view_row, visible in rendered:
            rendered_rows.views.append(view_row)
            rendered_rows.visibility += visible
        rendered_rows.objects += house.objects
    errors.require_some(len(spool) or not len(rows))
    return rendered_rows


def _render_view(
    shard: ViewShard,
    row: Any,
    house: LoadedHouse,
    spool: FrameSpool,
    percent: int,
    min_pixels: int,
    seed: int,
) -> tuple[ViewRow, list[Any]]:
    camera = scaled_camera(shard.camera(row.view), percent / 100)
    generator = rng(seed, "focal", row.view_id, percent)
    frame = house.render(camera, seed=int(generator.integers(2**31)))
    view = spool.add(frame, camera)
    visible = visibility_rows(view, camera, frame.depth_m, frame.instance, house.objects)
    objects = {item.instance for item in house.objects if item.kind == "object"}
    seen = [one for one in visible if one.instance in objects and one.pixels >= min_pixels]
    values = {name: getattr(row, name) for name in ViewRow.model_fields}
    values |= {
        "view": view,
        "view_id": f"{row.view_id}-f{percent:03d}",
        "vertical_fov_deg": camera.vertical_fov_deg,
        "num_visible_objects": len(seen),
    }
    return ViewRow.model_validate(values), visible


def main(
    *,
    scenes: Path,
    views: Path,
    out: Path,
    percent: int,
    seed: int,
    settings: FocalViewSettings = DEFAULT,
) -> None:
    """Draw views of a shard again with another focal length.

    Args:
        scenes: JSON lines of `Scene` records.
        views: the shard whose views are drawn again.
        out: the Zarr group to write; tables lie beside it.
        percent: the new focal length in per cent of the old one.
        seed: the workflow's seed.
        settings: which split, and the simulator.
    """
    if not 10 <= percent <= 1000:
        raise UserError(f"--percent {percent} must be from 10 to 1000")
    shard = ViewShard.open(views)
    height_px, width_px = shard.image_shape
    records = read_records(scenes, Scene)
    size = {"width_px": width_px, "height_px": height_px}
    with open_renderer(out, settings, **size) as (renderer, spool):
        rendered_rows = render_focal(
            shard,
            records,
            renderer,
            spool,
            percent=percent,
            split=settings.split,
            min_pixels=settings.min_pixels,
            seed=seed,
        )
        if rendered_rows.skipped and not rendered_rows.views:
            reasons = most_common_reasons(item.reason for item in rendered_rows.skipped)
            raise UserError(f"{views}: no view can be drawn: {reasons}")
        source = str(shard.group.attrs["source"])
        attributes = {"focal_percent": percent, "split": settings.split, "seed": seed}
        write(out, rendered_rows, source, settings, renderer, attributes=attributes)
    logger.info("%d views drawn again", len(rendered_rows.views))


if __name__ == "__main__":
    run(main)
