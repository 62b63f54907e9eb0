"""Draw a contact sheet of demonstrations: start, middle and end, with keypoints."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from workflow_scripts.common.demonstration_shard import (
    DemonstrationShard,
    EpisodeRow,
    KeypointTrack,
)
from workflow_scripts.common.fonts import font
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.views.contact_sheet import (
    BACKGROUND,
    GAP_PX,
    HIGHLIGHT_COLOUR,
    MARGIN_PX,
    MUTED_COLOUR,
    TEXT_COLOUR,
    depth_tile,
    instance_colour,
    instance_tile,
)

MAX_EPISODES = 4
TILE_PX = 220
HEAD_PX = 30


def draw_demonstration_sheet(path: Path, shard: DemonstrationShard) -> None:
    """Write the sheet of a shard as PNG: one episode of each task first.

    A filled dot is a visible keypoint, a ring an occluded one, in the colour of its number. The
    sheet of a shard without episodes says so.
    """
    chosen = choose_episodes(shard.episodes)
    rows = [shard.episode(scene_id) for scene_id in chosen]
    columns = max((row.num_cameras for row in rows), default=1) + 2
    block = HEAD_PX + 3 * (TILE_PX + GAP_PX) + MARGIN_PX
    size = (
        2 * MARGIN_PX + columns * (TILE_PX + GAP_PX),
        3 * MARGIN_PX + 16 + max(len(rows), 1) * block,
    )
    sheet = Image.new("RGB", size, BACKGROUND)
    drawing = ImageDraw.Draw(sheet)
    attributes = dict(shard.shard.group.attrs)
    drawing.text(
        (MARGIN_PX, MARGIN_PX),
        f"{attributes.get('source', '')} {shard.shard.path.name.removesuffix('.zarr')}: "
        f"{len(shard.episodes)} episodes, {len(shard.shard)} views, "
        f"{attributes.get('backend', '')}",
        font=font(17),
        fill=TEXT_COLOUR,
    )
    for index, row in enumerate(rows):
        _draw_episode(sheet, 2 * MARGIN_PX + 16 + index * block, shard, row)
    if not rows:
        drawing.text(
            (MARGIN_PX, 60), "No episode: see the skipped items.", font=font(15), fill=MUTED_COLOUR
        )
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG", optimize=False)


def choose_episodes(episodes: pd.DataFrame, *, limit: int = MAX_EPISODES) -> list[str]:
    """Return the episodes to show: the first of every task, then others in order."""
    first = list(episodes.drop_duplicates("task").scene_id)
    others = [scene_id for scene_id in episodes.scene_id if scene_id not in first]
    return [str(scene_id) for scene_id in (first + others)[:limit]]


def _draw_episode(sheet: Image.Image, top: int, shard: DemonstrationShard, row: EpisodeRow) -> None:
    drawing = ImageDraw.Draw(sheet)
    track = shard.track(row.scene_id)
    text = f"{row.scene_id}  variation {row.variation}  {row.description}".rstrip()
    note = f"{row.split}, {row.num_steps} steps, "
    note += "1 attempt" if row.num_attempts == 1 else f"{row.num_attempts} attempts"
    note += "" if row.success else ", not successful"
    drawing.text((MARGIN_PX, top + 6), text, font=font(14), fill=TEXT_COLOUR)
    end = sheet.width - MARGIN_PX - GAP_PX - drawing.textlength(note, font=font(14))
    drawing.text(
        (end, top + 6), note, font=font(14), fill=MUTED_COLOUR if row.success else HIGHLIGHT_COLOUR
    )
    objects = shard.shard.objects
    objects = objects[objects.scene_id == row.scene_id].set_index("instance")
    tile = (TILE_PX, TILE_PX)
    for line, step in enumerate((0, row.num_steps // 2, row.num_steps - 1)):
        y = top + HEAD_PX + line * (TILE_PX + GAP_PX)
        for camera in range(row.num_cameras):
            x = MARGIN_PX + camera * (TILE_PX + GAP_PX)
            rgb = shard.rgb(row.scene_id, step=step, camera=camera)
            label = f"{track.cameras[camera]} {step * row.step_s:.2f} s"
            sheet.paste(_keypoint_tile(rgb, track, step, camera, label), (x, y))
        view = shard.view(row.scene_id, step=step, camera=row.num_cameras - 1)
        x = MARGIN_PX + row.num_cameras * (TILE_PX + GAP_PX)
        sheet.paste(depth_tile(shard.shard.depth_m(view), tile), (x, y))
        sheet.paste(
            instance_tile(shard.shard.instance(view), objects, tile), (x + TILE_PX + GAP_PX, y)
        )


def _keypoint_tile(
    rgb: np.ndarray, track: KeypointTrack, step: int, camera: int, label: str
) -> Image.Image:
    tile = Image.fromarray(rgb).resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
    drawing = ImageDraw.Draw(tile, "RGBA")
    scale = TILE_PX / rgb.shape[1]
    for number, (u, v) in enumerate(track.keypoints_px[step, camera]):
        if not track.in_frame[step, camera, number]:
            continue
        box = (scale * u - 4, scale * v - 4, scale * u + 4, scale * v + 4)
        colour = instance_colour(number + 1)
        if track.visible[step, camera, number]:
            drawing.ellipse(box, fill=(*colour, 255), outline=(10, 10, 12, 255))
        else:
            drawing.ellipse(box, outline=(*colour, 255), width=2)
    width = drawing.textlength(label, font=font(11)) + 10
    drawing.rectangle((0, TILE_PX - 18, width, TILE_PX), fill=(0, 0, 0, 150))
    drawing.text((5, TILE_PX - 16), label, font=font(11), fill=(255, 255, 255, 255))
    return tile
