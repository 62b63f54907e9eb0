"""The card says how to load the model, also one with the tiny base's own vision tower."""

import pytest

from workflow_scripts.train.vlm.model_card import model_card

METRICS = {
    "steps": 4,
    "conversations": 9,
    "epochs": 1.0,
    "train_loss": 1.0,
    "validation_loss": 1.0,
    "trained_parameters": 10,
}


@pytest.mark.parametrize("adapter", ["lora", "none"])
@pytest.mark.parametrize(
    ("base", "needs_tower"), [("results/train/base/tiny", True), ("a/b", False)]
)
def test_code_of_the_card_knows_the_tower(adapter: str, base: str, needs_tower: bool) -> None:
    settings = {
        "name": "e",
        "base": base,
        "adapter": adapter,
        "lora": {"r": 8, "targets": []},
        "deepspeed": "none",
        "batch_size": 4,
        "learning_rate": 0.1,
        "seed": 7,
    }
    card = model_card(settings, METRICS)
    code = card.split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert ("workflow_scripts.models.conv_vision" in code) == needs_tower
