"""Experiments of kind vlm: a vision-language model learns to answer questions."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, Text, UniqueList
from workflow_scripts.config.vqa import QuestionFamily


class LoraSettings(Settings):
    """LoRA's size."""

    r: int = Field(16, ge=1, description="rank")
    alpha: float = Field(32.0, gt=0, description="scale")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout")
    targets: tuple[Text, ...] = Field(
        (),
        description="last words of the names of modules to adapt; empty: the linear layers of the "
        "language model",
    )


class FamilySelection(Settings):
    """Which questions an experiment is about; answering and scoring read this alone."""

    families: Annotated[UniqueList[QuestionFamily], Field(min_length=1)] | None = Field(
        None,
        description="families of questions that are trained on and scored; null: all that vqa asks",
    )


class VlmTrainingSettings(FamilySelection):
    """What a training depends on beside its base and its data."""

    adapter: Literal["lora", "none"] = Field("lora", description="LoRA adapters or all weights")
    lora: LoraSettings = Field(LoraSettings(), description="LoRA's size")
    deepspeed: Literal["zero2", "zero3", "none"] = Field("zero2", description="sharding")
    num_processes: int = Field(2, ge=1, description="ranks without a GPU; on GPUs one rank a GPU")
    steps: int = Field(200, ge=1, description="optimizer steps")
    batch_size: int = Field(16, ge=1, description="samples in a step over all ranks")
    micro_batch_size: int = Field(
        0, ge=0, description="samples at once on a rank; 0: all of its share of a step"
    )
    gradient_checkpointing: bool = Field(
        False, description="compute activations twice to save memory"
    )
    learning_rate: float = Field(0.001, gt=0, description="peak")
    save_steps: int = Field(50, ge=1, description="steps between checkpoints")
    save_minutes: float = Field(15.0, gt=0, description="minutes between checkpoints")


class VlmSettings(VlmTrainingSettings):
    """A vision-language model."""

    kind: Literal["vlm"] = Field("vlm", description="what is trained")
    base: Text = Field("tiny", description="tiny, a hub id, or a local folder")
    data: Literal["vqa"] = Field("vqa", description="which questions")
