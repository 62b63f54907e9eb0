"""take_usb_out_of_computer: pull the stick out of the computer's port."""

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
CASE_M = (0.22, 0.26, 0.11)
PLATE_M = 0.025
SLOT_M, SLOT_Z_M = (0.0145, 0.0072), 0.062
STICK_M = (0.062, 0.022, 0.014)
PLUG_M = (0.018, 0.0125, 0.0060)
OUT_M = 0.10
_LEAN_DEG = 15.0
_CASE, _DARK = (0.72, 0.74, 0.77), (0.16, 0.17, 0.19)


def build(builder: SceneBuilder, variation: int) -> ScriptedTask:
    """Lay a computer on the table, its port towards the robot, with the stick plugged in."""
    x, y = float(builder.rng.uniform(0.26, 0.36)), float(builder.rng.uniform(-0.25, 0.25))
    yaw = float(builder.rng.uniform(-20, 20))
    case = builder.add("computer", "computer", (x, y, TABLE_Z_M), yaw_deg=yaw, is_fixed=True)
    depth, width, height = CASE_M
    add_slotted_plate(
        case,
        width_m=width,
        height_m=height,
        thick_m=PLATE_M,
        slot_m=SLOT_M,
        slot_z_m=SLOT_Z_M,
        colour=_DARK,
    )
    inside = depth - PLATE_M
    case.box((inside, width, height), (PLATE_M + inside / 2, 0, height / 2), colour=_CASE)
    for number in range(5):
        vent = (PLATE_M + 0.05 + 0.025 * number, 0.05, height + 0.001)
        case.box((0.010, 0.10, 0.002), vent, colour=_DARK)
    case.box((0.002, 0.016, 0.016), (-0.001, -0.09, 0.07), colour=(0.25, 0.75, 0.95))
    start_m = builder.to_world_m(case, (-STICK_M[0] / 2 - 0.001, 0.0, SLOT_Z_M))
    stick = builder.add("usb", "usb stick", start_m, yaw_deg=yaw, density=300, friction=1.0)
    stick.box(STICK_M, colour=(0.80, 0.12, 0.14))
    stick.box((0.010, STICK_M[1] + 0.001, 0.015), (-0.026, 0, 0), colour=(0.95, 0.95, 0.95))
    plug = (STICK_M[0] / 2 + PLUG_M[0] / 2, 0, 0)
    stick.box(PLUG_M, plug, colour=(0.80, 0.80, 0.82))

    def check_success(state: SceneState) -> str:
        out_m = float(((state.position_m("usb") - start_m) ** 2).sum() ** 0.5)
        return "" if out_m > 0.5 * OUT_M else f"the stick came out {1000 * out_m:.0f} mm"

    pulled = (-STICK_M[0] / 2 - 0.013 - OUT_M, 0.0, SLOT_Z_M)
    return ScriptedTask(
        description="take the usb out of the computer",
        waypoints=(
            Waypoint("usb", tip_down((-0.012, 0, 0.12), lean_deg=_LEAN_DEG)),
            Waypoint("usb", tip_down((-0.012, 0, 0), lean_deg=_LEAN_DEG), True, CLOSED, 0.02, 0.7),
            Waypoint("computer", tip_down(pulled, lean_deg=_LEAN_DEG), True, speed=0.6),
            Waypoint(
                "computer",
                tip_down((pulled[0], 0, SLOT_Z_M + 0.08), lean_deg=_LEAN_DEG),
                True,
            ),
        ),
        extra_keypoints=(
            KeypointSpec("plug", "usb", (STICK_M[0] / 2 + PLUG_M[0], 0, 0), 0.005),
            KeypointSpec("port", "computer", (0, 0, SLOT_Z_M), 0.01),
            KeypointSpec("corner_left", "computer", (0, width / 2, height), 0.005),
            KeypointSpec("corner_right", "computer", (0, -width / 2, height), 0.005),
        ),
        check_success=check_success,
    )
