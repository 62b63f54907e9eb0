"""The Panda arm as MuJoCo bodies: primitives, real joints and limits, a parallel gripper."""

import mujoco
import numpy as np

from workflow_scripts.views.robots.panda import (
    BASE_M,
    DH,
    FLANGE_M,
    HAND_YAW_RAD,
    HIGH_RAD,
    LOW_RAD,
    TIP_FROM_FLANGE_M,
)

FINGER_OPEN_M = 0.04
GRIP_FORCE_N = 60.0
MAX_TORQUE_NM = (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0)
STIFFNESS_NM_PER_RAD = (4500.0, 4500.0, 3500.0, 3500.0, 1500.0, 1500.0, 800.0)
DAMPING_RATIO = 0.055
MASSES_KG = (4.97, 0.65, 3.23, 3.59, 1.23, 1.67, 0.74)
JOINT_NAMES = tuple(f"panda_joint{number}" for number in range(1, 8))
FINGER_NAMES = ("panda_finger_joint1", "panda_finger_joint2")
_WHITE = (0.93, 0.93, 0.94, 1)
_DARK = (0.27, 0.28, 0.30, 1)
_PAD = (0.10, 0.10, 0.11, 1)
Rgba = tuple[float, float, float, float]
# Capsules of each link in its own frame (z is its joint's axis): from, to, radius, colour.
_CAPSULES: tuple[tuple[tuple[tuple[float, ...], tuple[float, ...], float, Rgba], ...], ...] = (
    (((0, 0, -0.20), (0, 0, -0.01), 0.062, _WHITE),),
    (((0, 0, -0.055), (0, 0, 0.055), 0.061, _DARK), ((0, 0, 0), (0, -0.16, 0), 0.058, _WHITE)),
    (((0, 0, -0.16), (0, 0, -0.05), 0.056, _WHITE), ((0, 0, -0.04), (0.08, 0, 0), 0.054, _WHITE)),
    (((0, 0, -0.055), (0, 0, 0.055), 0.058, _DARK), ((0, 0, 0), (-0.08, 0.10, 0), 0.052, _WHITE)),
    (
        ((0, 0, -0.28), (0, 0.04, -0.16), 0.052, _WHITE),
        ((0, 0.06, -0.17), (0, 0, 0), 0.047, _WHITE),
    ),
    (((0, 0, -0.05), (0, 0, 0.05), 0.052, _DARK), ((0, 0, 0), (0.088, 0, 0.0), 0.050, _WHITE)),
    (((0, 0, -0.02), (0, 0, 0.07), 0.045, _WHITE),),
)


def add_arm(spec: mujoco.MjSpec) -> mujoco.MjsBody:
    """Add the arm at RLBench's base position; return the body of its hand.

    The hand's frame has the tip's axes and lies at the flange. Hand and fingers collide with
    objects; the links do not, because paths are planned above the objects on the table.
    """
    parent = spec.worldbody.add_body(name="panda", pos=BASE_M)
    _capsule(parent, (0, 0, 0.04), (0, 0, 0.10), 0.075, _WHITE, 2.0)
    parent.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[0.095, 0.02, 0],
        pos=[-0.02, 0, 0.02],
        rgba=_DARK,
        contype=0,
        conaffinity=0,
    )
    for number, (a_m, d_m, alpha_rad) in enumerate(DH):
        cos, sin = np.cos(alpha_rad), np.sin(alpha_rad)
        parent = parent.add_body(
            name=f"panda_link{number + 1}",
            pos=[a_m, -sin * d_m, cos * d_m],
            quat=[np.cos(alpha_rad / 2), np.sin(alpha_rad / 2), 0, 0],
            gravcomp=1,
        )
        parent.add_joint(
            name=JOINT_NAMES[number],
            axis=[0, 0, 1],
            range=[LOW_RAD[number], HIGH_RAD[number]],
            limited=True,
            armature=0.1,
            damping=1.0,
        )
        capsules = _CAPSULES[number]
        for begin, end, radius, colour in capsules:
            _capsule(parent, begin, end, radius, colour, MASSES_KG[number] / len(capsules))
    hand = _hand(parent)
    _actuators(spec)
    return hand


def _capsule(
    body: mujoco.MjsBody,
    begin: tuple[float, ...],
    end: tuple[float, ...],
    radius: float,
    rgba: tuple[float, ...],
    mass: float,
) -> None:
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[*begin, *end],
        size=[radius, 0, 0],
        rgba=rgba,
        mass=mass,
        contype=0,
        conaffinity=0,
    )


def _hand(link: mujoco.MjsBody) -> mujoco.MjsBody:
    half = HAND_YAW_RAD / 2
    hand = link.add_body(
        name="gripper",
        pos=[0, 0, FLANGE_M],
        quat=[np.cos(half), 0, 0, np.sin(half)],
        gravcomp=1,
    )
    box = mujoco.mjtGeom.mjGEOM_BOX
    hand.add_geom(type=box, size=[0.024, 0.101, 0.026], pos=[0, 0, 0.032], rgba=_WHITE, mass=0.5)
    hand.add_geom(type=box, size=[0.019, 0.085, 0.006], pos=[0, 0, 0.062], rgba=_DARK, mass=0.1)
    hand.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[0.042, 0.012, 0],
        pos=[0, 0, -0.002],
        rgba=_DARK,
        mass=0.1,
        contype=0,
        conaffinity=0,
    )
    hand.add_site(name="tip", pos=[0, 0, TIP_FROM_FLANGE_M])
    for name, sign in zip(FINGER_NAMES, (1, -1), strict=True):
        finger = hand.add_body(name=name.replace("_joint", ""), pos=[0, 0, 0.0584], gravcomp=1)
        finger.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=[0, sign, 0],
            range=[0, FINGER_OPEN_M],
            limited=True,
            armature=0.05,
            damping=10.0,
        )
        finger.add_geom(
            type=box,
            size=[0.010, 0.007, 0.020],
            pos=[0, sign * 0.012, 0.016],
            rgba=_WHITE,
            mass=0.05,
        )
        # A small pad, not the whole face: its four contact points keep a grasp from rotating.
        finger.add_geom(
            type=box,
            size=[0.0105, 0.006, 0.0135],
            pos=[0, sign * 0.006, 0.0485],
            rgba=_PAD,
            mass=0.03,
            friction=[1.6, 0.05, 0.001],
            condim=4,
            priority=1,
            solimp=[0.97, 0.995, 0.0005, 0.5, 2],
            solref=[0.006, 1],
        )
    return hand


def _actuators(spec: mujoco.MjSpec) -> None:
    """Add position servos with the arm's torque limits, and a gripper of 60 N."""
    for name, stiffness, torque in zip(
        JOINT_NAMES, STIFFNESS_NM_PER_RAD, MAX_TORQUE_NM, strict=True
    ):
        _servo(spec, name, stiffness, DAMPING_RATIO * stiffness, torque)
    for name in FINGER_NAMES:
        _servo(spec, name, 2500.0, 60.0, GRIP_FORCE_N)
    spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=FINGER_NAMES[0],
        name2=FINGER_NAMES[1],
        data=[0, 1, *[0] * 10],
        solref=[0.005, 1],
    )
    spec.add_exclude(bodyname1="panda_finger1", bodyname2="panda_finger2")


def _servo(spec: mujoco.MjSpec, joint: str, stiffness: float, damping: float, limit: float) -> None:
    """Add force = stiffness * (control - position) - damping * velocity, within a limit."""
    spec.add_actuator(
        name=joint,
        target=joint,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=[stiffness, *[0] * 9],
        biasprm=[0, -stiffness, -damping, *[0] * 7],
        forcerange=[-limit, limit],
        forcelimited=True,
    )
