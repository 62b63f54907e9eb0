"""Tiny random models of the classes that users bring, each with its own kind of processor.

Weights and words are ours; layouts, templates and processors are those of the published models.
"""

from typing import Any

import torch
from tokenizers import AddedToken
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Config,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    SiglipVisionConfig,
)
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from workflow_scripts.train.base.tiny_vlm import (
    TinyVlmConfig,
    make_model,
    make_processor,
    make_tokenizer,
)

LLAVA_TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() }}: "
    "{% for part in message['content'] if part['type'] == 'image' %}<image>\n{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} {% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
CHATML_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] if part['type'] == 'image' %}PICTURE{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


class WithoutVideo:
    """Lets a processor be made without torchvision, which its video half would need."""

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> None:
        if argument_name != "video_processor":
            super().check_argument_for_proper_class(argument_name, argument)  # type: ignore[misc]


class OnevisionPictures(WithoutVideo, LlavaOnevisionProcessor):
    """LLaVA-OneVision's processor for pictures."""


class Qwen2Pictures(WithoutVideo, Qwen2VLProcessor):
    """Qwen2-VL's processor for pictures."""


class Qwen25Pictures(WithoutVideo, Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor for pictures."""


class Qwen3Pictures(WithoutVideo, Qwen3VLProcessor):
    """Qwen3-VL's processor for pictures."""


def chatml_tokenizer(*extra: str) -> PreTrainedTokenizerFast:
    tokenizer = make_tokenizer()
    words = ["<|im_start|>", "<|im_end|>", *extra]
    tokenizer.add_tokens([AddedToken(word, special=True, normalized=False) for word in words])
    tokenizer.eos_token = "<|im_end|>"
    return tokenizer


def tiny() -> tuple[Any, Any]:
    """Return a smaller tiny base, with the tower of the real one."""
    size = TinyVlmConfig(image_px=32, text_width=32, vision_width=32, text_layers=2)
    processor = make_processor(size)
    model = make_model(size, processor, seed=1)
    model.model.vision_tower.fold_batch_norm()
    return model, processor


def llava() -> tuple[Any, Any]:
    """Return LLaVA-1.5's layout: its template writes no end after an answer."""
    processor = make_processor(TinyVlmConfig(image_px=24, patch_px=12))
    processor.num_additional_image_tokens = 1
    processor.vision_feature_select_strategy = "default"
    processor.chat_template = LLAVA_TEMPLATE
    tokenizer = processor.tokenizer
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=24,
            patch_size=12,
        ),
        text_config=LlamaConfig(**_qwen2_text(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        image_seq_length=4,
    )
    torch.manual_seed(1)
    return LlavaForConditionalGeneration(config), processor


def bare_llava() -> tuple[Any, Any]:
    """Return a LLaVA whose processor has no chat template."""
    model, processor = llava()
    processor.chat_template = None
    return model, processor


def _qwen2_text(tokenizer: PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **more,
    }


def onevision() -> tuple[Any, Any]:
    tokenizer = chatml_tokenizer("<video>")
    processor = OnevisionPictures(
        LlavaOnevisionImageProcessorPil(
            size={"height": 28, "width": 28}, image_grid_pinpoints=[[28, 28], [28, 56], [56, 28]]
        ),
        tokenizer,
        None,
        num_image_tokens=4,
        vision_feature_select_strategy="full",
        chat_template=CHATML_TEMPLATE.replace("PICTURE", "<image>\n"),
    )
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=28,
            patch_size=14,
        ),
        text_config=Qwen2Config(**_qwen2_text(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=[[28, 28], [28, 56], [56, 28]],
        vision_feature_select_strategy="full",
    )
    torch.manual_seed(1)
    return LlavaOnevisionForConditionalGeneration(config), processor


def llava_next() -> tuple[Any, Any]:
    tokenizer = make_tokenizer()
    pinpoints = [[24, 48], [48, 24]]
    side = {"height": 24, "width": 24}
    processor = LlavaNextProcessor(
        LlavaNextImageProcessorPil(
            size={"shortest_edge": 24}, crop_size=side, image_grid_pinpoints=pinpoints
        ),
        tokenizer,
        patch_size=12,
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        chat_template=LLAVA_TEMPLATE,
    )
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=24,
            patch_size=12,
        ),
        text_config=LlamaConfig(**_qwen2_text(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=pinpoints,
        vision_feature_layer=-1,
    )
    torch.manual_seed(1)
    return LlavaNextForConditionalGeneration(config), processor


def qwen2() -> tuple[Any, Any]:
    return _qwen(
        Qwen2Pictures,
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        {"embed_dim": 32, "hidden_size": 32, "depth": 2, "num_heads": 4, "patch_size": 14},
    )


def qwen25() -> tuple[Any, Any]:
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "out_hidden_size": 32,
        "depth": 2,
        "num_heads": 4,
        "patch_size": 14,
        "window_size": 56,
        "fullatt_block_indexes": [1],
    }
    return _qwen(Qwen25Pictures, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, vision)


def qwen3() -> tuple[Any, Any]:
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "out_hidden_size": 32,
        "depth": 2,
        "num_heads": 4,
        "patch_size": 14,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0, 1],
    }
    return _qwen(Qwen3Pictures, Qwen3VLConfig, Qwen3VLForConditionalGeneration, vision, head_dim=8)


def _qwen(
    processor_class: Any,
    config_class: Any,
    model_class: Any,
    vision: dict[str, Any],
    **text: Any,
) -> tuple[Any, Any]:
    tokens = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokenizer = chatml_tokenizer(*tokens)
    processor = processor_class(
        Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=56 * 56),
        tokenizer,
        None,
        chat_template=CHATML_TEMPLATE.replace("PICTURE", QWEN_PICTURE),
    )
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in tokens}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
    config = config_class(
        vision_config=vision,
        text_config=_qwen2_text(tokenizer, rope_parameters=rope, **text),
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
    )
    torch.manual_seed(1)
    return model_class(config), processor


MODELS = {
    "tiny": tiny,
    "llava-1.5": llava,
    "no-template": bare_llava,
    "llava-next": llava_next,
    "onevision": onevision,
    "qwen2-vl": qwen2,
    "qwen2.5-vl": qwen25,
    "qwen3-vl": qwen3,
}
