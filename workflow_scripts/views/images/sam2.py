"""Masks for boxes by SAM 2 through transformers: an image is encoded once for all its boxes."""

import numpy as np
import torch
from transformers import Sam2Model, ViTImageProcessor

from workflow_scripts.views.images.model_loading import model_loading, to_device, to_pil_images

ADVICE = (
    "Set sources.images.localise.mask_model to a SAM 2 model, such as "
    "facebook/sam2.1-hiera-small, or to a local folder with one."
)
BOXES_PER_BATCH = 64


class Sam2:
    """A SAM 2 model on one device."""

    def __init__(self, model: str, *, device: str = "auto") -> None:
        key = "sources.images.localise.mask_model"
        with model_loading(key, model, types=("sam2", "sam2_video"), advice=ADVICE):
            # SAM 2's processor needs torchvision; ViT's reads the same settings and does the same
            # (resize to a square, normalise) without it.
            self._processor = ViTImageProcessor.from_pretrained(model)
            network = Sam2Model.from_pretrained(model)
        self._model, self._device, self._dtype = to_device(network, device)

    @torch.inference_mode()
    def segment(self, rgb: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return masks bool [n, h, w] and scores f64 [n] of boxes [n, 4] in an image u8 [h, w, 3].

        A score is the network's estimate of its mask's IoU, 0 where it sees no object.
        """
        height, width = rgb.shape[:2]
        masks = np.zeros((len(boxes), height, width), dtype=bool)
        scores = np.zeros(len(boxes))
        if not len(boxes):
            return masks, scores
        pixels = self._processor(images=to_pil_images([rgb]), return_tensors="pt")["pixel_values"]
        embeddings = self._model.get_image_embeddings(pixels.to(self._device, self._dtype))
        side_y, side_x = pixels.shape[-2:]
        scale = np.array([side_x / width, side_y / height] * 2)
        prompts = torch.as_tensor(boxes * scale, dtype=self._dtype, device=self._device)
        for first in range(0, len(boxes), BOXES_PER_BATCH):
            batch = slice(first, min(first + BOXES_PER_BATCH, len(boxes)))
            output = self._model(
                image_embeddings=list(embeddings),
                input_boxes=prompts[None, batch],
                multimask_output=False,
            )
            full_size_masks = torch.nn.functional.interpolate(
                output.pred_masks[0].float(),
                size=(height, width),
                mode="bilinear",
                align_corners=False,
            )
            masks[batch] = (full_size_masks[:, 0] > 0).cpu().numpy()
            sees_object = output.object_score_logits[0, :, 0].float() > 0
            mask_scores = output.iou_scores[0, :, 0].float().clamp(0, 1) * sees_object
            scores[batch] = mask_scores.cpu().numpy()
        return masks, scores
