"""A plate with a slot: the socket of a charger and the port of a USB stick."""

from workflow_scripts.views.robots.scene_builder import Colour, SceneObject


def add_slotted_plate(
    scene_object: SceneObject,
    *,
    width_m: float,
    height_m: float,
    thick_m: float,
    slot_m: tuple[float, float],
    slot_z_m: float,
    colour: Colour,
) -> None:
    """Add an upright plate whose front is at x = 0, with a slot (width, height) through it.

    The plate lies behind its front (x from 0 to `thick_m`), its foot is at z = 0.
    """
    x, (slot_width, slot_height) = thick_m / 2, slot_m
    below, above = slot_z_m - slot_height / 2, height_m - slot_z_m - slot_height / 2
    scene_object.box((thick_m, width_m, below), (x, 0, below / 2), colour=colour)
    scene_object.box((thick_m, width_m, above), (x, 0, height_m - above / 2), colour=colour)
    side_width = (width_m - slot_width) / 2
    for sign in (-1, 1):
        at = (x, sign * (slot_width + side_width) / 2, slot_z_m)
        scene_object.box((thick_m, side_width, slot_height), at, colour=colour)
