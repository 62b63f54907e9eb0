"""Decode a user's image: upright sRGB, the focal length from EXIF, or a clear reason.

EXIF is read here, from the bytes as the user has them; nothing re-saves a photo before.
"""

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps

from workflow_scripts.common.errors import UserError

DIAGONAL_35MM = math.hypot(36.0, 24.0)
"""Diagonal of the 35 mm frame, to which FocalLengthIn35mmFilm refers (CIPA DC-008)."""
_EXIF_IFD = 0x8769
_FOCAL_LENGTH, _FOCAL_LENGTH_35MM = 0x920A, 0xA405
_PLANE_X_RESOLUTION, _PLANE_UNIT, _PIXEL_X_DIMENSION = 0xA20E, 0xA210, 0xA002
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0}
_BACKGROUND = (255, 255, 255)
_STILL_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_PLAUSIBLE_FOV_DEG = (3.0, 160.0)


@dataclass(frozen=True)
class DecodedImage:
    """An upright picture: rgb u8 [h, w, 3], and EXIF's focal length in its pixels if plausible."""

    rgb: np.ndarray
    focal_px: float | None


class UnusableImage(UserError):
    """Why a picture cannot be used, in words for a table."""


def decode_image(content: bytes, *, min_side_px: int, max_pixels: int) -> DecodedImage:
    """Decode a picture; `UnusableImage` says why it cannot be used.

    Grey, palette, transparent (over white), CMYK and 16-bit pictures become 8-bit RGB. Animated
    ones are refused, as are those smaller than `min_side_px` or of more than `max_pixels`, before
    any pixel is decoded.
    """
    try:
        # Pillow's own limit warns and fails at sizes of its own; `max_pixels` is checked instead.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                _check_header(image, min_side_px=min_side_px, max_pixels=max_pixels)
                image.load()
                focal_px = _exif_focal_px(image)
                upright = ImageOps.exif_transpose(image)
                return DecodedImage(to_rgb(upright), focal_px)
    except UnusableImage:
        raise
    except MemoryError as error:
        raise UnusableImage("too large for this machine's memory") from error
    except Exception as error:  # decoders raise many types for damaged bytes
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "cannot identify image file" in reason:
            reason = "no format that can be read" if content else "an empty file"
        raise UnusableImage(f"broken: {reason}") from error


def _check_header(image: Image.Image, *, min_side_px: int, max_pixels: int) -> None:
    width, height = image.size
    if image.format not in _STILL_FORMATS:
        raise UnusableImage(f"format {image.format} is not read; save it as JPEG, PNG or WebP")
    # A phone's multi-picture JPEG is a still whose first picture is the photo.
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames > 1:
        raise UnusableImage(f"animated: {frames} frames")
    if min(width, height) < min_side_px:
        raise UnusableImage(f"tiny: {width} x {height}, shorter than {min_side_px} px")
    if width * height > max_pixels:
        raise UnusableImage(f"huge: {width} x {height}, more than {max_pixels} pixels")


def to_rgb(image: Image.Image) -> np.ndarray:
    """Return u8 [h, w, 3] in sRGB of a picture in any of Pillow's modes."""
    if image.mode.startswith("I"):
        # Grey of up to 16 bits; one that uses 8, 10, 12 or 14 of them only is not darkened.
        values = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        num_bits = int(values.max(initial=0)).bit_length()
        grey = (values >> max(0, num_bits + num_bits % 2 - 8)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == "F":
        raise UnusableImage("floating-point pixels; save it with 8 bits a channel")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        profile = image.info.get("icc_profile")
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, (*_BACKGROUND, 255))
        image = Image.alpha_composite(background, image).convert("RGB")
        image.info["icc_profile"] = profile
    return np.asarray(_in_srgb(image).convert("RGB")).copy()


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return a picture with an embedded colour profile (Display P3, Adobe RGB, ...) in sRGB."""
    embedded = image.info.get("icc_profile")
    if not embedded or image.mode not in ("RGB", "CMYK", "L"):
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if "srgb" in ImageCms.getProfileDescription(profile).lower():
            return image
        converted = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except Exception:  # a garbled profile, or one of another kind of pixels
        return image
    return converted or image


def _exif_focal_px(image: Image.Image) -> float | None:
    """Return the focal length in pixels of the image at its original size, None if EXIF has none.

    From the 35 mm equivalent, f = f35 * diagonal_px / 43.27; else from the focal plane's
    resolution, which is that of the picture as taken. Turning a picture does not change it.
    """
    try:
        tags = image.getexif().get_ifd(_EXIF_IFD)
        width, height = image.size
        focal_px = None
        if equivalent := _positive(tags.get(_FOCAL_LENGTH_35MM)):
            focal_px = equivalent * math.hypot(width, height) / DIAGONAL_35MM
        elif (focal_mm := _positive(tags.get(_FOCAL_LENGTH))) and (
            per_unit := _positive(tags.get(_PLANE_X_RESOLUTION))
        ):
            taken_px = _positive(tags.get(_PIXEL_X_DIMENSION)) or width
            unit_mm = _MM_PER_UNIT.get(int(tags.get(_PLANE_UNIT, 2)), 25.4)
            focal_px = focal_mm * per_unit / unit_mm * width / taken_px
        if focal_px is None:
            return None
        fov_deg = math.degrees(2 * math.atan(0.5 * max(width, height) / focal_px))
    except Exception:  # a garbled EXIF block is no reason to lose the photo
        return None
    low, high = _PLAUSIBLE_FOV_DEG
    return focal_px if low <= fov_deg <= high else None


def _positive(value: object) -> float | None:
    """Return a finite number above 0, else None."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
