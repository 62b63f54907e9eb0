"""A stand-in for Unity behind the real AI2-THOR Python client.

`StandInController` is the installed package's own `Controller`; only the server that talks to
the Unity process is replaced, by one that answers the same actions with the same metadata fields
and image bytes (bottom row first, RGBA, float32 metres, ids as colours), drawn by the slab test.
Actions with unknown names or arguments are refused as Unity's dispatcher refuses them.
"""

from typing import Any, ClassVar

import ai2thor.controller
import ai2thor.server
import numpy as np
from ai2thor.exceptions import UnityCrashException

from tests.views.box_renderer import cast, grid_m
from workflow_scripts.geometry.cameras import Camera, intrinsics
from workflow_scripts.sources.readers.procthor_house import ceiling_height_m
from workflow_scripts.views.objects import object_rows

NEAR_M, FAR_M = 0.1, 20.0
POSE = {"position", "rotation", "fieldOfView", "skyboxColor"}
PLANES = {"nearClippingPlane", "farClippingPlane", "orthographic", "orthographicSize"}
ARGUMENTS = {
    "Reset": {"sceneName"},
    "GetScenesInBuild": set(),
    "ChangeQuality": {"quality"},
    "ChangeResolution": {"x", "y"},
    "Initialize": {
        "gridSize",
        "snapToGrid",
        "fieldOfView",
        "renderDepthImage",
        "renderInstanceSegmentation",
        "makeAgentsVisible",
    },
    "CreateHouse": {"house"},
    "GetReachablePositions": set(),
    "AddThirdPartyCamera": POSE | PLANES | {"antiAliasing"},
    "UpdateThirdPartyCamera": POSE | PLANES | {"thirdPartyCameraId"},
}


class UnityStandIn(ai2thor.server.Server):
    """The process at the other end of the pipe."""

    server_type = "FIFO"
    actions: ClassVar[list[dict[str, Any]]] = []
    faults: ClassVar[dict[str, list[BaseException]]] = {}
    running: ClassVar[int] = 0

    def start(self) -> None:
        self.started = True
        UnityStandIn.running += 1
        self._action: dict[str, Any] = {"action": "", "sequenceId": 0}
        self._house: dict[str, Any] | None = None
        self._cameras: list[dict[str, Any]] = []
        self._render = False

    def stop(self) -> None:
        if self.started:
            UnityStandIn.running -= 1
        self.started = False

    def send(self, action: dict[str, Any]) -> None:
        self.sequence_id = action.setdefault("sequenceId", self.sequence_id + 1)
        self._action = action
        UnityStandIn.actions.append(action)

    def receive(self, timeout: float | None = None) -> Any:
        name = self._action["action"]
        if UnityStandIn.faults.get(name):
            raise UnityStandIn.faults[name].pop(0)
        error_code, error, result = "", "", None
        unknown = set(self._action) - ARGUMENTS.get(name, set()) - {"action", "sequenceId"}
        if name and name not in ARGUMENTS:
            error_code, error = "InvalidAction", f"{name} is not a valid action"
        elif name and unknown:
            error_code, error = "InvalidArgument", f"{name} has no argument {sorted(unknown)}"
        elif name:
            try:
                result = getattr(self, f"_{name}")(self._action)
            except (ValueError, KeyError) as refusal:
                error = f"{type(refusal).__name__}: {refusal}"
        return self._event(result, error, error_code)

    def _Reset(self, action: dict[str, Any]) -> None:
        self._house, self._cameras = None, []

    def _GetScenesInBuild(self, action: dict[str, Any]) -> list[str]:
        return ["Procedural", "FloorPlan1_physics"]

    def _Initialize(self, action: dict[str, Any]) -> dict[str, float]:
        self._render = action["renderDepthImage"] and action["renderInstanceSegmentation"]
        return {"cameraNearPlane": NEAR_M, "cameraFarPlane": FAR_M}

    def _CreateHouse(self, action: dict[str, Any]) -> None:
        if action["house"]["metadata"]["roomSpecId"] == "crash":
            raise crash()
        schema = action["house"]["metadata"]["schema"]
        if schema != "1.0.0":
            raise ValueError(f"Invalid house: schema {schema} is not compatible with 1.0.0")
        self._house = action["house"]
        self._objects = object_rows(self._house, "unity")

    def _GetReachablePositions(self, action: dict[str, Any]) -> list[dict[str, float]]:
        points = grid_m(self._house, self._objects)
        return [{"x": x, "y": 0.9009995, "z": y} for x, y, _ in points[::-1].tolist()]

    def _AddThirdPartyCamera(self, action: dict[str, Any]) -> None:
        if not 0 < action.get("fieldOfView", 90) < 180:
            raise ValueError(f"fieldOfView: {action['fieldOfView']} must be in (0, 180)")
        self._cameras.append(self._planes({"fieldOfView": 90.0, **action}))

    def _UpdateThirdPartyCamera(self, action: dict[str, Any]) -> None:
        number = action.get("thirdPartyCameraId", 0)
        if number >= len(self._cameras):
            raise ValueError(f"thirdPartyCameraId: {number} must be < {len(self._cameras)}")
        kept = {k: self._cameras[number][k] for k in ("position", "rotation", "fieldOfView")}
        self._cameras[number] = self._planes({**kept, **action})

    def _planes(self, action: dict[str, Any]) -> dict[str, Any]:
        """Planes that are not given fall back to those of the agent's camera."""
        return {"nearClippingPlane": NEAR_M, "farClippingPlane": FAR_M, **action}

    def _event(self, result: Any, error: str, error_code: str) -> Any:
        names = self._names() if self._house else {}
        metadata = {
            "screenWidth": self.width,
            "screenHeight": self.height,
            "sceneName": "Procedural",
            "lastAction": self._action["action"],
            "lastActionSuccess": not error,
            "errorMessage": error,
            "errorCode": error_code,
            "actionReturn": result,
            "objects": [],
            "agent": {"position": {"x": 0.0, "y": 0.9, "z": 0.0}},
            "depthFormat": "Meters",
            "thirdPartyCameras": self._cameras,
            "colors": [{"name": name, "color": list(colour)} for name, colour in names.items()],
        }
        files: dict[str, list[bytes]] = {}
        if self._render and self._house:
            for camera in self._cameras:
                for key, image in self._draw(camera, names).items():
                    files.setdefault(key, []).append(image[::-1].tobytes())
        message = {
            "agents": [metadata],
            "activeAgentId": 0,
            "sequenceId": self.sequence_id,
            "thirdPartyCameras": self._cameras,
        }
        return self.create_event(message, files)

    def _names(self) -> dict[str, tuple[int, int, int]]:
        """Return a colour for every name, also for classes and the parts of tables."""
        names = []
        for row in self._objects:
            names.append(self._name(row))
            if row.category == "DiningTable":
                names.append(f"{row.object_id}___Leg")
        names += ["DiningTable", "Walls"]
        return {name: (n * 67 % 256, n * 151 % 256, 1 + n) for n, name in enumerate(names)}

    def _name(self, row: Any) -> str:
        if row.category == "floor":
            return row.room_id
        return f"Ceiling_{row.room_id}" if row.category == "ceiling" else row.object_id

    def _draw(
        self, action: dict[str, Any], names: dict[str, tuple[int, int, int]]
    ) -> dict[str, np.ndarray]:
        camera = Camera(
            self.width,
            self.height,
            intrinsics(
                width_px=self.width,
                height_px=self.height,
                vertical_fov_deg=action["fieldOfView"],
            ),
            self._pose(action["position"], action["rotation"]),
        )
        frame = cast(self._objects, camera, ceiling_height_m(self._house))
        far_m = action["farClippingPlane"]
        beyond = ~(frame.depth_m < far_m)
        depth = np.where(beyond, np.float32(far_m), frame.depth_m)
        colours = np.zeros((self.height, self.width, 4), dtype=np.uint8)
        colours[..., 3] = 255
        for row in self._objects:
            # Masks without "|" never leave Unity.
            if "|" not in self._name(row):
                continue
            mask = (frame.instance == row.instance) & ~beyond
            colours[mask, :3] = names[self._name(row)]
            if row.category == "DiningTable":
                mask[::2] = False
                colours[mask, :3] = names[f"{row.object_id}___Leg"]
        alpha = np.full((self.height, self.width, 1), 255, dtype=np.uint8)
        return {
            "image-thirdParty-camera": np.concatenate([frame.rgb, alpha], axis=-1),
            "image_thirdParty_depth": depth.astype(np.float32),
            "image_thirdParty_image_ids": colours,
        }

    def _pose(self, position: dict[str, float], rotation: dict[str, float]) -> np.ndarray:
        """Return the world pose, worked out in Unity's axes: yaw clockwise, horizon down."""
        yaw, horizon = np.deg2rad(rotation["y"]), np.deg2rad(rotation["x"])
        forward = (np.sin(yaw) * np.cos(horizon), -np.sin(horizon), np.cos(yaw) * np.cos(horizon))
        right = (np.cos(yaw), 0.0, -np.sin(yaw))
        down = (-np.sin(yaw) * np.sin(horizon), -np.cos(horizon), -np.cos(yaw) * np.sin(horizon))
        pose = np.eye(4)
        for column, (x, y, z) in enumerate(
            (right, down, forward, tuple(position[a] for a in "xyz"))
        ):
            pose[:3, column] = (x, z, y)
        return pose


class StandInController(ai2thor.controller.Controller):
    """The real client, talking to the stand-in."""

    def __init__(self, **settings: Any) -> None:
        assert settings["platform"] == "CloudRendering"
        super().__init__(start_unity=False, **settings)

    def _build_server(self, host: str, port: int, width: int, height: int) -> None:
        if self.server is None:
            self.server = UnityStandIn(
                width, height, timeout=self.server_timeout, depth_format=self.depth_format
            )
            self.server.width, self.server.height = width, height

    def start(self, **settings: Any) -> Any:
        return super().start(**{**settings, "start_unity": False})


def crash() -> BaseException:
    """Return what the client sees when Unity dies of a signal."""
    return UnityCrashException("Unity process has exited, returncode=-11")
