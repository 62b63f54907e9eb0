"""The row of `results/eval.csv` that is about keypoints."""

from typing import Literal

from pydantic import Field

from workflow_scripts.common.records import Record, Split


class KeypointScoreRow(Record):
    """One row of `results/eval.csv` about 3D keypoints: one metric of one method on one task.

    Intervals are 95 % bootstrap intervals over episodes. `gain` is by how much the value beats
    the mean of triangulations over seven frames (smoothed_dlt), positive where it is better, on
    the points that both estimate, its interval paired. A keypoint without an estimate counts as
    missed in pck, auc and found. The one row of `parameters` is how many numbers were learned. A
    row of `never_seen` names a keypoint that two cameras never see at once in some episodes: its
    value is the share of episodes, and there nobody can say better than a guess where it is.
    """

    experiment: str
    benchmark: Literal["pose"] = "pose"
    split: Split
    family: str = Field(description="task, or 'all'")
    form: Literal["keypoints"] = "keypoints"
    metric: str = Field(pattern=r"^(\w+mm|reprojection_px|found|parameters|never_seen)$")
    n: int = Field(ge=1, description="points that count: keypoints in frames")
    num_scenes: int = Field(ge=1, description="episodes")
    value: float
    ci_low: float
    ci_high: float
    gain: float
    gain_low: float
    gain_high: float
    method: str = Field(description="learned, a geometric baseline, or cameras (never_seen)")
    keypoint: str = Field(description="name of the keypoint, or 'all'")
    noise: str = Field(description="exact, 1x, 2x, 3x, detector, own, or images")
    views: str = Field(description="all, 'without <camera>', or 'first <count>'")
