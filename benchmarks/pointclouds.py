"""Time fusion against Open3D's own functions on the same views; one core each.

Run from the repository: `python -m benchmarks.pointclouds`, on a room of boxes, and with
`--views results/views/procthor/0000.zarr` also on the shard's first scene. CPU seconds, best of
`--repeat`, in turns so that a busy machine slows both sides. Both start from the NumPy arrays of
a view; `ratio_images_ready` leaves Open3D's making of its RGBD images out.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open3d

from benchmarks.figures import Figure, report_figures
from testing.box_scenes import Box, render, room
from workflow_scripts.common.cli import run
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import Camera, invert
from workflow_scripts.pointclouds.fuse import View, fuse

LIMIT = 3.0


def main(*, views: Path | None = None, voxel_m: float = 0.04, repeat: int = 5) -> None:
    """Print CPU milliseconds for a million pixels, ours and Open3D's, and their ratio."""
    figures = _figures("a room of boxes", _of_boxes(), voxel_m, repeat)
    if views:
        figures += _figures(views.name, _of_shard(views), voxel_m, repeat)
    report_figures("pointclouds", figures)


def _figures(name: str, scene: list[View], voxel_m: float, repeat: int) -> list[Figure]:
    """Time both sides on the views of a scene."""
    ready = [_open3d_input(view) for view in scene]
    megapixels = sum(view.depth_m.size for view in scene) / 1e6
    ours, rival, rival_ready, with_normals, rival_normals = (
        seconds / megapixels
        for seconds in _min_cpu_s(
            [
                lambda: fuse(scene, voxel_m=voxel_m),
                lambda: _open3d_fuse([_open3d_input(view) for view in scene], voxel_m),
                lambda: _open3d_fuse(ready, voxel_m),
                lambda: fuse(scene, voxel_m=voxel_m, normals=True),
                lambda: _open3d_fuse(ready, voxel_m, normals=True),
            ],
            repeat,
        )
    )
    return [
        Figure(
            f"fuse {len(scene)} views of {name}, of Open3D's rate",
            f"{rival / ours:.2f}",
            f"goal: at least {LIMIT:.0f}; {ours * 1e3:.1f} against {rival * 1e3:.1f} CPU ms a "
            f"megapixel ({rival_ready / ours:.2f} with Open3D's images ready)",
        ),
        Figure(
            f"the same with normals ({name})",
            f"{rival_normals / with_normals:.2f}",
            f"{with_normals * 1e3:.1f} against {rival_normals * 1e3:.1f} CPU ms a megapixel",
        ),
    ]


def _of_boxes(num_views: int = 12, size_px: int = 336) -> list[View]:
    """Look around a furnished room of boxes."""
    rng = np.random.default_rng(0)
    boxes = room(6.0, 5.0, 2.6)
    for _ in range(25):
        width, depth, height = rng.uniform(0.2, 1.2, 3)
        x, y = rng.uniform(0.7, 5.3), rng.uniform(0.7, 4.3)
        yaw_deg = float(rng.uniform(0, 360))
        colour = tuple(int(value) for value in rng.integers(40, 220, 3))
        boxes.append(Box("Box", (x, y, height / 2), (width, depth, height), yaw_deg, colour))
    views = []
    for number in range(num_views):
        camera = Camera.look(
            (rng.uniform(0.4, 5.6), rng.uniform(0.4, 4.6), 1.576),
            yaw_deg=number * 30.0,
            pitch_deg=-15.0,
            width_px=size_px,
            height_px=size_px,
            vertical_fov_deg=90.0,
        )
        rgb, depth_m, instance = render(boxes, camera)
        views.append(View(rgb, depth_m.astype(np.float32), instance, camera))
    return views


def _of_shard(path: Path) -> list[View]:
    """Read the views of the shard's first scene."""
    shard = ViewShard.open(path)
    rows = shard.views[shard.views.scene_id == shard.views.scene_id.iloc[0]]
    return [
        View(shard.rgb(view), shard.depth_m(view), shard.instance(view), shard.camera(view))
        for view in rows.view
    ]


def _open3d_input(view: View) -> tuple[object, object, np.ndarray]:
    """Return what `create_from_rgbd_image` takes."""
    image = open3d.geometry.RGBDImage.create_from_color_and_depth(
        open3d.geometry.Image(np.ascontiguousarray(view.rgb)),
        open3d.geometry.Image(np.nan_to_num(view.depth_m)),
        depth_scale=1.0,
        depth_trunc=1e3,
        convert_rgb_to_intensity=False,
    )
    height, width = view.depth_m.shape
    k = view.camera.intrinsics
    pinhole = open3d.camera.PinholeCameraIntrinsic(
        width, height, k[0, 0], k[1, 1], k[0, 2] - 0.5, k[1, 2] - 0.5
    )
    return image, pinhole, invert(view.camera.world_from_camera)


def _open3d_fuse(inputs: list, voxel_m: float, *, normals: bool = False) -> object:
    """Fuse the same views with Open3D alone (it keeps no instances)."""
    cloud = open3d.geometry.PointCloud()
    for image, pinhole, camera_from_world in inputs:
        cloud += open3d.geometry.PointCloud.create_from_rgbd_image(
            image, pinhole, camera_from_world
        )
    cloud = cloud.voxel_down_sample(voxel_m)
    if normals:
        cloud.estimate_normals(open3d.geometry.KDTreeSearchParamKNN(knn=16))
    return cloud


def _min_cpu_s(works: list[Callable[[], object]], repeat: int) -> list[float]:
    """Return the least CPU seconds of `repeat` runs of each, run in turns."""
    seconds = np.empty((repeat, len(works)))
    for turn, number in np.ndindex(seconds.shape):
        start = time.process_time()
        works[number]()
        seconds[turn, number] = time.process_time() - start
    return seconds.min(axis=0).tolist()


if __name__ == "__main__":
    run(main)
