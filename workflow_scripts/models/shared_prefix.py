"""Several questions about one picture as one sequence: the prefix once, the questions behind it.

Each question sees the prefix and itself, and has the positions that it would have alone, so loss
and gradients are those of one sequence per question. Tokens of a prefix are its *continuations'*
common beginning: start token, header, picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch

IGNORE_INDEX = -100
# The side of FlexAttention's blocks.
BLOCK_TOKENS = 128
PREFIX, PADDING = 0, -1
# The model types that tests compare with separate sequences. Others may hide more than order from
# their tokens (windows, pictures that see themselves whole), which a mask of ours would undo.
MODEL_TYPES = ("llava", "llava_next", "llava_onevision", "qwen2_vl", "qwen2_5_vl", "qwen3_vl")


@dataclass(frozen=True)
class Continuation:
    """What follows a prefix: tokens, and which of them are learned (`labels`, else -100)."""

    tokens: Sequence[int]
    labels: Sequence[int]


@dataclass(frozen=True)
class PackedSequence:
    """The tokens of a prefix and its continuations, each blind to the others."""

    prefix: Sequence[int]
    continuations: Sequence[Continuation]

    def __len__(self) -> int:
        return len(self.prefix) + sum(len(part.tokens) for part in self.continuations)

    def starts(self) -> list[int]:
        """Return where each continuation begins in the sequence."""
        lengths = [len(part.tokens) for part in self.continuations]
        return list(accumulate(lengths, initial=len(self.prefix)))[:-1]


def pad_sequences(
    sequences: Sequence[PackedSequence], *, pad_token_id: int, multiple_of: int = 1
) -> dict[str, torch.Tensor]:
    """Lay out sequences as rows of one length, [sequences, tokens] each.

    The length is a multiple of `multiple_of`, so that there are few different ones.
    `segments` is 0 for a prefix, then 1, 2, ... by continuation, -1 for padding. `labels` are set
    at answers only. `position_ids` of every continuation begin behind the prefix.
    """
    longest = max(len(sequence) for sequence in sequences)
    shape = (len(sequences), -(-longest // multiple_of) * multiple_of)
    input_ids = torch.full(shape, pad_token_id)
    labels = torch.full(shape, IGNORE_INDEX)
    segments = torch.full(shape, PADDING)
    position_ids = torch.zeros(shape, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        end = len(sequence.prefix)
        input_ids[row, :end] = torch.tensor(sequence.prefix)
        segments[row, :end] = PREFIX
        position_ids[row, :end] = torch.arange(end)
        for number, (start, part) in enumerate(
            zip(sequence.starts(), sequence.continuations, strict=True), start=1
        ):
            span = slice(start, start + len(part.tokens))
            input_ids[row, span] = torch.tensor(part.tokens)
            labels[row, span] = torch.tensor(part.labels)
            segments[row, span] = number
            position_ids[row, span] = torch.arange(end, end + len(part.tokens))
    return {
        "input_ids": input_ids,
        "labels": labels,
        "segments": segments,
        "position_ids": position_ids,
    }


def packed_attention_mask(segments: torch.Tensor) -> torch.Tensor:
    """Return the mask bool [n, 1, query, key]: causal, to the prefix and the query's own segment.

    Padding sees the prefix and itself, for a row of a softmax must not be empty.
    """
    length = segments.shape[1]
    causal_mask = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    query, key = segments[:, :, None], segments[:, None, :]
    return (causal_mask & ((key == PREFIX) | (key == query)))[:, None]


def additive_mask(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask of 0 and the lowest number of `dtype`, as eager attention adds it."""
    zeros = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return zeros.masked_fill(~mask, torch.finfo(dtype).min)


def packed_block_mask(segments: torch.Tensor) -> Any:
    """Return the same mask for FlexAttention, which leaves out the blocks that nobody sees."""
    from torch.nn.attention.flex_attention import create_block_mask

    def sees(batch: Any, head: Any, query: Any, key: Any) -> Any:
        segment = segments[batch, key]
        return (query >= key) & ((segment == PREFIX) | (segment == segments[batch, query]))

    rows, length = segments.shape
    return create_block_mask(
        sees, rows, None, length, length, device=segments.device, _compile=segments.is_cuda
    )


def attention_input(model: Any, segments: torch.Tensor) -> Any:
    """Return the packed mask in the form that the attention of a model's text part takes."""
    implementation = model.config.get_text_config()._attn_implementation
    if implementation == "flex_attention":
        return packed_block_mask(segments)
    mask = packed_attention_mask(segments)
    return mask if implementation == "sdpa" else additive_mask(mask, model.dtype)


def choose_attention(model: Any, attention: str = "auto") -> str:
    """Choose what computes the attention of a model's text part in training; return its name.

    `auto` is FlexAttention on GPUs where the model can, `cpu_attention` without a GPU, else `sdpa`.
    FlashAttention takes no mask, so it cannot keep questions apart.
    """
    from transformers.utils.import_utils import is_torch_flex_attn_available

    from workflow_scripts.models import cpu_attention

    can_flex = torch.cuda.is_available() and is_torch_flex_attn_available()
    can_flex &= getattr(model, "_supports_flex_attn", False)
    # It takes no dropout of attention.
    can_flex &= not getattr(model.config.get_text_config(), "attention_dropout", 0.0)
    name = "sdpa"
    if attention == "auto" and can_flex:
        name = "flex_attention"
    elif attention == "auto" and not torch.cuda.is_available():
        name = cpu_attention.NAME
    model.set_attn_implementation({"text_config": name})
    return name


def sharing_obstacle(model: Any) -> str | None:
    """Return why questions of a model cannot share a prefix; None if they can."""
    config = model.config
    if config.model_type not in MODEL_TYPES:
        return f"model type {config.model_type} is not one of {', '.join(MODEL_TYPES)}"
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        return f"its layers are of type {', '.join(sorted(kinds - {'full_attention'}))}"
    if getattr(text, "sliding_window", None) and getattr(text, "use_sliding_window", True):
        return f"its attention has a window of {text.sliding_window} tokens"
    return None


def rope_position_ids(
    model: Any,
    *,
    input_ids: torch.Tensor,
    segments: torch.Tensor,
    position_ids: torch.Tensor,
    mm_token_type_ids: torch.Tensor | None = None,
    image_grid_thw: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the positions that a model's rotary embedding takes.

    A model with places in the picture (time, row, column) gets [3, n, tokens]: its own positions
    of the prefix; every continuation goes on behind the largest of them. Others get
    `position_ids` [n, tokens] as they are.
    """
    positioned = find_rope_index(model)
    if positioned is None or image_grid_thw is None or mm_token_type_ids is None:
        return position_ids
    in_prefix = segments == PREFIX
    prefix_positions, _ = positioned.get_rope_index(
        input_ids,
        mm_token_type_ids=mm_token_type_ids,
        image_grid_thw=image_grid_thw,
        attention_mask=in_prefix.long(),
    )
    masked = prefix_positions.masked_fill(~in_prefix, -1)
    # A prefix of n tokens may end before position n, for the places of a picture overlap.
    following = masked.amax(dim=(0, 2)) + 1 - in_prefix.sum(dim=1)
    shifted = (position_ids + following[:, None]).expand_as(prefix_positions)
    return torch.where(in_prefix, prefix_positions, shifted)


def find_rope_index(model: Any) -> Any:
    """Return the part of a model that computes places in pictures (M-RoPE); None without one."""
    return next((part for part in model.modules() if hasattr(part, "get_rope_index")), None)
