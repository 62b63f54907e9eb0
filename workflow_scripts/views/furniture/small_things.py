"""Which function builds which small thing; `catalogue` takes this table in."""

from collections.abc import Callable

from workflow_scripts.views.furniture import cutlery, kitchenware
from workflow_scripts.views.furniture.brief import Brief, Parts

BUILDERS: dict[str, Callable[[Brief], Parts]] = {
    "AluminumFoil": kitchenware.aluminium_foil,
    "Bottle": kitchenware.bottle,
    "Bowl": kitchenware.bowl,
    "ButterKnife": cutlery.butter_knife,
    "CoffeeMachine": kitchenware.coffee_machine,
    "Cup": kitchenware.cup,
    "DishSponge": kitchenware.dish_sponge,
    "Fork": cutlery.fork,
    "Kettle": kitchenware.kettle,
    "Knife": cutlery.knife,
    "Ladle": cutlery.ladle,
    "Mug": kitchenware.mug,
    "Pan": kitchenware.pan,
    "PaperTowelRoll": kitchenware.paper_towel_roll,
    "PepperShaker": kitchenware.pepper_shaker,
    "Plate": kitchenware.plate,
    "Pot": kitchenware.pot,
    "SaltShaker": kitchenware.salt_shaker,
    "Spatula": cutlery.spatula,
    "Spoon": cutlery.spoon,
    "Toaster": kitchenware.toaster,
    "WineBottle": kitchenware.wine_bottle,
}
