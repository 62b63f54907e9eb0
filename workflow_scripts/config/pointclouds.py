"""Settings of stage pointclouds."""

from typing import Literal

from pydantic import Field

from workflow_scripts.config.base import Settings


class FusionSettings(Settings):
    """How views are fused into clouds."""

    voxel_m: float = Field(
        0.04, gt=0, le=1, description="edge of the voxels that points are averaged in"
    )
    normals: bool = Field(True, description="estimate normals")


class MeasurementSettings(Settings):
    """How objects are measured in views."""

    min_confidence: float = Field(
        0.0,
        ge=0,
        description="pixels with a lower confidence of the depth estimator are not measured",
    )


class PointcloudsSettings(FusionSettings, MeasurementSettings):
    """Fused clouds and what is measured in them."""

    export_ply: bool = Field(False, description="write a PLY file for each scene")
    depth_kind: Literal["auto", "exact", "sensor", "estimate"] = Field(
        "auto",
        description="how far depth and masks may be wrong, which every uncertainty follows from; "
        "auto is exact for a simulator's depth, estimate for an estimator's; sensor is an RGB-D "
        "camera's",
    )
