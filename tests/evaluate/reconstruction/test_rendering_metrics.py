"""Metrics of drawn reconstructions on pictures of a few pixels, by hand."""

import numpy as np
import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluate.reconstruction.rendering_metrics import (
    clip_similarity,
    depth_abs_rel,
    mask_iou,
    mean_mask_iou,
)

TRUE = np.array([["Bed", "Bed", ""], ["Bed", "Chair", ""]])
DRAWN = np.array([["Bed", "", ""], ["Bed", "Bed", "Sofa"]])


def test_iou_of_every_class() -> None:
    assert mask_iou(TRUE, DRAWN) == {"Bed": 2 / 4, "Chair": 0.0, "Sofa": 0.0}
    assert mean_mask_iou(TRUE, DRAWN) == pytest.approx(0.5 / 3)
    assert mask_iou(TRUE, TRUE) == {"Bed": 1.0, "Chair": 1.0}


def test_only_the_considered_pixels_count() -> None:
    considered = np.array([[True, True, True], [True, False, False]])
    assert mask_iou(TRUE, DRAWN, considered) == {"Bed": 2 / 3}
    assert np.isnan(mean_mask_iou(TRUE, DRAWN, np.zeros((2, 3), dtype=bool)))
    assert np.isnan(mean_mask_iou(np.full((2, 2), ""), np.full((2, 2), "")))


def test_depth_error_and_the_share_of_pixels_that_have_it() -> None:
    true = np.array([[2.0, 4.0, np.nan, 0.0, 1.0]])
    drawn = np.array([[3.0, 3.0, 1.0, 1.0, np.nan]])
    assert depth_abs_rel(true, drawn) == pytest.approx(((0.5 + 0.25) / 2, 2 / 3))
    assert depth_abs_rel(true, drawn, np.array([[True] + [False] * 4])) == (0.5, 1.0)
    error, share = depth_abs_rel(true, np.full((1, 5), np.nan))
    assert (np.isnan(error), share) == (True, 0.0)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    torch = pytest.importorskip("torch")
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    small |= {"num_attention_heads": 2, "projection_dim": 8}
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**small, "vocab_size": 20},
        vision_config={**small, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    folder = tmp_path_factory.mktemp("clip")
    CLIPModel(config).save_pretrained(folder)
    size = {"height": 16, "width": 16}
    CLIPImageProcessor(size=size, crop_size=size).save_pretrained(folder)
    return folder


def test_equal_pictures_are_alike_and_others_less(clip_folder) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (20, 30, 3), dtype=np.uint8) for _ in range(3)]
    same = clip_similarity(pictures, pictures, clip_folder)
    assert same == pytest.approx(np.ones(3), abs=1e-6)
    other = clip_similarity(pictures, pictures[::-1], clip_folder)
    assert other[1] == pytest.approx(1)
    assert other[0] == other[2] < 1 - 1e-6


def test_a_folder_without_a_model_is_one_line(tmp_path) -> None:
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match=str(folder)):
            clip_similarity([picture], [picture], folder)
