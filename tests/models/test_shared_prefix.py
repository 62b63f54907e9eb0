"""A question sees its picture and itself; FlexAttention and `sdpa` get the same mask."""

import pytest
import torch
from torch.nn import functional
from transformers import Gemma3TextConfig, MistralConfig

from tests.train.models import MODELS, llava
from workflow_scripts.models.cpu_attention import LONG_TOKENS, cpu_attention_forward
from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    Continuation,
    PackedSequence,
    additive_mask,
    choose_attention,
    packed_attention_mask,
    packed_block_mask,
    pad_sequences,
    sharing_obstacle,
)


def sequence(prefix: int, *continuations: int) -> PackedSequence:
    """Return a sequence with so many tokens in its parts; the last token of each is learned."""
    return PackedSequence(
        list(range(10, 10 + prefix)),
        [
            Continuation([5] * length, [IGNORE_INDEX] * (length - 1) + [5])
            for length in continuations
        ],
    )


def test_layout_by_hand() -> None:
    batch = pad_sequences([sequence(2, 2, 3), sequence(1, 2)], pad_token_id=9)
    assert batch["input_ids"].tolist() == [[10, 11, 5, 5, 5, 5, 5], [10, 5, 5, 9, 9, 9, 9]]
    assert batch["segments"].tolist() == [[0, 0, 1, 1, 2, 2, 2], [0, 1, 1, -1, -1, -1, -1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 2, 3, 4], [0, 1, 2, 0, 0, 0, 0]]
    learned = batch["labels"] != IGNORE_INDEX
    assert learned.nonzero().tolist() == [[0, 3], [0, 6], [1, 2]]
    assert sequence(2, 2, 3).starts() == [2, 4]


def test_a_prefix_without_a_continuation_is_a_row_of_its_own() -> None:
    batch = pad_sequences([sequence(2), sequence(1, 2)], pad_token_id=9)
    assert batch["segments"].tolist() == [[0, 0, -1], [0, 1, 1]]
    assert sequence(2).starts() == []


def test_mask_by_hand() -> None:
    mask = packed_attention_mask(torch.tensor([[0, 1, 1, 2, -1]]))
    assert mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 0, 0, 1, 0],
        [1, 0, 0, 0, 1],
    ]
    added = additive_mask(mask, torch.bfloat16)
    assert added.dtype == torch.bfloat16
    assert torch.equal(added == 0, mask)


def test_flex_attention_gets_the_same_mask_and_gives_the_same_values() -> None:
    from torch.nn.attention.flex_attention import create_mask, flex_attention

    batch = pad_sequences([sequence(150, 30, 40, 20), sequence(40, 10, 3)], pad_token_id=0)
    segments = batch["segments"]
    dense = packed_attention_mask(segments)
    block_mask = packed_block_mask(segments)
    length = segments.shape[1]
    assert torch.equal(create_mask(block_mask.mask_mod, 2, 1, length, length, device="cpu"), dense)
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 2, length, 16).unbind(0)
    expected = functional.scaled_dot_product_attention(query, key, value, attn_mask=dense)
    values = flex_attention(query, key, value, block_mask=block_mask)
    torch.testing.assert_close(values, expected, atol=1e-5, rtol=1e-5)


def test_attention_without_a_gpu_is_that_of_processors_or_sdpa() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    model, _ = llava()
    for wanted, chosen in (("auto", "cpu"), ("sdpa", "sdpa")):
        assert choose_attention(model, wanted) == chosen
        assert model.config.get_text_config()._attn_implementation == chosen


@pytest.mark.parametrize("num_tokens", [40, LONG_TOKENS])
def test_attention_of_processors_is_that_of_sdpa(num_tokens: int) -> None:
    torch.manual_seed(0)
    module = torch.nn.Module()
    module.num_key_value_groups = 2
    query = torch.randn(2, 4, num_tokens, 8)
    key, value = torch.randn(2, 2, 2, num_tokens, 8).unbind(0)
    segments = torch.arange(num_tokens).div(10, rounding_mode="floor").expand(2, -1)
    mask = packed_attention_mask(segments)
    read, _ = cpu_attention_forward(
        module, query, key, value, additive_mask(mask, torch.float32), scaling=8**-0.5
    )
    expected = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, enable_gqa=True
    )
    torch.testing.assert_close(read, expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_every_tested_kind_shares(kind: str) -> None:
    assert sharing_obstacle(MODELS[kind]()[0]) is None


def test_models_whose_tokens_hide_more_than_order_do_not_share() -> None:
    model, _ = llava()
    model.config.text_config = MistralConfig(sliding_window=128)
    assert "window of 128 tokens" in str(sharing_obstacle(model))
    model.config.text_config = Gemma3TextConfig()
    assert "sliding_attention" in str(sharing_obstacle(model))
    model.config.model_type = "gemma3"
    assert "model type gemma3" in str(sharing_obstacle(model))
