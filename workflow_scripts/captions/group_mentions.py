"""Group the objects of a view into phrases that are unambiguous in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_scripts.captions.facts import RoomFacts, VisibleObject
from workflow_scripts.captions.grammar import count_phrase, number_word, plural, with_colour

ON_WALLS = frozenset(
    {
        *("Blinds", "HandTowel", "HandTowelHolder", "LightSwitch", "Painting", "ShowerHead"),
        *("Television", "ToiletPaperHanger", "Towel", "TowelHolder"),
    }
)
_CONTAINERS = frozenset(
    {
        *("Bowl", "Box", "Fridge", "GarbageCan", "LaundryHamper", "Microwave", "Pan", "Pot"),
        *("Safe", "Sink", "Vase"),
    }
)
WALL_HEIGHT_M = 0.4
NEXT_TO_M = 0.45
AROUND_M = 0.8
_ON_TOP_M = 0.05
_MIN_DEPTH_M = 0.4
_MIN_SIDE_M = 0.2


@dataclass(frozen=True)
class Mention:
    """One object, or several of a category, that a phrase names unambiguously."""

    objects: tuple[VisibleObject, ...]
    is_unique: bool

    @property
    def count(self) -> int:
        return len(self.objects)

    @property
    def obj(self) -> VisibleObject:
        """The one with most pixels."""
        return self.objects[0]

    @property
    def colour(self) -> str:
        """The colour they share, or ''."""
        colours = {obj.colour for obj in self.objects}
        return colours.pop() if len(colours) == 1 else ""

    @property
    def indefinite(self) -> str:
        return count_phrase(self.count, self.obj.noun, colour=self.colour)

    @property
    def definite(self) -> str:
        """Return "the sofa", "the red chair" (if there is another one) or "the two chairs"."""
        noun = self.obj.noun
        if self.count > 1:
            return f"the {number_word(self.count)} {plural(noun)}"
        return f"the {noun if self.is_unique else with_colour(noun, self.colour)}"


def group_mentions(objects: Sequence[VisibleObject]) -> list[Mention]:
    """Group objects by category, in the order of their first.

    Objects of one category are separate mentions only if each has a different colour.
    """
    groups: dict[str, list[VisibleObject]] = {}
    for obj in objects:
        groups.setdefault(obj.noun, []).append(obj)
    result = []
    for group in groups.values():
        colours = [obj.colour for obj in group]
        if len(group) > 1 and all(colours) and len(set(colours)) == len(colours):
            result += [Mention((obj,), is_unique=False) for obj in group]
        else:
            result.append(Mention(tuple(group), is_unique=len(group) == 1))
    order = {id(obj): index for index, obj in enumerate(objects)}
    return sorted(result, key=lambda mention: order[id(mention.obj)])


def is_on_wall(obj: VisibleObject) -> bool:
    """Return whether an object without a parent hangs on a wall."""
    return obj.category in ON_WALLS and obj.bottom_m > WALL_HEIGHT_M


def preposition(child: VisibleObject, parent: VisibleObject) -> str:
    """Return "in" for what is inside a container, "on" for all else."""
    is_inside = child.bottom_m < parent.top_m - _ON_TOP_M
    return "in" if is_inside and parent.category in _CONTAINERS else "on"


def relation(
    subject: Mention, anchor: Mention, room: RoomFacts, *, is_from_above: bool = False
) -> str:
    """Return how a subject lies to one anchor as the camera sees it, '' if that is not clear.

    Left and right hold in the picture (the columns they span do not overlap by more than a
    tenth of the picture) and in the room; in front and behind, along the view, only where one
    stands in the line of the other, and not in a view from above, where the words mislead.
    """
    reference = anchor.obj
    distances_m = [obj.gap_m(reference) for obj in subject.objects]
    if subject.count > 2 and max(distances_m) <= AROUND_M and _surrounds(subject, reference):
        return "around"
    sides = {_side(obj, reference, room.width_px) for obj in subject.objects}
    side = sides.pop() if len(sides) == 1 else ""
    if max(distances_m) <= NEXT_TO_M:
        return f"next to {anchor.definite}"
    if side in ("left", "right"):
        return f"to the {side} of {anchor.definite}"
    if side in ("behind", "in front of") and not is_from_above:
        return f"{side} {anchor.definite}"
    return ""


def _surrounds(subject: Mention, reference: VisibleObject) -> bool:
    """Return whether objects stand on more than one side of another."""
    across = [obj.right_m - reference.right_m for obj in subject.objects]
    along = [obj.ahead_m - reference.ahead_m for obj in subject.objects]
    return min(across) < 0 < max(across) or min(along) < 0 < max(along)


def _side(obj: VisibleObject, reference: VisibleObject, width_px: int) -> str:
    overlap_px = min(obj.x1_px, reference.x1_px) - max(obj.x0_px, reference.x0_px)
    right_px = (obj.x0_px + obj.x1_px) - (reference.x0_px + reference.x1_px)
    right_m, ahead_m = obj.right_m - reference.right_m, obj.ahead_m - reference.ahead_m
    if overlap_px <= 0.1 * width_px:
        if right_px < 0 and right_m < -_MIN_SIDE_M:
            return "left"
        if right_px > 0 and right_m > _MIN_SIDE_M:
            return "right"
        return ""
    # Boxes must be clear of each other along the view, not only their centres.
    if abs(ahead_m) < _MIN_DEPTH_M or obj.gap_m(reference) <= 0:
        return ""
    return "behind" if ahead_m > 0 else "in front of"
