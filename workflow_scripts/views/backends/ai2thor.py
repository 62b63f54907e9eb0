"""The AI2-THOR backend: one Unity process renders all houses of a shard, off-screen.

Cameras are third-party cameras, whose poses do not depend on the agent or on collisions. Depth is
Unity's planar z in metres. Names in Unity's masks: the id of an object, perhaps with `___part`;
the id of its room for a floor, `Ceiling_` and the id of its room for a ceiling.
"""

import copy
import importlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import ObjectRow
from workflow_scripts.geometry.cameras import (
    Camera,
    unity_from_world,
    unity_from_yaw,
    world_from_unity,
    yaw_pitch_deg,
)
from workflow_scripts.views.credits import Credit
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.objects import object_rows
from workflow_scripts.views.renderer import EngineError

Result = TypeVar("Result")

QUALITY = {"draft": "Low", "default": "High", "high": "Ultra", "reference": "Ultra"}
GRID_M = 0.25
NEAR_M, FAR_M = 0.05, 60.0
# Unity's depth buffer ends a little before its far plane.
FAR_FRACTION = 0.999
PART_SEPARATOR = "___"


class Ai2ThorRenderer:
    """Open Unity with the first house, reuse it for the next, close it at the end.

    `controller_class` is for tests; it defaults to `ai2thor.controller.Controller`.
    """

    def __init__(
        self,
        *,
        preset: str,
        furniture: str,
        width_px: int,
        height_px: int,
        controller_class: Callable[..., Any] | None = None,
    ) -> None:
        self.width_px, self.height_px = width_px, height_px
        self._quality = QUALITY[preset]
        self._controller_class = controller_class or _controller_class()
        self._controller: Any = None
        self.credits: tuple[Credit, ...] = ()
        self.provenance = {
            "renderer": "ai2thor",
            "version": _version("_version", "__version__"),
            "build": _version("_builds", "COMMIT_ID"),
            "platform": "CloudRendering",
            "quality": self._quality,
        }

    def __enter__(self) -> "Ai2ThorRenderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def load(self, house: dict[str, Any], *, scene_id: str) -> "Ai2ThorHouse":
        """Load a house; `UserError` with Unity's message if it fails."""
        objects = object_rows(house, scene_id)
        renamed, ids_of_names = with_bar_separated_ids(house)
        names = {row.object_id: row.instance for row in objects}
        numbers = {name: names[object_id] for name, object_id in ids_of_names.items()}
        for row in objects:
            if row.category == "floor":
                numbers[row.room_id] = row.instance
            elif row.category == "ceiling":
                numbers[f"Ceiling_{row.room_id}"] = row.instance
            else:
                numbers.setdefault(row.object_id, row.instance)
        loaded = Ai2ThorHouse(self, objects, renamed, numbers)
        self.retry_once(loaded.create_house, description=f"house {scene_id}")
        return loaded

    def retry_once(self, call: Callable[[], Result], *, description: str) -> Result:
        """Call a function; if Unity crashes or hangs, call it once more in a new process.

        `UserError` has Unity's message: of a rejected action at once, of a crash the second time.
        """
        from ai2thor.exceptions import RestartError

        for _ in range(2):
            try:
                return call()
            except EngineError:
                raise
            except (RestartError, TimeoutError) as error:
                failure: Exception = error
            except (RuntimeError, ValueError) as error:
                if isinstance(error, UserError) or self._action_rejected():
                    raise UserError(
                        f"AI2-THOR rejects {description}: {_error_message(error)}"
                    ) from error
                failure = error
            self.stop()
        raise UserError(
            f"AI2-THOR failed twice with {description}: {_error_message(failure)}"
        ) from failure

    def _action_rejected(self) -> bool:
        """Say whether Unity is running and rejected the last action."""
        event = getattr(self._controller, "last_event", None)
        return event is not None and not event.metadata["lastActionSuccess"]

    @property
    def controller(self) -> Any:
        """Return the running controller; the first access starts it."""
        if self._controller is None:
            try:
                self._controller = self._controller_class(
                    platform="CloudRendering",
                    quality=self._quality,
                    scene="Procedural",
                    width=self.width_px,
                    height=self.height_px,
                    gridSize=GRID_M,
                    snapToGrid=True,
                    fieldOfView=90,
                    renderDepthImage=True,
                    renderInstanceSegmentation=True,
                    makeAgentsVisible=False,
                )
            except Exception as error:  # downloads, Vulkan and Unity raise many types
                raise EngineError(
                    f"AI2-THOR cannot start ({error}). It needs its Unity build (downloaded once, "
                    "to ~/.ai2thor), libvulkan1 and a GPU driver with Vulkan; or choose "
                    "views.backend: pathtrace"
                ) from error
        return self._controller

    def stop(self) -> None:
        """End the Unity process if one runs."""
        controller, self._controller = self._controller, None
        # After two crashes the client has no server to stop.
        if controller is not None and controller.server is not None:
            controller.stop()


class Ai2ThorHouse:
    """A house inside Unity. It stays valid until the next `load`."""

    def __init__(
        self,
        renderer: Ai2ThorRenderer,
        objects: list[ObjectRow],
        house: dict[str, Any],
        instance_of_name: dict[str, int],
    ) -> None:
        self.objects = objects
        self._renderer = renderer
        self._house = house
        self._instance_of_name = instance_of_name
        self._loaded_in: Any = None

    def create_house(self) -> None:
        """Build the house in the running Unity; a reset removes all cameras, so add one."""
        controller = self._renderer.controller
        _succeeded(controller.reset(scene=self._house))
        _succeeded(
            controller.step(
                action="AddThirdPartyCamera",
                position={"x": 0.0, "y": 1.5, "z": 0.0},
                rotation={"x": 0.0, "y": 0.0, "z": 0.0},
                fieldOfView=90.0,
                nearClippingPlane=NEAR_M,
                farClippingPlane=FAR_M,
                skyboxColor="default",
                antiAliasing="smaa",
            )
        )
        self._loaded_in = controller

    def reachable_m(self) -> np.ndarray:
        """Return floor points [n, 3] of Unity's 0.25 m grid, sorted."""
        event = self._step(action="GetReachablePositions")
        points = [[point["x"], 0.0, point["z"]] for point in event.metadata["actionReturn"]]
        world = world_from_unity(np.array(points, dtype=np.float64).reshape(-1, 3))
        return world[np.lexsort((world[:, 1], world[:, 0]))]

    def render(self, camera: Camera, *, seed: int) -> Frame:
        """Return Unity's image, depth and ids; Unity uses no randomness."""
        size = (self._renderer.width_px, self._renderer.height_px)
        if (camera.width_px, camera.height_px) != size:
            raise ValueError(f"Unity runs at {size} pixels, not at that of {camera}")
        yaw_deg, pitch_deg = yaw_pitch_deg(camera.world_from_camera)
        x, y, z = (float(value) for value in unity_from_world(camera.position_m))
        # Unity resets clipping planes that an update does not repeat.
        event = self._step(
            action="UpdateThirdPartyCamera",
            thirdPartyCameraId=0,
            position={"x": x, "y": y, "z": z},
            rotation={"x": -pitch_deg, "y": unity_from_yaw(yaw_deg), "z": 0.0},
            fieldOfView=camera.vertical_fov_deg,
            nearClippingPlane=NEAR_M,
            farClippingPlane=FAR_M,
        )
        depth_m = np.array(event.third_party_depth_frames[0], dtype=np.float32)
        depth_m[depth_m >= FAR_FRACTION * FAR_M] = np.nan
        return Frame(
            np.ascontiguousarray(event.third_party_camera_frames[0][..., :3]),
            depth_m,
            self._instances(
                event.third_party_instance_segmentation_frames[0], event.color_to_object_id
            ),
        )

    def _step(self, **action: Any) -> Any:
        """Run an action; after a restart of Unity the house is built again first."""

        def call() -> Any:
            if self._loaded_in is not self._renderer.controller:
                self.create_house()
            return _succeeded(self._renderer.controller.step(**action))

        return self._renderer.retry_once(call, description=action["action"])

    def _instances(
        self, colours: np.ndarray, name_of_colour: dict[tuple[int, ...], str]
    ) -> np.ndarray:
        """Turn Unity's colours u8 [h, w, 3] into instance numbers u16 [h, w], 0 for unknown."""
        code = colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
        unique_codes, inverse = np.unique(code, return_inverse=True)
        numbers = np.zeros(len(unique_codes), dtype=np.uint16)
        for index, value in enumerate(unique_codes):
            colour = (int(value >> 16), int(value >> 8 & 255), int(value & 255))
            name = name_of_colour.get(colour, "").split(PART_SEPARATOR)[0]
            numbers[index] = self._instance_of_name.get(name, 0)
        return numbers[inverse].reshape(code.shape)


def with_bar_separated_ids(house: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a copy of a house whose ids all contain "|", and the old id of each new one.

    Unity leaves objects without "|" in their name out of its masks. An id that has none gets the
    prefix "object|", so the same house always gets the same names.
    """
    copied = copy.deepcopy(house)
    ids_of_names: dict[str, str] = {}
    queue = [*copied.get("objects", []), *copied.get("doors", []), *copied.get("windows", [])]
    while queue:
        entry = queue.pop()
        if "|" not in entry["id"]:
            ids_of_names[f"object|{entry['id']}"] = entry["id"]
            entry["id"] = f"object|{entry['id']}"
        queue += entry.get("children") or []
    return copied, ids_of_names


def _succeeded(event: Any) -> Any:
    if not event.metadata["lastActionSuccess"]:
        raise UserError(event.metadata.get("errorMessage") or "no reason given")
    return event


def _error_message(error: BaseException) -> str:
    """Return the last line of a message: the client repeats the action, with a whole house."""
    if isinstance(error, TimeoutError) and error.__context__:
        error = error.__context__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:400]


def _controller_class() -> Callable[..., Any]:
    try:
        controller: Callable[..., Any] = importlib.import_module("ai2thor.controller").Controller
    except ImportError as error:
        raise EngineError(
            f"views.backend ai2thor needs the package ai2thor: {error}. "
            "Run 'pip install ai2thor==5.0.0', or choose views.backend: pathtrace"
        ) from error
    return controller


def _version(module: str, attribute: str) -> str:
    try:
        return str(getattr(importlib.import_module(f"ai2thor.{module}"), attribute))
    except (ImportError, AttributeError):
        return "unknown"
