"""Move and turn an encoded scan: the model then sees the same scan in another world frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from workflow_scripts.common.scan_samples import ScanSample
from workflow_scripts.geometry.cameras import rotation_about_up
from workflow_scripts.models.video.scan_rows import EncodedScan
from workflow_scripts.models.video.token_coordinates import TokenCoordinates


@dataclass(frozen=True)
class Placement:
    """A turn about the vertical line through a point, which becomes the origin.

    Attributes:
        origin_m: f64 [3], world.
        yaw_deg: Counter-clockwise, seen from above.
    """

    origin_m: np.ndarray
    yaw_deg: float = 0.0

    @classmethod
    def of(cls, boxes: np.ndarray, *, center_origin: bool, yaw_deg: float = 0.0) -> "Placement":
        """Return the placement of a scan with proposals [n, 6].

        With `center_origin` the mean of their centers becomes the origin, else the world's stays.
        """
        if not center_origin or not len(boxes):
            return cls(np.zeros(3), yaw_deg)
        return cls(np.asarray(boxes[:, :3], np.float64).mean(axis=0), yaw_deg)

    @classmethod
    def of_situation(cls, sample: ScanSample) -> "Placement | None":
        """Return the placement that puts a sample's situation at the origin, looking along x."""
        if sample.position_m is None or sample.facing_deg is None:
            return None
        return cls(np.array(sample.position_m, np.float64), -sample.facing_deg)

    def points(self, points_m: np.ndarray) -> np.ndarray:
        """Return where world points [..., 3] are seen, f64."""
        moved = np.asarray(points_m, np.float64) - self.origin_m
        turned: np.ndarray = moved @ rotation_about_up(self.yaw_deg).T
        return turned

    def scan(self, scan: EncodedScan) -> EncodedScan:
        """Return a scan whose coordinates are those that are seen.

        Patches of proposals, and sides of boxes, stay those of the world frame.
        """
        boxes = scan.boxes.copy()
        boxes[:, :3] = self.points(boxes[:, :3])
        frames = scan.frames
        if frames is not None:
            frames = replace(
                frames,
                tokens=self._coordinates(frames.tokens),
                patches=self._coordinates(frames.patches),
            )
        return replace(scan, boxes=boxes, frames=frames)

    def _coordinates(self, tokens: TokenCoordinates) -> TokenCoordinates:
        return replace(tokens, xyz_m=self.points(tokens.xyz_m).astype(np.float32))


def by_placement(
    samples: Sequence[ScanSample], usual: Placement, situation: Literal["text", "pose"]
) -> list[tuple[Placement, list[int]]]:
    """Return where a scan is seen for samples about it, and the numbers of those samples.

    With `pose` a sample with a situation is seen from there, and shares its scan only with others
    of the same situation; all the rest share the usual placement.
    """
    found: dict[tuple[float, ...], tuple[Placement, list[int]]] = {}
    for number, sample in enumerate(samples):
        own = Placement.of_situation(sample) if situation == "pose" else None
        placement = own or usual
        key = (*placement.origin_m, placement.yaw_deg)
        found.setdefault(key, (placement, []))[1].append(number)
    return list(found.values())
