"""A stand-in of rerun-sdk: takes what 0.23 and later take, and keeps what is logged.

`save` writes a file, so that its place can be tested; `LOGGED` has (path of the recording,
timelines, entity, archetype) of every call.
"""

from pathlib import Path
from typing import Any

import numpy as np

LOGGED: list[tuple[Path, dict[str, float], str, Any]] = []


class RecordingStream:
    def __init__(self, application_id: str, *, recording_id: str) -> None:
        self.application_id, self.recording_id = application_id, recording_id
        self.path: Path | None = None
        self.times: dict[str, float] = {}
        self.is_open = False


def save(path: str | Path, *, recording: RecordingStream) -> None:
    recording.path, recording.is_open = Path(path), True
    recording.path.write_bytes(b"RRF2")


def disconnect(*, recording: RecordingStream) -> None:
    assert recording.is_open
    recording.is_open = False


def set_time(
    timeline: str,
    *,
    recording: RecordingStream,
    sequence: int | None = None,
    duration: float | None = None,
) -> None:
    assert (sequence is None) != (duration is None)
    value = sequence if duration is None else duration
    assert isinstance(value, int if duration is None else float)
    recording.times[timeline] = value


def log(entity_path: str, entity: Any, *, static: bool, recording: RecordingStream) -> None:
    assert recording.is_open
    assert recording.path is not None
    times = {} if static else dict(recording.times)
    LOGGED.append((recording.path, times, entity_path, entity))


class ViewCoordinates:
    RIGHT_HAND_Z_UP = "RFU"
    RDF = "RDF"


class Points3D:
    def __init__(
        self, positions: np.ndarray, *, radii: Any = None, colors: Any = None, labels: Any = None
    ) -> None:
        assert positions.shape[1:] == (3,)
        assert colors is None or len(colors) == len(positions)
        assert labels is None or len(labels) == len(positions)
        self.positions, self.radii, self.colors, self.labels = positions, radii, colors, labels


class LineStrips3D:
    def __init__(self, strips: list[np.ndarray], *, colors: Any = None) -> None:
        assert all(strip.shape[1:] == (3,) for strip in strips)
        self.strips, self.colors = strips, colors


class Quaternion:
    def __init__(self, *, xyzw: list[float]) -> None:
        assert abs(np.linalg.norm(xyzw) - 1) < 1e-9
        self.xyzw = xyzw


class Boxes3D:
    def __init__(
        self,
        *,
        centers: np.ndarray,
        half_sizes: np.ndarray,
        quaternions: list[Quaternion],
        labels: list[str],
    ) -> None:
        assert len(centers) == len(half_sizes) == len(quaternions) == len(labels)
        self.centers, self.half_sizes = centers, half_sizes
        self.quaternions, self.labels = quaternions, labels


class Transform3D:
    def __init__(self, *, translation: np.ndarray, mat3x3: np.ndarray) -> None:
        assert translation.shape == (3,)
        assert mat3x3.shape == (3, 3)
        self.translation, self.mat3x3 = translation, mat3x3


class Pinhole:
    def __init__(
        self, *, image_from_camera: np.ndarray, resolution: list[int], camera_xyz: str
    ) -> None:
        assert image_from_camera.shape == (3, 3)
        assert camera_xyz == ViewCoordinates.RDF
        self.image_from_camera, self.resolution = image_from_camera, resolution


class Image:
    def __init__(self, image: np.ndarray) -> None:
        assert image.dtype == np.uint8
        self.image = image

    def compress(self, *, jpeg_quality: int) -> "Image":
        assert 1 <= jpeg_quality <= 100
        return self


class DepthImage:
    def __init__(self, image: np.ndarray, *, meter: float) -> None:
        assert image.dtype == np.uint16
        self.image, self.meter = image, meter
