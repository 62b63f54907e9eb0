"""Frames of a phone that was held on its side, turned so that up is up in their pictures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from workflow_scripts.geometry.pose_conventions import (
    turned_intrinsics,
    turned_pose,
    turns_to_upright,
)
from workflow_scripts.sources.readers.scans.base import ScanFrame


def upright_frames(frames: Sequence[ScanFrame]) -> tuple[list[ScanFrame], list[str]]:
    """Return frames turned by quarter turns, all alike, and a line that says so if they were.

    Pictures, depth, ids, K and poses turn together; encoded bytes are no longer offered.
    """
    poses = [frame.world_from_camera for frame in frames if frame.world_from_camera is not None]
    turns = turns_to_upright(np.array(poses)) if poses else 0
    if not turns:
        return list(frames), []
    note = f"pictures lie on their side and are turned by {90 * turns} degrees counter-clockwise"
    if turns == 2:
        note = (
            "pictures are upside down and are turned by 180 degrees; if they are not, +Z points "
            "down in the poses, or the camera's axes are OpenGL's where OpenCV's are expected"
        )
    return [_turned(frame, turns) for frame in frames], [note]


def _turned(frame: ScanFrame, turns: int) -> ScanFrame:
    def loader(load: Callable[[], np.ndarray] | None) -> Callable[[], np.ndarray] | None:
        return None if load is None else partial(_load_turned, load, turns)

    swap = turns % 2
    return replace(
        frame,
        world_from_camera=None
        if frame.world_from_camera is None
        else turned_pose(frame.world_from_camera, turns),
        depth_intrinsics=turned_intrinsics(frame.depth_intrinsics, frame.depth_size_px, turns),
        depth_size_px=frame.depth_size_px[::-1] if swap else frame.depth_size_px,
        colour_intrinsics=turned_intrinsics(frame.colour_intrinsics, frame.colour_size_px, turns),
        colour_size_px=frame.colour_size_px[::-1] if swap else frame.colour_size_px,
        load_rgb=partial(_load_turned, frame.load_rgb, turns),
        load_depth_m=loader(frame.load_depth_m),
        load_instance=loader(frame.load_instance),
        load_encoded_rgb=None,
        quarter_turns=turns,
    )


def _load_turned(load: Callable[[], np.ndarray], turns: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(load(), turns))
