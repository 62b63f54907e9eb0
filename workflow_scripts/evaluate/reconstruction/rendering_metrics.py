"""Metrics of a drawn reconstruction: masks by class, depth, and likeness of the pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError


def mask_iou(
    true: np.ndarray, predicted: np.ndarray, considered: np.ndarray | None = None
) -> dict[str, float]:
    """Return intersection over union of the masks of every class.

    Args:
        true: class of each pixel [h, w] of the true picture, "" for none.
        predicted: class of each pixel [h, w] of the drawn reconstruction.
        considered: pixels [h, w] that count; None: all.

    A class that only one of the pictures shows has 0.
    """
    if considered is not None:
        true, predicted = true[considered], predicted[considered]
    names, codes = np.unique(np.stack([true.ravel(), predicted.ravel()]), return_inverse=True)
    first, second = codes.reshape(2, -1)
    count = len(names)
    both = np.bincount(first[first == second], minlength=count)
    either = np.bincount(first, minlength=count) + np.bincount(second, minlength=count) - both
    return {
        str(name): float(both[number] / either[number]) for number, name in enumerate(names) if name
    }


def mean_mask_iou(
    true: np.ndarray, predicted: np.ndarray, considered: np.ndarray | None = None
) -> float:
    """Return the mean over the classes that either picture shows; NaN if neither shows any."""
    values = mask_iou(true, predicted, considered).values()
    return float(np.mean(list(values))) if values else float("nan")


def depth_abs_rel(
    true_m: np.ndarray, predicted_m: np.ndarray, considered: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the mean of |predicted - true| / true, and the share of pixels that have it.

    Args:
        true_m: planar depth [h, w] in metres, NaN where nothing was hit.
        predicted_m: that of the drawn reconstruction.
        considered: pixels [h, w] that count; None: all.

    Pixels with a true depth count; where the reconstruction has none they lack the error.
    """
    wanted = np.isfinite(true_m) & (true_m > 0)
    if considered is not None:
        wanted &= considered
    usable = wanted & np.isfinite(predicted_m)
    if not usable.any():
        return float("nan"), 0.0
    true = true_m[usable].astype(np.float64)
    error = np.abs(predicted_m[usable].astype(np.float64) - true) / true
    return float(error.mean()), float(usable.sum() / wanted.sum())


def clip_similarity(
    true: Sequence[np.ndarray], drawn: Sequence[np.ndarray], model: Path
) -> np.ndarray:
    """Return the cosine [n] of CLIP's embeddings of pairs of pictures u8 [h, w, 3].

    `model` is a local folder with a CLIP model and its image processor; nothing is downloaded.
    """
    import torch
    from transformers import AutoImageProcessor, CLIPModel

    if not model.is_dir():
        raise UserError(f"{model}: no such folder of a CLIP model")
    try:
        processor = AutoImageProcessor.from_pretrained(model, local_files_only=True)
        network = CLIPModel.from_pretrained(model, local_files_only=True).eval()
    except (OSError, ValueError) as error:
        raise UserError(f"{model}: no CLIP model that can be read: {error!s:.200}") from error
    embeddings = []
    with torch.inference_mode():
        for pictures in (true, drawn):
            rows = []
            for picture in pictures:
                pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
                pooled = network.vision_model(pixel_values=pixels).pooler_output
                rows.append(network.visual_projection(pooled)[0].numpy())
            embeddings.append(np.stack(rows).astype(np.float64))
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in embeddings)
    similarity: np.ndarray = (a * b).sum(axis=1)
    return similarity
