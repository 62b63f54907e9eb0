"""Near-duplicates: what changes a fingerprint little, what much, and groups as all pairs say."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from testing.photos import picture
from workflow_scripts.scenes.images.fingerprint import NUM_BITS, fingerprint, group_near_duplicates

MAX_BITS = 10


def distance(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def altered(rgb: np.ndarray, change: str) -> np.ndarray:
    image = Image.fromarray(rgb)
    if change == "jpeg":
        file = io.BytesIO()
        image.save(file, format="JPEG", quality=40)
        image = Image.open(file)
    elif change == "smaller":
        image = image.resize((image.width // 3, image.height // 3))
    elif change == "brighter":
        image = ImageEnhance.Brightness(image).enhance(1.15)
    elif change == "grey":
        image = image.convert("L").convert("RGB")
    elif change == "noise":
        noise = np.random.default_rng(0).normal(0, 4, rgb.shape)
        image = Image.fromarray(np.clip(rgb + noise, 0, 255).astype(np.uint8))
    return np.asarray(image)


@pytest.mark.parametrize("change", ["jpeg", "smaller", "brighter", "grey", "noise"])
def test_the_same_photo_again_is_alike(change):
    for seed in range(20):
        rgb = picture(480, 320, seed=seed)
        assert distance(fingerprint(rgb), fingerprint(altered(rgb, change))) <= MAX_BITS


def test_other_photos_are_not_alike():
    fingerprints = [fingerprint(picture(480, 320, seed=seed)) for seed in range(60)]
    nearest = min(
        distance(first, second) for first, second in itertools.combinations(fingerprints, 2)
    )
    assert nearest > 2 * MAX_BITS


def test_a_mirrored_photo_is_another():
    rgb = picture(480, 320)
    assert distance(fingerprint(rgb), fingerprint(rgb[:, ::-1].copy())) > 2 * MAX_BITS


def test_flat_pictures_are_alike_whatever_their_grey():
    fingerprints = {fingerprint(np.full((40, 60, 3), grey, np.uint8)) for grey in (0, 128, 255)}
    assert fingerprints == {"0" * (NUM_BITS // 4)}


@pytest.mark.parametrize("max_bits", [0, 1, 5, 10, 40])
def test_groups_are_those_of_comparing_all_pairs(max_bits):
    rng = np.random.default_rng(max_bits)
    centres = rng.integers(0, 2, (12, NUM_BITS))
    bits = np.repeat(centres, 8, axis=0)
    flips = rng.random(bits.shape) < rng.uniform(0, 0.12, (len(bits), 1))
    fingerprints = [np.packbits(row).tobytes().hex() for row in bits ^ flips]

    groups = group_near_duplicates(fingerprints, max_bits=max_bits)

    expected_groups = list(range(len(fingerprints)))
    for first, second in itertools.combinations(range(len(fingerprints)), 2):
        if distance(fingerprints[first], fingerprints[second]) <= max_bits:
            old, new = expected_groups[second], expected_groups[first]
            expected_groups = [new if group == old else group for group in expected_groups]
    same = groups[:, None] == groups
    np.testing.assert_array_equal(
        same, np.array(expected_groups)[:, None] == np.array(expected_groups)
    )


def test_nothing_to_group():
    assert group_near_duplicates([], max_bits=10).tolist() == []


def test_many_equal_photos_are_one_group_fast():
    groups = group_near_duplicates(["0" * 32] * 20_000, max_bits=10)
    assert len(set(groups.tolist())) == 1
