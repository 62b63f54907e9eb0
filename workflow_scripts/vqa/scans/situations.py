"""Where someone stands in a scan and looks, in words that fix it well enough.

"Next to the desk" is many places. What is asked of a situation must have the same answer from all
places that its words may mean, and whatever direction is looked in to face something.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from workflow_scripts.common.label_text import is_plural
from workflow_scripts.geometry.cameras import FloatArray, heading_vector, wrap_deg
from workflow_scripts.vqa.scans.relations import anchors_of, kind_of_place
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

EYE_STANDING_M, EYE_SITTING_M = 1.5, 1.1
# How far from something one stands "next to" it or with it behind, and room for a person.
NEAR_M, FAR_M, CLEARANCE_M = 0.3, 0.55, 0.15
# What is on the floor and lower than a rug is no obstacle.
RUG_M, PERSON_M = 0.05, 1.6
# What is faced is at least this far away.
MIN_FACED_M = 0.9
# The longest side of what one stands next to: more is several places.
MAX_SIDE_M = 1.2
_DIRECTIONS = 16
_WITH_BACK = frozenset({"ArmChair", "Sofa", "Toilet"})


@dataclass(frozen=True, eq=False)
class Situation:
    """Where one is and looks.

    Attributes:
        text: the words.
        near: what one stands or sits by; faced: what one looks at, None for a seat's front.
        positions_m: f64 [n, 2], places that the words may mean; the first is the usual one.
        facing_deg: f64 [n], where one looks there, counter-clockwise from world +X.
        eye_m: height of the eyes.
    """

    text: str
    near: ScanObject
    faced: ScanObject | None
    positions_m: FloatArray
    facing_deg: FloatArray
    eye_m: float

    def bearings_deg(self, points_m: FloatArray) -> FloatArray:
        """Return angles [n, k] of points [k, 2] to the left of straight ahead, (-180, 180]."""
        offset = points_m[None] - self.positions_m[:, None]
        absolute = np.rad2deg(np.arctan2(offset[..., 1], offset[..., 0]))
        result: FloatArray = wrap_deg(absolute - self.facing_deg[:, None])
        return result

    def gaps_m(self, item: ScanObject) -> FloatArray:
        """Return the horizontal distances [n] from the places to an object."""
        points = [shapely.Point(place) for place in self.positions_m]
        return np.array([item.footprint.distance(point) for point in points])


def situations_of(context: ScanContext, rng: np.random.Generator) -> Iterator[Situation]:
    """Yield situations in random order: next to, with the back to, or sitting on something."""
    anchors = anchors_of(context)
    floor = [item for item in anchors if item.kind == "object" and kind_of_place(item) == "floor"]
    faced = [item for item in anchors if item.size_m.max() >= 0.3]
    tries = [(near, other) for near in floor for other in faced if near is not other]
    blocked = _blocked(context)
    for place in rng.permutation(len(tries)):
        near, other = tries[place]
        if not _same_room(near, other):
            continue
        make = (_next_to, _back_to)[int(rng.integers(2))]
        situation = make(context, near, other, blocked, rng)
        if situation is not None:
            yield situation
    for seat in floor:
        if seat.category in _WITH_BACK:
            yield _seated(seat)


def _next_to(
    context: ScanContext,
    near: ScanObject,
    faced: ScanObject,
    blocked: shapely.Geometry,
    rng: np.random.Generator,
) -> Situation | None:
    if near.size_m[:2].max() > MAX_SIDE_M:
        return None
    places = []
    for distance in (NEAR_M, FAR_M):
        ring = near.footprint.buffer(distance).exterior
        steps = np.arange(_DIRECTIONS) / _DIRECTIONS
        places += [ring.interpolate(step, normalized=True).coords[0] for step in steps]
    text = _pick(
        rng,
        (
            "I am standing next to the {near}, facing the {faced}.",
            "I stand by the {near} and look at the {faced}.",
            "I am next to the {near} and facing the {faced}.",
        ),
    )
    return _standing(context, text, near, faced, np.array(places), blocked)


def _back_to(
    context: ScanContext,
    near: ScanObject,
    faced: ScanObject,
    blocked: shapely.Geometry,
    rng: np.random.Generator,
) -> Situation | None:
    offset = faced.centre_m[:2] - near.centre_m[:2]
    length = float(np.linalg.norm(offset))
    if length < MIN_FACED_M:
        return None
    ray = shapely.LineString([near.centre_m[:2], near.centre_m[:2] + offset / length * 20])
    edge = near.footprint.exterior.intersection(ray)
    if edge.is_empty:
        return None
    start = np.array(edge.centroid.coords[0])
    places = np.array([start + offset / length * distance for distance in (0.45, NEAR_M, 0.7)])
    text = _pick(
        rng,
        (
            "I am standing with my back to the {near}, facing the {faced}.",
            "The {near} {is_near} right behind me and I am looking at the {faced}.",
            "I am facing the {faced}, with the {near} right behind me.",
        ),
    )
    return _standing(context, text, near, faced, places, blocked)


def _standing(
    context: ScanContext,
    text: str,
    near: ScanObject,
    faced: ScanObject,
    places: FloatArray,
    blocked: shapely.Geometry,
) -> Situation | None:
    """Return a situation at those places at which a person has room."""
    free = np.array([_is_free(context, near, place, blocked) for place in places])
    places = places[free]
    away = np.linalg.norm(faced.centre_m[:2] - places, axis=1)
    places = places[away >= MIN_FACED_M]
    if not len(places):
        return None
    offset = faced.centre_m[:2] - places
    return Situation(
        text=text.format(
            near=near.phrase, faced=faced.phrase, is_near="are" if is_plural(near.phrase) else "is"
        ),
        near=near,
        faced=faced,
        positions_m=places,
        facing_deg=np.rad2deg(np.arctan2(offset[:, 1], offset[:, 0])),
        eye_m=EYE_STANDING_M,
    )


def _seated(seat: ScanObject) -> Situation:
    heading = heading_vector(seat.yaw_deg)[:2]
    return Situation(
        text=f"I am sitting on the {seat.phrase}, leaning back.",
        near=seat,
        faced=None,
        positions_m=seat.centre_m[None, :2],
        facing_deg=np.rad2deg(np.arctan2(heading[1], heading[0]))[None],
        eye_m=EYE_SITTING_M,
    )


def _blocked(context: ScanContext) -> shapely.Geometry:
    """Return the floor on which nobody can stand."""
    solid = [
        item.footprint
        for item in (*context.objects, *context.glimpsed, *context.unseen)
        if item.bottom_m < PERSON_M and item.top_m > RUG_M
    ]
    return shapely.union_all(solid).buffer(CLEARANCE_M)


def _is_free(
    context: ScanContext, near: ScanObject, place: FloatArray, blocked: shapely.Geometry
) -> bool:
    point = shapely.Point(place)
    rooms = [room for room in context.rooms if room.room_id == near.room_id]
    inside = not rooms or rooms[0].shape.buffer(-CLEARANCE_M).contains(point)
    return bool(inside and not blocked.contains(point))


def _same_room(one: ScanObject, other: ScanObject) -> bool:
    return not one.room_id or not other.room_id or one.room_id == other.room_id


def _pick(rng: np.random.Generator, wordings: Sequence[str]) -> str:
    return wordings[int(rng.integers(len(wordings)))]
