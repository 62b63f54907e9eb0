"""A base that is not whole is refused in one line; a whole one of any layout is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.train.models import MODELS, llava
from workflow_scripts.common.errors import UserError
from workflow_scripts.models import vlm

LAYOUTS = [name for name in MODELS if name != "no-template"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    model, processor = llava()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    return tmp_path


def change_weights(base: Path, change: Any) -> None:
    weights = load_file(base / "model.safetensors")
    change(weights)
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})


def refused(base: Path) -> str:
    with pytest.raises(UserError) as caught:
        vlm.load_model_and_processor(str(base))
    message = str(caught.value)
    assert "\n" not in message
    assert str(base) in message
    return message


@pytest.mark.parametrize("layout", LAYOUTS)
def test_whole_weights_are_loaded_tied_ones_too(layout: str, tmp_path: Path) -> None:
    model, _ = MODELS[layout]()
    model.config.get_text_config().tie_word_embeddings = True
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(tmp_path)
    loaded = vlm.load_model(str(tmp_path))
    assert torch.equal(loaded.get_input_embeddings().weight, model.get_input_embeddings().weight)


@pytest.mark.parametrize("part", ["q_proj", "vision", "embed_tokens"])
def test_a_missing_tensor_is_refused(base: Path, part: str) -> None:
    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights[next(name for name in weights if part in name)]

    change_weights(base, drop)
    assert part in refused(base)


def test_a_tensor_of_another_shape_is_refused(base: Path) -> None:
    def cut(weights: dict[str, torch.Tensor]) -> None:
        name = next(name for name in weights if "q_proj" in name)
        weights[name] = weights[name][:-1].clone()

    change_weights(base, cut)
    assert "config.json" in refused(base)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_weights_are_refused(base: Path, keep: int) -> None:
    file = base / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert "weights cannot be read" in refused(base)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{% for message in messages %}{{ message", "cannot be rendered"),
        ("{{ nowhere.to.be.found }}", "cannot be rendered"),
        ("{{ raise_exception('no assistant here') }}", "no assistant here"),
        ("{% for message in messages %}{{ message['role'] }}{% endfor %}", "leaves out"),
    ],
)
def test_a_broken_chat_template_is_refused(base: Path, template: str, says: str) -> None:
    (base / "chat_template.jinja").write_text(template)
    assert says in refused(base)


def test_a_broken_config_is_refused(base: Path) -> None:
    (base / "config.json").write_text(json.dumps({"model_type": "llava"})[:-3])
    assert "cannot be loaded" in refused(base)
