"""Losses of answers that begin with a length: what the likeliest token of a good model is."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.models.length_loss import TOLERANCE, token_losses
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_model, make_processor

PROCESSOR = make_processor(TinyVlmConfig())
TOKENIZER = PROCESSOR.tokenizer
CONFIG = make_model(TinyVlmConfig(), PROCESSOR, seed=1).config


def answer_tokens(text: str) -> torch.Tensor:
    return torch.tensor(TOKENIZER(f"{text}</s>", add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("text", ["yes", "3", "86", "the red mark", "chair 1.2 -3.4 0.5", "3.4 cm"])
def test_answers_that_do_not_begin_a_length_have_cross_entropy(text: str) -> None:
    targets = answer_tokens(text)
    logits = torch.randn(len(targets), len(TOKENIZER), generator=torch.Generator().manual_seed(1))
    expected = functional.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(token_losses(logits, targets, CONFIG), expected)


def test_models_without_such_tokens_have_cross_entropy() -> None:
    class Config:
        model_type = "llava"

    targets = answer_tokens("86 cm")
    logits = torch.randn(len(targets), len(TOKENIZER), generator=torch.Generator().manual_seed(1))
    expected = functional.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(token_losses(logits, targets, Config()), expected)


def test_the_loss_of_a_length_by_hand() -> None:
    targets = answer_tokens("1.24 m")
    logits = torch.zeros(len(targets), len(TOKENIZER))
    losses = token_losses(logits, targets, CONFIG)
    lengths_m = [
        *(0.15 + 0.1 * np.arange(9)),
        *(1.05 + 0.1 * np.arange(len(CONFIG.length_token_ids) - 9)),
    ]
    near = np.exp(-0.5 * (np.log(np.array(lengths_m) / 1.25) / TOLERANCE) ** 2).sum()
    near_one = np.exp(-0.5 * (np.log(np.array(lengths_m)) / TOLERANCE) ** 2).sum()
    uniform = np.log(len(TOKENIZER))
    expected = [near / near_one * uniform, uniform, uniform, uniform]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize("median_m", [0.5, 1.0, 2.2])
def test_the_likeliest_token_of_an_uncertain_length_is_near_its_median(median_m: float) -> None:
    """Cross-entropy alone would answer the likeliest 10 cm, a third below the median."""
    # Quantiles of a log-normal length.
    quantiles = torch.distributions.Normal(0, 0.6).icdf((torch.arange(120) + 0.5) / 120)
    lengths_m = [length for length in (median_m * quantiles.exp()).tolist() if length >= 0.1]
    targets = torch.cat([answer_tokens(format_metres(length)) for length in lengths_m])
    first = torch.isin(targets, torch.tensor(CONFIG.length_token_ids))
    assert first.sum() == len(lengths_m)
    answered = {}
    for name, config in (("ours", CONFIG), ("cross-entropy", None)):
        row = torch.zeros(len(TOKENIZER), requires_grad=True)
        optimizer = torch.optim.Adam([row], lr=0.1)
        for _ in range(80):
            logits = row.expand(len(targets), -1)
            losses = token_losses(logits, targets, config)[first]
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
        index = CONFIG.length_token_ids.index(int(row.argmax()))
        answered[name] = CONFIG.length_token_metres[index]
    assert abs(np.log(answered["ours"] / median_m)) < 0.2
    assert answered["cross-entropy"] < 0.8 * median_m


def test_the_tokens_of_lengths_are_saved_with_the_model(tmp_path: object) -> None:
    CONFIG.save_pretrained(tmp_path)
    loaded = type(CONFIG).from_pretrained(tmp_path)
    assert loaded.length_token_ids == CONFIG.length_token_ids
    assert loaded.length_token_metres == CONFIG.length_token_metres
    words = TOKENIZER.convert_ids_to_tokens(loaded.length_token_ids)
    assert (words[0], words[9]) == ("▁1", "▁1.0")
    assert TOKENIZER.unk_token_id not in loaded.length_token_ids
