"""Let a video model answer in words, greedily; questions about a scan share what it has read."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from transformers.cache_utils import DynamicCache

from workflow_scripts.models.generation import PreallocatedLayer
from workflow_scripts.models.shared_prefix import PREFIX, additive_mask
from workflow_scripts.models.video.scan_rows import ScanRow
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import Batch, VideoModel


@torch.inference_mode()
def generate_answers(
    model: VideoModel, inputs: VideoProcessor, rows: Sequence[ScanRow], *, max_new_tokens: int
) -> list[str]:
    """Return the answers to all questions of some rows, in order, a row at a time.

    Questions are those without an answer (`ScanQuestion.answer` is None).
    """
    tokenizer = inputs.processor.tokenizer
    if model.config.get_text_config()._attn_implementation == "flex_attention":
        model.base.set_attn_implementation({"text_config": "sdpa"})
    answers: list[str] = []
    for row in rows:
        batch = {name: value.to(model.base.device) for name, value in inputs.collate([row]).items()}
        produced = generate_tokens(
            model, batch, max_new_tokens=max_new_tokens, end_tokens=end_tokens(model, tokenizer)
        )
        texts = tokenizer.batch_decode(produced, skip_special_tokens=True)
        answers.extend(text.strip() for text in texts)
    return answers


def end_tokens(model: VideoModel, tokenizer: Any) -> set[int]:
    """Return the tokens that end an answer."""
    configured = model.base.generation_config.eos_token_id
    known = configured if isinstance(configured, list) else [configured]
    return {token for token in (*known, tokenizer.eos_token_id) if token is not None}


@torch.inference_mode()
def generate_tokens(
    model: VideoModel, batch: Batch, *, max_new_tokens: int, end_tokens: set[int]
) -> list[list[int]]:
    """Return the tokens of every answer, without its end, for a batch of one row.

    The row is read once; every question then goes on with the keys and values of the prefix and
    its own.
    """
    read = DynamicCache()
    hidden = model.read(batch, model.encode_scene(batch), cache=read)[0]
    segments = batch["segments"][0]
    prefix = (segments == PREFIX).nonzero()[:, 0]
    parts = [(segments == number).nonzero()[:, 0] for number in range(1, int(segments.max()) + 1)]
    length = len(prefix) + max(map(len, parts))
    index = torch.zeros(len(parts), length, dtype=torch.long, device=segments.device)
    is_seen = torch.zeros_like(index, dtype=torch.bool)
    for number, part in enumerate(parts):
        own = torch.cat([prefix, part])
        index[number, : len(own)] = own
        is_seen[number, : len(own)] = True
    cache = DynamicCache()
    cache.layers = [
        PreallocatedLayer(
            [(layer.keys[:, :, row], layer.values[:, :, row]) for row in index],
            length=length,
            capacity=length + max_new_tokens,
        )
        for layer in cast(list[Any], read.layers)
    ]
    last = torch.stack([part[-1] for part in parts])
    positions = model.positions(batch)[..., 0, :][..., last]
    keys = batch["input_ids"][0][index]
    head = model.base.get_output_embeddings()
    tokens = head(hidden[last]).argmax(dim=-1)
    answers: list[list[int]] = [[] for _ in parts]
    is_open = [True] * len(parts)
    for step in range(1, max_new_tokens + 1):
        for number, token in enumerate(tokens.tolist()):
            is_open[number] &= token not in end_tokens
            if is_open[number]:
                answers[number].append(token)
        if step == max_new_tokens or not any(is_open):
            break
        is_seen = torch.nn.functional.pad(is_seen, (0, 1), value=True)
        keys = torch.cat([keys, tokens[:, None]], dim=1)
        output = model.base.model(
            input_ids=tokens[:, None],
            position_ids=(positions + step)[..., None],
            attention_mask=_attention(model, is_seen, tokens[:, None], keys),
            past_key_values=cache,
            use_cache=True,
        )
        tokens = head(output.last_hidden_state[:, -1]).argmax(dim=-1)
    return answers


def _attention(
    model: VideoModel, is_seen: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor
) -> torch.Tensor:
    """Return the mask [questions, 1, 1, keys] in the form that the base takes."""
    mask = is_seen[:, None, None, :]
    if model.settings.frame_attention_bias:
        return additive_mask(mask, model.base.dtype) + model.frame_bias(queries, keys)
    is_sdpa = model.config.get_text_config()._attn_implementation == "sdpa"
    return mask if is_sdpa else additive_mask(mask, model.base.dtype)
