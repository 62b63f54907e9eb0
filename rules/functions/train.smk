"""Input functions and flags of the rules in train.smk."""

import shlex

from workflow_scripts.experiments.vlm import (
    EMBEDDED_BASES,
    base_model as vlm_base_model,
    embedded_base,
)


def base_model(wildcards):
    """Return what a model is loaded from: a folder of this workflow, or what the user named."""
    return vlm_base_model(EXPERIMENTS[wildcards.experiment].settings)


def base_folder(wildcards):
    """Return the base model if this workflow trains it, else nothing to wait for."""
    return embedded_base(EXPERIMENTS[wildcards.experiment].settings)


def experiments_with(adapter):
    """Return a pattern of the experiments that train adapters ("lora") or all weights ("none")."""
    return name_pattern(
        name
        for name in VLM_EXPERIMENTS
        if EXPERIMENTS[name].settings.adapter == adapter
    )


def trained_weights(wildcards):
    """Return the file that an experiment's training ends with."""
    is_lora = EXPERIMENTS[wildcards.experiment].settings.adapter == "lora"
    name = "adapter_model" if is_lora else "model"
    return f"results/train/{wildcards.experiment}/{name}.safetensors"


def experiment_flags(wildcards):
    """Return an experiment's settings as flags of the launcher."""
    settings = EXPERIMENTS[wildcards.experiment].settings.model_dump(mode="json")
    names = ["adapter", "deepspeed", "steps", "batch_size", "micro_batch_size"]
    names += ["learning_rate", "save_steps", "save_minutes", "num_processes"]
    words = [as_flags(settings, names)]
    for name, value in settings["lora"].items():
        if name != "targets":
            words.append(f"--lora-{name} {value}")
        elif value:
            words += ["--lora-targets", *map(shlex.quote, value)]
    if settings["gradient_checkpointing"]:
        words.append("--gradient-checkpointing")
    words.append(family_flags(wildcards))
    return " ".join(words)


def pose_flags(wildcards):
    """Return a pose experiment's settings as flags of its launcher."""
    settings = EXPERIMENTS[wildcards.experiment].settings.model_dump(mode="json")
    flags = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flags |= {f"{name}.{inner}": number for inner, number in value.items()}
        elif name != "kind":
            flags[name] = value
    return as_flags(flags, flags, with_null=True)


def pose_threads(wildcards):
    """Return the processors of a rank: a lifter is too small to keep two of them busy."""
    return 2 if EXPERIMENTS[wildcards.experiment].settings.front_end == "images" else 1


def training_curves():
    """Return the pictures of all training curves, the embedded bases' first."""
    bases = {EXPERIMENTS[name].settings.base for name in VLM_EXPERIMENTS}
    return [
        *(
            f"results/train/base/{base}.curves.png"
            for base in EMBEDDED_BASES
            if base in bases
        ),
        *(f"results/train/{experiment}/curves.png" for experiment in EXPERIMENTS),
    ]
