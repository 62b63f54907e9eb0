"""What a video model is shown of a scan: frames with depth and cameras, and proposals.

Training and evaluation read scans through `ScanReader` alone, so a model is shown the same in
both. All that belongs to a scan is found by its source and id; a sample of a scan that is not
there, or without frames or proposals, is refused with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard, sibling_path
from workflow_scripts.config.scan_inputs import VideoFramesSettings
from workflow_scripts.geometry.aligned_boxes import box_iou

ScanKey = tuple[str, str]
"""Source and id of a scan."""
_CENTER = ["x_m", "y_m", "z_m"]
_SIZE = ["width_m", "depth_m", "height_m"]


@dataclass(frozen=True)
class ScanInputs:
    """A scan as it is shown.

    Attributes:
        source: Its source.
        scene_id: Its id.
        rgb: u8 [frames, height, width, 3], sRGB, in the order of time.
        depth_m: f32 [frames, height, width], planar z, NaN where nothing was measured.
        intrinsics: f64 [frames, 3, 3] in pixels.
        world_from_camera: f64 [frames, 4, 4].
        instances: i64 [proposals], the object of each box, 0 of a detector's boxes.
        boxes: f64 [proposals, 6], axis-aligned: center and size in metres, world frame.
    """

    source: str
    scene_id: str
    rgb: np.ndarray
    depth_m: np.ndarray
    intrinsics: np.ndarray
    world_from_camera: np.ndarray
    instances: np.ndarray
    boxes: np.ndarray

    @property
    def num_frames(self) -> int:
        return len(self.rgb)

    def with_jitter(
        self, rng: np.random.Generator, *, jitter_m: float, drop: float
    ) -> "ScanInputs":
        """Return the scan with boxes that are moved and resized at random, some left out.

        Sides keep at least half of their length. One proposal at least is left.
        """
        kept = rng.random(len(self.boxes)) >= drop
        if not kept.any() and len(kept):
            kept[rng.integers(len(kept))] = True
        boxes = self.boxes[kept]
        boxes = boxes + jitter_m * rng.standard_normal(boxes.shape)
        boxes[:, 3:] = np.maximum(boxes[:, 3:], self.boxes[kept, 3:] / 2)
        return replace(self, boxes=boxes, instances=self.instances[kept])

    def targets(self, instances: Sequence[int], boxes: Sequence[Sequence[float]]) -> np.ndarray:
        """Return which proposals are meant: bool [proposals].

        Those of the instances; a detector's box that is no instance's is meant where it overlaps
        the box of a target by half of their union.
        """
        meant = np.isin(self.instances, list(instances)) & (self.instances > 0)
        without = self.instances == 0
        if boxes and without.any():
            true_boxes = np.asarray(boxes, np.float64)
            overlap = box_iou(self.boxes, true_boxes, added_volume_m3=0.0).max(axis=1)
            meant |= without & (overlap >= 0.5)
        return meant


@dataclass(frozen=True)
class _ScanPlace:
    """Where the views of a scan lie."""

    shard: int
    views: np.ndarray


class ScanReader:
    """Reads scans from view shards, their chosen frames and their proposals."""

    def __init__(
        self,
        views: Sequence[Path],
        proposals: Sequence[Path],
        frames: VideoFramesSettings,
    ) -> None:
        """Find the scans of shards; `proposals` are tables of `ProposalRow`."""
        self._frames = frames
        self._shards = [ViewShard.open(path) for path in views]
        self._places: dict[ScanKey, _ScanPlace] = {}
        for number, shard in enumerate(self._shards):
            groups = shard.views.groupby(["source", "scene_id"], sort=False)["view"]
            for key, rows in groups:
                self._places[key] = _ScanPlace(number, rows.to_numpy())
        self._proposal_files = proposals

    @cached_property
    def _proposals(self) -> dict[str, pd.DataFrame]:
        tables = [read_table(path) for path in self._proposal_files]
        rows = pd.concat(tables, ignore_index=True).sort_values(["scene_id", "proposal"])
        return {str(scene_id): part for scene_id, part in rows.groupby("scene_id", sort=False)}

    def obstacle(self, source: str, scene_id: str) -> str | None:
        """Return why nothing can be shown of a scan, None if it can be."""
        if (source, scene_id) not in self._places:
            return f"scan {scene_id!r} is in no view shard of source {source!r}"
        if scene_id not in self._proposals:
            return f"scan {scene_id!r} has no proposals"
        return None

    def read(self, source: str, scene_id: str) -> ScanInputs:
        """Read a scan.

        Raises:
            UserError: It is not there, or has no proposals or no frames that can be used.
        """
        if reason := self.obstacle(source, scene_id):
            raise UserError(f"{reason}; run the rules of stages views and vqa again")
        place = self._places[(source, scene_id)]
        shard = self._shards[place.shard]
        chosen = self._chosen_views(shard, scene_id, place.views)
        cameras = [shard.camera(view) for view in chosen]
        usable = [bool(np.isfinite(camera.world_from_camera).all()) for camera in cameras]
        chosen = [view for view, is_usable in zip(chosen, usable, strict=True) if is_usable]
        cameras = [camera for camera, is_usable in zip(cameras, usable, strict=True) if is_usable]
        if not chosen:
            raise UserError(f"scan {scene_id!r} has no chosen frame with a finite pose")
        rows = self._proposals[scene_id]
        return ScanInputs(
            source=source,
            scene_id=scene_id,
            rgb=np.stack([shard.rgb(view) for view in chosen]),
            depth_m=np.stack([shard.depth_m(view) for view in chosen]),
            intrinsics=np.stack([camera.intrinsics for camera in cameras]),
            world_from_camera=np.stack([camera.world_from_camera for camera in cameras]),
            instances=rows["instance"].to_numpy(np.int64),
            boxes=rows[[*_CENTER, *_SIZE]].to_numpy(np.float64),
        )

    def _chosen_views(self, shard: ViewShard, scene_id: str, views: np.ndarray) -> list[int]:
        """Return the views of a scan that are shown, in the order of time."""
        frames = self._frames
        if frames.strategy == "uniform":
            return uniform_views(views, frames)
        table = read_table(sibling_path(shard.path, "frames.parquet"))
        own = table[(table.scene_id == scene_id) & (table["rank"] < frames.max_frames)]
        return [int(view) for view in own.sort_values("timestamp_s")["view"]]


def uniform_views(views: np.ndarray, frames: VideoFramesSettings) -> list[int]:
    """Return views at equal steps, the first and the last among them."""
    count = min(len(views), frames.max_frames)
    places = np.linspace(0, len(views) - 1, count).round().astype(int)
    return [int(views[place]) for place in places]
