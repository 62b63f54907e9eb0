"""Command lines: a flag for every setting, settings as JSON, mistakes in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.common.cli import run
from workflow_scripts.experiments.vlm import VlmTrainingSettings
from workflow_scripts.sources.images import PhotoFilesSettings


def train(*, out: Path, settings: VlmTrainingSettings, device: str = "auto") -> None:
    """Train.

    Args:
        out: the folder to write.
        settings: how.
        device: auto, cpu or cuda.
    """
    print(json.dumps([str(out), device, settings.model_dump(mode="json")]))


def read(*, settings: PhotoFilesSettings) -> None:
    """Read photos."""
    print(settings.model_dump_json())


SHORT = VlmTrainingSettings(steps=3)


def train_shortly(*, settings: VlmTrainingSettings = SHORT) -> None:
    """Train a little."""
    print(json.dumps([settings.steps, settings.lora.r]))


def plain(*, number: int) -> None:
    """Print a number."""
    print(number)


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *words])


def test_flags_set_single_fields_and_the_rest_keeps_its_default(monkeypatch, capsys) -> None:
    command(monkeypatch, "--out", "o", "--lora.r", "8", "--families", "wider", "taller")
    run(train)
    out, device, settings = json.loads(capsys.readouterr().out)
    expected = VlmTrainingSettings(families=("wider", "taller")).model_dump(mode="json")
    expected["lora"]["r"] = 8
    assert (out, device, settings) == ("o", "auto", expected)


@pytest.mark.parametrize("form", ["two words", "one word", "file"])
def test_flags_win_over_json(monkeypatch, capsys, tmp_path: Path, form: str) -> None:
    text = '{"steps": 5, "lora": {"r": 2}, "learning_rate": "1e-4"}'
    (tmp_path / "settings.json").write_text(text)
    given = {
        "two words": ["--settings", text],
        "one word": [f"--settings={text}"],
        "file": ["--settings", f"@{tmp_path / 'settings.json'}"],
    }[form]
    command(monkeypatch, *given, "--out", "o", "--lora.alpha", "3", "--device", "cpu")
    run(train)
    _, device, settings = json.loads(capsys.readouterr().out)
    assert (settings["steps"], settings["learning_rate"], device) == (5, 1e-4, "cpu")
    assert (settings["lora"]["r"], settings["lora"]["alpha"]) == (2, 3.0)


def test_a_commands_own_default_settings(monkeypatch, capsys) -> None:
    command(monkeypatch, "--lora.r", "4")
    run(train_shortly)
    command(monkeypatch, "--settings", '{"lora": {"r": 4}}')
    run(train_shortly)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [[3, 4], [200, 4]]


def test_help_describes_every_setting(monkeypatch, capsys) -> None:
    command(monkeypatch, "--help")
    with pytest.raises(SystemExit) as stopped:
        run(train)
    printed = capsys.readouterr().out
    assert stopped.value.code == 0
    for text in ("--learning-rate", "optimizer steps", "--lora.r", "--settings", "--out PATH"):
        assert text in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--settings", '{"stepz": 5}'], "error: --settings: stepz: unknown key; allowed: "),
        (["--settings", '{"lora": {"r": 0}}'], "error: --settings: lora.r: 0 is less than the"),
        (["--settings", '{"families": ["widerr"]}'], "did you mean 'wider'?"),
        (["--settings", "{"], "error: --settings: not JSON"),
        (["--settings", "@no/such.json"], "no/such.json"),
        (["--settings", "5"], "error: --settings: "),
        (["--families", "widerr"], "families.0"),
    ],
)
def test_wrong_settings_end_with_one_line(monkeypatch, words: list[str], message: str) -> None:
    command(monkeypatch, "--out", "o", *words)
    with pytest.raises(SystemExit) as stopped:
        run(train)
    assert message in str(stopped.value.code)
    assert "\n" not in str(stopped.value.code)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "o", "--nope", "1"], "--nope"),
        (["--lora.r", "8"], "--out"),
        (["--out", "o", "--steps", "many"], "--steps"),
        (["--out", "o", "--lora.r", "0"], "greater than or equal to 1"),
        (["--out", "o", "--adapter", "Lora"], "--adapter"),
    ],
)
def test_wrong_flags_end_with_status_2(monkeypatch, capsys, words, message) -> None:
    command(monkeypatch, *words)
    with pytest.raises(SystemExit) as stopped:
        run(train)
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert message in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err


def test_fields_without_default_are_flags_that_must_be_given(monkeypatch, capsys) -> None:
    command(monkeypatch)
    with pytest.raises(SystemExit) as stopped:
        run(read)
    assert stopped.value.code == 2
    assert "--photos" in capsys.readouterr().err
    command(monkeypatch, "--photos", "folder")
    run(read)
    command(monkeypatch, "--settings", '{"photos": "folder"}')
    run(read)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def test_a_command_without_settings_is_as_before(monkeypatch, capsys) -> None:
    command(monkeypatch, "--number", "3")
    run(plain)
    assert capsys.readouterr().out == "3\n"


def test_a_stage_is_run_by_hand_without_a_trace() -> None:
    words = [sys.executable, "-m", "workflow_scripts.depth.estimate_depth", "--views", "no.zarr"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr


WITH_THREADS = """
import atexit, sys, threading, time
import torch
from workflow_scripts.common.cli import run

def add_forever():
    numbers = torch.randn(100)
    while True:
        numbers + numbers

def write_late():
    time.sleep(0.3)
    print("thread")

def main() -> None:
    atexit.register(print, "handler")
    for _ in range(4):
        threading.Thread(target=add_forever, daemon=True).start()
    threading.Thread(target=write_late).start()
    print("main")

if __name__ == "__main__":
    run(main)
"""


def test_threads_of_libraries_do_not_abort_a_command_that_is_done(tmp_path: Path) -> None:
    """Such a thread, in C++ when the interpreter is torn down, ends a process with SIGABRT."""
    script = tmp_path / "command.py"
    script.write_text(WITH_THREADS)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert (done.returncode, done.stdout.split()) == (0, ["main", "thread", "handler"]), done.stderr
