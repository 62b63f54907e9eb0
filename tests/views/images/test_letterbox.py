"""One frame for photos of all sizes: cameras follow exactly, nothing is mixed or lost."""

import numpy as np
import pytest

from testing.photos import picture
from workflow_scripts.views.images.letterbox import BAR, Letterbox
from workflow_scripts.views.images.read import pinhole

SIZES = [(640, 426), (426, 640), (64, 64), (17, 900), (900, 17), (513, 511), (4032, 3024)]


def fitted(width: int, height: int, frame: tuple[int, int] = (512, 384)) -> Letterbox:
    return Letterbox.fit(
        width_px=width, height_px=height, frame_width_px=frame[0], frame_height_px=frame[1]
    )


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_photo_fits_and_is_in_the_middle(width, height):
    box = fitted(width, height)
    assert 0 <= box.x0 < box.x1 <= 512
    assert 0 <= box.y0 < box.y1 <= 384
    assert box.x1 - box.x0 == 512 or box.y1 - box.y0 == 384
    assert abs(box.x0 - (512 - box.x1)) <= 1
    assert abs(box.y0 - (384 - box.y1)) <= 1
    assert box.rgb(picture(width, height)).shape == (384, 512, 3)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_cameras_see_the_same_rays(width, height):
    """A ray through a place of the photo goes through the same place of the frame, exactly."""
    box = fitted(width, height)
    k = pinhole(0.8 * width, width_px=width, height_px=height)
    k[:2, 2] += (3.5, -1.25)
    inside = box.intrinsics(k)
    rng = np.random.default_rng(0)
    for u, v in rng.uniform(0, 1, (20, 2)):
        ray = np.linalg.solve(k, [u * width, v * height, 1.0])
        x, y, _ = inside @ ray
        assert x == pytest.approx(box.x0 + u * (box.x1 - box.x0), abs=1e-9)
        assert y == pytest.approx(box.y0 + v * (box.y1 - box.y0), abs=1e-9)


def test_bars_are_grey_and_empty():
    box = fitted(100, 50, (64, 64))
    frame = box.rgb(np.zeros((50, 100, 3), np.uint8))
    assert (frame[:16] == BAR).all()
    assert (frame[48:] == BAR).all()
    assert (frame[16:48] == 0).all()
    depth = box.nearest(np.full((50, 100), 2.0, np.float32), bar=np.nan)
    assert np.isnan(depth[:16]).all()
    assert (depth[16:48] == 2).all()


def test_depth_and_ids_are_never_mixed():
    values = np.random.default_rng(0).choice([1.0, 7.0], (333, 500)).astype(np.float32)
    frame = fitted(500, 333).nearest(values, bar=np.nan)
    assert set(np.unique(frame[np.isfinite(frame)])) == {1.0, 7.0}


def test_the_nearest_sample_is_the_one_whose_cell_holds_the_pixel():
    values = np.arange(4.0)[None].repeat(2, 0)
    frame = fitted(4, 2, (8, 4)).nearest(values, bar=-1)
    assert frame[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_map_of_another_size_covers_the_same_field():
    """A depth map at half the photo's size puts its edge where the photo has it."""
    half = np.ones((25, 50), np.float32)
    half[:, 25:] = 5
    frame = fitted(100, 50, (100, 50)).nearest(half, bar=np.nan)
    assert (frame[:, :50] == 1).all()
    assert (frame[:, 50:] == 5).all()
