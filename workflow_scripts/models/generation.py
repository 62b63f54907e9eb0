"""Answer prompts greedily; those about one picture share the key-value cache of their prefix.

The prefix of a picture ends with the picture's last token; that of prompts without one is what
they have in common. It is computed once, alone, so an answer does not depend on which prompts
were answered before it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from PIL import Image
from transformers import LogitsProcessor, LogitsProcessorList
from transformers.cache_utils import DynamicCache, DynamicLayer

from workflow_scripts.common.cli import progress
from workflow_scripts.models.shared_prefix import find_rope_index, sharing_obstacle

Images = Sequence[Image.Image]
# Makes what changes the scores of a batch from the length of its padded prompts.
TokenLimit = Callable[[int], LogitsProcessor]


@dataclass(frozen=True)
class Prefix:
    """A prefix that a model has read.

    Attributes:
        input_ids: Its tokens [tokens].
        layers: Keys and values of every layer, [1, heads, tokens, width] each.
        next_position: The position of the token that follows.
        images: Its pictures; while they are held, no other picture has their identity.
    """

    input_ids: torch.Tensor
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    next_position: int
    images: tuple[Image.Image, ...]


@dataclass(frozen=True)
class SharedPrompt:
    """A prompt that begins as others do.

    Attributes:
        index: Its number among all prompts.
        text: The prompt.
        tokens: Its tokens before pictures are expanded.
        prefix_length: So many of them are shared.
        images: Its pictures.
    """

    index: int
    text: str
    tokens: Sequence[int]
    prefix_length: int
    images: Images

    @property
    def key(self) -> Hashable:
        """Return what prompts with the same prefix have in common."""
        return (tuple(self.tokens[: self.prefix_length]), tuple(map(id, self.images)))


class PrefixCache:
    """The prefixes of the last batch: the next one may go on with them."""

    def __init__(self) -> None:
        self._prefixes: dict[Hashable, Prefix] = {}

    def read_all(self, model: Any, processor: Any, prompts: Sequence[SharedPrompt]) -> list[Prefix]:
        """Return the prefix of every prompt; only those that are not there are read."""
        used: dict[Hashable, Prefix] = {}
        for prompt in prompts:
            if prompt.key not in used:
                known = self._prefixes.get(prompt.key)
                used[prompt.key] = known or read_prefix(model, processor, prompt)
        self._prefixes = used
        return [used[prompt.key] for prompt in prompts]


class PreallocatedLayer(DynamicLayer):
    """A layer's cache with room for all tokens to come: rows begin with a prefix's keys and values.

    A layer that grows copies all rows at every token.
    """

    def __init__(
        self,
        rows: Sequence[tuple[torch.Tensor, torch.Tensor]],
        *,
        length: int,
        capacity: int,
    ) -> None:
        """Begin rows with keys and values of a prefix, padded to `length` on the left."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._buffers = []
        for part in (0, 1):
            first = rows[0][part]
            _, heads, _, width = first.shape
            buffer = first.new_zeros((len(rows), heads, capacity, width))
            for row, prefix in enumerate(rows):
                values = prefix[part][0]
                buffer[row, :, length - values.shape[1] : length] = values
            self._buffers.append(buffer)
        self.dtype, self.device = self._buffers[0].dtype, self._buffers[0].device
        self.is_initialized = True
        self._show(length)

    def _show(self, length: int) -> None:
        self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        start = self.get_seq_length()
        stop = start + key_states.shape[-2]
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:stop] = states
        self._show(stop)
        return cast(torch.Tensor, self.keys), cast(torch.Tensor, self.values)


def find_prefix_length(
    prompts: Sequence[Sequence[int]], *, image_token_id: int | None, num_images: int
) -> int | None:
    """Return how many tokens are shared; None if the pictures are not among them.

    With pictures it is the tokens up to the last picture, whatever else prompts have in common.
    """
    first = prompts[0]
    if num_images:
        if image_token_id is None or image_token_id not in first:
            return None
        length = len(first) - list(reversed(first)).index(image_token_id)
    else:
        shortest = min(map(len, prompts))
        length = next(
            (at for at in range(shortest) if any(tokens[at] != first[at] for tokens in prompts)),
            shortest,
        )
        length = min(length, shortest - 1)
    is_shared = all(
        len(tokens) > length and tokens[:length] == first[:length] for tokens in prompts
    )
    return length if is_shared and length > 0 else None


def read_prefix(model: Any, processor: Any, prompt: SharedPrompt) -> Prefix:
    """Let a model read a prompt's prefix with its pictures."""
    images = [list(prompt.images)] if prompt.images else None
    inputs = processor(text=[prompt.text], images=images, return_tensors="pt").to(model.device)
    full_length = inputs["input_ids"].shape[1]
    end = prompt.prefix_length + full_length - len(prompt.tokens)
    arguments = {}
    for name, value in inputs.items():
        if value.ndim == 2 and value.shape == (1, full_length):
            arguments[name] = value[:, :end]
        elif torch.is_floating_point(value):
            arguments[name] = value.to(model.dtype)
        else:
            arguments[name] = value
    next_position = end
    positioned = find_rope_index(model)
    if positioned is not None and "image_grid_thw" in arguments:
        positions, _ = positioned.get_rope_index(
            arguments["input_ids"],
            mm_token_type_ids=arguments["mm_token_type_ids"],
            image_grid_thw=arguments["image_grid_thw"],
        )
        arguments["position_ids"] = positions
        next_position = int(positions.max()) + 1
    cache = DynamicCache()
    model(**arguments, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return Prefix(
        arguments["input_ids"][0],
        tuple((layer.keys, layer.values) for layer in cast(list[Any], cache.layers)),
        next_position,
        tuple(prompt.images),
    )


def answer_prompts(
    model: Any,
    processor: Any,
    prompts: Sequence[str],
    pictures: Sequence[Images],
    *,
    max_new_tokens: int,
    batch_size: int,
    prefixes: PrefixCache,
    limit: TokenLimit | None = None,
) -> list[str]:
    """Return the answers in order; `pictures` are those of every prompt, maybe none.

    All prompts have pictures, or none has. `limit` says for each batch which tokens may not stand.
    """
    shared, single = share_prefixes(model, processor, prompts, pictures)
    texts: dict[int, str] = {}
    starts = [(shared, start) for start in range(0, len(shared), batch_size)]
    starts += [(single, start) for start in range(0, len(single), batch_size)]
    for source, start in progress(starts, desc="answers"):
        batch = source[start : start + batch_size]
        if source is shared:
            read = prefixes.read_all(model, processor, batch)
            inputs = behind_prefixes(model, processor.tokenizer, batch, read, max_new_tokens)
        else:
            inputs = padded_inputs(model, processor, batch)
        prompt_length = inputs["input_ids"].shape[1]
        produced = model.generate(
            **inputs,
            logits_processor=LogitsProcessorList([limit(prompt_length)] if limit else []),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            pad_token_id=processor.tokenizer.pad_token_id,
        )
        new = produced[:, prompt_length:]
        answers = processor.tokenizer.batch_decode(new, skip_special_tokens=True)
        for prompt, answer in zip(batch, answers, strict=True):
            texts[prompt.index] = answer.strip()
    return [texts[index] for index in range(len(prompts))]


def share_prefixes(
    model: Any, processor: Any, prompts: Sequence[str], pictures: Sequence[Images]
) -> tuple[list[SharedPrompt], list[SharedPrompt]]:
    """Return the prompts that share a prefix, picture by picture, and all others."""
    groups: dict[Hashable, list[int]] = {}
    for index, images in enumerate(pictures):
        groups.setdefault(tuple(map(id, images)), []).append(index)
    shared: list[SharedPrompt] = []
    single: list[SharedPrompt] = []
    can_share = sharing_obstacle(model) is None
    for indices in groups.values():
        length: int | None = None
        tokens: list[list[int]] = [[] for _ in indices]
        if can_share and len(indices) > 1:
            tokens = processor.tokenizer([prompts[index] for index in indices])["input_ids"]
            length = find_prefix_length(
                tokens,
                image_token_id=getattr(processor, "image_token_id", None),
                num_images=len(pictures[indices[0]]),
            )
        (single if length is None else shared).extend(
            SharedPrompt(index, prompts[index], ids, length or 0, pictures[index])
            for index, ids in zip(indices, tokens, strict=True)
        )
    return shared, single


def padded_inputs(model: Any, processor: Any, batch: Sequence[SharedPrompt]) -> dict[str, Any]:
    """Return whole prompts as inputs of a model, padded on the left."""
    tokenizer = processor.tokenizer
    pictures = [list(prompt.images) for prompt in batch]
    padding_side, tokenizer.padding_side = tokenizer.padding_side, "left"
    try:
        inputs = processor(
            text=[prompt.text for prompt in batch],
            images=pictures if any(pictures) else None,
            padding=True,
            return_tensors="pt",
        ).to(model.device)
    finally:
        tokenizer.padding_side = padding_side
    return {
        name: value.to(model.dtype) if torch.is_floating_point(value) else value
        for name, value in inputs.items()
    }


def behind_prefixes(
    model: Any,
    tokenizer: Any,
    batch: Sequence[SharedPrompt],
    prefixes: Sequence[Prefix],
    max_new_tokens: int,
) -> dict[str, Any]:
    """Return what follows the prefix of every prompt as inputs of a model, with its cache."""
    length = max(len(prefix.input_ids) for prefix in prefixes)
    ends = [prompt.tokens[prompt.prefix_length :] for prompt in batch]
    shape = (len(batch), length + max(map(len, ends)))
    input_ids = torch.full(shape, tokenizer.pad_token_id, device=model.device)
    attention_mask = torch.zeros(shape, dtype=torch.long, device=model.device)
    position_ids = torch.zeros(shape, dtype=torch.long, device=model.device)
    for row, (prefix, end) in enumerate(zip(prefixes, ends, strict=True)):
        in_prefix = slice(length - len(prefix.input_ids), length)
        in_question = slice(shape[1] - len(end), shape[1])
        places = torch.arange(len(end), device=model.device)
        input_ids[row, in_prefix] = prefix.input_ids
        input_ids[row, in_question] = torch.tensor(end, device=model.device)
        attention_mask[row, in_prefix] = attention_mask[row, in_question] = 1
        position_ids[row, in_question] = prefix.next_position + places
    cache = DynamicCache()
    cache.layers = [
        PreallocatedLayer(layers, length=length, capacity=shape[1] + max_new_tokens)
        for layers in zip(*(prefix.layers for prefix in prefixes), strict=True)
    ]
    is_3d = find_rope_index(model) is not None
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "position_ids": position_ids.expand(3, *shape) if is_3d else position_ids,
        "past_key_values": cache,
    }
