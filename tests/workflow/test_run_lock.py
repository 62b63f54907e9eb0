"""One run at a time in a folder, however it was started, and nothing to remove after a kill."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from testing.project import ROOT, SNAKEMAKE, Project
from testing.wait import background_process, wait_until
from workflow_scripts.common import run_lock
from workflow_scripts.common.errors import UserError

SCENES = "results/scenes/procthor/0002.jsonl"
HOLD = "import sys, time; from workflow_scripts.common.run_lock import lock_run; lock_run(); "
HOLD += "print('held', file=sys.stderr, flush=True); time.sleep(600)"


def hold_lock(project: Project):
    """Start a process that holds the lock of a project's folder, as a run does."""
    return background_process(
        [sys.executable, "-c", HOLD],
        log=project.folder / "held.log",
        cwd=project.folder,
        env=project.environment,
    )


def is_held(project: Project) -> bool:
    return "held" in (project.folder / "held.log").read_text()


def test_a_second_run_ends_with_one_line_and_changes_nothing(project: Project) -> None:
    with hold_lock(project) as other:
        wait_until(lambda: is_held(project), "the lock")
        done = project.snakemake("--cores", "1", SCENES, check=False)
        assert done.returncode != 0
        (line,) = (done.stdout + done.stderr).strip().splitlines()
        assert line.startswith(f"error: another run is going on in {project.folder} (process ")
        assert f"process {other.pid} on {platform.node()}" in line
        assert not (project.folder / "results").exists()
        # What changes nothing is allowed beside a run.
        assert "sample_scenes" in project.planned_jobs(SCENES)
        project.snakemake("--summary", SCENES)
    project.snakemake("--cores", "1", SCENES)


def test_make_eval_and_snakemake_exclude_each_other(project: Project) -> None:
    (project.folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (project.folder / ".venv").symlink_to(SNAKEMAKE.parents[1])
    command = ["make", "-o", "env", "eval", "CORES=1"]
    with hold_lock(project):
        wait_until(lambda: is_held(project), "the lock")
        done = subprocess.run(
            command,
            cwd=project.folder,
            env=project.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "error: another run is going on" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "results").exists()
    with background_process(
        command, log=project.folder / "make.log", cwd=project.folder, env=project.environment
    ):
        wait_until(lambda: (project.folder / ".snakemake/locks").is_dir(), "the run of make")
        wait_until(lambda: any((project.folder / ".snakemake/locks").iterdir()), "its lock")
        done = project.snakemake("--cores", "1", SCENES, check=False)
        assert "error: another run is going on" in done.stdout + done.stderr


def test_a_killed_run_leaves_nothing_to_remove(project: Project) -> None:
    locks = project.folder / ".snakemake/locks"
    with background_process(
        [str(SNAKEMAKE), "--cores", "1", SCENES],
        log=project.folder / "killed.log",
        cwd=project.folder,
        env=project.environment,
    ) as process:
        wait_until(
            lambda: process.poll() is not None or (locks.is_dir() and any(locks.iterdir())),
            "the run to begin",
        )
        process.kill()
        process.wait()
    assert any(locks.iterdir())
    project.snakemake("--cores", "1", "--rerun-incomplete", SCENES)
    assert (project.folder / SCENES).is_file()


def lock_in_child(folder: Path) -> str:
    """Try to lock a folder in another process; return '' or the error."""
    code = "from pathlib import Path; from workflow_scripts.common.run_lock import lock_run; "
    code += f"lock_run(Path({str(folder)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stderr.strip().rpartition("\n")[2]


def stale_lock(folder: Path) -> Path:
    stale = folder / "locks/0.output.lock"
    stale.parent.mkdir(exist_ok=True)
    stale.write_text("results/eval.csv")
    return stale


def test_locks_of_another_machine_are_left_to_snakemake(tmp_path: Path) -> None:
    assert not lock_in_child(tmp_path)
    stale = stale_lock(tmp_path)
    assert not lock_in_child(tmp_path)
    assert not stale.exists()
    stale = stale_lock(tmp_path)
    other = {"pid": 1, "host": "login2", "boot_id": "another"}
    (tmp_path / run_lock.LOCK_FILE).write_text(json.dumps(other))
    assert not lock_in_child(tmp_path)
    assert stale.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": {}}', "\0" * 9])
def test_a_damaged_record_of_the_holder_is_no_error(tmp_path: Path, content: str) -> None:
    (tmp_path / run_lock.LOCK_FILE).write_text(content)
    assert not lock_in_child(tmp_path)
    assert json.loads((tmp_path / run_lock.LOCK_FILE).read_text())["host"] == platform.node()


def test_processes_that_a_run_starts_do_not_hold_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list = []
    monkeypatch.setattr(run_lock, "_held", held)
    run_lock.lock_run(tmp_path)
    with pytest.raises(UserError, match=f"process {os.getpid()} on"):
        run_lock.lock_run(tmp_path)
    with subprocess.Popen(["sleep", "600"], close_fds=False) as child:
        held.pop().close()
        run_lock.lock_run(tmp_path)
        child.kill()
    held.pop().close()
