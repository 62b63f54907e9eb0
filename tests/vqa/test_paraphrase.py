"""Paraphrases of questions, from a real server that also misbehaves: which are used, which not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testing.fake_chat_server import (
    Answer,
    FakeChatServer,
    ReceivedRequest,
    content_answer,
    error_answer,
    kill_after_replies,
    run_server,
)
from tests.vqa.export.questions import question
from tests.vqa.paraphrase_cases import BAD, GOOD, LEFT, LETTERS, SENTENCE
from workflow_scripts.common.questions import Question
from workflow_scripts.common.records import DroppedQuestions
from workflow_scripts.common.storage import read_records, write_records
from workflow_scripts.config.vqa import ParaphraseSettings
from workflow_scripts.vqa.paraphrase.estimate import estimate
from workflow_scripts.vqa.paraphrase.paraphrase_questions import fill_prompt
from workflow_scripts.vqa.paraphrase.prompts import read_prompt
from workflow_scripts.vqa.paraphrase.validation import validation_error

ROOT = Path(__file__).parents[2]
KEY = "sk-test-0123456789abcdef"
PROMPT = Path(ParaphraseSettings().prompt)
WAYS = ("Would you say that {}?", "Can you tell me whether {}?", "Please say if {}.")


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case[1][:60])
def test_what_says_the_same_is_kept(case):
    assert validation_error(*case) == ""


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[1][:60])
def test_what_lost_or_gained_something_is_not(case):
    *given, reason = case
    found = validation_error(*given)
    assert found
    assert reason in found


def left_of(number: int, *, scene: str = "a", split: str = "train", **changes) -> Question:
    return question(
        number,
        scene=scene,
        split=split,
        kind="yes_no",
        question="Is the sofa to the left of the floor lamp?",
        **changes,
    )


def text_of(received: ReceivedRequest) -> str:
    return received.body["messages"][1]["content"][0]["text"]


def good_reply(received: ReceivedRequest) -> Answer:
    """Say it in another way, which depends on the text asked about alone."""
    stated = "the sofa is to the left of the floor lamp"
    words = {"question": WAYS[len(text_of(received)) % len(WAYS)].format(stated)}
    if '"answer"' in received.body["messages"][0]["content"]:
        words["answer"] = f"Yes, I would say {stated} in the picture."
        words["question"] = f"In the image, can you see if {stated}?"
    return content_answer(json.dumps(words))


def command(folder: Path, questions: Path, server: FakeChatServer | None, *flags: str) -> list[str]:
    own = ["--base-url", server.url] if server else []
    return [
        *(sys.executable, "-m", "workflow_scripts.vqa.paraphrase.paraphrase_questions"),
        *("--questions", str(questions), "--out", str(folder / "out.jsonl")),
        *("--dropped", str(folder / "dropped.jsonl"), "--cache", str(folder / "cache")),
        *("--timeout-s", "20", "--seed", "7", *own, *flags),
    ]


def run(words: list[str], *, key: str | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environment = kept | ({"OPENAI_API_KEY": key} if key else {})
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment)


def written(folder: Path, questions: list[Question]) -> Path:
    path = folder / "procthor/0000.jsonl"
    write_records(path, questions)
    return path


def results(folder: Path) -> tuple[list[Question], dict[str, int]]:
    dropped = read_records(folder / "dropped.jsonl", DroppedQuestions)
    return (
        read_records(folder / "out.jsonl", Question),
        {record.reason.removeprefix("paraphrase not used: "): record.count for record in dropped},
    )


def test_every_misfortune_leaves_the_question_as_it_was_and_is_counted(tmp_path):
    stated = "the sofa is to the left of the floor lamp"
    replies = {
        "a": lambda received: good_reply(received),
        "b": lambda received: content_answer(
            json.dumps({"question": "Is the lamp left of the sofa?"})
        ),
        "c": lambda received: (
            error_answer(500, "oops") if received.times == 1 else good_reply(received)
        ),
        "d": lambda received: (
            error_answer(429, "wait", Retry_After="0.1")
            if received.times < 3
            else good_reply(received)
        ),
        "e": lambda received: content_answer("not json"),
        "f": lambda received: content_answer(json.dumps({"question": "I'm sorry, I can't."})),
        "g": lambda received: (
            Answer(b"", cut_to=0) if received.times == 1 else good_reply(received)
        ),
        # Wrong at first: a rejected reply is asked for once more, and both are paid.
        "h": lambda received: content_answer(
            json.dumps({"question": f"Is it so that {stated}?" if received.times > 1 else "Is it?"})
        ),
    }
    prompts = {}
    asked_of = []
    for number, name in enumerate(replies):
        noun = f"sofa {name}"
        changed = left_of(number, scene=name)
        texts = changed.question.replace("the sofa", f"the {noun}")
        first = changed.referents[0].model_copy(update={"phrase": f"the {noun}"})
        asked_of.append(
            changed.model_copy(
                update={"question": texts, "referents": [first, changed.referents[1]]}
            )
        )
        prompts[noun] = name

    def answer(received: ReceivedRequest) -> Answer:
        noun = re.search(r"sofa [a-h]", text_of(received))[0]
        found = replies[prompts[noun]](received)
        return Answer(
            found.content.replace(b"the sofa", f"the {noun}".encode()),
            found.status, found.headers, cut_to=found.cut_to,
        )  # fmt: skip

    with run_server(answer) as server:
        flags = ["--max-failed-fraction", "0.5", "--concurrency", "2"]
        done = run(command(tmp_path, written(tmp_path, asked_of), server, *flags), key=KEY)
    assert done.returncode == 0, done.stderr
    found, dropped = results(tmp_path)
    assert [found_item.question_id for found_item in found] == [one.question_id for one in asked_of]
    changed = {found_item.scene_id for found_item in found if found_item.template}
    assert changed == {"a", "c", "d", "g", "h"}
    for before, after in zip(asked_of, found, strict=True):
        assert after.template == (before.question if after.scene_id in changed else "")
        assert (after.question == before.question) == (after.scene_id not in changed)
        assert (after.truth, after.answer) == (before.truth, before.answer)
    assert sorted(text.split(":")[0] for text in dropped) == [
        "an object is missing or renamed",
        "failed",
        "refused",
    ]
    assert sum(dropped.values()) == 3
    assert KEY not in "".join(
        path.read_text() for path in tmp_path.rglob("*.json*") if path.is_file()
    )


def test_nothing_is_paid_twice_after_a_kill_and_the_bytes_are_the_same(tmp_path):
    asked_of = [
        left_of(
            number, scene=f"house{number}", image=f"procthor/0000.images/{number}.jpg"
        ).model_copy(
            update={"question": f"Is the sofa to the left of the floor lamp{' ' * number}?"}
        )
        for number in range(10)
    ]
    questions = written(tmp_path, asked_of)

    with run_server(good_reply) as server:
        words = command(tmp_path, questions, server, "--concurrency", "2")
        under_way = kill_after_replies(
            server,
            words,
            num=3,
            cache=tmp_path / "cache",
            log=tmp_path / "killed.log",
            cwd=ROOT,
        )
        assert not (tmp_path / "out.jsonl").exists()
        again = run(words)
        with server.lock:
            paid = dict(server.paid)
        (tmp_path / "whole").mkdir()
        undisturbed = run(command(tmp_path / "whole", questions, server))
    assert again.returncode == undisturbed.returncode == 0, again.stderr
    assert len(paid) == 10
    assert {item for item, times in paid.items() if times > 1} <= under_way
    for name in ("out.jsonl", "dropped.jsonl"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_sentences_options_splits_and_shares(tmp_path):
    others = [left_of(10 + n, scene=f"h{n}", view=n, split="test") for n in range(3)]
    many = [left_of(20 + n, scene=f"t{n}", view=n) for n in range(20)]
    letters = LETTERS.model_copy(update={"answer": "B"})
    same = "Is it so that in this picture the sofa is to the left of the floor lamp?"
    twice = [SENTENCE, SENTENCE.model_copy(update={"question_id": "again", "question": same})]

    def answer(received: ReceivedRequest) -> Answer:
        if "How wide" in text_of(received):
            assert "A:" not in text_of(received)
            return content_answer(json.dumps({"question": "What is the width of the sofa?"}))
        return good_reply(received)

    with run_server(answer) as server:
        asked_of = [*others, letters, *twice, *many]
        questions = written(tmp_path, asked_of)
        done = run(command(tmp_path, questions, server))
        found, dropped = results(tmp_path)
        half = tmp_path / "half"
        half.mkdir()
        run(command(half, questions, server, "--share", "0.5"))
    assert done.returncode == 0, done.stderr
    assert found[:3] == others
    assert found[3].question == (
        "What is the width of the sofa? A: 90 cm. B: 1.80 m. C: 3.20 m. D: 60 cm."
    )
    assert (found[3].answer, found[3].options) == ("B", letters.options)
    assert found[4].answer == (
        "Yes, I would say the sofa is to the left of the floor lamp in the picture."
    )
    # The second question about one picture may not get the words of the first.
    assert found[5] == twice[1]
    assert dropped == {"another question about the picture has these words": 1}
    chosen = [one for one in results(half)[0] if one.template]
    assert 4 < len(chosen) < 18


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "vqa.paraphrase asks a server and needs a key: export OPENAI_API_KEY"),
        (("--base-url", "http://127.0.0.1:9/v1", "--model", "mine"), "vqa.paraphrase.model 'mine'"),
        (("--base-url", "http://127.0.0.1:9/v1", "--prompt", "no.txt"), "no.txt: no such prompt"),
        (
            ("--base-url", "http://127.0.0.1:9/v1", "--max-retries", "0"),
            "Connection refused",
        ),
    ],
    ids=["key", "price", "prompt", "no server"],
)
def test_what_a_user_can_mend_is_one_error_without_a_trace(tmp_path, flags, message):
    failed = run(command(tmp_path, written(tmp_path, [LEFT]), None, *flags))
    assert failed.returncode == 1
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_the_spend_cap_stops_cleanly(tmp_path):
    many = [
        left_of(n, scene=f"t{n}").model_copy(update={"question": LEFT.question + " " * n})
        for n in range(4)
    ]
    with run_server(good_reply) as server:
        flags = ["--model", "gpt-4o", "--concurrency", "1"]
        words = command(tmp_path, written(tmp_path, many), server, *flags)
        # A reply costs 0.0035; before it is known, up to 0.002 + what is asked.
        stopped = run([*words, "--max-cost-usd", "0.003"])
        num_paid = server.num_paid
        done = run([*words, "--max-cost-usd", "1"])
    assert stopped.returncode == 1
    assert "vqa.paraphrase.max_cost_usd (0.003) is reached" in stopped.stderr
    assert num_paid == 1
    assert done.returncode == 0, done.stderr
    assert set(server.paid.values()) == {1}


def test_a_name_that_looks_like_a_placeholder_stays_a_name():
    odd = SENTENCE.referents[0].model_copy(update={"phrase": "the {protected_terms} {answer}"})
    received = SENTENCE.model_copy(
        update={
            "question": SENTENCE.question.replace("the sofa", odd.phrase),
            "referents": [odd, SENTENCE.referents[1]],
        }
    )
    text = fill_prompt(read_prompt(PROMPT), received, with_answer=False)
    assert f"\n{received.question}\n" in text
    assert '"the {protected_terms} {answer}"; "the floor lamp"' in text
    assert "Its answer" not in text


def test_the_estimate_grows_with_the_questions():
    one, two = (estimate(number, ParaphraseSettings()) for number in (100, 200))
    assert two.usd == pytest.approx(2 * one.usd)
    assert 0.003 < one.usd < 0.03
    assert "100 requests" in str(one)
