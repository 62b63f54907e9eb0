"""Choose the linear layers that LoRA adapts: those of the language model, found by structure."""

from collections.abc import Sequence
from typing import Any

import torch

from workflow_scripts.common.errors import UserError

LANGUAGE_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# Layers that choose experts are no part of a projection.
ROUTERS = ("gate", "router", "shared_expert_gate")


def decoder_layers(model: Any) -> str | None:
    """Return the name of the list of decoder layers; None if there is none.

    It stands in the smallest module that also holds the input embeddings, whatever that module is
    called (`language_model`, `text_model`, `llm`, `transformer`): a vision tower has embeddings
    of its own, a projector none.
    """
    embeddings = model.get_input_embeddings()
    found: list[tuple[str, int]] = []
    for name, module in model.named_modules():
        if not any(part is embeddings for part in module.modules()):
            continue
        lists = [
            (f"{name}.{child}".lstrip("."), sum(part.numel() for part in layers.parameters()))
            for child, layers in module.named_children()
            if isinstance(layers, torch.nn.ModuleList) and _linear_layers(layers)
        ]
        # Modules come from the outside to the inside.
        found = lists or found
    return max(found, key=lambda entry: entry[1])[0] if found else None


def lora_targets(model: Any, targets: Sequence[str] | None, base: str) -> list[str]:
    """Return the names of the linear layers to adapt.

    Without `targets` the projections of the language model. A target is the last part of a name
    or more of it; it means layers of the language model, and others (the vision tower, the
    projector) only if no layer of the language model has that name.

    Raises:
        UserError: A target, or the language model, is not there; lists what is.
    """
    linear = _linear_layers(model)
    layers = decoder_layers(model)
    language = [name for name in linear if layers and name.startswith(f"{layers}.")]
    if not targets:
        plain = [name for name in language if _last(name) in LANGUAGE_LINEAR]
        chosen = plain or [name for name in language if _last(name) not in ROUTERS]
        missing = [] if chosen else ["the linear layers of the language model"]
    else:
        of_target = {
            target: [name for name in language if _is(name, target)]
            or [name for name in linear if _is(name, target)]
            for target in targets
        }
        missing = [target for target, names in of_target.items() if not names]
        wanted = {name for names in of_target.values() for name in names}
        chosen = [name for name in linear if name in wanted]
    if missing:
        known = sorted({_last(name) for name in linear})
        raise UserError(
            f"lora.targets: {', '.join(sorted(missing))} not found in base {base!r}; "
            f"linear modules there: {', '.join(known)}"
        )
    return chosen


def describe(names: Sequence[str]) -> str:
    """Write which layers are adapted: "language_model.layers: 2 q_proj, 2 v_proj"."""
    groups: dict[str, dict[str, int]] = {}
    for name in names:
        counts = groups.setdefault(_before_number(name), {})
        counts[_last(name)] = counts.get(_last(name), 0) + 1
    return "; ".join(
        f"{where}: " + ", ".join(f"{count} {last}" for last, count in sorted(counts.items()))
        for where, counts in groups.items()
    )


def _linear_layers(model: Any) -> list[str]:
    return [name for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)]


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _is(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _before_number(name: str) -> str:
    """Return the part of a name before its first number, else all but its last part."""
    parts = name.split(".")
    at = next((index for index, part in enumerate(parts) if part.isdigit()), len(parts) - 1)
    return ".".join(parts[:at]) or name
