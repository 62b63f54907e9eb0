"""Measure the embedded renderer beside its limits, and the two ray libraries beside each other.

Run from the repository: `python -m benchmarks.renderer`. The view is the best furnished of a few
generated houses, or of the houses in `--houses` (a scenes shard or any ProcTHOR JSONL). Rates of
one core come from CPU seconds, the best of `--repeat`; the rate of two cores from the wall clock.
"""

import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, report_figures
from benchmarks.rendering_jobs import rate_figures
from testing.reference_raycast import reference_first_hits
from workflow_scripts.common.cli import run
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.view_shard import write_views
from workflow_scripts.geometry.cameras import Camera, rays_camera
from workflow_scripts.scenes.generator import generate_house
from workflow_scripts.views.backends.pathtrace import PathtraceRenderer, TracedHouse
from workflow_scripts.views.pathtrace.ray_casting import EmbreeRayCaster, Open3dRayCaster

NUM_HOUSES = 6
NUM_CAMERAS = 40


@dataclass(frozen=True)
class Job:
    """What one process of the two-core run renders, and where it writes."""

    house: dict[str, Any]
    camera: Camera
    furniture: str
    preset: str
    num_frames: int
    out: Path


def main(
    *,
    houses: Path | None = None,
    furniture: str = "auto",
    preset: str = "default",
    size_px: int = 336,
    repeat: int = 5,
    frames: int = 8,
    views: int = 8,
    walk: int = 64,
    num_houses: int = 6,
    seed: int = 7,
) -> None:
    """Print each figure beside its limit.

    `views` and `walk` are the frames a house of whole jobs, of `num_houses` houses: a few views,
    and neighbouring ones, for which the preset `shared` is made.
    """
    renderer = PathtraceRenderer(preset=preset, furniture=furniture)
    house, loaded, camera = _view_with_most_objects(_houses(houses, seed), renderer, size_px, seed)
    triangle_mesh = loaded.triangle_mesh
    origins, directions = _primary_rays(camera)
    embree = EmbreeRayCaster(triangle_mesh.triangles)
    frame_s = _min_cpu_s(lambda: loaded.render(camera, seed=seed), repeat)
    geometry_s = _min_cpu_s(lambda: loaded.geometry(camera), repeat * 4)
    library_s = _min_cpu_s(lambda: embree.cast(origins, directions), repeat * 4)
    wrong_ids, error_mm = _against_float64(loaded, camera)
    two_cores = _two_cores(house, camera, furniture, preset, frames)
    rates = {
        kind.__name__: _rates(kind(triangle_mesh.triangles), origins, directions, repeat)
        for kind in (EmbreeRayCaster, Open3dRayCaster)
    }
    num_triangles = len(triangle_mesh.triangles)
    what = f"{size_px} px, {_num_objects(loaded, camera)} objects, {num_triangles} triangles"
    report_figures(
        "renderer",
        [
            Figure(
                f"RGB, depth and ids to Zarr, two cores ({what}, preset {preset})",
                f"{two_cores:.2f} frames/s",
                "goal: at least 1.6",
            ),
            Figure("RGB, depth and ids", f"{frame_s:.2f} CPU s a frame", "limit: 1.25"),
            Figure("depth and ids alone, one core", f"{1 / geometry_s:.0f} frames/s", "goal: 35"),
            Figure(
                "depth and ids, of the ray library's own rate",
                f"{library_s / geometry_s:.2f}",
                "goal: at least 0.7",
            ),
            Figure("wrong ids against float64", f"{wrong_ids} px", "limit: 0"),
            Figure("largest error of depth against float64", f"{error_mm:.4f} mm", "limit: 0.1"),
            *(
                Figure(
                    f"{name} rays, Embree in `embreex`",
                    f"{rate:.1f} M/s",
                    f"Open3D's Embree: {rates['Open3dRayCaster'][name]:.1f} M/s",
                )
                for name, rate in rates["EmbreeRayCaster"].items()
            ),
            *(
                figure
                for name, counts in (
                    (preset, {"views": views, "walk": 0}),
                    ("shared", {"views": views, "walk": walk}),
                )
                for figure in rate_figures(
                    name, furniture, num_houses=num_houses, size_px=size_px, seed=seed, **counts
                )
            ),
        ],
    )


def _houses(path: Path | None, seed: int) -> list[dict[str, Any]]:
    if path is None:
        return [generate_house(seed, index) for index in range(NUM_HOUSES)]
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    houses = [entry.get("house", entry) for entry in found]
    return [house for house in houses if house][:NUM_HOUSES]


def _view_with_most_objects(
    houses: list[dict[str, Any]], renderer: PathtraceRenderer, size_px: int, seed: int
) -> tuple[dict[str, Any], TracedHouse, Camera]:
    """Return the view that shows most objects, among random standing places."""
    best: tuple[int, dict[str, Any], TracedHouse, Camera] | None = None
    for number, house in enumerate(houses):
        loaded = renderer.load(house, scene_id=f"benchmark-{number}")
        places, random = loaded.reachable_m(), rng(seed, "benchmark", number)
        for _ in range(NUM_CAMERAS):
            camera = Camera.look(
                places[random.integers(len(places))] + [0, 0, 1.576],
                yaw_deg=float(random.uniform(0, 360)),
                pitch_deg=-15,
                width_px=size_px,
                height_px=size_px,
                vertical_fov_deg=90,
            )
            count = _num_objects(loaded, camera)
            if best is None or count > best[0]:
                best = (count, house, loaded, camera)
    assert best is not None
    return best[1:]


def _num_objects(loaded: TracedHouse, camera: Camera) -> int:
    numbers, counts = np.unique(loaded.geometry(camera)[1], return_counts=True)
    seen = numbers[(counts >= 100) & (numbers > 0)]
    return sum(loaded.objects[number - 1].kind == "object" for number in seen)


def _min_cpu_s(work: Callable[[], object], repeat: int) -> float:
    """Return the CPU seconds of the fastest of `repeat` runs, after one to warm up."""
    work()
    taken = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def _primary_rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    rays = rays_camera(camera.intrinsics, width_px=camera.width_px, height_px=camera.height_px)
    directions = (rays.reshape(-1, 3) @ camera.world_from_camera[:3, :3].T).astype(np.float32)
    return np.tile(camera.position_m.astype(np.float32), (len(directions), 1)), directions


def _against_float64(loaded: TracedHouse, camera: Camera) -> tuple[int, float]:
    """Return the pixels with a wrong id and the largest error of depth in millimetres.

    Two surfaces in one place, within 0.01 mm, have no right answer and are left out.
    """
    depth, instance = loaded.geometry(camera)
    expected, label, lead = reference_first_hits(
        loaded.triangle_mesh.triangles, loaded.triangle_mesh.instance, camera
    )
    wrong = (instance != label) & ~(lead < 1e-5)
    same = (instance == label) & (instance > 0)
    return int(wrong.sum()), float(np.abs(depth[same] - expected[same]).max() * 1e3)


def _rates(
    rays: EmbreeRayCaster | Open3dRayCaster,
    origins: np.ndarray,
    directions: np.ndarray,
    repeat: int,
) -> dict[str, float]:
    """Return million rays a CPU second: from the camera, off surfaces, and to a lamp."""
    hits = rays.cast(origins, directions)
    points = origins + 0.999 * np.where(hits.face >= 0, hits.distance, 1)[:, None] * directions
    scattered = rng(0, "benchmark rays").standard_normal(points.shape).astype(np.float32)
    ways = np.array(origins[0] + [0, 0, 0.9], dtype=np.float32) - points
    millions = len(origins) / 1e6
    return {
        "primary": round(millions / _min_cpu_s(lambda: rays.cast(origins, directions), repeat), 2),
        "bounce": round(millions / _min_cpu_s(lambda: rays.cast(points, scattered), repeat), 2),
        "shadow": round(millions / _min_cpu_s(lambda: rays.occluded(points, ways), repeat), 2),
    }


def _two_cores(
    house: dict[str, Any], camera: Camera, furniture: str, preset: str, frames: int
) -> float:
    """Return frames a second of two processes that render and write a shard each."""
    context = get_context("spawn")
    ready = context.Barrier(3)
    with tempfile.TemporaryDirectory() as folder:
        workers = [
            context.Process(
                target=_render_shard,
                args=(
                    Job(house, camera, furniture, preset, frames, Path(folder) / f"{part}.zarr"),
                    ready,
                ),
            )
            for part in range(2)
        ]
        for worker in workers:
            worker.start()
        ready.wait()
        start = time.perf_counter()
        for worker in workers:
            worker.join()
        return 2 * frames / (time.perf_counter() - start)


def _render_shard(job: Job, ready: Barrier) -> None:
    renderer = PathtraceRenderer(preset=job.preset, furniture=job.furniture)
    loaded = renderer.load(job.house, scene_id="benchmark")
    loaded.render(job.camera, seed=0)
    ready.wait()
    frames = [loaded.render(job.camera, seed=number) for number in range(job.num_frames)]
    arrays = {
        "rgb": np.stack([frame.rgb for frame in frames]),
        "depth_m": np.stack([frame.depth_m for frame in frames]),
        "instance": np.stack([frame.instance for frame in frames]),
        "intrinsics": np.stack([job.camera.intrinsics] * len(frames)),
        "world_from_camera": np.stack([job.camera.world_from_camera] * len(frames)),
    }
    write_views(job.out, arrays, attributes={"source": "benchmark"})


if __name__ == "__main__":
    run(main)
