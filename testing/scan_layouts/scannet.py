"""ScanNet: `.sens` version 4, `posed_images`, the export, and the annotation of the mesh."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np

from testing.posed_room import BOXES, ROOM_HIGH_M, PosedRoom
from testing.scan_layouts.pictures import jpeg, matrix_text, png

#: From the scan's own frame to the aligned one, in which the room is.
ALIGNMENT = np.array(
    [
        [np.cos(0.4), -np.sin(0.4), 0, 1.2],
        [np.sin(0.4), np.cos(0.4), 0, -0.7],
        [0, 0, 1, 0.05],
        [0, 0, 0, 1],
    ]
)


def unaligned(poses: np.ndarray) -> np.ndarray:
    """Return poses [n, 4, 4] in the scan's own frame."""
    return np.linalg.inv(ALIGNMENT) @ poses


def whole_pixels(k: np.ndarray) -> np.ndarray:
    """Return K as 4 x 4 of pixels with centres at whole numbers."""
    result = np.eye(4)
    result[:3, :3] = k
    result[:2, 2] -= 0.5
    return result


def write_alignment(path: Path) -> None:
    numbers = " ".join(f"{value:.9g}" for value in ALIGNMENT.ravel())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"appVersionId = 9\naxisAlignment = {numbers} \ncolorHeight = 72\n")


def sens_bytes(room: PosedRoom, *, depth_compression: int = 1, version: int = 4) -> bytes:
    """Return a .sens file of the room, frames at 30 Hz."""
    matrices = [
        whole_pixels(room.colour_intrinsics),
        np.eye(4),
        whole_pixels(room.depth_intrinsics),
        np.eye(4),
    ]
    name = b"StructureSensor"
    parts = [struct.pack("<IQ", version, len(name)), name]
    parts += [matrix.astype("<f4").tobytes() for matrix in matrices]
    parts.append(
        struct.pack(
            "<2i4IfQ",
            2,
            depth_compression,
            *room.colour_size_px,
            *room.depth_size_px,
            1000.0,
            len(room),
        )
    )
    for index, pose in enumerate(unaligned(room.poses)):
        colour = jpeg(room.colour[index])
        depth = room.depth_mm[index].astype("<u2").tobytes()
        if depth_compression == 1:
            depth = zlib.compress(depth)
        time_us = int(room.times_s[index] * 1e6)
        parts.append(pose.astype("<f4").tobytes())
        parts.append(struct.pack("<4Q", time_us, time_us + 3000, len(colour), len(depth)))
        parts += [colour, depth]
    return b"".join(parts)


def write_sens(folder: Path, room: PosedRoom, scan: str = "scene0000_00") -> Path:
    """Write `scans/<scan>/<scan>.sens` with its alignment; return the scan's folder."""
    target = folder / "scans" / scan
    write_alignment(target / f"{scan}.txt")
    (target / f"{scan}.sens").write_bytes(sens_bytes(room))
    return target


def write_posed_images(folder: Path, room: PosedRoom, scan: str = "scene0000_00") -> Path:
    """Write `posed_images/<scan>` of every tenth frame, and `scans/<scan>/<scan>.txt`."""
    target = folder / "posed_images" / scan
    target.mkdir(parents=True)
    write_alignment(folder / "scans" / scan / f"{scan}.txt")
    (target / "intrinsic.txt").write_text(matrix_text(whole_pixels(room.colour_intrinsics)))
    (target / "depth_intrinsic.txt").write_text(matrix_text(whole_pixels(room.depth_intrinsics)))
    for index, pose in enumerate(unaligned(room.poses)):
        stem = target / f"{10 * index:05d}"
        stem.with_suffix(".jpg").write_bytes(jpeg(room.colour[index]))
        stem.with_suffix(".png").write_bytes(png(room.depth_mm[index]))
        stem.with_suffix(".txt").write_text(matrix_text(pose))
    return target


def write_export(folder: Path, room: PosedRoom, scan: str = "scene0000_00") -> Path:
    """Write what ScanNet's SensReader exports; names are not padded."""
    target = folder / scan
    for name in ("color", "depth", "pose", "intrinsic"):
        (target / name).mkdir(parents=True)
    write_alignment(target / f"{scan}.txt")
    for name, k in (("color", room.colour_intrinsics), ("depth", room.depth_intrinsics)):
        (target / f"intrinsic/intrinsic_{name}.txt").write_text(matrix_text(whole_pixels(k)))
        (target / f"intrinsic/extrinsic_{name}.txt").write_text(matrix_text(np.eye(4)))
    for index, pose in enumerate(unaligned(room.poses)):
        (target / f"color/{index}.jpg").write_bytes(jpeg(room.colour[index]))
        (target / f"depth/{index}.png").write_bytes(png(room.depth_mm[index]))
        (target / f"pose/{index}.txt").write_text(matrix_text(pose))
    return target


def mesh_vertices(step_m: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return points f64 [n, 3] of floor and boxes in the aligned frame, and numbers (0 floor)."""
    grid = np.mgrid[0 : ROOM_HIGH_M[0] : step_m, 0 : ROOM_HIGH_M[1] : step_m].reshape(2, -1).T
    points, numbers = [np.c_[grid, np.zeros(len(grid))]], [np.zeros(len(grid), int)]
    for number, (_, low, high) in enumerate(BOXES, start=1):
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        box = np.array(low) + corners * (np.array(high) - np.array(low))
        points.append(box)
        numbers.append(np.full(len(box), number))
    return np.concatenate(points), np.concatenate(numbers)


def ply_bytes(points: np.ndarray, *, kind: str = "binary_little_endian") -> bytes:
    """Return a PLY of vertices with colours and one face."""
    header = (
        f"ply\nformat {kind} 1.0\ncomment of a test\nelement vertex {len(points)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\nproperty uchar alpha\n"
        "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    )
    if kind == "ascii":
        rows = "".join(f"{x:.6f} {y:.6f} {z:.6f} 9 8 7 255\n" for x, y, z in points)
        return (header + rows + "3 0 1 2\n").encode()
    order = "<" if kind == "binary_little_endian" else ">"
    fields = [(name, f"{order}f4") for name in "xyz"]
    fields += [(name, "u1") for name in ("red", "green", "blue", "alpha")]
    table = np.zeros(len(points), dtype=fields)
    for axis, name in enumerate("xyz"):
        table[name] = points[:, axis]
    return header.encode() + table.tobytes() + struct.pack(f"{order}B3i", 3, 0, 1, 2)


def write_annotation(folder: Path, scan: str = "scene0000_00", *, first_id: int = 0) -> None:
    """Write mesh, segments and aggregation; ids are `first_id`, +2, +4, ...: with gaps."""
    points, numbers = mesh_vertices()
    inverse = np.linalg.inv(ALIGNMENT)
    points = points @ inverse[:3, :3].T + inverse[:3, 3]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{scan}_vh_clean_2.ply").write_bytes(ply_bytes(points))
    # Two segments an object: its vertices alternate.
    segments = numbers * 100 + (np.arange(len(numbers)) % 2) * (numbers > 0)
    (folder / f"{scan}_vh_clean_2.0.010000.segs.json").write_text(
        json.dumps({"sceneId": scan, "segIndices": segments.tolist()})
    )
    groups = [
        {
            "id": first_id + 2 * index,
            "objectId": first_id + 2 * index,
            "segments": [100 * (index + 1), 100 * (index + 1) + 1],
            "label": label,
        }
        for index, (label, _, _) in enumerate(BOXES)
    ]
    (folder / f"{scan}.aggregation.json").write_text(
        json.dumps({"sceneId": f"scannet.{scan}", "segGroups": groups})
    )
