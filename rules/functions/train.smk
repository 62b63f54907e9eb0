"""What rules/evaluate.smk still asks of stage train."""

from workflow_scripts.experiments.vlm import base_model as vlm_base_model, embedded_base
from workflow_scripts.train import paths as train_paths


def base_model(wildcards):
    """Return what a model is loaded from: a folder of this workflow, or what the user named."""
    return vlm_base_model(EXPERIMENTS[wildcards.experiment].settings)


def base_folder(wildcards):
    """Return the base model if this workflow trains it, else nothing to wait for."""
    return embedded_base(EXPERIMENTS[wildcards.experiment].settings)


def trained_weights(wildcards):
    """Return the file that an experiment's training ends with."""
    experiment = EXPERIMENTS[wildcards.experiment]
    weights = experiment.training.rule(experiment.settings).outputs["weights"]
    return f"{experiment.folder}/{weights}"


def training_curves():
    """Return the pictures of all training curves."""
    return train_paths.training_curves(EXPERIMENTS.values(), CONTEXT)
