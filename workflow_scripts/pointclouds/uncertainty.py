"""The uncertainty of measured boxes: noise and masks, hidden ends, non-box shapes, scale.

A measured extent has four errors, and their variances add: the outline's pixels, the depth
noise along the line of sight, what the camera cannot see behind the far end, and that objects
are not boxes. A wrong scale of the depth moves and stretches everything along the line of sight.
The fractions below were set on views of generated houses; the label audit measures the result.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.pointclouds.depth_error import DepthErrorModel

PIXEL_SIGMA = 0.3
"""An outline on a grid of pixels is known to 1/sqrt(12) of one."""
SHAPE_SHARE = 0.015
"""Bulges, rims and rounded edges, as a share of the extent."""
RECEDING_SHARE = 0.2
"""A far edge seen at a flat angle is known at least this well, as a share of the extent."""
INSET_SHARE = 0.08
"""How far the hidden part of an object may stand back from its outline, as a fraction of its
extent."""
ROUND_SHARE, NO_YAW_DEG = 0.15, 15.0
"""How much further, as a share of its extent, either end of a box around a round object reaches
than the object itself, if the box may have any yaw; and the sigma from which a yaw is useless,
because two sigmas reach nearly to the far diagonal."""
PEAK_SHARE, MIN_PEAK = 0.3, 0.12
"""A yaw counts as likely as the best if its score is lower by less than this share of how far the
best stands out, and at least by this share of the best score: all yaws of a round object differ by
no more, and the highest of them means nothing."""
TAIL_FACTOR = 1.5
"""Noisy clouds hold points of what is behind, and lose what a mask slips off: such errors are
rarer than noise and larger. Sigmas are stated so that 95 % of all errors are within two."""
HIDDEN_SHARE = 0.3
"""Sigma of an extent whose far end is hidden, as a share of the box's largest extent."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Boxes fitted to n clouds, from the camera.

    `axes` [n, 5, 3]: the box's x, y, up, then the camera's right and forward; `middle` and `extent`
    [n, 5] in metres along them, from the camera. `ray` [n, 3] and `distance` [n] lead to the box's
    centre, `along` [n, 5] is |axis . ray|. `pixel_m`, `noise_m` [n]: edge of a pixel and sigma of
    a point's depth at each object.
    """

    axes: np.ndarray
    middle: np.ndarray
    extent: np.ndarray
    ray: np.ndarray
    distance: np.ndarray
    along: np.ndarray
    pixel_m: np.ndarray
    noise_m: np.ndarray


def outline_m(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Return how far [n, 5] an end moves along each axis when the outline moves by a pixel.

    First the end that is the object's silhouette, second an edge of a face that recedes along the
    axis, such as the far edge of a table's top: the flatter the view along it, the more metres a
    pixel has. That is not known better than to a share of the extent itself.
    """
    lateral = np.sqrt(np.maximum(1 - fit.along**2, 0.0))
    pixel = fit.pixel_m[:, None]
    receding = np.minimum(pixel / np.maximum(lateral, 1e-6), RECEDING_SHARE * fit.extent)
    return pixel * lateral, np.maximum(receding, 0.0)


def sigma_ends(fit: Fit, error: DepthErrorModel, lost_m: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n, 5] of a seen end along each axis.

    `lost_m` [n, 2]: how far, across and down the picture, the mask reaches beyond the points that
    cleaning left of it, such as a table's thin legs.
    """
    near, far = outline_m(fit)
    outline = (PIXEL_SIGMA + error.mask_px) * np.sqrt((near**2 + far**2) / 2)
    noise = fit.noise_m[:, None] * fit.along
    right = fit.axes[:, 3]
    down = np.cross(fit.ray, right)
    lost_sigma = np.abs(np.einsum("nax,nx->na", fit.axes, right)) * lost_m[:, :1]
    lost_sigma += np.abs(np.einsum("nax,nx->na", fit.axes, down)) * lost_m[:, 1:]
    seen = np.sqrt(outline**2 + noise**2 + (SHAPE_SHARE * fit.extent) ** 2)
    result: np.ndarray = np.hypot(seen * tail_factor(error), lost_sigma)
    return result


def tail_factor(error: DepthErrorModel) -> float:
    """Return by how much sigmas are widened for errors that are no noise."""
    return 1.0 if error.is_exact else TAIL_FACTOR


def sigma_hidden(fit: Fit, *, hidden: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n, 3] of extents, because their far end may be out of sight.

    The far end along an axis is in sight if the camera looks onto a face of the box that reaches
    there: the top, the bottom or a side. The more it looks along that face, the more of it an inset
    hides: an inset d of something seen from above at a slope of a : b hides d b / a. `hidden`
    [n]: objects cut off by the image's border or covered by another.
    """
    extent, along = fit.extent[:, :3], fit.along[:, :3]
    largest = HIDDEN_SHARE * extent.max(axis=1, keepdims=True)
    in_sight = np.abs(fit.middle[:, :3]) > extent / 2
    inset = np.full(extent.shape, np.inf)
    for axis in range(3):
        for face in {0, 1, 2} - {axis}:
            slope = along[:, axis] / np.maximum(along[:, face], 1e-6)
            depth = INSET_SHARE * extent[:, face] * slope
            depth = np.where(in_sight[:, face], depth, np.inf)
            inset[:, axis] = np.minimum(inset[:, axis], depth)
    inset[hidden] = np.inf
    result: np.ndarray = np.minimum(inset, largest)
    return result


def sigma_size(
    fit: Fit, error: DepthErrorModel, ends: np.ndarray, hidden_sigma: np.ndarray
) -> np.ndarray:
    """Return the standard deviations [n, 3] of a box's sizes.

    `ends` [n, 5] are those of `sigma_ends`, `missing` [n, 3] those of `sigma_hidden`; so below.
    """
    stretched = error.scale * fit.extent[:, :3]
    result: np.ndarray = np.sqrt(2 * ends[:, :3] ** 2 + hidden_sigma**2 + stretched**2)
    return result


def sigma_centre(
    fit: Fit, error: DepthErrorModel, ends: np.ndarray, hidden_sigma: np.ndarray
) -> np.ndarray:
    """Return the standard deviations [n, 3] of centres along the frame's axes."""
    variance = ends[:, :3] ** 2 / 2 + (hidden_sigma / 2) ** 2
    turned = np.einsum("na,nax->nx", variance, fit.axes[:, :3] ** 2)
    result: np.ndarray = np.sqrt(turned + (error.scale * fit.distance[:, None] * fit.ray) ** 2)
    return result


def sigma_extents(
    fit: Fit,
    error: DepthErrorModel,
    ends: np.ndarray,
    hidden_sigma: np.ndarray,
    yaw_sigma_deg: np.ndarray,
) -> np.ndarray:
    """Return the standard deviations [n, 3] of ends to the right, ahead and up.

    A box reaches further across the frame than a round object in it, by how much depends on its
    yaw, and it is the box whose extent is meant: the difference counts.
    """
    extent_axes = [3, 4, 2]
    along = np.einsum("nax,nbx->nab", fit.axes[:, extent_axes], fit.axes[:, :3])
    unseen = np.einsum("nab,nb->na", along**2, hidden_sigma**2)
    moved = error.scale * fit.distance[:, None] * fit.along[:, extent_axes]
    boxed = np.einsum("nab,nb->na", np.abs(along), fit.extent[:, :3])
    rounded = (boxed - fit.extent[:, extent_axes]) / 2
    yaw_uncertainty = np.minimum(yaw_sigma_deg / NO_YAW_DEG, 1.0)[:, None] ** 2
    unturned = ROUND_SHARE * yaw_uncertainty * fit.extent[:, extent_axes]
    unturned[:, 2] = 0.0
    result: np.ndarray = np.sqrt(
        ends[:, extent_axes] ** 2 + unseen + moved**2 + rounded**2 + unturned**2
    )
    return result


def sigma_tilt(fit: Fit, tilt_deg: float) -> np.ndarray:
    """Return the standard deviations [n, 3] of places to the right, ahead and up for want of up.

    Where up is known to `tilt_deg`, an object far away may lie that much of its distance higher.
    """
    level = np.linalg.norm(fit.ray[:, :2], axis=1)
    lever = np.stack([np.abs(fit.ray[:, 2]), np.abs(fit.ray[:, 2]), level], axis=1)
    result: np.ndarray = np.deg2rad(tilt_deg) * fit.distance[:, None] * lever
    return result


def sigma_yaw_deg(score: np.ndarray, tried_deg: np.ndarray, yaw_deg: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n] of yaws from the scores [n, t] of all yaws tried [t].

    Yaws that score nearly as well as the best are nearly as likely; a round object, all of whose
    yaws do, has 26 degrees, the standard deviation of no knowledge within a quarter turn.
    """
    ordered, tried = np.sort(score, axis=1), score.shape[1]
    top = ordered[:, -1:]
    median = (ordered[:, [(tried - 1) // 2]] + ordered[:, [tried // 2]]) / 2
    width = np.maximum(PEAK_SHARE * (top - median), np.maximum(MIN_PEAK * top, 1e-9))
    weight = np.exp(-(((top - score) / width) ** 2))
    off = (tried_deg - yaw_deg[:, None] + 45.0) % 90.0 - 45.0
    variance = (weight * off**2).sum(axis=1) / weight.sum(axis=1)
    result: np.ndarray = np.sqrt(variance + 0.5**2)
    return result
