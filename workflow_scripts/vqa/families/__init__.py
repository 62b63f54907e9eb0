"""The families of questions, in the order of the tables that count them.

A new family is an entry here. A name may have two entries if no form is in both.
"""

from workflow_scripts.vqa.families.above_below import (
    ABOVE_BELOW,
    IMAGE_ABOVE_BELOW,
    MARKED_ABOVE_BELOW,
)
from workflow_scripts.vqa.families.distances import CENTRE_DISTANCE, MINIMUM_DISTANCE
from workflow_scripts.vqa.families.family import Family
from workflow_scripts.vqa.families.front_behind import FRONT_BEHIND
from workflow_scripts.vqa.families.left_right import LEFT_RIGHT
from workflow_scripts.vqa.families.sizes import BIGGER, HEIGHT, TALLER, WIDER, WIDTH

FAMILIES: tuple[Family, ...] = (
    LEFT_RIGHT,
    IMAGE_ABOVE_BELOW,
    ABOVE_BELOW,
    MARKED_ABOVE_BELOW,
    FRONT_BEHIND,
    WIDER,
    TALLER,
    BIGGER,
    MINIMUM_DISTANCE,
    CENTRE_DISTANCE,
    WIDTH,
    HEIGHT,
)
