"""The tiny base knows every word that can be asked or answered, and is an ordinary model folder."""

import re
import string
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workflow_scripts.common.answer_text import format_metres
from workflow_scripts.common.image_marks import MARK_COLOURS
from workflow_scripts.common.label_text import phrase, plural
from workflow_scripts.common.quantity_text import angle_text, area_text, clock_text
from workflow_scripts.evaluate.item_images import BLANK_IMAGE
from workflow_scripts.layouts import object_list
from workflow_scripts.models import vlm
from workflow_scripts.sources.readers.procthor_assets import read_database
from workflow_scripts.train.base.pretrain_batch import pixel_values
from workflow_scripts.train.base.pretrain_questions import (
    ABOVE_BELOW_IN_IMAGE,
    CAMERA_DISTANCE,
    CENTER_DISTANCE,
    FRONT_BEHIND,
    HIGHER_LOWER_IN_ROOM,
    LEFT_RIGHT,
    MINIMUM_DISTANCE,
)
from workflow_scripts.train.base.tiny_vlm import (
    TinyVlmConfig,
    make_model,
    make_processor,
    make_tokenizer,
)
from workflow_scripts.vqa.families import FAMILIES, TWO_VIEW_FAMILIES
from workflow_scripts.vqa.question_types.comparison import Comparison
from workflow_scripts.vqa.question_types.fixed_choice import FixedChoice
from workflow_scripts.vqa.referring_expressions import ordinal_name, position_names
from workflow_scripts.vqa.templates import AGREEMENT_FORMS

UNTRAINED = TinyVlmConfig(text_layers=1, vision_layers=1)


def templates_of_vqa() -> list[str]:
    found = []
    for family in (*FAMILIES, *TWO_VIEW_FAMILIES):
        for templates in family.templates.values():
            found += templates.texts
        if isinstance(family, Comparison):
            found += [word for pole in family.antonyms for word in (pole.relation, pole.extreme)]
        if isinstance(family, FixedChoice):
            found += family.options
    return [*found, *AGREEMENT_FORMS, *AGREEMENT_FORMS.values()]


def without_slots(template: str) -> str:
    return "".join(literal for literal, *_ in string.Formatter().parse(template))


def test_covers_every_word_that_vqa_can_write() -> None:
    tokenizer = make_tokenizer()
    texts = [without_slots(template) for template in templates_of_vqa()]
    texts += [f"the {phrase(category)}" for category in read_database("asset-database")]
    texts += [plural(phrase(category)) for category in read_database("asset-database")]
    texts += [f"the object at the {colour} mark" for colour in MARK_COLOURS]
    texts += [format_metres(value) for value in (0.034, 0.86, 1.24, 12.5)]
    texts += [f"the {position_names('chair', 5)[place]}" for place in range(5)]
    texts += [
        f"the {ordinal_name('chair', place, side)}"
        for place in range(5)
        for side in ("left", "right", "camera")
    ]
    texts += [area_text(12.3)[0], angle_text(35)[0], clock_text(90)[0]]
    texts += object_list.vocabulary()
    for text in texts:
        assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"], text


@pytest.mark.parametrize(
    "text",
    [
        "is the red mark to the left of the tv stand?",
        "from the camera's point of view, which is further to the left, the cd or the dog bed?",
        "3.4 cm",
        "the gap between the sofa and the floor lamp is 12.05 m.",
        "yes, i'd say the sofa is above the roll of toilet paper.",
        "no, it isn't.",
    ],
)
def test_text_comes_back_as_it_was(text: str) -> None:
    tokenizer = make_tokenizer()
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_unknown_words_are_unknown_and_numbers_fall_into_digits() -> None:
    tokenizer = make_tokenizer()
    assert tokenizer.tokenize("the zyzzyva 105") == ["▁the", "<unk>", "▁", "1", "0", "5"]
    assert tokenizer.tokenize("12.05 m") == ["▁12.0", "5", "▁m"]
    assert tokenizer.tokenize("16.02 m") == ["▁", "1", "6", ".", "0", "2", "▁m"]
    assert tokenizer.tokenize("1.234") == ["▁", "1", ".", "2", "3", "4"]


def test_numbers_of_lists_are_single_words() -> None:
    tokenizer = make_tokenizer()
    line = "coffee table box 12 3 100 61 at 1.2 -3.4 15.0 size 0.5 0.5 0.9 yaw -30;"
    words = line.removesuffix(";").split()
    assert tokenizer.tokenize(line) == [*(f"▁{word}" for word in words), ";"]
    assert tokenizer.tokenize("at 1.2, 16.3.") == [
        "▁at", "▁1.2", ",", "▁", "1", "6", ".", "3", ".",
    ]  # fmt: skip
    assert tokenizer.tokenize("middle 50 50. 1.5.") == [
        "▁middle", "▁50", "▁50", ".", "▁1.5", ".",
    ]  # fmt: skip
    assert tokenizer.tokenize("2.35 100.1") == [
        "▁2.3", "5", "▁", "1", "0", "0", ".", "1",
    ]  # fmt: skip
    assert tokenizer.model_max_length >= 1024


def test_first_tokens_of_lengths_stand_for_ten_centimeters() -> None:
    tokenizer = make_tokenizer()
    assert tokenizer.tokenize("It is 86 cm.") == ["▁it", "▁is", "▁8", "6", "▁cm", "."]
    assert tokenizer.tokenize("10 cm, 1.24 m, 86") == [
        "▁1", "0", "▁cm", ",", "▁1.2", "4", "▁m", ",", "▁86",
    ]  # fmt: skip
    assert tokenizer.tokenize("3.4 cm 5 cm 23 cmx") == [
        "▁3.4", "▁cm", "▁5", "▁cm", "▁23", "<unk>",
    ]  # fmt: skip
    assert tokenizer.tokenize("86 m 105 cm") == ["▁86", "▁m", "▁", "1", "0", "5", "▁cm"]


def test_has_about_two_million_parameters_and_is_the_same_for_a_seed() -> None:
    processor = make_processor(TinyVlmConfig())
    model = make_model(TinyVlmConfig(), processor, seed=3)
    assert 1.5e6 < sum(part.numel() for part in model.parameters()) < 2.2e6
    again = make_model(TinyVlmConfig(), processor, seed=3)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_folder_loads_like_any_base_and_answers_alike(tmp_path: Path) -> None:
    processor = make_processor(UNTRAINED)
    model = make_model(UNTRAINED, processor, seed=3).eval()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded, loaded_processor = vlm.load_model_and_processor(str(tmp_path))
    # Weights of a file may lie at odd addresses, where sums have other last bits.
    for parameter in loaded.parameters():
        parameter.data = parameter.data.clone()
    items = [(None, "Is it?"), (Image.new("RGB", (50, 40), (200, 0, 0)), "How tall is the sofa?")]
    for one, other in ((model, processor), (loaded, loaded_processor)):
        vlm.generate(one, other, items, max_new_tokens=3, batch_size=2)
    text = vlm.conversation_text(loaded_processor, [("user", "Is it?")], ask=True, image=True)
    assert text == "<user><image>Is it?<assistant>"
    inputs = loaded_processor(text=[text], images=[[BLANK_IMAGE]], return_tensors="pt")
    assert torch.equal(model(**inputs).logits, loaded(**inputs).logits)


def test_pretraining_normalizes_images_as_the_processor_does() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    processor = make_processor(TinyVlmConfig())
    expected = processor.image_processor(Image.fromarray(rgb), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(pixel_values(rgb[None]), expected, atol=1e-5, rtol=0)


def test_pretraining_uses_the_templates_of_vqa() -> None:
    vqa_texts = {re.sub(r"\{(\w+)_[ab]\}", r"\1", text) for text in templates_of_vqa()}
    for relation in (LEFT_RIGHT, ABOVE_BELOW_IN_IMAGE, HIGHER_LOWER_IN_ROOM, FRONT_BEHIND):
        assert {*relation.yes_no, *relation.which} <= vqa_texts
        assert {word for pole in relation.poles for word in pole} <= vqa_texts
    for length in (CENTER_DISTANCE, MINIMUM_DISTANCE, CAMERA_DISTANCE):
        assert {*length.templates} <= vqa_texts


def test_unknown_base_is_named(tmp_path: Path) -> None:
    with pytest.raises(vlm.UserError, match="no-such-folder"):
        vlm.load_model_and_processor(str(tmp_path / "no-such-folder"))
    with pytest.raises(vlm.UserError, match=r"adapter_config\.json"):
        vlm.load_model_and_processor("anything", tmp_path)
