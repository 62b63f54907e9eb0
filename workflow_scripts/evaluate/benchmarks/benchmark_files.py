"""Files that a benchmark names: only those in its own folder, of a kind and size that is read."""

import stat
from pathlib import Path

from PIL import Image

from workflow_scripts.common.image_decoding import to_rgb
from workflow_scripts.evaluate.benchmarks.importer import UnusableRow

MAX_PICTURE_PIXELS = 100_000_000
MAX_PICTURE_BYTES = 256 * 2**20


def path_inside(folder: Path, *names: str, what: str) -> Path:
    """Return the path of a file or folder that a row names, relative to the folder of pictures.

    `UnusableRow` if it leaves the folder: by "..", as an absolute path, or through a link. `what`
    begins the reasons: picture a/b.jpg.
    """
    try:
        path = folder.joinpath(*names)
        is_inside = path.resolve().is_relative_to(folder.resolve())
        path.exists()  # Says so if the name is too long.
    except (OSError, ValueError, RuntimeError) as error:  # links in a circle, a zero byte
        raise UnusableRow(f"{what} cannot be read") from error
    if not is_inside or any(Path(name).is_absolute() for name in names):
        raise UnusableRow(
            f"{what} lies outside of the folder of pictures; links and '..' may not lead out of it"
        )
    return path


def file_inside(folder: Path, *names: str, what: str) -> Path:
    """Return the path of a file that a row names; no pipe, device or folder, which might block."""
    path = path_inside(folder, *names, what=what)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise UnusableRow(f"{what} cannot be read") from error
    if not stat.S_ISREG(mode):
        raise UnusableRow(f"{what} is not a regular file")
    return path


def read_picture(folder: Path, *names: str, what: str) -> Image.Image:
    """Return a picture in sRGB as it is stored, with its EXIF tags.

    `UnusableRow` if it cannot be read or is too large.
    """
    path = file_inside(folder, *names, what=what)
    try:
        num_bytes = path.stat().st_size
        if num_bytes > MAX_PICTURE_BYTES:
            raise UnusableRow(f"{what} has {num_bytes} bytes, more than {MAX_PICTURE_BYTES}")
        with Image.open(path) as picture:
            check_size(*picture.size, what=what)
            exif = picture.getexif()
            rgb = Image.fromarray(to_rgb(picture))
    except Image.DecompressionBombError as error:
        raise UnusableRow(f"{what} has more than {MAX_PICTURE_PIXELS} pixels") from error
    except UnusableRow:
        raise
    except Exception as error:  # decoders raise many types
        raise UnusableRow(f"{what} cannot be read") from error
    if exif:
        rgb.info["exif"] = exif.tobytes()
    return rgb


def check_size(width_px: int, height_px: int, *, what: str) -> None:
    """Raise `UnusableRow` for a picture with more pixels than `MAX_PICTURE_PIXELS`."""
    if width_px * height_px > MAX_PICTURE_PIXELS:
        raise UnusableRow(
            f"{what} has {width_px} x {height_px} pixels, more than {MAX_PICTURE_PIXELS}"
        )
