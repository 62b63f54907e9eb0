"""Have the questions of a shard put in other words, and keep those that are still the question."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.models.chat.client import ChatClient, ChatRequest
from workflow_scripts.models.chat.failure_limit import FailureLimit
from workflow_scripts.models.chat.parse_reply import ChatReply
from workflow_scripts.models.chat.prompt_files import Prompt
from workflow_scripts.models.chat.thread_pool import map_concurrently
from workflow_scripts.vqa.paraphrase.options import PROMPT_KEY, Options
from workflow_scripts.vqa.paraphrase.validation import (
    protected_terms,
    skip_reason,
    split_options,
    validation_error,
)

log = logging.getLogger(__name__)
TASK = "You put questions about pictures in other words."
PLACEHOLDERS = ("{question}", "{answer}", "{kept}")
UNUSED = "paraphrase not used"


def read_prompt(path: Path) -> Prompt:
    """Read a prompt file; `UserError` if it is missing or does not say what is asked."""
    prompt = Prompt.read(path, kind="paraphrase", key=PROMPT_KEY)
    for name in PLACEHOLDERS:
        if name not in prompt.template:
            raise UserError(f"{path}: the placeholder {name} is missing ({PROMPT_KEY})")
    return prompt


def fill_prompt(prompt: Prompt, question: Question, *, with_answer: bool) -> str:
    """Return the text for one question; its answer is given only if it is to change."""
    text, _ = split_options(question)
    answer = f"Its answer, to be put in other words too: {question.answer}"
    texts_in_order = (
        text,
        answer if with_answer else "",
        "; ".join(f'"{one}"' for one in protected_terms(question)) or "nothing",
    )
    values = dict(zip(PLACEHOLDERS, texts_in_order, strict=True))
    # All at once: a thing's name may hold what looks like a placeholder.
    filled = re.sub(
        "|".join(map(re.escape, values)), lambda found: values[found[0]], prompt.template
    )
    return "\n".join(line for line in filled.splitlines() if line.strip())


def has_sentence(question: Question) -> bool:
    """Say whether an answer is a sentence, not the bare truth."""
    return " " in question.answer.strip() and question.answer.rstrip().endswith(".")


class Paraphraser:
    """Asks for questions in other words, and checks what comes back."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.prompt = read_prompt(options.prompt)
        self._chat = ChatClient(options, options, section=Options.section, task=TASK)

    def is_selected(self, question: Question) -> bool:
        """Say whether a question is among those to be put in other words."""
        if question.split not in self.options.splits:
            return False
        lot = rng(self.options.seed, "paraphrase", question.question_id).random()
        return bool(lot < self.options.share)

    def ask(self, question: Question) -> ChatReply:
        """Return the texts "question" and perhaps "answer", or why there are none."""
        reason = skip_reason(question)
        if reason:
            return ChatReply("rejected", reason=reason)
        with_answer = has_sentence(question)
        request = ChatRequest(
            name=question.question_id,
            prompt=self.prompt.name,
            text=fill_prompt(self.prompt, question, with_answer=with_answer),
            keys=("question", "answer") if with_answer else ("question",),
        )
        return self._chat.ask(
            request,
            lambda texts: validation_error(question, texts["question"], texts.get("answer")),
        )


def apply_paraphrase(question: Question, found: ChatReply) -> Question:
    """Return a question in the words of a reply; its options stay as they are."""
    _, options = split_options(question)
    return question.model_copy(
        update={
            "question": found.texts["question"] + options,
            "answer": found.texts.get("answer", question.answer),
            "template": question.question,
        }
    )


def paraphrase_questions(
    questions: Sequence[Question], paraphraser: Paraphraser, dropped: Counter[tuple[str, str, str]]
) -> Iterator[Question]:
    """Yield the questions, those in other words that are still the same question.

    Why the others are as they were is counted in `dropped` by (family, form, reason).
    """
    options = paraphraser.options
    is_selected = [one for one in questions if paraphraser.is_selected(one)]
    failures = FailureLimit(
        options.max_failed_share,
        section=Options.section,
        what="paraphrases",
        total=len(is_selected),
    )
    answers = map_concurrently(paraphraser.ask, is_selected, workers=max(1, options.concurrency))
    texts = Counter((one.image, one.question.casefold()) for one in questions)
    changed: dict[str, Question] = {}
    for question, found in progress(answers, desc="paraphrases", total=len(is_selected)):
        reason = found.reason
        if found.status == "ok":
            one = apply_paraphrase(question, found)
            key = (one.image, one.question.casefold())
            if not texts[key]:
                texts[key] += 1
                changed[question.question_id] = one
                continue
            reason = "another question about the picture has these words"
        elif found.status != "rejected":
            reason = f"{found.status}: {reason}"
            failures.add(question.question_id, reason)
        dropped[question.family, question.form, f"{UNUSED}: {reason}"] += 1
    yield from (changed.get(one.question_id, one) for one in questions)


def main(
    *,
    questions: Path,
    out: Path,
    dropped: Path,
    options: Annotated[Options, tyro.conf.arg(name="")],
) -> None:
    """Write the questions of a shard in other words.

    Args:
        questions: `results/vqa/{source}/{shard}.jsonl`.
        out: the same questions in the same order, one record a line.
        dropped: which paraphrases were not used and why, counted, one record a line.
        options: which model is asked, and for which questions.
    """
    originals = read_records(questions, Question)
    drop_counts: Counter[tuple[str, str, str]] = Counter()
    written = list(paraphrase_questions(originals, Paraphraser(options), drop_counts))
    source = questions.parent.name
    write_records(
        dropped,
        (
            DroppedQuestions(source=source, family=family, form=form, reason=reason, count=count)
            for (family, form, reason), count in sorted(drop_counts.items())
        ),
    )
    write_records(out, written)
    number = sum(bool(one.template) for one in written)
    log.info(
        "%d of %d questions in other words, %d not used",
        number,
        len(originals),
        drop_counts.total(),
    )


if __name__ == "__main__":
    run(main)
