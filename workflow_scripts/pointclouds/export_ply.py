"""Export the clouds of a shard to PLY, one binary file a scene, for MeshLab, CloudCompare, Blender.

Vertices have x, y, z, red, green, blue, instance, and nx, ny, nz where the shard has normals.
"""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import open3d

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.cloud_shard import Cloud, CloudShard
from workflow_scripts.common.storage import atomic_write

log = logging.getLogger(__name__)


def write_ply(path: Path, cloud: Cloud) -> None:
    """Write a binary PLY through Open3D's tensor cloud, which keeps the instance."""
    tensor: Any = open3d.core.Tensor
    ply = open3d.t.geometry.PointCloud(tensor(cloud.point_m))
    ply.point.colors = tensor(cloud.colour)
    if cloud.normal is not None:
        ply.point.normals = tensor(cloud.normal)
    # Open3D's PLY reader has no 16-bit integers.
    ply.point.instance = tensor(cloud.instance.astype(np.int32)[:, None])
    if not open3d.t.io.write_point_cloud(path, ply):
        raise OSError(f"{path}: Open3D could not write it; is the disk full or read-only?")


def main(*, clouds: Path, out: Path, scene: str | None = None) -> None:
    """Write `out`/{scene_id}.ply for every scene of the shard, or for `scene` alone."""
    shard = CloudShard.open(clouds)
    numbers = range(len(shard)) if scene is None else [shard.number(scene)]
    with atomic_write(out) as partial:
        os.mkdir(partial)
        for number in progress(numbers, desc="export"):
            write_ply(partial / f"{shard.scenes[number].scene_id}.ply", shard.cloud(number))
    log.info("%s: %d files", out, len(numbers))


if __name__ == "__main__":
    run(main)
