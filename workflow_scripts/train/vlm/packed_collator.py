"""Turn conversations about the same picture into one sequence: the picture once, then each of them.

What they share is found in their tokens, never assumed: a template may write a system line, or
put the picture behind the text, and then nothing can be shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from workflow_scripts.models.shared_prefix import (
    IGNORE_INDEX,
    Continuation,
    PackedSequence,
    pad_sequences,
)
from workflow_scripts.train.vlm.conversation_dataset import (
    Collator,
    Conversation,
    common_prefix_length,
    open_image,
    open_images,
)

# Inputs of a model that have one value per token; packing makes them anew.
TOKEN_INPUTS = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")


@dataclass(frozen=True)
class EncodedConversation:
    """A conversation, its text and tokens before its picture is expanded, and its answers.

    Attributes:
        tokens: One token stands for the picture.
        labels: The tokens of answers and their ends, -100 elsewhere.
        image_tokens: So many more tokens has the expanded picture.
    """

    conversation: Conversation
    text: str
    tokens: list[int]
    labels: list[int]
    image_tokens: int

    @property
    def first_answer(self) -> int:
        """Return where the first answer begins."""
        return next(at for at, label in enumerate(self.labels) if label != IGNORE_INDEX)


@dataclass(frozen=True)
class PackedGroup:
    """Conversations about one picture that share their first `prefix_length` tokens."""

    members: tuple[EncodedConversation, ...]
    prefix_length: int

    @property
    def num_tokens(self) -> int:
        """Return the length of the sequence with the picture expanded."""
        first = self.members[0]
        own = sum(len(member.tokens) - self.prefix_length for member in self.members)
        return self.prefix_length + first.image_tokens + own

    @property
    def num_answer_tokens(self) -> int:
        return sum(label != IGNORE_INDEX for member in self.members for label in member.labels)


class PackedCollator(Collator):
    """Make packed sequences for a processor, or one sequence per conversation."""

    def __init__(
        self, processor: Any, *, share_prefix: bool = True, pad_to_multiple_of: int = 1
    ) -> None:
        super().__init__(processor)
        self._pad_to_multiple_of = pad_to_multiple_of
        self._share_prefix = share_prefix
        self._image_token_id: Any = getattr(processor, "image_token_id", None)
        self._expansions: dict[tuple[int, int], int] = {}

    def encode(self, conversation: Conversation) -> EncodedConversation:
        """Return a conversation's tokens; of its picture only the size is read."""
        text = self.text(conversation)
        tokens = self._tokens(text)
        labels = [IGNORE_INDEX] * len(tokens)
        for start, stop in self.answers(conversation, tokens):
            labels[start:stop] = tokens[start:stop]
        added = 0 if conversation.image is None else self._expansion(conversation, text, tokens)
        return EncodedConversation(conversation, text, tokens, labels, added)

    def _expansion(self, conversation: Conversation, text: str, tokens: list[int]) -> int:
        """Return how many tokens a picture's size adds."""
        size = _image_size(conversation)
        if size not in self._expansions:
            blank = [[Image.new("RGB", size)]]
            inputs = self._processor(text=[text], images=blank, return_tensors="pt")
            self._expansions[size] = inputs["input_ids"].shape[1] - len(tokens)
        return self._expansions[size]

    def group(self, members: Sequence[EncodedConversation]) -> list[PackedGroup]:
        """Return conversations about one picture as one group; as many where nothing is shared."""
        if not self._share_prefix:
            return [PackedGroup((member,), 0) for member in members]
        # The token before an answer predicts it, so it belongs to the conversation.
        length = min(member.first_answer for member in members) - 1
        first = members[0]
        for member in members[1:]:
            length = min(length, common_prefix_length(first.tokens, member.tokens))
        image_end = 0
        if first.conversation.image is not None:
            image_end = len(first.tokens) - first.tokens[::-1].index(self._image_token_id)
        if len(members) > 1 and length < image_end:
            return [group for member in members for group in self.group([member])]
        return [PackedGroup(tuple(members), max(length, image_end))]

    def split(self, group: PackedGroup) -> list[PackedGroup]:
        """Return a group of several conversations in halves."""
        middle = len(group.members) // 2
        return [*self.group(group.members[:middle]), *self.group(group.members[middle:])]

    def collate(self, groups: Sequence[PackedGroup]) -> dict[str, Any]:
        """Return a micro-batch: what the model takes, with `labels`.

        With a shared prefix there are `segments` and `position_ids` instead of an
        `attention_mask`.
        """
        if not self._share_prefix:
            return self([group.members[0].conversation for group in groups])
        firsts = [group.members[0] for group in groups]
        inputs = self._processor(
            text=[first.text for first in firsts],
            images=open_images([first.conversation for first in firsts]),
            padding=True,
            return_tensors="pt",
        )
        sequences = []
        for row, group in enumerate(groups):
            end = group.prefix_length + group.members[0].image_tokens
            sequences.append(
                PackedSequence(
                    inputs["input_ids"][row, :end].tolist(),
                    [
                        Continuation(
                            member.tokens[group.prefix_length :],
                            member.labels[group.prefix_length :],
                        )
                        for member in group.members
                    ],
                )
            )
        packed = pad_sequences(
            sequences,
            pad_token_id=self._tokenizer.pad_token_id,
            multiple_of=self._pad_to_multiple_of,
        )
        if "mm_token_type_ids" in inputs:
            types = torch.zeros_like(packed["input_ids"])
            for row, sequence in enumerate(sequences):
                end = len(sequence.prefix)
                types[row, :end] = inputs["mm_token_type_ids"][row, :end]
            packed["mm_token_type_ids"] = types
        others = {name: value for name, value in inputs.items() if name not in TOKEN_INPUTS}
        return {**packed, **others}


def _image_size(conversation: Conversation) -> tuple[int, int]:
    """Return width and height in pixels, from the head of the file."""
    try:
        with Image.open(conversation.image) as picture:  # type: ignore[arg-type]
            return picture.size
    except OSError:
        # It says which entry and file it is.
        return open_image(conversation).size
