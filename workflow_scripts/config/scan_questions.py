"""Settings of what video models are asked about scans."""

from typing import Annotated

from pydantic import Field

from workflow_scripts.config.base import Settings, UniqueList, UserPath, one_of

#: Names of generators, in the order in which they are called: those of vqa/scans/question_types.
SCAN_QUESTION_TYPES = (
    *("grounding", "captions", "object_questions", "situated_questions"),
    *("object_counting", "object_abs_distance", "object_rel_distance", "object_rel_direction"),
    *("object_size_estimation", "room_size_estimation", "obj_appearance_order", "route_planning"),
)
ScanQuestionType = Annotated[str, one_of(SCAN_QUESTION_TYPES)]


class ScanQuestionSettings(Settings):
    """What is asked about scans."""

    question_types: Annotated[UniqueList[ScanQuestionType], Field(min_length=1)] | None = Field(
        None,
        description="what is asked about scans: names in docs/video.md; null: all",
    )
    samples_per_type: int = Field(
        24, ge=1, le=1000, description="maximum number of samples of one type about one scan"
    )
    min_pixels: int = Field(
        60,
        ge=1,
        description="an object is asked about if one of the selected frames shows at least this "
        "many of its pixels",
    )
    min_fraction_visible: float = Field(
        0.3, ge=0, le=1, description="and at least this fraction of it"
    )
    margin_m: float = Field(
        0.25, ge=0, description="distances closer than this have no clear order"
    )
    margin_ratio: float = Field(
        0.2, ge=0, description="distances or sizes whose ratio is nearer to 1 have no clear order"
    )
    margin_deg: float = Field(
        15.0,
        ge=0,
        le=40,
        description="directions closer than this to another answer are not clear",
    )
    margin_s: float = Field(
        1.0, ge=0, description="what comes into view within this time has no clear order"
    )
    min_surface_coverage: float = Field(
        0.35,
        ge=0,
        le=1,
        description="share of a scan's own surface that the chosen frames must show for the size "
        "of its room to be asked",
    )


class ScanSampleSettings(ScanQuestionSettings):
    """What is asked about scans, and what their proposals are."""

    predicted_boxes: tuple[UserPath, ...] | None = Field(
        None,
        description="of scans with published annotations: files of a detector's boxes (every "
        "object of a scan that is in none of them is a proposal); null: proposals are the objects "
        "that the chosen frames show",
    )
    generated: bool = Field(
        True, description="ask generated questions, too; proposals are written either way"
    )
