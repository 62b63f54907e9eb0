"""meat_off_grill: take the steak or the chicken off the grill and lay it on the table."""

import numpy as np

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder, SceneObject
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    OPEN,
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    tip_down,
)

MEATS = ("chicken", "steak")
NUM_VARIATIONS = len(MEATS)
GRATE_Z_M = 0.105
GRILL_M = (0.22, 0.30)
MIDDLE_Z_M = {"chicken": 0.0235, "steak": 0.015}
_BLACK, _STEEL, _RED = (0.13, 0.13, 0.14), (0.62, 0.63, 0.65), (0.66, 0.12, 0.10)


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Stand an open grill on the table with both meats on its grate."""
    meat = MEATS[variation]
    side = -1 if builder.rng.random() < 0.5 else 1
    x = float(builder.rng.uniform(0.22, 0.30))
    y = side * float(builder.rng.uniform(0.02, 0.12))
    yaw = float(builder.rng.uniform(-15, 15))
    grill = builder.add("grill", "grill", (x, y, TABLE_Z_M), yaw_deg=yaw, is_fixed=True)
    _grill(grill)
    places = (-0.075, 0.075) if builder.rng.random() < 0.5 else (0.075, -0.075)
    cos, sin = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    turns = {}
    for name, across in zip(MEATS, places, strict=True):
        along = float(builder.rng.uniform(-0.04, 0.02))
        turns[name] = float(builder.rng.uniform(-20, 20))
        at = (
            x + cos * along - sin * across,
            y + sin * along + cos * across,
            TABLE_Z_M + GRATE_Z_M + MIDDLE_Z_M[name] + 0.002,
        )
        scene_object = builder.add(
            name, name, at, yaw_deg=yaw + turns[name], density=500, friction=1.0
        )
        _chicken(scene_object) if name == "chicken" else _steak(scene_object)
    down_m = (x - 0.04, y - side * 0.31, TABLE_Z_M + MIDDLE_Z_M[meat] + 0.012)

    def check_success(state: SceneState) -> str:
        at = state.position_m(meat)
        low = at[2] < TABLE_Z_M + 0.05 and abs(at[1] - y) > 0.5 * GRILL_M[1]
        return "" if low else f"the {meat} is not on the table"

    lifted = tip_down((0, 0, 0.14))
    high_m = (down_m[0], down_m[1], TABLE_Z_M + 0.20)
    return ScriptedTask(
        description=f"take the {meat} off the grill",
        waypoints=(
            Waypoint(meat, lifted),
            Waypoint(meat, tip_down((0, 0, 0)), True, CLOSED, 0.04, 0.7),
            Waypoint(meat, lifted, True),
            Waypoint("", tip_down(high_m)),
            Waypoint("", tip_down(down_m), True, OPEN, speed=0.7),
        ),
        extra_keypoints=(
            KeypointSpec("grate", "grill", (-0.09, 0, GRATE_Z_M), 0.01),
            *(KeypointSpec(name, name, (0, 0, 0), 0.03) for name in MEATS if name != meat),
        ),
        check_success=check_success,
    )


def _grill(grill: SceneObject) -> None:
    """Add a tray on four legs, a grate of bars, and a lid that stands open at the far side."""
    length, width = GRILL_M
    grill.box((length, width, 0.05), (0, 0, 0.065), colour=_BLACK)
    for x in (-1, 1):
        for y in (-1, 1):
            at = (x * (length / 2 - 0.02), y * (width / 2 - 0.02), 0.02)
            grill.cylinder(0.010, 0.04, at, colour=_STEEL)
    for number in range(8):
        bar_y = (number - 3.5) * 0.036
        grill.box((length - 0.02, 0.007, 0.008), (0, bar_y, GRATE_Z_M - 0.004), colour=_STEEL)
    for sign in (-1, 1):
        rail = (sign * (length / 2 - 0.006), 0, GRATE_Z_M - 0.008)
        grill.box((0.012, width, 0.014), rail, colour=_STEEL)
    lid = (length / 2 + 0.045, 0, 0.20)
    grill.box((0.012, width, 0.20), lid, colour=_RED, turn_deg=(0, 22, 0))
    grill.cylinder(0.008, 0.12, (length / 2 + 0.028, 0, 0.27), colour=_STEEL, turn_deg=(90, 0, 0))


def _chicken(scene_object: SceneObject) -> None:
    """Add a chicken leg: meat with a flat side to lie on, and a bone."""
    brown, bone = (0.78, 0.47, 0.20), (0.95, 0.92, 0.84)
    scene_object.cylinder(0.022, 0.028, colour=brown, turn_deg=(0, 90, 0), is_round=True)
    scene_object.box((0.040, 0.026, 0.046), colour=brown)
    scene_object.cylinder(
        0.006, 0.040, (-0.046, 0, 0), colour=bone, turn_deg=(0, 90, 0), is_round=True
    )


def _steak(scene_object: SceneObject) -> None:
    """Add a slab with a rim of fat."""
    scene_object.box((0.085, 0.052, 0.028), colour=(0.52, 0.20, 0.15))
    scene_object.cylinder(0.026, 0.028, (0.042, 0, 0), colour=(0.52, 0.20, 0.15))
    scene_object.box((0.080, 0.004, 0.029), (0, 0.0255, 0), colour=(0.90, 0.80, 0.68))
