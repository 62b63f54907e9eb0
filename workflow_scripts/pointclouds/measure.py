"""Boxes, extents and distances of the objects of a view from their clouds, with uncertainty.

All objects are measured at once. The upright box takes the yaw under which the points lie closest
to its sides (the closeness criterion of Zhang et al. (2017), "Efficient L-Shape Fitting for
Vehicle Detection Using Laser Scanners"): unlike the least area it does not mind that a single view
shows two sides out of four.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.common import upright
from workflow_scripts.pointclouds.depth_error import EXACT, DepthError
from workflow_scripts.pointclouds.gaps import minimum_gaps

NUM_SAMPLES = 160
COARSE_DEG = np.arange(0.0, 90.0, 3.0)
FINE_DEG = np.arange(-3.0, 3.01, 0.5)
"""Yaws tried; a quarter turn is the same box."""
TRIM = 0.01
TRIM_SIGMAS = 2.326
"""Share cut at either end of a noisy axis, and how many sigmas a normal distribution has there."""
HIDDEN_SHARE = 0.3
"""Sigma of an extent whose far end is hidden, as a share of the box's largest extent."""


@dataclass(frozen=True, eq=False)
class Geometry:
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
class Eye:
    """Where the camera is, metres, and which way is right of it and ahead: unit vectors, level."""

    position_m: np.ndarray
    right: np.ndarray
    forward: np.ndarray


def measure(
    clouds: Sequence[np.ndarray],
    eye: Eye,
    *,
    error: DepthError = EXACT,
    pixel_m: np.ndarray | None = None,
    depth_m: np.ndarray | None = None,
    border_px: float = 0.5,
    hidden: np.ndarray | None = None,
) -> Geometry:
    """Measure clouds, n arrays [p, 3] in a frame with z up, none empty.

    Args:
        clouds: the points of each object.
        eye: the camera; extents to the right and forward count from it.
        error: how far depth may be wrong.
        pixel_m: edge of a pixel at each object [n]; 0 if the clouds do not come from pixels.
        depth_m: mean planar depth of each object [n], for the noise of its points.
        border_px: by how many pixels the points end short of the true outline.
        hidden: objects [n] that are cut off or covered, so that their ends are not known.
    """
    number = len(clouds)
    pixel_m = np.zeros(number) if pixel_m is None else pixel_m
    noise_m = np.zeros(number) if depth_m is None else error.sigma_m(depth_m)
    hidden = np.zeros(number, bool) if hidden is None else hidden
    samples = _samples(clouds)
    grain_m = np.maximum(np.maximum(pixel_m, 2 * noise_m), 1e-3)
    yaw_deg, sigma_yaw_deg = _yaws(samples[..., :2] - eye.position_m[:2], grain_m)
    yaw_deg = _across(yaw_deg, samples.mean(axis=1) - eye.position_m)
    sides = upright.axes_of_yaw(yaw_deg)
    up = np.array([0.0, 0.0, 1.0])
    level = np.stack([eye.right, eye.forward])
    axes = np.zeros((number, 5, 3))
    axes[:, :2, :2], axes[:, 2], axes[:, 3:, :2] = sides, up, level
    ends = np.zeros((number, 2, 5))
    nearest = np.zeros(number)
    for i, cloud in enumerate(clouds):
        offset = cloud - eye.position_m
        ends[i] = _ends(offset @ axes[i].T, noisy=bool(noise_m[i] > 0))
        squares = np.einsum("px,px->p", offset, offset)
        nearest[i] = np.sqrt(_first(squares, noisy=bool(noise_m[i] > 0)))
    middle = (ends[:, 0] + ends[:, 1]) / 2
    ray = np.einsum("nax,na->nx", axes[:, :3], middle[:, :3])
    distance = np.linalg.norm(ray, axis=1)
    ray /= np.maximum(distance, 1e-9)[:, None]
    along = np.abs(np.einsum("nax,nx->na", axes, ray))
    lateral = np.sqrt(np.maximum(1 - along**2, 0.0))
    noise = noise_m[:, None] * along
    extent = ends[:, 1] - ends[:, 0]
    extent = np.sqrt(np.maximum(extent**2 - (2 * TRIM_SIGMAS * noise) ** 2, 0.0))
    extent += 2 * border_px * pixel_m[:, None] * lateral
    mask_m = (0.3 + error.mask_px) * pixel_m[:, None] * lateral
    sigma_end = np.hypot(mask_m, noise / 2)
    unseen = _unseen(middle[:, :3], extent[:, :3], along)
    unseen[hidden] = True
    missing = np.where(unseen, HIDDEN_SHARE * extent[:, :3].max(axis=1, keepdims=True), 0.0)
    size = extent[:, :3]
    sigma_size = np.sqrt(2 * sigma_end[:, :3] ** 2 + missing**2 + (error.scale * size) ** 2)
    own = np.sqrt(sigma_end[:, :3] ** 2 / 2 + (missing / 2) ** 2)
    turned = np.einsum("na,nax->nx", own**2, axes[:, :3] ** 2)
    scale = error.scale * distance
    sigma_centre = np.sqrt(turned + (scale[:, None] * ray) ** 2)
    centre = np.einsum("nax,na->nx", axes[:, :3], middle[:, :3]) + eye.position_m
    seen = [3, 4, 2]
    low = middle[:, seen] - extent[:, seen] / 2
    high = middle[:, seen] + extent[:, seen] / 2
    low[:, 2] += eye.position_m[2]
    high[:, 2] += eye.position_m[2]
    reach = np.abs(np.einsum("nax,nx->na", axes[:, seen], ray))
    sigma_extent = np.sqrt(sigma_end[:, seen] ** 2 + (scale[:, None] * reach) ** 2)
    along_ray = np.sqrt(np.einsum("nx,nx->n", sigma_centre**2, ray**2))
    gap, sigma_gap = _gaps(
        clouds,
        eye,
        (centre, size, yaw_deg),
        noise_m=noise_m,
        pixel_m=pixel_m,
        border_px=border_px,
        error=error,
    )
    return Geometry(
        centre_m=centre,
        size_m=size,
        yaw_deg=yaw_deg,
        low_m=low,
        high_m=high,
        nearest_m=nearest,
        distance_m=distance,
        gap_m=gap,
        sigma_centre_m=sigma_centre,
        sigma_size_m=sigma_size,
        sigma_yaw_deg=sigma_yaw_deg,
        sigma_extent_m=sigma_extent,
        sigma_nearest_m=np.sqrt(noise_m**2 + (error.scale * nearest) ** 2 + (0.3 * pixel_m) ** 2),
        sigma_distance_m=along_ray,
        sigma_gap_m=sigma_gap,
    )


def _samples(clouds: Sequence[np.ndarray]) -> np.ndarray:
    """Return evenly spaced points [n, NUM_SAMPLES, 3] of each cloud; small clouds repeat."""
    steps = np.arange(NUM_SAMPLES)
    picked = [cloud[steps * len(cloud) // NUM_SAMPLES] for cloud in clouds]
    return np.stack(picked) if picked else np.zeros((0, NUM_SAMPLES, 3))


def _yaws(plan_m: np.ndarray, grain_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return yaws [n] in [0, 90) degrees and their sigmas from points [n, s, 2] seen from above."""
    number = len(plan_m)
    coarse = np.broadcast_to(COARSE_DEG, (number, len(COARSE_DEG)))
    coarse_score = _closeness(plan_m, coarse, grain_m)
    near = coarse[np.arange(number), coarse_score.argmax(axis=1)] if number else np.zeros(0)
    fine = near[:, None] + FINE_DEG
    score = _closeness(plan_m, fine, grain_m)
    best = score.argmax(axis=1) if number else np.zeros(0, int)
    yaw_deg = fine[np.arange(number), best] % 90.0
    # Yaws that score nearly as well are nearly as likely.
    top = score.max(axis=1, keepdims=True)
    spread = np.maximum(top - np.median(coarse_score, axis=1, keepdims=True), 1e-9)
    weight = np.exp(-(((top - coarse_score) / (0.3 * spread)) ** 2))
    off = (coarse - yaw_deg[:, None] + 45.0) % 90.0 - 45.0
    variance = (weight * off**2).sum(axis=1) / weight.sum(axis=1) if number else np.zeros(0)
    return yaw_deg, np.sqrt(variance + 0.5**2)


def _closeness(plan_m: np.ndarray, yaw_deg: np.ndarray, grain_m: np.ndarray) -> np.ndarray:
    """Return the mean closeness [n, yaws] of points [n, s, 2] to the sides of a box."""
    yaw = np.deg2rad(yaw_deg)
    plan = (plan_m - plan_m.mean(axis=1, keepdims=True)).astype(np.float32)
    cos, sin = np.cos(yaw).astype(np.float32), np.sin(yaw).astype(np.float32)
    x, y = plan[:, None, :, 0], plan[:, None, :, 1]
    distance = None
    for values in (
        cos[..., None] * x + sin[..., None] * y,
        cos[..., None] * y - sin[..., None] * x,
    ):
        low = values - values.min(axis=-1, keepdims=True)
        high = values.max(axis=-1, keepdims=True) - values
        np.minimum(low, high, out=low)
        distance = low if distance is None else np.minimum(distance, low, out=low)
    grain = grain_m.astype(np.float32)[:, None, None]
    return (grain / np.maximum(distance, grain)).mean(axis=-1)


def _across(yaw_deg: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """Turn boxes by quarters so that their x axis lies most nearly across the line of sight."""
    heading = np.rad2deg(np.arctan2(ray[:, 1], ray[:, 0])) - 90.0
    turn = np.round((heading - yaw_deg) / 90.0) * 90.0
    return (yaw_deg + turn + 180.0) % 360.0 - 180.0


def _ends(values: np.ndarray, *, noisy: bool) -> np.ndarray:
    """Return the least and greatest value [2, axes] of [p, axes], a little trimmed if noisy."""
    cut = int(TRIM * len(values)) if noisy else 0
    if not cut:
        return np.stack([values.min(axis=0), values.max(axis=0)])
    ordered = np.partition(values, [cut, len(values) - 1 - cut], axis=0)
    return ordered[[cut, len(values) - 1 - cut]]


def _first(values: np.ndarray, *, noisy: bool) -> float:
    """Return the least value, the one at the trim's share if noisy."""
    cut = int(TRIM * len(values)) if noisy else 0
    return float(np.partition(values, cut)[cut] if cut else values.min())


def _unseen(middle: np.ndarray, extent: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return which extents [n, 3] of boxes end where the camera cannot see.

    The far end along a side is in sight if the camera looks onto the top, the bottom, or the
    other side's face. `middle` [n, 3] is from the camera, along the box's own axes.
    """
    outside = np.abs(middle) > extent / 2 + 0.02
    unseen = np.zeros(extent.shape, bool)
    unseen[:, 0] = ~(outside[:, 1] | outside[:, 2])
    unseen[:, 1] = ~(outside[:, 0] | outside[:, 2])
    unseen[:, 2] = ~(outside[:, 0] | outside[:, 1])
    return unseen


def _gaps(
    clouds: Sequence[np.ndarray],
    eye: Eye,
    boxes: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    noise_m: np.ndarray,
    pixel_m: np.ndarray,
    border_px: float,
    error: DepthError,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gaps [n, n] of clouds and their sigmas.

    What is hidden may be nearer than what is seen. Where the boxes around the seen parts are much
    nearer to one another than the points, half the difference counts as uncertainty.
    """
    gap, direction = minimum_gaps(clouds, noisy=bool((noise_m > 0).any()))
    ray = boxes[0] - eye.position_m
    ray /= np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-9)
    along = np.abs(np.einsum("ijx,ix->ij", direction, ray))
    along_other = along.T
    lateral, lateral_other = (np.sqrt(np.maximum(1 - a**2, 0)) for a in (along, along_other))
    border = border_px * (pixel_m[:, None] * lateral + pixel_m[None] * lateral_other)
    gap = np.maximum(gap - border, 0.0)
    mask = (0.3 + error.mask_px) * np.hypot(
        pixel_m[:, None] * lateral, pixel_m[None] * lateral_other
    )
    noise = np.hypot(noise_m[:, None] * along, noise_m[None] * along_other)
    between = np.abs(gap - upright.gaps_m(*boxes)) / 2
    sigma = np.sqrt(mask**2 + noise**2 + between**2 + (error.scale * gap) ** 2)
    np.fill_diagonal(gap, 0.0)
    np.fill_diagonal(sigma, 0.0)
    return gap, sigma
