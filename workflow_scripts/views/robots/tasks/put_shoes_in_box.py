"""put_shoes_in_box: put both shoes into the open shoe box, one after the other."""

import numpy as np

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder, SceneObject
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    OPEN,
    SceneState,
    ScriptedTask,
    Waypoint,
    nearest_yaw_deg,
    tip_down,
)

NUM_VARIATIONS = 1
BOX_M = (0.23, 0.25, 0.075)
WALL_M = 0.006
HEEL_M = (-0.035, 0.0, 0.050)
_CARD, _INSIDE = (0.62, 0.33, 0.16), (0.80, 0.66, 0.48)
_LEATHER, _SOLE = (0.16, 0.20, 0.42), (0.93, 0.92, 0.88)


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Stand an open box and a pair of shoes on the table."""
    side = -1 if builder.rng.random() < 0.5 else 1
    low, high = sorted((0.15 * side, 0.22 * side))
    x, y = builder.sample_free_position(0.20, low_m=(0.18, low), high_m=(0.30, high))
    turn = float(builder.rng.uniform(-12, 12))
    box = builder.add("box", "shoe box", (x, y, TABLE_Z_M), yaw_deg=turn, is_fixed=True)
    _box(box)
    yaws = []
    for number in (1, 2):
        x, y = builder.sample_free_position(
            0.08, low_m=(0.08, -0.36), high_m=(0.40, 0.36), gap_m=0.02
        )
        yaws.append(float(builder.rng.uniform(-60, 60)))
        at = (x, y, TABLE_Z_M + 0.002)
        _shoe(builder.add(f"shoe{number}", "shoe", at, yaw_deg=yaws[-1], density=250))

    def check_success(state: SceneState) -> str:
        pose = state.pose("box")
        for name in ("shoe1", "shoe2"):
            at = pose[:3, :3].T @ (state.position_m(name) - pose[:3, 3])
            if np.abs(at[0]) > BOX_M[0] / 2 or np.abs(at[1]) > BOX_M[1] / 2 or at[2] > BOX_M[2]:
                return f"{name} is not in the box"
        return ""

    waypoints: list[Waypoint] = []
    for number, yaw in enumerate(yaws, start=1):
        name = f"shoe{number}"
        grasp = nearest_yaw_deg(yaw) - yaw
        heel = np.array(HEEL_M)
        # The shoe's middle belongs in the middle of its half of the box; the tip holds its heel.
        into = np.array([HEEL_M[0] * np.cos(np.deg2rad(grasp)), (1.5 - number) * 0.115, 0.0])
        over = tip_down((into[0], into[1], BOX_M[2] + 0.16), yaw_deg=0)
        waypoints += [
            Waypoint(name, tip_down(heel + np.array([0, 0, 0.12]), yaw_deg=grasp)),
            Waypoint(name, tip_down(heel, yaw_deg=grasp), True, CLOSED, 0.05, 0.7),
            Waypoint(name, tip_down(heel + np.array([0, 0, 0.16]), yaw_deg=grasp), True),
            Waypoint("box", over),
            Waypoint("box", tip_down((into[0], into[1], 0.068)), True, OPEN, speed=0.7),
            Waypoint("box", over, True),
        ]
    return ScriptedTask("put the shoes in the box", tuple(waypoints), check_success)


def _box(box: SceneObject) -> None:
    """Add the floor, the walls and the lid, which hangs open at the far side."""
    length, width, height = BOX_M
    box.box((length, width, WALL_M), (0, 0, WALL_M / 2), colour=_INSIDE)
    for sign in (-1, 1):
        box.box((WALL_M, width, height), (sign * length / 2, 0, height / 2), colour=_CARD)
        box.box((length, WALL_M, height), (0, sign * width / 2, height / 2), colour=_CARD)
    box.box(
        (0.9 * height, width, WALL_M),
        (length / 2 + 0.036, 0, height - 0.024),
        colour=_INSIDE,
        turn_deg=(0, 40, 0),
    )


def _shoe(shoe: SceneObject) -> None:
    """Add a sole, an upper and a heel that fits between the fingers; the toe points along x."""
    shoe.box((0.145, 0.050, 0.014), (0, 0, 0.007), colour=_SOLE)
    shoe.box((0.055, 0.042, 0.052), (HEEL_M[0] - 0.002, 0, 0.040), colour=_LEATHER)
    shoe.box((0.060, 0.044, 0.024), (0.012, 0, 0.026), colour=_LEATHER)
    shoe.ellipsoid((0.075, 0.050, 0.044), (0.036, 0, 0.020), colour=_LEATHER)
    shoe.box((0.030, 0.012, 0.004), (0.012, 0, 0.040), colour=_SOLE)
