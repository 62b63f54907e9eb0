"""Time Zarr shards as the stages write them against plain files of the same bytes.

Run from the repository: `python -m benchmarks.storage`. CPU seconds of the process, best of
`--repeat`, files in a temporary folder (page cache, nothing is synced to disk on either side).
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.figures import Figure, report_figures
from workflow_scripts.common.cli import run
from workflow_scripts.common.cloud_shard import Cloud, CloudShard, SceneCloud, write_clouds
from workflow_scripts.common.storage import read_array, remove

WRITE_LIMIT, READ_LIMIT = 0.5, 0.7


def main(
    *,
    num_scenes: int = 32,
    points_per_scene: int = 250_000,
    repeat: int = 7,
    folder: Path | None = None,
) -> None:
    """Print MB/s of writing and reading a shard of clouds, and of plain files.

    Args:
        num_scenes: scenes in the shard.
        points_per_scene: points of each.
        repeat: the best of so many runs counts.
        folder: where the files go; the system's temporary folder unless told.
    """
    rng = np.random.default_rng(0)
    clouds = [_cloud(points_per_scene, rng) for _ in range(num_scenes)]
    scenes = [
        SceneCloud(scene_id=str(number), split="train", num_views=1, num_pixels=1, floor=None)
        for number in range(num_scenes)
    ]
    megabytes = num_scenes * points_per_scene * (12 + 12 + 3 + 2) / 1e6
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        times = _times(place, clouds, scenes, repeat)
    finally:
        shutil.rmtree(place)
    report_figures(
        "storage",
        [
            Figure(
                f"{verb} a shard of {megabytes:.0f} MB, of a plain file's rate",
                f"{times[f'plain_{verb}'] / times[f'zarr_{verb}']:.2f}",
                f"goal: at least {limit}; {megabytes / times[f'zarr_{verb}']:.0f} against "
                f"{megabytes / times[f'plain_{verb}']:.0f} MB a CPU second",
            )
            for verb, limit in (("write", WRITE_LIMIT), ("read", READ_LIMIT))
        ],
    )


def _cloud(num_points: int, rng: np.random.Generator) -> Cloud:
    """Make a cloud of random points in a house."""
    return Cloud(
        point_m=rng.uniform(0, 12, (num_points, 3)).astype(np.float32),
        colour=rng.integers(0, 256, (num_points, 3), dtype=np.uint8),
        instance=np.sort(rng.integers(0, 200, num_points)).astype(np.uint16),
        normal=rng.normal(size=(num_points, 3)).astype(np.float32),
    )


def _times(
    place: Path, clouds: list[Cloud], scenes: list[SceneCloud], repeat: int
) -> dict[str, float]:
    """Return the best CPU seconds of writing and of reading a shard, both ways."""
    zarr_path, plain_path = place / "0000.zarr", place / "plain"
    names = ("point_m", "colour", "instance", "normal")

    def zarr_write() -> None:
        remove(zarr_path)
        write_clouds(zarr_path, clouds, scenes, source="bench", voxel_m=0.04, normals=True)

    def plain_write() -> None:
        remove(plain_path)
        plain_path.mkdir()
        for name in names:
            np.concatenate([getattr(cloud, name) for cloud in clouds]).tofile(plain_path / name)

    def zarr_read() -> None:
        shard = CloudShard.open(zarr_path)
        [read_array(shard.group, name) for name in names]

    def plain_read() -> None:
        [np.fromfile(plain_path / name, getattr(clouds[0], name).dtype) for name in names]

    works = {
        "zarr_write": zarr_write,
        "plain_write": plain_write,
        "zarr_read": zarr_read,
        "plain_read": plain_read,
    }
    return {name: _min_cpu_s(work, repeat) for name, work in works.items()}


def _min_cpu_s(work: Callable[[], None], repeat: int) -> float:
    """Return the least CPU seconds of `repeat` runs."""
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    run(main)
