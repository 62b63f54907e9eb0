"""`transforms.json` as nerfstudio, instant-ngp and ScanNet++ write it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from testing.posed_room import PosedRoom
from testing.scan_layouts.pictures import jpeg, png
from workflow_scripts.geometry.pose_conventions import pose_in_convention


def camera_keys(k: np.ndarray, size_px: tuple[int, int]) -> dict[str, Any]:
    """Return fl_x, fl_y, cx, cy, w, h."""
    keys = {"fl_x": k[0, 0], "fl_y": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]}
    return {**keys, "w": size_px[0], "h": size_px[1]}


def write_nerfstudio(folder: Path, room: PosedRoom, **extra: Any) -> Path:
    """Write pictures, depth and `transforms.json`; `extra` keys are added to the file."""
    target = folder / "my_room"
    for name in ("images", "depth"):
        (target / name).mkdir(parents=True)
    frames = []
    poses = pose_in_convention(room.poses, up="z", camera="opengl")
    for index, pose in enumerate(poses):
        (target / f"images/frame_{index + 1:05d}.jpg").write_bytes(jpeg(room.colour[index]))
        (target / f"depth/{index + 1:05d}.png").write_bytes(png(room.depth_mm[index]))
        frames.append(
            {
                "file_path": f"images/frame_{index + 1:05d}.jpg",
                "depth_file_path": f"depth/{index + 1:05d}.png",
                "transform_matrix": pose.tolist(),
            }
        )
    content = {
        "camera_model": "OPENCV",
        **camera_keys(room.colour_intrinsics, room.colour_size_px),
        "k1": 0.0,
        "k2": 0.0,
        "p1": 0.0,
        "p2": 0.0,
        "frames": frames,
        **extra,
    }
    (target / "transforms.json").write_text(json.dumps(content))
    return target
