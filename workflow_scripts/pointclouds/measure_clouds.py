"""Boxes, extents and distances of the objects of a view from their clouds, with uncertainty.

All objects are measured at once. The upright box takes the yaw under which the points lie closest
to its sides (the closeness criterion of Zhang et al. (2017), "Efficient L-Shape Fitting for
Vehicle Detection Using Laser Scanners"): unlike the least area it does not mind that a single view
shows two sides out of four.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.geometry import upright_boxes
from workflow_scripts.geometry.cameras import wrap_deg
from workflow_scripts.pointclouds.depth_error import EXACT, DepthErrorModel
from workflow_scripts.pointclouds.gaps import pairwise_gaps
from workflow_scripts.pointclouds.uncertainty import (
    PIXEL_SIGMA,
    Fit,
    outline_m,
    sigma_centre,
    sigma_ends,
    sigma_extents,
    sigma_hidden,
    sigma_size,
    sigma_tilt,
    sigma_yaw_deg,
    tail_factor,
)

NUM_SAMPLES = 160
COARSE_DEG = np.arange(0.0, 90.0, 3.0)
FINE_DEG = np.arange(-3.0, 3.01, 0.5)
"""Yaws tried; a quarter turn is the same box."""
TRIM = 0.01
TRIM_SIGMAS = 2.326
"""Share cut at either end of a noisy axis, and how many sigmas a normal distribution has there."""
BEYOND_SIGMAS = 1.5
"""How many sigmas more the outermost of a face's points lies out."""
OUTERMOST_SIGMAS = 1.3
"""How many sigmas of a wandering mask its outermost pixels lie out, over the length of a side."""


@dataclass(frozen=True, eq=False)
class ObjectGeometry:
    """What n clouds measure; arrays as in `common.measurements.Measurements`."""

    centre_m: np.ndarray
    size_m: np.ndarray
    yaw_deg: np.ndarray
    low_m: np.ndarray
    high_m: np.ndarray
    nearest_m: np.ndarray
    distance_m: np.ndarray
    gap_m: np.ndarray
    sigma_centre_m: np.ndarray
    sigma_size_m: np.ndarray
    sigma_yaw_deg: np.ndarray
    sigma_extent_m: np.ndarray
    sigma_nearest_m: np.ndarray
    sigma_distance_m: np.ndarray
    sigma_gap_m: np.ndarray


@dataclass(frozen=True, eq=False)
class LevelCamera:
    """Where the camera is, metres, and which way is right of it and ahead: unit vectors, level."""

    position_m: np.ndarray
    right: np.ndarray
    forward: np.ndarray


def measure_clouds(
    clouds: Sequence[np.ndarray],
    camera: LevelCamera,
    *,
    error: DepthErrorModel = EXACT,
    pixel_m: np.ndarray | None = None,
    depth_m: np.ndarray | None = None,
    border_px: float = 0.5,
    hidden: np.ndarray | None = None,
    lost_px: np.ndarray | None = None,
    tilt_deg: float = 0.0,
) -> ObjectGeometry:
    """Measure clouds, n arrays [p, 3] in a frame with z up, none empty.

    Args:
        clouds: the points of each object.
        eye: the camera; extents to the right and forward count from it.
        error: how far depth may be wrong.
        pixel_m: edge of a pixel at each object [n]; 0 if the clouds do not come from pixels.
        depth_m: mean planar depth of each object [n], for the noise of its points.
        border_px: by how many pixels the points end short of the true outline.
        hidden: objects [n] that are cut off or covered, so that their ends are not known.
        lost_px: by how many pixels across and down [n, 2] the mask reaches further than the points.
        tilt_deg: sigma of the direction that is taken for up. It counts for extents; what it does
            to centres depends on which are compared, and is added where they are.
    """
    number = len(clouds)
    if not number:
        return _empty_geometry()
    pixel_m = np.zeros(number) if pixel_m is None else pixel_m
    noise_m = np.zeros(number) if depth_m is None else error.sigma_m(depth_m)
    hidden = np.zeros(number, bool) if hidden is None else hidden
    samples = _samples(clouds)
    resolution_m = np.maximum(np.maximum(pixel_m, 2 * noise_m), 1e-3)
    yaw_deg, yaw_sigma_deg = _fit_yaws(samples[..., :2] - camera.position_m[:2], resolution_m)
    yaw_deg = _align_width_across_view(yaw_deg, samples.mean(axis=1) - camera.position_m)
    fit, nearest_m = _fit_boxes(
        clouds,
        camera,
        yaw_deg,
        pixel_m=pixel_m,
        noise_m=noise_m,
        border_px=border_px - OUTERMOST_SIGMAS * error.mask_px,
    )
    lost_m = np.zeros((number, 2)) if lost_px is None else lost_px * pixel_m[:, None]
    ends, hidden_sigma = sigma_ends(fit, error, lost_m), sigma_hidden(fit, hidden=hidden)
    size = fit.extent[:, :3]
    centre = fit.ray * fit.distance[:, None] + camera.position_m
    centre_sigma = sigma_centre(fit, error, ends, hidden_sigma)
    box_nearest_m = upright_boxes.distance_to_point_m(centre, size, yaw_deg, camera.position_m)
    gap, gap_sigma = _measure_gaps(
        clouds, (centre, size, yaw_deg), fit, error=error, border_px=border_px
    )
    extent_axes = [3, 4, 2]
    origin = np.array([0.0, 0.0, camera.position_m[2]])
    low, high = (
        fit.middle[:, extent_axes] + side * fit.extent[:, extent_axes] / 2 for side in (-1, 1)
    )
    return ObjectGeometry(
        centre_m=centre,
        size_m=size,
        yaw_deg=yaw_deg,
        low_m=low + origin,
        high_m=high + origin,
        nearest_m=nearest_m,
        distance_m=fit.distance,
        gap_m=gap,
        sigma_centre_m=centre_sigma,
        sigma_size_m=sigma_size(fit, error, ends, hidden_sigma),
        sigma_yaw_deg=yaw_sigma_deg,
        sigma_extent_m=np.hypot(
            sigma_extents(fit, error, ends, hidden_sigma, yaw_sigma_deg), sigma_tilt(fit, tilt_deg)
        ),
        sigma_nearest_m=np.sqrt(
            noise_m**2
            + (error.scale * nearest_m) ** 2
            + (PIXEL_SIGMA * pixel_m) ** 2
            + (nearest_m - box_nearest_m) ** 2
        ),
        sigma_distance_m=np.sqrt(np.einsum("nx,nx->n", centre_sigma**2, fit.ray**2)),
        sigma_gap_m=gap_sigma,
    )


def _empty_geometry() -> ObjectGeometry:
    """Return the measurements of no clouds."""
    shapes = {"centre_m": (0, 3), "size_m": (0, 3), "low_m": (0, 3), "high_m": (0, 3)}
    shapes |= {"extent_m": (0, 3), "gap_m": (0, 0)}
    return ObjectGeometry(
        **{
            name: np.zeros(shapes.get(name.removeprefix("sigma_"), (0,)))
            for name in ObjectGeometry.__dataclass_fields__
        }
    )


def _fit_boxes(
    clouds: Sequence[np.ndarray],
    camera: LevelCamera,
    yaw_deg: np.ndarray,
    *,
    pixel_m: np.ndarray,
    noise_m: np.ndarray,
    border_px: float,
) -> tuple[Fit, np.ndarray]:
    """Return the boxes that clouds fill under given yaws, and how near [n] to the camera they come.

    Noise stretches the seen extent and its share is taken off again, in quadrature; pixels end
    short of the outline by their border, which is added.
    """
    number = len(clouds)
    axes = np.zeros((number, 5, 3))
    axes[:, :2, :2], axes[:, 2, 2] = upright_boxes.footprint_axes(yaw_deg), 1.0
    axes[:, 3, :2], axes[:, 4, :2] = camera.right, camera.forward
    ends, faces = np.zeros((number, 2, 5)), np.zeros((number, 2, 5))
    nearest = np.zeros(number)
    for i, cloud in enumerate(clouds):
        offset = np.subtract(cloud.T, camera.position_m[:, None], order="C")
        along = np.abs(axes[i] @ _unit(offset.mean(axis=1)))
        ends[i], faces[i] = _box_ends(axes[i] @ offset, noise_m[i], along)
        nearest[i] = np.sqrt(
            _trimmed_min((offset * offset).sum(axis=0), noisy=bool(noise_m[i] > 0))
        )
    middle = ends.mean(axis=1)
    centre = np.einsum("nax,na->nx", axes[:, :3], middle[:, :3])
    distance = np.linalg.norm(centre, axis=1)
    ray = centre / np.maximum(distance, 1e-9)[:, None]
    along = np.abs(np.einsum("nax,nx->na", axes, ray))
    stretch = TRIM_SIGMAS * noise_m[:, None] * along * (2 - faces.sum(axis=1))
    extent = np.sqrt(np.maximum((ends[:, 1] - ends[:, 0]) ** 2 - stretch**2, 0.0))
    fit = Fit(axes, middle, extent, ray, distance, along, pixel_m, noise_m)
    near, far = outline_m(fit)
    # The far end loses more to the border than the near one, so the middle moves away from it.
    away = np.sign(np.einsum("nax,nx->na", axes, ray))
    middle = middle + away * border_px * (far - near) / 2
    centre = np.einsum("nax,na->nx", axes[:, :3], middle[:, :3])
    distance = np.linalg.norm(centre, axis=1)
    return replace(
        fit,
        middle=middle,
        extent=np.maximum(extent + border_px * (near + far), 0.0),
        ray=centre / np.maximum(distance, 1e-9)[:, None],
        distance=distance,
    ), nearest


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _samples(clouds: Sequence[np.ndarray]) -> np.ndarray:
    """Return evenly spaced points [n, NUM_SAMPLES, 3] of each cloud; small clouds repeat."""
    steps = np.arange(NUM_SAMPLES)
    picked = [cloud[steps * len(cloud) // NUM_SAMPLES] for cloud in clouds]
    return np.stack(picked) if picked else np.zeros((0, NUM_SAMPLES, 3))


def _fit_yaws(plan_m: np.ndarray, resolution_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return yaws [n] in [0, 90) degrees and their sigmas from points [n, s, 2] seen from above."""
    number = len(plan_m)
    plan_m = (plan_m - plan_m.mean(axis=1, keepdims=True)).astype(np.float32)
    coarse = np.broadcast_to(COARSE_DEG, (number, len(COARSE_DEG)))
    coarse_score = _closeness(plan_m, coarse, resolution_m)
    near = coarse[np.arange(number), coarse_score.argmax(axis=1)]
    fine = near[:, None] + FINE_DEG
    score = _closeness(plan_m, fine, resolution_m)
    best = score.argmax(axis=1)
    yaw_deg = fine[np.arange(number), best] % 90.0
    return yaw_deg, sigma_yaw_deg(coarse_score, COARSE_DEG, yaw_deg)


def _closeness(plan_m: np.ndarray, yaw_deg: np.ndarray, resolution_m: np.ndarray) -> np.ndarray:
    """Return the mean closeness [n, yaws] of points f32 [n, s, 2] to the sides of a box."""
    yaw, number = np.deg2rad(yaw_deg).astype(np.float32), yaw_deg.shape[1]
    cos, sin = np.cos(yaw), np.sin(yaw)
    axes = np.stack([np.concatenate([cos, -sin], axis=1), np.concatenate([sin, cos], axis=1)], -1)
    values = axes @ plan_m.transpose(0, 2, 1)
    low, high = values.min(axis=-1, keepdims=True), values.max(axis=-1, keepdims=True)
    # The nearer side of either axis, in place: these arrays are what the time goes into.
    values -= (low + high) / 2
    np.abs(values, out=values)
    np.subtract((high - low) / 2, values, out=values)
    distance = np.minimum(values[:, :number], values[:, number:])
    resolution = resolution_m.astype(np.float32)[:, None, None]
    np.maximum(distance, resolution, out=distance)
    np.divide(resolution, distance, out=distance)
    result: np.ndarray = distance.mean(axis=-1)
    return result


def _align_width_across_view(yaw_deg: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """Turn boxes by quarters so that their x axis lies most nearly across the line of sight."""
    heading = np.rad2deg(np.arctan2(ray[:, 1], ray[:, 0])) - 90.0
    turn = np.round((heading - yaw_deg) / 90.0) * 90.0
    return wrap_deg(yaw_deg + turn)


def _box_ends(
    values: np.ndarray, noise_m: float, along: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends [2, axes] of [axes, p], and how far [2, axes] each is a face, 0 to 1.

    Noise of sigma `noise_m` along the line of sight, whose share in each axis is `along` [axes],
    carries the points of a face beyond it, and the cut leaves 2.3 sigma of that. An end is a face
    as far as more points lie around it than an even spread over the extent would put there; it is
    then drawn back by so much of the 2.3 sigma. What lies further out than noise carries points
    is a thin end, such as a lamp's pole.
    """
    number = values.shape[1]
    cut = max(1, int(TRIM * number)) if noise_m and number > 2 else 0
    if not cut:
        return np.stack([values.min(axis=1), values.max(axis=1)]), np.zeros((2, len(along)))
    noise = noise_m * along
    ordered = np.partition(values, [cut, number - 1 - cut], axis=1)
    ends = ordered[:, [cut, number - 1 - cut]].T
    outermost = np.stack([values.min(axis=1), -values.max(axis=1)]) + BEYOND_SIGMAS * noise
    signs = np.array([[1.0], [-1.0]])
    ends = signs * np.minimum(signs * ends, outermost)
    reach = 2 * TRIM_SIGMAS * noise
    even_share = reach / np.maximum(ends[1] - ends[0], 1e-9)
    near = (values < (ends[0] + reach)[:, None], values > (ends[1] - reach)[:, None])
    end_share = np.array([np.count_nonzero(is_near, axis=1) for is_near in near]) / number
    faces = np.clip(1 - even_share / np.maximum(end_share, 1e-9), 0.0, 1.0)
    return ends + signs * 0.5 * reach * faces, faces


def _trimmed_min(values: np.ndarray, *, noisy: bool) -> float:
    """Return the least value, the one at the trim's share if noisy."""
    cut = int(TRIM * len(values)) if noisy else 0
    return float(np.partition(values, cut)[cut] if cut else values.min())


def _measure_gaps(
    clouds: Sequence[np.ndarray],
    boxes: tuple[np.ndarray, np.ndarray, np.ndarray],
    fit: Fit,
    *,
    error: DepthErrorModel,
    border_px: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gaps [n, n] of clouds and their sigmas.

    What is hidden may be nearer than what is seen: where the boxes around the seen parts are nearer
    to one another than the points, the difference counts as uncertainty.
    """
    gap, direction = pairwise_gaps(clouds, noisy=bool((fit.noise_m > 0).any()))
    along = np.abs(np.einsum("ijx,ix->ij", direction, fit.ray))
    outline = fit.pixel_m[:, None] * np.sqrt(np.maximum(1 - along**2, 0.0))
    gap = np.maximum(gap - border_px * (outline + outline.T), 0.0)
    mask = (PIXEL_SIGMA + error.mask_px) * np.hypot(outline, outline.T)
    noise = fit.noise_m[:, None] * along
    between = np.abs(gap - upright_boxes.box_gaps_m(*boxes))
    seen = tail_factor(error) ** 2 * (mask**2 + noise**2 + noise.T**2 + between**2)
    sigma = np.sqrt(seen + (error.scale * gap) ** 2)
    np.fill_diagonal(gap, 0.0)
    np.fill_diagonal(sigma, 0.0)
    return gap, sigma
