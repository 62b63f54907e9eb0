"""The pictures of view shards at the tiny base's resolution, with what each pixel shows.

Everything is held in memory as bytes. Only views of the training split are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from workflow_scripts.common.assets import database
from workflow_scripts.common.cli import progress
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.marks import MARK_COLOURS, draw_marks, mark_pixel, mark_radius_px
from workflow_scripts.common.names import confusable
from workflow_scripts.common.views import ViewShard

# Below this share of the picture (as `vqa` has it: 150 of 336 x 336 pixels) nothing is asked.
LEAST_SHARE = 150 / 336**2
STRUCTURE = ("ceiling", "door", "doorway", "floor", "wall", "window")
_PHASES = 4


@dataclass(frozen=True)
class Spot:
    """An object in a picture: category, where its mark would go (u, v), its height in the room.

    `is_nameable`: nothing else in view could be meant by its name.
    """

    category: str
    u: float
    v: float
    z_m: float
    is_nameable: bool


@dataclass(frozen=True)
class Pictures:
    """Pictures u8 [n, side, side, 3], words u8 [n, side, side] (index into `categories`; 0 is
    nothing to name), and the spots of each picture."""

    rgb: np.ndarray
    shows: np.ndarray
    spots: tuple[tuple[Spot, ...], ...]
    categories: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rgb)


def categories() -> tuple[str, ...]:
    """Return what a pixel can show, in a fixed order; the first is nothing."""
    return ("", *STRUCTURE, *sorted(database("asset-database")))


def read_pictures(
    shards: Sequence[Path], *, side_px: int, split: str = "train", may_be_empty: bool = False
) -> Pictures:
    """Read a split's views of shards, scaled to squares as the processor scales them."""
    names = categories()
    number_of = {name: number for number, name in enumerate(names)}
    rgb, shows, spots = [], [], []
    for path in progress(shards, desc="read views"):
        shard = ViewShard.open(path)
        rows = {(row.scene_id, row.instance): row for row in shard.objects.itertuples(index=False)}
        seen: dict[int, list] = {}
        for row in shard.visibility.itertuples(index=False):
            seen.setdefault(row.view, []).append(row)
        for view in shard.views.itertuples(index=False):
            if view.split != split:
                continue
            picture = Image.fromarray(shard.rgb(view.view))
            picture = picture.resize((side_px, side_px), Image.Resampling.BICUBIC)
            rgb.append(np.asarray(picture))
            instance = _shrunk(shard.instance(view.view), side_px)
            table = np.zeros(65536, dtype=np.uint8)
            for row in seen.get(view.view, ()):
                category = rows[row.scene_id, row.instance].category
                table[row.instance] = number_of.get(category, 0)
            shows.append(table[instance])
            spots.append(_spots(instance, seen.get(view.view, ()), rows))
    if not rgb and may_be_empty:
        empty = np.zeros((0, side_px, side_px), np.uint8)
        return Pictures(np.stack([empty] * 3, axis=-1), empty, (), names)
    if not rgb:
        raise UserError(
            f"no view of split {split!r} in {len(shards)} shards, so there is nothing to train on; "
            f"raise sources.*.num_houses or splits.{split}"
        )
    return Pictures(np.stack(rgb), np.stack(shows), tuple(spots), names)


def _shrunk(instance: np.ndarray, side_px: int) -> np.ndarray:
    """Take the nearest pixel's id for a picture of `side_px` squared."""
    rows, columns = (
        ((np.arange(side_px) + 0.5) * size / side_px).astype(int) for size in instance.shape
    )
    return instance[rows[:, None], columns]


def _spots(instance: np.ndarray, seen: Sequence, rows: dict) -> tuple[Spot, ...]:
    in_view = [rows[row.scene_id, row.instance] for row in seen]
    objects = [row for row in in_view if row.kind == "object"]
    found = []
    for row in objects:
        mask = instance == row.instance
        if mask.mean() < LEAST_SHARE:
            continue
        lines, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, left = lines[0], columns[0]
        u, v = mark_pixel(mask[top : lines[-1] + 1, left : columns[-1] + 1])
        others = [other for other in objects if other is not row]
        nameable = not any(confusable(row.category, other.category) for other in others)
        found.append(Spot(row.category, left + u, top + v, row.z_m, nameable))
    return tuple(found)


class Stamps:
    """Marks drawn once for every colour and sub-pixel shift, then pasted into many pictures."""

    def __init__(self, side_px: int) -> None:
        radius = mark_radius_px(side_px)
        self._reach = int(np.ceil(radius)) + 1
        size = 2 * self._reach + 1
        black, white = (np.full((side_px, side_px, 3), value, np.uint8) for value in (0, 255))
        self._stamps: dict[tuple[str, int, int], tuple[np.ndarray, np.ndarray]] = {}
        for colour in MARK_COLOURS:
            for row in range(_PHASES):
                for column in range(_PHASES):
                    centre = tuple(self._reach + (phase + 0.5) / _PHASES for phase in (column, row))
                    on_black, on_white = (
                        draw_marks(ground, [(colour, centre)])[:size, :size].astype(np.float32)
                        for ground in (black, white)
                    )
                    lets_through = (on_white - on_black).mean(axis=2, keepdims=True) / 255
                    self._stamps[colour, row, column] = (on_black, lets_through)

    def paste(self, rgb: np.ndarray, colour: str, u: float, v: float) -> None:
        """Draw a mark into u8 [side, side, 3], in place."""
        row, column = int(v), int(u)
        ink, lets_through = self._stamps[
            colour, int((v - row) * _PHASES), int((u - column) * _PHASES)
        ]
        top, left = row - self._reach, column - self._reach
        high, wide = rgb.shape[:2]
        y0, y1 = max(top, 0), min(top + len(ink), high)
        x0, x1 = max(left, 0), min(left + len(ink), wide)
        inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        patch = rgb[y0:y1, x0:x1]
        patch[:] = np.rint(patch * lets_through[inside] + ink[inside]).astype(np.uint8)
