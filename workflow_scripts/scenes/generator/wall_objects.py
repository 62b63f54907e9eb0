"""Paintings, televisions, switches and towels on walls."""

import numpy as np

from workflow_scripts.scenes.generator.openings import Opening
from workflow_scripts.scenes.generator.things import Object
from workflow_scripts.scenes.generator.walls import Room


def hang_wall_objects(
    rng: np.random.Generator,
    room: Room,
    openings: list[Opening],
    furniture: list[Object],
    ceiling_m: float,
) -> list[Object]:
    """Return the things on a room's walls."""
    return []
