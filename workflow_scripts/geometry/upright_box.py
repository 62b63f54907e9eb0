"""One upright box, as objects that stages know by name have it."""

from functools import cached_property

from shapely import Polygon

from workflow_scripts.geometry.cameras import FloatArray
from workflow_scripts.geometry.upright_boxes import box_corners

# The corners of a footprint, counter-clockwise, among those of a box.
_AROUND = [0, 2, 6, 4]


class UprightBox:
    """What follows from the center [3], size [3] and yaw of one box: a base of dataclasses."""

    centre_m: FloatArray
    size_m: FloatArray
    yaw_deg: float

    @property
    def bottom_m(self) -> float:
        """Height of its underside."""
        return float(self.centre_m[2] - self.size_m[2] / 2)

    @property
    def top_m(self) -> float:
        """Height of its top."""
        return float(self.centre_m[2] + self.size_m[2] / 2)

    @cached_property
    def corners_m(self) -> FloatArray:
        """Its corners [8, 3], as `box_corners` orders them."""
        return box_corners(self.centre_m, self.size_m, self.yaw_deg)

    @property
    def footprint_corners_m(self) -> FloatArray:
        """The corners [4, 2] of the rectangle that it covers seen from above, going round."""
        corners: FloatArray = self.corners_m[_AROUND, :2]
        return corners

    @cached_property
    def footprint(self) -> Polygon:
        """The rectangle that it covers seen from above."""
        return Polygon(self.footprint_corners_m)
