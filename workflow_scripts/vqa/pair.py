"""Two views of one room side by side: what both show, how the camera moved, and its marks.

An appearance is an object as one of the two pictures shows it: rows of the first sight, then those
of the second. Marks are drawn with a colour each: one in the first picture, two or three in the
second.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workflow_scripts.common.cameras import FloatArray
from workflow_scripts.common.marks import MARK_COLOURS, mark_area_px, mark_radius_px
from workflow_scripts.common.names import is_plural
from workflow_scripts.vqa.batch import Book
from workflow_scripts.vqa.pointing import MARK_SPACING_RADII, SEEN_AROUND_MARK
from workflow_scripts.vqa.refer import named
from workflow_scripts.vqa.shapes.base import Margins
from workflow_scripts.vqa.sight import Sight

GAP_PX = 8
MOST_IN_SECOND = 3


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sights of a room. `marks`: appearances by colour, that of the first picture first."""

    first: Sight
    second: Sight
    margins: Margins
    marks: Mapping[str, int]

    @cached_property
    def shared(self) -> list[tuple[int, int]]:
        """Return the rows in the first and in the second sight of what both show."""
        rows = {one: row for row, one in enumerate(self.second.measured.instance.tolist())}
        return [
            (row, rows[one])
            for row, one in enumerate(self.first.measured.instance.tolist())
            if one in rows
        ]

    @cached_property
    def named(self) -> list[tuple[int, int]]:
        """Return those of `shared` that both pictures call by one name, and not by their place."""
        one, other = (
            named(sight, margin_px=self.margins.of("px", sight))
            for sight in (self.first, self.second)
        )
        return [
            (a, b)
            for a, b in self.shared
            if a in one.nouns
            and a not in one.by_place
            and b not in other.by_place
            and one.nouns[a] == other.nouns.get(b)
        ]

    @cached_property
    def name_book(self) -> Book:
        """Return what appearances are called by their nouns."""
        nouns = [*self.first.nouns, *self.second.nouns]
        return Book([f"the {noun}" for noun in nouns], nouns, [is_plural(noun) for noun in nouns])

    @cached_property
    def mark_book(self) -> Book:
        """Return what appearances are called by their marks."""
        number = len(self.first) + len(self.second)
        bare = [""] * number
        for colour, place in self.marks.items():
            bare[place] = colour
        return Book([f"the {colour} mark" for colour in bare], bare, [False] * number)

    def instance(self, place: int) -> int:
        """Return which object an appearance is of."""
        sight, row = self.sight_of(place)
        return int(sight.measured.instance[row])

    def sight_of(self, place: int) -> tuple[Sight, int]:
        """Return the sight of an appearance, and its row there."""
        number = len(self.first)
        return (self.first, place) if place < number else (self.second, place - number)

    def offset_px(self, place: int) -> int:
        """Return how far right of its own picture's column an appearance is drawn."""
        return 0 if place < len(self.first) else self.first.size_px[0] + GAP_PX

    @property
    def width_px(self) -> int:
        """Return how wide both pictures are, side by side."""
        return self.first.size_px[0] + GAP_PX + self.second.size_px[0]

    @cached_property
    def turn_deg(self) -> float:
        """Return by how much the heading turned to the right, seen from above, [-180, 180)."""
        one, other = (heading(sight) for sight in (self.first, self.second))
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


def heading(sight: Sight) -> FloatArray:
    """Return the camera's level heading [2] in the world's ground plan."""
    measured = sight.measured
    forward = measured.camera.world_from_camera[:3, :3] @ measured.axes.forward
    return forward[:2] / np.linalg.norm(forward[:2])


def can_pair(first: Sight, second: Sight) -> bool:
    """Say whether questions about two views make sense: known poses, both level."""
    return first.from_truth and second.from_truth and first.is_level and second.is_level


def paired(first: Sight, second: Sight, margins: Margins, rng: np.random.Generator) -> Pair:
    """Return a pair, with marks on an object of both pictures and on others of the second."""
    pair = Pair(first, second, margins, {})
    able = [(a, b) for a, b in pair.shared if _can_carry(first, a) and _can_carry(second, b)]
    if not able:
        return pair
    one, twin = able[int(rng.integers(len(able)))]
    chosen = [twin]
    radius = mark_radius_px(second.shorter_side_px)
    for row in rng.permutation(len(second)).tolist():
        apart = all(
            math.dist(second.mark_px[row], second.mark_px[other]) > MARK_SPACING_RADII * radius
            for other in chosen
        )
        if apart and len(chosen) < MOST_IN_SECOND and _can_carry(second, row):
            chosen.append(row)
    if len(chosen) < 2:
        return pair
    colours = [list(MARK_COLOURS)[index] for index in rng.permutation(len(MARK_COLOURS)).tolist()]
    places = [one, *(len(first) + row for row in chosen)]
    return Pair(first, second, margins, dict(zip(colours, places, strict=False)))


def _can_carry(sight: Sight, row: int) -> bool:
    width, height = sight.size_px
    radius = mark_radius_px(sight.shorter_side_px)
    u, v = sight.mark_px[row]
    inside = radius <= u <= width - radius and radius <= v <= height - radius
    large = sight.measured.pixels[row] >= SEEN_AROUND_MARK * mark_area_px(sight.shorter_side_px)
    return bool(inside and large)


def side_by_side(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return two pictures u8 [height, width, 3] in one, a white strip between them."""
    height = max(len(first), len(second))
    strip = np.full((height, GAP_PX, 3), 255, dtype=np.uint8)
    return np.concatenate([_padded(first, height), strip, _padded(second, height)], axis=1)


def _padded(rgb: np.ndarray, height: int) -> np.ndarray:
    missing = height - len(rgb)
    return np.pad(rgb, ((0, missing), (0, 0), (0, 0)), constant_values=255)
