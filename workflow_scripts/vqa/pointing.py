"""Which objects of a view get a mark, a box or a region's tag; drawn at random."""

import math
from collections.abc import Sequence

import numpy as np

from workflow_scripts.common.image_marks import MARK_COLOURS, mark_radius_px
from workflow_scripts.common.records import Form
from workflow_scripts.vqa.view_context import ViewContext

# Marks closer than this many radii would touch, or nearly.
MARK_SPACING_RADII = 2.5
# An object must be this many times larger than its mark to be seen around it.
MIN_OBJECT_TO_MARK_AREA = 2.0
# Boxes that share more than this of their union, or fill more of the picture, mislead.
MAX_OVERLAP, MAX_BOX_SHARE = 0.4, 0.6
MAX_REGIONS = 8
# Of a smaller thing a mark or a box hides more than it shows.
MIN_SIDE_PX = 16


def choose_marks(
    view_context: ViewContext, forms: Sequence[Form], rng: np.random.Generator
) -> dict[Form, dict[str, int]]:
    """Return for each pointing form the rows of the view context by colour or tag."""
    place = {"marked": place_marks, "boxed": place_boxes, "region": place_regions}
    return {form: place[form](view_context, rng) for form in forms if form in place}


def is_large_enough(view_context: ViewContext, row: int) -> bool:
    """Say whether both sides of the box around what shows of an object suit a mark or a box."""
    x0, y0, x1, y1 = view_context.measured.box_px[row].tolist()
    return bool(min(x1 - x0, y1 - y0) >= MIN_SIDE_PX)


def place_marks(view_context: ViewContext, rng: np.random.Generator) -> dict[str, int]:
    """Choose which objects get which mark: two to four apart from one another, or none.

    Colours and objects are drawn at random, so a colour says nothing about an answer. A mark
    lies wholly inside the picture.
    """
    width, height = view_context.size_px
    radius = mark_radius_px(view_context.shorter_side_px)
    chosen: list[int] = []
    for row in rng.permutation(len(view_context)).tolist():
        large = is_large_enough(view_context, row)
        u, v = view_context.mark_px[row]
        inside = radius <= u <= width - radius and radius <= v <= height - radius
        apart = all(
            math.dist((u, v), view_context.mark_px[other]) > MARK_SPACING_RADII * radius
            for other in chosen
        )
        if inside and apart and large and len(chosen) < len(MARK_COLOURS):
            chosen.append(row)
    return _assign_colours(chosen, rng)


def place_boxes(view_context: ViewContext, rng: np.random.Generator) -> dict[str, int]:
    """Choose which objects get a coloured box: two to four that overlap little, or none.

    An object that another one covers most of within its box gets none.
    """
    boxes = view_context.measured.box_px.astype(float)
    picture = math.prod(view_context.size_px)
    chosen: list[int] = []
    for row in rng.permutation(len(view_context)).tolist():
        small = _area(boxes[row]) <= MAX_BOX_SHARE * picture
        large = is_large_enough(view_context, row)
        apart = all(_overlap(boxes[row], boxes[other]) <= MAX_OVERLAP for other in chosen)
        clear = view_context.fills_box is None or view_context.fills_box[row]
        if small and large and apart and clear and len(chosen) < len(MARK_COLOURS):
            chosen.append(row)
    return _assign_colours(chosen, rng)


def place_regions(view_context: ViewContext, rng: np.random.Generator) -> dict[str, int]:
    """Choose which objects get a region's tag: up to eight."""
    chosen = rng.permutation(len(view_context))[:MAX_REGIONS].tolist()
    return {f"<region{number}>": row for number, row in enumerate(chosen)}


def _assign_colours(rows: Sequence[int], rng: np.random.Generator) -> dict[str, int]:
    colours = [list(MARK_COLOURS)[index] for index in rng.permutation(len(MARK_COLOURS))]
    return dict(zip(colours, rows, strict=False)) if len(rows) > 1 else {}


def _area(box: np.ndarray) -> float:
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    shared = np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])])
    common = _area(shared)
    return common / max(_area(one) + _area(other) - common, 1e-9)
