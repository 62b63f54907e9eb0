"""Training's launcher on a live cluster, with submitit: where ranks run, and one job only."""

import dataclasses
import json
import re
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from testing.slurm.cluster import ACCOUNT, Cluster
from testing.slurm.user import ROOT
from testing.wait import background_process, wait_until
from tests.slurm import toy_training
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.storage import read_json
from workflow_scripts.train import launch
from workflow_scripts.train.vlm.experiment import VlmExperiment

MACHINE = launch.JobResources(
    cluster="slurm",
    nodes=2,
    gpus=4,
    gpu_model="l40s",
    partition="gpu",
    account=ACCOUNT,
    minutes=7,
    mem_mb=2000,
    threads=2,
)


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VlmExperiment:
    """Return an experiment that takes no time; its ranks note where they run."""
    monkeypatch.setattr(launch, "Rank", toy_training.Rank)
    # The launcher sets these for its ranks; afterwards they are as they were.
    for key, value in (("OMP_NUM_THREADS", "1"), ("PYTHONPATH", str(ROOT))):
        monkeypatch.setenv(key, value)
    return toy_training.experiment_in(tmp_path)


def jobs_of(cluster: Cluster, experiment: VlmExperiment) -> list[dict[str, str]]:
    """Return what SLURM says about the trainings of an experiment."""
    folder = str(experiment.out.absolute())
    return [job for job in cluster.jobs() if job.get("StdErr", "").startswith(folder)]


def starts_of(experiment: VlmExperiment, rank: int) -> list[str]:
    """Return the nodes on which a rank was started, oldest first."""
    path = experiment.out / f"starts-{rank}.txt"
    return path.read_text().split() if path.exists() else []


def test_ranks_get_the_nodes_cards_and_memory_that_were_asked_for(
    cluster: Cluster, experiment: VlmExperiment
) -> None:
    launch.run_or_attach(experiment, MACHINE, poll_s=0.5)
    assert (experiment.out / "metrics.json").exists()
    (job,) = jobs_of(cluster, experiment)
    assert job["NodeList"] == "l40s-[1-2]"
    assert job["NumNodes"] == "2"
    assert job["NumTasks"] == "4"
    assert job["CPUs/Task"] == "2"
    assert "gres/gpu:l40s=4" in job["TRES"]
    assert job["MinMemoryNode"] == "2000M"
    assert job["TimeLimit"] == "00:07:00"
    assert job["Partition"] == "gpu"
    assert job["Account"] == ACCOUNT
    starts = [starts_of(experiment, rank) for rank in range(4)]
    assert starts == [["l40s-1"], ["l40s-1"], ["l40s-2"], ["l40s-2"]]


def launcher(
    experiment: VlmExperiment, cluster: Cluster, log: Path
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Start a launcher of its own; it is killed at the end."""
    flags = [
        word
        for name, value in dataclasses.asdict(MACHINE).items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    command = [
        sys.executable,
        "-m",
        "tests.slurm.toy_training",
        "--out",
        str(experiment.out),
        *flags,
    ]
    return background_process(command, log=log, cwd=ROOT, env=cluster.environment)


def test_a_killed_launcher_finds_its_job_again(
    cluster: Cluster, experiment: VlmExperiment, tmp_path: Path
) -> None:
    """It was killed between sbatch and writing the job's number down."""
    hold_file = toy_training.hold_file(experiment.out)
    hold_file.touch()
    note = experiment.out / "launch/job.json"
    with launcher(experiment, cluster, tmp_path / "first.log"):
        wait_until(note.exists, "the launcher to submit its job")
    note.unlink()

    def release_ranks() -> None:
        wait_until(note.exists, "the number of the job to be written down again")
        hold_file.unlink()

    # The job ends only when the second launcher has looked for it.
    threading.Thread(target=release_ranks, daemon=True).start()
    launch.run_or_attach(experiment, MACHINE, poll_s=0.5)
    (job,) = jobs_of(cluster, experiment)
    assert job["JobId"] == read_json(note)["job_id"]
    assert starts_of(experiment, 3) == ["l40s-2"]


def test_two_launchers_at_once_start_one_job(
    cluster: Cluster, experiment: VlmExperiment, tmp_path: Path
) -> None:
    hold_file = toy_training.hold_file(experiment.out)
    hold_file.touch()
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    with ExitStack() as stack:
        both = [stack.enter_context(launcher(experiment, cluster, log)) for log in logs]

        def job_is_known() -> bool:
            texts = [log.read_text() for log in logs]
            assert all(process.poll() is None for process in both), texts
            return all(re.search(r"started slurm job|is running", text) for text in texts)

        wait_until(job_is_known, "both launchers to wait for a job")
        hold_file.unlink()
        assert [process.wait() for process in both] == [0, 0]
    assert len(jobs_of(cluster, experiment)) == 1


def test_a_job_that_ended_while_nobody_waited_is_not_run_again(
    cluster: Cluster, experiment: VlmExperiment
) -> None:
    launch.run_or_attach(experiment, MACHINE, poll_s=0.5)
    identity = experiment.identity(num_ranks=4)
    (experiment.checkpoints / "settings.json").write_text(json.dumps(identity))
    # Snakemake removes what a killed job may have left half-written.
    (experiment.out / "metrics.json").unlink()
    launch.run_or_attach(experiment, MACHINE, poll_s=0.5)
    assert (experiment.out / "metrics.json").exists()
    assert len(jobs_of(cluster, experiment)) == 1


def test_a_broken_rank_ends_the_job_with_its_traceback(
    cluster: Cluster, experiment: VlmExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other ranks would wait for it in vain."""
    monkeypatch.setattr(launch, "NODE_GRACE_S", 1.0)
    toy_training.hold_file(experiment.out).touch()
    (experiment.out / "break-2").touch()
    with pytest.raises(UserError) as caught:
        launch.run_or_attach(experiment, MACHINE, poll_s=0.5)
    assert "training failed on rank 2" in str(caught.value)
    assert "RuntimeError: rank 2 broke" in str(caught.value)
    assert "_2_log.err" in str(caught.value)
    wait_until(lambda: jobs_of(cluster, experiment)[0]["JobState"] == "CANCELLED", "the job's end")
