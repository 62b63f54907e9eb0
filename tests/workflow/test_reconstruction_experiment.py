"""Experiments of kind reconstruction through the workflow: trained ones, and a server's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from testing.fake_chat_server import FakeChatServer, content_answer, run_server
from testing.project import ROOMS, WITHOUT_RLBENCH, Project
from workflow_scripts.common.question_table import QuestionTable

KEY = "sk-loopback-0123456789abcdef"
REPLY = "```\nbed box 10 20 60 80 at 0.2 2.0 -0.9\nside table at 1.0 2.5 -1.0 size 0.5 0.4 0.6\n```"
SMALL = {"kind": "reconstruction", "steps": 2, "batch_size": 2, "save_steps": 2, "adapter": "none"}
SMALL |= {"num_processes": 1, "deepspeed": "none", "max_new_tokens": 12}
ESTIMATED = {"depth": "luminance", "depth_source": "estimated"}
IN_LISTS = {"format": "object_list", "frame": "room"}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeChatServer]:
    """Run a model that sees the same two objects in every room."""
    with run_server(lambda _: content_answer(f"<think>A bed.</think>{REPLY}")) as server:
        yield server


def experiments(server: FakeChatServer) -> dict[str, object]:
    chat = {
        "model": "test",
        "base_url": server.url,
        "input_usd_per_million": 1.0,
        "output_usd_per_million": 1.0,
        "prompt": "few_shot",
        "num_examples": 1,
    }
    return {
        "tiny-lora": None,
        "ours": ROOMS,
        "point": SMALL | {"mode": "visual_point", "layout": IN_LISTS, "adapter": "lora"},
        "chat": {"kind": "reconstruction", "server": chat},
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: FakeChatServer) -> Iterator[Project]:
    """Return a tiny project that was run with a trained layout, a mode, and a server."""
    project = Project.create(tmp_path_factory.mktemp("rooms") / "project")
    project.edit(WITHOUT_RLBENCH)
    project.edit({"train": {"experiments": experiments(server)}})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_API_KEY", KEY)
        targets = ("results/eval.csv", "results/report.html")
        project.snakemake("--cores", "2", "--quiet", "all", "--", *targets)
        yield project


def answers(project: Project, name: str, condition: str = "image") -> list[dict[str, str]]:
    path = project.folder / f"results/evaluate/{name}/predictions.{condition}.000.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(project: Project, name: str, split: str) -> list[dict[str, str]]:
    path = project.folder / f"results/vqa/rooms/{name}/{split}.parquet"
    columns = ("question_id", "image", "question", "answer", "split", "scene_id")
    return list(QuestionTable(path, columns=columns))


def test_every_room_is_answered_with_and_without_its_picture(project: Project) -> None:
    for name in ("ours", "point", "chat"):
        question_ids = [row["question_id"] for row in table(project, name, "scored")]
        assert question_ids
        for condition in ("image", "blind", "blank"):
            replies = answers(project, name, condition)
            assert [reply["question_id"] for reply in replies] == question_ids


def test_houses_of_training_are_not_scored(project: Project) -> None:
    for name in ("ours", "point", "chat"):
        houses = {
            split: {row["scene_id"] for row in table(project, name, split)}
            for split in ("train", "val", "scored")
        }
        assert houses["train"]
        assert not houses["scored"] & (houses["train"] | houses["val"])


def test_marks_are_for_training_alone(project: Project) -> None:
    training, scored = (table(project, "point", split) for split in ("train", "scored"))
    assert any("red mark is at" in row["question"] for row in training)
    assert not any("mark" in row["question"] for row in scored)
    assert all("room_images" in row["image"] for row in scored)


def test_a_server_is_told_the_form_and_its_lines_are_kept(
    project: Project, server: FakeChatServer
) -> None:
    assert {reply["text"] for reply in answers(project, "chat")} == {
        "bed box 10 20 60 80 at 0.2 2.0 -0.9\nside table at 1.0 2.5 -1.0 size 0.5 0.4 0.6"
    }
    shown = [received.body["messages"][-1]["content"][0]["text"] for received in server.received]
    assert all("One object a line" in text for text in shown)
    known = {row["answer"] for row in table(project, "chat", "train")}
    assert all(any(answer in text for answer in known) for text in shown)


def test_nothing_is_trained_for_a_server(project: Project) -> None:
    assert not (project.folder / "results/train/chat").exists()
    planned = project.planned_jobs("train", "--forceall")
    assert planned["train_full_finetune"] == planned["train_lora"] == 1


def test_scores_stand_in_the_table(project: Project) -> None:
    rows = pd.read_csv(project.folder / "results/eval.csv")
    assert set(rows["experiment"]) == {"ours", "point", "chat", "tiny base"}
    report = (project.folder / "results/report.html").read_text()
    assert "view of policy top_down" in report


def test_a_finished_run_has_nothing_to_do(project: Project) -> None:
    assert not project.planned_jobs("results/eval.csv", "results/report.html")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ours": {"mode": "ftt"}}, "train.experiments.ours.mode"),
        ({"ours": {"layout": {"format": "qwen3vl", "frame": "room"}}}, "ours.layout.frame: room"),
        ({"ours": {"layout": {"fields": ["size"]}}}, "ours.layout.fields"),
        ({"ours": {"base": "no such/base/x"}}, "train.experiments.ours.base"),
        ({"ours": {"layout": {"format": "spatiallm"}}}, "ours.entries_per_name: 1, but"),
        ({"chat": {"entries_per_name": 2}}, "not those of a server; write null"),
        ({"ours": {"entries_per_name": 0}}, "ours.entries_per_name: 0"),
        ({"chat": {"server": {"prompt": "none.txt"}}}, "chat.server.prompt: none.txt: no such"),
        ({"chat": {"server": {"modle": "x"}}}, "did you mean 'model'"),
        (
            {
                "ours": {
                    "test_input": {"picture": {"depth": "luminance", "depth_source": "estimated"}}
                }
            },
            "ours.test_input.picture.depth_source: estimated, but depth.backend is simulator",
        ),
    ],
)
def test_wrong_settings_are_one_line(
    project: Project, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"train": {"experiments": changes}}))
    done = project.snakemake("--dry-run", "--configfile", str(wrong), check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 1
    assert message in printed
    assert "Traceback" not in printed


def test_without_houses_rooms_are_off_and_it_is_said(project: Project, tmp_path: Path) -> None:
    off = tmp_path / "off.json"
    sources = {"procthor": None, "rlbench": {"tasks": ["reach_target"], "episodes_per_task": 4}}
    pose = {"lifter": {"kind": "pose", "steps": 4}}
    off.write_text(json.dumps({"sources": sources, "train": {"experiments": pose}}))
    done = project.snakemake("--dry-run", "--configfile", str(off), check=False)
    printed = done.stdout + done.stderr
    assert "ours, point, chat off: rooms are those of houses" in printed
