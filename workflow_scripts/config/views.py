"""Settings of stage views: the cameras and the simulator of houses."""

from typing import Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError

PresetName = Literal["draft", "default", "high", "reference", "shared"]


class PolicySettings(Settings):
    """Views of a room by policy."""

    corner: int = Field(2, ge=0, le=32, description="from near the corners into the room")
    random: int = Field(1, ge=0, le=1000, description="random reachable poses")
    panorama: int = Field(0, ge=0, le=360, description="equal yaw steps from one point")
    top_down: int = Field(1, ge=0, le=1, description="straight down")

    @model_validator(mode="after")
    def _some_view(self) -> "PolicySettings":
        if not any(self.model_dump().values()):
            raise ValueError("asks for no view; set at least one policy above 0")
        return self


class RendererSettings(Settings):
    """The house simulator."""

    backend: Literal["pathtrace", "ai2thor"] = Field(
        "pathtrace", description="pathtrace is embedded; ai2thor needs a Unity build"
    )
    preset: PresetName = Field(
        "default",
        description="quality of pathtrace: draft, default, high and reference follow 2, 4, 16 or "
        "256 paths a pixel; in shared the views of a house share its light, for many frames",
    )
    furniture: Literal["auto", "procedural", "sweethome3d"] = Field(
        "auto",
        description="procedural shapes, Sweet Home 3D models, or those models where they are found",
    )


class FrameSettings(RendererSettings):
    """The house simulator and the size of its pictures."""

    width_px: int = Field(336, ge=16, le=4096, description="image width")
    height_px: int = Field(336, ge=16, le=4096, description="image height")
    vertical_fov_deg: float = Field(90.0, ge=10, le=150, description="vertical field of view")
    min_pixels: int = Field(
        100, ge=1, description="an object with fewer pixels does not count as visible"
    )

    @model_validator(mode="after")
    def _visible(self) -> "FrameSettings":
        most = self.width_px * self.height_px
        if self.min_pixels > most:
            problem = f"{self.min_pixels} is more than the {most} pixels of a view"
            raise SettingsError((("min_pixels",), problem))
        return self


class ViewsSettings(FrameSettings):
    """Cameras and the house simulator."""

    policies: PolicySettings = Field(
        PolicySettings(), description="how many views of each policy a room gets"
    )


class FocalViewSettings(RendererSettings):
    """Views that are drawn again with other focal lengths."""

    min_pixels: int = Field(
        100, ge=1, description="an object with fewer pixels does not count as visible"
    )
    split: Literal["train", "val", "test"] = Field(
        "test", description="houses whose views are drawn again"
    )
