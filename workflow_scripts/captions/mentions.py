"""Group the things of a picture into what a sentence can speak of without being misread."""

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_scripts.captions.facts import RoomFacts, Thing
from workflow_scripts.captions.words import coloured, counted, number, plural

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
    """One thing, or several of a category, that a phrase means without doubt."""

    things: tuple[Thing, ...]
    is_only_one: bool

    @property
    def count(self) -> int:
        return len(self.things)

    @property
    def thing(self) -> Thing:
        """The one with most pixels."""
        return self.things[0]

    @property
    def colour(self) -> str:
        """The colour they share, or ''."""
        colours = {thing.colour for thing in self.things}
        return colours.pop() if len(colours) == 1 else ""

    @property
    def indefinite(self) -> str:
        return counted(self.count, self.thing.noun, colour=self.colour)

    @property
    def definite(self) -> str:
        """Return "the sofa", "the red chair" (if there is another one) or "the two chairs"."""
        noun = self.thing.noun
        if self.count > 1:
            return f"the {number(self.count)} {plural(noun)}"
        return f"the {noun if self.is_only_one else coloured(noun, self.colour)}"


def mentions(things: Sequence[Thing]) -> list[Mention]:
    """Group things by category, in the order of their first.

    Things of one category are told apart only if each has a colour of its own.
    """
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        groups.setdefault(thing.noun, []).append(thing)
    found = []
    for group in groups.values():
        colours = [thing.colour for thing in group]
        if len(group) > 1 and all(colours) and len(set(colours)) == len(colours):
            found += [Mention((thing,), is_only_one=False) for thing in group]
        else:
            found.append(Mention(tuple(group), is_only_one=len(group) == 1))
    order = {id(thing): index for index, thing in enumerate(things)}
    return sorted(found, key=lambda mention: order[id(mention.thing)])


def is_on_wall(thing: Thing) -> bool:
    """Say whether a thing that stands on nothing hangs on a wall."""
    return thing.category in ON_WALLS and thing.bottom_m > WALL_HEIGHT_M


def preposition(child: Thing, parent: Thing) -> str:
    """Return "in" for what is inside a container, "on" for all else."""
    inside = child.bottom_m < parent.top_m - _ON_TOP_M
    return "in" if inside and parent.category in _CONTAINERS else "on"


def relation(
    subject: Mention, anchor: Mention, room: RoomFacts, *, is_from_above: bool = False
) -> str:
    """Return how a subject lies to one anchor as the camera sees it, '' if that is not clear.

    Left and right hold in the picture (the columns they span do not overlap by more than a
    tenth of the picture) and in the room; in front and behind, along the view, only where one
    stands in the line of the other, and not in a view from above, where the words mislead.
    """
    other = anchor.thing
    gaps = [thing.gap_m(other) for thing in subject.things]
    if subject.count > 2 and max(gaps) <= AROUND_M and _surrounds(subject, other):
        return "around"
    sides = {_side(thing, other, room.width_px) for thing in subject.things}
    side = sides.pop() if len(sides) == 1 else ""
    if max(gaps) <= NEXT_TO_M:
        return f"next to {anchor.definite}"
    if side in ("left", "right"):
        return f"to the {side} of {anchor.definite}"
    if side in ("behind", "in front of") and not is_from_above:
        return f"{side} {anchor.definite}"
    return ""


def _surrounds(subject: Mention, other: Thing) -> bool:
    """Say whether things stand on more than one side of another."""
    across = [thing.right_m - other.right_m for thing in subject.things]
    along = [thing.ahead_m - other.ahead_m for thing in subject.things]
    return min(across) < 0 < max(across) or min(along) < 0 < max(along)


def _side(thing: Thing, other: Thing, width_px: int) -> str:
    overlap_px = min(thing.x1_px, other.x1_px) - max(thing.x0_px, other.x0_px)
    right_px = (thing.x0_px + thing.x1_px) - (other.x0_px + other.x1_px)
    right_m, ahead_m = thing.right_m - other.right_m, thing.ahead_m - other.ahead_m
    if overlap_px <= 0.1 * width_px:
        if right_px < 0 and right_m < -_MIN_SIDE_M:
            return "left"
        if right_px > 0 and right_m > _MIN_SIDE_M:
            return "right"
        return ""
    # Boxes must be clear of each other along the view, not only their centres.
    if abs(ahead_m) < _MIN_DEPTH_M or thing.gap_m(other) <= 0:
        return ""
    return "behind" if ahead_m > 0 else "in front of"
