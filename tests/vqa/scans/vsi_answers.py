"""Answers to generated questions, computed again from the geometry of the scan alone.

Nothing of the code that makes the questions is used: distances by shapely, turns by complex
numbers, routes by straight lines over the floor.
"""

import cmath
import math
import re

import shapely

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.vqa.scans.scan_context import ScanContext, ScanObject

ROBOT_M, REACH_M, AHEAD_DEG = 0.2, 0.6, 25.0


def outline(item: ScanObject) -> shapely.Polygon:
    """Return the footprint of an object as a polygon."""
    yaw = math.radians(item.yaw_deg)
    x, y, _ = item.centre_m
    half_width, half_depth = item.size_m[0] / 2, item.size_m[1] / 2
    corners = [
        complex(x, y) + complex(dx, dy) * cmath.exp(1j * yaw)
        for dx, dy in (
            (-half_width, -half_depth), (half_width, -half_depth),
            (half_width, half_depth), (-half_width, half_depth),
        )
    ]  # fmt: skip
    return shapely.Polygon([(corner.real, corner.imag) for corner in corners])


def gap_m(one: ScanObject, other: ScanObject) -> float:
    """Return the least distance of two upright boxes."""
    low = max(item.centre_m[2] - item.size_m[2] / 2 for item in (one, other))
    high = min(item.centre_m[2] + item.size_m[2] / 2 for item in (one, other))
    return math.hypot(outline(one).distance(outline(other)), max(low - high, 0.0))


def named(context: ScanContext, noun: str) -> ScanObject:
    """Return the only object of a noun among all that any frame shows."""
    (item,) = (
        item for item in (*context.objects, *context.glimpsed) if item.phrase == noun.strip()
    )
    return item


def mentioned(context: ScanContext, text: str) -> list[ScanObject]:
    """Return the objects that a text mentions as "the ...", in the order of mention."""
    nouns = sorted({item.phrase for item in context.objects}, key=len, reverse=True)
    pattern = re.compile(rf"\bthe ({'|'.join(map(re.escape, nouns))})\b")
    return [named(context, match[1]) for match in pattern.finditer(text)]


def bearing(start: ScanObject, end: ScanObject) -> complex:
    """Return the direction between the centers of two objects on the floor plan."""
    way = end.centre_m - start.centre_m
    return complex(way[0], way[1])


def turn_deg(before: complex, after: complex) -> float:
    """Return a turn, counter-clockwise positive."""
    return math.degrees(cmath.phase(after / before))


def turn_name(angle_deg: float) -> str:
    """Return what a robot does that has to turn by an angle."""
    if abs(angle_deg) > 135:
        return "Turn Back"
    return "Turn Left" if angle_deg > 45 else "Turn Right" if angle_deg < -45 else ""


def all_objects(context: ScanContext) -> list[ScanObject]:
    """Return what stands in a scan, shown or not."""
    return [*context.objects, *context.glimpsed, *context.unseen]


def option(sample: ScanSample) -> str:
    """Return the text of the right option."""
    return sample.options["ABCDEFGH".index(str(sample.truth))]


def contradiction(context: ScanContext, sample: ScanSample) -> str:
    """Return what is wrong with a sample, '' if nothing is."""
    check = {
        "object_counting": _count,
        "object_abs_distance": _absolute,
        "object_rel_distance": _relative,
        "object_rel_direction_easy": _direction,
        "object_rel_direction_medium": _direction,
        "object_rel_direction_hard": _direction,
        "object_size_estimation": _size,
        "room_size_estimation": _room,
        "obj_appearance_order": _order,
        "route_planning": _route,
    }[sample.question_type]
    if sample.answer != sample.answers[0] or not sample.reasoning.endswith(f"{sample.answer}."):
        return "answer and reasoning differ"
    return check(context, sample)


def _count(context: ScanContext, sample: ScanSample) -> str:
    kinds = {context.by_instance[number].category for number in sample.referents}
    shown = [item for item in (*context.objects, *context.glimpsed) if item.category in kinds]
    right = len(kinds) == 1 and len(shown) == sample.truth == len(set(sample.referents))
    return "" if right else f"{len(shown)} are shown"


def _absolute(context: ScanContext, sample: ScanSample) -> str:
    one, other = mentioned(context, sample.text)
    true_m = gap_m(one, other)
    return "" if abs(true_m - float(sample.truth)) <= 0.05 + 1e-9 else f"{true_m} m"


def _relative(context: ScanContext, sample: ScanSample) -> str:
    objects = mentioned(context, sample.text)
    (anchor,) = (item for item in objects if item.phrase not in sample.options)
    gaps = {noun: gap_m(anchor, named(context, noun)) for noun in sample.options}
    nearest, second, *_ = sorted(gaps, key=lambda noun: gaps[noun])
    clear = gaps[second] - gaps[nearest] >= 0.25 - 1e-6 and len(gaps) == 4
    return "" if nearest == option(sample) and clear else f"{gaps}"


def _direction(context: ScanContext, sample: ScanSample) -> str:
    standing, facing, queried = mentioned(context, sample.text)
    turn = turn_deg(bearing(standing, facing), bearing(standing, queried))
    if sample.question_type.endswith("hard"):
        expected = ("front" if abs(turn) < 90 else "back") + ("-left" if turn > 0 else "-right")
    else:
        expected = "back" if abs(turn) > 135 else "left" if turn > 0 else "right"
    return "" if expected == option(sample) else f"{turn} degrees"


def _size(context: ScanContext, sample: ScanSample) -> str:
    (item,) = mentioned(context, sample.text)
    true_cm = 100 * max(item.size_m)
    return "" if abs(true_cm - float(sample.truth)) <= 0.5 + 1e-9 else f"{true_cm} cm"


def _room(context: ScanContext, sample: ScanSample) -> str:
    total = 0.0
    for room in context.rooms:
        x, y = room.polygon_m.T.tolist()
        sides = zip(x, y, x[1:] + x[:1], y[1:] + y[:1], strict=True)
        twice = sum(a * d - c * b for a, b, c, d in sides)
        total += abs(twice) / 2
    return "" if abs(total - float(sample.truth)) <= 0.05 + 1e-9 else f"{total} m2"


def _order(context: ScanContext, sample: ScanSample) -> str:
    first = {}
    for noun in option(sample).split(", "):
        items = [item for item in context.objects if item.phrase == noun]
        first[noun] = min(context.frames[item.frames[0]].timestamp_s for item in items)
    in_order = sorted(first, key=lambda noun: first[noun])
    different = len(set(first.values())) == 4 and len(set(sample.options)) == 4
    return "" if in_order == option(sample).split(", ") and different else f"{first}"


def _route(context: ScanContext, sample: ScanSample) -> str:
    """Drive the route with the turns of the right option, and see whether it can be driven."""
    task, *steps = re.split(r" \d\. ", sample.text)
    start, facing, destination = mentioned(context, task)
    evidence, turns = sample.evidence, iter(option(sample).split(", "))
    number = sum(name.startswith("x_") for name in evidence)
    points = [complex(evidence[f"x_{n}_m"], evidence[f"y_{n}_m"]) for n in range(number)]
    obstacles = shapely.union_all([outline(item) for item in all_objects(context)])
    heading = complex(*facing.centre_m[:2]) - points[0]
    here, at = start, 0
    for step in steps:
        if at + 1 == number:
            return "steps after the last stop"
        leg = points[at + 1] - points[at]
        if step.startswith("[please fill in]"):
            wanted = next(turns)
            if turn_name(turn_deg(heading, leg)) != wanted:
                return f"not {wanted} after leg {at}"
            heading = leg
            continue
        goal, *_ = mentioned(context, step)
        line = shapely.LineString([(point.real, point.imag) for point in points[at : at + 2]])
        if line.distance(obstacles) < ROBOT_M:
            return f"leg {at} meets an obstacle"
        if not any(room.shape.buffer(-ROBOT_M).covers(line) for room in context.rooms):
            return f"leg {at} leaves the room"
        if abs(turn_deg(heading, leg)) > AHEAD_DEG:
            return f"leg {at} is not straight ahead"
        end = shapely.Point(points[at + 1].real, points[at + 1].imag)
        if outline(goal).distance(end) > REACH_M:
            return f"leg {at} does not reach the {goal.phrase}"
        heading, here, at = leg, goal, at + 1
    finished = at == number - 1 and here is destination and not list(turns)
    return "" if finished else f"it ends at the {here.phrase}"
