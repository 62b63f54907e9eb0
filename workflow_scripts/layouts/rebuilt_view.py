"""The record of a rebuilt room that is to be drawn: its house, and the camera of its picture."""

from typing import Any, Literal

from pydantic import Field

from workflow_scripts.common.records import Record, Split


class RebuiltView(Record):
    """One line of a file of rebuilt rooms, drawn by `views/render_layouts.py`."""

    schema_version: Literal[1] = 1
    source: str
    scene_id: str = Field(description="of the true house")
    split: Split
    room_id: str
    room_type: str
    view: int = Field(description="of the true shard of views")
    view_id: str
    policy: str
    width_px: int
    height_px: int
    intrinsics: tuple[float, float, float, float] = Field(description="fx, fy, cx, cy in pixels")
    world_from_camera: tuple[float, ...] = Field(
        min_length=16, max_length=16, description="4 x 4, row by row, OpenCV camera"
    )
    house: dict[str, Any] | None = Field(description="ProcTHOR house JSON, schema 1.0.0")
    skipped: str | None = Field(default=None, description="why there is no house")
    problems: tuple[str, ...] = Field(default=(), description="what of the layout is left out")
