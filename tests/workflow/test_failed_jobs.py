"""A job that fails does not cost the result that it was to replace."""

import os
from pathlib import Path

import pytest

from testing.project import WITHOUT_RLBENCH, Project
from workflow_scripts.common import kept_outputs, storage
from workflow_scripts.common.cli import run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.kept_outputs import (
    FOLDER,
    forget_outputs,
    keep_outputs,
    restore_outputs,
)

SCENES = "results/scenes/procthor/0000.jsonl"
TARGET = "results/depth/procthor/0000.parquet"


def test_outputs_come_back_with_their_checksums_and_an_old_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, folder, missing = Path("results/a.jsonl"), Path("results/b.zarr"), Path("results/c.json")
    (folder / "rgb").mkdir(parents=True)
    (folder / "rgb" / "0").write_text("chunk")
    (folder / ".snakemake_timestamp").touch()
    file.write_text("old")
    checksum = Path("results/.checksums/a.jsonl.json")
    checksum.parent.mkdir()
    checksum.write_text("sum of old")
    outputs = [file, folder, missing]
    keep_outputs(outputs)
    os.rename("results", "removed")
    checksum.parent.mkdir(parents=True)
    checksum.write_text("sum of a file that never came")
    assert restore_outputs(outputs) == [file, folder]
    assert file.read_text() == "old"
    assert checksum.read_text() == "sum of old"
    assert (folder / "rgb" / "0").read_text() == "chunk"
    for path in (file, folder, folder / ".snakemake_timestamp"):
        assert path.stat().st_mtime < 100
    assert restore_outputs(outputs) == []


def test_new_outputs_are_left_and_what_was_kept_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("a.jsonl")
    file.write_text("old")
    keep_outputs([file])
    file.unlink()
    # A run that was killed: the next one finds no output, and keeps what there was.
    keep_outputs([file])
    file.write_text("new")
    assert restore_outputs([file]) == []
    assert file.read_text() == "new"
    forget_outputs([file])
    file.unlink()
    assert restore_outputs([file]) == []


def test_a_command_that_succeeds_forgets_what_was_kept_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = [Path("results/a.json"), Path("results/b.json")]
    for output in outputs:
        storage.write_text(output, "old", checksum=True)
    keep_outputs(outputs)
    monkeypatch.setattr(kept_outputs, "written", [])

    def write_one(*, fails: bool = False) -> None:
        storage.write_text(outputs[0], "new", checksum=True)
        if fails:
            raise UserError("the second file cannot be written")

    monkeypatch.setattr("sys.argv", ["command", "--fails"])
    with pytest.raises(SystemExit):
        run(write_one)
    assert {path.name for path in FOLDER.rglob("*.json")} == {
        "a.json", "b.json", "a.json.json", "b.json.json",
    }  # fmt: skip
    monkeypatch.setattr("sys.argv", ["command"])
    run(write_one)
    assert {path.name for path in FOLDER.rglob("*.json")} == {"b.json", "b.json.json"}


@pytest.mark.e2e
def test_a_forced_rule_that_fails_keeps_its_good_output_and_runs_again(project: Project) -> None:
    project.edit(WITHOUT_RLBENCH)
    project.snakemake("--cores", "1", TARGET)
    made = project.hashes()
    scenes = project.folder / SCENES
    original = scenes.read_bytes()
    scenes.write_bytes(original.replace(b"train", b"trbin", 1).replace(b"test", b"tesd", 1))
    forced = project.snakemake("--cores", "1", TARGET, "--forcerun", "render_shard", check=False)
    assert forced.returncode != 0
    log = (project.folder / "logs/views/render_shard/procthor/0000.log").read_text()
    assert f"error: {SCENES}" in log
    assert f"To make it again: 'rm {SCENES}'" in log
    assert "Kept the earlier results/views/procthor/0000.zarr" in forced.stderr
    kept = project.hashes()
    assert {name: kept.get(name) for name in made if "scenes" not in name} == {
        name: digest for name, digest in made.items() if "scenes" not in name
    }
    # It is not taken for what was asked for: the rule runs again, and then nothing is left to do.
    scenes.write_bytes(original)
    assert "render_shard" in project.planned_jobs(TARGET)
    project.snakemake("--cores", "1", TARGET)
    assert project.hashes() == made
    assert not project.planned_jobs(TARGET)
    # A changed setting whose job fails must not pass for done either.
    project.edit({"views": {"min_pixels": 9}})
    scenes.write_bytes(original[: len(original) // 2])
    assert project.snakemake("--cores", "1", TARGET, check=False).returncode != 0
    assert (project.folder / "results/views/procthor/0000.zarr/zarr.json").is_file()
    scenes.write_bytes(original)
    assert "render_shard" in project.planned_jobs(TARGET)
