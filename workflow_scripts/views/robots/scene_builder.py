"""Build a task's scene: RLBench's room and table, the arm, cameras, objects on the table."""

from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from workflow_scripts.views.robots.arm import add_arm
from workflow_scripts.views.robots.cameras import add_cameras
from workflow_scripts.views.robots.room import add_room

TABLE_Z_M = 0.752
STEP_S = 0.0025
# Where objects may stand, in x and y: well inside the reach of the arm and all images.
WORKSPACE_M = ((0.10, -0.38), (0.48, 0.38))
_MAX_DRAWS = 200
_GEOM = mujoco.mjtGeom
Colour = tuple[float, float, float]


class PlacementError(Exception):
    """Objects do not fit on the table."""


@dataclass
class SceneObject:
    """An object of the scene: a body with its geoms.

    Sizes are full lengths in metres; positions are those of centres, in the body's frame.
    """

    object_id: str
    category: str
    instance: int
    kind: str
    body: mujoco.MjsBody
    parent_id: str = ""
    is_fixed: bool = False
    density: float = 400.0
    friction: float = 0.8
    is_solid: bool = True

    def box(
        self,
        size_m: tuple[float, float, float],
        at_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        colour: Colour,
        turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
        material: str = "",
    ) -> "SceneObject":
        """Add a box, rotated about x, then y, then z."""
        half = [side / 2 for side in size_m]
        return self._add(_GEOM.mjGEOM_BOX, half, at_m, colour, turn_deg, material)

    def sphere(
        self,
        radius_m: float,
        at_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        colour: Colour,
    ) -> "SceneObject":
        """Add a sphere."""
        return self._add(_GEOM.mjGEOM_SPHERE, [radius_m, 0, 0], at_m, colour)

    def ellipsoid(
        self,
        size_m: tuple[float, float, float],
        at_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        colour: Colour,
        turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> "SceneObject":
        """Add an ellipsoid."""
        half = [side / 2 for side in size_m]
        return self._add(_GEOM.mjGEOM_ELLIPSOID, half, at_m, colour, turn_deg)

    def cylinder(
        self,
        radius_m: float,
        length_m: float,
        at_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        colour: Colour,
        turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
        is_round: bool = False,
    ) -> "SceneObject":
        """Add a cylinder along z, or with round ends a capsule (length between their middles)."""
        kind = _GEOM.mjGEOM_CAPSULE if is_round else _GEOM.mjGEOM_CYLINDER
        return self._add(kind, [radius_m, length_m / 2, 0], at_m, colour, turn_deg)

    def _add(
        self,
        kind: int,
        size: list[float],
        at_m: tuple[float, float, float],
        colour: Colour,
        turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
        material: str = "",
    ) -> "SceneObject":
        x, y, z, w = Rotation.from_euler("xyz", turn_deg, degrees=True).as_quat()
        solid = int(self.is_solid)
        appearance: dict[str, Any] = {"material": material} if material else {"rgba": [*colour, 1]}
        self.body.add_geom(
            type=kind,
            size=size,
            pos=at_m,
            quat=[w, x, y, z],
            contype=solid,
            conaffinity=solid,
            density=self.density,
            friction=[self.friction, 0.01, 0.0005],
            condim=4,
            **appearance,
        )
        return self

    def hinge(
        self,
        name: str,
        at_m: tuple[float, float, float],
        axis: tuple[float, float, float],
        range_deg: tuple[float, float],
        *,
        damping: float = 0.3,
        friction: float = 0.05,
    ) -> None:
        """Let the object rotate about an axis fixed in its parent; angle 0 is as built."""
        self.body.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_HINGE,
            pos=at_m,
            axis=axis,
            range=[np.deg2rad(angle) for angle in range_deg],
            limited=True,
            damping=damping,
            frictionloss=friction,
            armature=0.005,
        )


@dataclass
class SceneBuilder:
    """A scene under construction."""

    rng: np.random.Generator
    spec: mujoco.MjSpec = field(default_factory=mujoco.MjSpec)
    scene_objects: dict[str, SceneObject] = field(default_factory=dict)
    occupied_m: list[tuple[float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        option = self.spec.option
        option.timestep = STEP_S
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        option.impratio = 10.0
        option.noslip_iterations = 3
        self.spec.compiler.degree = False
        for name, body in add_room(self.spec, table_z_m=TABLE_Z_M).items():
            self._register(name, name, "structure", body)
        hand = add_arm(self.spec)
        self._register("panda", "robot arm", "structure", self.spec.body("panda"))
        self._register("gripper", "gripper", "structure", hand, parent_id="panda")
        add_cameras(self.spec, hand)

    def _register(
        self, object_id: str, category: str, kind: str, body: mujoco.MjsBody, parent_id: str = ""
    ) -> SceneObject:
        scene_object = SceneObject(
            object_id, category, len(self.scene_objects) + 1, kind, body, parent_id
        )
        self.scene_objects[object_id] = scene_object
        return scene_object

    def add(
        self,
        object_id: str,
        category: str,
        at_m: tuple[float, float, float],
        *,
        yaw_deg: float = 0.0,
        parent: SceneObject | None = None,
        is_fixed: bool = False,
        density: float = 400.0,
        friction: float = 0.8,
        is_solid: bool = True,
    ) -> SceneObject:
        """Add an object without geoms; it is free to move unless it is fixed or has a parent.

        `at_m` is in the world, or in the parent's frame.
        """
        half = np.deg2rad(yaw_deg) / 2
        parent_body = parent.body if parent is not None else self.spec.worldbody
        body = parent_body.add_body(
            name=object_id, pos=at_m, quat=[np.cos(half), 0, 0, np.sin(half)]
        )
        if parent is None and not is_fixed:
            body.add_freejoint(name=f"{object_id}_free")
        scene_object = self._register(
            object_id, category, "object", body, parent.object_id if parent else "table"
        )
        scene_object.is_fixed, scene_object.density, scene_object.friction = (
            is_fixed,
            density,
            friction,
        )
        scene_object.is_solid = is_solid
        return scene_object

    def sample_free_position(
        self,
        radius_m: float,
        *,
        low_m: tuple[float, float] = WORKSPACE_M[0],
        high_m: tuple[float, float] = WORKSPACE_M[1],
        gap_m: float = 0.02,
    ) -> tuple[float, float]:
        """Draw x and y where a disc of this radius keeps clear of all objects placed before."""
        for _ in range(_MAX_DRAWS):
            x, y = self.rng.uniform(low_m, high_m)
            if all(
                np.hypot(x - other_x, y - other_y) >= radius_m + other_radius + gap_m
                for other_x, other_y, other_radius in self.occupied_m
            ):
                self.occupied_m.append((float(x), float(y), radius_m))
                return float(x), float(y)
        raise PlacementError(
            f"no free position for an object of {radius_m:.2f} m radius in {_MAX_DRAWS} draws"
        )

    def to_world_m(
        self, on: SceneObject, at_m: tuple[float, float, float]
    ) -> tuple[float, float, float]:
        """Return the world position of a point in the frame of a fixed object."""
        w, _, _, z = on.body.quat
        rotation = Rotation.from_quat([0, 0, z, w])
        x, y, z = np.asarray(on.body.pos) + rotation.apply(at_m)
        return float(x), float(y), float(z)

    def compile(self) -> mujoco.MjModel:
        """Return the compiled model."""
        return self.spec.compile()
