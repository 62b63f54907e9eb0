"""The tiny base: a vision-language model of LLaVA's architecture, about two million parameters.

Its vocabulary comes from tables, never from data: `vocabulary.txt`, the categories of the asset
table, the colours of marks, units, digits and punctuation. Any other word becomes `<unk>`.
"""

import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing
from transformers import (
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.label_text import phrase, plural
from workflow_scripts.layouts import object_list
from workflow_scripts.models.conv_vision import ConvVisionConfig
from workflow_scripts.sources.readers.procthor_assets import read_database

IMAGE, USER, ASSISTANT = "<image>", "<user>", "<assistant>"
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", IMAGE, USER, ASSISTANT)
# The text layer (from 0) in which words attend to the image tokens they name, how many of its
# heads do, and by how much their projections are larger at the start than others.
GROUNDING_LAYER, NUM_GROUNDING_HEADS = 1, 2
GROUNDING_SCALE = 1.5
# The text layer in which the token before an answer attends to one of the objects that a question
# compares, and how many of its heads do.
CHOOSING_LAYER, NUM_CHOOSING_HEADS = 3, 2
# The last text layer: its heads attend to the words of a question that an answer repeats. How much
# larger than what they read is what they write at the start.
COPYING_LAYER = -1
COPYING_SCALE = 3.0
UNITS = ("m", "cm", "mm", "ft")
LARGEST_WHOLE_NUMBER = 100
# A picture and a long list of objects.
MAX_TOKENS = 1024
# One turn is "<user><image> question<assistant> answer</s>".
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<assistant>{% else %}<user>{% endif %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{% if message['role'] == 'assistant' %}</s>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@dataclass(frozen=True)
class TinyVlmConfig:
    """How large the tiny base is. The default has about two million parameters."""

    image_px: int = 128
    patch_px: int = 16
    vision_width: int = 128
    vision_layers: int = 2
    text_width: int = 128
    text_layers: int = 5
    num_heads: int = 4

    @property
    def patches_per_side(self) -> int:
        return self.image_px // self.patch_px


def vocabulary() -> list[str]:
    """Return every word, unit, digit and punctuation sign in a fixed order.

    A word begins with the character that `Metaspace` writes for the space before it, so that
    decoding restores the text exactly.
    """
    text = Path(__file__).with_name("vocabulary.txt").read_text(encoding="utf-8")
    words = {*text.split(), *MARK_COLOURS, *UNITS}
    words.update(word for word in object_list.vocabulary() if word.isalpha())
    for category in read_database("asset-database"):
        noun = phrase(category).lower()
        words.update(noun.split(), plural(noun).split())
    suffixes = ["s", "t", "d", "re", "clock", "u", "v"]
    return [
        *SPECIAL,
        "▁",
        *string.digits,
        *string.punctuation,
        *suffixes,
        *(f"▁{word}" for word in sorted(words)),
        *(f"▁{word}" for word in number_words()),
    ]


def number_words() -> list[str]:
    """Return the numbers that are whole words: those of lists of objects, integers up to 100.

    A place that is one token is learned sooner than its digits.
    """
    numbers = [word for word in object_list.vocabulary() if word.strip("-.0123456789") == ""]
    return [word for word in numbers if "." in word or int(word) <= LARGEST_WHOLE_NUMBER]


def number_or_sign() -> str:
    """Return the pattern of a number that is a whole word, a digit, or a punctuation sign.

    "2.35" is the word "2.3" and a digit: how large a number is stands in one token, which is
    learned sooner, and lengths of any size compete as whole words. So that the first tokens of
    lengths above and below a meter stand for 10 cm each, "86 cm" is "8", "6" and the unit: of 90
    words for 1 cm each none would ever be the likeliest. "105" is no whole word; it falls into
    digits. A full stop behind a number is a sign of its own.
    """
    words = number_words()
    whole = "|".join(re.escape(word) for word in words)
    tenths = "|".join(re.escape(word) for word in words if "." in word)
    centimeters = r"▁\d(?=\d▁cm\b)"
    number = rf"{centimeters}|▁(?=[-\d])(?:(?:{whole})(?!\d|\.\d)|(?:{tenths})(?=\d(?!\d)))"
    return rf"{number}|\d|[!-/:-@\[-`{{-~\p{{P}}]"


def length_words() -> dict[str, float]:
    """Return the tokens that begin a length of 10 cm or more, before a digit, and their metres.

    These are the middle of the lengths that begin so.
    """
    tenths = [word for word in number_words() if "." in word and float(word) >= 1]
    return {f"▁{digit}": (digit + 0.5) / 10 for digit in range(1, 10)} | {
        f"▁{word}": float(word) + 0.05 for word in tenths
    }


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Make the word-level tokenizer: lower case, whole short numbers, single digits and signs."""
    words = {word: number for number, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Replace("’", "'"),
            normalizers.Replace("\n", " "),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="always", split=False),
            pre_tokenizers.Split(Regex(number_or_sign()), behavior="isolated"),
            pre_tokenizers.Split("▁", behavior="merged_with_next"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", words["<s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens=[IMAGE, USER, ASSISTANT],
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_TOKENS,
    )


def make_processor(size: TinyVlmConfig) -> LlavaProcessor:
    """Make the processor: an image is scaled to a square without cropping."""
    side = {"height": size.image_px, "width": size.image_px}
    return LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size=side,
            crop_size=side,
            do_center_crop=False,
            image_mean=[0.5, 0.5, 0.5],
            image_std=[0.25, 0.25, 0.25],
        ),
        tokenizer=make_tokenizer(),
        patch_size=size.patch_px,
        num_additional_image_tokens=0,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE,
    )


def make_model(
    size: TinyVlmConfig, processor: LlavaProcessor, *, seed: int
) -> LlavaForConditionalGeneration:
    """Make the untrained model from a seed; its tower has batch normalisation (`pretrain`).

    The vision tower's position embeddings start as sines of column and row, and the rotary base is
    large: both make positions easier to predict (see `pretrain`). Some heads start with the same
    projection for queries and keys: a word then attends to the image tokens that resemble it, which
    are those of the object that it names. The heads of the last layer start by writing what they
    read, so that an answer repeats the word that it attends to.
    """
    tokenizer = processor.tokenizer
    lengths = length_words()
    # For `models.length_loss`.
    length_tokens: dict[str, Any] = {
        "length_token_ids": tokenizer.convert_tokens_to_ids([*lengths]),
        "length_token_metres": [*lengths.values()],
        "digit_token_ids": tokenizer.convert_tokens_to_ids([*string.digits]),
    }
    config = LlavaConfig(
        vision_config=ConvVisionConfig(
            hidden_size=size.vision_width,
            num_blocks=size.vision_layers,
            image_size=size.image_px,
            patch_size=size.patch_px,
            use_batch_norm=True,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=size.text_width,
            intermediate_size=2 * size.text_width,
            num_hidden_layers=size.text_layers,
            num_attention_heads=size.num_heads,
            num_key_value_heads=size.num_heads,
            max_position_embeddings=MAX_TOKENS,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 1e5},
            initializer_range=0.06,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_seq_length=size.patches_per_side**2,
        tie_word_embeddings=True,
        **length_tokens,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlavaForConditionalGeneration(config)
        orthogonal = torch.nn.init.orthogonal_(torch.empty(size.text_width, size.text_width))
    with torch.no_grad():
        model.model.vision_tower.position_embedding.copy_(position_features(size))
        for layer in model.model.language_model.layers[GROUNDING_LAYER : GROUNDING_LAYER + 1]:
            rows = slice(NUM_GROUNDING_HEADS * size.text_width // size.num_heads)
            layer.self_attn.q_proj.weight[rows] *= GROUNDING_SCALE
            layer.self_attn.k_proj.weight[rows] = layer.self_attn.q_proj.weight[rows]
        copying = model.model.language_model.layers[COPYING_LAYER].self_attn
        copying.v_proj.weight.copy_(orthogonal)
        copying.o_proj.weight.copy_(COPYING_SCALE * orthogonal.T)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    return model


def position_features(size: TinyVlmConfig) -> torch.Tensor:
    """Return sines and cosines of column and row [patches, vision width], of scale 0.5."""
    side, width = size.patches_per_side, size.vision_width
    centers = (torch.arange(side) + 0.5) / side
    frequencies = torch.linspace(0.5, side / 2, width // 4) * torch.pi
    angles = centers[:, None] * frequencies
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows = line[:, None].expand(side, side, -1)
    columns = line[None].expand(side, side, -1)
    return 0.5 * torch.cat([columns, rows], dim=2).reshape(side * side, width)
