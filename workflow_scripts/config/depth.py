"""Settings of stage depth."""

from typing import Literal

from pydantic import Field

from workflow_scripts.config.base import Settings, UniqueList, UserPath


class EstimatorSettings(Settings):
    """The estimator of depth."""

    backend: Literal["simulator", "transformers"] = Field(
        "simulator",
        description="the views' own depth (the simulator's, or maps given with photos), or a "
        "metric estimator through transformers",
    )
    model: UserPath = Field(
        "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
        description="hub id or local folder of the estimator",
    )
    batch_size: int = Field(8, ge=1, description="images at a time")


class DepthSettings(EstimatorSettings):
    """Where the depth of later stages comes from."""

    sources: UniqueList[str] | None = Field(
        None,
        description="sources whose depth is estimated, the others keep their own; null: every "
        "one. Photos that came with a depth map keep it",
    )
