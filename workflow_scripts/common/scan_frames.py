"""The frames of a scan that later stages show: one row a frame that was chosen."""

from pydantic import Field

from workflow_scripts.common.records import Record


class ChosenFrame(Record):
    """One row of `{shard}.frames.parquet` of views: a frame of a scan that was chosen.

    Rows of a scan are in the order of time; `rank` is the order in which they were chosen, and
    what is said about coverage holds for the frames up to that rank.
    """

    scene_id: str
    view: int = Field(description="index into the arrays of the shard")
    view_id: str
    frame: int
    timestamp_s: float
    strategy: str
    rank: int = Field(description="from 0")
    gain: int = Field(description="voxels that it shows and none of an earlier rank")
    coverage: float = Field(
        description="share of the voxels that all frames of the scan show (on its own surface, "
        "where that is known)"
    )
    surface_coverage: float = Field(
        description="share of the scan's own surface; NaN where that is not known"
    )
