"""Pictures and depth maps of scans, decoded as they were stored.

K of a scan refers to the stored pixels, so that a picture is never turned by its EXIF orientation.
"""

import io
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from workflow_scripts.common.errors import UserError
from workflow_scripts.common.image_decoding import to_rgb
from workflow_scripts.common.item_errors import is_system_error
from workflow_scripts.sources.readers.scans.exr import decode_exr, exr_size_px

Item = TypeVar("Item")

NO_DEPTH = 65535
"""In 16-bit depth maps this marks pixels without depth, as 0 does."""
MAX_PIXELS = 100_000_000
DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".exr")
_SAMPLED_PICTURES = 15


def sampled(items: Sequence[Item]) -> list[Item]:
    """Return at most 15 items at equal steps."""
    steps = np.linspace(0, len(items) - 1, min(_SAMPLED_PICTURES, len(items))).round().astype(int)
    return [items[step] for step in steps]


def common_size_px(paths: Sequence[Path]) -> tuple[int, int]:
    """Return the (width, height) that most of some pictures have, of at most 15 at equal steps.

    A damaged picture, or one of another size, costs itself only, wherever it is among the others.
    `UserError` names the first one if none can be read.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    problem: UserError | None = None
    for path in sampled(paths):
        try:
            sizes[picture_size_px(path)] += 1
        except UserError as error:
            problem = problem or error
    if not sizes:
        raise problem or UserError("no pictures")
    return sizes.most_common(1)[0][0]


def picture_size_px(path: Path) -> tuple[int, int]:
    """Return (width, height) of a picture or an .npy array without decoding it."""
    try:
        if path.suffix.lower() == ".npy":
            shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
            return int(shape[1]), int(shape[0])
        if path.suffix.lower() == ".exr":
            return exr_size_px(read_content(path), str(path))
        with Image.open(path) as image:
            return image.size
    except UserError:
        raise
    except Exception as error:  # decoders raise many types for damaged bytes
        raise UserError(f"{path}: cannot be read as a picture ({_one_line(error)})") from None


def read_content(path: Path) -> bytes:
    """Return a file's bytes; `UserError` if it is no file that can be read, or is empty."""
    try:
        content = path.read_bytes()
    except OSError as error:
        if is_system_error(error):
            raise
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not content:
        raise UserError(f"{path}: empty")
    return content


def decode_rgb(
    content: bytes, name: str, size_px: tuple[int, int] | None = None, *, use_exif: bool = False
) -> np.ndarray:
    """Return u8 [height, width, 3] of a picture's bytes; `UserError` names it if it is broken.

    With `use_exif` the picture is turned as its EXIF orientation says, before its size is checked.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            _check_size(image.size, None, name)
            turned = ImageOps.exif_transpose(image) if use_exif else image
            _check_size(turned.size, size_px, name)
            return to_rgb(turned)
    except UserError as error:
        raise UserError(f"{name}: {str(error).removeprefix(f'{name}: ')}") from None
    except Exception as error:
        raise UserError(f"{name}: cannot be decoded ({_one_line(error)})") from None


def decode_depth(
    content: bytes,
    name: str,
    *,
    unit_m: float,
    float_unit_m: float = 1.0,
    size_px: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return f32 [height, width] in metres of a depth map's bytes, NaN where there is none.

    Whole numbers count `unit_m`, floating-point numbers `float_unit_m`. `name` decides by its
    ending whether it is an .npy array.
    """
    try:
        if name.lower().endswith(".npy"):
            values = np.load(io.BytesIO(content), allow_pickle=False)
        elif name.lower().endswith(".exr"):
            values = decode_exr(content, name)
        else:
            with Image.open(io.BytesIO(content)) as image:
                _check_size(image.size, size_px, name)
                values = np.asarray(image)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{name}: cannot be decoded ({_one_line(error)})") from None
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.number):
        raise UserError(f"{name}: shape {values.shape}, type {values.dtype}; depth has one channel")
    if values.dtype == np.uint8:
        raise UserError(f"{name}: 8 bits a pixel are too few for depth; use 16-bit PNG")
    _check_size((values.shape[1], values.shape[0]), size_px, name)
    return metric_depth(values, unit_m=unit_m, float_unit_m=float_unit_m)


def metric_depth(values: np.ndarray, *, unit_m: float, float_unit_m: float = 1.0) -> np.ndarray:
    """Return f32 metres of raw numbers [height, width]; NaN where they are no depth."""
    if np.issubdtype(values.dtype, np.floating):
        depth_m = (values * float_unit_m).astype(np.float32)
        return np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.float32(np.nan))
    is_depth = (values > 0) & (values != NO_DEPTH)
    return np.where(is_depth, values * unit_m, np.nan).astype(np.float32)


def depth_of_zlib(
    content: bytes, name: str, *, size_px: tuple[int, int], unit_m: float
) -> np.ndarray:
    """Return f32 [height, width] in metres of zlib-compressed 16-bit numbers."""
    width, height = size_px
    try:
        raw = zlib.decompress(content)
    except zlib.error as error:
        raise UserError(f"{name}: depth cannot be decompressed ({error})") from None
    if len(raw) != 2 * width * height:
        raise UserError(
            f"{name}: {len(raw)} bytes of depth; {width} x {height} needs {2 * width * height}"
        )
    return metric_depth(np.frombuffer(raw, "<u2").reshape(height, width), unit_m=unit_m)


def file_rgb(
    path: Path, size_px: tuple[int, int] | None = None, *, use_exif: bool = False
) -> Callable[[], np.ndarray]:
    """Return a function that decodes a picture's file; it must have (width, height)."""
    return lambda: decode_rgb(read_content(path), str(path), size_px, use_exif=use_exif)


def file_depth(
    path: Path,
    *,
    unit_m: float,
    float_unit_m: float = 1.0,
    size_px: tuple[int, int] | None = None,
) -> Callable[[], np.ndarray]:
    """Return a function that decodes a depth map's file; it must have (width, height)."""
    return lambda: decode_depth(
        read_content(path), str(path), unit_m=unit_m, float_unit_m=float_unit_m, size_px=size_px
    )


def confident_depth(
    load_depth_m: Callable[[], np.ndarray], confidence: Path | None, *, minimum: int
) -> Callable[[], np.ndarray]:
    """Return a loader whose depth is NaN where a confidence picture is below `minimum`."""
    if confidence is None:
        return load_depth_m

    def load() -> np.ndarray:
        depth_m = load_depth_m()
        try:
            with Image.open(confidence) as image:
                values = np.asarray(image)
        except Exception as error:
            raise UserError(f"{confidence}: cannot be decoded ({_one_line(error)})") from None
        if values.shape != depth_m.shape:
            raise UserError(
                f"{confidence}: shape {values.shape}, the depth map has {depth_m.shape}"
            )
        return np.where(values >= minimum, depth_m, np.float32(np.nan))

    return load


def _check_size(size: tuple[int, int], wanted: tuple[int, int] | None, name: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise UserError(f"{name}: {size[0]} x {size[1]}, more than {MAX_PIXELS} pixels")
    if wanted is not None and tuple(size) != tuple(wanted):
        raise UserError(
            f"{name}: {size[0]} x {size[1]}, the scan's camera is of {wanted[0]} x {wanted[1]}; "
            "pictures of one scan must have one size"
        )


def _one_line(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        # Pillow's own words have the address of an object.
        return "no kind of picture that is known"
    text = " ".join(str(error).split())
    return f"{text:.160}" if text else type(error).__name__
