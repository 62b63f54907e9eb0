"""Steps of claims: about the same, touching, on top, inside, between, facing."""

from collections.abc import Callable

import numpy as np

from workflow_scripts.common import upright
from workflow_scripts.vqa import contact
from workflow_scripts.vqa.families.contacts import ALONG_NO, ALONG_YES, ASIDE_NO, ASIDE_YES
from workflow_scripts.vqa.families.distances import DIFFERENT_ABOVE_M, SAME_BELOW_M
from workflow_scripts.vqa.families.facing import FACES_BELOW_DEG, FACES_NOT_ABOVE_DEG
from workflow_scripts.vqa.families.sizes import DIFFERENT_ABOVE, SAME_BELOW
from workflow_scripts.vqa.reasoning.compared import HEIGHT, WIDTH, Scale
from workflow_scripts.vqa.reasoning.fact import Fact, listed, numbers, sentence
from workflow_scripts.vqa.reasoning.numbers import (
    Number,
    Unclear,
    cube_root,
    direction,
    full_turn,
    less,
    minus,
    more,
    number,
    over,
    root,
)

# By so much a thing may stick out of what it is in: `contact.inside`.
PLAY_M = contact.CONTACT_M / 2


def same(scale: Scale) -> Callable[[Fact, int], list[str]]:
    """Return the steps of a claim that two sizes are about equal."""

    def write(fact: Fact, digits: int) -> list[str]:
        values = scale.numbers(fact, fact.places, digits)
        return [scale.clauses(fact, fact.places, values), *_ratio(fact, values)]

    return write


def same_size(fact: Fact, digits: int) -> list[str]:
    """Compare the edges of cubes of the same volumes."""
    steps, edges = [], []
    for place in fact.places:
        text, edge = cube_root(*numbers(fact.sight.measured.size_m[place], digits))
        steps.append(
            sentence(f"a cube with the volume of {fact.name(place)} has sides of {text} m")
        )
        edges.append(edge)
    return [*steps, *_ratio(fact, edges)]


same_height, same_width = same(HEIGHT), same(WIDTH)


def _ratio(fact: Fact, values: list[Number]) -> list[str]:
    high, low = sorted(values, key=lambda one: -one.value)
    step, share = over(high, low, high.digits)
    if fact.says_yes:
        limit = number(1 + SAME_BELOW, share.digits)
        verdict = f"{less(share, limit)}, up to which sizes count as about the same"
    else:
        limit = number(1 + DIFFERENT_ABOVE, share.digits)
        verdict = f"{more(share, limit)}, from which on sizes count as different"
    return [sentence(step), sentence(verdict)]


def same_distance(fact: Fact, digits: int) -> list[str]:
    """Compare the distances of both centres, and of both nearest points, from the camera."""
    one, other = map(fact.name, fact.places)
    measured = fact.sight.measured
    steps = []
    for what, values in (("centre", measured.distance_m), ("nearest point", measured.nearest_m)):
        first, second = numbers(values[fact.places], digits)
        high, low = sorted((first, second), key=lambda found: -found.value)
        step, apart = minus(high, low)
        said = f"the {what} of {one} is {first} m from the camera and that of {other} {second} m"
        if fact.says_yes:
            limit = number(SAME_BELOW_M, digits)
            verdict = f"{less(apart, limit)}, up to which distances count as about the same"
        else:
            limit = number(DIFFERENT_ABOVE_M, digits)
            verdict = f"{more(apart, limit)}, from which on distances count as different"
        steps += [sentence(said), sentence(step), sentence(verdict)]
    return steps


def on_top(fact: Fact, digits: int) -> list[str]:
    """Compare underside and top, and see whether one is over the other."""
    return _stands(fact, *fact.places, digits) if fact.says_yes else _apart(fact, digits)


def touching(fact: Fact, digits: int) -> list[str]:
    """Show that one stands on the other, or that there is space between them."""
    if not fact.says_yes:
        return _apart(fact, digits, by_height=False)
    one, other = fact.places
    on = contact.on_top(fact.sight)
    upper, lower = (one, other) if on[one, other] > 0 else (other, one)
    return _stands(fact, upper, lower, digits)


def _stands(fact: Fact, upper: int, lower: int, digits: int) -> list[str]:
    measured = fact.sight.measured
    under = number(measured.low_m[upper, 2], digits)
    top = number(measured.high_m[lower, 2], digits)
    high, low = sorted((under, top), key=lambda one: -one.value)
    step, lift = minus(high, low)
    one, other = fact.name(upper), fact.name(lower)
    limit = number(contact.CONTACT_M, digits)
    aside = measured.centre_m[upper, :2] - measured.centre_m[lower, :2]
    own = numbers(np.abs(upright.axes_of_yaw(measured.yaw_deg)[lower] @ aside), digits)
    halves = numbers(measured.size_m[lower, :2] / 2, digits)
    within = listed([_at_most(*pair) for pair in zip(own, halves, strict=True)])
    return [
        sentence(
            f"the underside of {one} is at a height of {under} m and the top of {other} at {top} m"
        ),
        sentence(step),
        sentence(less(lift, limit), "so their heights meet"),
        sentence(
            f"seen from above, the centre of {one} is {own[0]} m and {own[1]} m from that of "
            f"{other} along its two sides, which reach {halves[0]} m and {halves[1]} m"
        ),
        sentence(within, f"so {one} {fact.be(upper)} over {other}"),
    ]


def _at_most(one: Number, other: Number) -> str:
    """Say that one number is less than another, or the same."""
    return f"{one} is as much as {other}" if one.value == other.value else less(one, other)


def _apart(fact: Fact, digits: int, *, by_height: bool = True) -> list[str]:
    """Show the space between two things, or that the top of the second is above the first."""
    one, other = fact.places
    measured = fact.sight.measured
    limit = number(contact.APART_M, digits)
    gap = number(measured.gap_m[one, other], digits)
    a, b = fact.name(one), fact.name(other)
    if gap.value > limit.value or not by_height:
        said = f"at the nearest points {a} and {b} are {gap} m apart"
        return [sentence(said, f"and {more(gap, limit)}")]
    top, own_top = (
        number(measured.high_m[other, 2], digits),
        number(measured.high_m[one, 2], digits),
    )
    step, beneath = minus(top, own_top)
    said = f"the top of {b} is at a height of {top} m and the top of {a} at {own_top} m"
    return [
        sentence(said),
        sentence(step),
        sentence(more(beneath, limit), f"so {a} {fact.be(one)} well below the top of {b}"),
    ]


def inside(fact: Fact, digits: int) -> list[str]:
    """Compare how far one reaches from the middle of the other with the other's half sides."""
    if not fact.says_yes:
        return _apart(fact, digits, by_height=False)
    one, other = fact.places
    measured = fact.sight.measured
    corners = upright.corners_m(measured.centre_m, measured.size_m, measured.yaw_deg)[one]
    relative = corners - measured.centre_m[other]
    level = relative[:, :2] @ upright.axes_of_yaw(measured.yaw_deg)[other].T
    reach = numbers(np.abs(np.column_stack([level, relative[:, 2]])).max(axis=0), digits)
    halves = numbers(measured.size_m[other] / 2 + PLAY_M, digits)
    a, b = fact.name(one), fact.name(other)
    return [
        sentence(
            f"from the middle of {b}, along its sides and upwards, {a} {_reach(fact, one)} "
            f"{listed([f'{value} m' for value in reach])}, and half the size of {b}, with a little "
            f"play, is {listed([f'{value} m' for value in halves])}"
        ),
        sentence(listed([_at_most(*pair) for pair in zip(reach, halves, strict=True)])),
    ]


def _reach(fact: Fact, place: int) -> str:
    return "reach" if fact.book.plural[place] else "reaches"


def between(fact: Fact, digits: int) -> list[str]:
    """Say where the foot of the first lies on the way between the others, and how far beside it."""
    names = list(map(fact.name, fact.places))
    plan = fact.sight.measured.centre_level_m[fact.places, :2]
    (ax, ay), (bx, by), (cx, cy) = (numbers(point, digits) for point in plan)
    steps, (wx, wy, ux, uy) = zip(
        *(minus(*pair) for pair in ((cx, bx), (cy, by), (ax, bx), (ay, by))), strict=True
    )
    way, far = root(wx, wy)
    square = f"{far}²"
    along = _share(
        f"{_product(ux, wx)} + {_product(uy, wy)}", ux.value * wx.value + uy.value * wy.value, far
    )
    cross = ux.value * wy.value - uy.value * wx.value
    high, low = ((ux, wy), (uy, wx)) if cross >= 0 else ((uy, wx), (ux, wy))
    aside = _share(f"{_product(*high)} - {_product(*low)}", abs(cross), far)
    said = [
        sentence(
            "in metres to the right and ahead, "
            + listed(
                [
                    f"the centre of {name} is at ({x}, {y})"
                    for name, x, y in zip(names, (ax, bx, cx), (ay, by, cy), strict=True)
                ]
            )
        ),
        sentence(f"from {names[1]} to {names[2]} it is {listed(steps[:2])}", f"{way} m in all"),
        sentence(f"from {names[1]} to {names[0]} it is {listed(steps[2:])}"),
        sentence(f"along that way lies ({along[0]}) ÷ {square} = {along[1]} of it"),
        sentence(f"beside it lies ({aside[0]}) ÷ {square} = {aside[1]} of it"),
    ]
    return [*said, _between(fact, along[1], aside[1])]


def _product(one: Number, other: Number) -> str:
    return f"{one.operand} × {other.operand}"


def _share(text: str, value: float, far: Number) -> tuple[str, Number]:
    if far.value == 0:
        raise Unclear
    return text, number(value / far.value**2, 2)


def _between(fact: Fact, along: Number, aside: Number) -> str:
    if fact.says_yes:
        low, high, wide = (number(one, 2) for one in (ALONG_YES, 1 - ALONG_YES, ASIDE_YES))
        return sentence(more(along, low), less(along, high), f"and {less(aside, wide)}")
    low, high, wide = (number(one, 2) for one in (ALONG_NO, 1 - ALONG_NO, ASIDE_NO))
    if aside.value > wide.value:
        return sentence(more(aside, wide), "too far beside the way")
    end = less(along, low) if along.value < 0.5 else more(along, high)
    return sentence(end, "beyond the end of the way")


def facing_object(fact: Fact, digits: int) -> list[str]:
    """Compare the direction of a front with the direction to the other centre."""
    one, other = fact.places
    points = [numbers(fact.sight.measured.centre_level_m[row, :2], digits) for row in (one, other)]
    steps, sides = zip(*map(minus, points[1], points[0]), strict=True)
    step, way = direction(*sides)
    turned, way = full_turn(way)
    front = number(front_deg(fact, one), way.digits)
    high, low = sorted((front, way), key=lambda found: -found.value)
    apart, angle = minus(high, low)
    ending = [sentence(f"{apart} degrees")]
    if angle.value > 180:
        rest, angle = minus(number(360, 0), angle)
        ending.append(sentence(f"the other way round it is {rest} degrees"))
    a, b = fact.name(one), fact.name(other)
    limit = number(FACES_BELOW_DEG if fact.says_yes else FACES_NOT_ABOVE_DEG, 0)
    verdict = (
        f"{less(angle, limit)}, so the front points at {b}"
        if fact.says_yes
        else f"{more(angle, limit)}, so the front points past {b}"
    )
    return [
        sentence(
            f"in metres to the right and ahead, the centre of {a} is at "
            f"({points[0][0]}, {points[0][1]}) and that of {b} at ({points[1][0]}, {points[1][1]})"
        ),
        sentence(f"from {a} to {b} it is {listed(steps)}"),
        sentence(f"clockwise from ahead that is {step}"),
        *([sentence(turned)] if turned else []),
        sentence(f"the front of {a} points {front} degrees clockwise from ahead"),
        *ending,
        sentence(verdict),
    ]


def front_deg(fact: Fact, place: int) -> float:
    """Return where an object faces, clockwise from the camera's level heading, [0, 360)."""
    measured = fact.sight.measured
    pose = measured.camera.world_from_camera[:3, :3]
    right, ahead = ((pose @ axis)[:2] for axis in (measured.axes.right, measured.axes.forward))
    yaw = np.deg2rad(measured.yaw_deg[place])
    faces = np.array([-np.sin(yaw), np.cos(yaw)])
    return float(np.rad2deg(np.arctan2(faces @ right, faces @ ahead)) % 360.0)
