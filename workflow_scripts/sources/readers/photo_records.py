"""The records of source `images`: what its steps write and read between scenes and views."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import Field

from workflow_scripts.common.records import Record, SceneRecord, Split

PhotoStep = Literal["scenes", "read", "filter", "localise"]


class PhotoHash(Record):
    """One row of `results/scenes/{source}/{shard}.hashes.parquet`: a photo and its hashes."""

    index: int
    origin: str = Field(description="path below the folder, or 'name:split[row]' of a data set")
    stem: str = Field(description="what its companions are called")
    sha256: str = Field(description="of the file's bytes")
    fingerprint: str = Field(description="128 bits of its look, hexadecimal; '' if not decoded")
    width_px: int = Field(description="upright, as EXIF says")
    height_px: int
    focal_px: float = Field(description="from EXIF, in pixels of the photo; NaN if it is not known")
    reason: str = Field(description="'' or why it cannot be used")


class PhotoGroup(Record):
    """One row of `results/scenes/{source}/groups.parquet`: where a photo belongs."""

    index: int
    sha256: str
    group: str = Field(description="near-duplicates have one group, and so one split")
    split: Split
    reason: str = Field(description="'' or why it is not used")


class Photo(SceneRecord):
    """A scene of source images: one photo, or why it cannot be used."""

    index: int
    stem: str
    sha256: str
    fingerprint: str
    group: str
    width_px: int
    height_px: int
    focal_px: float | None


class PhotoReadRow(Record):
    """One row of `results/views/{source}/{shard}.read.parquet`: a photo in the shard's frame.

    `content_*` is where the photo lies between the bars, in pixels, ends exclusive.
    """

    view: int = Field(description="index into the arrays of {shard}.read.zarr")
    scene_id: str
    split: Split
    index: int
    origin: str
    stem: str
    width_px: int
    height_px: int
    content_x0: int
    content_y0: int
    content_x1: int
    content_y1: int
    intrinsics_source: Literal["given", "exif", "default"]
    pose_source: Literal["given", "none"]
    has_depth: bool


class PhotoFilterRow(Record):
    """One row of `results/views/{source}/{shard}.filter.parquet`: what a photo shows, by its label.

    Without labels nothing is computed: label '', probability NaN, reason ''.
    """

    view: int
    scene_id: str
    label: str = Field(description="the likeliest of the include and exclude lists")
    probability: float
    reason: str = Field(description="'' or why the photo is dropped")


class PhotoMaskRow(Record):
    """One row of `results/views/{source}/{shard}.masks.parquet`: an object proposed in a photo.

    The box and the mask (COCO run lengths, compressed, column by column) are in pixels of the
    shard's frame; the box's ends are exclusive. `instance` is 0 for one that is left out.
    """

    view: int
    scene_id: str
    instance: int
    label: str
    confidence: float = Field(description="of the proposal, 0 to 1")
    mask_score: float = Field(description="of the mask, 0 to 1; NaN if no network made it")
    x0: float
    y0: float
    x1: float
    y1: float
    pixels: int
    rle_height: int
    rle_width: int
    rle_counts: str
    reason: str = Field(description="'' or why it is left out")


class PhotoDropCount(Record):
    """One line of `results/views/{source}/{shard}.dropped.jsonl`: what a step lost, and why.

    A line with reason '' counts what the step kept.
    """

    source: str
    step: PhotoStep
    unit: Literal["photo", "object"]
    reason: str
    count: int


@dataclass(frozen=True)
class PhotoStepCounts:
    """What a step kept and dropped over all shards; `lost` is (reason, count), commonest first."""

    step: str
    unit: str
    kept: int
    lost: tuple[tuple[str, int], ...]


def count_photo_steps(rows: Iterable[PhotoDropCount]) -> list[PhotoStepCounts]:
    """Return what each step kept and dropped, in the order of the steps."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        counts.setdefault((row.step, row.unit), Counter())[row.reason] += row.count
    order = get_args(PhotoStep)
    return [
        PhotoStepCounts(
            step=step,
            unit=unit,
            kept=reasons.pop("", 0),
            lost=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        )
        for (step, unit), reasons in sorted(
            counts.items(), key=lambda item: order.index(item[0][0])
        )
    ]
