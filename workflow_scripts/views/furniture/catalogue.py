"""Which function builds which object type."""

from collections.abc import Callable

from workflow_scripts.views.furniture import materials, seating
from workflow_scripts.views.furniture.brief import Brief, Parts
from workflow_scripts.views.furniture.shapes import block, ellipsoid, lathe

Builder = Callable[[Brief], Parts]


def generic(b: Brief) -> Parts:
    """Build a rounded body: for types without a builder of their own."""
    finish = materials.plastic(materials.PAINTS[b.one_of(sorted(materials.PAINTS))])
    return [
        block(
            (-b.w / 2, b.w / 2),
            (-b.d / 2, b.d / 2),
            (0, b.h),
            finish,
            bevel=0.1 * min(b.w, b.d, b.h),
        )
    ]


def table(b: Brief) -> Parts:
    """Build a plain table."""
    finish = materials.wood(b.one_of(sorted(materials.WOODS)))
    x, y = b.w / 2, b.d / 2
    t = min(0.05, b.h * 0.2)
    leg = min(0.06, b.w * 0.15)
    parts: Parts = [block((-x, x), (-y, y), (b.h - t, b.h), finish, bevel=0.004)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                block((sx * x, sx * (x - leg)), (sy * y, sy * (y - leg)), (0, b.h - t), finish)
            )
    return parts


def round_thing(b: Brief) -> Parts:
    """Build a ball."""
    return [
        ellipsoid((0, 0, b.h / 2), (b.w / 2, b.d / 2, b.h / 2), materials.plastic("#b04030"), n=20)
    ]


def can(b: Brief) -> Parts:
    """Build a cylinder."""
    return [
        lathe(
            [(0, 0), (b.w / 2, 0), (b.w / 2, b.h), (0, b.h)], materials.ceramic(), squash=b.d / b.w
        )
    ]


BUILDERS: dict[str, Builder] = {
    "Chair": seating.chair,
    "ArmChair": seating.armchair,
    "Sofa": seating.sofa,
    "Stool": seating.stool,
    "Footstool": seating.footstool,
    "Ottoman": seating.ottoman,
    "DogBed": seating.dog_bed,
    **dict.fromkeys(("CoffeeTable", "DiningTable", "SideTable", "Desk"), table),
    **dict.fromkeys(("Apple", "BasketBall", "Egg", "Potato", "Tomato"), round_thing),
    **dict.fromkeys(("Bowl", "Bottle", "Candle", "Cup", "Mug", "Vase", "WineBottle"), can),
}
