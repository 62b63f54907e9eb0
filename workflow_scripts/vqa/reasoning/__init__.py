"""Reasoning: the steps from what was measured to an answer, written in words and equations.

Each family of questions has a writer of its steps, or a reason why it has none. The numbers of a
text follow from one another as they are printed; see `numbers`. Nothing is drawn by lot, so that
questions are the same with and without steps.
"""

from workflow_scripts.vqa.reasoning import claimed, compared, placed, turned, valued
from workflow_scripts.vqa.reasoning.compared import (
    CENTRE_HEIGHT,
    COLUMN,
    DEPTH,
    DISTANCE,
    HEIGHT,
    LENGTH,
    LINE,
    TOP,
    UNDERSIDE,
    WIDTH,
    three,
    two,
)
from workflow_scripts.vqa.reasoning.fact import Fact, Writer
from workflow_scripts.vqa.reasoning.numbers import DIGITS, Unclear

WRITERS: dict[str, Writer] = {
    "left_right": two(COLUMN),
    "image_above_below": two(LINE),
    "above_below": two(CENTRE_HEIGHT),
    "front_behind": two(DEPTH),
    "wider": compared.wider,
    "taller": two(HEIGHT),
    "bigger": compared.bigger,
    "longer": two(LENGTH),
    "top_higher": two(TOP),
    "camera_nearer": two(DISTANCE),
    "minimum_distance": valued.gap,
    "centre_distance": valued.distance([0, 1, 2]),
    "horizontal_distance": valued.distance([0, 1]),
    "vertical_distance": valued.vertical,
    "camera_distance": valued.camera_distance,
    "camera_nearest": valued.camera_nearest,
    "width": valued.width,
    "view_width": valued.view_width,
    "height": valued.height,
    "length": valued.length,
    "footprint": valued.footprint,
    "left_offset": valued.offset(0, "measured to the right from the camera", turned=True),
    "depth_offset": valued.offset(1, "measured ahead from the camera", turned=False),
    "height_offset": valued.offset(2, "measured up from the floor", turned=False),
    "bottom_height": valued.bottom_height,
    "top_height": valued.top_height,
    "clock_direction": valued.clock,
    "bearing_left": valued.bearing(left=True),
    "bearing_right": valued.bearing(left=False),
    "angle_between": valued.between_bearings,
    "room_area": valued.room_area,
    "room_length": valued.room_length,
    "same_height": claimed.same_height,
    "same_width": claimed.same_width,
    "same_size": claimed.same_size,
    "same_distance": claimed.same_distance,
    "nearest_to": compared.gaps(most=False),
    "farthest_from": compared.gaps(most=True),
    "nearest_camera": three(DISTANCE, most=False),
    "farthest_camera": three(DISTANCE, most=True),
    "leftmost": three(COLUMN, most=False),
    "rightmost": three(COLUMN, most=True),
    "second_from_left": three(COLUMN, most=False, rank=1),
    "second_from_right": three(COLUMN, most=True, rank=1),
    "second_from_front": three(DISTANCE, most=False, rank=1),
    "biggest": compared.biggest(most=True),
    "smallest": compared.biggest(most=False),
    "tallest": three(HEIGHT, most=True),
    "widest": three(WIDTH, most=True),
    "highest": three(UNDERSIDE, most=True),
    "touching": claimed.touching,
    "on_top": claimed.on_top,
    "inside": claimed.inside,
    "carried_by": compared.carried_by,
    "between": claimed.between,
    "facing": turned.facing,
    "facing_object": claimed.facing_object,
    "pointing": placed.point,
    "boxing": placed.box,
    "nth_pointing": placed.nth_point,
    "nth_boxing": placed.nth_box,
    "count": compared.counted,
    "nearer_view": compared.nearer_view,
    "camera_turn": turned.camera_turn,
    "camera_turn_angle": turned.camera_turn_angle,
    "camera_move": turned.camera_move,
    "camera_move_length": turned.camera_move_length,
}
_RECOGNISED = "what is there must be recognised; no measured number decides"
WITHOUT: dict[str, str] = {
    "existence": _RECOGNISED,
    "identify": _RECOGNISED,
    "same_object": _RECOGNISED,
    "same_thing": _RECOGNISED,
}


def steps_of(name: str, fact: Fact) -> str:
    """Return the steps of a question of a family, '' if it has none.

    More digits are printed where fewer do not bear out the answer; if none do, there are no steps.
    """
    writer = WRITERS.get(name)
    if writer is None:
        return ""
    for digits in DIGITS:
        try:
            return " ".join(writer(fact, digits))
        except Unclear:
            continue
    return ""
