"""Plan how a person walks through rooms with a camera: a smooth path, looking around.

The walk goes from place to place on a grid of free points, always to the nearest part of the
floor that it has not been near yet, and keeps to the middle of the free space where it can. The
path is smoothed only as far as it stays in the free area, so its distance from obstacles is that
of the area.
"""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.ndimage import distance_transform_edt, gaussian_filter1d
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely.geometry.base import BaseGeometry

from workflow_scripts.common.errors import UserError

GRID_M = 0.125
EYE_HEIGHT_M = 1.5
MAX_YAW_RATE_DEG_S = 60.0
_NEAR_M = 1.0
_STEP_M = 0.05
_SMOOTHING_M = 0.25
_TIME_STEP_S = 0.05
_TURN_RATE_DEG_S = 25.0
# Offsets of the gaze from the direction of walking: amplitude in degrees, period in seconds.
_YAW_WAVES = ((42.0, 9.0), (14.0, 4.7))
_PITCH_DEG = -14.0
_PITCH_WAVES = ((9.0, 7.3), (4.0, 3.9))
_HEIGHT_WAVES_M = ((0.03, 6.1),)


@dataclass(frozen=True)
class Walk:
    """Camera poses along a walk, at equal steps in time.

    Attributes:
        time_s: f64 [n], from 0.
        position_m: f64 [n, 3].
        yaw_deg: f64 [n], not wrapped, so that neighbours differ by the turn between them.
        pitch_deg: f64 [n], up positive.
        path_m: f64 [p, 2], the path on the floor, closely sampled.
    """

    time_s: np.ndarray
    position_m: np.ndarray
    yaw_deg: np.ndarray
    pitch_deg: np.ndarray
    path_m: np.ndarray

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True)
class _FloorGraph:
    """Free points [n, 2] of the grid, joined to their neighbours by walking distance."""

    points_m: np.ndarray
    edges: csr_array

    def distances_m(self, node: int) -> tuple[np.ndarray, np.ndarray]:
        """Return distances from a node and the nodes before each on the shortest path."""
        distance, before = dijkstra(self.edges, indices=node, return_predecessors=True)
        return distance, before


def plan_walk(
    free_area: BaseGeometry,
    generator: np.random.Generator,
    *,
    num_frames: int,
    rate_hz: float,
    speed_m_s: float,
) -> Walk:
    """Plan a walk of `num_frames` poses at `rate_hz` in the area where the camera may be.

    Speed is at most `speed_m_s`, the yaw rate at most `MAX_YAW_RATE_DEG_S`.

    Raises `UserError` if the area has no point of the grid.
    """
    graph = _floor_graph(free_area)
    duration_s = (num_frames - 1) / rate_hz
    path = _explore(graph, generator, length_m=1.5 * speed_m_s * duration_s + 2.0)
    path = _smooth(path, free_area)
    time_s = np.arange(num_frames) / rate_hz
    fine_s = np.arange(math.ceil(duration_s / _TIME_STEP_S) + 2) * _TIME_STEP_S
    place_m, heading_deg = _move(path, fine_s, speed_m_s)
    yaw = heading_deg + _waves(_YAW_WAVES, fine_s, generator)
    yaw = gaussian_filter1d(_limit_rate(yaw), 0.4 / _TIME_STEP_S, mode="nearest")
    pitch = _PITCH_DEG + _waves(_PITCH_WAVES, fine_s, generator)
    height = EYE_HEIGHT_M + _waves(_HEIGHT_WAVES_M, fine_s, generator)
    columns = [np.interp(time_s, fine_s, values) for values in (*place_m.T, height, yaw, pitch)]
    return Walk(time_s, np.stack(columns[:3], axis=1), columns[3], columns[4], path)


def _floor_graph(free_area: BaseGeometry) -> _FloorGraph:
    """Return the largest connected part of the grid in an area."""
    if free_area.is_empty:
        raise UserError("there is no floor to walk on")
    bounds = np.array(free_area.bounds)
    low = np.floor(bounds[:2] / GRID_M).astype(int)
    high = np.ceil(bounds[2:] / GRID_M).astype(int)
    x, y = (np.arange(a, b + 1) * GRID_M for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    shapely.prepare(free_area)
    is_free = shapely.contains_xy(free_area, grid[..., 0], grid[..., 1])
    if not is_free.any():
        raise UserError("there is no floor to walk on")
    number = np.cumsum(is_free).reshape(is_free.shape) - 1
    # Of two ways the one farther from obstacles is a little shorter.
    margin_m = distance_transform_edt(np.pad(is_free, 1))[1:-1, 1:-1] * GRID_M
    cost = 1.0 + 1.5 * np.exp(-margin_m / 0.2)
    rows, columns, lengths = [], [], []
    for step in ((1, 0), (0, 1), (1, 1), (1, -1)):
        first = tuple(slice(max(0, -s), -s if s > 0 else None) for s in step)
        second = tuple(slice(max(0, s), s if s < 0 else None) for s in step)
        joined = is_free[first] & is_free[second]
        middle = (grid[first] + grid[second]) / 2
        joined &= shapely.contains_xy(free_area, middle[..., 0], middle[..., 1])
        rows.append(number[first][joined])
        columns.append(number[second][joined])
        mean_cost = (cost[first][joined] + cost[second][joined]) / 2
        lengths.append(mean_cost * GRID_M * math.hypot(*step))
    count = int(is_free.sum())
    start, end = np.concatenate(rows), np.concatenate(columns)
    edges = csr_array(
        (np.tile(np.concatenate(lengths), 2), (np.r_[start, end], np.r_[end, start])),
        shape=(count, count),
    )
    _, part = connected_components(edges, directed=False)
    chosen = np.flatnonzero(part == np.argmax(np.bincount(part)))
    return _FloorGraph(grid[is_free][chosen], edges[chosen][:, chosen])


def _explore(graph: _FloorGraph, generator: np.random.Generator, *, length_m: float) -> np.ndarray:
    """Return a path [p, 2] over the grid of at least a length, or as long as there is a way."""
    node = int(generator.integers(len(graph.points_m)))
    nodes, walked_m, near_m = [node], 0.0, _NEAR_M
    visited = [node]
    while walked_m < length_m:
        distance, before = graph.distances_m(node)
        unseen_m = dijkstra(graph.edges, indices=visited, min_only=True)
        is_new = unseen_m > near_m
        if not is_new.any():
            if len(visited) > 1:
                visited = [node]  # all has been seen: once more, in another order
                continue
            near_m /= 2
            if near_m < GRID_M:
                break
            continue
        # Nearby first, a little by chance, so that walks differ.
        cost_m = distance * generator.uniform(1.0, 1.3, size=len(distance))
        target = int(np.argmin(np.where(is_new, cost_m, np.inf)))
        way = [target]
        while way[-1] != node:
            way.append(int(before[way[-1]]))
        way = way[-2::-1]
        steps = graph.points_m[[node, *way]]
        walked_m += float(np.linalg.norm(np.diff(steps, axis=0), axis=1).sum())
        nodes += way
        visited += way
        node = target
    return graph.points_m[nodes]


def _resample(path: np.ndarray, step_m: float) -> np.ndarray:
    """Return points of a path [p, 2] at equal steps along it, both ends included."""
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    wanted = np.linspace(0.0, along[-1], max(2, math.ceil(along[-1] / step_m) + 1))
    return np.stack([np.interp(wanted, along, path[:, axis]) for axis in (0, 1)], axis=1)


def _smooth(path: np.ndarray, free_area: BaseGeometry) -> np.ndarray:
    """Round the corners of a path as far as it stays in the area."""
    dense = _resample(path, _STEP_M)
    if len(dense) < 5:
        return dense
    sigma = _SMOOTHING_M / _STEP_M
    smooth = gaussian_filter1d(dense, sigma, axis=0, mode="nearest")
    weight = np.ones(len(dense))
    for _ in range(30):
        points = dense + weight[:, None] * (smooth - dense)
        is_outside = ~shapely.contains_xy(free_area, points[:, 0], points[:, 1])
        if not is_outside.any():
            break
        near = gaussian_filter1d(is_outside.astype(float), sigma, mode="nearest")
        weight *= 1.0 - np.minimum(1.0, 3.0 * near)
    smoothed: np.ndarray = np.where(is_outside[:, None], dense, points)
    return smoothed


def _move(path: np.ndarray, time_s: np.ndarray, speed_m_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return places [t, 2] and headings in degrees [t] of someone on a path; slower in bends."""
    steps = np.diff(path, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    if lengths.sum() < _STEP_M:
        # Nowhere to go: turn around on the spot.
        return np.repeat(path[:1], len(time_s), axis=0), _TURN_RATE_DEG_S * time_s
    tangents = steps / np.maximum(lengths, 1e-9)[:, None]
    mean_tangent = gaussian_filter1d(tangents, 0.3 / _STEP_M, axis=0, mode="nearest")
    straightness = np.linalg.norm(mean_tangent, axis=1)
    arrival_s = np.r_[0.0, np.cumsum(lengths / (speed_m_s * (0.4 + 0.6 * straightness)))]
    place = np.stack([np.interp(time_s, arrival_s, path[:, axis]) for axis in (0, 1)], axis=1)
    # Yaw 0 looks along +Y and grows counter-clockwise.
    heading = np.unwrap(np.arctan2(-mean_tangent[:, 0], mean_tangent[:, 1]))
    return place, np.rad2deg(np.interp(time_s, arrival_s[:-1], heading))


def _limit_rate(yaw_deg: np.ndarray) -> np.ndarray:
    """Follow an angle at no more than the highest yaw rate."""
    most = MAX_YAW_RATE_DEG_S * _TIME_STEP_S
    limited = np.empty_like(yaw_deg)
    current = limited[0] = yaw_deg[0]
    for index in range(1, len(yaw_deg)):
        current += min(max(yaw_deg[index] - current, -most), most)
        limited[index] = current
    return limited


def _waves(
    waves: tuple[tuple[float, float], ...], time_s: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Return a sum of sines of given amplitudes and periods, each from a random phase."""
    phases = generator.uniform(0.0, 2 * np.pi, size=len(waves))
    total = np.zeros_like(time_s)
    for (amplitude, period_s), phase in zip(waves, phases, strict=True):
        total += amplitude * np.sin(2 * np.pi * time_s / period_s + phase)
    return total
