"""Load vision models: check the type, move to a device, raise clear errors."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoConfig

from workflow_scripts.common.errors import UserError, allowed_values

log = logging.getLogger(__name__)


def to_pil_images(images: Iterable[np.ndarray]) -> list[Image.Image]:
    """Return arrays u8 [h, w, 3] as PIL images.

    Processors would mistake the rows of an array 3 pixels high for channels.
    """
    return [Image.fromarray(image) for image in images]


@contextmanager
def model_loading(key: str, model: str, *, types: Sequence[str], advice: str) -> Iterator[Any]:
    """Yield the configuration of a model of one of `types`; errors name the config key."""
    try:
        config = AutoConfig.from_pretrained(model)
        if config.model_type not in types:
            raise UserError(
                f"{key} {model!r} is of type {config.model_type!r}; "
                f"{allowed_values(config.model_type, types)}. {advice}"
            )
        yield config
    except UserError:
        raise
    except (OSError, ValueError, KeyError, ImportError, AttributeError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{key} {model!r} cannot be loaded: {reason} {advice}") from error


def to_device(network: torch.nn.Module, device: str) -> tuple[Any, torch.device, torch.dtype]:
    """Return a network ready for inference, its device and type: half precision on a GPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.float16 if device.startswith("cuda") else torch.float32
    target_device = torch.device(device)
    log.info("%s on %s, %s", type(network).__name__, device, dtype)
    return network.to(device=target_device, dtype=dtype).eval(), target_device, dtype
