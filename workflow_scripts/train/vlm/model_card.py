"""The model card of a tuned vision-language model."""

from typing import Any

_CARD = """\
---
{header}
---

# {name}

{what} of `{base}`, trained on questions about simulated rooms ({conversations} conversations,
LLaVA format). The loss is on answers only, not on prompts, images and padding.

| setting | value |
|---|---|
{settings}

| result | value |
|---|---|
| steps | {steps} |
| epochs | {epochs} |
| trained parameters | {trained_parameters:,} |
| training loss (last logged) | {train_loss} |
| validation loss | {validation_loss} |

Scores on test scenes, with blind and majority baselines, are in `results/eval.csv`.

## Use

```python
{use}
```

## Limits

Trained on rendered rooms with a few families of questions. Rooms and answers come from the
ProcTHOR asset tables (Apache-2.0); no answer was compared with a photograph.
"""
_SETTINGS_IN_CARD = ("adapter", "lora", "deepspeed", "batch_size", "learning_rate", "seed")
_LORA_USE = """\
from peft import PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

processor = AutoProcessor.from_pretrained("{base}")
model = AutoModelForImageTextToText.from_pretrained("{base}")
model = PeftModel.from_pretrained(model, "results/train/{name}")"""
_FULL_USE = """\
from transformers import AutoModelForImageTextToText, AutoProcessor

processor = AutoProcessor.from_pretrained("results/train/{name}")
model = AutoModelForImageTextToText.from_pretrained("results/train/{name}")"""
# Bases of this workflow have a vision tower of its own, which transformers must know.
_EMBEDDED_BASES = "results/train/base/"
_EMBEDDED_USE = "import workflow_scripts.models.conv_vision  # the base's vision tower\n"


def model_card(settings: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the card's text, with the metadata that the Hugging Face hub reads."""
    is_lora = settings["adapter"] == "lora"
    name, base = settings["name"], settings["base"]
    header = [
        f"base_model: {base}",
        "pipeline_tag: image-text-to-text",
        f"library_name: {'peft' if is_lora else 'transformers'}",
        "tags: [spatial-reasoning, vision-language, simulation]",
    ]
    rows = []
    for key in _SETTINGS_IN_CARD:
        if key != "lora":
            rows.append(f"| {key} | {settings[key]} |")
        elif is_lora:
            lora = settings[key].items()
            rows += [f"| lora.{name} | {value} |" for name, value in lora if name != "targets"]
    use = _LORA_USE if is_lora else _FULL_USE
    if base.startswith(_EMBEDDED_BASES):
        use = _EMBEDDED_USE + use
    return _CARD.format(
        header="\n".join(header),
        what="A LoRA adapter" if is_lora else "A full fine-tune",
        settings="\n".join(rows),
        use=use.format(base=base, name=name),
        name=name,
        base=base,
        **{key: value for key, value in metrics.items() if key not in ("base", "batch_size")},
    )
