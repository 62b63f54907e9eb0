"""The launcher's parts that need neither a cluster nor a training."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import submitit

from testing.wait import background_process
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import write_json
from workflow_scripts.train import jobs, launch, preemption, rank

FORK = """
import os, signal
from workflow_scripts.train.preemption import PreemptionHandler

preemption = PreemptionHandler(counter_file=None, checkpoints=None, notice_s=90)
os.environ["SLURM_PROCID"] = "1"
preemption.install_handlers()
if os.fork() == 0:
    os.kill(os.getpid(), signal.SIGUSR2)
    print("worker lives", flush=True)
    os._exit(0)
os.wait()
os.kill(os.getpid(), signal.SIGUSR2)
print("stopping" if preemption.should_stop() else "running")
"""


def test_data_loader_workers_do_not_inherit_the_handler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["worker lives", "stopping"]


@pytest.mark.parametrize(
    ("script", "is_active"),
    [
        ("echo '7|RUNNING|None|'", True),
        ("echo '7|COMPLETED|None|'; echo '7|PENDING|BeginTime|'", True),
        ("echo '7|COMPLETED|None|'", False),
        ("echo '7|TIMEOUT|TimeLimit|'", False),
        ("echo '7|NODE_FAIL|None|'", True),
        ("echo '7|PREEMPTED|None|'", True),
        ("echo slurm_load_jobs error: Invalid job id specified >&2; exit 1", False),
    ],
)
def test_queue_state_says_whether_a_job_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, is_active: bool
) -> None:
    fake_squeue(tmp_path, monkeypatch, script)
    assert jobs.query_queue_state("7").is_over is not is_active


def test_a_controller_that_does_not_answer_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_squeue(tmp_path, monkeypatch, "echo Unable to contact slurm controller >&2; exit 1")
    with pytest.raises(UserError, match="Unable to contact slurm controller"):
        jobs.query_queue_state("7")


def fake_squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a squeue on the PATH that runs a shell script."""
    path = folder / "squeue"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_master_port_is_outside_the_ephemeral_port_range() -> None:
    first = 32_768  # of Linux, unless it was set otherwise
    ports = [rank.master_port(str(job_id)) for job_id in range(300)]
    assert all(1024 < port < first for port in ports)
    assert len(set(ports)) > 280
    assert rank.master_port("17") == rank.master_port("17")


def test_a_job_counts_as_running_from_its_start(tmp_path: Path) -> None:
    """Linux shows no arguments of a process that has just been started."""
    command = [sys.executable, "-c", "input()", "submitit.local._local", str(tmp_path)]
    for _ in range(20):
        with background_process(command, log=tmp_path / "log", stdin=subprocess.PIPE) as process:
            job = submitit.LocalJob(folder=tmp_path, job_id=str(process.pid), tasks=[0])
            assert not jobs.get_job_state(job).is_over
        assert jobs.get_job_state(job).is_over


def test_ranks_that_were_not_started_yet_are_not_lost(tmp_path: Path) -> None:
    """A busy machine takes a while from a job's first process to its ranks."""
    command_line = [sys.executable, "-c", "import time; time.sleep(600)", "submitit.local._local"]
    with background_process([*command_line, str(tmp_path)], log=tmp_path / "log") as process:
        job = submitit.LocalJob(folder=tmp_path, job_id=str(process.pid), tasks=[0, 1])
        assert not jobs.has_lost_rank(job, 2)
        for number in range(2):
            jobs.log_path(job, number).touch()
        assert jobs.has_lost_rank(job, 2)
        jobs.stop(job)
        assert jobs.controller_process(job) is None
        jobs.stop(job)
    assert jobs.has_lost_rank(job, 2)


def test_a_job_that_never_saves_is_requeued_a_limited_number_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    requeue_calls: list[str] = []
    monkeypatch.setattr(preemption, "requeue", lambda: requeue_calls.append("again"))
    counter_file, checkpoints = tmp_path / "requeues.json", tmp_path / "checkpoints"

    def requeue_unsaved() -> None:
        preemption.PreemptionHandler(
            counter_file=counter_file, checkpoints=checkpoints, notice_s=90
        )._requeue_unsaved()

    for step in (8, 10):
        complete = checkpoints / f"checkpoint-{step}/complete"
        complete.parent.mkdir(parents=True)
        complete.touch()
        for _ in range(preemption.MAX_REQUEUES_WITHOUT_CHECKPOINT + 1):
            requeue_unsaved()
        assert requeue_calls == ["again"] * preemption.MAX_REQUEUES_WITHOUT_CHECKPOINT
        assert "give its rule a longer runtime in the profile" in capfd.readouterr().err
        requeue_calls.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "requeues.json"]


@pytest.mark.parametrize(
    "content",
    ['{"cluster": "local"', '{"clustfr": "local", "job_id": "1", "num_ranks": 2, "identity": "x"}',
     "[]", '{"cluster": "local", "job_id": "1", "num_ranks": "two", "identity": "x"}'],
)  # fmt: skip
def test_a_damaged_record_of_a_job_is_no_record(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "job.json").write_text(content)
    assert launch.read_job_record(tmp_path / "job.json") is None
    assert "job.json is damaged" in caplog.text
    record = launch.JobRecord("local", "1", 2, "x")
    write_json(tmp_path / "job.json", asdict(record))
    assert launch.read_job_record(tmp_path / "job.json") == record
