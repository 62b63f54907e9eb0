"""Pictures of rooms with what a mode adds: depth as darkness, and marks on visible objects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from workflow_scripts.common.image_marks import MARK_COLOURS, draw_marks
from workflow_scripts.config.reconstruction import LayoutTextSettings, PictureParts
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.layouts.answer_format import is_shown
from workflow_scripts.layouts.room_prompt import MarkedPoint
from workflow_scripts.layouts.room_record import RoomObject, RoomRecord

# The published overlay darkens by relative inverse depth p between 1 (far) and 500 (near). Of a
# depth in metres it is FAR_M / z: what is FAR_M away or farther is darkened most.
LEAST, MOST = 1.0, 500.0
FAR_M = 10.0
DARKENING = 0.85


@dataclass(frozen=True)
class Mark:
    """A mark on a picture: its colour, the object, its pixel (u, v), and a 3D point [3], world."""

    colour: str
    item: RoomObject
    pixel: tuple[float, float]
    point_m: FloatArray

    @property
    def in_prompt(self) -> MarkedPoint:
        """Return what the prompt says of it."""
        return MarkedPoint(self.colour, self.point_m)


def choose_marks(
    record: RoomRecord,
    parts: PictureParts,
    layout: LayoutTextSettings,
    rng: np.random.Generator,
) -> list[Mark]:
    """Choose visible objects at random and mark each at a pixel of its own surface.

    Fewer than `parts.marks` where fewer are seen. The 3D point is that of the surface under the
    pixel, or the object's centre.
    """
    on_surface = parts.mark_place == "surface"
    seen = [
        item
        for item in record.objects
        if is_shown(item, layout)
        and item.mark_px is not None
        and (item.mark_m is not None or not on_surface)
    ]
    chosen = rng.permutation(len(seen))[: parts.marks]
    marks = []
    for colour, index in zip(MARK_COLOURS, chosen, strict=False):
        item = seen[index]
        assert item.mark_px is not None
        point = item.mark_m if on_surface else item.centre_m
        marks.append(Mark(colour, item, item.mark_px, np.array(point, dtype=np.float64)))
    return marks


def draw_room(rgb: np.ndarray, depth_m: np.ndarray | None, marks: Sequence[Mark]) -> np.ndarray:
    """Return a picture u8 [height, width, 3] with depth, if given, as darkness, and with marks."""
    shown = rgb if depth_m is None else darken_by_depth(rgb, depth_m)
    return draw_marks(shown, [(mark.colour, mark.pixel) for mark in marks]) if marks else shown


def darken_by_depth(rgb: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
    """Return u8 [height, width, 3] whose luma is multiplied by 1 - 0.85 far; colours stay.

    Args:
        rgb: sRGB, u8 [height, width, 3].
        depth_m: planar depth [height, width]; NaN where nothing was hit is far.
    """
    luma, blue, red = Image.fromarray(rgb).convert("RGB").convert("YCbCr").split()
    factor = 1.0 - DARKENING * far_share(depth_m)
    dark = np.rint(np.asarray(luma, dtype=np.float64) * factor).astype(np.uint8)
    return np.asarray(Image.merge("YCbCr", (Image.fromarray(dark), blue, red)).convert("RGB"))


def far_share(depth_m: np.ndarray) -> FloatArray:
    """Return the published share of darkness of depths in metres: 0 near to 1 at `FAR_M`."""
    depth = np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.inf).astype(np.float64)
    p = np.clip(FAR_M / depth, LEAST, MOST)
    result: FloatArray = 1.0 / p - (p - 1.0) / ((MOST - LEAST) * MOST / LEAST)
    return result
