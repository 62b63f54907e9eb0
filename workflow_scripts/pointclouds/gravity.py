"""Which way is up in a view: from its pose, or from a floor that passes every test.

A plane is only taken for the floor if it is near level under the assumption that the camera was
held upright, nearly all points lie above it, it is low in the picture, and the camera is above
it. A wall, a ceiling or a picture of a sheet of paper fails one of these. From straight above, a
wall passes them all; there a larger plane faces the camera, the floor, and the room is flatter
along it than along the wall.
"""

import numpy as np

from workflow_scripts.common.cloud_shard import Floor
from workflow_scripts.common.records import GravityRow
from workflow_scripts.geometry.cameras import Camera, FloatArray, back_project
from workflow_scripts.geometry.floor import find_floor
from workflow_scripts.geometry.gravity import GravityAxes, axes_from_pose, axes_from_up, gravity_row
from workflow_scripts.pointclouds.depth_error import DepthErrorModel

CAMERA_UP = np.array([0.0, -1.0, 0.0])
"""Up in the frame of a camera that is held level."""
TOWARDS_CAMERA = (0.0, 0.0, -1.0)
MAX_POINTS = 12_000
MIN_ROW_SHARE = 0.5
MIN_HEIGHT_M = 0.1
MIN_SHARE = 0.05
FACING_DEG, FACING_RATIO = 20.0, 1.2
"""A plane within so many degrees of facing the camera, with so many times the points of the one
that resembles a floor, is a wall or the floor itself. Set on views of generated and ProcTHOR
houses: it rejects 91 of 92 from straight above, and of level ones at any heading one in seven."""
NUM_INDEPENDENT_POINTS = 30
"""Noise is shared by neighbouring pixels: a floor counts for so many independent points."""


def gravity_of_view(
    depth_m: np.ndarray,
    camera: Camera,
    *,
    view: int,
    view_id: str,
    scene_id: str,
    pose_is_known: bool,
    error: DepthErrorModel,
    rng: np.random.Generator,
) -> GravityRow:
    """Return the gravity frame of a view [h, w]; rejected with a reason if none can be trusted.

    A known pose is in a world with z up. Otherwise the floor decides; `rng` seeds its search.
    """
    names = {"view": view, "view_id": view_id, "scene_id": scene_id}
    if pose_is_known:
        return gravity_row(
            axes_from_pose(camera.world_from_camera),
            source="pose",
            camera_height_m=float(camera.position_m[2]),
            **names,  # type: ignore[arg-type]
        )
    axes, height_m, sigma_up_deg, reason = _axes_from_floor(depth_m, camera, error, rng)
    return gravity_row(
        axes,
        source="floor",
        camera_height_m=height_m,
        sigma_up_deg=sigma_up_deg,
        reason=reason,
        **names,  # type: ignore[arg-type]
    )


def rejected_gravity(*, view: int, view_id: str, scene_id: str, reason: str) -> GravityRow:
    """Return the row of a view that nothing is known of: the camera's own axes, and the reason."""
    return gravity_row(
        axes_from_up(CAMERA_UP),
        view=view,
        view_id=view_id,
        scene_id=scene_id,
        source="floor",
        camera_height_m=np.nan,
        sigma_up_deg=np.nan,
        reason=reason,
    )


def _axes_from_floor(
    depth_m: np.ndarray, camera: Camera, error: DepthErrorModel, rng: np.random.Generator
) -> tuple[GravityAxes, float, float, str]:
    """Return the axes, the camera's height, the sigma of up in degrees, and why not."""
    level = axes_from_up(CAMERA_UP)
    points, rows = _sample(depth_m, camera)
    if len(points) < 100:
        return level, np.nan, np.nan, "too few pixels with depth to find a floor"
    middle_m = float(np.median(points[:, 2]))
    tolerance_m = max(0.02, 0.005 * middle_m, 3 * float(error.sigma_m(np.float64(middle_m))))
    floor = find_floor(points, rng=rng, up=tuple(CAMERA_UP), tolerance_m=tolerance_m)
    if floor is None or floor.inlier_share < MIN_SHARE:
        return level, np.nan, np.nan, "no level plane with everything above it"
    normal = np.array(floor.normal)
    height_m = -floor.offset_m
    inliers = np.abs(points @ normal - floor.offset_m) <= tolerance_m
    if height_m < MIN_HEIGHT_M:
        return level, np.nan, np.nan, "the lowest level plane is not below the camera"
    if rows[inliers].mean() < MIN_ROW_SHARE * camera.height_px:
        return level, np.nan, np.nan, "the lowest level plane is high in the picture"
    if _may_look_down(points, floor, rng=rng, tolerance_m=tolerance_m):
        return level, np.nan, np.nan, "the plane that faces the camera may be the floor"
    axes = axes_from_up(normal)
    if axes.is_steep:
        return axes, height_m, np.nan, "the camera looks straight down or up"
    return axes, height_m, _sigma_up_deg(points[inliers], normal, floor.rms_m), ""


def _may_look_down(
    points: FloatArray, floor: Floor, *, rng: np.random.Generator, tolerance_m: float
) -> bool:
    """Return whether the camera may look straight down, and what resembles a floor may be a wall.

    Rooms are wider than they are high: what is neither on the plane that faces the camera nor on
    the supposed floor lies nearer to the true floor than to a wall, by the median.
    """
    facing = find_floor(points, rng=rng, up=TOWARDS_CAMERA, tolerance_m=tolerance_m)
    if facing is None or facing.inlier_share < FACING_RATIO * floor.inlier_share:
        return False
    if np.dot(facing.normal, TOWARDS_CAMERA) < np.cos(np.deg2rad(FACING_DEG)):
        return False
    in_front_m = points @ np.array(facing.normal) - facing.offset_m
    above_m = points @ np.array(floor.normal) - floor.offset_m
    between = (in_front_m > tolerance_m) & (above_m > tolerance_m)
    return not between.any() or bool(np.median(in_front_m[between]) < np.median(above_m[between]))


def _sample(depth_m: np.ndarray, camera: Camera) -> tuple[FloatArray, np.ndarray]:
    """Return points [n, 3] in the camera frame and their rows, from an even grid of pixels."""
    step = max(1, int(np.ceil(np.sqrt(depth_m.size / MAX_POINTS))))
    points = back_project(depth_m, camera.intrinsics, np.eye(4))[::step, ::step]
    rows = np.broadcast_to(np.arange(0, depth_m.shape[0], step)[:, None], points.shape[:2])
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(points).all(axis=-1) & (points[..., 2] > 0)
    return points[seen], rows[seen]


def _sigma_up_deg(inliers: FloatArray, normal: FloatArray, rms_m: float) -> float:
    """Return the standard deviation of a fitted plane's normal, about its worse axis.

    The slope of a line through n points with spread s and error e is uncertain by e / (s sqrt n).
    """
    level = inliers - inliers.mean(axis=0)
    level = level - np.outer(level @ normal, normal)
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(level.T))[1], 1e-12))
    return float(np.rad2deg(rms_m / (spread * np.sqrt(NUM_INDEPENDENT_POINTS))))
