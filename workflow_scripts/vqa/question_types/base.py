"""What all types of questions share: what a family is, what it requires, and its context."""

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any, Literal, Self

import numpy as np

from workflow_scripts.common.measurements import ShapeSource
from workflow_scripts.common.quantity_text import Units
from workflow_scripts.common.records import Form
from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.vqa.batch import Batch, ReferringExpressions
from workflow_scripts.vqa.margins import Margins, Unit
from workflow_scripts.vqa.reasoning.question_instance import NoReasoning, StepWriter
from workflow_scripts.vqa.templates import Templates
from workflow_scripts.vqa.view_context import ViewContext

MAX_GROUPS = 60
Frame = Literal["picture", "camera", "gravity", "object", ""]
ALL_FORMS: tuple[Form, ...] = ("named", "marked", "boxed", "region")
# From these sources of a shape footprints and volumes, or gaps and nearest points, are the box's.
BOX_VOLUMES: frozenset[ShapeSource] = frozenset(["box", "cloud"])
BOX_GAPS: frozenset[ShapeSource] = frozenset(["box"])
POINTING_FORMS: tuple[Form, ...] = ("marked", "boxed", "region")


@dataclass(frozen=True)
class Requirements:
    """What must hold before a question of a family is asked.

    `untruncated`: the objects are not cut off by the picture's border. `gravity`: the direction of
    up is known. `level`: also, the camera does not look steeply up or down, so that up in the room
    is up in the picture. `shape`: the object must be visible, so its mark must leave most of it
    uncovered; without it the question is about the position of the mark itself. `front`: the
    object's own axes are known; `agreed_front`: and everyone would agree on its front, so that its
    width is from side to side. `long`: the object is not taller than long, so that its length is
    not its height. `range_clear`: the camera is not known to look steeply up or down, so that
    near is not high. `same_room`: the object is not known to be in another room than the camera.
    `position_independent`: an object named by its position among others of its category is left
    out, for its name would give the answer away ("the leftmost chair"). `kinds`: the question
    names a category, not an object, so objects without a unique name count too.
    """

    untruncated: bool = False
    gravity: bool = False
    level: bool = False
    shape: bool = True
    front: bool = False
    agreed_front: bool = False
    long: bool = False
    range_clear: bool = False
    same_room: bool = False
    position_independent: bool = False
    kinds: bool = False


@dataclass(eq=False, slots=True)
class QuestionContext:
    """What a family asks about: the view context, its usable rows, their phrases, the margins.

    `usable` are rows of the view context. What cannot be asked is counted in `dropped` by reason.
    Do not change a context or the arrays that it returns (freezing costs time).
    """

    view_context: ViewContext
    usable: np.ndarray
    expressions: ReferringExpressions
    form: Form
    margins: Margins
    rng: np.random.Generator
    units: Units
    multiple_choice: bool
    dropped: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def groups(self, size: int) -> np.ndarray:
        """Return groups of usable rows [m, size], each set once; `MAX_GROUPS` drawn at most."""
        number = len(self.usable)
        if number < size:
            return np.zeros((0, size), dtype=int)
        if math.comb(number, size) <= MAX_GROUPS:
            return _all_groups(self.usable.tobytes(), size)
        drawn = {tuple(sorted(self.rng.permutation(number)[:size])) for _ in range(MAX_GROUPS)}
        return np.asarray(self.usable[np.array(sorted(drawn))])

    def pairs(self, *, ordered: bool = False) -> np.ndarray:
        """Return every pair of usable rows once, [m, 2]; both ways round if `ordered`."""
        return _all_pairs(self.usable.tobytes(), len(self.view_context), ordered)[0]

    def pair_values(self, *matrices: FloatArray, ordered: bool = False) -> Iterator[FloatArray]:
        """Yield the values [m] of the pairs in matrices [n, n]."""
        indices = _all_pairs(self.usable.tobytes(), len(self.view_context), ordered)[1]
        return (matrix.take(indices) for matrix in matrices)

    def shuffled_pairs(self) -> np.ndarray:
        """Return the pairs in a random order of mention, which says nothing about the answer."""
        pairs = self.pairs()
        is_reversed = self.rng.random(len(pairs)) < 0.5
        return np.where(is_reversed[:, None], pairs[:, ::-1], pairs)


@lru_cache(maxsize=256)
def _all_groups(rows: bytes, size: int) -> np.ndarray:
    """Return every group of `size` of the rows in an int array once, [m, size]."""
    groups = combinations(np.frombuffer(rows, dtype=int).tolist(), size)
    result = np.array(list(groups), dtype=int).reshape(-1, size)
    result.flags.writeable = False
    return result


@lru_cache(maxsize=256)
def _all_pairs(rows: bytes, number: int, ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return every pair [m, 2] of rows, and its indices [m] in a flattened [number, number]."""
    pairs = _all_groups(rows, 2)
    if ordered:
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        pairs.flags.writeable = False
    indices = pairs[:, 0] * number + pairs[:, 1]
    indices.flags.writeable = False
    return pairs, indices


# Writes the steps to the answer of a question of a family, or says why there are none.
Reasoning = StepWriter | NoReasoning


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of questions: what it asks, in which words, with which reasoning; its flags.

    `unit` is that of its margin and of its values, `frame` where they are measured. `forms` are
    the ways in which it can refer to objects. `can_paraphrase`: the objects in the text are among
    the referents, so that a paraphrase can be checked. `yes_leads`: "no" is never asked for more
    often than "yes", so a family that nearly never holds is not asked.
    """

    name: str
    unit: Unit
    frame: Frame
    reasoning: Reasoning
    requires: Requirements = Requirements()
    forms: tuple[Form, ...] = ALL_FORMS
    can_paraphrase: bool = True
    yes_leads: bool = False

    @cached_property
    def templates(self) -> dict[str, Templates]:
        """Return the phrasings of questions and of answers, by kind."""
        raise NotImplementedError

    @property
    def order_matters(self) -> bool:
        """Say whether in an open question the order of mention changes the answer."""
        return False


@dataclass(frozen=True, kw_only=True)
class OneViewFamily(Family, ABC):
    """A family about one view; its question type makes the batches.

    Where a family asks about shapes and the view knows only boxes, it asks about the boxes and
    says so: `of_boxes` is the family in those words, for shapes known from `box_sources`.
    """

    of_boxes: "OneViewFamily | None" = None
    box_sources: frozenset[ShapeSource] = frozenset()

    def worded_for(self, view_context: ViewContext) -> "OneViewFamily":
        """Return the family in the words that fit what a view knows of shapes."""
        if self.of_boxes is None or view_context.measured.shape_source not in self.box_sources:
            return self
        return self.of_boxes

    def with_box_wording(self, sources: frozenset[ShapeSource], **wording: Any) -> Self:
        """Return the family with other fields where boxes stand for shapes, from some sources."""
        return replace(self, of_boxes=replace(self, **wording), box_sources=sources)

    @abstractmethod
    def batches(self, context: QuestionContext) -> Iterator[Batch]:
        """Yield every question that can be asked, in batches of one kind, antonym and answer."""
