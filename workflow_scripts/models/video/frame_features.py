"""Run a base's vision tower and projector over frames, and pool what comes out 2 x 2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Grids = Sequence[tuple[int, int]]


@dataclass
class FrameFeatures:
    """What a base makes of frames, after its projector.

    Attributes:
        output: What `get_image_features` returned; its features are replaced before use.
        patches: [frames * rows * columns, width], without what follows a frame's grid.
        trailing: The features behind each frame's grid, [number, width] each.
        grids: Rows and columns of every frame.
    """

    output: Any
    patches: torch.Tensor
    trailing: list[torch.Tensor]
    grids: list[tuple[int, int]]

    def mean(self) -> torch.Tensor:
        """Return the mean of all of the features, those for later layers too."""
        deeper = getattr(self.output, "deepstack_features", None) or []
        parts = [self.patches, *self.trailing, *(part for layer in deeper for part in layer)]
        return torch.stack([part.float().mean() for part in parts if part.numel()]).mean()


def frame_features(model: Any, batch: dict[str, Any]) -> FrameFeatures:
    """Return the features of all frames of a batch.

    Args:
        model: The base's inner model, which has `get_image_features`.
        batch: With `pixel_values`, `frame_grids` i64 [frames, 2] and what the base needs.
    """
    grids = [(int(rows), int(columns)) for rows, columns in batch["frame_grids"].tolist()]
    pixels = batch["pixel_values"].to(model.dtype)
    arguments: dict[str, Any] = {"pixel_values": pixels, "return_dict": True}
    if "image_grid_thw" in batch:
        arguments["image_grid_thw"] = batch["image_grid_thw"]
    if model.config.model_type == "llava_onevision":
        if len(pixels) == 1:
            # A lone picture would be taken for one in tiles.
            pixels = pixels.expand(2, *pixels.shape[1:])
        arguments["pixel_values"] = pixels
        arguments["image_sizes"] = [pixels.shape[-2:]] * len(pixels)
        arguments["batch_num_images"] = [len(pixels)]
    output = model.get_image_features(**arguments)
    features = list(output.pooler_output)[: len(grids)]
    sizes = [rows * columns for rows, columns in grids]
    return FrameFeatures(
        output,
        torch.cat([part[:size] for part, size in zip(features, sizes, strict=True)]),
        [part[size:] for part, size in zip(features, sizes, strict=True)],
        grids,
    )


def pooled_grid(rows: int, columns: int, pooling: int) -> tuple[int, int]:
    """Return rows and columns of a grid after pooling; an odd side is rounded up."""
    return -(-rows // pooling), -(-columns // pooling)


def pool_patches(patches: torch.Tensor, grids: Grids, pooling: int) -> torch.Tensor:
    """Return [pooled tokens, width] of patches [patches, width], frame by frame.

    Bilinear, as published: of an even grid that is the mean of 2 x 2 patches.
    """
    if pooling == 1:
        return patches
    pooled = []
    sizes = [rows * columns for rows, columns in grids]
    for (rows, columns), part in zip(grids, patches.split(sizes), strict=True):
        image = part.reshape(1, rows, columns, -1).permute(0, 3, 1, 2)
        smaller = functional.interpolate(
            image, size=pooled_grid(rows, columns, pooling), mode="bilinear"
        )
        pooled.append(smaller.permute(0, 2, 3, 1).flatten(0, 2))
    return torch.cat(pooled)


def replace_features(features: FrameFeatures, tokens: torch.Tensor, pooling: int) -> dict[str, Any]:
    """Return `mm_encoder_outputs` of a base with other tokens [pooled tokens, width].

    What follows a frame's grid, and the features that later layers add (Qwen3-VL), are kept; the
    latter are pooled likewise.
    """
    output = features.output
    sizes = [
        rows * columns for rows, columns in (pooled_grid(*grid, pooling) for grid in features.grids)
    ]
    output.pooler_output = [
        torch.cat([part.to(rest.dtype), rest])
        for part, rest in zip(tokens.split(sizes), features.trailing, strict=True)
    ]
    deeper = getattr(output, "deepstack_features", None)
    if deeper is not None:
        output.deepstack_features = [
            pool_patches(torch.cat(list(layer)), features.grids, pooling).split(sizes)
            for layer in deeper
        ]
    return {"image": output}
