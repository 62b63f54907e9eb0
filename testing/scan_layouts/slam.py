"""TUM RGB-D and Replica (NICE-SLAM)."""

import json
from pathlib import Path

from testing.posed_room import PosedRoom
from testing.scan_layouts.pictures import jpeg, png
from testing.scan_layouts.scannet import whole_pixels
from workflow_scripts.geometry.pose_conventions import quaternion_from_pose

TUM_HEADER = "# ground truth trajectory\n# file: 'room.bag'\n"


def write_tum(
    folder: Path,
    room: PosedRoom,
    *,
    name: str = "my_room",
    offset_s: float = 0.012,
    per_metre: float = 5000.0,
) -> Path:
    """Write a sequence; colour is `offset_s` earlier than depth, poses are at depth's times.

    Colour has the size of depth here, so that one K is that of both.
    """
    target = folder / name
    for inner in ("rgb", "depth"):
        (target / inner).mkdir(parents=True)
    lists: dict[str, list[str]] = {"rgb": [], "depth": [], "groundtruth": []}
    quaternions = quaternion_from_pose(room.poses)
    for index, time_s in enumerate(room.times_s):
        colour_s = time_s - offset_s
        (target / f"rgb/{colour_s:.6f}.png").write_bytes(png(room.colour[index]))
        depth = png(room.depth_counts(per_metre)[index])
        (target / f"depth/{time_s:.6f}.png").write_bytes(depth)
        lists["rgb"].append(f"{colour_s:.6f} rgb/{colour_s:.6f}.png")
        lists["depth"].append(f"{time_s:.6f} depth/{time_s:.6f}.png")
        numbers = [*room.poses[index, :3, 3], *quaternions[index]]
        lists["groundtruth"].append(" ".join([f"{time_s:.6f}", *(f"{x:.8f}" for x in numbers)]))
    for inner, lines in lists.items():
        (target / f"{inner}.txt").write_text(TUM_HEADER + "\n".join(lines) + "\n")
    k = whole_pixels(room.colour_intrinsics)
    (target / "intrinsics.txt").write_text(f"{k[0, 0]} {k[1, 1]} {k[0, 2]} {k[1, 2]}\n")
    return target


def write_replica(folder: Path, room: PosedRoom, *, scale: float = 6553.5) -> Path:
    """Write a rendered room; colour has the size of depth."""
    target = folder / "room0"
    (target / "results").mkdir(parents=True)
    for index in range(len(room)):
        (target / f"results/frame{index:06d}.jpg").write_bytes(jpeg(room.colour[index]))
        (target / f"results/depth{index:06d}.png").write_bytes(png(room.depth_counts(scale)[index]))
    lines = [" ".join(f"{value:.10e}" for value in pose.ravel()) for pose in room.poses]
    (target / "traj.txt").write_text("\n".join(lines) + "\n")
    k = whole_pixels(room.colour_intrinsics)
    width, height = room.colour_size_px
    camera = {"w": width, "h": height, "fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]}
    content = {"camera": {**camera, "scale": scale}}
    (folder / "cam_params.json").write_text(json.dumps(content, default=float))
    return target
