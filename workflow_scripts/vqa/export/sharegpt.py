"""Write a split as ShareGPT conversations, the form that Qwen-VL's and LLaMA-Factory's tuning read.

One entry a picture: `images` lists the picture, relative to `results/vqa`, and `conversations`
holds all of its questions as turns of "human" and "gpt"; the picture's token stands before the
first question only.
"""

import json
import logging
from pathlib import Path
from typing import Any

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.questions import Question, Reasoning, training_answer
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.config.vqa import ReasoningSettings
from workflow_scripts.vqa.export.images import IMAGE_TOKEN, group_by_image

log = logging.getLogger(__name__)


def entry(questions: list[Question], reasoning: Reasoning) -> dict[str, Any]:
    """Return the conversation about one picture."""
    turns = []
    for number, question in enumerate(questions):
        token = f"{IMAGE_TOKEN}\n" if number == 0 else ""
        turns.append({"from": "human", "value": f"{token}{question.question}"})
        turns.append({"from": "gpt", "value": training_answer(question, reasoning)})
    return {
        "id": questions[0].question_id,
        "images": [questions[0].image],
        "conversations": turns,
    }


def main(*, questions: Path, out: Path, settings: ReasoningSettings) -> None:
    """Write ShareGPT conversations.

    Args:
        questions: Parquet table of a split's questions.
        out: JSON file; pictures are named relative to its folder.
        settings: whether the steps to an answer are put before it.
    """
    total = 0
    with atomic_write(out) as partial, partial.open("w", encoding="utf-8") as file:
        file.write("[")
        for image_questions in progress(group_by_image(questions), desc="sharegpt"):
            file.write(",\n" if total else "\n")
            file.write(
                json.dumps(
                    entry(image_questions, settings.reasoning), ensure_ascii=False, sort_keys=True
                )
            )
            total += 1
        file.write("\n]\n")
    log.info("%s: %d conversations", out, total)


if __name__ == "__main__":
    run(main)
