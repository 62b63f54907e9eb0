"""unplug_charger: pull the charger out of the wall."""

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    tip_down,
)
from workflow_scripts.views.robots.tasks.sockets import add_slotted_plate

NUM_VARIATIONS = 1
WALL_M = (0.03, 0.30, 0.22)
SLOT_M, SLOT_Z_M = (0.034, 0.0092), 0.10
BODY_M = (0.075, 0.046, 0.050)
PRONG_M = (0.026, 0.008, 0.008)
OUT_M = 0.10
_LEAN_DEG = 15.0


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Stand a piece of wall on the table that faces the robot, with the charger plugged in."""
    x, y = float(builder.rng.uniform(0.30, 0.40)), float(builder.rng.uniform(-0.25, 0.25))
    yaw = float(builder.rng.uniform(-20, 20))
    wall = builder.add("task_wall", "wall piece", (x, y, TABLE_Z_M), yaw_deg=yaw, is_fixed=True)
    add_slotted_plate(
        wall,
        width_m=WALL_M[1],
        height_m=WALL_M[2],
        thick_m=WALL_M[0],
        slot_m=SLOT_M,
        slot_z_m=SLOT_Z_M,
        colour=(0.80, 0.80, 0.76),
    )
    wall.box((0.09, WALL_M[1], 0.012), (WALL_M[0] + 0.045, 0, 0.006), colour=(0.55, 0.55, 0.52))
    start_m = builder.to_world_m(wall, (-BODY_M[0] / 2 - 0.001, 0.0, SLOT_Z_M))
    charger = builder.add("charger", "charger", start_m, yaw_deg=yaw, density=300, friction=1.0)
    charger.box(BODY_M, colour=(0.10, 0.10, 0.11))
    charger.box((0.004, 0.016, 0.016), (-BODY_M[0] / 2 - 0.001, 0, 0), colour=(0.2, 0.7, 0.3))
    for sign in (-1, 1):
        prong = (BODY_M[0] / 2 + PRONG_M[0] / 2, sign * 0.012, 0)
        charger.box(PRONG_M, prong, colour=(0.80, 0.78, 0.66))

    def check_success(state: SceneState) -> str:
        out_m = float(((state.position_m("charger") - start_m) ** 2).sum() ** 0.5)
        return "" if out_m > 0.5 * OUT_M else f"the charger came out {1000 * out_m:.0f} mm"

    grasp = (-0.012, 0.0, 0.0)
    return ScriptedTask(
        description="unplug the charger",
        waypoints=(
            Waypoint("charger", tip_down((-0.012, 0, 0.14), lean_deg=_LEAN_DEG)),
            Waypoint("charger", tip_down(grasp, lean_deg=_LEAN_DEG), True, CLOSED, 0.05, 0.7),
            Waypoint(
                "task_wall",
                tip_down((-BODY_M[0] / 2 - 0.013 - OUT_M, 0, SLOT_Z_M), lean_deg=_LEAN_DEG),
                True,
                speed=0.6,
            ),
            Waypoint(
                "task_wall",
                tip_down((-BODY_M[0] / 2 - 0.013 - OUT_M, 0, SLOT_Z_M + 0.06), lean_deg=_LEAN_DEG),
                True,
            ),
        ),
        extra_keypoints=(
            KeypointSpec("plug", "charger", (BODY_M[0] / 2 + PRONG_M[0], 0, 0), 0.005),
            KeypointSpec("socket", "task_wall", (0, 0, SLOT_Z_M), 0.01),
            KeypointSpec("wall_corner", "task_wall", (0, WALL_M[1] / 2, WALL_M[2]), 0.005),
        ),
        check_success=check_success,
    )
