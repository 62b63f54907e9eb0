"""What all shapes of questions share: what a family requires, and when an answer is clear."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Literal, Protocol

import numpy as np

from workflow_scripts.common.quantity_text import Units
from workflow_scripts.common.records import Form
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.view_context import ViewContext

MAX_GROUPS = 60
Unit = Literal["m", "m2", "px", "ratio", "deg", "count", ""]
Frame = Literal["picture", "camera", "gravity", "object", ""]
ALL_FORMS: tuple[Form, ...] = ("named", "marked", "boxed", "region")
POINTING_FORMS: tuple[Form, ...] = ("marked", "boxed", "region")


@dataclass(frozen=True)
class Requirements:
    """What must hold before a family is asked.

    `whole`: the objects are not cut off by the picture's border. `gravity`: it is known where up
    is. `level`: also, the camera does not look steeply up or down, so that up in the room is up
    in the picture. `shape`: the object must be seen, so its mark must leave most of it in view;
    without it the question is about the place of the mark itself. `front`: the object's own
    axes are known. `unordered`: an object named by its place among its kind is not asked about,
    for its name would tell the answer ("the leftmost chair"). `kinds`: the question names a kind,
    not an object, so objects that have no name of their own count too.
    """

    untruncated: bool = False
    gravity: bool = False
    level: bool = False
    shape: bool = True
    front: bool = False
    position_independent: bool = False
    kinds: bool = False


@dataclass(frozen=True)
class Margins:
    """How large a difference must be to have a clear answer.

    `metres` for positions, `ratio` by which the larger size exceeds the smaller, `picture` as a
    share of the picture's shorter side, `degrees` for directions; and always `sigmas` standard
    deviations of what was measured.
    """

    metres: float = 0.15
    ratio: float = 0.15
    picture: float = 0.05
    degrees: float = 10.0
    sigmas: float = 2.0

    def of(self, unit: Unit, view_context: ViewContext) -> float:
        """Return the margin in a unit."""
        if unit in ("m", "m2"):
            return self.metres
        if unit == "px":
            return self.picture * view_context.shorter_side_px
        return self.ratio if unit == "ratio" else self.degrees if unit == "deg" else 0.0

    def needed(self, unit: Unit, view_context: ViewContext, sigma: FloatArray) -> FloatArray:
        """Return how far from turning over an answer must be, row by row."""
        return np.maximum(max(self.of(unit, view_context), 1e-9), self.sigmas * sigma)


@dataclass(eq=False, slots=True)
class QuestionContext:
    """What a family asks about: the sight, the usable rows, how they are called, the margins.

    `usable` are rows of the sight. What cannot be asked is counted in `dropped` by reason. Not to
    be changed, nor the arrays that it returns (freezing costs time).
    """

    view_context: ViewContext
    usable: np.ndarray
    expressions: ReferringExpressions
    form: Form
    margins: Margins
    rng: np.random.Generator
    units: Units = "metric"
    multiple_choice: bool = True
    dropped: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def groups(self, size: int) -> np.ndarray:
        """Return groups of usable rows [m, size], each set once; at most `MAX_GROUPS` by lot."""
        number = len(self.usable)
        if number < size:
            return np.zeros((0, size), dtype=int)
        if math.comb(number, size) <= MAX_GROUPS:
            return _all_groups(self.usable.tobytes(), size)
        drawn = {tuple(sorted(self.rng.permutation(number)[:size])) for _ in range(MAX_GROUPS)}
        return self.usable[np.array(sorted(drawn))]

    def pairs(self, *, ordered: bool = False) -> np.ndarray:
        """Return every pair of usable rows once, [m, 2]; both ways round if `ordered`."""
        return _all_pairs(self.usable.tobytes(), len(self.view_context), ordered)[0]

    def pair_values(self, *matrices: FloatArray, ordered: bool = False) -> Iterator[FloatArray]:
        """Yield the values [m] of the pairs in matrices [n, n]."""
        places = _all_pairs(self.usable.tobytes(), len(self.view_context), ordered)[1]
        return (matrix.take(places) for matrix in matrices)

    def shuffled_pairs(self) -> np.ndarray:
        """Return the pairs in an order of mention by lot, so that it tells nothing."""
        pairs = self.pairs()
        turned = self.rng.random(len(pairs)) < 0.5
        return np.where(turned[:, None], pairs[:, ::-1], pairs)


@lru_cache(maxsize=256)
def _all_groups(rows: bytes, size: int) -> np.ndarray:
    """Return every group of `size` of the rows in an int array once, [m, size]."""
    groups = combinations(np.frombuffer(rows, dtype=int).tolist(), size)
    found = np.array(list(groups), dtype=int).reshape(-1, size)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=256)
def _all_pairs(rows: bytes, number: int, ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return every pair [m, 2] of rows, and its places [m] in a flattened [number, number]."""
    pairs = _all_groups(rows, 2)
    if ordered:
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        pairs.flags.writeable = False
    places = pairs[:, 0] * number + pairs[:, 1]
    places.flags.writeable = False
    return pairs, places


class Family(Protocol):
    """A family of questions; its shape makes the batches."""

    @property
    def name(self) -> str: ...
    @property
    def forms(self) -> tuple[Form, ...]: ...
    @property
    def requires(self) -> Requirements: ...
    @property
    def unit(self) -> Unit: ...
    @property
    def frame(self) -> Frame: ...

    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield every question that can be asked, in batches of one kind, pole and answer."""
        ...
