"""pick_and_lift: pick up the block of the given colour and lift it into a goal sphere."""

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    nearest_yaw_deg,
    tip_down,
)
from workflow_scripts.views.robots.tasks.colours import NAMES, target_and_distractors

NUM_VARIATIONS = len(NAMES)
SIDE_M = 0.05
GOAL_RADIUS_M = 0.04
_APPROACH_M = 0.12


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Put three blocks on the table and the goal above it."""
    yaw_deg = 0.0
    for name, colour in target_and_distractors(variation, builder.rng):
        x, y = builder.sample_free_position(
            0.06, low_m=(0.10, -0.30), high_m=(0.40, 0.30), gap_m=0.06
        )
        yaw = float(builder.rng.uniform(-45, 45))
        yaw_deg = yaw if name == "target" else yaw_deg
        at = (x, y, TABLE_Z_M + SIDE_M / 2 + 0.001)
        block = builder.add(name, "block", at, yaw_deg=yaw)
        block.box((SIDE_M,) * 3, colour=colour)
    goal_m = (
        float(builder.rng.uniform(0.10, 0.35)),
        float(builder.rng.uniform(-0.20, 0.20)),
        TABLE_Z_M + float(builder.rng.uniform(0.22, 0.38)),
    )
    goal = builder.add("goal", "ball", goal_m, is_fixed=True, is_solid=False)
    goal.sphere(GOAL_RADIUS_M, colour=(0.95, 0.45, 0.55))
    grasp_yaw = nearest_yaw_deg(yaw_deg) - yaw_deg

    def check_success(state: SceneState) -> str:
        gap_m = float(((state.position_m("target") - state.position_m("goal")) ** 2).sum() ** 0.5)
        return "" if gap_m < GOAL_RADIUS_M else f"the block is {gap_m:.2f} m from the goal"

    return ScriptedTask(
        description=f"pick up the {NAMES[variation]} block and lift it up to the target",
        waypoints=(
            Waypoint("target", tip_down((0, 0, _APPROACH_M), yaw_deg=grasp_yaw)),
            Waypoint("target", tip_down((0, 0, 0), yaw_deg=grasp_yaw), True, CLOSED, SIDE_M, 0.7),
            Waypoint("target", tip_down((0, 0, _APPROACH_M), yaw_deg=grasp_yaw), True, speed=0.7),
            Waypoint("goal", tip_down((0, 0, 0)), True, surface_depth_m=SIDE_M),
        ),
        extra_keypoints=tuple(
            KeypointSpec(name, name, (0, 0, 0), SIDE_M) for name in ("distractor0", "distractor1")
        ),
        check_success=check_success,
    )
