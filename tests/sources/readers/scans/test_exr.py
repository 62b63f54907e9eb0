"""Depth in OpenEXR files: every compression that is read here, and what is damaged."""

import contextlib
import sys

import numpy as np
import pytest

from testing.scan_layouts.exr import NONE, PIZ, RLE, ZIP, ZIPS, exr_bytes
from workflow_scripts.common.errors import UserError
from workflow_scripts.sources.readers.scans.exr import decode_exr, exr_size_px
from workflow_scripts.sources.readers.scans.pictures import decode_depth

DEPTH_M = np.linspace(0.5, 4, 37 * 23, dtype="<f4").reshape(37, 23)
DEPTH_M[:20] = 1.25  # compresses well


@pytest.mark.parametrize("compression", [NONE, RLE, ZIPS, ZIP])
@pytest.mark.parametrize("dtype", ["<f4", "<f2"])
def test_depth_comes_back(compression: int, dtype: str) -> None:
    content = exr_bytes({"R": DEPTH_M.astype(dtype)}, compression=compression)
    assert exr_size_px(content, "x") == (23, 37)
    assert np.array_equal(decode_exr(content, "x"), DEPTH_M.astype(dtype).astype("f4"))


def test_of_several_channels_that_of_depth_is_taken() -> None:
    channels = {"A": DEPTH_M * 0, "R": DEPTH_M * 2, "Z": DEPTH_M}
    assert np.array_equal(decode_exr(exr_bytes(channels), "x"), DEPTH_M)
    with pytest.raises(UserError, match="channels are G, N; none is known to be depth"):
        decode_exr(exr_bytes({"N": DEPTH_M, "G": DEPTH_M}), "x")


def test_pixels_without_depth_are_nan() -> None:
    depth_m = DEPTH_M.copy()
    depth_m[0, :3] = [np.nan, 0, np.inf]
    read = decode_depth(exr_bytes({"R": depth_m}), "depth/1.exr", unit_m=0.001)
    assert np.isnan(read[0, :3]).all()
    assert np.array_equal(read[1:], DEPTH_M[1:])


def test_other_compressions_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(UserError, match=r"depth/1\.exr: .*pip install OpenEXR"):
        decode_exr(exr_bytes({"R": DEPTH_M}, compression=PIZ), "depth/1.exr")


@pytest.mark.parametrize("compression", [NONE, RLE, ZIP])
def test_a_file_that_is_cut_off_anywhere_is_one_line(compression: int) -> None:
    content = exr_bytes({"R": DEPTH_M}, compression=compression)
    for end in range(0, len(content), 41):
        with pytest.raises(UserError, match=r"^x: ") as error:
            decode_exr(content[:end], "x")
        assert "\n" not in str(error.value)


def test_damaged_bytes_are_one_line_or_another_picture() -> None:
    content = exr_bytes({"R": DEPTH_M})
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            damaged[place] = rng.integers(0, 256)
        with contextlib.suppress(UserError):
            decode_exr(bytes(damaged), "x")
