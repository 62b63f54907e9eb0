"""Which function builds which small thing; `catalogue` takes this table in."""

from collections.abc import Callable

from workflow_scripts.views.furniture import (
    cookware,
    crockery,
    cutlery,
    electronics,
    sport,
)
from workflow_scripts.views.furniture.brief import Brief, Parts

BUILDERS: dict[str, Callable[[Brief], Parts]] = {
    "AlarmClock": electronics.alarm_clock,
    "AluminumFoil": cookware.aluminium_foil,
    "BaseballBat": sport.baseball_bat,
    "BasketBall": sport.basket_ball,
    "Bottle": crockery.bottle,
    "Bowl": crockery.bowl,
    "ButterKnife": cutlery.butter_knife,
    "CD": electronics.compact_disc,
    "CellPhone": electronics.cell_phone,
    "CoffeeMachine": cookware.coffee_machine,
    "CreditCard": electronics.credit_card,
    "Cup": crockery.cup,
    "Desktop": electronics.desktop,
    "DishSponge": cookware.dish_sponge,
    "Dumbbell": sport.dumbbell,
    "Fork": cutlery.fork,
    "Kettle": cookware.kettle,
    "Knife": cutlery.knife,
    "Ladle": cutlery.ladle,
    "Laptop": electronics.laptop,
    "LightSwitch": electronics.light_switch,
    "Mug": crockery.mug,
    "Pan": cookware.pan,
    "PaperTowelRoll": cookware.paper_towel_roll,
    "PepperShaker": crockery.pepper_shaker,
    "Plate": crockery.plate,
    "Pot": cookware.pot,
    "RemoteControl": electronics.remote_control,
    "SaltShaker": crockery.salt_shaker,
    "Spatula": cutlery.spatula,
    "Spoon": cutlery.spoon,
    "Television": electronics.television,
    "TennisRacket": sport.tennis_racket,
    "Toaster": cookware.toaster,
    "Watch": electronics.watch,
    "WineBottle": crockery.wine_bottle,
}
