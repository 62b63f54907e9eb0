"""Experiments of kind api: a server on loopback answers our questions through the workflow."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from testing.fake_chat_server import FakeChatServer, content_answer, run_server
from testing.project import WITHOUT_RLBENCH, Project
from workflow_scripts.evaluate.item_images import BLANK_IMAGE
from workflow_scripts.models.chat.image_encoding import encode_jpeg, jpeg_data_url

KEY = "sk-loopback-0123456789abcdef"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeChatServer]:
    """Run a model that thinks before it says yes."""
    with run_server(lambda _: content_answer("<think>Is it? No.</think>Yes, it is.")) as server:
        yield server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: FakeChatServer) -> Iterator[Project]:
    """Return a tiny project that was run with an experiment of the server alone."""
    project = Project.create(tmp_path_factory.mktemp("api") / "project")
    project.edit(WITHOUT_RLBENCH)
    gpt = {
        "kind": "api",
        "model": "test",
        "base_url": server.url,
        "input_usd_per_million": 1.0,
        "output_usd_per_million": 1.0,
        "prompt": "few_shot",
        "num_examples": 2,
    }
    project.edit({"train": {"experiments": {"tiny-lora": None, "gpt": gpt}}})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_API_KEY", KEY)
        targets = ("results/eval.csv", "results/report.html")
        project.snakemake("--cores", "2", "--quiet", "all", "--", *targets)
        yield project


def contents(server: FakeChatServer) -> list[list[dict]]:
    return [received.body["messages"][-1]["content"] for received in server.received]


def test_it_is_scored_beside_blind_and_blank(project: Project) -> None:
    rows = pd.read_csv(project.folder / "results/eval.csv")
    assert set(rows["experiment"]) == {"gpt"}
    scores = pd.read_parquet(project.folder / "results/evaluate/gpt/scores.parquet")
    accuracy = scores[(scores["metric"] == "accuracy") & (scores["family"] != "all")]
    # The server always says yes.
    assert accuracy["value"].between(0, 1).all()
    assert accuracy["value"].max() > 0
    assert (accuracy["value"] == accuracy["blind"]).all()
    answers = project.folder / "results/evaluate/gpt/predictions.image.000.jsonl"
    assert {json.loads(line)["text"] for line in answers.open()} == {"Yes, it is."}
    assert "gpt" in (project.folder / "results/report.html").read_text()


def test_every_condition_shows_what_it_should(project: Project, server: FakeChatServer) -> None:
    pictures = [
        [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
        for content in contents(server)
    ]
    assert {len(urls) for urls in pictures} == {0, 1}
    grey = jpeg_data_url(encode_jpeg(np.asarray(BLANK_IMAGE), max_px=1024))
    num_blank = sum(urls == [grey] for urls in pictures)
    num_blind = sum(not urls for urls in pictures)
    answers = project.folder / "results/evaluate/gpt/predictions.image.000.jsonl"
    num_questions = len(answers.read_text().splitlines())
    # Equal questions without their picture are one request.
    assert 0 < num_blind == num_blank <= num_questions
    assert len(pictures) - num_blind - num_blank == num_questions


def test_examples_are_questions_of_training_houses(
    project: Project, server: FakeChatServer
) -> None:
    training = pd.read_parquet(project.folder / "results/vqa/train.parquet")
    known = {f"{q}\n{a}" for q, a in zip(training["question"], training["answer"], strict=True)}
    shown = 0
    for content in contents(server):
        text = content[0]["text"]
        examples = text.split("form of an answer:\n\n")[1].split("\n\nNow look")[0]
        if examples:
            shown += 1
            assert examples in known or any(examples.startswith(example) for example in known)
    assert shown > 0


def test_limits_run_nothing_again_and_replies_are_paid_once(
    project: Project, server: FakeChatServer
) -> None:
    project.edit({"train": {"experiments": {"gpt": {"concurrency": 1, "max_cost_usd": 50.0}}}})
    assert not project.planned_jobs("results/eval.csv")
    paid, answers = server.num_paid, project.folder / "results/evaluate/gpt"
    first = answers / "predictions.image.000.jsonl"
    before = first.read_bytes()
    first.unlink()
    project.snakemake(
        "--cores", "2", "--quiet", "all", "--", str(first.relative_to(project.folder))
    )
    assert first.read_bytes() == before
    assert server.num_paid == paid


def test_the_key_is_nowhere_in_the_project(project: Project) -> None:
    for path in project.folder.rglob("*"):
        if path.is_file() and ".snakemake/conda" not in str(path):
            assert KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "none.txt"}, "train.experiments.gpt.prompt: none.txt: no such file"),
        ({"prompt": "zero_shot"}, "num_examples: workflow_scripts/evaluate/prompts/zero_shot.txt"),
        ({"base_url": "ftp://x"}, "train.experiments.gpt.base_url"),
        ({"modle": "x"}, "did you mean 'model'"),
    ],
)
def test_wrong_settings_are_one_line(
    project: Project, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"train": {"experiments": {"gpt": changes}}}))
    done = project.snakemake("--dry-run", "--configfile", str(wrong), check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 1
    assert message in printed
    assert "Traceback" not in printed
