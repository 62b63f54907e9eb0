"""Masks of single frames, lifted with depth and merged over frames into objects with boxes.

A mask has a label and no identity: the same number in two frames may be two objects. Two masks are
of one object if their points fall into the same voxels, or if the box of one lies in that of the
other, and their labels are the same. Order of frames decides ties, so that the result is the same
every time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import binary_erosion, find_objects

from workflow_scripts.geometry.cameras import FloatArray, back_project

_OFFSET, _BITS = 1 << 20, 21


@dataclass(frozen=True)
class LiftingSettings:
    """How masks are lifted and merged.

    `voxel_m` is the side of the voxels in which two masks are compared, `min_overlap` the share of
    the smaller one's voxels that the other must have, `min_inside` that of its box that must lie in
    the other's box. Objects in fewer than `min_frames` frames, and masks of fewer than `min_pixels`
    pixels with depth, are left out.
    """

    voxel_m: float = 0.06
    min_overlap: float = 0.25
    min_inside: float = 0.6
    min_frames: int = 1
    min_pixels: int = 25
    border_px: int = 1


@dataclass(frozen=True)
class FrameMasks:
    """The masks of a frame: ids u16 [h, w] (0 = none) with their labels, at the size of depth."""

    ids: np.ndarray
    labels: Mapping[int, str]


@dataclass(frozen=True)
class LiftedObject:
    """An object that was seen in frames: upright box, label, and which masks are its own.

    `masks` are (index of the frame, id in it); `points_m` [n, 3] are the centres of its points in
    each voxel.
    """

    label: str
    centre_m: FloatArray
    size_m: FloatArray
    yaw_deg: float
    masks: tuple[tuple[int, int], ...]
    points_m: FloatArray


@dataclass
class _Segment:
    """Masks that are thought to be one object."""

    voxels: dict[int, tuple[int, FloatArray]]
    labels: Counter[str]
    masks: list[tuple[int, int]] = field(default_factory=list)
    _box: tuple[FloatArray, FloatArray] | None = None

    def box(self) -> tuple[FloatArray, FloatArray]:
        """Return the low and high corners of nearly all points."""
        if self._box is None:
            points = np.array([total / count for count, total in self.voxels.values()])
            low, high = np.quantile(points, [0.02, 0.98], axis=0)
            self._box = low, high
        return self._box

    @property
    def label(self) -> str:
        return max(sorted(self.labels), key=lambda label: self.labels[label])

    def absorb(self, other: "_Segment") -> None:
        """Take over the voxels, labels and masks of another segment."""
        self._box = None
        for key, (count, total) in other.voxels.items():
            known = self.voxels.get(key)
            self.voxels[key] = (
                (count, total) if known is None else (known[0] + count, known[1] + total)
            )
        self.labels.update(other.labels)
        self.masks += other.masks


class MaskLifter:
    """Takes frames one at a time, so that no more than one is in memory; then gives the objects."""

    def __init__(self, settings: LiftingSettings | None = None) -> None:
        self.settings = settings or LiftingSettings()
        self.left_out: list[tuple[int, int, str]] = []
        self._segments: list[_Segment] = []
        self._of_voxel: dict[int, set[int]] = {}

    def add(
        self,
        frame: int,
        masks: FrameMasks,
        depth_m: np.ndarray,
        intrinsics_33: FloatArray,
        world_from_camera_44: FloatArray,
    ) -> None:
        """Add the masks of frame number `frame` with planar depth [h, w]; NaN is no depth."""
        if masks.ids.shape != depth_m.shape:
            raise ValueError(f"masks {masks.ids.shape} are not of the size of depth")
        points = back_project(depth_m, intrinsics_33, world_from_camera_44)
        is_valid = np.isfinite(depth_m)
        for number, window in enumerate(find_objects(masks.ids.astype(np.int32)), start=1):
            if window is None:
                continue
            mask, has_depth = masks.ids[window] == number, is_valid[window]
            inner = mask & has_depth
            if self.settings.border_px:
                inner &= binary_erosion(mask, iterations=self.settings.border_px)
            # A thin object has no inside: its border is better than nothing.
            inner = inner if inner.sum() >= self.settings.min_pixels else mask & has_depth
            if inner.sum() < self.settings.min_pixels:
                self.left_out.append(
                    (frame, number, f"{int(inner.sum())} pixels with depth are too few")
                )
                continue
            label = masks.labels.get(number, "")
            voxels = self._voxels(points[window][inner])
            segment = _Segment(voxels, Counter({label: int(inner.sum())}), [(frame, number)])
            self._place(segment)

    def objects(self) -> list[LiftedObject]:
        """Return the objects that were seen in enough frames, in the order of their first mask."""
        segments = self._merge_all([segment for segment in self._segments if segment.masks])
        lifted = []
        for segment in segments:
            frames = {frame for frame, _ in segment.masks}
            if len(frames) < self.settings.min_frames:
                reason = f"seen in {len(frames)} frames only"
                self.left_out += [(frame, number, reason) for frame, number in segment.masks]
                continue
            lifted.append(self._lifted(segment))
        return sorted(lifted, key=lambda lifted_object: lifted_object.masks[0])

    def _voxels(self, points: FloatArray) -> dict[int, tuple[int, FloatArray]]:
        """Return {voxel: (number of points, their sum)}."""
        keys = _pack(np.floor(points / self.settings.voxel_m).astype(np.int64))
        unique, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        sums = np.stack(
            [np.bincount(inverse, weights=points[:, axis]) for axis in range(3)], axis=-1
        )
        return {
            int(key): (int(count), total)
            for key, count, total in zip(unique, counts, sums, strict=True)
        }

    def _place(self, segment: _Segment) -> None:
        """Merge a mask into the segment of its label that shares most voxels, or keep it apart."""
        shared: Counter[int] = Counter()
        for key in segment.voxels:
            shared.update(self._of_voxel.get(key, ()))
        best, best_share = -1, self.settings.min_overlap
        for index in sorted(shared):
            other = self._segments[index]
            smaller = min(len(segment.voxels), len(other.voxels))
            share = shared[index] / smaller
            # One frame shows an object once, or in parts that touch no common voxel.
            if _may_be_one(segment, other) and share >= best_share:
                best, best_share = index, share
        if best < 0:
            best = len(self._segments)
            self._segments.append(segment)
        else:
            self._segments[best].absorb(segment)
        for key in segment.voxels:
            self._of_voxel.setdefault(key, set()).add(best)

    def _merge_all(self, segments: list[_Segment]) -> list[_Segment]:
        """Merge segments until no two are of one object: what two sides saw may meet late."""
        num_before = -1
        while len(segments) != num_before:
            num_before = len(segments)
            first = 0
            while first < len(segments):
                second = first + 1
                while second < len(segments):
                    if self._is_one(segments[first], segments[second]):
                        segments[first].absorb(segments.pop(second))
                    else:
                        second += 1
                first += 1
        return segments

    def _is_one(self, first: _Segment, second: _Segment) -> bool:
        if not _may_be_one(first, second):
            return False
        smaller, larger = sorted((first, second), key=lambda segment: len(segment.voxels))
        shared = sum(key in larger.voxels for key in smaller.voxels)
        if shared >= self.settings.min_overlap * len(smaller.voxels):
            return True
        (low_a, high_a), (low_b, high_b) = first.box(), second.box()
        # A surface that is seen face on has a flat box: give it the side of a voxel.
        grow = self.settings.voxel_m / 2
        low_a, high_a, low_b, high_b = low_a - grow, high_a + grow, low_b - grow, high_b + grow
        common = np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None).prod()
        least = min((high_a - low_a).prod(), (high_b - low_b).prod())
        return bool(common >= self.settings.min_inside * least)

    def _lifted(self, segment: _Segment) -> LiftedObject:
        counts = np.array([count for count, _ in segment.voxels.values()])
        points = np.array([total / count for count, total in segment.voxels.values()])
        # Stray pixels at silhouettes are few in their voxels.
        keep = counts >= max(1.0, 0.05 * float(np.median(counts)))
        points = points[keep]
        centre, size, yaw_deg = upright_box_of(points)
        return LiftedObject(
            segment.label, centre, size, yaw_deg, tuple(sorted(segment.masks)), points
        )


def lift_masks(
    frames: Iterable[tuple[FrameMasks, np.ndarray, FloatArray, FloatArray]],
    settings: LiftingSettings | None = None,
) -> list[LiftedObject]:
    """Return the objects of frames (masks, depth, K, world_from_camera)."""
    lifter = MaskLifter(settings)
    for index, (masks, depth_m, intrinsics_33, pose) in enumerate(frames):
        lifter.add(index, masks, depth_m, intrinsics_33, pose)
    return lifter.objects()


def upright_box_of(
    points_m: FloatArray, *, trim: float = 0.01
) -> tuple[FloatArray, FloatArray, float]:
    """Return centre [3], size [3] and yaw of the upright box of least footprint around points.

    Of 1 % of the points at either end of an axis nothing is known. Yaw is in [-45, 45); a turned
    box is taken only where it is clearly smaller, for noise turns boxes at random.
    """
    angles = np.deg2rad(np.arange(-45.0, 45.0, 3.0))
    areas = []
    for angle in (0.0, *angles):
        low, high = np.quantile(_turned(points_m, angle), [trim, 1 - trim], axis=0)
        areas.append(float(np.prod(high - low + 1e-3)))
    least = int(np.argmin(areas))
    best = float(angles[least - 1]) if least and areas[least] < 0.93 * areas[0] else 0.0
    flat = _turned(points_m, best)
    low, high = np.quantile(np.c_[flat, points_m[:, 2]], [trim, 1 - trim], axis=0)
    middle = (low + high) / 2
    cos, sin = np.cos(best), np.sin(best)
    centre = np.array(
        [cos * middle[0] - sin * middle[1], sin * middle[0] + cos * middle[1], middle[2]]
    )
    return centre, high - low, float(np.rad2deg(best))


def _turned(points_m: FloatArray, angle: float) -> FloatArray:
    """Return x, y [n, 2] along axes that are turned by an angle."""
    cos, sin = np.cos(angle), np.sin(angle)
    result: FloatArray = points_m[:, :2] @ np.array([[cos, -sin], [sin, cos]])
    return result


def _may_be_one(first: _Segment, second: _Segment) -> bool:
    """Say whether labels allow two segments to be one; a mask without a label goes with any."""
    a, b = first.label, second.label
    return a == b or not a or not b


def _pack(voxels: np.ndarray) -> np.ndarray:
    """Return one i64 for each voxel [n, 3] within a million voxels of the origin."""
    shifted = np.clip(voxels + _OFFSET, 0, 2 * _OFFSET - 1)
    result: np.ndarray = (shifted[:, 0] << (2 * _BITS)) | (shifted[:, 1] << _BITS) | shifted[:, 2]
    return result
