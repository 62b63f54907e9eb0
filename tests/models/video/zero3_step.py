"""Run one step of ZeRO-3 on this rank and store its gradients.

`python -m tests.models.video.zero3_step OUT` with the environment of a rank. Rank 0 has a batch
that only chooses proposals, rank 1 one that answers in words without seeing a frame.
"""

import sys
from pathlib import Path

import torch

from tests.models.video.scans import BOXES, QUESTIONS, make_model, room_frames
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import Batch, VideoModel


def batch_of_rank(inputs: VideoProcessor, rank: int) -> Batch:
    frames = inputs.encode_frames(room_frames(2)) if rank == 0 else None
    scan = inputs.encode_scan(frames, BOXES)
    questions = [QUESTIONS[0], QUESTIONS[3]] if rank == 0 else QUESTIONS[1:3]
    encoded = [inputs.encode_question(scan, question) for question in questions]
    return inputs.collate(inputs.rows(scan, encoded))


def first_model() -> tuple[VideoModel, VideoProcessor]:
    """Return a base with a parameter of its own, which follows the grid of every frame."""
    model, inputs = make_model("onevision", tokens="frames", depth_head=True, grounded_answers=True)
    return model.float().train(), inputs


def main(out: Path) -> None:
    """Store the mean gradients of both ranks."""
    import deepspeed
    from deepspeed.utils import safe_get_full_grad

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_backend="gloo", auto_mpi_discovery=False, verbose=False)
    rank = torch.distributed.get_rank()
    model, inputs = first_model()
    names = [name for name, _ in model.named_parameters()]
    engine, *_ = deepspeed.initialize(
        model=model,
        model_parameters=list(model.parameters()),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.0),
        config={
            "train_micro_batch_size_per_gpu": 1,
            "zero_optimization": {"stage": 3, "overlap_comm": False},
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
        },
    )
    losses = engine(**batch_of_rank(inputs, rank))
    engine.backward(losses["loss"])
    gradients = [safe_get_full_grad(part) for part in engine.module.parameters()]
    torch.save(dict(zip(names, gradients, strict=True)), out / f"{rank}.pt")
    torch.distributed.barrier()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
