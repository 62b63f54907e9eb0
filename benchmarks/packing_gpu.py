"""A 7B vision-language model with adapters on a GPU: a picture once, beside once per question.

Run from the repository on a machine with a GPU: `python -m benchmarks.packing_gpu`. The model has
LLaVA-1.5-7B's shape in bfloat16 with random weights, LoRA and gradient checkpointing; nothing is
downloaded. `--shape small` tries the same on a processor. Printed are answers and tokens a
second, the share of the matrix peak (measured here, with one large product), and peak memory.
The products of the layers are counted, without those of attention scores: a token costs twice
the weights forward, again for checkpointing, again for the gradients of its inputs.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from benchmarks.figures import Figure, report_figures
from testing.vlm_benchmark import SIZE, TimedData, write_data
from workflow_scripts.common.cli import run
from workflow_scripts.models import vlm
from workflow_scripts.models.generation import PrefixCache, answer_prompts
from workflow_scripts.models.shared_prefix import BLOCK_TOKENS, choose_attention
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig
from workflow_scripts.train.vlm.conversation_dataset import Conversation, read_conversations
from workflow_scripts.train.vlm.lora_targets import lora_targets
from workflow_scripts.train.vlm.packed_collator import PackedCollator, PackedGroup
from workflow_scripts.train.vlm.packed_trainer import answer_loss

QUESTIONS_PER_PICTURE = 24
SEPARATE_BATCH = 8
NEW_TOKENS = 8
Shape = Literal["7b", "small"]


@dataclass(frozen=True)
class Rate:
    """What a training did in some seconds."""

    answers: int
    tokens: int
    seconds: float


def make_large_model(processor: Any, shape: Shape) -> Any:
    """Return a LLaVA with random weights, on the accelerator if there is one."""
    tokenizer = processor.tokenizer
    vision, text = (
        ({"hidden_size": 1024, "intermediate_size": 4096}, {"hidden_size": 4096})
        if shape == "7b"
        else ({"hidden_size": 64, "intermediate_size": 128}, {"hidden_size": 64})
    )
    layers = (24, 32) if shape == "7b" else (2, 2)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            num_hidden_layers=layers[0],
            num_attention_heads=16,
            image_size=SIZE.image_px,
            patch_size=SIZE.patch_px,
            **vision,
        ),
        text_config=LlamaConfig(
            vocab_size=32064,
            intermediate_size=11008 if shape == "7b" else 128,
            num_hidden_layers=layers[1],
            num_attention_heads=32 if shape == "7b" else 4,
            max_position_embeddings=8192,
            pad_token_id=tokenizer.pad_token_id,
            **text,
        ),
        image_token_index=processor.image_token_id,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=SIZE.patches_per_side**2,
    )
    with torch.device(vlm.device()):
        torch.set_default_dtype(vlm.dtype())
        try:
            model = LlavaForConditionalGeneration(config)
        finally:
            torch.set_default_dtype(torch.float32)
    # Random weights might end an answer early.
    model.generation_config.eos_token_id = None
    return model


def with_adapters(model: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = lora_targets(model, None, "random")
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable()
    return get_peft_model(model, LoraConfig(r=16, lora_alpha=32.0, target_modules=targets))


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds_of(work: Callable[[], Any]) -> float:
    synchronize()
    start = time.perf_counter()
    work()
    synchronize()
    return time.perf_counter() - start


def matrix_peak() -> float:
    """Return the operations a second of a large matrix product in the model's number format."""
    side = 8192 if torch.cuda.is_available() else 512
    matrix = torch.randn(side, side, device=vlm.device()).to(vlm.dtype())

    def multiply() -> None:
        for _ in range(10):
            matrix @ matrix

    multiply()
    return 10 * 2 * side**3 / seconds_of(multiply)


def measure_training(
    model: Any, collator: PackedCollator, micro_batches: Sequence[Sequence[PackedGroup]]
) -> Rate:
    """Train two steps, the first one to warm up; a step is all micro-batches."""
    trained = [part for part in model.parameters() if part.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    total = sum(group.num_answer_tokens for groups in micro_batches for group in groups)
    batches = []
    for groups in micro_batches:
        batch = {**collator.collate(groups), "num_answer_tokens": torch.tensor(float(total))}
        batch["pixel_values"] = batch["pixel_values"].to(vlm.dtype())
        batches.append({name: value.to(vlm.device()) for name, value in batch.items()})

    def step() -> None:
        for batch in batches:
            answer_loss(model, batch, base=model.get_base_model()).backward()
        optimizer.step()
        optimizer.zero_grad()

    model.train()
    step()
    return Rate(
        answers=sum(len(group.members) for groups in micro_batches for group in groups),
        tokens=sum(group.num_tokens for groups in micro_batches for group in groups),
        seconds=seconds_of(step),
    )


def peak_memory_gb() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def describe_training(rate: Rate, weights: float, peak: float) -> str:
    share = 6 * weights * rate.tokens / rate.seconds / peak
    return (
        f"{rate.answers / rate.seconds:.2f} answers/s, {rate.tokens / rate.seconds:.0f} tokens/s, "
        f"{share:.0%} of the matrix peak, {peak_memory_gb():.1f} GB"
    )


def measure_answers(model: Any, processor: Any, entries: Sequence[Conversation]) -> list[float]:
    """Return questions answered a second: sharing their picture, and each with its own."""
    prompts = [
        vlm.conversation_text(processor, entry.turns[:1], ask=True, image=1) for entry in entries
    ]
    image = Image.open(str(entries[0].image)).convert("RGB")
    rates = []
    # Copies are other pictures to the code, so they are not shared.
    for pictures in ([[image]] * len(entries), [[image.copy()] for _ in entries]):

        def answer(pictures: list[list[Image.Image]] = pictures) -> None:
            answer_prompts(
                model,
                processor,
                prompts,
                pictures,
                max_new_tokens=NEW_TOKENS,
                batch_size=SEPARATE_BATCH if pictures[0][0] is not image else len(entries),
                prefixes=PrefixCache(),
            )

        with torch.inference_mode():
            answer()
            rates.append(len(entries) / seconds_of(answer))
    return rates


def measure(data: TimedData, shape: Shape) -> list[Figure]:
    processor = vlm.load_processor(str(data.base))
    conversations = read_conversations(data.conversations, images=data.folder)
    model = make_large_model(processor, shape)
    entries = [conversations[index] for index in range(QUESTIONS_PER_PICTURE)]
    shared_rate, separate_rate = measure_answers(model.eval(), processor, entries)
    attention = choose_attention(model)
    multiple_of = BLOCK_TOKENS if attention == "flex_attention" else 1
    collator = PackedCollator(processor, pad_to_multiple_of=multiple_of)
    members = [collator.encode(entry) for entry in entries]
    packed = [collator.group(members)]
    one_by_one = [group for member in members for group in collator.group([member])]
    separate = [
        one_by_one[start : start + SEPARATE_BATCH]
        for start in range(0, len(one_by_one), SEPARATE_BATCH)
    ]
    weights = float(sum(part.numel() for part in model.model.language_model.layers.parameters()))
    model = with_adapters(model)
    peak = matrix_peak()
    figures = [
        Figure("matrix peak measured here", f"{peak / 1e12:.2f} TFLOP/s", f"attention {attention}")
    ]
    rates = []
    for name, micro_batches in (("a picture once", packed), ("once per question", separate)):
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        rate = measure_training(model, collator, micro_batches)
        rates.append(rate.answers / rate.seconds)
        figures.append(Figure(f"training, {name}", describe_training(rate, weights, peak)))
    return [
        *figures,
        Figure("training, times faster", f"{rates[0] / rates[1]:.1f}", "goal: at least 8"),
        Figure("answering, a picture once", f"{shared_rate:.2f} answers/s"),
        Figure("answering, once per question", f"{separate_rate:.2f} answers/s"),
        Figure("answering, times faster", f"{shared_rate / separate_rate:.1f}", "goal: at least 5"),
    ]


def main(shape: Shape = "7b") -> None:
    """Measure training and answering.

    Args:
        shape: 7b, or small to try the script on a processor.
    """
    # Pictures and words are those of the other benchmark; only the processor of its base is used.
    small = TinyVlmConfig(
        image_px=SIZE.image_px, patch_px=SIZE.patch_px, vision_layers=1, text_layers=1
    )
    with tempfile.TemporaryDirectory() as folder:
        data = write_data(
            Path(folder), small, num_pictures=1, questions_per_picture=QUESTIONS_PER_PICTURE
        )
        report_figures("packing_gpu", measure(data, shape))


if __name__ == "__main__":
    run(main)
