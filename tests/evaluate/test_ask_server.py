"""Asking a server: a question without a reply keeps the reason, is counted and shown."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from testing.fake_chat_server import Answer, ReceivedRequest, completion, content_answer, run_server
from tests.evaluate.test_predict import item
from workflow_scripts.common.records import Prediction
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.evaluate import ask_server, score
from workflow_scripts.evaluate.eval_items import EvalItem
from workflow_scripts.evaluate.report import without_reply
from workflow_scripts.evaluate.score_table import read_scores
from workflow_scripts.experiments.api import ApiPredictSettings
from workflow_scripts.experiments.vlm import VlmScoreSettings

REFUSAL = completion({"role": "assistant", "content": None, "refusal": "I can't help with that."})


def ask(folder: Path, number: int, answer: Callable[[ReceivedRequest], Answer]) -> list[Prediction]:
    """Return what a server answers to a number of questions, and write the answers."""
    write_records(folder / "items.jsonl", [item(index) for index in range(number)])
    prompt = folder / "prompt.txt"
    prompt.write_text("{question}")
    with pytest.MonkeyPatch.context() as environment, run_server(answer) as server:
        environment.setenv("OPENAI_API_KEY", "sk-loopback-0123456789abcdef")
        settings = ApiPredictSettings(
            model="test",
            base_url=server.url,
            input_usd_per_million=0.0,
            output_usd_per_million=0.0,
            max_attempts=1,
            max_failed_fraction=1.0,
            cache=str(folder / "cache"),
        )
        ask_server.main(
            questions=folder / "items.jsonl",
            images=folder,
            prompt_file=prompt,
            experiment="gpt",
            condition="blind",
            out=folder / "answers.jsonl",
            settings=settings,
        )
    return read_records(folder / "answers.jsonl", Prediction)


def reply_to(received: ReceivedRequest) -> Answer:
    text = received.body["messages"][-1]["content"][0]["text"]
    replies = {"Is it? 0": content_answer("yes"), "Is it? 1": REFUSAL}
    return replies.get(text, content_answer("no", finish_reason="length"))


def test_a_question_without_a_reply_has_the_reason(tmp_path: Path) -> None:
    answers = ask(tmp_path, 4, reply_to)
    assert [row.text for row in answers] == ["yes", "", "", ""]
    assert answers[0].reason == ""
    assert answers[1].reason == "refused: I can't help with that."
    assert all(row.reason.startswith("failed: cut off: longer than") for row in answers[2:])


def test_it_is_counted_in_scores_and_shown_in_the_report(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask(tmp_path, 4, reply_to)
    answers = [tmp_path / "answers.jsonl"]
    score.main(
        questions=tmp_path / "items.jsonl",
        image=answers,
        blind=answers,
        blank=answers,
        experiment="gpt",
        seed=7,
        out=tmp_path / "scores.parquet",
        settings=VlmScoreSettings(bootstrap_samples=100),
    )
    scores = read_scores(tmp_path / "scores.parquet")
    overall = scores[(scores["family"] == "all") & (scores["form"] == "all")]
    values = overall.set_index("metric")["value"].to_dict()
    assert (values["no_reply_rate"], values["refusal_rate"]) == pytest.approx((0.75, 0.25))
    assert (values["parse_failure_rate"], values["accuracy"]) == pytest.approx((0.75, 0.25))
    assert "3 of 4 questions have no reply; 2 times: failed: cut off" in caplog.text
    assert [row["n"] for row in without_reply(scores)] == [4]


def test_a_question_whose_picture_cannot_be_read_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def images_for(one: EvalItem, *_: object) -> None:
        if one.question_id == "q1":
            raise ValueError("no such codec")

    monkeypatch.setattr(ask_server, "images_for", images_for)
    answers = ask(tmp_path, 2, lambda _: content_answer("yes"))
    assert [(row.text, row.reason) for row in answers] == [
        ("yes", ""),
        ("", "failed: ValueError: no such codec"),
    ]


def test_replies_to_all_questions_need_no_row(tmp_path: Path) -> None:
    ask(tmp_path, 1, reply_to)
    rows = score.read_answers([tmp_path / "answers.jsonl"], pd.DataFrame({"question_id": ["q0"]}))
    assert rows == ["yes"]
