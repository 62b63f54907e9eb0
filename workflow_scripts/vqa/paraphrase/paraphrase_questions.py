"""Have the questions of a shard paraphrased, and use the paraphrases that ask the same."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.questions import Question
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.config.server import ConnectionSettings
from workflow_scripts.config.vqa import ParaphraseRequestSettings
from workflow_scripts.models.chat.client import ChatClient, ChatRequest
from workflow_scripts.models.chat.failure_limit import FailureLimit
from workflow_scripts.models.chat.parse_reply import ChatReply
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.models.chat.thread_pool import map_concurrently
from workflow_scripts.vqa.drop_records import drop_records
from workflow_scripts.vqa.paraphrase.prompts import PLACEHOLDERS, SECTION, read_prompt
from workflow_scripts.vqa.paraphrase.validation import (
    protected_terms,
    skip_reason,
    split_options,
    validation_error,
)

log = logging.getLogger(__name__)
# Part of every request, and so of the key of its cached reply.
TASK = "You paraphrase questions about pictures."
UNUSED = "paraphrase not used"
DEFAULT_LIMITS = ConnectionSettings()


def fill_prompt(prompt: Prompt, question: Question, *, with_answer: bool) -> str:
    """Return the text for one question; its answer is given only if it is to change."""
    text, _ = split_options(question)
    answer = f"Its answer, to be paraphrased too: {question.answer}"
    texts_in_order = (
        text,
        answer if with_answer else "",
        "; ".join(f'"{term}"' for term in protected_terms(question)) or "nothing",
    )
    values = dict(zip(PLACEHOLDERS, texts_in_order, strict=True))
    # All at once: the name of an object may look like a placeholder.
    filled = re.sub(
        "|".join(map(re.escape, values)), lambda found: values[found[0]], prompt.template
    )
    return "\n".join(line for line in filled.splitlines() if line.strip())


def has_sentence(question: Question) -> bool:
    """Say whether an answer is a sentence, not the bare truth."""
    return " " in question.answer.strip() and question.answer.rstrip().endswith(".")


class Paraphraser:
    """Asks a server for paraphrases, and checks them; `seed` draws which questions."""

    def __init__(
        self, settings: ParaphraseRequestSettings, limits: ConnectionSettings, *, seed: int
    ) -> None:
        self.settings, self.limits = settings, limits
        self._seed = seed
        self._prompt = read_prompt(Path(settings.prompt))
        self._chat = ChatClient(settings, limits, section=SECTION, task=TASK)

    def is_selected(self, question: Question) -> bool:
        """Say whether a question is among those to be paraphrased."""
        if question.split not in self.settings.splits:
            return False
        drawn = rng(self._seed, "paraphrase", question.question_id).random()
        return bool(drawn < self.settings.share)

    def ask(self, question: Question) -> ChatReply:
        """Return a reply with the texts "question" and perhaps "answer", or why it has none."""
        reason = skip_reason(question)
        if reason:
            return ChatReply("rejected", reason=reason)
        with_answer = has_sentence(question)
        request = ChatRequest(
            name=question.question_id,
            prompt=self._prompt.name,
            text=fill_prompt(self._prompt, question, with_answer=with_answer),
            keys=("question", "answer") if with_answer else ("question",),
        )
        return self._chat.ask(
            request,
            lambda texts: validation_error(question, texts["question"], texts.get("answer")),
        )


def apply_paraphrase(question: Question, reply: ChatReply) -> Question:
    """Return a question with the texts of a reply; its options stay as they are."""
    _, options = split_options(question)
    return question.model_copy(
        update={
            "question": reply.texts["question"] + options,
            "answer": reply.texts.get("answer", question.answer),
            "template": question.question,
        }
    )


def paraphrase_questions(
    questions: Sequence[Question], paraphraser: Paraphraser, dropped: Counter[tuple[str, str, str]]
) -> Iterator[Question]:
    """Yield the questions in order, paraphrased where a paraphrase can be used.

    Why a paraphrase was not used is counted in `dropped` by (family, form, reason).
    """
    selected = [question for question in questions if paraphraser.is_selected(question)]
    failures = FailureLimit(
        paraphraser.settings.max_failed_fraction,
        section=SECTION,
        what="paraphrases",
        total=len(selected),
    )
    replies = map_concurrently(
        paraphraser.ask, selected, workers=max(1, paraphraser.limits.concurrency)
    )
    texts = Counter(_text_key(question) for question in questions)
    changed: dict[str, Question] = {}
    for question, reply in progress(replies, desc="paraphrases", total=len(selected)):
        reason = reply.reason
        if reply.status == "ok":
            paraphrase = apply_paraphrase(question, reply)
            key = _text_key(paraphrase)
            if not texts[key]:
                texts[key] += 1
                changed[question.question_id] = paraphrase
                continue
            reason = "another question about the picture has these words"
        elif reply.status != "rejected":
            reason = f"{reply.status}: {reason}"
            failures.add(question.question_id, reason)
        dropped[question.family, question.form, f"{UNUSED}: {reason}"] += 1
    yield from (changed.get(question.question_id, question) for question in questions)


def _text_key(question: Question) -> tuple[str, str]:
    return question.image, question.question.casefold()


def main(
    *,
    questions: Path,
    out: Path,
    dropped: Path,
    settings: ParaphraseRequestSettings,
    seed: int,
    limits: Annotated[ConnectionSettings, tyro.conf.arg(name="")] = DEFAULT_LIMITS,
) -> None:
    """Write the questions of a shard, paraphrased.

    Args:
        questions: `results/vqa/{source}/{shard}.jsonl`.
        out: the same questions in the same order, one record a line.
        dropped: which paraphrases were not used and why, counted, one record a line.
        settings: which model is asked, and for which questions.
        seed: seed of the workflow.
        limits: requests at once, the spend cap, and how long a server is waited for.
    """
    originals = read_records(questions, Question)
    drop_counts: Counter[tuple[str, str, str]] = Counter()
    paraphraser = Paraphraser(settings, limits, seed=seed)
    written = list(paraphrase_questions(originals, paraphraser, drop_counts))
    source = questions.parent.name
    write_records(
        dropped,
        drop_records({(source, *key): count for key, count in drop_counts.items()}),
    )
    write_records(out, written)
    log.info(
        "%d of %d questions paraphrased, %d paraphrases not used",
        sum(bool(question.template) for question in written),
        len(originals),
        drop_counts.total(),
    )


if __name__ == "__main__":
    run(main)
