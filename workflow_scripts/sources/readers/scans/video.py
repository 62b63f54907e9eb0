"""Frames of a video by number, decoded one after the other and never all at once.

Every frame that the file holds is counted. Phones write an edit list that tells players to leave
out the first frame; followed, every picture would be one frame late.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError

_OPTIONS = {"ignore_editlist": "1"}


class VideoFrames:
    """A video that is open for reading; asking in the order of numbers decodes each frame once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._av = _import_av(path)
        self._lock = threading.Lock()
        self._container: Any = None
        self._frames: Iterator[Any] | None = None
        self._next = 0
        self._last: tuple[int, np.ndarray] | None = None
        with self._decoding("cannot be read as a video"):
            stream = self._start()
            self.size_px: tuple[int, int] = (int(stream.width), int(stream.height))
            self.num_frames = int(stream.frames) or self._count_packets()

    def close(self) -> None:
        """Close the file; closing it twice is no error."""
        if self._container is not None:
            self._container.close()
            self._container = None
        self._frames = None

    def rgb(self, number: int) -> np.ndarray:
        """Return frame `number` as u8 [height, width, 3]; `UserError` if it cannot be decoded."""
        with self._lock:
            if self._last is not None and self._last[0] == number:
                return self._last[1]
            with self._decoding(f"frame {number} cannot be decoded"):
                if self._frames is None or number < self._next:
                    self._start()
                assert self._frames is not None
                for frame in self._frames:
                    self._next += 1
                    if self._next == number + 1:
                        picture: np.ndarray = frame.to_ndarray(format="rgb24")
                        self._last = (number, picture)
                        return picture
            self.close()
            raise UserError(f"{self.path}: it has {self._next} frames, none with number {number}")

    def _start(self) -> Any:
        self.close()
        self._container = self._av.open(str(self.path), options=_OPTIONS)
        if not self._container.streams.video:
            raise UserError(f"{self.path}: cannot be read as a video (it has no pictures)")
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        self._frames, self._next = iter(self._container.decode(stream)), 0
        return stream

    def _count_packets(self) -> int:
        """Return the number of frames of a file whose header does not say it."""
        self.close()
        with self._av.open(str(self.path), options=_OPTIONS) as container:
            return sum(1 for packet in container.demux(video=0) if packet.size)

    @contextlib.contextmanager
    def _decoding(self, problem: str) -> Iterator[None]:
        try:
            yield
        except (self._av.error.FFmpegError, IndexError, OSError) as error:
            self.close()
            text = str(getattr(error, "strerror", None) or error)
            raise UserError(f"{self.path}: {problem} ({text:.120})") from None


def _import_av(path: Path) -> Any:
    try:
        import av
    except ImportError as error:
        raise UserError(
            f"{path}: reading videos needs the package av. Install it, or put the video's frames "
            f"as pictures NNNNNN.jpg into the folder {path.with_suffix('')}"
        ) from error
    return av
