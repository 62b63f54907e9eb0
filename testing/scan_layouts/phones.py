"""ARKitScenes, Polycam and Record3D: what apps of phones with LiDAR write."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from testing.posed_room import BOXES, PosedRoom
from testing.scan_layouts.exr import ZIP, exr_bytes
from testing.scan_layouts.pictures import jpeg, png
from workflow_scripts.geometry.pose_conventions import (
    axis_angle_from_pose,
    pose_in_convention,
    quaternion_from_pose,
)
from workflow_scripts.sources.readers.scans.lzfse import compress_stored


def write_arkitscenes(folder: Path, room: PosedRoom, *, video: str = "41048190") -> Path:
    """Write a 3dod video; times of depth and cameras differ by milliseconds from the pictures'."""
    target = folder / video
    frames = target / f"{video}_frames"
    for inner in ("lowres_wide", "lowres_depth", "lowres_wide_intrinsics"):
        (frames / inner).mkdir(parents=True)
    poses = pose_in_convention(room.poses, up="z", camera="opencv", is_world_to_camera=True)
    k, (width, height) = room.colour_intrinsics, room.colour_size_px
    lines = []
    for index, time_s in enumerate(room.times_s):
        (frames / f"lowres_wide/{video}_{time_s:.3f}.png").write_bytes(png(room.colour[index]))
        name = f"lowres_depth/{video}_{time_s + 0.004:.3f}.png"
        (frames / name).write_bytes(png(room.depth_mm[index]))
        numbers = [width, height, k[0, 0], k[1, 1], k[0, 2], k[1, 2]]
        name = f"lowres_wide_intrinsics/{video}_{time_s - 0.003:.3f}.pincam"
        (frames / name).write_text(" ".join(f"{number:.9g}" for number in numbers))
        vector = axis_angle_from_pose(poses[index : index + 1])[0]
        values = [time_s, *vector, *poses[index, :3, 3]]
        lines.append(" ".join(f"{value:.9f}" for value in values))
    (frames / "lowres_wide.traj").write_text("\n".join(lines) + "\n")
    data = []
    for label, low, high in BOXES:
        centre = (np.array(low) + np.array(high)) / 2
        size = np.array(high) - np.array(low)
        # Turned by 30 degrees about the vertical.
        cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
        data.append(
            {
                "label": label.replace(" ", "_"),
                "uid": f"id-{len(data)}",
                "segments": {
                    "obbAligned": {
                        "centroid": centre.tolist(),
                        "axesLengths": size.tolist(),
                        "normalizedAxes": [cos, sin, 0, -sin, cos, 0, 0, 0, 1],
                    }
                },
            }
        )
    content = {"skipped": False, "data": data}
    (target / f"{video}_3dod_annotation.json").write_text(json.dumps(content))
    return target


def write_polycam(folder: Path, room: PosedRoom, *, corrected: bool = False) -> Path:
    """Write a raw export; corrected pictures have black borders of 15 pixels."""
    target = folder / "living room"
    prefix = "corrected_" if corrected else ""
    for inner in (f"{prefix}images", f"{prefix}cameras", "depth", "confidence"):
        (target / "keyframes" / inner).mkdir(parents=True)
    poses = pose_in_convention(room.poses, up="y", camera="opengl")
    k, (width, height) = room.colour_intrinsics, room.colour_size_px
    for index, pose in enumerate(poses):
        stem = f"{int(room.times_s[index] * 1e6)}"
        colour = room.colour[index].copy()
        if corrected:
            colour[:15], colour[-15:], colour[:, :15], colour[:, -15:] = 0, 0, 0, 0
        camera = {f"t_{row}{column}": pose[row, column] for row in range(3) for column in range(4)}
        camera |= {"fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]}
        camera |= {"width": width, "height": height, "blur_score": 90.5}
        keyframes = target / "keyframes"
        (keyframes / f"{prefix}images/{stem}.jpg").write_bytes(jpeg(colour))
        (keyframes / f"{prefix}cameras/{stem}.json").write_text(json.dumps(camera, default=float))
        (keyframes / f"depth/{stem}.png").write_bytes(png(room.depth_mm[index]))
        confidence = np.full(room.depth_m.shape[1:], 255, np.uint8)
        confidence[0, :4] = [0, 127, 0, 127]
        (keyframes / f"confidence/{stem}.png").write_bytes(png(confidence))
    (target / "mesh_info.json").write_text('{"alignmentTransform": []}')
    return target


def write_record3d_export(folder: Path, room: PosedRoom, *, compression: int = ZIP) -> Path:
    """Write the export "EXR + RGB"; depth is the only channel, called R."""
    target = folder / "EXR_RGBD"
    for inner in ("rgb", "depth"):
        (target / inner).mkdir(parents=True)
    metadata = _record3d_metadata(room, own_intrinsics=True)
    (target / "metadata.json").write_text(json.dumps(metadata))
    for index in range(len(room)):
        (target / f"rgb/{index}.jpg").write_bytes(jpeg(room.colour[index]))
        content = exr_bytes({"R": room.depth_m[index].astype("<f4")}, compression=compression)
        (target / f"depth/{index}.exr").write_bytes(content)
    return target


def write_record3d(
    folder: Path,
    room: PosedRoom,
    *,
    as_folder: bool = False,
    own_intrinsics: bool = True,
    compress: Callable[[bytes], bytes] = compress_stored,
) -> Path:
    """Write `room.r3d`, or the folder that it unpacks to; K of the scan is off with own ones."""
    metadata = _record3d_metadata(room, own_intrinsics=own_intrinsics)
    files = {"metadata": json.dumps(metadata).encode()}
    for index in range(len(room)):
        files[f"rgbd/{index}.jpg"] = jpeg(room.colour[index])
        depth_m = room.depth_m[index].astype("<f4")
        files[f"rgbd/{index}.depth"] = compress(depth_m.tobytes())
        confidence = np.full(depth_m.shape, 2, np.uint8)
        confidence[0, 0] = 0
        files[f"rgbd/{index}.conf"] = compress(confidence.tobytes())
    if as_folder:
        for name, content in files.items():
            (folder / "room" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "room" / name).write_bytes(content)
        return folder / "room"
    path = folder / "room.r3d"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _record3d_metadata(room: PosedRoom, *, own_intrinsics: bool) -> dict[str, Any]:
    """Return the JSON of a recording; K of the scan is off where frames have their own."""
    poses = pose_in_convention(room.poses, up="y", camera="opengl")
    k = room.colour_intrinsics
    metadata = {
        "w": room.colour_size_px[0],
        "h": room.colour_size_px[1],
        "dw": room.depth_size_px[0],
        "dh": room.depth_size_px[1],
        "fps": 30,
        "K": (1.3 * k if own_intrinsics else k).T.ravel().tolist(),
        "poses": np.c_[quaternion_from_pose(poses), poses[:, :3, 3]].tolist(),
        "initPose": [0, 0, 0, 1, 0, 0, 0],
        "frameTimestamps": room.times_s.tolist(),
    }
    if own_intrinsics:
        row = [k[0, 0], k[1, 1], k[0, 2], k[1, 2]]
        metadata["perFrameIntrinsicCoeffs"] = [row] * len(room)
    return metadata
