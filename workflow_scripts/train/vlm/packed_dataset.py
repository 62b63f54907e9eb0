"""The steps of a training: conversations grouped by picture, as micro-batches of every rank.

A step has always the same number of answers. They come picture by picture, each picture's
conversations in parts of at most `questions_per_sequence`, all parts of an epoch in random order.
The same seed gives the same steps, whichever of them are read.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.train.vlm.conversation_dataset import Conversation, ConversationDataset
from workflow_scripts.train.vlm.packed_collator import PackedCollator


class TokenGroup(Protocol):
    """Questions in one sequence."""

    @property
    def members(self) -> Sequence[Any]: ...

    @property
    def num_tokens(self) -> int: ...


Group = TypeVar("Group", bound=TokenGroup)


class GroupSplitter(Protocol[Group]):
    """Divides the questions of a sequence among two."""

    def split(self, group: Group) -> list[Group]: ...


def epoch_order(
    picture_codes: np.ndarray, *, questions_per_sequence: int, rng: np.random.Generator
) -> np.ndarray:
    """Return all conversations in the order of an epoch: indices [n] int64.

    Args:
        picture_codes: A number for the picture of every conversation [n]; equal: the same picture.
        questions_per_sequence: So many conversations of a picture follow each other at most.
        rng: Decides the order.
    """
    count = len(picture_codes)
    shuffled = rng.permutation(count)
    by_picture = shuffled[np.argsort(picture_codes[shuffled], kind="stable")]
    codes = picture_codes[by_picture]
    is_first = np.ones(count, dtype=bool)
    is_first[1:] = codes[1:] != codes[:-1]
    starts = np.flatnonzero(is_first)
    place = np.arange(count) - np.repeat(starts, np.diff([*starts, count]))
    parts = np.cumsum(place % questions_per_sequence == 0) - 1
    part_order = rng.permutation(parts[-1] + 1) if count else parts
    return by_picture[np.argsort(part_order[parts], kind="stable")]


class StepOrder:
    """Which conversations make a step; epochs follow each other without a gap."""

    def __init__(
        self,
        picture_codes: np.ndarray,
        *,
        batch_size: int,
        questions_per_sequence: int,
        seed: int,
    ) -> None:
        self._codes = picture_codes
        self._batch_size = batch_size
        self._questions_per_sequence = questions_per_sequence
        self._seed = seed
        self._epochs: dict[int, np.ndarray] = {}

    def _epoch(self, epoch: int) -> np.ndarray:
        """Return the order of an epoch; the two newest are kept, for a step may need both."""
        if epoch not in self._epochs:
            while len(self._epochs) > 1:
                del self._epochs[min(self._epochs)]
            self._epochs[epoch] = epoch_order(
                self._codes,
                questions_per_sequence=self._questions_per_sequence,
                rng=seeded(self._seed, "order of conversations", epoch),
            )
        return self._epochs[epoch]

    def step(self, step: int) -> list[list[int]]:
        """Return the indices of a step's conversations, those of one picture together."""
        groups: list[list[int]] = []
        for position in range(step * self._batch_size, (step + 1) * self._batch_size):
            epoch, place = divmod(position, len(self._codes))
            index = int(self._epoch(epoch)[place])
            last = groups[-1] if groups else []
            is_same = bool(last) and self._codes[last[0]] == self._codes[index]
            if is_same and len(last) < self._questions_per_sequence:
                last.append(index)
            else:
                groups.append([index])
        return groups


def assign_micro_batches(
    groups: Sequence[Group],
    collator: GroupSplitter[Group],
    *,
    num_ranks: int,
    tokens_per_micro_batch: int,
) -> list[list[list[Group]]]:
    """Return the micro-batches of every rank: as few as the limit of tokens allows, equally many.

    Padding counts; groups of similar length are together, so that there is little of it where there
    are several micro-batches. Groups of several conversations are halved where they are too long,
    or too few for the ranks; one conversation above the limit is a micro-batch of its own.
    """
    parts: list[Group] = []
    waiting = list(groups)
    while waiting:
        group = waiting.pop(0)
        if group.num_tokens > tokens_per_micro_batch and len(group.members) > 1:
            waiting[:0] = collator.split(group)
        else:
            parts.append(group)
    num_micro_batches = 1
    while True:
        num_slots = num_ranks * num_micro_batches
        while len(parts) < num_slots:
            longest = max(
                (part for part in parts if len(part.members) > 1), key=lambda part: part.num_tokens
            )
            at = parts.index(longest)
            parts[at : at + 1] = collator.split(longest)
        ranks = _balance(parts, num_ranks=num_ranks, num_micro_batches=num_micro_batches)
        slots = [slot for micro_batches in ranks for slot in micro_batches]
        if all(len(slot) == 1 or _padded(slot) <= tokens_per_micro_batch for slot in slots):
            return ranks
        num_micro_batches += 1


def _balance(
    parts: Sequence[Group], *, num_ranks: int, num_micro_batches: int
) -> list[list[list[Group]]]:
    """Return the micro-batches of every rank: from long to short parts, about equal in tokens.

    Of the parts of a micro-batch each goes to the rank with the fewest tokens; no slot stays empty.
    """
    waiting = sorted(parts, key=lambda part: -part.num_tokens)
    ranks: list[list[list[Group]]] = [[] for _ in range(num_ranks)]
    loads = [0] * num_ranks
    for after in range(num_micro_batches - 1, -1, -1):
        share = sum(part.num_tokens for part in waiting) / (after + 1)
        slots: list[list[Group]] = [[] for _ in range(num_ranks)]
        taken = 0
        while len(waiting) > after * num_ranks and (taken < share or not all(slots)):
            part = waiting.pop(0)
            rank = min(range(num_ranks), key=lambda rank: (bool(slots[rank]), loads[rank]))
            slots[rank].append(part)
            loads[rank] += part.num_tokens
            taken += part.num_tokens
        for rank, slot in enumerate(slots):
            ranks[rank].append(slot)
    return ranks


def _padded(slot: Sequence[TokenGroup]) -> int:
    return len(slot) * max(part.num_tokens for part in slot)


class PackedStepDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """Item `step * num_ranks + rank` is what a rank does in a step: `micro_batches`.

    Each micro-batch holds `num_answer_tokens`, the tokens of answers in the step on all ranks,
    which its loss is divided by.
    """

    def __init__(
        self,
        conversations: ConversationDataset,
        collator: PackedCollator,
        *,
        steps: int,
        batch_size: int,
        num_ranks: int,
        questions_per_sequence: int,
        tokens_per_micro_batch: int,
        seed: int,
    ) -> None:
        self._conversations = conversations
        self._collator = collator
        self._length = steps * num_ranks
        self._num_ranks = num_ranks
        self._tokens_per_micro_batch = tokens_per_micro_batch
        self._order = StepOrder(
            conversations.picture_codes(),
            batch_size=batch_size,
            questions_per_sequence=questions_per_sequence,
            seed=seed,
        )

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        step, rank = divmod(index, self._num_ranks)
        groups = [
            group
            for indices in self._order.step(step)
            for group in self._collator.group(
                [self._collator.encode(self._conversations[index]) for index in indices]
            )
        ]
        slots = assign_micro_batches(
            groups,
            self._collator,
            num_ranks=self._num_ranks,
            tokens_per_micro_batch=self._tokens_per_micro_batch,
        )[rank]
        total = sum(group.num_answer_tokens for group in groups)
        return {
            "micro_batches": [
                {**self._collator.collate(slot), "num_answer_tokens": torch.tensor(float(total))}
                for slot in slots
            ]
        }


class PackedValidationDataset(torch.utils.data.Dataset[dict[str, Any]]):
    """Item `i` is a micro-batch of validation; the mean of all losses is the loss per token."""

    def __init__(
        self,
        conversations: ConversationDataset,
        collator: PackedCollator,
        *,
        questions_per_sequence: int,
        tokens_per_micro_batch: int,
    ) -> None:
        self._collator = collator
        by_picture: dict[Any, list[Conversation]] = {}
        for index in range(len(conversations)):
            conversation = conversations[index]
            by_picture.setdefault(conversation.image, []).append(conversation)
        groups = [
            group
            for members in by_picture.values()
            for start in range(0, len(members), questions_per_sequence)
            for group in collator.group(
                [
                    collator.encode(member)
                    for member in members[start : start + questions_per_sequence]
                ]
            )
        ]
        (self._slots,) = assign_micro_batches(
            groups, collator, num_ranks=1, tokens_per_micro_batch=tokens_per_micro_batch
        )
        total = sum(group.num_answer_tokens for group in groups)
        self._tokens_per_item = total / len(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __getitem__(self, index: int) -> dict[str, Any]:
        divisor = torch.tensor(self._tokens_per_item)
        return {**self._collator.collate(self._slots[index]), "num_answer_tokens": divisor}
