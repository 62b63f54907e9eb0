"""Measure the memory and time of fusing a long scan: what rule fuse_shard takes for 500 frames.

Run from the repository: `python -m benchmarks.scan_fusion`. A camera walks around in an empty
room, with colour and depth of 640 x 480; the shard of views is written to a temporary folder (1.4
GB) and fused by the command of the rule. `--voxel-m 0.005` makes a scan of more cells than are
held at once, which is fused in parts.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, report_figures
from benchmarks.frame_selection import room_frames
from workflow_scripts.common.cli import run
from workflow_scripts.common.cloud_shard import CloudShard
from workflow_scripts.common.records import (
    ObjectRow,
    ViewRow,
    VisibilityRow,
    records_to_frame,
)
from workflow_scripts.common.storage import write_table
from workflow_scripts.common.view_shard import table_path, write_views
from workflow_scripts.geometry.cameras import Camera, yaw_pitch_deg
from workflow_scripts.views.frame import Frame
from workflow_scripts.views.frame_spool import FrameSpool

LIMIT_GB = 2.0


def main(
    *,
    frames: int = 500,
    width_px: int = 640,
    height_px: int = 480,
    voxel_m: float = 0.04,
    normals: bool = True,
) -> None:
    """Print the largest memory of the command, and its rate.

    Args:
        frames: frames of the scan.
        width_px: width of a frame.
        height_px: height of a frame.
        voxel_m: side of a voxel.
        normals: whether normals are estimated, as by default.
    """
    with tempfile.TemporaryDirectory() as folder:
        views, out = Path(folder) / "views/0000.zarr", Path(folder) / "clouds/0000.zarr"
        out.parent.mkdir()
        _write_scan(views, frames, width_px, height_px)
        settings = json.dumps({"voxel_m": voxel_m, "normals": normals})
        command = [sys.executable, "-m", "workflow_scripts.pointclouds.fuse_shard"]
        command += ["--views", str(views), "--out", str(out), "--seed", "7"]
        start, before = time.perf_counter(), _child_cpu_s()
        memory_gb = _run([*command, "--settings", settings])
        wall_s, cpu_s = time.perf_counter() - start, _child_cpu_s() - before
        num_points = len(CloudShard.open(out).cloud(0))
    size = f"{frames} frames of {width_px} x {height_px}, voxels of {100 * voxel_m:g} cm"
    report_figures(
        "scan_fusion",
        [
            Figure(
                f"memory of fusing {size}",
                f"{memory_gb:.2f} GB",
                f"limit: {LIMIT_GB:g}; {num_points:,} points",
            ),
            Figure("time of the same", f"{cpu_s:.0f} CPU s", f"{wall_s:.0f} s by the clock"),
        ],
    )


def _run(command: list[str]) -> float:
    """Run a command and return its largest memory in GB.

    It is read while the command runs: what the system reports afterwards has the memory of this
    process in it, from which the command was started.
    """
    memory_kb = 0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    memory_kb = max(memory_kb, int(line.split()[1]))
            time.sleep(0.05)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return memory_kb * 1024 / 1e9


def _child_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write_scan(path: Path, frames: int, width_px: int, height_px: int) -> None:
    """Write a shard of one scan; the colour of a pixel follows its depth."""
    path.parent.mkdir(parents=True)
    rows: list[ViewRow] = []
    with FrameSpool(path.parent, width_px=width_px, height_px=height_px) as spool:
        for number, (depth_m, k, pose) in enumerate(room_frames(frames, width_px, height_px)):
            grey = np.clip(np.nan_to_num(depth_m * 25), 0, 255).astype(np.uint8)
            rgb = np.repeat(grey[..., None], 3, axis=2)
            camera = Camera(width_px, height_px, k, pose)
            instance = np.zeros(depth_m.shape, np.uint16)
            view = spool.add(Frame(rgb, depth_m, instance), camera)
            yaw_deg, pitch_deg = yaw_pitch_deg(pose)
            rows.append(
                ViewRow(
                    view=view,
                    view_id=f"scan-{view:03d}",
                    scene_id="scan",
                    source="scans",
                    split="train",
                    room_id="",
                    room_type="",
                    policy="scan",
                    yaw_deg=yaw_deg,
                    pitch_deg=pitch_deg,
                    vertical_fov_deg=camera.vertical_fov_deg,
                    intrinsics_source="given",
                    pose_source="given",
                    num_visible_objects=0,
                    is_best=number == 0,
                    frame=number,
                    timestamp_s=number / 10,
                )
            )
        write_table(table_path(path, "views"), records_to_frame(rows, ViewRow))
        write_table(table_path(path, "objects"), records_to_frame([], ObjectRow))
        write_table(table_path(path, "visibility"), records_to_frame([], VisibilityRow))
        write_views(path, spool.arrays(), attributes={"source": "scans", "min_pixels": 100})


if __name__ == "__main__":
    run(main)
