"""Prepare frames for a base's vision tower, and say which part of a frame each token shows.

Bases with a fixed grid of tokens (LLaVA-1.5, LLaVA-OneVision, the tiny base) get square pictures:
the whole frame scaled to a square, or its middle. Qwen-VL models take any shape.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from workflow_scripts.common.errors import UserError

FIXED_GRID = ("llava", "llava_onevision")
ANY_GRID = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
# What a tower sees of a frame: left, top, right, bottom as shares of its width and height.
Window = tuple[float, float, float, float]


@dataclass(frozen=True)
class FramePixels:
    """Frames as a vision tower takes them.

    Attributes:
        pixel_values: What the base's image processor makes, all frames one after the other.
        image_grid_thw: i64 [frames, 3] for Qwen-VL models.
        rows: Of the grid of visual tokens of a frame.
        columns: Likewise.
        window: The part of a frame that the grid covers.
    """

    pixel_values: torch.Tensor
    image_grid_thw: torch.Tensor | None
    rows: int
    columns: int
    window: Window


class FrameEncoder:
    """Prepares frames for a base.

    Args:
        image_processor: The base's own.
        config: The base's configuration.
        crop: `square` cuts the middle out of a frame; `full` keeps all of it.

    Raises:
        UserError: The base is of a type whose tokens this class does not know.
    """

    def __init__(self, image_processor: Any, config: Any, crop: Literal["full", "square"]) -> None:
        self._process = image_processor
        self._config = config
        self._crop = crop
        self._type = config.model_type
        if self._type not in FIXED_GRID + ANY_GRID:
            raise UserError(
                f"base: model type {self._type} is not one of those that experiments of kind video "
                f"know: {', '.join(FIXED_GRID + ANY_GRID)}"
            )

    @property
    def trailing_tokens(self) -> int:
        """Return how many tokens follow the grid of every frame."""
        return 1 if self._type == "llava_onevision" else 0

    def encode(self, rgb: np.ndarray) -> FramePixels:
        """Return frames u8 [frames, height, width, 3] as the vision tower takes them."""
        height, width = rgb.shape[1:3]
        left, top, right, bottom = 0, 0, width, height
        if self._crop == "square":
            side = min(height, width)
            left, top = (width - side) // 2, (height - side) // 2
            right, bottom = left + side, top + side
        images = [Image.fromarray(frame[top:bottom, left:right]) for frame in rgb]
        window = (left / width, top / height, right / width, bottom / height)
        if self._type in ANY_GRID:
            return self._any_grid(images, window)
        return self._fixed_grid(images, window)

    def _fixed_grid(self, images: list[Image.Image], window: Window) -> FramePixels:
        vision = self._config.vision_config
        side, patch = int(vision.image_size), int(vision.patch_size)
        square = [image.resize((side, side), Image.Resampling.BICUBIC) for image in images]
        if self._type == "llava":
            pixels = self._process(square, return_tensors="pt")["pixel_values"]
        else:
            # A lone picture would be divided into tiles of high resolution.
            several = square * 2 if len(square) == 1 else square
            pixels = self._process([several], return_tensors="pt")["pixel_values"]
            pixels = pixels[: len(square), :1]
        count = side // patch
        # A tower whose side is no multiple of its patches does not see the last pixels.
        left, top, right, bottom = window
        seen = count * patch / side
        window = (left, top, left + seen * (right - left), top + seen * (bottom - top))
        return FramePixels(pixels, None, count, count, window)

    def _any_grid(self, images: list[Image.Image], window: Window) -> FramePixels:
        inputs = self._process(images, return_tensors="pt")
        grid = inputs["image_grid_thw"]
        merge = int(self._config.vision_config.spatial_merge_size)
        rows, columns = (int(size) // merge for size in grid[0, 1:])
        return FramePixels(inputs["pixel_values"], grid, rows, columns, window)
