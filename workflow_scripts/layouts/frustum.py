"""How much of a picture a box takes up, if nothing stands before it."""

import numpy as np
import shapely

from workflow_scripts.geometry.box_edges import NEAR_M, clip_segments
from workflow_scripts.geometry.cameras import Camera, FloatArray, invert, transform

_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
# Corners in that order are joined where they differ in one sign.
_EDGES = np.array([(a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit])


def box_area_px(
    centre_m: FloatArray, size_m: FloatArray, rotation: FloatArray, camera: Camera
) -> float:
    """Return the pixels of a picture within the outline of a box.

    Args:
        centre_m: centre [3] in the world.
        size_m: size [3] along its own axes.
        rotation: world_from_object [3, 3].
        camera: camera of the picture.

    What is behind the camera, or nearer than `NEAR_M`, is cut off.
    """
    corners = centre_m + (_SIGNS * size_m / 2) @ rotation.T
    ends = transform(invert(camera.world_from_camera), corners)[_EDGES]
    shown = clip_segments(ends, np.array([-np.inf, -np.inf, NEAR_M]), np.full(3, np.inf))
    points = shown.reshape(-1, 3) @ camera.intrinsics.T
    outline = shapely.MultiPoint(points[:, :2] / points[:, 2:]).convex_hull
    picture = shapely.box(0, 0, camera.width_px, camera.height_px)
    return float(outline.intersection(picture).area)
