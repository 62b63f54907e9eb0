"""EmbodiedScan's info files, beside ScanNet's `posed_images`."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from testing.posed_room import BOXES, PosedRoom
from testing.scan_layouts.scannet import ALIGNMENT, unaligned, whole_pixels, write_posed_images


def info_of(room: PosedRoom, scan: str = "scene0000_00") -> dict[str, Any]:
    """Return an entry of `data_list`; boxes are turned by 30 degrees about the vertical."""
    images = [
        {
            "img_path": f"scannet/posed_images/{scan}/{10 * index:05d}.jpg",
            "depth_path": f"scannet/posed_images/{scan}/{10 * index:05d}.png",
            "cam2global": pose,
            "visible_instance_ids": [0, 1],
        }
        for index, pose in enumerate(unaligned(room.poses))
    ]
    instances = []
    for index, (_, low, high) in enumerate(BOXES):
        centre, size = (np.array(low) + np.array(high)) / 2, np.array(high) - np.array(low)
        box = [*centre.tolist(), *size.tolist(), np.pi / 6, 0.0, 0.0]
        instances.append({"bbox_3d": box, "bbox_label_3d": index % 3, "bbox_id": 2 * index})
    return {
        "sample_idx": f"scannet/{scan}",
        "axis_align_matrix": ALIGNMENT,
        "cam2img": whole_pixels(room.colour_intrinsics),
        "depth_cam2img": whole_pixels(room.depth_intrinsics),
        "images": images,
        "instances": instances,
    }


def write_infos(folder: Path, infos: list[Any], *, name: str = "train") -> Path:
    """Write an info file."""
    path = folder / f"embodiedscan_infos_{name}.pkl"
    categories = {"table": 0, "chair": 1, "cabinet": 2}
    content = {"metainfo": {"categories": categories}, "data_list": infos}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return path


def write_embodiedscan(folder: Path, room: PosedRoom) -> Path:
    """Write `data/` with pictures and an info file; return it."""
    write_posed_images(folder / "data/scannet", room)
    write_infos(folder / "data", [info_of(room)])
    return folder / "data"
