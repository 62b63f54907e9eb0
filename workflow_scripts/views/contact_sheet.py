"""Draw a contact sheet of a shard: images with boxes, depth and instances side by side."""

import colorsys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from PIL import Image, ImageDraw

from workflow_scripts.common.fonts import font
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.common.view_shard import ViewShard

TILE_PX = 300
GAP_PX = 6
MARGIN_PX = 18
CAPTION_PX = 30
MAX_VIEWS = 8
MAX_LABELS = 12
BACKGROUND, TEXT_COLOUR, MUTED_COLOUR, HIGHLIGHT_COLOUR = (
    (250, 250, 248),
    (32, 34, 38),
    (120, 124, 130),
    (196, 122, 16),
)


def choose_views(views: pd.DataFrame, *, limit: int = MAX_VIEWS) -> list[int]:
    """Return the views to show: best views, one from above and others, from many scenes."""
    if views.empty:
        return []
    chosen: list[int] = []
    best = views[views.is_best].drop_duplicates("scene_id")
    above = views[views.policy == "top_down"]
    others = views[~views.is_best & (views.policy != "top_down")]
    chosen += _evenly_spaced(best, limit - 3)
    chosen += _evenly_spaced(above, 1)
    chosen += _evenly_spaced(others, limit - len(chosen))
    chosen += _evenly_spaced(views[~views.view.isin(chosen)], limit - len(chosen))
    return sorted(chosen)


def _evenly_spaced(rows: pd.DataFrame, count: int) -> list[int]:
    """Return up to `count` views at equal steps through a table."""
    count = min(count, len(rows))
    if count <= 0:
        return []
    positions = ((np.arange(count) + 0.5) * len(rows) / count).astype(int)
    return [int(view) for view in rows.view.iloc[positions]]


def draw_contact_sheet(path: Path, shard: ViewShard, *, min_pixels: int) -> None:
    """Write the contact sheet of a shard as PNG; a shard without views says so."""
    chosen = choose_views(shard.views)
    columns = 2 if len(chosen) > 1 else 1
    rows = max(1, -(-len(chosen) // columns))
    block = 3 * TILE_PX + 2 * GAP_PX
    heights = [_tile_size(shard)[1] + CAPTION_PX + 2 * GAP_PX] * rows
    sheet = Image.new(
        "RGB",
        (columns * block + (columns + 1) * MARGIN_PX, sum(heights) + 3 * MARGIN_PX + 16),
        BACKGROUND,
    )
    drawing = ImageDraw.Draw(sheet)
    drawing.text((MARGIN_PX, MARGIN_PX), _title(shard), font=font(17), fill=TEXT_COLOUR)
    for index, view in enumerate(chosen):
        left = MARGIN_PX + (index % columns) * (block + MARGIN_PX)
        top = 2 * MARGIN_PX + 16 + (index // columns) * heights[0]
        _draw_view(sheet, (left, top), shard, view, min_pixels=min_pixels)
    if not chosen:
        drawing.text(
            (MARGIN_PX, 90), "No view: see the skipped items.", font=font(15), fill=MUTED_COLOUR
        )
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG", optimize=False)


def _title(shard: ViewShard) -> str:
    attributes = dict(shard.group.attrs)
    name = shard.path.name.removesuffix(".zarr")
    scenes = shard.views.scene_id.nunique()
    return (
        f"{attributes.get('source', '')} {name}: {len(shard.views)} views of {scenes} scenes, "
        f"{attributes.get('backend', '')}"
    )


def _tile_size(shard: ViewShard) -> tuple[int, int]:
    height, width = shard.image_shape
    return TILE_PX, max(1, round(TILE_PX * height / width))


def _draw_view(
    sheet: Image.Image, corner: tuple[int, int], shard: ViewShard, view: int, *, min_pixels: int
) -> None:
    """Draw one view: a caption and three tiles."""
    row = shard.views.iloc[view]
    objects = shard.objects[shard.objects.scene_id == row.scene_id].set_index("instance")
    visible = shard.visibility[shard.visibility["view"] == view].set_index("instance")
    left, top = corner
    drawing = ImageDraw.Draw(sheet)
    caption = f"{row.view_id}  {row.room_type}  {row.policy}"
    drawing.text((left, top + 6), caption, font=font(14), fill=TEXT_COLOUR)
    note = "1 object" if row.num_visible_objects == 1 else f"{row.num_visible_objects} objects"
    right = left + 3 * TILE_PX + 2 * GAP_PX
    text_end = right - drawing.textlength(note, font=font(14))
    drawing.text((text_end, top + 6), note, font=font(14), fill=MUTED_COLOUR)
    if row.is_best:
        badge = left + drawing.textlength(caption, font=font(14)) + 10
        width = drawing.textlength("best view", font=font(12)) + 12
        drawing.rounded_rectangle(
            (badge, top + 5, badge + width, top + 23), radius=9, fill=HIGHLIGHT_COLOUR
        )
        drawing.text((badge + 6, top + 7), "best view", font=font(12), fill=BACKGROUND)
    size = _tile_size(shard)
    tiles = (
        _boxes(shard.rgb(view), objects, visible, size, min_pixels=min_pixels),
        depth_tile(shard.depth_m(view), size),
        instance_tile(shard.instance(view), objects, size),
    )
    for index, tile in enumerate(tiles):
        at = (left + index * (TILE_PX + GAP_PX), top + CAPTION_PX)
        sheet.paste(tile, at)
        if row.is_best and index == 0:
            frame = (at[0] - 2, at[1] - 2, at[0] + size[0] + 1, at[1] + size[1] + 1)
            drawing.rectangle(frame, outline=HIGHLIGHT_COLOUR, width=3)


def _boxes(
    rgb: np.ndarray,
    objects: pd.DataFrame,
    visible: pd.DataFrame,
    size: tuple[int, int],
    *,
    min_pixels: int,
) -> Image.Image:
    """Draw boxes around visible objects and name the largest."""
    tile = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
    drawing = ImageDraw.Draw(tile, "RGBA")
    scale = size[0] / rgb.shape[1]
    is_object = objects.kind.reindex(visible.index) == "object"
    shown = visible[is_object & (visible.pixels >= min_pixels)].sort_values(
        "pixels", ascending=False, kind="stable"
    )
    label_boxes: list[tuple[float, float, float, float]] = []
    for instance, row in shown.iloc[::-1].iterrows():
        box = [scale * side for side in (row.x0, row.y0, row.x1 - 1, row.y1 - 1)]
        drawing.rectangle(box, outline=(*instance_colour(int(instance)), 255), width=2)
    for instance, row in shown.head(MAX_LABELS).iterrows():
        name = str(objects.category.loc[instance])
        width = drawing.textlength(name, font=font(10)) + 6
        x = min(max(scale * row.x0, 0.0), size[0] - width)
        for y in (scale * row.y0 - 14, scale * row.y0 + 2, scale * row.y1 - 15):
            label = (x, y, x + width, y + 13)
            if (
                y >= 0
                and y + 13 <= size[1]
                and not any(_overlap(label, other) for other in label_boxes)
            ):
                label_boxes.append(label)
                drawing.rectangle(label, fill=(*instance_colour(int(instance)), 225))
                drawing.text((x + 3, y), name, font=font(10), fill=(10, 10, 12, 255))
                break
    return tile


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def depth_tile(depth_m: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Colour depth from near (yellow) to far (violet), none black, with its range as text."""
    is_known = np.isfinite(depth_m)
    low, high = np.quantile(depth_m[is_known], (0.0, 0.995)) if is_known.any() else (0.0, 1.0)
    fraction = np.clip((np.nan_to_num(depth_m) - low) / max(high - low, 1e-6), 0, 1)
    colours = (colormaps["viridis"](1 - fraction)[..., :3] * 255).astype(np.uint8)
    colours[~is_known] = 0
    tile = Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)
    drawing = ImageDraw.Draw(tile, "RGBA")
    text = f"{low:.1f} to {high:.1f} m" if is_known.any() else "no depth"
    width = drawing.textlength(text, font=font(11)) + 10
    drawing.rectangle((0, size[1] - 18, width, size[1]), fill=(0, 0, 0, 150))
    drawing.text((5, size[1] - 16), text, font=font(11), fill=(255, 255, 255, 255))
    return tile


def instance_tile(
    instance: np.ndarray, objects: pd.DataFrame, size: tuple[int, int]
) -> Image.Image:
    """Colour objects brightly and structure in greys."""
    palette = np.zeros((int(instance.max()) + 1, 3), dtype=np.uint8)
    for number in np.unique(instance):
        if number and objects.kind.get(int(number)) == "structure":
            grey = 62 + 53 * (int(number) * 0.618034 % 1)
            palette[number] = (grey, grey, grey + 6)
        elif number:
            palette[number] = instance_colour(int(number))
    return Image.fromarray(palette[instance]).resize(size, Image.Resampling.NEAREST)


def instance_colour(instance: int) -> tuple[int, int, int]:
    """Return a bright colour; neighbouring numbers are far apart in hue (golden ratio)."""
    hue = instance * 0.618034 % 1
    lightness = 0.55 + 0.1 * (instance % 3)
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.75)
    return int(255 * red), int(255 * green), int(255 * blue)
