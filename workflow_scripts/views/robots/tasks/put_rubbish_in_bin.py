"""put_rubbish_in_bin: drop the crumpled paper into the bin, not the tomatoes."""

import numpy as np

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    OPEN,
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    tip_down,
)

NUM_VARIATIONS = 1
BIN_SIDE_M, BIN_HEIGHT_M, WALL_M = 0.17, 0.15, 0.006
PAPER_SIDE_M = 0.036
_GREY = (0.33, 0.36, 0.40)
_PAPER = ((0.93, 0.93, 0.90), (0.86, 0.87, 0.86), (0.97, 0.97, 0.95))
_TOMATO = (0.86, 0.13, 0.08)


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Put a bin, the rubbish and two tomatoes on the table."""
    x, y = builder.sample_free_position(0.13, low_m=(0.12, -0.28), high_m=(0.36, 0.28))
    bin_yaw = float(builder.rng.uniform(-40, 40))
    container = builder.add("bin", "bin", (x, y, TABLE_Z_M), yaw_deg=bin_yaw, is_fixed=True)
    half, height = BIN_SIDE_M / 2, BIN_HEIGHT_M
    container.box((BIN_SIDE_M, BIN_SIDE_M, WALL_M), (0, 0, WALL_M / 2), colour=_GREY)
    for sign in (-1, 1):
        at = sign * (half - WALL_M / 2)
        container.box((WALL_M, BIN_SIDE_M, height), (at, 0, height / 2), colour=_GREY)
        container.box((BIN_SIDE_M, WALL_M, height), (0, at, height / 2), colour=_GREY)
    x, y = builder.sample_free_position(0.035, low_m=(0.08, -0.32), high_m=(0.40, 0.32), gap_m=0.06)
    yaw = float(builder.rng.uniform(-90, 90))
    at_m = (x, y, TABLE_Z_M + PAPER_SIDE_M / 2 + 0.002)
    rubbish = builder.add("rubbish", "crumpled paper", at_m, yaw_deg=yaw, density=150)
    side = PAPER_SIDE_M
    for number, turn in enumerate(((0, 0, 0), (0, 0, 45), (38, 20, 10))):
        # No two faces in one plane: they would flicker.
        size = ((side,) * 3, (side, side, 0.94 * side), (0.75 * side,) * 3)[number]
        rubbish.box(size, colour=_PAPER[number], turn_deg=turn)
    for number in (1, 2):
        x, y = builder.sample_free_position(
            0.035, low_m=(0.08, -0.35), high_m=(0.42, 0.35), gap_m=0.06
        )
        tomato = builder.add(f"tomato{number}", "tomato", (x, y, TABLE_Z_M + 0.026))
        tomato.ellipsoid((0.058, 0.058, 0.050), colour=_TOMATO)
        tomato.cylinder(0.016, 0.010, (0, 0, -0.021), colour=_TOMATO)
        tomato.cylinder(0.004, 0.012, (0, 0, 0.027), colour=(0.15, 0.42, 0.12))

    def check_success(state: SceneState) -> str:
        pose = state.pose("bin")
        at = pose[:3, :3].T @ (state.position_m("rubbish") - pose[:3, 3])
        inside = np.abs(at[:2]).max() < half and at[2] < height
        return "" if inside else "the rubbish is not in the bin"

    over = tip_down((0, 0, height + 0.09))
    return ScriptedTask(
        description="put the rubbish in the bin",
        waypoints=(
            Waypoint("rubbish", tip_down((0, 0, 0.12))),
            Waypoint("rubbish", tip_down((0, 0, 0)), True, CLOSED, side, 0.7),
            Waypoint("", _lift(rubbish.body.pos), True),
            Waypoint("bin", over, grip=OPEN),
        ),
        extra_keypoints=(
            KeypointSpec("bin_rim", "bin", (-half, 0, height), 0.01),
            KeypointSpec("tomato1", "tomato1", (0, 0, 0), 0.03),
            KeypointSpec("tomato2", "tomato2", (0, 0, 0), 0.03),
        ),
        check_success=check_success,
    )


def _lift(at_m: np.ndarray) -> np.ndarray:
    """Return a tip pose above a position, high enough to move an object over the bin's rim."""
    return tip_down((float(at_m[0]), float(at_m[1]), TABLE_Z_M + BIN_HEIGHT_M + 0.13))
