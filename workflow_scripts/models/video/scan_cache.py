"""Scans as a model takes them, made once however many samples are about each."""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np

from workflow_scripts.models.video.scan_inputs import ScanInputs, ScanKey, ScanReader
from workflow_scripts.models.video.scan_rows import EncodedScan, ScanFrames
from workflow_scripts.models.video.video_batch import VideoProcessor

MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class CachedScan:
    """A scan, its proposals, and both as a model takes them (world frame)."""

    inputs: ScanInputs
    encoded: EncodedScan

    @property
    def num_bytes(self) -> int:
        frames = self.encoded.frames
        if frames is None:
            return 0
        pixels = frames.pixels.pixel_values
        arrays = (frames.frames.rgb, frames.frames.depth_m, frames.tokens.xyz_m)
        return pixels.numel() * pixels.element_size() + sum(array.nbytes for array in arrays)


class ScanCache:
    """Scans by source and id; those used longest ago are given up when memory is short."""

    def __init__(
        self, reader: ScanReader, processor: VideoProcessor, *, max_bytes: int = MAX_BYTES
    ) -> None:
        self._reader = reader
        self._processor = processor
        self._max_bytes = max_bytes
        self._scans: OrderedDict[ScanKey, CachedScan] = OrderedDict()
        self._bytes = 0

    def get(self, key: ScanKey) -> CachedScan:
        """Return a scan; `UserError` if it cannot be shown."""
        if key in self._scans:
            self._scans.move_to_end(key)
            return self._scans[key]
        inputs = self._reader.read(*key)
        frames = self._processor.encode_frames(
            ScanFrames(inputs.rgb, inputs.depth_m, inputs.intrinsics, inputs.world_from_camera)
        )
        encoded = self._processor.encode_scan(frames, inputs.boxes)
        # The encoded frames hold them already.
        inputs = replace(inputs, rgb=inputs.rgb[:0], depth_m=inputs.depth_m[:0])
        scan = CachedScan(inputs, encoded)
        self._scans[key] = scan
        self._bytes += scan.num_bytes
        while self._bytes > self._max_bytes and len(self._scans) > 1:
            _, oldest = self._scans.popitem(last=False)
            self._bytes -= oldest.num_bytes
        return scan

    def disturbed(
        self, scan: CachedScan, rng: np.random.Generator, *, jitter_m: float, drop: float
    ) -> CachedScan:
        """Return a scan with other boxes at random (`ScanInputs.with_jitter`)."""
        inputs = scan.inputs.with_jitter(rng, jitter_m=jitter_m, drop=drop)
        return CachedScan(inputs, self._processor.encode_scan(scan.encoded.frames, inputs.boxes))

    def blind(self, scan: CachedScan) -> CachedScan:
        """Return a scan without frames: of proposals only the centers are known."""
        return replace(scan, encoded=self._processor.encode_scan(None, scan.inputs.boxes))
