"""Tell near-duplicate photos: a small perceptual fingerprint, and groups of alike ones.

The fingerprint has 128 bits: of a 9 x 9 grey miniature, whether each place is brighter than its
right neighbour (64) and than its lower one (64). Re-encoding, resizing and mild colour changes
turn few of them over.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

NUM_BITS = 128
_SIDE = 9
_BLOCK = 4096


def fingerprint(rgb: np.ndarray) -> str:
    """Return the fingerprint of u8 [h, w, 3] as 32 hexadecimal digits."""
    grey = Image.fromarray(rgb).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    # Whole grey levels: noise below one level turns no bit of a flat picture.
    level = np.asarray(grey, dtype=np.int16)
    right = level[:-1, :-1] > level[:-1, 1:]
    down = level[:-1, :-1] > level[1:, :-1]
    return np.packbits(np.concatenate([right.ravel(), down.ravel()])).tobytes().hex()


def group_near_duplicates(fingerprints: Sequence[str], *, max_bits: int) -> np.ndarray:
    """Return a group number [n] for each fingerprint; those within `max_bits` share a group.

    Groups are joined over chains (a like b, b like c). With at most k different bits, one of
    k + 1 bands of the bits is equal, so only photos that share a band are compared: the result is
    that of comparing all pairs.
    """
    if not len(fingerprints):
        return np.zeros(0, np.int64)
    codes = np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint8).reshape(-1, NUM_BITS // 8)
    unique, unique_index = np.unique(codes, axis=0, return_inverse=True)
    parent = np.arange(len(unique))

    def find_root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = int(parent[item])
        return item

    bits = np.unpackbits(unique, axis=1)
    for band in np.array_split(np.arange(NUM_BITS), max_bits + 1):
        keys = np.packbits(bits[:, band], axis=1)
        _, key, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(key.ravel(), kind="stable")
        for items in np.split(order, np.cumsum(counts)[:-1]):
            for first, second in _close_pairs(unique, items, max_bits):
                low, high = sorted((find_root(first), find_root(second)))
                parent[high] = low
    roots = np.array([find_root(item) for item in range(len(unique))])
    return roots[unique_index.ravel()]


def _close_pairs(codes: np.ndarray, items: np.ndarray, max_bits: int) -> list[tuple[int, int]]:
    """Return the pairs of `items` whose codes differ in at most `max_bits` bits."""
    pairs = []
    for position in range(len(items) - 1):
        for start in range(position + 1, len(items), _BLOCK):
            others = items[start : start + _BLOCK]
            different = np.bitwise_count(codes[others] ^ codes[items[position]]).sum(axis=1)
            pairs += [
                (int(items[position]), int(second)) for second in others[different <= max_bits]
            ]
    return pairs
