"""How well a pre-trained base does on images of houses that it has not seen."""

import numpy as np
import torch

from workflow_scripts.models.patch_naming import best_names, patch_objects
from workflow_scripts.sources.readers.procthor_assets import (
    STRUCTURE_CATEGORIES,
    nameable_categories,
)
from workflow_scripts.train.base.pretrain_batch import pixel_values
from workflow_scripts.train.base.pretrain_dataset import PretrainDataset
from workflow_scripts.train.base.pretrain_images import AnnotatedImages
from workflow_scripts.train.base.pretrain_model import PretrainModel

IMAGES_AT_ONCE = 32


@torch.inference_mode()
def answer_accuracy(pretrain_model: PretrainModel, dataset: PretrainDataset) -> float | None:
    """Return the fraction of questions whose answer's first token is right; None without any."""
    pretrain_model.eval()
    correct = [pretrain_model(**dataset[step])[1].float() for step in range(len(dataset))]
    found = torch.cat([torch.zeros(0), *correct])
    return float(found.mean()) if len(found) else None


def patch_naming(
    pretrain_model: PretrainModel, images: AnnotatedImages
) -> dict[str, float | int | None]:
    """Return the accuracy of patches' names, their number, and the share of the commonest.

    A patch counts where an object fills at least half of it; it is named right if the name of its
    category fits best of all, those of walls and floors included.
    """
    pretrain_model.eval()
    model, side = pretrain_model.model, round(pretrain_model.num_patches**0.5)
    # The first class has no name, the last ones are marks.
    word_weights = pretrain_model.class_word_weights[1 : 1 + len(nameable_categories())]
    true, given = [], []
    for start in range(0, len(images), IMAGES_AT_ONCE):
        chosen = slice(start, start + IMAGES_AT_ONCE)
        names = best_names(model, pixel_values(images.rgb[chosen]), word_weights)
        for number, named in enumerate(names, start=start):
            classes = np.array(
                [0, *(images.categories.index(p.category) for p in images.object_points[number])]
            )
            shown = classes[patch_objects(images.object_map[number], side)]
            counts = shown > len(STRUCTURE_CATEGORIES)
            true.append(shown[counts])
            given.append(named[counts] + 1)
    true_classes, given_classes = (np.concatenate([[], *part]) for part in (true, given))
    if not len(true_classes):
        return {"accuracy": None, "patches": 0, "commonest": None}
    _, counts_of = np.unique(true_classes, return_counts=True)
    return {
        "accuracy": float((true_classes == given_classes).mean()),
        "patches": len(true_classes),
        "commonest": float(counts_of.max() / len(true_classes)),
    }
