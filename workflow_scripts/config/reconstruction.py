"""Settings of rooms that a model writes: what an answer says, what a prompt and picture show."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError, UniqueList
from workflow_scripts.config.evaluate import RebuiltRoomsSettings, ScoredSplitSettings

ViewPolicy = Literal["corner", "random", "panorama", "top_down"]
LayoutField = Literal["box_2d", "centre", "size", "yaw"]
UPRIGHT = ("level_camera", "room", "world")
# The frames that each format can say, the usual one first.
FRAMES_OF_FORMAT: Mapping[str, tuple[str, ...]] = {
    "object_list": UPRIGHT,
    "r2d3": ("world", "room"),
    "spatiallm": UPRIGHT,
    "qwen3vl": ("opencv_camera",),
}


class LayoutTextSettings(Settings):
    """What an answer says of a room, and how it is written."""

    format: Literal["object_list", "r2d3", "spatiallm", "qwen3vl"] = Field(
        "object_list", description="text format of the answer (docs/reconstruction.md)"
    )
    frame: Literal["world", "room", "level_camera", "opencv_camera"] = Field(
        "level_camera",
        description="frame of the coordinates: world is the house's, room begins in the room's "
        "corner, level_camera at the camera with z up, opencv_camera as the camera looks",
    )
    objects: Literal["visible", "all"] = Field(
        "visible",
        description="visible: those with min_pixels in the view, near to far; all: of the room",
    )
    include_children: bool = Field(
        True, description="also what stands on other objects; published programs leave it out"
    )
    fields: UniqueList[LayoutField] = Field(
        ("box_2d", "centre", "size", "yaw"),
        description="what format object_list says of an object; center is always said",
    )
    precision_m: float = Field(
        0.1, ge=0.001, le=1, description="step of the numbers in meters of format object_list"
    )
    yaw_step_deg: int = Field(
        15, ge=1, le=180, description="step of the yaw in degrees of format object_list"
    )
    min_pixels: int = Field(30, ge=1, description="minimum number of pixels of a visible object")
    max_objects: int | None = Field(
        None, ge=1, description="maximum number of objects, the first ones; null: all"
    )
    phrases: bool = Field(
        False, description="format r2d3 calls objects by words instead of asset names"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_frame(cls, values: Any) -> Any:
        """Fill in the usual frame of a format."""
        if not isinstance(values, Mapping) or "frame" in values:
            return values
        frames = FRAMES_OF_FORMAT.get(str(values.get("format")))
        return {**values, "frame": frames[0]} if frames else values

    @model_validator(mode="after")
    def _can_be_written(self) -> "LayoutTextSettings":
        allowed = FRAMES_OF_FORMAT[self.format]
        problems: list[tuple[tuple[str | int, ...], str]] = []
        if self.frame not in allowed:
            named = " or ".join(allowed)
            problems.append((("frame",), f"{self.frame}, but format {self.format} needs {named}"))
        if "centre" not in self.fields:
            problems.append((("fields",), "has no center, without which nothing is placed"))
        if problems:
            raise SettingsError(*problems)
        return self


class PromptParts(Settings):
    """What the prompt says beside the task; in the frame and unit of the answer."""

    floor_polygon: bool = Field(False, description="corners of the floor")
    intrinsics: bool = Field(False, description="fx, fy, cx, cy in pixels, and the picture's size")
    position: bool = Field(False, description="position of the camera on the floor plan")
    height: bool = Field(False, description="height of the camera above the floor")
    yaw: bool = Field(False, description="viewing direction of the camera (yaw)")
    pitch: bool = Field(False, description="pitch of the camera")
    fov: bool = Field(False, description="vertical field of view")
    format_help: bool = Field(
        False, description="how the answer is written, for a model that was not trained on it"
    )


class PictureParts(Settings):
    """What the picture shows beside the room."""

    depth: Literal["none", "luminance"] = Field(
        "none", description="luminance: what is far is darkened, as published"
    )
    depth_source: Literal["truth", "estimated"] = Field(
        "truth", description="the simulator's depth, or that of stage depth's estimator"
    )
    marks: int = Field(
        0, ge=0, le=4, description="visible objects that a colored dot marks, chosen at random"
    )
    mark_place: Literal["surface", "centre"] = Field(
        "surface",
        description="3D point that the prompt gives of a mark: of the surface under the dot, or "
        "the object's center",
    )


class InputSettings(Settings):
    """What a model is shown and told."""

    prompt: PromptParts = Field(PromptParts(), description="what the prompt says")
    picture: PictureParts = Field(PictureParts(), description="what the picture shows")


WITH_INTRINSICS = InputSettings(prompt=PromptParts(intrinsics=True))


class RoomInputSettings(Settings):
    """What a model writes about which views, and what it gets in training and when it is scored."""

    layout: LayoutTextSettings = Field(LayoutTextSettings(), description="what is written")
    train_input: InputSettings = Field(
        WITH_INTRINSICS, description="input of the model in training"
    )
    test_input: InputSettings = Field(
        WITH_INTRINSICS, description="input of the model when it is scored"
    )
    view_policies: Annotated[UniqueList[ViewPolicy], Field(min_length=1)] = Field(
        ("corner", "random", "panorama"), description="policies of views that are written about"
    )


class RoomPromptSettings(RoomInputSettings, ScoredSplitSettings):
    """What the tables of prompts and answers depend on."""


class RebuildSettings(RebuiltRoomsSettings):
    """How replies are read, and how many rooms are rebuilt from them."""

    layout: LayoutTextSettings = Field(LayoutTextSettings(), description="what is written")
