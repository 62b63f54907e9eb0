"""reach_target: touch the ball of the given colour; two others are distractors."""

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder
from workflow_scripts.views.robots.scripted_task import (
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    tip_down,
)
from workflow_scripts.views.robots.tasks.colours import NAMES, target_and_distractors

NUM_VARIATIONS = len(NAMES)
RADIUS_M = 0.025
_HIGHEST_M = 0.30
_NEAR_M = 0.012


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Place three balls above the table so that none is in the path to the target."""
    for name, colour in target_and_distractors(variation, builder.rng):
        x, y = builder.sample_free_position(
            RADIUS_M, low_m=(0.0, -0.35), high_m=(0.45, 0.35), gap_m=0.12
        )
        # Distractors hang no higher than where the gripper passes over them.
        highest = _HIGHEST_M if name == "target" else 0.08
        z = TABLE_Z_M + builder.rng.uniform(RADIUS_M + 0.04, highest)
        sphere = builder.add(name, "ball", (x, y, float(z)), is_fixed=True, is_solid=False)
        sphere.body.gravcomp = 1
        sphere.sphere(RADIUS_M, colour=colour)

    def check_success(state: SceneState) -> str:
        gap_m = float(((state.tip_m() - state.position_m("target")) ** 2).sum() ** 0.5)
        return "" if gap_m < _NEAR_M else f"the tip is {1000 * gap_m:.0f} mm from the target"

    return ScriptedTask(
        description=f"reach the {NAMES[variation]} target",
        waypoints=(Waypoint("target", tip_down((0, 0, 0)), surface_depth_m=RADIUS_M),),
        extra_keypoints=tuple(
            KeypointSpec(name, name, (0, 0, 0), RADIUS_M) for name in ("distractor0", "distractor1")
        ),
        check_success=check_success,
    )
