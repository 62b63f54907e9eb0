"""Settings of what a video model is shown and asked of a scan, for training and evaluation."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.common.scan_samples import ScanSample, ScanTask
from workflow_scripts.config.base import Settings, Text, UniqueList


class SampleSelection(Settings):
    """Which samples about scans an experiment is trained on, asked and scored by."""

    tasks: Annotated[UniqueList[ScanTask], Field(min_length=1)] = Field(
        ("grounding", "captioning", "question"),
        description="grounding: proposals are chosen; captioning: the object at a point is "
        "described; question: the answer is words",
    )
    question_types: Annotated[UniqueList[Text], Field(min_length=1)] | None = Field(
        None,
        description="types of samples (docs/video.md) that are trained on and scored; null: all "
        "of the tasks",
    )

    def takes(self, sample: ScanSample) -> bool:
        """Say whether a sample is one of these."""
        types = self.question_types
        return sample.task in self.tasks and (types is None or sample.question_type in types)

    def in_words(self) -> str:
        """Return what is chosen, for messages."""
        types = f" of types {', '.join(self.question_types)}" if self.question_types else ""
        return f"{', '.join(self.tasks)}{types}"


class VideoFramesSettings(Settings):
    """Which frames of a scan are shown."""

    strategy: Literal["chosen", "uniform"] = Field(
        "chosen",
        description="chosen: the first frames that the scan's frame selection chose; uniform: "
        "equal steps over all frames of the scan",
    )
    max_frames: int = Field(8, ge=1, le=512, description="maximum number of frames of a scan")


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
