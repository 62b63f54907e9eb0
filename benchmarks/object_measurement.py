"""Time the objects of a view: masks and depth in, clean clouds, boxes, gaps and sigmas out.

Run from the repository: `python -m benchmarks.object_measurement`, on a 336-pixel view of a room
with fifteen boxes, and with `--views results/views/procthor/0000.zarr` also on the shard's view
with most objects up to fifteen. CPU milliseconds of one core, best of `--repeat`.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, report_figures
from testing.box_scenes import Box, render, room
from workflow_scripts.common.cli import run
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.geometry.gravity import axes_from_pose, gravity_row
from workflow_scripts.pointclouds.depth_error import DEPTH_ERROR_MODELS, DepthErrorModel
from workflow_scripts.pointclouds.measure_view import SceneObject, measure_view
from workflow_scripts.pointclouds.sensor_noise import add_sensor_noise

NUM_OBJECTS, SIZE_PX = 15, 336
LIMIT_MS = 30.0
View = tuple[np.ndarray, np.ndarray, Camera, list[SceneObject]]


def main(*, views: Path | None = None, repeat: int = 30) -> None:
    """Print CPU milliseconds for a view's objects, with exact and with a sensor's depth.

    Args:
        views: a view shard; its view with most objects up to fifteen is timed too.
        repeat: the fastest of so many runs counts.
    """
    scenes = {"a room of boxes": room_of_boxes()}
    if views:
        scenes[views.name] = view_with_most_objects(ViewShard.open(views))
    figures = []
    for name, (depth_m, instance, camera, objects) in scenes.items():
        for kind in ("exact", "sensor"):
            error = DEPTH_ERROR_MODELS[kind]
            seen = (depth_m, instance)
            if not error.is_exact:
                seen = add_sensor_noise(*seen, error=error, rng=np.random.default_rng(7))
            best_ms = min_cpu_ms((*seen, camera, objects), error, repeat)
            figures.append(
                Figure(
                    f"{len(objects)} objects of a {camera.width_px}-pixel view of {name}, {kind}",
                    f"{best_ms:.1f} ms",
                    f"goal for {NUM_OBJECTS}: at most {LIMIT_MS:.0f} ms of one core",
                )
            )
    report_figures("objects", figures)


def min_cpu_ms(view: View, error: DepthErrorModel, repeat: int) -> float:
    """Return the least CPU milliseconds that measuring a view takes."""
    depth_m, instance, camera, objects = view
    gravity = gravity_row(
        axes_from_pose(camera.world_from_camera),
        view=0,
        view_id="v",
        scene_id="s",
        source="pose",
        camera_height_m=float(camera.position_m[2]),
    )
    best_s = np.inf
    for _ in range(repeat):
        start_s = time.process_time()
        measure_view(depth_m, instance, camera, objects, gravity, error=error)
        best_s = min(best_s, time.process_time() - start_s)
    return best_s * 1e3


def room_of_boxes() -> View:
    """Return a view in which fifteen boxes stand in three rows, the farther ones behind gaps."""
    rng = np.random.default_rng(0)
    boxes = room(6.0, 5.0)
    for place in range(NUM_OBJECTS):
        row, column = divmod(place, 5)
        size = rng.uniform(0.35, 0.8, 3)
        centre = (0.9 + 1.05 * column + 0.1 * row, 2.2 + 1.0 * row, float(size[2] / 2))
        boxes.append(Box("Box", centre, tuple(size.tolist()), float(rng.uniform(-45, 45))))
    camera = Camera.look(
        (3.0, 0.2, 1.9),
        yaw_deg=0.0,
        pitch_deg=-20.0,
        width_px=SIZE_PX,
        height_px=SIZE_PX,
        vertical_fov_deg=90.0,
    )
    _, depth_m, instance = render(boxes, camera)
    first = len(boxes) - NUM_OBJECTS + 1
    objects = [SceneObject(one, f"{one}", "Box", "object") for one in range(first, len(boxes) + 1)]
    return depth_m.astype(np.float32), instance, camera, objects


def view_with_most_objects(shard: ViewShard) -> View:
    """Return the view of a shard with most objects, up to fifteen."""
    rows = shard.visibility.merge(shard.objects, on=["scene_id", "instance"])
    rows = rows[rows.kind == "object"]
    counts = rows[rows.pixels >= 100].groupby("view").size()
    view = int(counts[counts <= NUM_OBJECTS].idxmax())
    mine = rows[(rows["view"] == view) & (rows.pixels >= 100)]
    objects = [
        SceneObject(row.instance, row.object_id, row.category, row.kind)
        for row in mine.itertuples(index=False)
    ]
    return shard.depth_m(view), shard.instance(view), shard.camera(view), objects


if __name__ == "__main__":
    run(main)
