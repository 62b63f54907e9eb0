"""Two views of one room side by side: what both show, how the camera moved, and its marks.

An appearance is an object as one of the two pictures shows it: rows of the first view, then those
of the second. Marks are drawn with a colour each: one in the first picture, two or three in the
second.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common.image_marks import MARK_COLOURS, mark_area_px, mark_radius_px
from workflow_scripts.common.label_text import is_plural
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import ReferringExpressions
from workflow_scripts.vqa.margins import Margins
from workflow_scripts.vqa.pointing import (
    MARK_SPACING_RADII,
    MIN_OBJECT_TO_MARK_AREA,
    is_large_enough,
)
from workflow_scripts.vqa.referring_expressions import name_objects
from workflow_scripts.vqa.view_context import ViewContext

GAP_PX = 8
MAX_MARKS_IN_SECOND = 3


@dataclass(frozen=True, eq=False)
class ViewPair:
    """Two views of a room. `marks`: appearances by colour, that of the first picture first."""

    first: ViewContext
    second: ViewContext
    margins: Margins
    marks: Mapping[str, int]

    @cached_property
    def shared_rows(self) -> list[tuple[int, int]]:
        """Return the rows in the first and in the second view of the objects that both show."""
        rows = {one: row for row, one in enumerate(self.second.measured.instance.tolist())}
        return [
            (row, rows[one])
            for row, one in enumerate(self.first.measured.instance.tolist())
            if one in rows
        ]

    @cached_property
    def same_name_pairs(self) -> list[tuple[int, int]]:
        """Return those of `shared` that both pictures call by one name, and not by their place."""
        one, other = (
            name_objects(view_context, margin_px=self.margins.of("px", view_context))
            for view_context in (self.first, self.second)
        )
        return [
            (a, b)
            for a, b in self.shared_rows
            if a in one.nouns
            and a not in one.by_position
            and b not in other.by_position
            and one.nouns[a] == other.nouns.get(b)
        ]

    @cached_property
    def name_expressions(self) -> ReferringExpressions:
        """Return the phrases of appearances by their nouns."""
        nouns = [*self.first.nouns, *self.second.nouns]
        return ReferringExpressions(
            [f"the {noun}" for noun in nouns], nouns, [is_plural(noun) for noun in nouns]
        )

    @cached_property
    def mark_expressions(self) -> ReferringExpressions:
        """Return the phrases of appearances by their marks."""
        number = len(self.first) + len(self.second)
        bare = [""] * number
        for colour, appearance in self.marks.items():
            bare[appearance] = colour
        return ReferringExpressions(
            [f"the {colour} mark" for colour in bare], bare, [False] * number
        )

    def instance(self, appearance: int) -> int:
        """Return which object an appearance is of."""
        view_context, row = self.context_of(appearance)
        return int(view_context.measured.instance[row])

    def context_of(self, appearance: int) -> tuple[ViewContext, int]:
        """Return the view context of an appearance, and its row in it."""
        number = len(self.first)
        return (
            (self.first, appearance) if appearance < number else (self.second, appearance - number)
        )

    def offset_px(self, appearance: int) -> int:
        """Return how far right of its own picture's column an appearance is drawn."""
        return 0 if appearance < len(self.first) else self.first.size_px[0] + GAP_PX

    @property
    def width_px(self) -> int:
        """Return how wide both pictures are, side by side."""
        return self.first.size_px[0] + GAP_PX + self.second.size_px[0]

    @cached_property
    def turn_deg(self) -> float:
        """Return by how much the heading turned to the right, seen from above, [-180, 180)."""
        one, other = (heading(view_context) for view_context in (self.first, self.second))
        left = math.atan2(one[0] * other[1] - one[1] * other[0], float(one @ other))
        return (180.0 - math.degrees(left)) % 360.0 - 180.0

    @cached_property
    def moved_m(self) -> tuple[float, float, float]:
        """Return how far the camera moved to the right, forward (of its first heading) and up."""
        way = (
            self.second.measured.camera.position_m - self.first.measured.camera.position_m
        ).tolist()
        x, y = heading(self.first).tolist()
        return y * way[0] - x * way[1], x * way[0] + y * way[1], way[2]


def heading(view_context: ViewContext) -> FloatArray:
    """Return the camera's level heading [2] in the world's ground plan."""
    measured = view_context.measured
    forward = measured.camera.world_from_camera[:3, :3] @ measured.axes.forward
    return forward[:2] / np.linalg.norm(forward[:2])


def can_pair(first: ViewContext, second: ViewContext) -> bool:
    """Say whether questions about two views make sense: known poses, both level."""
    return first.from_truth and second.from_truth and first.is_level and second.is_level


def make_view_pair(
    first: ViewContext, second: ViewContext, margins: Margins, rng: np.random.Generator
) -> ViewPair:
    """Return a pair, with marks on an object of both pictures and on others of the second."""
    pair = ViewPair(first, second, margins, {})
    markable = [
        (a, b) for a, b in pair.shared_rows if _fits_mark(first, a) and _fits_mark(second, b)
    ]
    if not markable:
        return pair
    one, match = markable[int(rng.integers(len(markable)))]
    chosen = [match]
    radius = mark_radius_px(second.shorter_side_px)
    for row in rng.permutation(len(second)).tolist():
        apart = all(
            math.dist(second.mark_px[row], second.mark_px[other]) > MARK_SPACING_RADII * radius
            for other in chosen
        )
        if apart and len(chosen) < MAX_MARKS_IN_SECOND and _fits_mark(second, row):
            chosen.append(row)
    if len(chosen) < 2:
        return pair
    colours = [list(MARK_COLOURS)[index] for index in rng.permutation(len(MARK_COLOURS)).tolist()]
    appearances = [one, *(len(first) + row for row in chosen)]
    return ViewPair(first, second, margins, dict(zip(colours, appearances, strict=False)))


def _fits_mark(view_context: ViewContext, row: int) -> bool:
    width, height = view_context.size_px
    radius = mark_radius_px(view_context.shorter_side_px)
    u, v = view_context.mark_px[row]
    inside = radius <= u <= width - radius and radius <= v <= height - radius
    large = view_context.measured.pixels[row] >= MIN_OBJECT_TO_MARK_AREA * mark_area_px(
        view_context.shorter_side_px
    )
    return bool(inside and large and is_large_enough(view_context, row))


def side_by_side(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return two pictures u8 [height, width, 3] in one, a white strip between them."""
    height = max(len(first), len(second))
    strip = np.full((height, GAP_PX, 3), 255, dtype=np.uint8)
    return np.concatenate([_padded(first, height), strip, _padded(second, height)], axis=1)


def _padded(rgb: np.ndarray, height: int) -> np.ndarray:
    missing = height - len(rgb)
    return np.pad(rgb, ((0, missing), (0, 0), (0, 0)), constant_values=255)
