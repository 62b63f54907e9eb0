"""Which function builds which small thing; `catalogue` takes this table in."""

from collections.abc import Callable

from workflow_scripts.views.furniture import cookware, crockery, cutlery
from workflow_scripts.views.furniture.brief import Brief, Parts

BUILDERS: dict[str, Callable[[Brief], Parts]] = {
    "AluminumFoil": cookware.aluminium_foil,
    "Bottle": crockery.bottle,
    "Bowl": crockery.bowl,
    "ButterKnife": cutlery.butter_knife,
    "CoffeeMachine": cookware.coffee_machine,
    "Cup": crockery.cup,
    "DishSponge": cookware.dish_sponge,
    "Fork": cutlery.fork,
    "Kettle": cookware.kettle,
    "Knife": cutlery.knife,
    "Ladle": cutlery.ladle,
    "Mug": crockery.mug,
    "Pan": cookware.pan,
    "PaperTowelRoll": cookware.paper_towel_roll,
    "PepperShaker": crockery.pepper_shaker,
    "Plate": crockery.plate,
    "Pot": cookware.pot,
    "SaltShaker": crockery.salt_shaker,
    "Spatula": cutlery.spatula,
    "Spoon": cutlery.spoon,
    "Toaster": cookware.toaster,
    "WineBottle": crockery.wine_bottle,
}
