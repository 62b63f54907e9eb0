"""The records that one stage writes and another reads; one model per file format.

A row of a Parquet table is a model too (`ObjectRow`, `ViewRow`, `VisibilityRow`): `table` turns
rows into a table with the columns and types of the model, even when there are none.
"""

import typing
from collections.abc import Iterable
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

Split = Literal["train", "val", "test"]
SPLITS: tuple[str, ...] = typing.get_args(Split)
Form = Literal["named", "marked", "boxed", "region"]


class Record(BaseModel):
    """A frozen record without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SceneRecord(Record):
    """What every line of `results/scenes/{source}/{shard}.jsonl` says, whatever the source."""

    schema_version: Literal[1] = 1
    source: str
    scene_id: str = Field(description="stable name, unique in its source; letters, digits, - _")
    split: Split
    origin: str = Field(description="where it came from: file and line, or generator and seed")
    skipped: str | None = Field(default=None, description="why the scene cannot be used")


class Scene(SceneRecord):
    """A scene of source procthor: a house, or why there is none."""

    house: dict[str, Any] | None = Field(description="ProcTHOR house JSON, schema 1.0.0")


class Episode(SceneRecord):
    """A scene of source rlbench: a demonstration to make, or to read from a data set.

    `placement` names where objects stand: episodes that share it share a split.
    """

    task: str = Field(description="RLBench's name, reach_target")
    task_id: int = Field(description="number among RLBench's 95 few-shot tasks, -1 if none")
    variation: int = Field(ge=0)
    episode: int = Field(ge=0, description="number within its task, or variation of a data set")
    seed: int = Field(ge=0, description="all that a backend draws follows from it")
    placement: str
    path: str = Field(default="", description="folder of a recorded episode in its data set")


class ObjectRow(Record):
    """One row of `{shard}.objects.parquet`: an oriented box in world metres.

    `kind` is "object" for furniture and small objects, "structure" for walls, floor, ceiling,
    doors, windows. Size is along the object's own axes (x width, y depth, z height); yaw is
    counter-clockwise about world +Z.
    """

    scene_id: str
    instance: int = Field(description="value in the instance masks, unique in its scene, from 1")
    object_id: str
    category: str
    kind: Literal["object", "structure"]
    asset_id: str
    parent_id: str = Field(description="object_id of what it stands on, or ''")
    room_id: str
    x_m: float
    y_m: float
    z_m: float
    width_m: float
    depth_m: float
    height_m: float
    yaw_deg: float
    moved_z_m: float = Field(
        default=0.0,
        description="how far above its place in the house file it is drawn, so that it stands on "
        "the drawn surface of what carries it",
    )
    contact: Literal["", "carried", "unclear"] = Field(
        default="",
        description="whether the drawn surface of its parent carries it; unclear: it hangs above "
        "or is sunk in; '' where no surface is known",
    )
    support_z_m: float = Field(
        default=0.0, description="height of the surface that carries it; 0 unless it is carried"
    )
    outline: str = Field(
        default="",
        description="corners of the convex outline of what is drawn, seen from above, "
        "counter-clockwise in world metres: 'x y x y ...'; '' where only the box is known",
    )
    outline_fill: float = Field(
        default=0.0, description="share of the outline that is drawn over, seen from above"
    )
    hull_volume_m3: float = Field(
        default=0.0, description="volume of the convex hull of what is drawn; 0 as for `outline`"
    )
    solid_volume_m3: float = Field(
        default=0.0, description="volume inside the drawn surface; 0 also where it is not closed"
    )


class ViewRow(Record):
    """One row of `{shard}.views.parquet`: what view number `view` of the shard is."""

    view: int = Field(description="index into the arrays of the shard")
    view_id: str = Field(description="'{scene_id}-{number}', unique in its source")
    scene_id: str
    source: str
    split: Split
    room_id: str
    room_type: str
    policy: str = Field(description="camera policy: corner, random, panorama, top_down, walk, ...")
    yaw_deg: float
    pitch_deg: float = Field(description="positive upwards")
    vertical_fov_deg: float
    intrinsics_source: Literal["simulator", "given", "exif", "network", "default"] = "simulator"
    pose_source: Literal["simulator", "given", "none"] = Field(
        default="simulator", description="none: the world frame is the camera's, gravity unknown"
    )
    num_visible_objects: int = Field(description="objects (not structure) with enough pixels")
    is_best: bool = Field(description="the view of its room that shows most objects")
    frame: int = Field(default=-1, description="number of the frame in its scan; -1: no scan")
    timestamp_s: float = Field(
        default=float("nan"), description="on the scan's own clock; NaN where there is none"
    )


class VisibilityRow(Record):
    """One row of `{shard}.visibility.parquet`: an instance in a view.

    The box is in pixels: x0, y0 inclusive, x1, y1 exclusive. `fraction_visible` is visible
    pixels / (visible + pixels where something nearer hides the object's oriented box).
    `truncated`: the mask touches the image border or a corner of the box falls outside it.
    """

    view: int
    scene_id: str
    instance: int
    pixels: int
    fraction_visible: float
    x0: int
    y0: int
    x1: int
    y1: int
    truncated: bool
    nearest_m: float = Field(
        default=float("nan"),
        description="from the camera to the nearest point of the drawn surface, seen or not; "
        "NaN where only the box is known",
    )


class SurfaceGapRow(Record):
    """One row of `{shard}.surface_gaps.parquet` of views: two objects that a view shows together.

    `instance_a` < `instance_b`. There are rows only where the backend knows what it draws.
    """

    scene_id: str
    instance_a: int
    instance_b: int
    gap_m: float = Field(description="least distance of the drawn surfaces, 0 where they meet")
    share_a_in_b: float = Field(description="corners of a that the convex hull of b encloses")
    share_b_in_a: float


class SkippedItem(Record):
    """Something that was left out, and why; counted in the report."""

    source: str
    scene_id: str
    item: str
    reason: str


class Caption(Record):
    """One line of `results/captions/...jsonl`."""

    schema_version: Literal[1] = 1
    source: str
    kind: Literal["room", "top_down", "asset"]
    scene_id: str = ""
    split: Split | None = None
    room_id: str = ""
    view: int | None = None
    asset_id: str = ""
    category: str = ""
    status: Literal["ok", "refused", "failed", "manual"]
    text: str
    reason: str = Field(default="", description="why there is no text, if there is none")
    backend: str
    model: str
    prompt: str = Field(description="name and hash of the prompt file, '' for backend scene")


class DepthRow(Record):
    """One row of `results/depth/{source}/{shard}.parquet`: the depth of a view that is used later.

    The last four compare an estimate with the simulator's depth where both exist; NaN without an
    estimate. `delta1` is the share of pixels with max(estimate / true, true / estimate) < 1.25.
    """

    view: int
    view_id: str
    scene_id: str
    backend: str = Field(
        description="simulator, given (with a photo), the estimator's; 'failed: ' and why"
    )
    intrinsics_source: str = Field(description="as in ViewRow, or network: guessed with the depth")
    valid_share: float = Field(description="pixels with depth, of all pixels")
    min_m: float
    median_m: float
    max_m: float
    abs_rel: float = Field(description="mean of |estimate - true| / true")
    rmse_m: float
    delta1: float
    median_scale: float = Field(description="median of estimate / true")


class BoxRow(Record):
    """One row of `{shard}.boxes.parquet` of a cloud: an instance's measured and true box.

    The measured box is the upright one with the least footprint around the instance's points, so
    width and depth are not distinguished and its yaw is in [-45, 45). `true_*` is the `ObjectRow`.
    """

    scene_id: str
    instance: int
    object_id: str
    category: str
    kind: Literal["object", "structure"]
    num_points: int
    x_m: float
    y_m: float
    z_m: float
    width_m: float
    depth_m: float
    height_m: float
    yaw_deg: float
    true_x_m: float
    true_y_m: float
    true_z_m: float
    true_width_m: float
    true_depth_m: float
    true_height_m: float
    true_yaw_deg: float


class GravityRow(Record):
    """One row of `{shard}.gravity.parquet` of a cloud: where up is in a view, and who says so.

    The axes are unit vectors in the camera frame (OpenCV: x right, y down, z forward): `up`
    against gravity, `forward` the camera's heading laid level, `right` = forward x up. A camera
    that looks straight down or up has no heading; its `forward` is then the picture's up (or
    down) direction. Measurements are in the gravity-aligned frame that follows: the shard's world
    for source "pose"; otherwise x right, y forward, z up, with the origin below the camera, on
    the floor. A rejected view keeps the camera's own axes, levelled by nobody.
    """

    view: int
    view_id: str
    scene_id: str
    source: Literal["pose", "floor", "estimator"]
    right_x: float
    right_y: float
    right_z: float
    up_x: float
    up_y: float
    up_z: float
    forward_x: float
    forward_y: float
    forward_z: float
    pitch_deg: float = Field(description="optical axis above the horizon, negative downwards")
    camera_height_m: float = Field(description="the camera's z in the gravity-aligned frame")
    sigma_up_deg: float = Field(description="standard deviation of the up direction, 0 for poses")
    accepted: bool = Field(description="False: no question about heights, sizes or the horizontal")
    reason: str = Field(description="why it was rejected, '' if accepted")


class MeasuredRow(Record):
    """One row of `{shard}.measured.parquet` of a cloud: an instance as one view measures it.

    Every instance with a mask has a row; one that could not be measured has a `reason` and NaN.
    Lengths are metres in the gravity-aligned frame of the view's `GravityRow`; every `sigma_*` is
    one standard deviation of the quantity named; what `sigma_up_deg` of the view's frame adds is in
    those of extents, not in those of the centre. The upright box has `width_m` along its x axis,
    `depth_m` along its y axis, `yaw_deg` as in `ObjectRow`. `has_front`: the x axis is the
    object's own; otherwise (a measured box) it is the side more nearly across the line of sight,
    and the box says nothing about where the object faces. `right_*`, `forward_*` are extents from
    the camera along those axes, `bottom_m` and `top_m` heights in the frame.
    """

    view: int
    scene_id: str
    instance: int
    object_id: str
    label: str
    kind: Literal["object", "structure"]
    reason: str = Field(description="why it could not be measured, '' if it was")
    pixels: int = Field(description="pixels of the mask")
    num_points: int = Field(description="points left after cleaning")
    x0: int
    y0: int
    x1: int
    y1: int
    truncated: bool = Field(description="the mask touches the picture's border")
    occluded: bool = Field(description="something nearer hides part of it")
    x_m: float
    y_m: float
    z_m: float
    width_m: float
    depth_m: float
    height_m: float
    yaw_deg: float
    has_front: bool
    sigma_x_m: float
    sigma_y_m: float
    sigma_z_m: float
    sigma_width_m: float
    sigma_depth_m: float
    sigma_height_m: float
    sigma_yaw_deg: float
    right_low_m: float
    right_high_m: float
    forward_low_m: float
    forward_high_m: float
    bottom_m: float
    top_m: float
    sigma_right_m: float
    sigma_forward_m: float
    sigma_up_m: float
    nearest_m: float = Field(description="from the camera to the nearest point, straight")
    sigma_nearest_m: float
    distance_m: float = Field(description="from the camera to the box's centre, straight")
    sigma_distance_m: float


class GapRow(Record):
    """One row of `{shard}.gaps.parquet` of a cloud: the least distance of two instances' surfaces.

    `instance_a` < `instance_b`; every pair of measured instances of a view has one row.
    """

    view: int
    scene_id: str
    instance_a: int
    instance_b: int
    gap_m: float
    sigma_gap_m: float


class DroppedQuestions(Record):
    """One line of `results/vqa/{source}/{shard}.dropped.jsonl`: what was not asked, and why."""

    source: str
    family: str = Field(description="'' if it was dropped before any family was asked")
    form: Form | Literal[""]
    reason: str
    count: int


Condition = Literal["image", "blind", "blank"]


class Prediction(Record):
    """One line of a predictions file: what a model answered."""

    schema_version: Literal[1] = 1
    experiment: str
    condition: Condition
    question_id: str
    text: str
    reason: str = Field(
        default="",
        exclude_if=lambda reason: not reason,
        description="why there is no answer; left out where there is one",
    )


def records_to_frame(rows: Iterable[BaseModel], model: type[BaseModel]) -> pd.DataFrame:
    """Make a table whose columns and types are the model's, in the model's order."""
    names = list(model.model_fields)
    values = [[getattr(row, name) for name in names] for row in rows]
    frame = pd.DataFrame(values, columns=names)
    numpy_types = {int: "int64", float: "float64", bool: "bool"}
    for name, field in model.model_fields.items():
        kind = numpy_types.get(field.annotation)  # type: ignore[arg-type]
        frame[name] = frame[name].astype(kind if kind else "str")
    return frame
