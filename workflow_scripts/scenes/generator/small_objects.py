"""Small things on the surfaces of furniture."""

import numpy as np

from workflow_scripts.scenes.generator.things import Object
from workflow_scripts.scenes.generator.walls import Room


def put_small_objects(rng: np.random.Generator, room: Room, furniture: list[Object]) -> None:
    """Stand small things on furniture, as its children."""
