"""Have the questions of a shard put in other words, and keep those that are still the question."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import tyro

from workflow_scripts.common.chat.client import Asked, Chat
from workflow_scripts.common.chat.failures import Failures
from workflow_scripts.common.chat.pool import few_at_once
from workflow_scripts.common.chat.prompts import Prompt
from workflow_scripts.common.chat.replies import Verdict
from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import Dropped
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.vqa.paraphrase.options import PROMPT_KEY, Options
from workflow_scripts.vqa.paraphrase.survive import kept, lost, stem, why_not_asked

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


def fill(prompt: Prompt, question: Question, *, with_answer: bool) -> str:
    """Return the text for one question; its answer is given only if it is to change."""
    text, _ = stem(question)
    answer = f"Its answer, to be put in other words too: {question.answer}"
    told = (
        text,
        answer if with_answer else "",
        "; ".join(f'"{one}"' for one in kept(question)) or "nothing",
    )
    values = dict(zip(PLACEHOLDERS, told, strict=True))
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
        self._chat = Chat(options, task=TASK)

    def wanted(self, question: Question) -> bool:
        """Say whether a question is among those to be put in other words."""
        if question.split not in self.options.splits:
            return False
        lot = rng(self.options.seed, "paraphrase", question.question_id).random()
        return bool(lot < self.options.share)

    def ask(self, question: Question) -> Verdict:
        """Return the texts "question" and perhaps "answer", or why there are none."""
        reason = why_not_asked(question)
        if reason:
            return Verdict("rejected", reason=reason)
        with_answer = has_sentence(question)
        asked = Asked(
            name=question.question_id,
            prompt=self.prompt.name,
            text=fill(self.prompt, question, with_answer=with_answer),
            keys=("question", "answer") if with_answer else ("question",),
        )
        return self._chat.ask(
            asked, lambda texts: lost(question, texts["question"], texts.get("answer"))
        )


def reworded(question: Question, found: Verdict) -> Question:
    """Return a question in the words of a reply; its options stay as they are."""
    _, options = stem(question)
    return question.model_copy(
        update={
            "question": found.texts["question"] + options,
            "answer": found.texts.get("answer", question.answer),
            "template": question.question,
        }
    )


def paraphrased(
    questions: Sequence[Question], paraphraser: Paraphraser, dropped: Counter[tuple[str, str, str]]
) -> Iterator[Question]:
    """Yield the questions, those in other words that are still the same question.

    Why the others are as they were is counted in `dropped` by (family, form, reason).
    """
    options = paraphraser.options
    wanted = [one for one in questions if paraphraser.wanted(one)]
    failures = Failures(options, what="paraphrases", total=len(wanted))
    answers = few_at_once(paraphraser.ask, wanted, workers=max(1, options.concurrency))
    texts = Counter((one.image, one.question.casefold()) for one in questions)
    changed: dict[str, Question] = {}
    for question, found in progress(answers, desc="paraphrases", total=len(wanted)):
        reason = found.reason
        if found.status == "ok":
            one = reworded(question, found)
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
    asked = read_records(questions, Question)
    left: Counter[tuple[str, str, str]] = Counter()
    written = list(paraphrased(asked, Paraphraser(options), left))
    source = questions.parent.name
    write_records(
        dropped,
        (
            Dropped(source=source, family=family, form=form, reason=reason, count=count)
            for (family, form, reason), count in sorted(left.items())
        ),
    )
    write_records(out, written)
    number = sum(bool(one.template) for one in written)
    log.info("%d of %d questions in other words, %d not used", number, len(asked), left.total())


if __name__ == "__main__":
    run(main)
