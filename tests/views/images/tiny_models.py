"""Tiny networks with random weights, saved to a folder as a download from the hub would be."""

from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BartConfig,
    BertConfig,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Sam2Config,
    Sam2Model,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SwinConfig,
    ViTImageProcessor,
)

WORDS = ("a", "photo", "of", "box", "person", "chair", "table", "red", "kitchen", "chart", ".")


def tokenizer(
    *extra: str, start: str = "<s>", end: str = "</s>", special: dict[str, str] | None = None
) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words that begins and ends texts like the real ones."""
    names = ["<pad>", start, end, "<unk>", *WORDS, *extra]
    core = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"<[^>]*>|\."), behavior="isolated"),
        ]
    )
    core.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, 1), (end, 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token=start,
        eos_token=end,
        unk_token="<unk>",
        cls_token=start,
        sep_token=end,
        extra_special_tokens=special or {},
    )


def save_clip(folder: Path) -> Path:
    tokenizer().save_pretrained(folder)
    CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": 16,
    }
    config = CLIPConfig(
        text_config={**tower, "vocab_size": 16, "max_position_embeddings": 16, "eos_token_id": 2},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    return _save(CLIPModel, config, folder)


def save_siglip(folder: Path) -> Path:
    tokenizer().save_pretrained(folder)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    config = SiglipConfig(
        text_config={**tower, "vocab_size": 16, "max_position_embeddings": 16},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
    )
    return _save(SiglipModel, config, folder)


def save_sam2(folder: Path) -> Path:
    side = 128
    ViTImageProcessor(size={"height": side, "width": side}).save_pretrained(folder)
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 16,
        "num_attention_heads": 1,
        "image_size": [side, side],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 2, 2, 2],
        "window_positional_embedding_background_size": [2, 2],
        "global_attention_blocks": [3],
    }
    config = Sam2Config(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": side, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )
    return _save(Sam2Model, config, folder)


def save_grounding_dino(folder: Path) -> Path:
    tokenizer(start="[CLS]", end="[SEP]").save_pretrained(folder)
    GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 96}).save_pretrained(
        folder
    )
    backbone = SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        window_size=4,
        out_indices=[2, 3, 4],
    )
    text = BertConfig(
        vocab_size=16,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config=text,
        num_queries=12,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_text_len=64,
        num_feature_levels=3,
    )
    return _save(GroundingDinoForObjectDetection, config, folder)


def florence_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with places, and the picture's token."""
    places = [f"<loc_{place}>" for place in range(1000)]
    return tokenizer("<image>", *places, special={"image_token": "<image>"})


def save_florence2(folder: Path) -> Path:
    words = florence_tokenizer()
    pictures = CLIPImageProcessor(
        size={"height": 64, "width": 64},
        do_center_crop=False,
        crop_size={"height": 64, "width": 64},
    )
    pictures.image_seq_length = 5
    Florence2Processor(image_processor=pictures, tokenizer=words).save_pretrained(folder)
    config = Florence2Config(
        vision_config={
            "depths": [1, 1, 1, 1],
            "embed_dim": [8, 8, 8, 16],
            "num_heads": [1, 1, 1, 1],
            "num_groups": [1, 1, 1, 1],
            "window_size": 2,
            "projection_dim": 16,
        },
        text_config=BartConfig(
            vocab_size=len(words),
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            max_position_embeddings=1200,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=2,
            forced_eos_token_id=2,
        ).to_dict(),
        image_token_id=words.image_token_id,
    )
    return _save(Florence2ForConditionalGeneration, config, folder)


def _save(model: type[PreTrainedModel], config: object, folder: Path) -> Path:
    torch.manual_seed(0)
    model(config).save_pretrained(folder)
    return folder
