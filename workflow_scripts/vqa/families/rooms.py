"""The room: its floor area and the length of its sides, where it is a rectangle."""

import numpy as np

from workflow_scripts.vqa.measures import Measure
from workflow_scripts.vqa.question_types.base import Requirements
from workflow_scripts.vqa.question_types.numeric import Numeric
from workflow_scripts.vqa.reasoning import numeric
from workflow_scripts.vqa.view_context import ViewContext


def _of_room(view_context: ViewContext, value: float) -> Measure:
    known = view_context.room_size_m is not None
    return np.array([value] if known else []), np.zeros(int(known))


def area_m2(view_context: ViewContext) -> Measure:
    """Return the room's floor area [1], or nothing [0] if it is unknown."""
    short, long = view_context.room_size_m or (0.0, 0.0)
    return _of_room(view_context, short * long)


def long_side_m(view_context: ViewContext) -> Measure:
    """Return the room's longer side [1], or nothing [0]."""
    return _of_room(view_context, (view_context.room_size_m or (0.0, 0.0))[1])


ROOM_AREA = Numeric(
    name="room_area",
    num_objects=0,
    is_size=True,
    measure=area_m2,
    unit="m2",
    reasoning=numeric.room_area,
    min_value=1.0,
    requires=Requirements(),
    frame="gravity",
    forms=("named",),
    quantities=("the floor area of this room",),
    questions=("How large is the floor of this room?", "How much floor space does this room have?"),
    answers=("The floor area is {value}.",),
)
ROOM_LENGTH = Numeric(
    name="room_length",
    num_objects=0,
    is_size=True,
    measure=long_side_m,
    unit="m",
    reasoning=numeric.room_length,
    min_value=1.0,
    requires=Requirements(),
    frame="gravity",
    forms=("named",),
    quantities=("the length of this room",),
    questions=("How long is this room?", "How long is the longer wall of this room?"),
    answers=("It is {value} long.",),
)
