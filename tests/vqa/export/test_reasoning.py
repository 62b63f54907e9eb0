"""Steps in the forms that training reads: only where they are wished, each form alike."""

import json

import pytest

from tests.vqa.export.questions import question, write_questions
from workflow_scripts.common.questions import read_questions, training_answer
from workflow_scripts.common.storage import write_records
from workflow_scripts.config.vqa import MergeSettings, ReasoningSettings
from workflow_scripts.evaluate import answer_parsing
from workflow_scripts.vqa import merge
from workflow_scripts.vqa.export.messages import messages
from workflow_scripts.vqa.export.sharegpt import main as write_sharegpt

STEPS = "The sofa is at column 40 and the lamp at column 80. 80 - 40 = 40."
PLAIN = question(0)
WITH_STEPS = question(1, reasoning=STEPS, question="Is the floor lamp right of the sofa?")
EXPECTED_REPLIES = {
    "none": ("yes", "yes"),
    "stored": ("yes", "yes"),
    "written": ("Answer: yes", f"{STEPS}\nAnswer: yes"),
    "tagged": (
        "<think></think>\n<answer>yes</answer>",
        f"<think>{STEPS}</think>\n<answer>yes</answer>",
    ),
}


@pytest.mark.parametrize("style", EXPECTED_REPLIES)
def test_every_form_teaches_the_same_reply(tmp_path, style):
    table = write_questions(tmp_path / "train.parquet", [PLAIN, WITH_STEPS])
    assert [one.reasoning for one in read_questions(table)] == ["", STEPS]
    write_sharegpt(
        questions=table, out=tmp_path / "s.json", settings=ReasoningSettings(reasoning=style)
    )
    (entry,) = json.loads((tmp_path / "s.json").read_text())
    sharegpt_replies = [turn["value"] for turn in entry["conversations"] if turn["from"] == "gpt"]
    chat = messages([PLAIN, WITH_STEPS], style)
    chat_replies = [turn["content"][0]["text"] for turn in chat if turn["role"] == "assistant"]
    # Yes and no are balanced, so that one of each is needed for both to be kept.
    no = WITH_STEPS.model_copy(update={"truth": "no", "question_id": "procthor-a-000-02"})
    write_records(tmp_path / "0.jsonl", [PLAIN, no])
    merge.main(
        shards=[tmp_path / "0.jsonl"], out=tmp_path, settings=MergeSettings(reasoning=style), seed=7
    )
    llava_replies = [
        one["conversations"][1]["value"]
        for one in json.loads((tmp_path / "train.json").read_text())
    ]
    assert (
        tuple(sharegpt_replies)
        == tuple(chat_replies)
        == tuple(llava_replies)
        == EXPECTED_REPLIES[style]
    )


@pytest.mark.parametrize("style", EXPECTED_REPLIES)
def test_the_scorers_read_the_answer_behind_the_steps(style):
    steps = "The red one is 1.20 m and no other is 0.80 m. 1.20 is more than 0.80."
    chat_replies = training_answer(question(0, answer="86 cm", reasoning=steps), style)
    assert answer_parsing.final_answer(chat_replies) == "86 cm"
    assert answer_parsing.read_yes_no(training_answer(question(0, reasoning=steps), style)) == "yes"
