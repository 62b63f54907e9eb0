"""How sure measured boxes are: noise and masks, hidden ends, shapes that are no boxes, scale.

Four things make a measured extent wrong, and their variances add: the outline's pixels, the depth
noise along the line of sight, what the camera cannot see behind the far end, and that things are
not boxes. A wrong scale of the depth moves and stretches everything along the line of sight. The
three shares below were set on views of generated houses; the label audit measures the result.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.pointclouds.depth_error import DepthError

PIXEL_SIGMA = 0.3
"""An outline on a grid of pixels is known to 1/sqrt(12) of one."""
SHAPE_SHARE = 0.015
"""Bulges, rims and rounded edges, as a share of the extent."""
RECEDING_SHARE = 0.2
INSET_SHARE = 0.08
"""How far the hidden part of a thing may stand back from its outline, as a share of its extent."""
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
    axis, such as the far edge of a table's top: the flatter one looks along it, the more metres a
    pixel has. That is not known better than to a share of the extent itself.
    """
    lateral = np.sqrt(np.maximum(1 - fit.along**2, 0.0))
    pixel = fit.pixel_m[:, None]
    receding = np.minimum(pixel / np.maximum(lateral, 1e-6), RECEDING_SHARE * fit.extent)
    return pixel * lateral, np.maximum(receding, 0.0)


def sigma_ends(fit: Fit, error: DepthError) -> np.ndarray:
    """Return the standard deviations [n, 5] of a seen end along each axis."""
    near, far = outline_m(fit)
    outline = (PIXEL_SIGMA + error.mask_px) * np.sqrt((near**2 + far**2) / 2)
    noise = fit.noise_m[:, None] * fit.along
    return np.sqrt(outline**2 + noise**2 + (SHAPE_SHARE * fit.extent) ** 2)


def sigma_hidden(fit: Fit, *, hidden: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n, 3] of extents, because their far end may be out of sight.

    The far end along an axis is in sight if the camera looks onto a face of the box that reaches
    there: the top, the bottom or a side. The more it looks along that face, the more of it an inset
    hides: an inset d of something seen from above at a slope of a : b hides d b / a. `hidden`
    [n]: things cut off by the picture's border or covered by another.
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
    return np.minimum(inset, largest)


def sigma_size(fit: Fit, error: DepthError, ends: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n, 3] of a box's sizes."""
    stretched = error.scale * fit.extent[:, :3]
    return np.sqrt(2 * ends[:, :3] ** 2 + missing**2 + stretched**2)


def sigma_centre(fit: Fit, error: DepthError, ends: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n, 3] of centres along the frame's axes."""
    own = ends[:, :3] ** 2 / 2 + (missing / 2) ** 2
    turned = np.einsum("na,nax->nx", own, fit.axes[:, :3] ** 2)
    return np.sqrt(turned + (error.scale * fit.distance[:, None] * fit.ray) ** 2)


def sigma_extents(fit: Fit, error: DepthError, ends: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n, 3] of ends to the right, ahead and up."""
    shown = [3, 4, 2]
    share = np.einsum("nax,nbx->nab", fit.axes[:, shown], fit.axes[:, :3]) ** 2
    unseen = np.einsum("nab,nb->na", share, missing**2)
    moved = error.scale * fit.distance[:, None] * fit.along[:, shown]
    return np.sqrt(ends[:, shown] ** 2 + unseen + moved**2)


def sigma_yaw_deg(score: np.ndarray, tried_deg: np.ndarray, yaw_deg: np.ndarray) -> np.ndarray:
    """Return the standard deviations [n] of yaws from the scores [n, t] of all yaws tried [t].

    Yaws that score nearly as well as the best are nearly as likely; a round thing has 26 degrees,
    the standard deviation of no knowledge within a quarter turn.
    """
    ordered, tried = np.sort(score, axis=1), score.shape[1]
    top = ordered[:, -1:]
    median = (ordered[:, [(tried - 1) // 2]] + ordered[:, [tried // 2]]) / 2
    spread = np.maximum(top - median, 1e-9)
    weight = np.exp(-(((top - score) / (0.3 * spread)) ** 2))
    off = (tried_deg - yaw_deg[:, None] + 45.0) % 90.0 - 45.0
    variance = (weight * off**2).sum(axis=1) / weight.sum(axis=1)
    return np.sqrt(variance + 0.5**2)
