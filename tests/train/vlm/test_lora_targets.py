"""LoRA adapts the language model of every layout, and nothing else unless it is asked to."""

from typing import Any

import pytest
import torch

from tests.train.models import MODELS
from workflow_scripts.common.errors import UserError
from workflow_scripts.train.vlm.lora_targets import decoder_layers, describe, lora_targets

OUTSIDE = ("vision", "visual", "projector", "merger", "lm_head")


class Layer(torch.nn.Module):
    """A layer with one projection."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.add_module(name, torch.nn.Linear(4, 4))


class Tower(torch.nn.Module):
    """Layers of a kind, with embeddings."""

    def __init__(self, projection: str, *, count: int = 2, layers: str = "layers") -> None:
        super().__init__()
        self.embeddings = torch.nn.Embedding(8, 4)
        self.add_module(layers, torch.nn.ModuleList(Layer(projection) for _ in range(count)))


class Model(torch.nn.Module):
    """A model whose language model has any name; the vision tower is the larger part."""

    def __init__(self, language: str, projection: str, layers: str) -> None:
        super().__init__()
        self.vision_tower = Tower("q_proj", count=5)
        self.projector = torch.nn.Linear(4, 4)
        self.add_module(language, Tower(projection, layers=layers))
        self.embeddings = getattr(self, language).embeddings

    def get_input_embeddings(self) -> Any:
        return self.embeddings


@pytest.mark.parametrize("layout", MODELS)
def test_the_language_model_of_published_layouts_is_adapted(layout: str) -> None:
    model, _ = MODELS[layout]()
    names = lora_targets(model, None, "base")
    assert {name.rsplit(".", 1)[-1] for name in names} == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    assert len(names) == 14
    assert not [name for name in names if any(part in name for part in OUTSIDE)]


@pytest.mark.parametrize("layout", MODELS)
def test_named_targets_leave_the_vision_tower_alone(layout: str) -> None:
    model, _ = MODELS[layout]()
    names = lora_targets(model, ["q_proj", "v_proj"], "base")
    assert len(names) == 4
    assert not [name for name in names if any(part in name for part in OUTSIDE)]


@pytest.mark.parametrize(
    ("language", "projection", "layers"),
    [
        ("text_model", "q_proj", "layers"),
        ("llm", "wqkv", "layers"),
        ("transformer", "c_attn", "h"),
        ("decoder", "query_key_value", "blocks"),
    ],
)
def test_the_language_model_is_found_by_structure(
    language: str, projection: str, layers: str
) -> None:
    model = Model(language, projection, layers)
    assert decoder_layers(model) == f"{language}.{layers}"
    names = lora_targets(model, None, "base")
    assert names == [f"{language}.{layers}.{number}.{projection}" for number in range(2)]
    assert describe(names) == f"{language}.{layers}: 2 {projection}"


def test_other_parts_are_adapted_where_they_are_named() -> None:
    model = Model("llm", "wqkv", "layers")
    assert lora_targets(model, ["projector"], "base") == ["projector"]
    assert lora_targets(model, ["vision_tower.layers.0.q_proj"], "base") == [
        "vision_tower.layers.0.q_proj"
    ]
    with pytest.raises(UserError, match=r"nowhere not found in base 'base'.*wqkv"):
        lora_targets(model, ["wqkv", "nowhere"], "base")
