"""Answers with a shared prefix are those of one question at a time; a picture is read once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.models import MODELS, llava, qwen2
from workflow_scripts.evaluate.item_images import BLANK_IMAGE
from workflow_scripts.models import vlm
from workflow_scripts.models.generation import PrefixCache, find_prefix_length

QUESTIONS = [
    "Is the red mark to the left of the blue mark?",
    "Is it?",
    "How tall is the sofa?",
    "How wide is the chair next to the red mark?",
]
Items = list[tuple[Any, str]]


def picture(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def make_items(*pictures: Any) -> Items:
    """Return every question about every picture, picture after picture for each question."""
    return [(image, question) for question in QUESTIONS for image in pictures]


def sharpened(model: Any) -> Any:
    """Scale the weights of an untrained model, so that its answers depend on what it reads."""
    with torch.no_grad():
        for name, part in model.named_parameters():
            if part.ndim > 1 and "vision_tower" not in name and "visual" not in name:
                part.mul_(4)
    return model.eval()


def answer(model: Any, processor: Any, items: Items, *, batch_size: int) -> list[str]:
    return vlm.generate(model, processor, items, max_new_tokens=6, batch_size=batch_size)


def one_by_one(model: Any, processor: Any, items: Items) -> list[str]:
    return [answer(model, processor, [item], batch_size=1)[0] for item in items]


@contextmanager
def encoded_pictures(model: Any) -> Iterator[list[int]]:
    """Count the pictures that pass the vision tower."""
    counts: list[int] = []
    inner = model.model
    plain = inner.get_image_features

    def count(pixel_values: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        grid = args[0] if args and isinstance(args[0], torch.Tensor) else None
        counts.append(len(pixel_values) if grid is None else len(grid))
        return plain(pixel_values, *args, **kwargs)

    inner.get_image_features = count
    try:
        yield counts
    finally:
        inner.get_image_features = plain


@pytest.mark.parametrize("kind", MODELS)
def test_answers_are_those_of_one_question_at_a_time(kind: str) -> None:
    """Pictures of two sizes in a batch, their questions mixed, batches that cut a picture."""
    model, processor = MODELS[kind]()
    sharpened(model)
    pair = [picture(30, 30), picture(20, 40)]
    for items in (
        make_items(picture(40, 30), picture(30, 50)),
        make_items(pair),
        make_items(None),
        [*make_items(picture(40, 30)), (picture(31, 30), "Is it?")],
    ):
        alone = one_by_one(model, processor, items)
        assert len(set(alone)) > 1
        for batch_size in (3, 64):
            assert answer(model, processor, items, batch_size=batch_size) == alone


@pytest.mark.parametrize("kind", ["llava-1.5", "qwen2-vl", "qwen3-vl"])
def test_generation_settings_of_a_base_hold(kind: str) -> None:
    """A penalty of repetition reads the whole prompt, a prefix that is not run again too."""
    model, processor = MODELS[kind]()
    sharpened(model)
    items = make_items(picture(40, 30))
    plain = answer(model, processor, items, batch_size=64)
    model.generation_config.repetition_penalty = 3.0
    assert answer(model, processor, items, batch_size=64) == one_by_one(model, processor, items)
    assert answer(model, processor, items, batch_size=64) != plain


def test_a_start_token_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the template and the tokenizer write one."""
    model, processor = llava()
    model.eval()
    processor.chat_template = "{{ bos_token }}" + processor.chat_template
    rows: list[list[int]] = []

    def record(input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        rows.extend(input_ids.tolist())
        return input_ids

    monkeypatch.setattr(model, "generate", record)
    for items in (make_items(picture(40, 30)), make_items(None)):
        rows.clear()
        answer(model, processor, items, batch_size=64)
        start = processor.tokenizer.bos_token_id
        assert [row.count(start) for row in rows] == [1] * len(QUESTIONS)


@pytest.mark.parametrize("make", [llava, qwen2])
def test_a_picture_is_encoded_once(make: Any) -> None:
    model, processor = make()
    model.eval()
    first, second = picture(40, 30), picture(30, 50)
    with encoded_pictures(model) as counts:
        answer(model, processor, make_items(first, second), batch_size=3)
    assert counts == [1, 1]


def test_a_blank_picture_is_encoded_once_for_all_calls() -> None:
    model, processor = llava()
    model.eval()
    prefixes = PrefixCache()
    with encoded_pictures(model) as counts:
        for _ in range(3):
            vlm.generate(
                model,
                processor,
                make_items([BLANK_IMAGE]),
                max_new_tokens=2,
                batch_size=2,
                prefixes=prefixes,
            )
    assert counts == [1]


def test_blind_questions_share_what_their_prompts_have_in_common(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, processor = llava()
    model.eval()
    lengths: list[int] = []
    plain = model.forward

    def record(*args: Any, input_ids: torch.Tensor, **kwargs: Any) -> Any:
        lengths.append(input_ids.numel())
        return plain(*args, input_ids=input_ids, **kwargs)

    monkeypatch.setattr(model, "forward", record)
    answer(model, processor, make_items(None), batch_size=2)
    header = len(processor.tokenizer("USER: ")["input_ids"])
    assert lengths[0] <= header
    assert lengths.count(lengths[0]) == 1


def test_other_models_answer_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    model, processor = llava()
    sharpened(model)
    items = make_items(picture(40, 30))
    expected = answer(model, processor, items, batch_size=64)
    model.config.model_type = "unknown"
    with encoded_pictures(model) as counts:
        assert answer(model, processor, items, batch_size=64) == expected
    assert counts == [len(QUESTIONS)]


@pytest.mark.parametrize(
    ("prompts", "num_images", "expected"),
    [
        ([[1, 9, 5, 6], [1, 9, 5, 7]], 1, 2),
        ([[1, 9, 9, 6], [1, 9, 9, 7]], 2, 3),
        ([[1, 5, 9, 2], [1, 6, 9, 2]], 1, None),
        ([[1, 5, 9], [1, 5, 9]], 1, None),
        ([[1, 5, 6], [1, 5, 7]], 0, 2),
        ([[1, 5], [1, 5]], 0, 1),
        ([[2, 5], [1, 5]], 0, None),
    ],
)
def test_a_prefix_holds_the_pictures_and_leaves_a_token(
    prompts: Sequence[Sequence[int]], num_images: int, expected: int | None
) -> None:
    assert find_prefix_length(prompts, image_token_id=9, num_images=num_images) == expected
