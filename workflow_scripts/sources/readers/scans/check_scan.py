"""Check scale and axes of a scan by what its frames show: do they agree, and where is the floor?

Two frames see the same surfaces: points of one, moved into the other by the poses, must have the
depth that the other measured. If they have it only with another unit of depth, inverted poses or
other camera axes, the warning names what is suspect. Then the floor must be level and below the
cameras, at the height of a person's hand.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import back_project, invert, opengl_from_opencv
from workflow_scripts.geometry.floor import find_floor
from workflow_scripts.sources.readers.scans.base import Scan, ScanFrame, usable_frames

MAX_FRAMES = 16
POINTS_A_FRAME = 600
MAX_ERROR = 0.03
"""Median relative difference of depth between frames up to which nothing is suspect."""
MAX_TILT_DEG = 4.0
CAMERA_HEIGHT_M = (0.2, 3.0)
_MIN_SHARED = 0.15
_SCALES = tuple(
    sorted({1.0, 5.0, 0.2, 6.5535, 1 / 6.5535, *(10 ** (k / 12) for k in range(-36, 37))})
)
_UNITS = {"millimetres": 1000.0, "centimetres": 100.0, "feet": 3.2808, "inches": 39.37}
_AXES = ("+X", "-X", "+Y", "-Y", "+Z", "-Z")


@dataclass(frozen=True)
class _Sample:
    """Pixels of a frame: points in its camera at depth 1 times depth, and what it measured."""

    points: np.ndarray
    depth_m: np.ndarray
    intrinsics: np.ndarray
    pose: np.ndarray


def check_scan(scan: Scan, rng: np.random.Generator) -> list[str]:
    """Return warnings about units and axes of a scan, one line each; none for what looks right.

    Reads the depth of at most 16 frames. A scan without depth is not checked.
    """
    frames = [frame for frame in usable_frames(scan) if frame.load_depth_m is not None]
    steps = np.linspace(0, len(frames) - 1, min(MAX_FRAMES, len(frames))).round().astype(int)
    samples = [
        sample
        for index in sorted(set(steps.tolist()))
        if (sample := _sample(frames[index], rng)) is not None
    ]
    if not samples:
        return []
    warning = _disagreement(samples)
    if warning:
        # Until this is mended the cloud shows no floor.
        return [warning]
    return _floor_warnings(samples, rng) if scan.has_gravity else []


def _sample(frame: ScanFrame, rng: np.random.Generator) -> _Sample | None:
    assert frame.load_depth_m is not None
    assert frame.world_from_camera is not None
    try:
        depth_m = frame.load_depth_m()
    except (UserError, OSError):
        return None
    points = back_project(depth_m, frame.depth_intrinsics, np.eye(4))
    points = points[np.isfinite(points).all(axis=-1)]
    if len(points) < POINTS_A_FRAME // 10:
        return None
    points = points[rng.permutation(len(points))[:POINTS_A_FRAME]]
    return _Sample(points, depth_m, frame.depth_intrinsics, frame.world_from_camera)


def _disagreement(samples: list[_Sample]) -> str:
    """Return a warning if frames agree only after a change of units or axes."""
    poses = np.array([sample.pose for sample in samples])
    # Inverting a pose of ours stands for reading world-to-camera matrices as camera-to-world ones.
    changes = {
        "": poses,
        "poses map the world to the camera, not the camera to the world": invert(poses),
        "the camera's y and z axes point the other way (OpenGL against OpenCV)": (
            opengl_from_opencv(poses)
        ),
        "poses map the world to the camera, and its y and z axes point the other way": (
            invert(opengl_from_opencv(poses))
        ),
    }
    as_read = _error(samples, poses, 1.0)
    if as_read <= MAX_ERROR:
        return ""
    # Where frames as read see nothing in common, only a good agreement says that they should.
    best_error, best = min(as_read, 2 * MAX_ERROR), ("", 1.0)
    for change, changed in changes.items():
        for scale in _SCALES:
            error = _error(samples, changed, scale)
            # A change of one thing is likelier than of two.
            penalty = 1.0 + 0.5 * ((change != "") + (scale != 1.0))
            if error * penalty < best_error:
                best_error, best = error * penalty, (change, scale)
    change, scale = best
    if best == ("", 1.0) and not np.isfinite(as_read):
        return ""
    disagree = (
        f"frames disagree by {100 * as_read:.0f} % of their depth"
        if np.isfinite(as_read)
        else "frames see nothing in common"
    )
    if best == ("", 1.0) or best_error > 0.5 * as_read:
        return (
            f"{disagree}: poses and depth do not fit; check the unit of depth, the times of poses, "
            "and K"
        )
    parts = [change] if change else []
    if scale != 1.0:
        parts.append(
            f"depth is multiplied by {scale:.3g} (is its unit another one, or were the poses "
            "rescaled?)"
        )
    return f"{disagree}, and agree if {' and '.join(parts)}"


def _error(samples: list[_Sample], poses: np.ndarray, scale: float) -> float:
    """Return the median relative difference of depth over pairs of frames; infinite if unknown."""
    differences: list[np.ndarray] = []
    num_points = 0
    for first in range(len(samples)):
        for second in (first + 1, first + 2):
            if second >= len(samples):
                continue
            a, b = samples[first], samples[second]
            relative = invert(poses[second]) @ poses[first]
            points = scale * a.points @ relative[:3, :3].T + relative[:3, 3]
            num_points += len(points)
            differences.append(_differences(points, b, scale))
    seen = np.concatenate(differences) if differences else np.zeros(0)
    if len(seen) < max(_MIN_SHARED * num_points, 50):
        return float("inf")
    return float(np.median(seen))


def _differences(points: np.ndarray, other: _Sample, scale: float) -> np.ndarray:
    points = points[points[:, 2] > 1e-6]
    k, (height, width) = other.intrinsics, other.depth_m.shape
    columns = np.floor(k[0, 0] * points[:, 0] / points[:, 2] + k[0, 2])
    rows = np.floor(k[1, 1] * points[:, 1] / points[:, 2] + k[1, 2])
    is_inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    rows, columns = rows[is_inside].astype(int), columns[is_inside].astype(int)
    measured = scale * other.depth_m[rows, columns].astype(np.float64)
    difference = np.abs(points[is_inside, 2] - measured) / measured
    result: np.ndarray = difference[np.isfinite(difference)]
    return result


def _floor_warnings(samples: list[_Sample], rng: np.random.Generator) -> list[str]:
    """Return what is suspicious about the floor and the height of the cameras above it."""
    points = np.concatenate(
        [sample.points @ sample.pose[:3, :3].T + sample.pose[:3, 3] for sample in samples]
    )
    cameras = np.array([sample.pose[:3, 3] for sample in samples])
    # Tolerances of the floor are for metres; lengths in another unit are brought near them.
    extent = float(np.median(np.ptp(points, axis=0)))
    scale = extent / 4.0 if extent > 40 or extent < 0.4 else 1.0
    up = -np.array([sample.pose[:3, 1] for sample in samples]).mean(axis=0)
    axes = np.concatenate([np.eye(3), -np.eye(3)])[[0, 3, 1, 4, 2, 5]]
    along = int(np.argmax(axes @ up))
    if axes[along] @ up > 0.6 and along != 4:
        floor = find_floor(points / scale, rng=rng, up=tuple(axes[along]))
        if floor is not None:
            return [
                f"the floor lies across {_AXES[along]}, which is up in the pictures: the world's "
                "up axis is not +Z"
            ]
    floor = find_floor(points / scale, rng=rng)
    if floor is None:
        return ["no level floor was seen below the cameras: scale and gravity are not checked"]
    normal = np.array(floor.normal)
    tilt_deg = float(np.rad2deg(np.arccos(np.clip(normal[2], -1, 1))))
    warnings = []
    if tilt_deg > MAX_TILT_DEG:
        warnings.append(
            f"the floor is tilted by {tilt_deg:.1f} degrees: the world's +Z is not straight up"
        )
    height = float(np.median(cameras @ normal)) - floor.offset_m * scale
    low, high = CAMERA_HEIGHT_M
    if not low <= height <= high:
        unit = next((name for name, units in _UNITS.items() if 0.5 <= height / units <= 2.5), None)
        suspect = f"; are lengths in {unit}?" if unit else "; are its lengths meters?"
        warnings.append(f"the camera is {height:.3g} m above the floor{suspect}")
    return warnings
