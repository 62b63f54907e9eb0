"""OpenEXR files of depth: one channel of a picture in scan lines.

Files without compression, and those with RLE, ZIPS or ZIP, are read here; others (PIZ, tiles,
several parts) need the package OpenEXR. Of several channels that of depth is taken: Z, or one of
the names that programs give it.
"""

import struct
import tempfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from workflow_scripts.common.errors import UserError

MAGIC = b"v/1\x01"
_NONE, _RLE, _ZIPS, _ZIP = 0, 1, 2, 3
_LINES_A_BLOCK = {_NONE: 1, _RLE: 1, _ZIPS: 1, _ZIP: 16}
_TYPES: dict[int, np.dtype] = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}
_TILED, _DEEP, _PARTS = 0x200, 0x800, 0x1000
_DEPTH_CHANNELS = ("Z", "depth", "Depth", "Y", "V", "R", "A")
_MAX_PIXELS = 100_000_000


@dataclass(frozen=True)
class _Header:
    size_px: tuple[int, int]
    first_line: int
    compression: int
    channels: tuple[tuple[str, np.dtype], ...]
    is_sampled: bool
    flags: int
    end: int


def exr_size_px(content: bytes, name: str) -> tuple[int, int]:
    """Return (width, height) of a file's pixels; `UserError` names it if it is none."""
    return _header(content, name).size_px


def decode_exr(content: bytes, name: str) -> np.ndarray:
    """Return the channel of depth f32 [height, width] of a file's bytes, as it is stored.

    `UserError` names the file if it is damaged, or the package that it needs.
    """
    header = _header(content, name)
    if header.compression in _LINES_A_BLOCK and not header.is_sampled and not header.flags:
        try:
            return _scan_lines(content, header)
        except (struct.error, ValueError, IndexError, zlib.error) as error:
            raise UserError(f"{name}: damaged or cut off ({error})") from None
    return _by_library(content, header, name)


def depth_channel(names: list[str], where: str) -> str:
    """Return the name of the channel that holds depth."""
    if len(names) == 1:
        return names[0]
    for name in _DEPTH_CHANNELS:
        if name in names:
            return name
    raise UserError(f"{where}: its channels are {', '.join(names)}; none is known to be depth (Z)")


def _header(content: bytes, name: str) -> _Header:
    if content[:4] != MAGIC:
        raise UserError(f"{name}: not an OpenEXR file")
    try:
        header = _parse_header(content)
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise UserError(f"{name}: damaged header of OpenEXR ({error})") from None
    width, height = header.size_px
    if not (width > 0 and height > 0 and width * height <= _MAX_PIXELS):
        raise UserError(f"{name}: {width} x {height} pixels")
    if not header.channels:
        raise UserError(f"{name}: no channels")
    return header


def _parse_header(content: bytes) -> _Header:
    (version,) = struct.unpack_from("<I", content, 4)
    attributes: dict[str, bytes] = {}
    start = 8
    while content[start] != 0:
        end = content.index(b"\0", start)
        key = content[start:end].decode("latin1")
        # Its type is a word as well.
        start = content.index(b"\0", end + 1) + 1
        (size,) = struct.unpack_from("<i", content, start)
        start += 4
        if size < 0 or start + size > len(content):
            raise ValueError(f"attribute {key} has {size} bytes")
        attributes[key] = content[start : start + size]
        start += size
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    channels, is_sampled = _parse_channels(attributes["channels"])
    return _Header(
        (right - left + 1, bottom - top + 1),
        top,
        attributes["compression"][0],
        tuple(channels),
        is_sampled,
        version & (_TILED | _DEEP | _PARTS),
        start + 1,
    )


def _parse_channels(content: bytes) -> tuple[list[tuple[str, np.dtype]], bool]:
    """Return names and types of channels, and whether some has fewer pixels than the picture."""
    channels: list[tuple[str, np.dtype]] = []
    start, is_sampled = 0, False
    while content[start] != 0:
        end = content.index(b"\0", start)
        kind, _, step_x, step_y = struct.unpack_from("<4i", content, end + 1)
        channels.append((content[start:end].decode("latin1"), _TYPES[kind]))
        is_sampled |= step_x != 1 or step_y != 1
        start = end + 17
    return channels, is_sampled


def _scan_lines(content: bytes, header: _Header) -> np.ndarray:
    """Return the channel of depth from blocks of lines, which may come in any order."""
    width, height = header.size_px
    lines_a_block = _LINES_A_BLOCK[header.compression]
    chosen = depth_channel([name for name, _ in header.channels], "the file")
    line_bytes = width * sum(dtype.itemsize for _, dtype in header.channels)
    before = 0
    for name, dtype in header.channels:
        if name == chosen:
            break
        before += width * dtype.itemsize
    pixels = np.full((height, width), np.nan, np.float32)
    num_blocks = -(-height // lines_a_block)
    for start in struct.unpack_from(f"<{num_blocks}Q", content, header.end):
        line, size = struct.unpack_from("<2i", content, start)
        first = line - header.first_line
        count = min(lines_a_block, height - first)
        if not 0 <= first < height or size < 0 or start + 8 + size > len(content):
            raise ValueError(f"a block of line {line} with {size} bytes")
        block = content[start + 8 : start + 8 + size]
        # A block that did not become smaller is stored as it is.
        if header.compression != _NONE and size < count * line_bytes:
            block = _decompress(block, header.compression)
        if len(block) != count * line_bytes:
            raise ValueError(f"{len(block)} bytes of line {line}, {count * line_bytes} are needed")
        for offset in range(count):
            at = offset * line_bytes + before
            pixels[first + offset] = np.frombuffer(block, dtype, count=width, offset=at)
    return pixels


def _decompress(block: bytes, compression: int) -> bytes:
    """Undo the compression, the differences between bytes, and their order."""
    packed = _runs(block) if compression == _RLE else zlib.decompress(block)
    differences = np.frombuffer(packed, np.uint8).astype(np.int64)
    differences[1:] -= 128
    values = np.cumsum(differences).astype(np.uint8)
    half = (len(values) + 1) // 2
    result = np.empty_like(values)
    result[::2], result[1::2] = values[:half], values[half:]
    return result.tobytes()


def _runs(block: bytes) -> bytes:
    parts, start = [], 0
    while start < len(block):
        count = block[start] - 256 if block[start] > 127 else block[start]
        if count < 0:
            parts.append(block[start + 1 : start + 1 - count])
            start += 1 - count
        else:
            parts.append(block[start + 1 : start + 2] * (count + 1))
            start += 2
    return b"".join(parts)


def _by_library(content: bytes, header: _Header, name: str) -> np.ndarray:
    try:
        import OpenEXR
    except ImportError as error:
        raise UserError(
            f"{name}: this kind of OpenEXR file (compression {header.compression}) needs the "
            "package OpenEXR. Install it (pip install OpenEXR), or save depth as 16-bit PNG"
        ) from error
    library: Any = OpenEXR
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(content)
        file.flush()
        try:
            channels = library.File(file.name, separate_channels=True).channels()
            pixels = channels[depth_channel(list(channels), "the file")].pixels
        except UserError:
            raise
        except Exception as error:  # the library has errors of its own
            raise UserError(f"{name}: cannot be decoded ({error})") from None
    result: np.ndarray = np.asarray(pixels, dtype=np.float32)
    return result
