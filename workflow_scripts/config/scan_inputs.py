"""Settings of what a video model is shown of a scan, shared by training and evaluation."""

from typing import Literal

from pydantic import Field

from workflow_scripts.config.base import Settings


class VideoFramesSettings(Settings):
    """Which frames of a scan are shown."""

    strategy: Literal["chosen", "uniform"] = Field(
        "chosen",
        description="chosen: the first frames that the scan's frame selection chose; uniform: "
        "equal steps over all frames of the scan",
    )
    max_frames: int = Field(8, ge=1, le=512, description="at most so many frames of a scan")


class ProposalTrainingSettings(Settings):
    """How proposals are disturbed in training, so that the boxes of a detector fit, too."""

    jitter_m: float = Field(
        0.0, ge=0, le=2, description="standard deviation of centers and sides of boxes"
    )
    drop: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="chance that a proposal is left out; a description of objects that are all "
        "left out means no object",
    )
