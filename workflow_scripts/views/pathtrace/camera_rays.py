"""Camera rays, what they see, and the openings through which that may see the sun."""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.pathtrace.camera_ray_kernels import stratified_directions
from workflow_scripts.views.pathtrace.scene import RenderScene


@dataclass(frozen=True)
class Rays:
    """Rays [n, 3] and their hits: face i32 [n] of the mesh or -1, barycentric u, v, distance."""

    origins: np.ndarray
    directions: np.ndarray
    face: np.ndarray
    u: np.ndarray
    v: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True)
class LitPoints:
    """Points [m] of surfaces and their light: that of lamps, sun and other surfaces together.

    `light` f32 [m, 3] is what a white diffuse surface reflects; `fresnel` f32 [m] the fraction
    that is mirrored, `highlight` f32 [m, 3] the mirrored lamps of satin surfaces.
    """

    face: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    directions: np.ndarray
    light: np.ndarray
    fresnel: np.ndarray
    highlight: np.ndarray
    is_sunlit: np.ndarray


@dataclass(frozen=True)
class Samples:
    """What rays [n] see: `colour`, `albedo` f32 [n, 3] at the lit point `at` [n] (-1: none).

    `tint` f32 [n, 3] is the colour of what a glossy surface mirrors, 0 elsewhere.
    """

    at: np.ndarray
    albedo: np.ndarray
    colour: np.ndarray
    tint: np.ndarray
    lit: LitPoints


def jittered_directions(
    camera: Camera, pixels: np.ndarray, samples: int, random: np.random.Generator
) -> np.ndarray:
    """Return directions [p * samples, 3] through random points of a grid in each pixel."""
    columns = int(np.ceil(np.sqrt(samples)))
    while samples % columns:
        columns += 1
    jitter = random.random((2, len(pixels), samples), dtype=np.float32)
    directions = np.empty((len(pixels) * samples, 3), dtype=np.float32)
    stratified_directions(
        jitter, pixels, camera.width_px, columns, *float32_camera(camera), directions
    )
    return directions


def float32_camera(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return fx, fy, cx, cy f32 [4], and the rotation from the camera to the world f32 [3, 3]."""
    k = camera.intrinsics
    intrinsics = np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2]], dtype=np.float32)
    rotation = np.ascontiguousarray(camera.world_from_camera[:3, :3], dtype=np.float32)
    return intrinsics, rotation


def opening_rectangles(scene: RenderScene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return corner, side and up [o, 3] of the holes of all doors and windows."""
    corners, sides, ups = [], [], []
    for opening in scene.shell.openings:
        wall = opening.wall0
        along = (wall.end_m - wall.start_m) / wall.length_m
        u0, v0, u1, v1 = opening.hole_m
        corners.append([*(wall.start_m + u0 * along), v0])
        sides.append([*((u1 - u0) * along), 0])
        ups.append([0, 0, v1 - v0])
    corner, side, up = (
        np.array(rows, dtype=np.float32).reshape(-1, 3) for rows in (corners, sides, ups)
    )
    return corner, side, up
