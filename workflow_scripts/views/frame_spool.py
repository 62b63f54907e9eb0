"""Keep the frames of a shard on disk while it grows, so that memory use stays constant."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from workflow_scripts.common.view_shard import ARRAYS
from workflow_scripts.geometry.cameras import Camera
from workflow_scripts.views.frame import Frame

IMAGES = ("rgb", "depth_m", "instance")


class FrameSpool(AbstractContextManager["FrameSpool"]):
    """Append frames to unnamed temporary files in a folder, deleted however the job ends."""

    def __init__(self, folder: Path, *, width_px: int, height_px: int) -> None:
        self._folder = folder
        self._shape = (height_px, width_px)
        self._files: dict[str, IO[bytes]] = {
            name: tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed on exit)
            for name in IMAGES
        }
        self._cameras: list[Camera] = []

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            # A full disk may fail the last write; the file is deleted anyway.
            with suppress(OSError):
                file.close()

    @property
    def width_px(self) -> int:
        return self._shape[1]

    @property
    def height_px(self) -> int:
        return self._shape[0]

    def __len__(self) -> int:
        return len(self._cameras)

    def add(self, frame: Frame, camera: Camera) -> int:
        """Append a frame and return its number."""
        for name in IMAGES:
            values = np.ascontiguousarray(getattr(frame, name), dtype=ARRAYS[name][0])
            if values.shape[:2] != self._shape:
                raise ValueError(f"{name} of {values.shape[:2]} pixels; it must be {self._shape}")
            with self._name_folder_in_errors():
                self._files[name].write(values.tobytes())
        self._cameras.append(camera)
        return len(self._cameras) - 1

    @contextmanager
    def _name_folder_in_errors(self) -> Iterator[None]:
        """Name the folder in errors such as a full disk: the files have no names."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._folder)) from error

    def truncate(self, count: int) -> None:
        """Delete all but the first `count` frames."""
        del self._cameras[count:]
        for name, file in self._files.items():
            dtype, dims, _ = ARRAYS[name]
            channels = 3 if len(dims) == 4 else 1
            file.seek(count * self._shape[0] * self._shape[1] * channels * np.dtype(dtype).itemsize)
            file.truncate()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of `common.view_shard.ARRAYS`; images are mapped from disk."""
        count = len(self._cameras)
        arrays_by_name = {
            "intrinsics": np.array([camera.intrinsics for camera in self._cameras]),
            "world_from_camera": np.array([camera.world_from_camera for camera in self._cameras]),
        }
        arrays_by_name["intrinsics"] = arrays_by_name["intrinsics"].reshape(count, 3, 3)
        arrays_by_name["world_from_camera"] = arrays_by_name["world_from_camera"].reshape(
            count, 4, 4
        )
        for name in IMAGES:
            shape = (count, *self._shape, *((3,) if name == "rgb" else ()))
            dtype = ARRAYS[name][0]
            with self._name_folder_in_errors():
                self._files[name].flush()
            arrays_by_name[name] = (
                np.memmap(self._files[name], dtype=dtype, mode="r", shape=shape)
                if count
                else np.zeros(shape, dtype=dtype)
            )
        return arrays_by_name
