"""Reasoning: the steps from what was measured to an answer, written in words and equations.

Each family of questions has a writer of its steps, or a reason why it has none. The numbers of a
text follow from one another as they are printed; see `numbers`. Nothing is drawn by lot, so that
questions are the same with and without steps.
"""

from workflow_scripts.vqa.reasoning import comparison, grounding, numeric, orientation, yes_no
from workflow_scripts.vqa.reasoning.comparison import (
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
    compare_two,
    rank_three,
)
from workflow_scripts.vqa.reasoning.numbers import DIGITS, InsufficientDigitsError
from workflow_scripts.vqa.reasoning.question_instance import QuestionInstance, StepWriter

STEP_WRITERS: dict[str, StepWriter] = {
    "left_right": compare_two(COLUMN),
    "image_above_below": compare_two(LINE),
    "above_below": compare_two(CENTRE_HEIGHT),
    "front_behind": compare_two(DEPTH),
    "wider": comparison.wider,
    "taller": compare_two(HEIGHT),
    "bigger": comparison.bigger,
    "longer": compare_two(LENGTH),
    "top_higher": compare_two(TOP),
    "camera_nearer": compare_two(DISTANCE),
    "minimum_distance": numeric.minimum_distance,
    "centre_distance": numeric.distance([0, 1, 2]),
    "horizontal_distance": numeric.distance([0, 1]),
    "vertical_distance": numeric.vertical,
    "camera_distance": numeric.camera_distance,
    "camera_nearest": numeric.camera_nearest,
    "width": numeric.width,
    "view_width": numeric.view_width,
    "height": numeric.height,
    "length": numeric.length,
    "footprint": numeric.footprint,
    "left_offset": numeric.offset(0, "measured to the right from the camera", turned=True),
    "depth_offset": numeric.offset(1, "measured ahead from the camera", turned=False),
    "height_offset": numeric.offset(2, "measured up from the floor", turned=False),
    "bottom_height": numeric.bottom_height,
    "top_height": numeric.top_height,
    "clock_direction": numeric.clock,
    "bearing_left": numeric.bearing(left=True),
    "bearing_right": numeric.bearing(left=False),
    "angle_between": numeric.between_bearings,
    "room_area": numeric.room_area,
    "room_length": numeric.room_length,
    "same_height": yes_no.same_height,
    "same_width": yes_no.same_width,
    "same_size": yes_no.same_size,
    "same_distance": yes_no.same_distance,
    "nearest_to": comparison.rank_by_gap(most=False),
    "farthest_from": comparison.rank_by_gap(most=True),
    "nearest_camera": rank_three(DISTANCE, most=False),
    "farthest_camera": rank_three(DISTANCE, most=True),
    "leftmost": rank_three(COLUMN, most=False),
    "rightmost": rank_three(COLUMN, most=True),
    "second_from_left": rank_three(COLUMN, most=False, rank=1),
    "second_from_right": rank_three(COLUMN, most=True, rank=1),
    "second_from_front": rank_three(DISTANCE, most=False, rank=1),
    "biggest": comparison.rank_by_volume(most=True),
    "smallest": comparison.rank_by_volume(most=False),
    "tallest": rank_three(HEIGHT, most=True),
    "widest": rank_three(WIDTH, most=True),
    "highest": rank_three(UNDERSIDE, most=True),
    "touching": yes_no.touching,
    "on_top": yes_no.on_top,
    "inside": yes_no.inside,
    "carried_by": comparison.carried_by,
    "between": yes_no.between,
    "facing": orientation.facing,
    "facing_object": yes_no.facing_object,
    "pointing": grounding.point,
    "boxing": grounding.box,
    "nth_pointing": grounding.nth_point,
    "nth_boxing": grounding.nth_box,
    "count": comparison.count_objects,
    "nearer_view": comparison.nearer_view,
    "camera_turn": orientation.camera_turn,
    "camera_turn_angle": orientation.camera_turn_angle,
    "camera_move": orientation.camera_move,
    "camera_move_length": orientation.camera_move_length,
}
_RECOGNISED = "what is there must be recognised; no measured number decides"
WITHOUT_STEPS: dict[str, str] = {
    "existence": _RECOGNISED,
    "identify": _RECOGNISED,
    "same_object": _RECOGNISED,
    "same_thing": _RECOGNISED,
}


def reasoning_steps(name: str, question: QuestionInstance) -> str:
    """Return the steps of a question of a family, '' if it has none.

    More digits are printed where fewer do not bear out the answer; if none do, there are no steps.
    """
    writer = STEP_WRITERS.get(name)
    if writer is None:
        return ""
    for digits in DIGITS:
        try:
            return " ".join(writer(question, digits))
        except InsufficientDigitsError:
            continue
    return ""
