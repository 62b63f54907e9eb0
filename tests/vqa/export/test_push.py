"""Pushing: never without being told, the token from the environment only, damage refused."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vqa.export.hub import TOKEN, Hub, running

ROOT = Path(__file__).parents[3]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as the export leaves it; what is in the files does not matter here."""
    folder = tmp_path / "dataset"
    (folder / "train").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: other\n---\n# Data\n")
    (folder / "train/train-00000-of-00001.parquet").write_bytes(b"PAR1 rows PAR1")
    (folder / "train/.snakemake_timestamp").touch()
    return folder


def push(folder: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    out = folder.parent / "pushed.json"
    command = [sys.executable, "-m", "workflow_scripts.vqa.export.push"]
    return subprocess.run(
        [*command, "--folder", str(folder), "--out", str(out), *flags],
        cwd=ROOT,
        env={**kept, "HF_HOME": str(folder.parent / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_dry_run_is_the_default_and_speaks_to_nobody(hub: Hub, folder: Path) -> None:
    done = push(folder, "--repo", "me/rooms", HF_ENDPOINT=hub.url)
    assert done.returncode == 0, done.stderr
    assert "would push 2 files" in done.stderr
    assert hub.calls == []
    result = json.loads((folder.parent / "pushed.json").read_text())
    assert (result["dry_run"], result["commit"]) == (True, None)
    assert [row["path"] for row in result["files"]] == [
        "README.md",
        "train/train-00000-of-00001.parquet",
    ]


def test_push_puts_every_file_there_and_takes_old_shards_away(hub: Hub, folder: Path) -> None:
    hub.repos["me/rooms"] = {"train/train-00001-of-00002.parquet": b"old", "NOTES.md": b"mine"}
    flags = ("--repo", "me/rooms", "--no-dry-run")
    done = push(folder, *flags, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert hub.repos["me/rooms"] == {
        "README.md": (folder / "README.md").read_bytes(),
        "train/train-00000-of-00001.parquet": b"PAR1 rows PAR1",
        "NOTES.md": b"mine",
    }
    assert hub.private["me/rooms"] is True
    result = (folder.parent / "pushed.json").read_text()
    assert json.loads(result)["commit"] == "c" * 40
    assert TOKEN not in result + done.stdout + done.stderr


def test_no_token_is_refused_before_any_call(hub: Hub, folder: Path) -> None:
    done = push(folder, "--repo", "me/rooms", "--no-dry-run", HF_ENDPOINT=hub.url)
    assert done.returncode == 1
    assert "HF_TOKEN is not set" in done.stderr
    assert hub.calls == []
    assert not (folder.parent / "pushed.json").exists()


def test_a_refused_token_is_an_error_that_does_not_show_it(hub: Hub, folder: Path) -> None:
    flags = ("--repo", "me/rooms", "--no-dry-run")
    done = push(folder, *flags, HF_ENDPOINT=hub.url, HF_TOKEN="hf_wrong")
    assert done.returncode == 1
    assert "'me/rooms' could not be pushed" in done.stderr
    assert "hf_wrong" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder.parent / "pushed.json").exists()


@pytest.mark.parametrize("repo", ["rooms", "a/b/c", "me/rooms; rm"])
def test_a_name_that_is_none_is_refused(folder: Path, repo: str) -> None:
    done = push(folder, "--settings", json.dumps({"repo": repo}))
    assert done.returncode == 1
    assert f"repo: {repo!r}" in done.stderr
    assert not (folder.parent / "pushed.json").exists()


def test_no_name_says_what_to_write(folder: Path) -> None:
    done = push(folder)
    assert done.returncode == 1
    assert "vqa.hub.repo: null is not the name" in done.stderr


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    done = push(tmp_path / "dataset", "--repo", "me/rooms")
    assert done.returncode == 1
    assert "run the target 'exports'" in done.stderr
