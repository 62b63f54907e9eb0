"""Attention of training without a GPU.

For short sequences plain products of matrices are faster than PyTorch's fused kernel (10 x 230
tokens, 4 heads, forward and backward on one core: 18 ms against 26 ms), for long ones slower (2 x
1,056 tokens: 129 ms against 49 ms). Importing this module registers it with `transformers`.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask
from transformers.models.llama.modeling_llama import eager_attention_forward

NAME = "cpu"
# From this many keys on the fused kernel is faster.
LONG_TOKENS = 512


def cpu_attention_forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **more: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return what the heads read [n, tokens, heads, size]; the mask is 0 or the lowest number."""
    forward = sdpa_attention_forward if key.shape[2] >= LONG_TOKENS else eager_attention_forward
    read: tuple[torch.Tensor, torch.Tensor | None] = forward(
        module, query, key, value, attention_mask, **more
    )
    return read


AttentionInterface.register(NAME, cpu_attention_forward)
AttentionMaskInterface.register(NAME, eager_mask)
