"""Numbers for the paths of a picture that lie more evenly than random ones.

Each decision of a path draws two numbers of a Sobol sequence that is scrambled with seeds of its
own (Owen 1995, by the hash of Laine and Karras that Burley 2020 describes). Pixels follow one
another along a Z-order curve (Ahmed and Wonka 2020), so that the samples of a pixel are spread
evenly, and those of neighbouring pixels together too: less noise is left to the denoiser.
"""

from typing import Any

import numpy as np

from workflow_scripts.common.numba_kernels import numba_kernel

_MAX_DECISIONS = 64


class PathDraws:
    """The draws of a picture's paths: what they are follows from the seeds drawn from `random`."""

    def __init__(self, random: np.random.Generator) -> None:
        self._seeds = random.integers(1 << 32, size=(_MAX_DECISIONS, 3), dtype=np.uint32)

    def pairs(self, path: np.ndarray, decision: int) -> np.ndarray:
        """Return two numbers f32 [2, n] in [0, 1) for a decision of paths u32 [n].

        Paths are numbered as by `path_numbers`.
        """
        pairs = np.empty((2, len(path)), dtype=np.float32)
        sobol_pairs(path, self._seeds[decision % _MAX_DECISIONS], pairs)
        return pairs


def path_numbers(width: int, top: int, bottom: int, samples: int) -> np.ndarray:
    """Return the numbers u32 [rows * width * samples] of the paths of some rows of pixels.

    The samples of a pixel follow one another, pixels lie along a Z-order curve of the picture.
    """
    x, y = _spread_bits(np.arange(width)), _spread_bits(np.arange(top, bottom))
    pixel = (x[None, :] | (y[:, None] << np.uint32(1))).ravel()
    numbers: np.ndarray = pixel[:, None] * np.uint32(samples) + np.arange(samples, dtype=np.uint32)
    return numbers.ravel()


def _spread_bits(number: np.ndarray) -> np.ndarray:
    """Return numbers below 2**16 with a zero before each of their bits, u32."""
    spread = number.astype(np.uint32)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        spread = (spread | (spread << np.uint32(shift))) & np.uint32(mask)
    return spread


@numba_kernel
def _swapped_bits(x: Any, shift: Any, mask: Any) -> Any:
    """Return a u32 whose bits under a mask change places with those `shift` above them."""
    return ((x >> shift) & mask) | ((x & mask) << shift)


@numba_kernel
def _reversed_bits(x: Any) -> Any:
    """Return a u32 with its bits in reverse order."""
    x = _swapped_bits(x, np.uint32(16), np.uint32(0x0000FFFF))
    x = _swapped_bits(x, np.uint32(8), np.uint32(0x00FF00FF))
    x = _swapped_bits(x, np.uint32(4), np.uint32(0x0F0F0F0F))
    x = _swapped_bits(x, np.uint32(2), np.uint32(0x33333333))
    return _swapped_bits(x, np.uint32(1), np.uint32(0x55555555))


@numba_kernel
def _permuted(x: Any, seed: Any) -> Any:
    """Permute a u32 by a seed u32: each bit is flipped or not, as the bits below it decide."""
    x = np.uint32(x + seed)
    x ^= np.uint32(x * np.uint32(0x6C50B47C))
    x ^= np.uint32(x * np.uint32(0xB82F1E52))
    x ^= np.uint32(x * np.uint32(0xC7AFE638))
    x ^= np.uint32(x * np.uint32(0x8D22F6E6))
    return x


@numba_kernel
def sobol_pairs(index: np.ndarray, seeds: np.ndarray, pairs: np.ndarray) -> None:
    """Fill `pairs` f32 [2, n] in [0, 1) with the points `index` u32 [n] of a scrambled sequence.

    `seeds` u32 [3] scramble the order of the points and both coordinates.
    """
    for number in range(len(index)):
        order = _reversed_bits(_permuted(_reversed_bits(index[number]), seeds[0]))
        # Of a point, the first coordinate is its index with reversed bits, the second the product
        # of that with Pascal's triangle modulo 2.
        first = _reversed_bits(_permuted(order, seeds[1]))
        column = order
        column ^= (column >> np.uint32(1)) & np.uint32(0x55555555)
        column ^= (column >> np.uint32(2)) & np.uint32(0x33333333)
        column ^= (column >> np.uint32(4)) & np.uint32(0x0F0F0F0F)
        column ^= (column >> np.uint32(8)) & np.uint32(0x00FF00FF)
        column ^= column >> np.uint32(16)
        second = _reversed_bits(_permuted(column, seeds[2]))
        pairs[0, number] = np.float32(first >> np.uint32(8)) * np.float32(2**-24)
        pairs[1, number] = np.float32(second >> np.uint32(8)) * np.float32(2**-24)
