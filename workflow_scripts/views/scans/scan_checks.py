"""Say what is suspicious about the scale and the axes of a scan that was read from files.

A person films a room: the camera is 0.2 to 3.5 m above the floor and moves mostly level, and the
scan is a metre to a hundred metres wide. What is far from that is nearly always a wrong unit or a
wrong axis.
"""

from collections.abc import Sequence

import numpy as np

CAMERA_HEIGHT_M = (0.2, 3.5)
WIDTH_M = (0.7, 100.0)
_ROOM_HEIGHT_M = (1.0, 12.0)
_AXES = "xyz"


def scale_warnings(points_m: np.ndarray, cameras_m: np.ndarray) -> list[str]:
    """Return what is suspicious, one line each.

    `points_m` [n, 3] is a sample of what the frames show, `cameras_m` [f, 3] where they are, both
    in the world frame, Z up.
    """
    if len(points_m) < 100 or not len(cameras_m):
        return []
    low, high = np.quantile(points_m, (0.01, 0.99), axis=0)
    size = high - low
    warnings = []
    if not WIDTH_M[0] <= max(size[:2]) <= WIDTH_M[1]:
        unit = "millimeters read as meters" if max(size[:2]) > WIDTH_M[1] else "meters divided"
        warnings.append(
            f"the scan is {size[0]:.3g} x {size[1]:.3g} m wide: is the unit of depth and poses "
            f"right ({unit}, or a reconstruction without scale)?"
        )
        return warnings
    up = level_axis(cameras_m)
    if up not in ("", "z"):
        warnings.append(f"the camera moves least along {up}, not along z: is {up} up?")
        return warnings
    height_m = float(np.median(cameras_m[:, 2]) - low[2])
    if not CAMERA_HEIGHT_M[0] <= height_m <= CAMERA_HEIGHT_M[1]:
        warnings.append(
            f"the camera is {height_m:.2f} m above the lowest 1 % of what it shows, not "
            f"{CAMERA_HEIGHT_M[0]} to {CAMERA_HEIGHT_M[1]} m: is z up, and is the scale right?"
        )
    elif size[2] > _ROOM_HEIGHT_M[1] or (size[2] > 1.5 * max(size[:2]) and size[2] > 4):
        warnings.append(
            f"the scan is {size[2]:.1f} m high and {size[0]:.1f} x {size[1]:.1f} m wide: is z up?"
        )
    return warnings


def level_axis(cameras_m: np.ndarray) -> str:
    """Return the axis along which cameras [f, 3] keep their place, "" if that is not clear.

    Someone who films walks over the floor and hardly moves the camera up or down.
    """
    spread = np.quantile(cameras_m, 0.95, axis=0) - np.quantile(cameras_m, 0.05, axis=0)
    is_clear = spread.max() > 0.5 and spread.min() < 0.3 * np.median(spread)
    return _AXES[int(np.argmin(spread))] if is_clear else ""


def pose_warnings(poses: Sequence[np.ndarray]) -> list[str]:
    """Return what is suspicious about poses [4, 4] as a whole."""
    if len(poses) > 1 and all(np.allclose(pose, poses[0], atol=1e-9) for pose in poses[1:]):
        return [f"all {len(poses)} poses are equal: was tracking lost?"]
    return []
