"""close_fridge: push the open door of a small fridge shut."""

import numpy as np

from workflow_scripts.views.robots.scene_builder import TABLE_Z_M, SceneBuilder, SceneObject
from workflow_scripts.views.robots.scripted_task import (
    CLOSED,
    KeypointSpec,
    SceneState,
    ScriptedTask,
    Waypoint,
    tip_down,
)
from workflow_scripts.views.robots.tasks.cabinets import add_open_cabinet

NUM_VARIATIONS = 1
DEPTH_M, WIDTH_M, HEIGHT_M = 0.22, 0.26, 0.34
WALL_M, DOOR_M = 0.014, 0.022
HINGE_M = (-DEPTH_M / 2 - DOOR_M / 2, WIDTH_M / 2)
PUSH_RADIUS_M, PUSH_Z_M = 0.19, 0.22
SHUT_BELOW_DEG = 4.0
_LEAN_DEG = 15.0
_WHITE, _INSIDE, _STEEL = (0.78, 0.79, 0.80), (0.66, 0.74, 0.78), (0.45, 0.46, 0.48)


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Stand a fridge that faces the robot, its door open by 45 to 75 degrees."""
    x, y = float(builder.rng.uniform(0.42, 0.48)), float(builder.rng.uniform(-0.18, 0.06))
    yaw = float(builder.rng.uniform(-12, 12))
    open_deg = float(builder.rng.uniform(45, 75))
    fridge = builder.add("fridge", "fridge", (x, y, TABLE_Z_M), yaw_deg=yaw, is_fixed=True)
    _body(fridge)
    door = builder.add("door", "fridge door", (*HINGE_M, 0.0), parent=fridge, density=250)
    _door(door)
    # Positive angles open the door; it hangs on the robot's left.
    door.hinge("door_hinge", (0, 0, 0), (0, 0, -1), (0, 110), damping=0.4, friction=0.15)

    def at(angle_deg: float, clear_m: float, z_m: float = PUSH_Z_M) -> np.ndarray:
        """Return a tip pose in the fridge's frame beside the door's outer face."""
        angle = np.deg2rad(angle_deg)
        along = np.array([-np.sin(angle), -np.cos(angle)])
        outward = np.array([-np.cos(angle), np.sin(angle)])
        place = HINGE_M + PUSH_RADIUS_M * along + (DOOR_M / 2 + clear_m) * outward
        # The hand is wider than the fingers are long: it turns with the door.
        return tip_down((*place, z_m), yaw_deg=-angle_deg, lean_deg=_LEAN_DEG)

    def check_success(state: SceneState) -> str:
        angle = state.angle_deg("door_hinge")
        return "" if angle < SHUT_BELOW_DEG else f"the door is open by {angle:.0f} degrees"

    pushes = np.linspace(open_deg, 0.0, 5)[1:]
    return ScriptedTask(
        description="close the fridge",
        waypoints=(
            Waypoint("fridge", at(open_deg, 0.10, PUSH_Z_M + 0.15), grip=CLOSED),
            Waypoint("fridge", at(open_deg, 0.07), True),
            Waypoint("fridge", at(open_deg, 0.02), True),
            *(Waypoint("fridge", at(float(angle), 0.012), True) for angle in pushes),
        ),
        extra_keypoints=(
            KeypointSpec("door_top", "door", (-DOOR_M / 2, -WIDTH_M, HEIGHT_M), 0.01),
            KeypointSpec("door_bottom", "door", (-DOOR_M / 2, -WIDTH_M, 0.02), 0.01),
            KeypointSpec("handle", "door", (-DOOR_M / 2 - 0.02, -WIDTH_M + 0.025, 0.22), 0.02),
            KeypointSpec("fridge_top", "fridge", (-DEPTH_M / 2, -WIDTH_M / 2, HEIGHT_M), 0.01),
        ),
        check_success=check_success,
        angles_rad={"door_hinge": float(np.deg2rad(open_deg))},
    )


def _body(fridge: SceneObject) -> None:
    """Add a cabinet with two shelves, and food on them."""
    add_open_cabinet(
        fridge,
        size_m=(DEPTH_M, WIDTH_M, HEIGHT_M),
        wall_m=WALL_M,
        colour=_WHITE,
        back_colour=_WHITE,
        shelves_z_m=(0.12, 0.22),
        shelf_m=(DEPTH_M - 0.04, 0.005),
        shelf_colour=_INSIDE,
    )
    fridge.cylinder(0.022, 0.09, (0.02, 0.05, 0.17), colour=(0.15, 0.50, 0.24))
    fridge.box((0.06, 0.05, 0.08), (0.02, -0.05, 0.165), colour=(0.90, 0.72, 0.22))


def _door(door: SceneObject) -> None:
    """Add the door, which hangs from its hinge towards -y, with a handle at its free edge."""
    door.box((DOOR_M, WIDTH_M, HEIGHT_M - 0.004), (0, -WIDTH_M / 2, HEIGHT_M / 2), colour=_WHITE)
    inner = (DOOR_M / 2 + 0.001, -WIDTH_M / 2, HEIGHT_M / 2)
    door.box((0.002, WIDTH_M - 0.04, HEIGHT_M - 0.04), inner, colour=_INSIDE)
    handle = (-DOOR_M / 2 - 0.012, -WIDTH_M + 0.025, 0.22)
    door.box((0.014, 0.012, 0.12), handle, colour=_STEEL)
