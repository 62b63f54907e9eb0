"""Ask a model questions with the picture, without it, or with a blank one; resumable."""

import hashlib
import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Condition, Prediction
from workflow_scripts.common.storage import read_records, remove, write_records
from workflow_scripts.evaluate.eval_items import EvalItem, open_items
from workflow_scripts.experiments.vlm import VlmPredictSettings
from workflow_scripts.models import vlm

logger = logging.getLogger(__name__)
BATCHES_PER_CHUNK = 8


def select_part(questions: Sequence[EvalItem], part: int, num_parts: int) -> Sequence[EvalItem]:
    """Return part `part` (from 0) of `num_parts` nearly equal runs of questions."""
    bounds = [len(questions) * number // num_parts for number in (part, part + 1)]
    return questions[slice(*bounds)]


# Questions come view by view, so few pictures are read twice.
@lru_cache(maxsize=64)
def load_image(root: Path, name: str) -> Image.Image:
    """Read a question's picture; `UserError` names the file if it cannot be read."""
    try:
        with Image.open(root / name) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise UserError(f"{root / name}: picture cannot be read: {error}") from error


def images_for(item: EvalItem, root: Path, condition: Condition) -> list[Image.Image] | None:
    """Return what the model sees with a question: its pictures, as many grey ones, or none."""
    if condition == "blind":
        return None
    if condition == "blank":
        return [vlm.BLANK_IMAGE] * len(item.images)
    return [load_image(root, name) for name in item.images]


def fingerprint(
    base: str, adapter: Path | None, condition: str, *, batch_size: int, max_new_tokens: int
) -> str:
    """Identify the model and its settings: chunks of answers made by others are not reused."""
    settings = [base, condition, batch_size, max_new_tokens]
    digest = hashlib.sha256(json.dumps(settings).encode())
    weights = [adapter] if adapter else []
    if Path(base).is_dir():
        weights.append(Path(base))
    for folder in weights:
        for file in sorted(folder.glob("*.safetensors")):
            with file.open("rb") as weights_file:
                while block := weights_file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()[:16]


def main(
    *,
    questions: Path,
    images: Path,
    base: str,
    experiment: str,
    condition: Condition,
    max_new_tokens: int,
    out: Path,
    settings: VlmPredictSettings,
    part: int = 0,
    adapter: Path | None = None,
) -> None:
    """Answer questions greedily.

    Args:
        questions: Parquet table of questions, or JSON lines of an imported benchmark.
        images: Folder that the questions' pictures are relative to.
        base: Local folder or hub id of the base model.
        experiment: Name of the experiment, written into every row.
        condition: With the picture, blind (the question alone), or with a blank picture.
        max_new_tokens: Longest answer, in tokens.
        out: JSONL file to write, one Prediction a line.
        settings: Questions at a time, number of parts, families of questions.
        part: Which part of the questions, from 0.
        adapter: Folder of a PEFT adapter; without one the base itself answers.
    """
    all_items = open_items(questions, families=settings.families or ())
    items = select_part(all_items, part, settings.num_parts)
    chunks = out.with_name(f".{out.name}.chunks")
    key = fingerprint(
        base,
        adapter,
        condition,
        batch_size=settings.batch_size,
        max_new_tokens=max_new_tokens,
    )
    size = settings.batch_size * BATCHES_PER_CHUNK
    model = processor = None
    finished: list[Path] = []
    for start in progress(range(0, len(items), size), desc=f"{experiment} {condition}"):
        rows = list(items[start : start + size])
        # The same question may have another wording, or another picture.
        chunk_content = json.dumps([[row.question_id, row.question, row.images] for row in rows])
        chunk = chunks / f"{key}-{hashlib.sha256(chunk_content.encode()).hexdigest()[:16]}.jsonl"
        if not chunk.exists():
            if model is None:
                model, processor = vlm.load_model_and_processor(base, adapter)
            texts = vlm.generate(
                model,
                processor,
                [(images_for(row, images, condition), row.question) for row in rows],
                max_new_tokens=max_new_tokens,
                batch_size=settings.batch_size,
            )
            answers = [
                Prediction(
                    experiment=experiment,
                    condition=condition,
                    question_id=row.question_id,
                    text=text,
                )
                for row, text in zip(rows, texts, strict=True)
            ]
            write_records(chunk, answers)
        finished.append(chunk)
    write_records(out, chain.from_iterable(read_records(path, Prediction) for path in finished))
    remove(chunks)
    logger.info("%s: %d answers", out, len(items))


if __name__ == "__main__":
    run(main)
