"""Export scans to recordings of the Rerun viewer, one `.rrd` file a scene.

A recording has the frames on a timeline (picture, depth, camera), and the scene's cloud, boxes of
objects, the camera's path and, of scans, the chosen frames. Needs the package rerun-sdk.
"""

import importlib
import logging
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.cloud_shard import CloudShard
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import atomic_write, read_table
from workflow_scripts.common.view_shard import ViewShard

APPLICATION = "sightline"
MODULE, PACKAGE = "rerun", "rerun-sdk>=0.23"
# What a release before 0.23, or a package of the same name, lacks.
_NEEDED = ("RecordingStream", "set_time", "save", "disconnect", "Pinhole", "DepthImage", "Boxes3D")
_JPEG_QUALITY = 90
_POINT_RADIUS_M = 0.01
_PATH_COLOUR, _CHOSEN_COLOUR = (40, 90, 200), (240, 170, 30)

log = logging.getLogger(__name__)


def load_rerun() -> Any:
    """Return the module `rerun`; `UserError` says what to install."""
    try:
        rerun = importlib.import_module(MODULE)
    except ImportError as error:
        raise UserError(
            f"recordings need the package rerun-sdk ({error}): pip install '{PACKAGE}'"
        ) from None
    missing = [name for name in _NEEDED if not hasattr(rerun, name)]
    if missing:
        raise UserError(
            f"the installed package 'rerun' has no {', '.join(missing)}: "
            f"pip install '{PACKAGE}' (the package called rerun is another one)"
        )
    return rerun


def write_recording(
    path: Path,
    shard: ViewShard,
    rows: pd.DataFrame,
    clouds: CloudShard,
    chosen: pd.DataFrame | None,
    *,
    rerun: Any,
) -> None:
    """Write the recording of one scene.

    `rows` are those of its views, in the order of time; `chosen` those of its chosen frames.
    """
    scene_id = str(rows.scene_id.iloc[0])
    recording = rerun.RecordingStream(APPLICATION, recording_id=scene_id)
    rerun.save(path, recording=recording)

    def add(name: str, content: Any, *, static: bool = False) -> None:
        rerun.log(name, content, static=static, recording=recording)

    add("world", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    cloud = clouds.cloud(clouds.number(scene_id))
    if len(cloud):
        points = rerun.Points3D(cloud.point_m, colors=cloud.colour, radii=_POINT_RADIUS_M)
        add("world/cloud", points, static=True)
    objects = seen_objects(shard, rows)
    if len(objects):
        add("world/boxes", _boxes(objects, rerun), static=True)
    path_m = np.array([shard.camera(int(view)).position_m for view in rows["view"]])
    strips = rerun.LineStrips3D([path_m], colors=[_PATH_COLOUR])
    add("world/camera_path", strips, static=True)
    if chosen is not None and len(chosen):
        places = [shard.camera(int(view)).position_m for view in chosen["view"]]
        labels = [str(rank + 1) for rank in chosen["rank"]]
        colours = [_CHOSEN_COLOUR] * len(labels)
        points = rerun.Points3D(np.array(places), colors=colours, labels=labels, radii=0.04)
        add("world/chosen_frames", points, static=True)
    for number, row in enumerate(rows.itertuples()):
        frame = row.frame if row.frame >= 0 else number
        rerun.set_time("frame", sequence=int(frame), recording=recording)
        if math.isfinite(row.timestamp_s):
            rerun.set_time("time", duration=float(row.timestamp_s), recording=recording)
        _add_frame(add, shard, int(row.view), rerun)
    rerun.disconnect(recording=recording)


def _add_frame(add: Any, shard: ViewShard, view: int, rerun: Any) -> None:
    camera = shard.camera(view)
    pose = camera.world_from_camera
    add("world/camera", rerun.Transform3D(translation=pose[:3, 3], mat3x3=pose[:3, :3]))
    add(
        "world/camera",
        rerun.Pinhole(
            image_from_camera=camera.intrinsics,
            resolution=[camera.width_px, camera.height_px],
            camera_xyz=rerun.ViewCoordinates.RDF,
        ),
    )
    add("world/camera/rgb", rerun.Image(shard.rgb(view)).compress(jpeg_quality=_JPEG_QUALITY))
    depth_m = np.nan_to_num(shard.depth_m(view), nan=0.0, posinf=0.0)
    depth_mm = np.clip(np.rint(depth_m * 1000), 0, 65535).astype(np.uint16)
    add("world/camera/depth", rerun.DepthImage(depth_mm, meter=1000.0))


def seen_objects(shard: ViewShard, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the objects (not structure) that some views show."""
    visible = shard.visibility[shard.visibility["view"].isin(rows["view"])]
    objects = shard.objects[shard.objects.scene_id == rows.scene_id.iloc[0]]
    return objects[(objects.kind == "object") & objects.instance.isin(visible.instance)]


def _boxes(objects: pd.DataFrame, rerun: Any) -> Any:
    half_yaw = np.deg2rad(objects.yaw_deg.to_numpy()) / 2
    return rerun.Boxes3D(
        centers=objects[["x_m", "y_m", "z_m"]].to_numpy(),
        half_sizes=objects[["width_m", "depth_m", "height_m"]].to_numpy() / 2,
        quaternions=[
            rerun.Quaternion(xyzw=[0.0, 0.0, float(np.sin(angle)), float(np.cos(angle))])
            for angle in half_yaw
        ],
        labels=objects.category.tolist(),
    )


def main(
    *,
    views: Path,
    clouds: Path,
    out: Path,
    depth: Path | None = None,
    frames: Path | None = None,
) -> None:
    """Write `out`/{scene_id}.rrd for every scene of a shard.

    Args:
        views: the shard of views, `{shard}.zarr`.
        clouds: its clouds.
        out: folder to write.
        depth: group with an estimator's depth_m, or the shard of views itself.
        frames: table of the chosen frames, of a shard of scans.
    """
    rerun = load_rerun()
    shard, cloud_shard = ViewShard.open(views, depth=depth), CloudShard.open(clouds)
    chosen = None if frames is None else read_table(frames)
    scenes = list(shard.views.groupby("scene_id", sort=False))
    with atomic_write(out) as partial:
        os.mkdir(partial)
        for scene_id, rows in progress(scenes, desc="recordings"):
            own = None if chosen is None else chosen[chosen.scene_id == scene_id]
            path = partial / f"{scene_id}.rrd"
            write_recording(path, shard, rows, cloud_shard, own, rerun=rerun)
    log.info("%s: %d recordings", out, len(scenes))


if __name__ == "__main__":
    run(main)
