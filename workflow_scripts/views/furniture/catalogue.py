"""The table of builders: one function for each object type."""

from collections.abc import Callable

from workflow_scripts.views.furniture import (
    appliances,
    bathroom,
    beds,
    bins,
    chairs,
    cleaning,
    decor,
    food,
    lamps,
    materials,
    openings,
    plumbing,
    seating,
    small_objects,
    storage,
    tables,
)
from workflow_scripts.views.furniture.asset_spec import AssetSpec, Parts
from workflow_scripts.views.furniture.shapes import block

Builder = Callable[[AssetSpec], Parts]


def generic(b: AssetSpec) -> Parts:
    """Build a rounded body: for types without a builder."""
    finish = materials.plastic(materials.PAINTS[b.pick_from(sorted(materials.PAINTS))])
    return [
        block(
            (-b.w / 2, b.w / 2),
            (-b.d / 2, b.d / 2),
            (0, b.h),
            finish,
            bevel=0.1 * min(b.w, b.d, b.h),
        )
    ]


BUILDERS: dict[str, Builder] = {
    "Chair": chairs.chair,
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
    "Box": bins.box,
    "LaundryHamper": bins.laundry_hamper,
    "GarbageCan": bins.garbage_can,
    "GarbageBag": bins.garbage_bag,
    "Cart": storage.cart,
    "Bed": beds.bed,
    "Pillow": beds.pillow,
    "SoapBottle": cleaning.soap_bottle,
    "SprayBottle": cleaning.spray_bottle,
    "Apple": food.apple,
    "Tomato": food.tomato,
    "Egg": food.egg,
    "Potato": food.potato,
    "Bread": food.bread,
    "Lettuce": food.lettuce,
    "Toilet": plumbing.toilet,
    "Sink": plumbing.sink,
    "Faucet": plumbing.faucet,
    "ShowerHead": plumbing.shower_head,
    "Towel": bathroom.towel,
    "HandTowel": bathroom.hand_towel,
    "HandTowelHolder": bathroom.hand_towel_holder,
    "TowelHolder": bathroom.towel_holder,
    "ToiletPaper": bathroom.toilet_paper,
    "ToiletPaperHanger": bathroom.toilet_paper_hanger,
    "Plunger": cleaning.plunger,
    "ScrubBrush": cleaning.scrub_brush,
    "SoapBar": cleaning.soap_bar,
    "Cloth": cleaning.cloth,
    "TissueBox": cleaning.tissue_box,
    "Fridge": appliances.fridge,
    "Microwave": appliances.microwave,
    "WashingMachine": appliances.washing_machine,
    "ClothesDryer": appliances.clothes_dryer,
    "VacuumCleaner": appliances.vacuum_cleaner,
    "FloorLamp": lamps.floor_lamp,
    "DeskLamp": lamps.desk_lamp,
    "Doorway": openings.doorway,
    "Doorframe": openings.doorframe,
    "Window": openings.window,
    "Blinds": openings.blinds,
    "ShowerCurtain": openings.shower_curtain,
    "HousePlant": decor.house_plant,
    "Painting": decor.painting,
    "Book": decor.book,
    **small_objects.BUILDERS,
}
