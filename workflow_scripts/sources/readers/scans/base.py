"""What a reader of scans returns, whatever the layout of the files.

A reader knows one layout: it lists the scans below a path and opens one. It converts axes and
units (with `geometry/`), so that what it returns is the same for all: world right-handed, Z up,
metres; OpenCV cameras; planar depth in metres. Frames are loaded when they are asked for, one at
a time. A frame that cannot be used stays in the list with its reason. Rule read_scans
(views/scans/read_scans.py) turns what a reader returns into a shard of views.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from workflow_scripts.common import backend_registry
from workflow_scripts.common.errors import UserError

#: Layouts of scans: name of the setting `sources.scans.format` -> "package.module:class" of the
#: reader. `auto` asks them in this order: EmbodiedScan's info files name folders of other layouts,
#: and last come those that look at all files of a folder.
READERS: Mapping[str, str] = {
    "embodiedscan": "workflow_scripts.sources.readers.scans.embodiedscan:EmbodiedScanReader",
    "scannet": "workflow_scripts.sources.readers.scans.scannet:ScanNetReader",
    "nerfstudio": "workflow_scripts.sources.readers.scans.nerfstudio:NerfstudioReader",
    "stray_scanner": "workflow_scripts.sources.readers.scans.stray_scanner:StrayScannerReader",
    "tum_rgbd": "workflow_scripts.sources.readers.scans.tum_rgbd:TumReader",
    "arkitscenes": "workflow_scripts.sources.readers.scans.arkitscenes:ARKitScenesReader",
    "replica": "workflow_scripts.sources.readers.scans.replica:ReplicaReader",
    "polycam": "workflow_scripts.sources.readers.scans.polycam:PolycamReader",
    "scannet_sens": "workflow_scripts.sources.readers.scans.scannet_sens:SensReader",
    "record3d": "workflow_scripts.sources.readers.scans.record3d:Record3DReader",
}


@dataclass(frozen=True)
class ScanEntry:
    """A scan that a reader found, before it is opened.

    Attributes:
        scan_id: its name, unique below the path that was listed; letters, digits, "-", "_".
        path: the folder or file that holds it. Names, sizes and times of what lies there decide
            whether it is read again.
        place: what it shows, where the names of a data set say so ("scene0000" of
            "scene0000_01"): scans of one place share a split; "" for a place of its own.
    """

    scan_id: str
    path: Path
    place: str = ""


@dataclass(frozen=True)
class ScanFrame:
    """A frame of a scan; pictures are loaded when asked for.

    K is in pixels with the centre of pixel (row, column) at (column + 0.5, row + 0.5): a layout
    that puts it at whole numbers has 0.5 added to cx and cy.

    Attributes:
        frame_id: its name in the scan's files ("000120"), unique in the scan.
        timestamp_s: seconds on the scan's own clock; NaN if there is none.
        world_from_camera: f64 [4, 4], OpenCV camera, of the depth picture; None if it has no
            usable pose.
        depth_intrinsics: f64 [3, 3], K at the size of the depth picture.
        depth_size_px: (width, height) of the depth picture; (0, 0) if there is none.
        colour_intrinsics: f64 [3, 3], K at the size of the colour picture.
        colour_size_px: (width, height) of the colour picture.
        load_rgb: returns u8 [height, width, 3], sRGB; `UserError` or `OSError` if it cannot.
        load_depth_m: returns f32 [height, width], planar z, NaN where there is none; None if the
            frame has no depth.
        load_encoded_rgb: returns the bytes of the colour picture as it was stored (JPEG or PNG);
            None where it is not stored as a picture of its own.
        load_instance: returns u16 [height, width] at the size of depth, 0 = none: numbers of
            `ScanObject.instance`; None where pixels are not annotated.
        reason: why the frame cannot be used, "" if it can.
        quarter_turns: by how many counter-clockwise quarter turns its pictures were turned, so that
            they are upright; pictures of the user's that belong to the frame turn with it.
    """

    frame_id: str
    timestamp_s: float
    world_from_camera: np.ndarray | None
    depth_intrinsics: np.ndarray
    depth_size_px: tuple[int, int]
    colour_intrinsics: np.ndarray
    colour_size_px: tuple[int, int]
    load_rgb: Callable[[], np.ndarray]
    load_depth_m: Callable[[], np.ndarray] | None
    load_encoded_rgb: Callable[[], bytes] | None = None
    load_instance: Callable[[], np.ndarray] | None = None
    reason: str = ""
    quarter_turns: int = 0


@dataclass(frozen=True)
class ScanObject:
    """An annotated object: an oriented box in world metres, as in `ObjectRow`.

    Attributes:
        instance: number in masks and in `InstancePoints`, unique in the scan, from 1 to 65535.
        object_id: its id in the annotation's files.
        label: its name in the annotation's files.
        centre_m: (x, y, z).
        size_m: width, depth and height along its own axes.
        yaw_deg: counter-clockwise about world +Z; 0 for boxes along the world's axes.
    """

    instance: int
    object_id: str
    label: str
    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_deg: float = 0.0


@dataclass(frozen=True)
class InstancePoints:
    """Annotated points, such as the vertices of a mesh: f64 [n, 3] in world metres.

    `instance` u16 [n] has the numbers of `ScanObject.instance`, 0 for none.
    """

    points_m: np.ndarray
    instance: np.ndarray


@dataclass(frozen=True)
class Scan:
    """A scan that is open.

    Attributes:
        scan_id: as in its `ScanEntry`.
        frames: in the order of their time; those that cannot be used have a reason.
        has_gravity: whether world +Z is known to point against gravity; otherwise the frames are
            posed relative to each other only.
        objects: annotated objects, empty if there is no annotation.
        load_points: returns annotated points; None if there are none.
        close: releases files that the frames read from.
        warnings: what is suspicious about the scan as a whole, one line each.
        left_out: why objects of files are left out, one line each.
    """

    scan_id: str
    frames: Sequence[ScanFrame]
    has_gravity: bool
    objects: tuple[ScanObject, ...] = ()
    load_points: Callable[[], InstancePoints] | None = None
    close: Callable[[], None] = lambda: None
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class ScanReader(Protocol):
    """A reader of one layout; made without arguments.

    `looks_for` says which files make a path a scan, for messages.
    """

    looks_for: ClassVar[str]

    def matches(self, path: Path) -> bool:
        """Say whether a file, or a folder or one of its sub-folders, has this layout.

        Looks at names only, except for the first bytes of files.
        """
        ...

    def list_scans(self, path: Path) -> Sequence[ScanEntry]:
        """Return the scans at a path (one scan, or a folder of scans) in natural order.

        `UserError` if there is none, with what was looked for. Opens no picture.
        """
        ...

    def open_scan(self, entry: ScanEntry) -> Scan:
        """Open a scan; `UserError` names the file that is missing or damaged, and what to do."""
        ...


def load_reader(name: str) -> ScanReader:
    """Return the reader of a layout; `UserError` for an unknown name or a missing package."""
    reader: ScanReader = backend_registry.load_backend(name, READERS, kind="scan format")()
    return reader


def detect_format(path: Path) -> str:
    """Return the name of the first layout that matches a path; `UserError` if none does."""
    if not path.exists():
        raise UserError(f"sources.scans.path: {path}: no such file or folder")
    looked_for = []
    for name in READERS:
        reader = load_reader(name)
        if reader.matches(path):
            return name
        looked_for.append(f"{name}: {reader.looks_for}")
    raise UserError(
        f"{path}: no known layout of scans ({', '.join(READERS)}), in it or in the folders below "
        f"it. Looked for: {'; '.join(looked_for)}. docs/scans.md draws each folder"
    )


def usable_frames(scan: Scan) -> Iterator[ScanFrame]:
    """Yield the frames of a scan that have no reason against them."""
    return (frame for frame in scan.frames if not frame.reason)
