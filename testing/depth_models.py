"""Tiny depth models with random weights, saved to a folder as a download from the hub would be."""

from pathlib import Path

import torch
from transformers import (
    BeitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    Dinov2Config,
    DPTImageProcessor,
    PreTrainedModel,
    ViTImageProcessor,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
    ZoeDepthImageProcessor,
)

STAGES = {"out_indices": [1, 2, 3, 4], "reshape_hidden_states": False}


def save_depth_anything(folder: Path, *, kind: str = "metric") -> Path:
    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        apply_layernorm=True,
        **STAGES,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        patch_size=14,
        depth_estimation_type=kind,
        max_depth=20 if kind == "metric" else 1,
    )
    size = {"height": 56, "width": 56}
    DPTImageProcessor(
        size=size, keep_aspect_ratio=True, ensure_multiple_of=14, resample=3
    ).save_pretrained(folder)
    return _save(DepthAnythingForDepthEstimation, config, folder)


def save_zoedepth(folder: Path) -> Path:
    backbone = BeitConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        patch_size=16,
        use_relative_position_bias=True,
        add_fpn=False,
        **STAGES,
    )
    config = ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=16,
        bottleneck_features=16,
        num_relative_features=8,
        bin_embedding_dim=8,
        num_attractors=[4, 2, 1, 1],
        backbone_hidden_size=32,
        bin_configurations=[{"n_bins": 8, "min_depth": 1e-3, "max_depth": 10.0, "name": "nyu"}],
    )
    size = {"height": 64, "width": 64}
    ZoeDepthImageProcessor(size=size, ensure_multiple_of=32).save_pretrained(folder)
    return _save(ZoeDepthForDepthEstimation, config, folder)


def save_depth_pro(folder: Path) -> Path:
    vit = {
        "model_type": "dinov2",
        "hidden_size": 16,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "patch_size": 8,
        "image_size": 16,
        "use_mask_token": False,
    }
    config = DepthProConfig(
        fusion_hidden_size=16,
        patch_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[16, 8],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.2],
        scaled_images_feature_dims=[16, 16],
        use_fov_model=True,
        image_model_config=vit,
        patch_model_config=vit,
        fov_model_config=vit,
    )
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return _save(DepthProForDepthEstimation, config, folder)


def _save(model: type[PreTrainedModel], config: object, folder: Path) -> Path:
    torch.manual_seed(0)
    model(config).save_pretrained(folder)
    return folder
