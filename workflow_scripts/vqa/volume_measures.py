"""How big objects are: volumes by the edge of the cube of equal volume, and their largest faces.

Arrays as in `measures`. There are several readings of a volume: what one says and another denies
is not asked.
"""

import numpy as np

from workflow_scripts.vqa.measures import Measure, ratio_of, smallest_agreeing
from workflow_scripts.vqa.view_context import ViewContext, cached_per_view


@cached_per_view
def cube_edge_m(view_context: ViewContext) -> Measure:
    """Return the edge of the cube with the volume of the convex hull, or of the box."""
    return cube_edges_m(view_context)[0]


def cube_edges_m(view_context: ViewContext) -> list[Measure]:
    """Return the edges of cubes by every reading of the volume: hull, closed surface, box."""
    size = np.maximum(view_context.measured.size_m, 1e-6)
    relative = np.sqrt(((view_context.measured.sigma_size_m / size) ** 2).sum(axis=1)) / 3
    edges = np.cbrt(np.maximum(view_context.measured.volumes_m3, 1e-18)).T
    return [(edge, edge * relative) for edge in edges]


@cached_per_view
def cube_edge_ratio(view_context: ViewContext) -> Measure:
    """Return by which share the edge of i's cube is longer, 0 where readings of volume disagree."""
    ratios = [ratio_of(edge) for edge in cube_edges_m(view_context)]
    return smallest_agreeing(*(excess for excess, _ in ratios)), ratios[0][1]


@cached_per_view
def most_cube_edge_ratio(view_context: ViewContext) -> Measure:
    """Return by which share the edges differ most, by hull and by box; never negative."""
    hull, _, box = (ratio_of(edge) for edge in cube_edges_m(view_context))
    return np.maximum(np.abs(hull[0]), np.abs(box[0])), hull[1]


@cached_per_view
def face_edge_m(view_context: ViewContext) -> Measure:
    """Return the edge of the square with the area of the box's largest face."""
    size = np.maximum(view_context.measured.size_m, 1e-6)
    edge = np.sqrt(np.prod(np.sort(size, axis=1)[:, 1:], axis=1))
    relative = (view_context.measured.sigma_size_m / size).max(axis=1)
    return edge, edge * relative


@cached_per_view
def bigger_ratio(view_context: ViewContext) -> Measure:
    """Return by which share i is bigger than j, by volume and by the largest face alike.

    Of flat objects the eye compares the faces; 0 where they are the other way round.
    """
    excess, sigma = cube_edge_ratio(view_context)
    faces, _ = ratio_of(face_edge_m(view_context))
    return smallest_agreeing(excess, faces), sigma
