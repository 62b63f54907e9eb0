"""Settings of stage train that belong to no single experiment."""

from pydantic import Field

from workflow_scripts.config.base import Settings


class TinyBaseSettings(Settings):
    """Pre-training of the tiny embedded base."""

    steps: int = Field(1200, ge=1, description="optimizer steps")
    batch_size: int = Field(32, ge=1, description="questions in a step")
    named_fraction: float = Field(
        0.1, ge=0, le=1, description="fraction of questions that name objects instead of marks"
    )


class TrainSettings(Settings):
    """Experiments; the root model adds `experiments`, whose kinds are registered elsewhere."""

    tiny: TinyBaseSettings = Field(
        TinyBaseSettings(), description="pre-training of the tiny embedded base"
    )
