"""Run the first step of a training on this rank and store its loss and gradients.

`python -m tests.train.vlm.first_step DATA OUT ADAPTER STAGE` with the environment of a rank.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from testing.micro_training import experiment_in
from workflow_scripts.models import vlm
from workflow_scripts.train.vlm import finetune
from workflow_scripts.train.vlm.conversation_dataset import Conversation, read_conversations
from workflow_scripts.train.vlm.experiment import VlmExperiment
from workflow_scripts.train.vlm.packed_trainer import PackedTrainer


class StepTaken(Exception):
    """The first step is stored."""


def first_step_experiment(out: Path, data: Path, *, adapter: str, deepspeed: str) -> VlmExperiment:
    """Return an experiment whose step holds every conversation once, in several micro-batches."""
    return experiment_in(
        out / "experiment",
        data,
        adapter=adapter,
        deepspeed=deepspeed,
        batch_size=12,
        questions_per_sequence=2,
        tokens_per_micro_batch=40,
        lora={"r": 4},
    )


def load_first_step(experiment: VlmExperiment) -> tuple[Any, list[Conversation]]:
    """Return the model at the first step and the conversations of that step."""
    torch.manual_seed(experiment.seed)
    model = vlm.load_model(experiment.base)
    if experiment.settings.adapter == "lora":
        model = add_lora(model, experiment)
    dataset = read_conversations(experiment.data, images=experiment.images)
    return model, [dataset[index] for index in range(len(dataset))]


def add_lora(model: Any, experiment: VlmExperiment) -> Any:
    """Add adapters that change the model from the start, so that all of them have gradients."""
    model = PLAIN_ADD_LORA(model, experiment)
    generator = torch.Generator().manual_seed(1)
    for name, part in model.named_parameters():
        if "lora_" in name:
            part.data = 0.1 * torch.randn(part.shape, generator=generator)
    return model


PLAIN_ADD_LORA = finetune.add_lora


def main(data: Path, out: Path, adapter: str, stage: str) -> None:
    """Store what the optimizer would step by."""
    from deepspeed.utils import safe_get_full_grad

    plain_step = PackedTrainer.training_step

    def training_step(self: PackedTrainer, model: Any, inputs: Any, *_: Any) -> torch.Tensor:
        wrapped = getattr(self.accelerator, "deepspeed_engine_wrapped", None)
        if wrapped is not None:
            wrapped.engine.step = lambda *_, **__: None
        loss = plain_step(self, model, inputs)
        losses = loss.detach().clone()
        torch.distributed.all_reduce(losses)
        gradients = {
            name: part.grad if wrapped is None else safe_get_full_grad(part)
            for name, part in model.module.named_parameters()
            if part.requires_grad
        }
        # DeepSpeed has gradients of zero for what is not used, others have none.
        gradients = {
            name: value.clone()
            for name, value in gradients.items()
            if value is not None and value.any()
        }
        result = {
            "loss": losses.item() / torch.distributed.get_world_size(),
            "gradients": gradients,
            "num_micro_batches": len(inputs["micro_batches"]),
        }
        torch.save(result, out / f"{torch.distributed.get_rank()}.pt")
        torch.distributed.barrier()
        raise StepTaken

    PackedTrainer.training_step = training_step  # type: ignore[method-assign]
    finetune.add_lora = add_lora
    experiment = first_step_experiment(out, data, adapter=adapter, deepspeed=stage)
    experiment.checkpoints.mkdir(parents=True, exist_ok=True)
    try:
        finetune.train(experiment)
    except StepTaken:
        return
    raise AssertionError("no step was taken")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
