"""Masks as COCO run lengths: small in a table, and read by every tool of the field."""

from typing import Any

import numpy as np
from pycocotools import mask as coco

from workflow_scripts.common.errors import UserError

MAX_PIXELS = 1 << 28
"""A mask of more pixels is refused before memory is asked for it."""
_MAX_BITS = 60


def encode(mask: np.ndarray) -> str:
    """Return the compressed run lengths of a mask [h, w], counted down its columns."""
    counts = coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return counts.decode("ascii") if isinstance(counts, bytes) else counts


def decode(counts: str, *, height: int, width: int) -> np.ndarray:
    """Return the mask bool [height, width] of compressed run lengths; `UserError` if garbled."""
    try:
        return _mask_from_runs(_parse_runs(counts), height=height, width=width)
    except ValueError as error:
        raise UserError(f"not a COCO mask of {height} x {width} pixels ({error})") from error


def _parse_runs(counts: str) -> list[int]:
    """Return the run lengths of COCO's text: five bits a letter, from the third run differences.

    pycocotools does not check that runs fill the mask, and returns memory as it found it.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in counts:
        bits = ord(letter) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"letter {letter!r} is not in its alphabet")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            if shift > _MAX_BITS:
                raise ValueError(f"a run length has more than {_MAX_BITS} bits")
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("it is cut off")
    return runs


def _mask_from_runs(runs: list[int], *, height: int, width: int) -> np.ndarray:
    if any(not isinstance(run, int) or run < 0 for run in runs):
        raise ValueError("run lengths must be whole numbers from 0")
    if not 0 <= height * width <= MAX_PIXELS:
        raise ValueError(f"a mask of {height} x {width}, more than {MAX_PIXELS} pixels")
    if sum(runs) != height * width:
        raise ValueError(f"run lengths sum to {sum(runs)}, not {height} x {width}")
    values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return values.reshape(width, height).T


def mask_from_segmentation(segmentation: Any, *, height: int, width: int) -> np.ndarray:
    """Return the mask bool [height, width] of a COCO segmentation.

    Polygons, run lengths as a list, or compressed run lengths. `UserError` for anything else, and
    for run lengths that do not fill their size.
    """
    try:
        if isinstance(segmentation, dict):
            rows, columns = (int(size) for size in segmentation["size"])
            counts = segmentation["counts"]
            runs = counts if isinstance(counts, list) else _parse_runs(str(counts))
            return _mask_from_runs(runs, height=rows, width=columns)
        polygons = [np.asarray(part, dtype=np.float64).ravel() for part in segmentation]
        if not polygons or any(len(part) < 6 or len(part) % 2 for part in polygons):
            raise ValueError("a polygon has at least three x, y pairs")
        if not all(np.isfinite(part).all() for part in polygons):
            raise ValueError("a corner is not finite")
        # The memory of drawing an edge grows with its length.
        if max(float(np.abs(part).max()) for part in polygons) > 2 * max(height, width):
            raise ValueError("a corner lies more than a picture away from it")
        rle_objects = coco.frPyObjects([part.tolist() for part in polygons], height, width)
        result: np.ndarray = coco.decode(coco.merge(rle_objects)).astype(bool)
        return result
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise UserError(f"not a COCO segmentation ({error})") from error
