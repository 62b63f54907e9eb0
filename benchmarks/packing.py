"""Answers in a CPU second: a picture encoded once, beside one sequence per question; one core.

Run from the repository: `python -m benchmarks.packing`. The same LLaVA JSON (24 questions of about
40 tokens a picture, 576 tokens of picture) and the same model (random weights, 6 layers of 512)
go through this workflow, through Hugging Face's Trainer and through TRL's SFTTrainer, both with
their default batches of 8. Then the questions of one picture are answered by this workflow and by
`generate` in batches of 8. Loading is not counted.

TRL is no dependency of the workflow: without it its row is left out. To have it, install it where
nothing else sees it, and name that folder:
`pip install --no-deps --target /tmp/trl trl && PYTHONPATH=/tmp/trl python -m benchmarks.packing`.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Trainer, TrainingArguments

from benchmarks.figures import Figure, report_figures
from testing.vlm_benchmark import SIZE, TimedData, write_data
from workflow_scripts.common.cli import run
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.models import vlm
from workflow_scripts.models.generation import SharedPrompt, padded_inputs
from workflow_scripts.train.vlm.conversation_dataset import Conversation, read_conversations
from workflow_scripts.train.vlm.experiment import VlmExperiment
from workflow_scripts.train.vlm.finetune import make_packed_trainer

QUESTIONS_PER_PICTURE = 24
DEFAULT_BATCH = 8
NEW_TOKENS = 8
TRAINING_GOAL, GENERATION_GOAL = 8.0, 5.0


@contextmanager
def cpu_seconds() -> Iterator[Callable[[], float]]:
    """Measure the processor time of a block, all threads together."""
    start = time.process_time()
    yield lambda: time.process_time() - start


def train_packed(data: TimedData, out: Path, *, steps: int) -> float:
    """Return answers a CPU second of this workflow; a step is one picture's questions."""
    experiment = VlmExperiment(
        name="packing",
        base=str(data.base),
        data=data.conversations,
        images=data.folder,
        out=out,
        seed=7,
        settings=VlmTrainingSettings(
            adapter="none",
            deepspeed="none",
            num_processes=1,
            steps=steps,
            batch_size=QUESTIONS_PER_PICTURE,
            questions_per_sequence=QUESTIONS_PER_PICTURE,
        ),
    )
    trainer, _, _ = make_packed_trainer(experiment)
    with cpu_seconds() as spent:
        trainer.train()
        return steps * QUESTIONS_PER_PICTURE / spent()


def default_arguments(out: Path, steps: int) -> dict[str, Any]:
    """Return the defaults of both rivals, but for the length and for what writes files."""
    return {
        "output_dir": str(out),
        "max_steps": steps,
        "use_cpu": True,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "remove_unused_columns": False,
    }


def chat(conversation: Conversation) -> list[dict[str, Any]]:
    """Return a conversation as messages; the picture comes first."""
    content: list[list[dict[str, str]]] = [
        [{"type": "text", "text": text}] for _, text in conversation.turns
    ]
    content[0].insert(0, {"type": "image"})
    return [
        {"role": role, "content": parts}
        for (role, _), parts in zip(conversation.turns, content, strict=True)
    ]


def train_with_transformers(data: TimedData, out: Path, *, steps: int) -> float:
    """Return answers a CPU second of Hugging Face's Trainer, with the collator of its guides."""
    model, processor = vlm.load_model(str(data.base)), vlm.load_processor(str(data.base))
    processor.tokenizer.padding_side = "right"

    def collate(batch: Sequence[Conversation]) -> dict[str, torch.Tensor]:
        inputs = processor(
            text=[processor.apply_chat_template(chat(entry), tokenize=False) for entry in batch],
            images=[[Image.open(str(entry.image))] for entry in batch],
            padding=True,
            return_tensors="pt",
        )
        labels = inputs["input_ids"].clone()
        labels[labels == processor.tokenizer.pad_token_id] = -100
        labels[labels == processor.image_token_id] = -100
        return {**inputs, "labels": labels}

    trainer = Trainer(
        model=model,
        args=TrainingArguments(**default_arguments(out, steps)),
        train_dataset=read_conversations(data.conversations, images=data.folder),
        data_collator=collate,
    )
    with cpu_seconds() as spent:
        trainer.train()
        return steps * DEFAULT_BATCH / spent()


def train_with_trl(data: TimedData, out: Path, *, steps: int) -> float:
    """Return answers a CPU second of TRL's SFTTrainer; `ImportError` without TRL."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    conversations = read_conversations(data.conversations, images=data.folder)
    rows = [
        {"images": [str(entry.image)], "messages": chat(entry)}
        for entry in (conversations[index] for index in range(len(conversations)))
    ]
    dataset = datasets.Dataset.from_list(rows).cast_column(
        "images", datasets.List(datasets.Image())
    )
    trainer = SFTTrainer(
        model=vlm.load_model(str(data.base)),
        args=SFTConfig(**default_arguments(out, steps) | {"bf16": False}),
        train_dataset=dataset,
        processing_class=vlm.load_processor(str(data.base)),
    )
    with cpu_seconds() as spent:
        trainer.train()
        return steps * DEFAULT_BATCH / spent()


def answer_rates(data: TimedData) -> tuple[float, float]:
    """Return answers a CPU second about one picture: with a shared prefix, and in batches."""
    model, processor = vlm.load_model_and_processor(str(data.base))
    # Random weights might end an answer early.
    model.generation_config.eos_token_id = None
    conversations = read_conversations(data.conversations, images=data.folder)
    entries = [conversations[index] for index in range(QUESTIONS_PER_PICTURE)]
    image = Image.open(str(entries[0].image)).convert("RGB")
    items = [(image, entry.turns[0][1]) for entry in entries]
    with cpu_seconds() as spent:
        shared = vlm.generate(model, processor, items, max_new_tokens=NEW_TOKENS, batch_size=64)
        shared_rate = len(items) / spent()
    prompts = [
        vlm.conversation_text(processor, [("user", question)], ask=True, image=1)
        for _, question in items
    ]
    answers = []
    with cpu_seconds() as spent, torch.inference_mode():
        for start in range(0, len(items), DEFAULT_BATCH):
            batch = [
                SharedPrompt(index, prompts[index], (), 0, [image])
                for index in range(start, start + DEFAULT_BATCH)
            ]
            inputs = padded_inputs(model, processor, batch)
            produced = model.generate(**inputs, max_new_tokens=NEW_TOKENS, do_sample=False)
            new = produced[:, inputs["input_ids"].shape[1] :]
            answers += processor.tokenizer.batch_decode(new, skip_special_tokens=True)
        batch_rate = len(items) / spent()
    if [text.strip() for text in answers] != shared:
        raise AssertionError("answers with a shared prefix differ")
    return shared_rate, batch_rate


def rate_ratio(rate: float, rival: float, goal: float) -> str:
    return f"{rate / rival:.1f} times; goal: at least {goal:g} times"


def main(steps: int = 2) -> None:
    """Measure training and answering.

    Args:
        steps: Optimizer steps of each training.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = write_data(
            Path(folder), SIZE, num_pictures=2, questions_per_picture=QUESTIONS_PER_PICTURE
        )
        out = Path(folder) / "out"
        packed = train_packed(data, out, steps=steps)
        plain = train_with_transformers(data, out, steps=steps)
        figures = [
            Figure(
                "answers trained in a CPU second, 24 questions a picture",
                f"{packed:.2f}",
            ),
            Figure(
                "the same data with Hugging Face's Trainer",
                f"{plain:.2f}",
                rate_ratio(packed, plain, TRAINING_GOAL),
            ),
        ]
        try:
            trl = train_with_trl(data, out, steps=steps)
            figures.append(
                Figure(
                    "the same data with TRL's SFTTrainer",
                    f"{trl:.2f}",
                    rate_ratio(packed, trl, TRAINING_GOAL),
                )
            )
        except ImportError as error:
            print(f"without TRL's SFTTrainer: {error}")
        shared_rate, batch_rate = answer_rates(data)
        figures += [
            Figure(
                "questions answered in a CPU second, 24 about a picture",
                f"{shared_rate:.2f}",
            ),
            Figure(
                "the same questions with generate in batches of 8",
                f"{batch_rate:.2f}",
                rate_ratio(shared_rate, batch_rate, GENERATION_GOAL),
            ),
        ]
    report_figures("packing", figures)


if __name__ == "__main__":
    run(main)
