"""Ask a model questions with the picture, without it, or with a blank one; resumable."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Condition, Prediction
from workflow_scripts.common.storage import read_records, remove, write_records
from workflow_scripts.evaluate.eval_items import EvalItem, open_items, select_part
from workflow_scripts.evaluate.item_images import images_for
from workflow_scripts.experiments.vlm import VlmPredictSettings
from workflow_scripts.layouts.object_list import END
from workflow_scripts.models import vlm
from workflow_scripts.models.distinct_entries import DistinctEntries
from workflow_scripts.models.generation import PrefixCache, TokenLimit

logger = logging.getLogger(__name__)
BATCHES_PER_CHUNK = 8


def show_pictures(
    rows: Sequence[EvalItem], root: Path, condition: Condition
) -> list[tuple[list[Image.Image] | None, str]]:
    """Return pictures and question of every item; the same pictures are the same objects."""
    shown: dict[tuple[str, ...], list[Image.Image] | None] = {}
    for row in rows:
        if tuple(row.images) not in shown:
            shown[tuple(row.images)] = images_for(row, root, condition)
    return [(shown[tuple(row.images)], row.question) for row in rows]


def answer_each(
    ask: Callable[[list[EvalItem]], list[str]], rows: list[EvalItem], errors: ItemErrors
) -> list[tuple[str, str]]:
    """Return (answer, '') of each question, or ('', reason) of one that cannot be asked.

    They are asked together; only if that fails, one by one.
    """
    try:
        return [(text, "") for text in ask(rows)]
    except Exception as error:
        errors.reason(error, f"questions {rows[0].question_id} to {rows[-1].question_id}")
    answers = []
    for row in rows:
        try:
            answers.append((ask([row])[0], ""))
        except Exception as error:
            reason = errors.reason(error, f"question {row.question_id}")
            logger.warning("question %s has no answer: %s", row.question_id, reason)
            answers.append(("", reason))
    return answers


def fingerprint(
    base: str,
    adapter: Path | None,
    condition: str,
    *,
    batch_size: int,
    max_new_tokens: int,
    entries_per_name: int | None = None,
) -> str:
    """Identify the model and its settings: chunks of answers made by others are not reused."""
    settings = [base, condition, batch_size, max_new_tokens, entries_per_name]
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


def entry_limit(processor: Any, entries_per_name: int | None) -> TokenLimit | None:
    """Return what keeps answers that are lists of objects from naming the same again and again."""
    if entries_per_name is None:
        return None
    return lambda prompt_length: DistinctEntries(
        processor.tokenizer, end=END, most=entries_per_name, prompt_length=prompt_length
    )


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
        entries_per_name=settings.entries_per_name,
    )
    size = settings.batch_size * BATCHES_PER_CHUNK
    model = processor = None
    prefixes = PrefixCache()
    finished: list[Path] = []
    reasons: list[str] = []
    errors = ItemErrors()
    for start in progress(range(0, len(items), size), desc=f"{experiment} {condition}"):
        rows = list(items[start : start + size])
        # The same question may have another wording, or another picture.
        chunk_content = json.dumps([[row.question_id, row.question, row.images] for row in rows])
        chunk = chunks / f"{key}-{hashlib.sha256(chunk_content.encode()).hexdigest()[:16]}.jsonl"
        if chunk.exists():
            answers = read_records(chunk, Prediction)
        else:
            if model is None:
                model, processor = vlm.load_model_and_processor(base, adapter)

            def ask(
                chunk_rows: list[EvalItem], loaded: tuple[Any, Any] = (model, processor)
            ) -> list[str]:
                return vlm.generate(
                    *loaded,
                    show_pictures(chunk_rows, images, condition),
                    max_new_tokens=max_new_tokens,
                    batch_size=settings.batch_size,
                    prefixes=prefixes,
                    limit=entry_limit(loaded[1], settings.entries_per_name),
                )

            answers = [
                Prediction(
                    experiment=experiment,
                    condition=condition,
                    question_id=row.question_id,
                    text=text,
                    reason=reason,
                )
                for row, (text, reason) in zip(rows, answer_each(ask, rows, errors), strict=True)
            ]
            write_records(chunk, answers)
        reasons += [row.reason for row in answers if row.reason]
        finished.append(chunk)
    errors.require_some(len(items) - len(reasons))
    if reasons and len(reasons) == len(items):
        raise UserError(f"{questions}: no question could be asked; the first: {reasons[0]}")
    write_records(out, chain.from_iterable(read_records(path, Prediction) for path in finished))
    remove(chunks)
    logger.info("%s: %d answers", out, len(items))


if __name__ == "__main__":
    run(main)
