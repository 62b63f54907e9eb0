"""Killed at any time, disk full, folder read-only: nothing half-written, same final bytes."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from testing.project import SNAKEMAKE, Project
from testing.wait import background_process, wait_until

pytestmark = pytest.mark.e2e
TARGETS = ("results/eval.csv", "results/report.html")
NUM_KILLS = 20
FIRST_JOB = re.compile(r"(?m)^(Job \d+:|(local)?rule \w+:)")
# The floating-point sums of two training ranks may differ after a resume, so training is
# compared by the rows of scores, everything else by bytes.
TRAINING_RESULTS = ("train/", "evaluate/", "eval.csv", ".checksums/eval.csv.json", "report.html")


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_at_random(project: Project, generator: random.Random, *, victims: str) -> bool:
    """Run for a random time, then SIGKILL some processes; return whether the run was interrupted.

    `victims`: "all" of it, as a power cut does; "snakemake" alone, whose jobs then go on as
    orphans beside those of the next run; or one "job", and soon after Snakemake.
    """
    log = project.folder / "killed.log"
    command = [str(SNAKEMAKE), "--cores", "2", "--rerun-incomplete", *TARGETS]
    with background_process(
        command,
        log=log,
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
    ) as process:
        # Not before it runs jobs: how long it reads and plans depends on the machine.
        wait_until(
            lambda: process.poll() is not None or FIRST_JOB.search(log.read_text()), "the first job"
        )
        try:
            process.wait(timeout=generator.uniform(0, 5))
        except subprocess.TimeoutExpired:
            children = descendants(process)
            if victims == "job":
                workers = [child for child in children if "workflow_scripts." in cmdline(child)]
                if workers:
                    kill(generator.choice(workers))
                time.sleep(generator.uniform(0, 3))
            for victim in children if victims == "all" else ():
                kill(victim)
            return True
    return process.returncode != 0


def processes_in(project: Project) -> list[psutil.Process]:
    """Return the processes that work in a project's folder, also those of a killed Snakemake."""

    def is_in_folder(process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()).is_relative_to(project.folder)
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if is_in_folder(process)]


def cmdline(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def test_killed_twenty_times_ends_with_the_same_bytes(
    finished_run: Project, tmp_path: Path
) -> None:
    project = Project.create(tmp_path / "project")
    generator = random.Random(20)
    number = 0
    while number < NUM_KILLS:
        victims = ("all", "snakemake", "job")[number % 3]
        if kill_at_random(project, generator, victims=victims):
            number += 1
        else:
            # A fast machine may finish before it was killed often enough: it starts again.
            wait_until(lambda: not processes_in(project), "jobs of killed runs to end")
            shutil.rmtree(project.folder / "results")
    project.snakemake("--cores", "2", "--rerun-incomplete", *TARGETS)
    wait_until(lambda: not processes_in(project), "jobs of killed runs to end")

    def data(run: Project) -> dict[str, str]:
        return {
            name: value
            for name, value in run.hashes().items()
            if not name.startswith(TRAINING_RESULTS)
        }

    assert data(project) == data(finished_run)
    rows, expected = (
        pd.read_csv(run.folder / "results/eval.csv") for run in (project, finished_run)
    )
    pd.testing.assert_frame_equal(rows, expected, atol=1e-6)
    assert not list((project.folder / "results").rglob("*.partial"))


@pytest.fixture
def small_disk(tmp_path: Path):
    """Mount a small tmpfs where results/ will lie."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield folder
    time.sleep(0.2)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def link_results_to(project: Project, disk: Path) -> None:
    (project.folder / "results").symlink_to(disk)


def test_full_disk_is_said_and_leaves_no_half_file(project: Project, small_disk: Path) -> None:
    link_results_to(project, small_disk)
    done = project.snakemake("--cores", "1", "views", check=False)
    assert done.returncode != 0
    logs = "".join(path.read_text() for path in project.folder.glob("logs/**/*.log"))
    assert "No space left on device" in logs
    assert "Traceback" not in logs
    assert not list(small_disk.rglob("*.partial"))
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    project.snakemake("--cores", "2", "--rerun-incomplete", "views")


def test_read_only_results_are_said(project: Project, small_disk: Path) -> None:
    link_results_to(project, small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = project.snakemake("--cores", "1", "scenes", check=False)
    assert done.returncode != 0
    assert "Read-only file system" in done.stdout + done.stderr
    assert os.listdir(small_disk) == []
