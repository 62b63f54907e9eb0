"""OpenEXR files in scan lines: one or more channels of float32 or float16."""

import struct
import zlib

import numpy as np

NONE, RLE, ZIPS, ZIP, PIZ = range(5)


def exr_bytes(channels: dict[str, np.ndarray], *, compression: int = ZIP) -> bytes:
    """Return a file of channels [h, w] of one size; PIZ is only named, its blocks are ZIP's."""
    names = sorted(channels)
    height, width = channels[names[0]].shape
    kinds = {np.dtype("<f2"): 1, np.dtype("<f4"): 2}
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<4i", kinds[channels[name].dtype], 0, 1, 1)
        for name in names
    )
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = [
        (b"channels", b"chlist", listed + b"\0"),
        (b"compression", b"compression", bytes([compression])),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", struct.pack("<2f", 0, 0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    ]
    header = b"v/1\x01" + struct.pack("<I", 2)
    for name, kind, value in attributes:
        header += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    header += b"\0"
    step = 16 if compression in (ZIP, PIZ) else 1
    blocks = []
    for first in range(0, height, step):
        lines = range(first, min(first + step, height))
        raw = b"".join(channels[name][line].tobytes() for line in lines for name in names)
        packed = raw if compression == NONE else _compress(raw, compression)
        content = packed if len(packed) < len(raw) else raw
        blocks.append(struct.pack("<2i", first, len(content)) + content)
    start = len(header) + 8 * len(blocks)
    places = [start + sum(len(block) for block in blocks[:index]) for index in range(len(blocks))]
    return header + struct.pack(f"<{len(places)}Q", *places) + b"".join(blocks)


def _compress(raw: bytes, compression: int) -> bytes:
    values = np.frombuffer(raw, np.uint8)
    ordered = np.concatenate([values[::2], values[1::2]]).astype(np.int64)
    differences = np.diff(ordered, prepend=ordered[:1] - ordered[:1]) + 128
    differences[0] = ordered[0]
    packed = differences.astype(np.uint8).tobytes()
    return _runs(packed) if compression == RLE else zlib.compress(packed)


def _runs(content: bytes) -> bytes:
    """Return runs of 2 to 128 equal bytes, and single bytes as they are."""
    parts, start = [], 0
    while start < len(content):
        count = 1
        while count < 128 and content[start : start + count + 1] == content[start : start + 1] * (
            count + 1
        ):
            count += 1
        byte = content[start : start + 1]
        parts.append(bytes([count - 1]) + byte if count > 1 else b"\xff" + byte)
        start += count
    return b"".join(parts)
