"""Settings of source `scans` that stage views reads: the walk, and which frames are chosen."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError, UserPath, one_of
from workflow_scripts.config.views import FrameSettings, PresetName
from workflow_scripts.geometry.frame_selection import STRATEGIES


class WalkSettings(Settings):
    """How the simulated camera walks."""

    scan_unit: Literal["room", "house"] = Field(
        "room", description="what a simulated scan shows: one room of its house, or all of it"
    )
    frames: int = Field(64, ge=1, le=5000, description="frames of a simulated scan")
    rate_hz: float = Field(2.0, gt=0, le=60, description="frames a second of a simulated scan")
    speed_m_s: float = Field(0.4, gt=0, le=3, description="walking speed of the simulated camera")


class WalkRenderSettings(FrameSettings, WalkSettings):
    """The walk, and how its frames are rendered."""


class WalkPictureSettings(Settings):
    """Pictures of simulated scans, where they differ from those of section `views`."""

    size_px: int | None = Field(
        None,
        ge=16,
        le=4096,
        description="side of the square pictures of simulated scans, with views.min_pixels scaled "
        "to their area; null: size and min_pixels of section views",
    )
    preset: PresetName | None = Field(
        None, description="quality of the pictures of simulated scans; null: views.preset"
    )


def walk_picture_settings(views: Mapping[str, Any], scans: Mapping[str, Any]) -> dict[str, Any]:
    """Return section `views` as it holds for the simulated scans of a source."""
    changed = dict(views)
    size_px = scans["size_px"]
    if size_px is not None:
        share = size_px**2 / (views["width_px"] * views["height_px"])
        min_pixels = max(1, round(views["min_pixels"] * share))
        changed |= {"width_px": size_px, "height_px": size_px, "min_pixels": min_pixels}
    if scans["preset"] is not None:
        changed["preset"] = scans["preset"]
    return changed


class ScanObjectsSettings(Settings):
    """Objects of scans from files, where they are not the data set's own."""

    boxes: UserPath | None = Field(
        None,
        description="boxes of any detector: a JSON file for all scans, or a folder of <scan>.json; "
        "null: none",
    )
    min_box_score: float = Field(
        0.0, ge=0, le=1, description="boxes with a lower score are left out"
    )
    masks: UserPath | None = Field(
        None,
        description="instance masks of any detector: a folder of <frame>.png, or of one such "
        "folder for each scan; they need no identity over frames, as they are lifted with depth "
        "and merged; null: none",
    )
    min_mask_frames: int = Field(
        3, ge=1, description="objects whose masks are in fewer frames are left out"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "ScanObjectsSettings":
        if self.boxes is not None and self.masks is not None:
            raise SettingsError((("masks",), "given beside boxes; give one of the two"))
        return self


class ScanReadSettings(ScanObjectsSettings):
    """How scans from files become views."""

    read_frames: int | None = Field(
        300,
        ge=1,
        le=100_000,
        description="frames that are read of a scan from files, at equal steps among the usable "
        "ones; null reads every frame",
    )
    longest_side_px: int = Field(
        640,
        ge=16,
        le=4096,
        description="longer side of the views of scans from files; smaller pictures keep their "
        "size",
    )


class ScanViewSettings(ScanReadSettings):
    """How scans are read, and what section `views` says of what counts as visible."""

    min_pixels: int = Field(
        100, ge=1, description="an object with fewer pixels does not count as visible"
    )


class FrameSelectionSettings(Settings):
    """Which frames of a scan are chosen."""

    strategy: Annotated[str, one_of(STRATEGIES)] = Field(
        "mc",
        description="uniform: equal steps in time; mc: the frame that shows most voxels that no "
        "chosen frame shows, again and again (greedy maximum coverage); mc-ratio90, mc-ratio95: "
        "the same until 90 or 95 % of what all frames show is covered",
    )
    max_frames: int | None = Field(
        32, ge=1, le=5000, description="maximum number of frames; null: no limit"
    )
    max_tokens: int | None = Field(
        None, ge=1, description="visual tokens that the chosen frames may take; null: no limit"
    )
    tokens_per_frame: int = Field(210, ge=1, description="visual tokens that a frame takes")
    voxel_m: float = Field(0.1, ge=0.01, le=1, description="side of the voxels that are counted")

    @model_validator(mode="after")
    def _some_frame(self) -> "FrameSelectionSettings":
        if self.max_tokens is not None and self.max_tokens < self.tokens_per_frame:
            problem = f"{self.max_tokens} is less than the {self.tokens_per_frame} of one frame"
            raise SettingsError((("max_tokens",), problem))
        return self
