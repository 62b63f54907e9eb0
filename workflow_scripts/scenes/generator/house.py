"""Draw one whole house."""

from typing import Any

import numpy as np

from workflow_scripts.common import seeds
from workflow_scripts.scenes.generator.export import house_json
from workflow_scripts.scenes.generator.floor_objects import furnish
from workflow_scripts.scenes.generator.floor_plan import sample_floor_plan
from workflow_scripts.scenes.generator.materials import sample_materials
from workflow_scripts.scenes.generator.openings import Opening, sample_doors, sample_windows
from workflow_scripts.scenes.generator.small_objects import place_small_objects
from workflow_scripts.scenes.generator.wall_objects import place_wall_objects
from workflow_scripts.scenes.generator.walls import Room, rooms_of

_MAX_PLANS = 50


def generate_house(seed: int, index: int) -> dict[str, Any]:
    """Return house number `index` as ProcTHOR JSON; it depends on the seed and index only."""
    rng = seeds.rng(seed, "house", index)
    spec_id, rooms, doors = _plan_with_doors(rng)
    ceiling_m = round(2.5 + 1.4 * float(rng.beta(1.25, 3.5)), 3)
    windows = sample_windows(rng, rooms, doors, ceiling_m)
    materials = sample_materials(rng, rooms)
    objects = []
    free_points = []
    for room in rooms:
        openings = [*doors, *windows]
        furniture, occupancy_grid = furnish(rng, room, openings)
        place_small_objects(rng, room, furniture, ceiling_m)
        on_walls = place_wall_objects(rng, room, openings, furniture, ceiling_m)
        objects += [*furniture, *on_walls]
        free_points.append(occupancy_grid.max_clearance_point())
    agent = free_points[int(rng.integers(len(free_points)))]
    return house_json(
        spec_id=spec_id,
        rooms=rooms,
        doors=doors,
        windows=windows,
        objects=objects,
        materials=materials,
        ceiling_m=ceiling_m,
        agent=(agent, 90.0 * int(rng.integers(4))),
    )


def _plan_with_doors(rng: np.random.Generator) -> tuple[str, list[Room], list[Opening]]:
    """Draw plans until all rooms can be connected."""
    for _ in range(_MAX_PLANS):
        plan = sample_floor_plan(rng)
        rooms = rooms_of(plan)
        doors = sample_doors(rng, rooms)
        if doors is not None:
            return plan.spec_id, rooms, doors
    raise AssertionError("no plan could be connected")
