"""Experiments of kind pose: a model of 3D keypoints in several views."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, Text, UniqueList
from workflow_scripts.models.keypoints.settings import model_problem


class NoiseSettings(Settings):
    """How observed keypoints differ from exact projections."""

    multiplier: float = Field(1.0, ge=0, description="size in published units (1.29 px of 128)")
    outliers: float = Field(0.0, ge=0, le=1, description="share of observations that lie anywhere")
    bias: float = Field(
        0.0,
        ge=0,
        description="size of an offset that a view keeps for an episode, in published units",
    )
    correlation: float = Field(
        0.0, ge=0, lt=1, description="correlation of the noise of neighbouring frames"
    )
    occlusion: bool = Field(
        True, description="hidden keypoints are unseen; else only those outside the picture"
    )


class WeightsSettings(Settings):
    """Further terms of the masked objective."""

    temporal: float = Field(0.01, ge=0, description="accelerations")
    rigidity: float = Field(0.1, ge=0, description="changed distances within a body")
    cheirality: float = Field(1.0, ge=0, description="points behind a camera")


class PoseTrainingSettings(Settings):
    """What a training depends on."""

    tasks: UniqueList[Text] = Field(
        (), description="tasks of sources.rlbench that one model learns; empty: all of them"
    )
    keypoints: UniqueList[Text] = Field(
        (), description="names of the keypoints to learn; empty: all of them"
    )
    front_end: Literal["oracle", "noise", "images"] = Field(
        "noise",
        description="where 2D comes from: exact projections, the noise model, or a detector that "
        "is trained on the pictures",
    )
    noise: NoiseSettings = Field(
        NoiseSettings(), description="how observed keypoints differ from exact projections"
    )
    objective: Literal["supervised", "masked", "published"] = Field(
        "supervised",
        description="supervised by 3D labels; masked: from 2D alone, onto frames that the input "
        "lacks; published: from 2D alone, onto the 2D that is given",
    )
    weights: WeightsSettings = Field(
        WeightsSettings(), description="further terms of the masked objective"
    )
    window: int = Field(7, ge=1, le=101, description="frames that the model sees, odd")
    width: int = Field(128, ge=8, description="channels of a token")
    layers: int = Field(3, ge=1, description="attention layers")
    heads: int = Field(4, ge=1, description="heads of each")
    view_dropout: Annotated[float, Field(ge=0, le=0.9)] = Field(
        0.1, description="share of observations hidden in training, so that any views will do"
    )
    frames_per_episode: int = Field(
        12, ge=1, description="frames of an episode that a detector learns from"
    )
    num_processes: int = Field(1, ge=1, description="ranks without a GPU; on GPUs one rank a GPU")
    steps: int = Field(800, ge=1, description="optimizer steps")
    batch_size: int = Field(
        256,
        ge=1,
        description="windows in a step over all ranks (a detector: frames with all their views)",
    )
    learning_rate: float = Field(0.002, gt=0, description="peak")
    save_steps: int = Field(200, ge=1, description="steps between checkpoints")
    save_minutes: float = Field(15.0, gt=0, description="minutes between checkpoints")
    checks: int = Field(
        8,
        ge=1,
        description="how often the model is compared with validation episodes on the way",
    )

    @model_validator(mode="after")
    def _possible(self) -> "PoseTrainingSettings":
        problem = model_problem(self.model_dump())
        if problem:
            raise ValueError(problem)
        return self


class PoseSettings(PoseTrainingSettings):
    """A model of 3D keypoints in several views."""

    kind: Literal["pose"] = Field("pose", description="a model of 3D keypoints in several views")
