"""The names of the families of questions, as the configuration knows them."""

# fmt: off
QUESTION_FAMILIES = (
    "left_right", "image_above_below", "above_below", "front_behind", "wider", "taller",
    "bigger", "minimum_distance", "centre_distance", "width", "view_width", "height",
    "top_higher", "camera_nearer", "longer", "horizontal_distance", "vertical_distance",
    "camera_distance", "camera_nearest", "left_offset", "depth_offset", "height_offset",
    "bottom_height", "top_height", "length", "footprint", "clock_direction", "bearing_left",
    "bearing_right", "angle_between", "same_height", "same_width", "same_size", "same_distance",
    "nearest_to", "farthest_from", "nearest_camera", "farthest_camera", "leftmost", "rightmost",
    "second_from_left", "second_from_right", "second_from_front", "biggest", "smallest",
    "tallest", "widest", "highest", "touching", "on_top", "inside", "carried_by", "between",
    "facing", "facing_object", "pointing", "boxing", "nth_pointing", "nth_boxing", "count",
    "existence", "identify", "room_area", "room_length", "same_object", "same_thing",
    "nearer_view", "camera_turn", "camera_turn_angle", "camera_move", "camera_move_length",
)
# fmt: on
