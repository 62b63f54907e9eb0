"""Settings of source `scans` that stage views reads: the walk, and which frames are chosen."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError, one_of
from workflow_scripts.geometry.frame_selection import STRATEGIES


class WalkSettings(Settings):
    """How the simulated camera walks."""

    scan_unit: Literal["room", "house"] = Field(
        "room", description="what a simulated scan shows: one room of its house, or all of it"
    )
    frames: int = Field(64, ge=1, le=5000, description="frames of a simulated scan")
    rate_hz: float = Field(2.0, gt=0, le=60, description="frames a second of a simulated scan")
    speed_m_s: float = Field(0.4, gt=0, le=3, description="walking speed of the simulated camera")


class ScanReadSettings(Settings):
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


class FrameSelectionSettings(Settings):
    """Which frames of a scan are chosen."""

    strategy: Annotated[str, one_of(STRATEGIES)] = Field(
        "mc",
        description="uniform: equal steps in time; mc: the frame that shows most voxels that no "
        "chosen frame shows, again and again (greedy maximum coverage); mc-ratio90, mc-ratio95: "
        "the same until 90 or 95 % of what all frames show is covered",
    )
    max_frames: int | None = Field(32, ge=1, le=5000, description="at most so many; null: no limit")
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
