"""take_money_out_safe: move the stack of notes from the given shelf to the table."""

import numpy as np

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    OPEN,
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    tip_forward,
)
from workflow_scripts.views.robots.tasks.cabinets import add_open_cabinet

SHELVES = ("bottom", "middle", "top")
NUM_VARIATIONS = len(SHELVES)
DEPTH_M, WIDTH_M, HEIGHT_M, WALL_M = 0.20, 0.34, 0.46, 0.012
SHELF_Z_M = (0.06, 0.19, 0.32)
STACK_M = (0.10, 0.055, 0.040)
# How far below the horizon the hand points at each shelf, and the start of its approach in the
# safe's frame. With these the whole path is within the arm's limits wherever the safe stands, and
# the hand flips where it cannot hit the safe.
PITCH_DOWN_DEG = (40.0, 38.0, 46.0)
APPROACH_M = ((-0.36, 0.0, 0.20), (-0.36, 0.0, 0.20), (-0.30, 0.0, 0.40))
PLACE_DEG = 60.0
# With this roll the wrist stays away from its limits.
_ROLL_DEG = 180.0
_STEEL, _INSIDE = (0.30, 0.33, 0.36), (0.46, 0.49, 0.52)


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Stand an open safe that faces the robot, with a stack of notes on each of three shelves."""
    x, y = float(builder.rng.uniform(0.50, 0.56)), float(builder.rng.uniform(-0.10, 0.10))
    yaw = float(builder.rng.uniform(-8, 8))
    safe = builder.add("safe", "safe", (x, y, TABLE_Z_M), yaw_deg=yaw, is_fixed=True)
    add_open_cabinet(
        safe,
        size_m=(DEPTH_M, WIDTH_M, HEIGHT_M),
        wall_m=WALL_M,
        colour=_STEEL,
        back_colour=_INSIDE,
        shelves_z_m=tuple(z - 0.004 for z in SHELF_Z_M),
        shelf_m=(DEPTH_M - 0.03, 0.008),
        shelf_colour=_INSIDE,
    )
    hinge = (-DEPTH_M / 2, WIDTH_M / 2, 0.0)
    door = builder.add("safe_door", "safe door", hinge, yaw_deg=18, parent=safe)
    door.box((0.02, WIDTH_M, HEIGHT_M), (-0.01, WIDTH_M / 2, HEIGHT_M / 2), colour=_STEEL)
    door.cylinder(0.04, 0.02, (-0.03, 0.2, 0.26), colour=(0.75, 0.72, 0.60), turn_deg=(0, 90, 0))
    for number, shelf_z in enumerate(SHELF_Z_M):
        across = float(builder.rng.uniform(-0.03, 0.03))
        at = builder.to_world_m(safe, (-0.045, across, shelf_z + STACK_M[2] / 2 + 0.002))
        notes = builder.add(
            f"dollar_stack{number}", "stack of notes", at, yaw_deg=yaw, density=300, friction=1.0
        )
        notes.box(STACK_M, colour=(0.42, 0.60, 0.40))
        band = (0.022, STACK_M[1] + 0.001, STACK_M[2] + 0.001)
        notes.box(band, colour=(0.92, 0.90, 0.80))
    target = f"dollar_stack{variation}"

    def check_success(state: SceneState) -> str:
        at = state.position_m(target)
        if at[0] > x - 0.16:
            return "the notes are still in the safe"
        return "" if at[2] < TABLE_Z_M + 0.06 else "the notes are not on the table"

    grasp = (-0.020, 0.0, 0.004)
    out_z = SHELF_Z_M[variation] + 0.05
    down_deg = PITCH_DOWN_DEG[variation]
    return ScriptedTask(
        description=f"take the money off the {SHELVES[variation]} shelf and put it on the table",
        waypoints=(
            Waypoint("safe", _tip(APPROACH_M[variation], down_deg)),
            Waypoint(target, _tip((-0.22, 0, 0.05), down_deg)),
            Waypoint(target, _tip(grasp, down_deg), True, CLOSED, 0.05, 0.7),
            Waypoint(target, _tip((-0.02, 0, 0.02), down_deg), True),
            Waypoint("safe", _tip((-0.22, 0, out_z), down_deg), True),
            Waypoint("safe", _tip((-0.28, -0.02, 0.13), PLACE_DEG)),
            Waypoint("safe", _tip((-0.28, -0.02, 0.045), PLACE_DEG), True, OPEN),
        ),
        extra_keypoints=(
            *(
                KeypointSpec(f"dollar_stack{number}", f"dollar_stack{number}", (0, 0, 0), 0.03)
                for number in range(len(SHELF_Z_M))
                if number != variation
            ),
            KeypointSpec("safe_corner", "safe", (-DEPTH_M / 2, -WIDTH_M / 2, HEIGHT_M), 0.005),
            KeypointSpec("door_corner", "safe_door", (0, WIDTH_M, HEIGHT_M), 0.01),
        ),
        check_success=check_success,
    )


def _tip(at_m: tuple[float, float, float], down_deg: float) -> np.ndarray:
    return tip_forward(at_m, down_deg=down_deg, roll_deg=_ROLL_DEG)
