"""Lists that a model writes begin few entries alike."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from workflow_scripts.layouts.object_list import END
from workflow_scripts.models import vlm
from workflow_scripts.models.distinct_entries import DistinctEntries
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig, make_model, make_processor

PROMPTS = [[1, 5, 9], [1, 7, 9]]


def ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def forbidden(tokenizer: Any, answers: list[str], *, most: int = 1) -> list[set[str]]:
    """Return which tokens may not follow answers of the same number of tokens, for each."""
    limit = DistinctEntries(tokenizer, end=END, most=most, prompt_length=3)
    rows = [ids(tokenizer, answer) for answer in answers]
    assert len({len(row) for row in rows}) == 1
    for step in range(len(rows[0]) + 1):
        so_far = [prompt + row[:step] for prompt, row in zip(PROMPTS, rows, strict=False)]
        given = torch.zeros(len(rows), len(tokenizer))
        scores = limit(torch.tensor(so_far), given)
        assert not given.any()
    return [set(tokenizer.convert_ids_to_tokens(row.isinf().nonzero()[:, 0])) for row in scores]


def test_a_name_stands_once_at_the_beginning_of_an_entry() -> None:
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    chair, bed = "chair at 1.0 2.0 -0.5;", "bed at 1.0 2.0 -0.5;"
    assert forbidden(tokenizer, [chair, bed]) == [{"▁chair"}, {"▁bed"}]
    assert forbidden(tokenizer, [f"{chair} {bed}", f"{bed} {bed}"]) == [
        {"▁chair", "▁bed"}, {"▁bed"},
    ]  # fmt: skip
    # Inside an entry everything may stand, and nothing is forbidden at first.
    assert forbidden(tokenizer, ["chair at 1.0", "bed at 1.0"]) == [set(), set()]
    assert forbidden(tokenizer, ["", ""]) == [set(), set()]


def test_two_objects_of_a_name_may_be_allowed() -> None:
    tokenizer = make_processor(TinyVlmConfig()).tokenizer
    chair, bed = "chair at 1.0 2.0 -0.5;", "bed at 1.0 2.0 -0.5;"
    found = forbidden(tokenizer, [f"{chair} {bed}", f"{chair} {chair}"], most=2)
    assert found == [set(), {"▁chair"}]


@pytest.mark.parametrize("most", [1, 2])
def test_answers_of_a_model_repeat_no_name(tmp_path: Path, most: int) -> None:
    size = TinyVlmConfig(image_px=32)
    processor = make_processor(size)
    model = make_model(size, processor, seed=3).eval()
    # It writes nothing but "bed;", as far as it may.
    bed, end = (ids(processor.tokenizer, text)[0] for text in ("bed", END))
    with torch.no_grad():
        head = torch.nn.Linear(size.text_width, len(processor.tokenizer))
        head.weight.zero_()
        head.bias.zero_()
        head.bias[end], head.bias[bed] = 8.0, 9.0
    model.lm_head = head
    items = [(Image.new("RGB", (32, 32), colour), "What is seen?") for colour in ("red", "blue")]

    def limit(prompt_length: int) -> DistinctEntries:
        return DistinctEntries(processor.tokenizer, end=END, most=most, prompt_length=prompt_length)

    free = vlm.generate(model, processor, items, max_new_tokens=6, batch_size=2)
    assert free == ["bed bed bed bed bed bed"] * 2
    with torch.no_grad():
        head.bias[end] = 9.5
    limited = vlm.generate(model, processor, items, max_new_tokens=6, batch_size=2, limit=limit)
    assert all(answer.split(END).count("bed") <= most for answer in limited)
    assert len(set(limited)) == 1
