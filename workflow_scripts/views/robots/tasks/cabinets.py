"""An open cabinet: the body of the fridge and of the safe."""

from collections.abc import Sequence

from workflow_scripts.views.robots.scene_builder import Colour, SceneObject


def add_open_cabinet(
    scene_object: SceneObject,
    *,
    size_m: tuple[float, float, float],
    wall_m: float,
    colour: Colour,
    back_colour: Colour,
    shelves_z_m: Sequence[float],
    shelf_m: tuple[float, float],
    shelf_colour: Colour,
) -> None:
    """Add back, sides, floor, top and shelves of a cabinet that is open towards -x.

    `size_m` is (depth, width, height), `shelf_m` (depth, thickness); `shelves_z_m` are the middles
    of the shelves. The foot is at z = 0.
    """
    depth, width, height = size_m
    # Walls meet edge to edge: coplanar faces would flicker.
    inner = height - 2 * wall_m
    back = (wall_m, width - 2 * wall_m, inner)
    scene_object.box(back, (depth / 2 - wall_m / 2, 0, height / 2), colour=back_colour)
    for sign in (-1, 1):
        at = (0, sign * (width / 2 - wall_m / 2), height / 2)
        scene_object.box((depth, wall_m, inner), at, colour=colour)
        z = height / 2 + sign * (height / 2 - wall_m / 2)
        scene_object.box((depth, width, wall_m), (0, 0, z), colour=colour)
    for z in shelves_z_m:
        shelf = (shelf_m[0], width - 2 * wall_m, shelf_m[1])
        scene_object.box(shelf, (0.01, 0, z), colour=shelf_colour)
