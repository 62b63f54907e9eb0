"""Decode what users have: orientation, focal length, every mode, and what cannot be used."""

import io
import random
import re
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image, ImageCms

from testing.photos import encoded, exif_of, picture
from workflow_scripts.common.image_decoding import DIAGONAL_35MM, UnusableImage, decode_image

LIMITS = {"min_side_px": 16, "max_pixels": 1_000_000}


def encode_image(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: image[::-1, ::-1]),
        (4, lambda image: image[::-1]),
        (5, lambda image: image.transpose(1, 0, 2)),
        (6, lambda image: np.rot90(image, -1)),
        (7, lambda image: image[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda image: np.rot90(image)),
    ],
)
def test_orientation_is_honoured(orientation, turn):
    rgb = picture(96, 64)
    found = decode_image(encoded(rgb, exif=exif_of(orientation=orientation)), **LIMITS)
    np.testing.assert_array_equal(found.rgb, turn(rgb))


def test_focal_length_of_the_35_mm_equivalent_survives_turning():
    """36 mm on a 36 x 24 mm frame: f = 36 / 36 of the longer side of a 3 : 2 picture."""
    for orientation in (1, 6):
        content = encoded(picture(96, 64), exif=exif_of(orientation=orientation, focal_35mm=36))
        assert decode_image(content, **LIMITS).focal_px == pytest.approx(96.0)
    assert pytest.approx(43.2666, abs=1e-4) == DIAGONAL_35MM


def test_focal_length_of_the_focal_plane_follows_a_smaller_copy():
    """50 mm at 100 px / mm of a 960 px picture is 5000 px; of its 96 px copy 500 px."""
    exif = exif_of()
    tags = exif.get_ifd(0x8769)
    tags[0x920A], tags[0xA20E], tags[0xA210], tags[0xA002] = 50.0, 1000.0, 3, 960
    assert decode_image(encoded(picture(96, 64), exif=exif), **LIMITS).focal_px == pytest.approx(
        500.0
    )


@pytest.mark.parametrize("focal", [0, 1, 100_000, None])
def test_focal_lengths_that_cannot_be_are_not_believed(focal):
    content = encoded(picture(), exif=exif_of(focal_35mm=focal))
    assert decode_image(content, **LIMITS).focal_px is None


def modes() -> dict[str, bytes]:
    rgb = Image.fromarray(picture())
    deep = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    return {
        "grey": encode_image(rgb.convert("L"), "PNG"),
        "grey and alpha": encode_image(rgb.convert("LA"), "PNG"),
        "palette": encode_image(rgb.convert("P"), "PNG"),
        "palette and alpha": encode_image(rgb.convert("P"), "PNG", transparency=3),
        "alpha": encode_image(rgb.convert("RGBA"), "PNG"),
        "black and white": encode_image(rgb.convert("1"), "PNG"),
        "cmyk": encode_image(rgb.convert("CMYK"), "JPEG"),
        "16 bits": encode_image(Image.fromarray(deep), "PNG"),
        "16 bits TIFF": encode_image(Image.fromarray(deep), "TIFF"),
        "webp": encode_image(rgb, "WEBP", lossless=True),
        "bmp": encode_image(rgb, "BMP"),
        "progressive": encode_image(rgb, "JPEG", progressive=True),
    }


@pytest.mark.parametrize("name", modes())
def test_every_mode_becomes_rgb(name):
    rgb = decode_image(modes()[name], **LIMITS).rgb
    assert rgb.shape == (64, 96, 3)
    assert rgb.dtype == np.uint8
    if name not in ("black and white", "palette and alpha"):
        grey = np.asarray(Image.fromarray(rgb).convert("L")).astype(int)
        wanted = np.asarray(Image.fromarray(picture()).convert("L")).astype(int)
        assert np.abs(grey - wanted).mean() < 12


def test_transparent_pixels_are_white():
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    assert (decode_image(encode_image(image, "PNG"), **LIMITS).rgb == 255).all()


def test_16_bit_pictures_keep_their_contrast():
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    rgb = decode_image(encode_image(Image.fromarray(ramp), "PNG"), **LIMITS).rgb
    assert rgb.min() == 0
    assert rgb.max() == 255


def animated(kind: str) -> bytes:
    frames = [Image.fromarray(picture(seed=seed)) for seed in range(3)]
    return encode_image(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "broken: an empty file"),
        (b"hello", "broken: no format"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, "broken"),
        (animated("GIF"), "animated: 3 frames"),
        (animated("WEBP"), "animated: 3 frames"),
        (animated("PNG"), "animated: 3 frames"),
        (encoded(picture(15, 200)), "tiny: 15 x 200"),
        (encode_image(Image.new("RGB", (2000, 1000)), "PNG"), "huge: 2000 x 1000"),
        (encode_image(Image.new("F", (32, 32)), "TIFF"), "floating-point"),
    ],
)
def test_what_cannot_be_used_has_a_reason(content, reason):
    with pytest.raises(UnusableImage, match=reason):
        decode_image(content, **LIMITS)


def test_a_bomb_is_refused_before_it_is_decoded():
    """A header that claims 60,000 x 60,000 pixels costs no memory."""
    content = bytearray(encoded(picture(32, 32)))
    content[16:24] = (60_000).to_bytes(4) * 2
    with pytest.raises(UnusableImage, match=r"huge|broken"):
        decode_image(bytes(content), **LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_damage_anywhere_is_a_reason_or_a_picture(kind):
    """240 damaged files: cut at any place, or with bytes turned over."""
    whole = encoded(picture(), kind=kind, exif=exif_of(focal_35mm=28) if kind == "JPEG" else None)
    rng = random.Random(kind)
    for number in range(40):
        content = bytearray(whole)
        if number % 2:
            del content[rng.randrange(len(content)) :]
        else:
            for _ in range(rng.randrange(1, 12)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        with suppress(UnusableImage):
            rgb = decode_image(bytes(content), **LIMITS).rgb
            assert rgb.dtype == np.uint8
            assert rgb.shape[2] == 3


@pytest.mark.parametrize("num_bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_any_number_of_bits_keeps_its_contrast(num_bits: int, kind: str) -> None:
    ramp = np.linspace(0, 2**num_bits - 1, 32 * 32).reshape(32, 32).astype(np.uint16)
    decoded = decode_image(encode_image(Image.fromarray(ramp), kind), **LIMITS)
    assert (decoded.rgb.min(), decoded.rgb.max()) == (0, 255)


def test_colours_of_an_embedded_profile_are_converted_to_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The same primaries with a linear tone curve, as scanners write: 'curv' of no entries.
    linear = re.sub(rb"para.{4}\0\x03.{2}.{20}", b"curv" + bytes(8) + bytes(20), lab, flags=re.S)
    assert len(linear) == len(lab)
    linear = linear.replace(b"s\0R\0G\0B", b"l\0R\0G\0B").replace(b"sRGB", b"lRGB")
    image = Image.new("RGB", (32, 32), (60, 60, 60))
    decoded = decode_image(encode_image(image, "PNG", icc_profile=linear), **LIMITS)
    assert decoded.rgb[0, 0].tolist() == pytest.approx([132] * 3, abs=4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_profiles_that_are_srgb_or_damaged_change_no_pixel(kind: str) -> None:
    image = Image.fromarray(picture())
    plain = decode_image(encode_image(image, kind), **LIMITS).rgb
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile", srgb[:200], bytes(200)):
        content = encode_image(image, kind, icc_profile=profile)
        assert (decode_image(content, **LIMITS).rgb == plain).all()
