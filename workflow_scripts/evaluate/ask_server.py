"""Ask a model behind an OpenAI-compatible server questions: with the picture, without, or blank."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.question_table import QuestionTable
from workflow_scripts.common.records import Condition, Prediction
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.evaluate.eval_items import EvalItem, open_items, select_part
from workflow_scripts.evaluate.item_images import images_for
from workflow_scripts.experiments.api import ApiPredictSettings
from workflow_scripts.models.chat.client import ChatClient, ChatRequest
from workflow_scripts.models.chat.failure_limit import FailureLimit
from workflow_scripts.models.chat.parse_reply import MAX_CHARACTERS, ChatReply
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.models.chat.thread_pool import map_concurrently

log = logging.getLogger(__name__)
DEFAULT_LIMITS = ConnectionSettings()
TASK = "You answer questions about pictures."
MAX_LAYOUT_CHARACTERS = 100_000


def read_examples(path: Path | None, number: int) -> dict[str, list[str]]:
    """Return for each family up to `number` training questions with their answers.

    Which ones follows from their names, so that every part and every run shows the same.
    """
    if path is None or not number:
        return {}
    chosen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    columns = ("question_id", "split", "family", "question", "answer")
    for question in QuestionTable(path, columns=columns).rows():
        if question["split"] != "train":
            raise UserError(f"{path}: examples must come from the training split")
        order = hashlib.sha256(question["question_id"].encode()).hexdigest()
        kept = chosen[question["family"]]
        kept.append((order, f"{question['question']}\n{question['answer']}"))
        if len(kept) > 4 * number:
            kept[:] = sorted(kept)[:number]
    return {family: [text for _, text in sorted(kept)[:number]] for family, kept in chosen.items()}


def fill_prompt(prompt: Prompt, item: EvalItem, examples: dict[str, list[str]]) -> str:
    """Return the text of a request; braces in questions are left as they are."""
    shown = "\n\n".join(examples.get(item.family, []))
    before, _, after = prompt.template.partition("{question}")
    before, after = (part.replace("{examples}", shown) for part in (before, after))
    return f"{before}{item.question}{after}".strip()


def main(
    *,
    questions: Path,
    images: Path,
    prompt_file: Path,
    experiment: str,
    condition: Condition,
    out: Path,
    settings: ApiPredictSettings,
    examples: Path | None = None,
    part: int = 0,
    max_new_tokens: int | None = None,
    section: str | None = None,
    limits: Annotated[ConnectionSettings, tyro.conf.arg(name="")] = DEFAULT_LIMITS,
) -> None:
    """Ask a server every question; of a refusal, or of no reply, the row has the reason.

    Args:
        questions: Parquet table of questions, or JSON lines of an imported benchmark.
        images: Folder that the questions' pictures are relative to.
        prompt_file: Prompt file with {question}, and {examples} if there are some.
        experiment: Name of the experiment, written into every row.
        condition: With the picture, blind (the question alone), or with a blank picture.
        out: JSONL file to write, one Prediction a line.
        settings: Model, server, prompt, number of examples, which questions.
        examples: Table of the training questions.
        part: Which part of the questions, from 0.
        max_new_tokens: Not used: a server's limit is max_tokens, for it may think first.
        section: Where the server's settings stand in the configuration; without it, in
            train.experiments.{experiment}.
        limits: Requests at once, the spend cap, and how long a server is waited for.
    """
    del max_new_tokens
    section = section or f"train.experiments.{experiment}"
    template = Prompt.read(prompt_file, kind="answer", key=f"{section}.prompt")
    if "{question}" not in template.template:
        problem = f"the placeholder {{question}} is missing ({section}.prompt)"
        raise UserError(f"{prompt_file}: {problem}")
    items = select_part(
        open_items(questions, families=settings.families or ()), part, settings.num_parts
    )
    shown = read_examples(examples, settings.num_examples)
    chat = ChatClient(settings, limits, section=section, task=TASK)
    failures = FailureLimit(
        settings.max_failed_fraction, section=section, what="answers", total=len(items)
    )

    errors = ItemErrors()

    def ask(item: EvalItem) -> ChatReply:
        try:
            shown_images = images_for(item, images, condition) or []
        except Exception as error:
            return ChatReply("failed", reason=errors.reason(error, item.question_id))
        is_layout = item.answer_type == "layout"
        return chat.ask(
            ChatRequest(
                name=f"{item.question_id} ({condition})",
                prompt=template.name,
                text=fill_prompt(template, item, shown),
                keys=("answer",),
                images=tuple(np.asarray(image) for image in shown_images),
                max_image_px=settings.max_image_px,
                max_characters=MAX_LAYOUT_CHARACTERS if is_layout else MAX_CHARACTERS,
                keep_lines=is_layout,
            )
        )

    def predictions() -> Iterator[Prediction]:
        replies = map_concurrently(ask, items, workers=max(1, limits.concurrency))
        for item, reply in progress(replies, desc=f"{experiment} {condition}", total=len(items)):
            if reply.status == "failed":
                failures.add(item.question_id, f"{reply.status}: {reply.reason}")
            is_answered = reply.status == "ok"
            yield Prediction(
                experiment=experiment,
                condition=condition,
                question_id=item.question_id,
                text=reply.texts.get("answer", ""),
                reason="" if is_answered else f"{reply.status}: {reply.reason}",
            )

    answers = list(predictions())
    write_records(out, answers)
    without_reply = sum(bool(answer.reason) for answer in answers)
    log.info("%s: %d questions, %d without reply", out, len(answers), without_reply)


if __name__ == "__main__":
    run(main)
