"""Colour names from pixels."""

import numpy as np
import pytest

from workflow_scripts.common.colours import COLOUR_NAMES, MIN_PIXELS, colour_name, rgb_to_lab


def filled(*colours: tuple[int, int, int], side: int = 20) -> np.ndarray:
    """Return a picture whose rows take the colours in turn."""
    rows = [colours[row % len(colours)] for row in range(side)]
    return np.repeat(np.array(rows, dtype=np.uint8)[:, None], side, axis=1)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((5, 5, 5), "black"),
        ((128, 128, 128), "gray"),
        ((250, 250, 250), "white"),
        ((170, 40, 40), "red"),
        ((130, 30, 30), "red"),
        ((140, 90, 40), "brown"),
        ((220, 200, 165), "beige"),
        ((240, 130, 20), "orange"),
        ((230, 220, 120), "yellow"),
        ((40, 130, 50), "green"),
        ((40, 60, 190), "blue"),
        ((120, 50, 150), "purple"),
        ((245, 170, 195), "pink"),
        ((60, 90, 130), "blue"),
        ((40, 45, 75), "blue"),
        ((30, 120, 125), "teal"),
        ((120, 150, 110), "green"),
        ((155, 65, 45), "red"),
        ((110, 70, 50), "brown"),
        ((200, 170, 130), "beige"),
        ((210, 90, 30), "orange"),
        ((185, 180, 173), "gray"),
        ((111, 124, 130), "blue"),
        ((239, 229, 220), "white"),
        ((52, 46, 46), "black"),
    ],
)
def test_plain_colours_get_their_common_name(rgb: tuple[int, int, int], name: str) -> None:
    picture = filled(rgb)

    assert colour_name(picture, np.ones(picture.shape[:2], dtype=bool)) == name


def test_a_patterned_or_tiny_thing_gets_no_name() -> None:
    stripes = filled((200, 30, 30), (30, 60, 190), (250, 250, 250), (30, 140, 40))
    red = filled((200, 30, 30))
    tiny = np.zeros(red.shape[:2], dtype=bool)
    tiny.ravel()[: MIN_PIXELS - 1] = True

    assert colour_name(stripes, np.ones(stripes.shape[:2], dtype=bool)) == ""
    assert colour_name(red, tiny) == ""


def test_shade_does_not_change_the_name_of_most_of_a_thing() -> None:
    shaded = filled((170, 40, 40), (150, 36, 36), (128, 30, 30))

    assert colour_name(shaded, np.ones(shaded.shape[:2], dtype=bool)) == "red"


def test_lab_matches_known_values() -> None:
    # White, black and pure sRGB red, from the CIE definition.
    known = rgb_to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], dtype=np.uint8))

    np.testing.assert_allclose(known, [[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2]], atol=0.3)
    assert len(COLOUR_NAMES) == 13
