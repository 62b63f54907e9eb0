"""Packed sequences have the loss and the gradients of separate ones, for every kind of model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from testing.micro_training import experiment_in
from tests.train.models import MODELS, llava, qwen2
from tests.train.vlm.gradients import assert_equal, loss_and_gradients, separate_loss
from workflow_scripts.models.shared_prefix import BLOCK_TOKENS
from workflow_scripts.train.vlm.conversation_dataset import (
    Conversation,
    ConversationDataset,
)
from workflow_scripts.train.vlm.finetune import add_lora
from workflow_scripts.train.vlm.packed_collator import (
    EncodedConversation,
    PackedCollator,
    PackedGroup,
)
from workflow_scripts.train.vlm.packed_dataset import (
    PackedStepDataset,
    PackedValidationDataset,
    StepOrder,
    assign_micro_batches,
    epoch_order,
)
from workflow_scripts.train.vlm.packed_trainer import answer_loss

QUESTIONS = {
    "wide": [
        ("Is the red mark to the left of the blue mark?", "yes"),
        ("Is it?", "no"),
        ("How tall is the sofa?", "1.2 m"),
    ],
    "tall": [("How wide is the chair?", "86 cm"), ("Is the red mark higher?", "yes")],
    "small": [("Is it?", "no")],
}
SIZES = {"wide": (40, 30), "tall": (30, 50), "small": (28, 28)}


@pytest.fixture(scope="module")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> list[Conversation]:
    """Return conversations about three pictures of different sizes, picture by picture."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    found = []
    for name, (width, height) in SIZES.items():
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
        for number, (question, answer) in enumerate(QUESTIONS[name]):
            turns = (("user", question), ("assistant", answer))
            found.append(Conversation(f"{name}-{number}", folder / f"{name}.png", turns))
    return found


def grouped(collator: PackedCollator, conversations: Sequence[Conversation]) -> list[PackedGroup]:
    by_picture: dict[Path | None, list[Conversation]] = {}
    for conversation in conversations:
        by_picture.setdefault(conversation.image, []).append(conversation)
    return [
        group
        for members in by_picture.values()
        for group in collator.group([collator.encode(member) for member in members])
    ]


def packed_loss(model: Any, collator: PackedCollator, groups: Sequence[PackedGroup]) -> Any:
    total = sum(group.num_answer_tokens for group in groups)
    batch = {**collator.collate(groups), "num_answer_tokens": torch.tensor(float(total))}
    return answer_loss(model, batch)


@pytest.mark.parametrize("kind", MODELS)
def test_loss_and_gradients_are_those_of_separate_sequences(
    kind: str, conversations: list[Conversation]
) -> None:
    """Three pictures of three lengths in a batch, so two rows have padding."""
    model, processor = MODELS[kind]()
    collator = PackedCollator(processor)
    groups = grouped(collator, conversations)
    assert [len(group.members) for group in groups] == [3, 2, 1]
    batch = collator.collate(groups)
    assert (batch["segments"] == -1).any(dim=1).sum() == 2
    for group, row in zip(groups, batch["segments"], strict=True):
        assert group.num_tokens == (row != -1).sum()
    assert_equal(
        loss_and_gradients(model, lambda: packed_loss(model, collator, groups)),
        loss_and_gradients(model, lambda: separate_loss(model, processor, conversations)),
    )


@pytest.mark.parametrize("kind", MODELS)
def test_gradients_of_lora_are_those_of_separate_sequences(
    kind: str, conversations: list[Conversation], tmp_path: Path
) -> None:
    model, processor = MODELS[kind]()
    experiment = experiment_in(tmp_path, tmp_path, lora={"r": 4})
    # Rounding of float32 alone is 1e-5 where queries of 8 numbers are normalised.
    model = add_lora(model.double(), experiment)
    for name, part in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(part, std=0.1)
    collator = PackedCollator(processor)
    groups = grouped(collator, conversations)
    packed = loss_and_gradients(model, lambda: packed_loss(model, collator, groups))
    assert packed[1]
    assert all("lora" in name for name in packed[1])
    assert_equal(
        packed,
        loss_and_gradients(model, lambda: separate_loss(model, processor, conversations)),
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_are_equal_with_other_settings(
    attention: str, checkpointing: bool, conversations: list[Conversation]
) -> None:
    model, processor = qwen2()
    model.set_attn_implementation({"text_config": attention})
    if checkpointing:
        model.gradient_checkpointing_enable()
    model.train()
    collator = PackedCollator(processor)
    groups = grouped(collator, conversations)
    assert_equal(
        loss_and_gradients(model, lambda: packed_loss(model, collator, groups)),
        loss_and_gradients(model, lambda: separate_loss(model, processor, conversations)),
    )


def test_loss_with_flex_attention(
    conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a GPU does, but not compiled; on a processor FlexAttention has no gradients."""
    from torch.nn.attention.flex_attention import flex_attention
    from transformers.integrations import flex_attention as integration

    def not_compiled(*args: Any, training: bool = False, **kwargs: Any) -> Any:
        return flex_attention(*args, **kwargs)

    monkeypatch.setattr(integration, "compile_friendly_flex_attention", not_compiled)
    model, processor = llava()
    collator = PackedCollator(processor, pad_to_multiple_of=BLOCK_TOKENS)
    groups = grouped(collator, conversations)
    assert collator.collate(groups)["input_ids"].shape[1] == BLOCK_TOKENS
    with torch.no_grad():
        expected = separate_loss(model, processor, conversations).item()
        model.set_attn_implementation({"text_config": "flex_attention"})
        loss = packed_loss(model, collator, groups).item()
    assert loss == pytest.approx(expected, rel=1e-5)


def step_dataset(
    conversations: Sequence[Conversation],
    processor: Any,
    *,
    share_prefix: bool = True,
    **changes: Any,
) -> PackedStepDataset:
    settings: dict[str, Any] = {
        "steps": 6,
        "batch_size": 4,
        "num_ranks": 2,
        "questions_per_sequence": 8,
        "tokens_per_micro_batch": 1000,
        "seed": 7,
    }
    collator = PackedCollator(processor, share_prefix=share_prefix)
    return PackedStepDataset(ConversationDataset(conversations), collator, **settings | changes)


@pytest.mark.parametrize("share_prefix", [True, False])
@pytest.mark.parametrize("tokens", [1, 54, 1000])
def test_micro_batches_of_all_ranks_add_up_to_a_step(
    share_prefix: bool, tokens: int, conversations: list[Conversation]
) -> None:
    model, processor = llava()
    dataset = step_dataset(
        conversations,
        processor,
        share_prefix=share_prefix,
        batch_size=len(conversations),
        tokens_per_micro_batch=tokens,
    )
    items = [dataset[rank]["micro_batches"] for rank in range(2)]
    assert len(items[0]) == len(items[1])
    assert len(items[0]) == {1: 3, 54: 2, 1000: 1}[tokens]

    def loss() -> torch.Tensor:
        return torch.stack([answer_loss(model, batch) for item in items for batch in item]).sum()

    assert_equal(
        loss_and_gradients(model, loss),
        loss_and_gradients(model, lambda: separate_loss(model, processor, conversations)),
    )


@pytest.mark.parametrize("num_ranks", [1, 2, 3])
def test_micro_batches_hold_answers_of_similar_length(num_ranks: int) -> None:
    lengths = np.random.default_rng(0).integers(70, 500, size=24)
    groups = [
        PackedGroup((EncodedConversation(Conversation("", None, ()), "", [0] * n, [0] * n, 0),), 0)
        for n in lengths
    ]
    _, processor = llava()
    ranks = assign_micro_batches(
        groups, PackedCollator(processor), num_ranks=num_ranks, tokens_per_micro_batch=1200
    )
    assert len({len(micro_batches) for micro_batches in ranks}) == 1
    slots = [slot for micro_batches in ranks for slot in micro_batches]
    padded = [len(slot) * max(group.num_tokens for group in slot) for slot in slots]
    assert sorted(group.num_tokens for slot in slots for group in slot) == sorted(lengths)
    assert all(slots)
    assert max(padded) <= 1200
    assert sum(padded) < 1.15 * sum(lengths)
    loads = [sum(group.num_tokens for slot in rank for group in slot) for rank in ranks]
    assert max(loads) < 1.25 * min(loads)


def test_steps_have_their_number_of_answers_and_epochs_every_conversation() -> None:
    codes = np.repeat(np.arange(9), [5, 1, 7, 3, 3, 2, 8, 1, 5])
    order = StepOrder(codes, batch_size=5, questions_per_sequence=3, seed=1)
    steps = [order.step(step) for step in range(14)]
    flat = [[index for group in groups for index in group] for groups in steps]
    assert [len(step) for step in flat] == [5] * 14
    for epoch in (flat[:7], flat[7:]):
        assert sorted(index for step in epoch for index in step) == list(range(35))
    assert flat[:7] != flat[7:]
    for groups in steps:
        for group in groups:
            assert len(group) <= 3
            assert len({int(codes[index]) for index in group}) == 1
    # Far fewer groups than answers, and any step can be read without those before it.
    assert sum(map(len, steps)) < 2 / 3 * 70
    again = StepOrder(codes, batch_size=5, questions_per_sequence=3, seed=1)
    assert again.step(11) == steps[11]
    assert StepOrder(codes, batch_size=5, questions_per_sequence=3, seed=2).step(0) != steps[0]


def test_an_epoch_mixes_the_pictures() -> None:
    codes = np.arange(1000) // 10
    order = codes[epoch_order(codes, questions_per_sequence=5, rng=np.random.default_rng(0))]
    parts = order.reshape(-1, 5)
    assert (parts == parts[:, :1]).all()
    assert len(set(parts[:40, 0].tolist())) > 25


def test_the_limit_of_tokens_counts_padding(conversations: list[Conversation]) -> None:
    _, processor = qwen2()
    for limit in (60, 90, 150):
        dataset = step_dataset(conversations, processor, tokens_per_micro_batch=limit)
        for index in range(len(dataset)):
            for batch in dataset[index]["micro_batches"]:
                one_question = len(batch["segments"]) == batch["segments"].max() == 1
                assert one_question or batch["input_ids"].numel() <= limit


def test_validation_is_the_mean_over_all_answer_tokens(conversations: list[Conversation]) -> None:
    model, processor = llava()
    expected = separate_loss(model, processor, conversations).item()
    for tokens in (30, 1000):
        dataset = PackedValidationDataset(
            ConversationDataset(conversations),
            PackedCollator(processor),
            questions_per_sequence=2,
            tokens_per_micro_batch=tokens,
        )
        losses = [answer_loss(model, dataset[index]).item() for index in range(len(dataset))]
        assert np.mean(losses) == pytest.approx(expected, rel=1e-5)


def test_a_picture_behind_the_text_is_not_shared(conversations: list[Conversation]) -> None:
    model, processor = llava()
    processor.chat_template = (
        "{% for message in messages %}"
        "{% if message['role'] == 'assistant' %}<assistant>{% endif %}"
        "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} "
        "{% endfor %}{% for part in message['content'] if part['type'] == 'image' %}<image>"
        "{% endfor %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    collator = PackedCollator(processor)
    groups = grouped(collator, conversations)
    assert [len(group.members) for group in groups] == [1] * len(conversations)
    assert_equal(
        loss_and_gradients(model, lambda: packed_loss(model, collator, groups)),
        loss_and_gradients(model, lambda: separate_loss(model, processor, conversations)),
    )


def test_what_is_shared_is_found_in_the_tokens(conversations: list[Conversation]) -> None:
    """A system line and equal first words are shared; the same question twice has two answers."""
    model, processor = llava()
    processor.chat_template = "in the room: " + processor.chat_template
    image = conversations[0].image
    turns = [("Is the sofa red?", "yes"), ("Is the sofa wide?", "no"), ("Is the sofa red?", "no")]
    members = [
        Conversation(str(number), image, (("user", question), ("assistant", answer)))
        for number, (question, answer) in enumerate(turns)
    ]
    collator = PackedCollator(processor)
    (group,) = grouped(collator, members)
    text = processor.tokenizer.decode(group.members[0].tokens[: group.prefix_length])
    assert text.endswith("is the sofa")
    assert "in the room:" in text
    (twice,) = grouped(collator, [members[0], members[2]])
    assert twice.prefix_length == twice.members[0].first_answer - 1
    for chosen in (members, [members[0], members[2]]):
        groups = grouped(collator, chosen)
        assert_equal(
            loss_and_gradients(model, lambda groups=groups: packed_loss(model, collator, groups)),  # type: ignore[misc]
            loss_and_gradients(
                model,
                lambda chosen=chosen: separate_loss(model, processor, chosen),  # type: ignore[misc]
            ),
        )


def test_conversations_of_several_turns_and_without_a_picture_are_shared(
    conversations: list[Conversation],
) -> None:
    model, processor = llava()
    collator = PackedCollator(processor)
    for image in (conversations[0].image, None):
        turns = (("user", "Is it red?"), ("assistant", "no"))
        members = [
            Conversation("a", image, (*turns, ("user", "How tall?"), ("assistant", "86 cm"))),
            Conversation("b", image, turns),
        ]
        groups = grouped(collator, members)
        assert len(groups) == 1
        assert_equal(
            loss_and_gradients(model, lambda groups=groups: packed_loss(model, collator, groups)),  # type: ignore[misc]
            loss_and_gradients(
                model,
                lambda members=members: separate_loss(model, processor, members),  # type: ignore[misc]
            ),
        )
