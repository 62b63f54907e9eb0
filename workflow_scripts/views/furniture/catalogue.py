"""Which function builds which object type."""

from collections.abc import Callable

from workflow_scripts.views.furniture import beds, materials, seating, storage, tables
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
    "CoffeeTable": tables.coffee_table,
    "DiningTable": tables.dining_table,
    "SideTable": tables.side_table,
    "Desk": tables.desk,
    "CounterTop": storage.counter_top,
    "Dresser": storage.dresser,
    "TVStand": storage.tv_stand,
    "ShelvingUnit": storage.shelving_unit,
    "Safe": storage.safe,
    "Box": storage.box,
    "LaundryHamper": storage.laundry_hamper,
    "GarbageCan": storage.garbage_can,
    "GarbageBag": storage.garbage_bag,
    "Cart": storage.cart,
    "Bed": beds.bed,
    "Pillow": beds.pillow,
    **dict.fromkeys(("Apple", "BasketBall", "Egg", "Potato", "Tomato"), round_thing),
    **dict.fromkeys(("Bowl", "Bottle", "Candle", "Cup", "Mug", "Vase", "WineBottle"), can),
}
