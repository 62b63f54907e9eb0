"""Measure whole rendering jobs: CPU seconds from a house's JSON to the Zarr store of its views."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.view_shard import write_views
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.sources.readers.procthor_house import Room, rooms
from workflow_scripts.views.backends.pathtrace import PathtraceRenderer, TracedHouse
from workflow_scripts.views.policies import Pose, corner, random
from workflow_scripts.views.probe import probe_camera, rejection_reason

NUM_CORES = 2
WALK_STEP_DEG = 4.0
VIEWS_GOAL, WALK_GOAL = 4, 8
"""Frames a second on two cores: for a few views of a house, and for many neighbouring ones."""


def rate_figures(
    preset: str, furniture: str, *, views: int, walk: int, num_houses: int, size_px: int, seed: int
) -> list[Figure]:
    """Return frames a second of jobs with `views` of a house, and with a `walk` through it.

    All costs count; a count of 0 is left out.
    """
    figures = []
    renderer = PathtraceRenderer(preset=preset, furniture=furniture)
    for count, goal, step_deg in ((views, VIEWS_GOAL, None), (walk, WALK_GOAL, WALK_STEP_DEG)):
        if not count:
            continue
        job_cpu_s(renderer, generate_house(seed, num_houses), 2, size_px, step_deg)  # compiles
        cpu_s = [
            job_cpu_s(renderer, generate_house(seed, index), count, size_px, step_deg) / count
            for index in range(num_houses)
        ]
        kind = "neighbouring views" if step_deg else "views"
        figures.append(
            Figure(
                f"{count} {kind} a house to Zarr, preset {preset}, {NUM_CORES} cores, {size_px} "
                f"px, {num_houses} houses together",
                f"{NUM_CORES / np.mean(cpu_s):.1f} frames/s",
                f"goal: at least {goal}; slowest house {NUM_CORES / max(cpu_s):.1f}, fastest "
                f"{NUM_CORES / min(cpu_s):.1f}",
            )
        )
    return figures


def good_cameras(
    loaded: TracedHouse, room: Room, count: int, size_px: int, seed: int
) -> list[Camera]:
    """Return good corner views of a room, then random ones."""
    objects = [row.instance for row in loaded.objects if row.kind == "object"]
    places, cameras = loaded.reachable_m(), []
    generator = rng(seed, "benchmark", room.room_id)
    for pose in (*corner(room, places, generator, count), *random(room, places, generator, count)):
        camera = _camera(pose, size_px)
        depth_m, instance = loaded.geometry(probe_camera(camera))
        reason = rejection_reason(
            depth_m, instance, object_instances=objects, min_fraction=100 / size_px**2
        )
        if reason is None:
            cameras.append(camera)
        if len(cameras) == count:
            break
    return cameras


def _camera(pose: Pose, size_px: int, turn_deg: float = 0.0) -> Camera:
    return Camera.look(
        pose.position_m,
        yaw_deg=pose.yaw_deg + turn_deg,
        pitch_deg=pose.pitch_deg,
        width_px=size_px,
        height_px=size_px,
        vertical_fov_deg=90.0,
    )


def job_cpu_s(
    renderer: PathtraceRenderer,
    house: dict[str, Any],
    count: int,
    size_px: int,
    step_deg: float | None,
) -> float:
    """Return the CPU seconds of loading a house, rendering `count` views and writing them."""
    start = time.process_time()
    loaded = renderer.load(house, scene_id="benchmark")
    of_house = rooms(house)
    if step_deg is None:
        per_room = -(-count // len(of_house))
        cameras = [
            camera
            for room in of_house
            for camera in good_cameras(loaded, room, per_room, size_px, 1)
        ][:count]
    else:
        places = loaded.reachable_m()
        # Neighbouring places through the house, the camera turning on the way.
        steps = np.linspace(0, len(places) - 1, count).astype(int)
        cameras = [
            _camera(Pose("walk", (*places[place][:2], 1.5), step * step_deg, -15.0), size_px)
            for step, place in enumerate(steps)
        ]
    frames = [loaded.render(camera, seed=number) for number, camera in enumerate(cameras)]
    arrays = {
        "rgb": np.stack([frame.rgb for frame in frames]),
        "depth_m": np.stack([frame.depth_m for frame in frames]),
        "instance": np.stack([frame.instance for frame in frames]),
        "intrinsics": np.stack([camera.intrinsics for camera in cameras]),
        "world_from_camera": np.stack([camera.world_from_camera for camera in cameras]),
    }
    with tempfile.TemporaryDirectory() as folder:
        write_views(Path(folder) / "views.zarr", arrays, attributes={"source": "benchmark"})
    return (time.process_time() - start) * count / len(frames)
