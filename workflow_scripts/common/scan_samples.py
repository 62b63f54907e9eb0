"""The samples that video models learn and are scored on, and the proposals that they choose from.

A sample is a text about one scan. `task` says how it is answered: by choosing proposals
(`grounding`), by describing the object at a point (`captioning`), or in words (`question`).
Coordinates are metres in the world frame of the scan (right-handed, Z up).
"""

from typing import Literal

from pydantic import Field

from workflow_scripts.common.records import Record, Split

ScanTask = Literal["grounding", "captioning", "question"]
# What a model is shown: the frames, nothing (blind), or a scan that is turned about the vertical.
ScanCondition = Literal["image", "blind", "rotated90", "rotated180", "rotated270"]
ScanDataset = Literal["generated", "scanrefer", "multi3drefer", "scan2cap", "scanqa", "sqa3d"]
SQA3D_TYPES = ("what", "is", "how", "can", "which")


def sqa3d_type(question: str) -> str:
    """Return the type of a question of SQA3D: its first word, or "others"."""
    text = question.lower()
    return next((name for name in SQA3D_TYPES if text.startswith(name)), "others")


class ScanSample(Record):
    """One line of `results/vqa/{source}/{shard}.scan_samples.jsonl`."""

    schema_version: Literal[1] = 1
    sample_id: str = Field(description="unique among all samples")
    source: str
    scene_id: str = Field(description="the scan")
    split: Split
    dataset: ScanDataset = "generated"
    task: ScanTask
    question_type: str = Field(
        description="unique, multiple, nearest, zt_w_d, object_count, route, what, ..."
    )
    text: str = Field(
        description="the description or the question, without a task's instruction; '' for captions"
    )
    situation: str = Field(default="", description="where one stands and looks, in words")
    position_m: tuple[float, float, float] | None = Field(
        default=None, description="where one stands in a situation"
    )
    facing_deg: float | None = Field(
        default=None, description="where one looks, counter-clockwise from world +X"
    )
    point_m: tuple[float, float, float] | None = Field(
        default=None, description="centre of the object to describe"
    )
    targets: list[int] = Field(
        default=[], description="instances that are meant or described; none may be meant"
    )
    target_boxes: list[tuple[float, float, float, float, float, float]] = Field(
        default=[], description="their axis-aligned boxes: centre x, y, z, size x, y, z"
    )
    answer: str = Field(default="", description="the text that is taught; '' for grounding")
    answers: list[str] = Field(default=[], description="all reference texts")
    answer_type: Literal[
        "", "text", "choice", "count", "metres", "square_metres", "centimetres"
    ] = ""
    truth: str | float = Field(
        default="", description="a letter, a number in its unit, or the text"
    )
    options: list[str] = Field(default=[], description="texts of the letters of multiple choice")
    referents: list[int] = Field(default=[], description="instances that the text speaks of")
    margin: float = Field(
        default=0.0, description="how far the truth is from turning over, in `margin_unit`"
    )
    margin_unit: Literal["", "m", "deg", "ratio", "count", "s"] = ""
    evidence: dict[str, float] = Field(
        default={},
        description="measured quantities behind it; names of those of one object end in _instance",
    )
    reasoning: str = Field(default="", description="steps from the evidence to the answer")


def measured_instances(sample: ScanSample) -> list[int]:
    """Return the instances that a question is about, without those of its situation.

    They are the referents that `evidence` measures; all referents where it measures none.
    """
    ends = {key.rsplit("_", 1)[-1] for key in sample.evidence}
    measured = [number for number in sample.referents if str(number) in ends]
    return measured or sample.referents


class ProposalRow(Record):
    """One row of `{shard}.proposals.parquet`: a box that a description may mean.

    Boxes are axis-aligned. Proposals of a scan are numbered without gaps; instances may have gaps.
    """

    scene_id: str
    proposal: int = Field(description="number in its scan, from 0")
    instance: int = Field(description="object that it is the box of, 0 for a detector's boxes")
    category: str = Field(description="of the object; '' where nobody named it")
    score: float = Field(default=1.0, description="of a detector")
    x_m: float
    y_m: float
    z_m: float
    width_m: float = Field(description="along world x")
    depth_m: float = Field(description="along world y")
    height_m: float


class ScanPrediction(Record):
    """One line of `results/evaluate/{experiment}/predictions.{condition}.{part}.jsonl`."""

    schema_version: Literal[1] = 1
    experiment: str
    condition: ScanCondition
    sample_id: str
    text: str = Field(default="", description="the answer or caption; '' for grounding")
    scores: list[float] = Field(
        default=[],
        description="cosines, -1 to 1, of the scan's proposals in their order, and of no object "
        "last; a relation head adds to those of proposals; empty where words are the answer",
    )
    num_frames: int = Field(default=0, ge=0, description="frames that were shown")
    num_visual_tokens: int = Field(
        default=0, ge=0, description="tokens of pictures and of objects that were shown"
    )
    reason: str = Field(
        default="",
        exclude_if=lambda reason: not reason,
        description="why there is no answer; left out where there is one",
    )
