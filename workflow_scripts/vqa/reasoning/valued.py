"""Steps of questions for a number: lengths, areas, angles, hours of the clock."""

from collections.abc import Callable

import numpy as np

from workflow_scripts.common.quantities import clock_hour
from workflow_scripts.vqa.reasoning.fact import Fact, listed, numbers, sentence
from workflow_scripts.vqa.reasoning.numbers import (
    Number,
    Unclear,
    direction,
    full_turn,
    in_words_of,
    minus,
    more,
    number,
    over,
    root,
    times,
)

# Coordinates are measured to the right and ahead of the camera laid level, and up from the floor.
_AXES = ("to the right", "ahead", "up")


def _ended(fact: Fact, steps: list[str], found: Number) -> list[str]:
    """Add the step to the answer's unit, and the option where there are some."""
    last = in_words_of(found, fact.value, fact.unit)
    steps = [*steps, sentence(last)] if last else steps
    if fact.batch.kind == "multiple_choice":
        return [*steps, sentence(f"that is option {fact.batch.answer}")]
    return steps


def direct(text: str, values: Callable[[Fact], float]) -> Callable[[Fact, int], list[str]]:
    """Return the steps from one measured length; `text` fits "{text} {value} m."."""

    def write(fact: Fact, digits: int) -> list[str]:
        found = number(values(fact), digits)
        name = fact.name(fact.places[0])
        other = fact.name(fact.places[1]) if len(fact.places) > 1 else ""
        said = sentence(f"{text.format(a=name, b=other)} {found} m")
        return _ended(fact, [said], found)

    return write


width = direct(
    "seen from the front, the box around {a} measures from side to side",
    lambda fact: fact.sight.measured.size_m[fact.places[0], 0],
)
gap = direct(
    "between {a} and {b}, the gap at the nearest points is",
    lambda fact: fact.sight.measured.gap_m[fact.places[0], fact.places[1]],
)
camera_nearest = direct(
    "from the camera to the nearest point of {a} it is",
    lambda fact: fact.sight.measured.nearest_m[fact.places[0]],
)
bottom_height = direct(
    "above the floor, the lowest point of {a} is at",
    lambda fact: fact.sight.measured.low_m[fact.places[0], 2],
)
top_height = direct(
    "above the floor, the highest point of {a} is at",
    lambda fact: fact.sight.measured.high_m[fact.places[0], 2],
)


def extent(axis: int, low_name: str, high_name: str) -> Callable[[Fact, int], list[str]]:
    """Return the steps from two ends of an object along right (0) or up (2) to its extent."""

    def write(fact: Fact, digits: int) -> list[str]:
        (place,) = fact.places
        measured = fact.sight.measured
        low = number(measured.low_m[place, axis], digits)
        high = number(measured.high_m[place, axis], digits)
        step, found = minus(high, low)
        said = sentence(f"{low_name.format(a=fact.name(place))} {low} m", f"{high_name} {high} m")
        return _ended(fact, [said, sentence(f"{step} m")], found)

    return write


height = extent(2, "the underside of {a} is at a height of", "its top at")
view_width = extent(
    0, "measured to the right from the camera, the left end of {a} is at", "its right end at"
)


def length(fact: Fact, digits: int) -> list[str]:
    """Take the longer of the two level sides."""
    (place,) = fact.places
    sides = numbers(fact.sight.measured.size_m[place, :2], digits)
    longest = max(sides, key=lambda one: one.value)
    said = f"seen from above, the box around {fact.name(place)} is {sides[0]} m by {sides[1]} m"
    if str(sides[0]) == str(sides[1]):
        compared = f"both sides are {longest} m"
    else:
        compared = f"{more(longest, min(sides, key=lambda one: one.value))}, so the longer side is"
        compared += f" {longest} m"
    return _ended(fact, [sentence(said), sentence(compared)], longest)


def footprint(fact: Fact, digits: int) -> list[str]:
    """Multiply the two level sides."""
    (place,) = fact.places
    sides = numbers(fact.sight.measured.size_m[place, :2], digits)
    step, found = times(*sides)
    said = f"seen from above, the box around {fact.name(place)} is {sides[0]} m by {sides[1]} m"
    return _ended(fact, [sentence(said), sentence(f"{step} square metres")], found)


def _coordinates(fact: Fact, place: int, axes: list[int], digits: int) -> list[Number]:
    return numbers(fact.sight.measured.centre_level_m[place, axes], digits)


def _at(fact: Fact, place: int, values: list[Number]) -> str:
    return f"the centre of {fact.name(place)} is at ({', '.join(map(str, values))})"


def differences(fact: Fact, axes: list[int], digits: int) -> tuple[list[str], list[Number]]:
    """Return the steps from the coordinates of two centres to their differences."""
    one, other = fact.places
    first, second = (_coordinates(fact, place, axes, digits) for place in (one, other))
    intro = f"in metres {listed([_AXES[axis] for axis in axes])}"
    said = sentence(intro, f"{_at(fact, one, first)} and {_at(fact, other, second)}")
    steps, found = zip(*map(minus, second, first), strict=True)
    return [said, sentence(f"the differences are {listed(steps)}")], list(found)


def distance(axes: list[int]) -> Callable[[Fact, int], list[str]]:
    """Return the steps from two centres to their distance along some axes."""

    def write(fact: Fact, digits: int) -> list[str]:
        steps, sides = differences(fact, axes, digits)
        step, found = root(*sides)
        return _ended(fact, [*steps, sentence(f"{step} m")], found)

    return write


def offset(axis: int, text: str, *, turned: bool) -> Callable[[Fact, int], list[str]]:
    """Return the steps to a difference along one axis; `turned`: of the second from the first.

    `text` fits "{text}, the centre of the sofa is at 1.20 m".
    """

    def write(fact: Fact, digits: int) -> list[str]:
        one, other = fact.places
        first, second = (_coordinates(fact, place, [axis], digits)[0] for place in (one, other))
        step, found = minus(second, first) if turned else minus(first, second)
        said = sentence(
            text,
            f"the centre of {fact.name(one)} is at {first} m and that of {fact.name(other)} at "
            f"{second} m",
        )
        return _ended(fact, [said, sentence(f"{step} m")], found)

    return write


def vertical(fact: Fact, digits: int) -> list[str]:
    """Subtract the lower centre's height from the higher one's."""
    one, other = fact.places
    heights = fact.sight.measured.centre_m[:, 2]
    first, second = numbers(heights[[one, other]], digits)
    high, low = (first, second) if first.value >= second.value else (second, first)
    step, found = minus(high, low)
    said = sentence(
        f"the centre of {fact.name(one)} is at a height of {first} m and that of "
        f"{fact.name(other)} at {second} m"
    )
    return _ended(fact, [said, sentence(f"{step} m")], found)


def camera_distance(fact: Fact, digits: int) -> list[str]:
    """Go from the camera to a centre."""
    (place,) = fact.places
    measured = fact.sight.measured
    right, ahead, up = _coordinates(fact, place, [0, 1, 2], digits)
    eye = number(measured.camera.position_m[2], digits)
    lift, rise = minus(up, eye)
    step, found = root(right, ahead, rise)
    said = _from_camera(fact, place, right, ahead)
    heights = sentence(f"it is at a height of {up} m and the camera at {eye} m", lift)
    return _ended(fact, [said, heights, sentence(f"{step} m")], found)


def _bearing(fact: Fact, place: int, digits: int) -> tuple[list[str], Number]:
    right, ahead = _coordinates(fact, place, [0, 1], digits)
    step, found = direction(right, ahead)
    steps = [
        _from_camera(fact, place, right, ahead),
        sentence(f"clockwise from ahead that is {step}"),
    ]
    return steps, found


def _from_camera(fact: Fact, place: int, right: Number, ahead: Number) -> str:
    return sentence(
        "in metres to the right and ahead of the camera", _at(fact, place, [right, ahead])
    )


def bearing(*, left: bool) -> Callable[[Fact, int], list[str]]:
    """Return the steps to the angle at which the camera sees a centre."""

    def write(fact: Fact, digits: int) -> list[str]:
        steps, found = _bearing(fact, fact.places[0], digits)
        if left:
            turned = number(-found.value, found.digits)
            steps.append(sentence(f"to the left that is {turned} degrees"))
            found = turned
        return _ended(fact, steps, found)

    return write


def between_bearings(fact: Fact, digits: int) -> list[str]:
    """Subtract the angles at which the camera sees two centres."""
    one, other = fact.places
    first, angle = _bearing(fact, one, digits)
    second, next_angle = _bearing(fact, other, digits)
    high, low = sorted((angle, next_angle), key=lambda found: -found.value)
    step, found = minus(high, low)
    steps = [*first, *second, sentence(f"{step} degrees")]
    if found.value > 180:
        step, found = minus(number(360, 0), found)
        steps.append(sentence(f"the other way round it is {step} degrees"))
    return _ended(fact, steps, found)


def clock(fact: Fact, digits: int) -> list[str]:
    """Turn the direction from one centre to another into an hour."""
    steps, (right, ahead) = differences(fact, [0, 1], digits)
    step, angle = direction(right, ahead)
    turned, angle = full_turn(angle)
    share, hours = over(angle, number(30, 0))
    hour = round(hours.value)
    named = f"the nearest hour is {hour}" + ("" if hour else ", which is 12 on the clock")
    if (hour % 12 or 12) != clock_hour(angle.value) or fact.value != f"{hour % 12 or 12} o'clock":
        raise Unclear
    steps += [
        sentence(f"clockwise from ahead that is {step}"),
        *([sentence(turned)] if turned else []),
    ]
    steps.append(sentence(f"an hour is 30 degrees and {share}", f"so {named}"))
    if fact.batch.kind == "multiple_choice":
        steps.append(sentence(f"that is option {fact.batch.answer}"))
    return steps


def room_area(fact: Fact, digits: int) -> list[str]:
    """Multiply the sides of the room."""
    sides = numbers(_room(fact), digits)
    step, found = times(*sides)
    said = f"the floor of the room is a rectangle of {sides[1]} m by {sides[0]} m"
    return _ended(fact, [sentence(said), sentence(f"{step} square metres")], found)


def room_length(fact: Fact, digits: int) -> list[str]:
    """Take the longer side of the room."""
    short, long = numbers(_room(fact), digits)
    said = f"the floor of the room is a rectangle of {long} m by {short} m"
    ending = f"both walls are {long} m" if str(long) == str(short) else more(long, short)
    return _ended(fact, [sentence(said), sentence(ending)], long)


def _room(fact: Fact) -> np.ndarray:
    assert fact.sight.room_size_m is not None
    return np.array(fact.sight.room_size_m)
