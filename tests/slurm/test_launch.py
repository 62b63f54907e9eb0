"""Training's launcher on a live cluster, with submitit: where ranks run, and one job only."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.slurm.cluster import ACCOUNT, Cluster
from tests.slurm.conftest import ROOT
from workflow_scripts.common.storage import read_json
from workflow_scripts.train import launch
from workflow_scripts.train.experiment import Experiment
from workflow_scripts.train.leaving import Interrupted

MACHINE = launch.Machine(
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


class Rank(launch.Rank):
    """A rank that only notes where it is."""

    def work(self, is_leaving: Callable[[], bool]) -> None:
        out, rank = self.experiment.out, os.environ["RANK"]
        with (out / f"starts-{rank}.txt").open("a") as file:
            file.write(f"{os.environ['SLURMD_NODENAME']}\n")
        # Once it was queued again there is nothing left to do.
        end = 0 if "SLURM_RESTART_COUNT" in os.environ else float((out / "seconds").read_text())
        begun = time.monotonic()
        while time.monotonic() - begun < end:
            time.sleep(0.1)
            if is_leaving():
                raise Interrupted("nothing to save")
            if (out / f"break-{rank}").exists():
                raise RuntimeError(f"rank {rank} broke")
        experiment_result(self.experiment)


def experiment_result(experiment: Experiment) -> None:
    """Write a result, as a training does at its end."""
    if os.environ["RANK"] == "0":
        experiment.result.mkdir(parents=True, exist_ok=True)
        (experiment.result / "metrics.json").write_text("{}")


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Return an experiment that takes no time; its ranks note where they run."""
    monkeypatch.setattr(launch, "Rank", Rank)
    monkeypatch.setattr(launch, "NODE_GRACE_S", 120.0)
    # The launcher sets these for its ranks; afterwards they are as they were.
    for key, value in (("OMP_NUM_THREADS", "1"), ("PYTHONPATH", str(ROOT))):
        monkeypatch.setenv(key, value)
    (tmp_path / "data.json").write_text("[]")
    (tmp_path / "seconds").write_text("0")
    return Experiment(
        name="toy",
        base="no/such",
        data=tmp_path / "data.json",
        images=tmp_path,
        out=tmp_path,
    )


def jobs_of(cluster: Cluster, experiment: Experiment) -> list[dict[str, str]]:
    """Return what SLURM says about the trainings of an experiment."""
    folder = str(experiment.out.absolute())
    return [job for job in cluster.jobs() if job.get("StdErr", "").startswith(folder)]


def starts_of(experiment: Experiment, rank: int) -> list[str]:
    """Return the nodes on which a rank was started, oldest first."""
    path = experiment.out / f"starts-{rank}.txt"
    return path.read_text().split() if path.exists() else []


def test_ranks_get_the_nodes_cards_and_memory_that_were_asked_for(
    cluster: Cluster, experiment: Experiment
) -> None:
    launch.main(experiment=experiment, machine=MACHINE, poll_s=0.5)
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


LAUNCH = """
import sys; from pathlib import Path; from tests.slurm import test_launch as toy
toy.launch.Rank = toy.Rank; out = Path(sys.argv[1])
toy.launch.main(machine=toy.MACHINE, poll_s=0.5, experiment=toy.Experiment(
    name='toy', base='no/such', data=out / 'data.json', images=out, out=out))
"""


@pytest.mark.parametrize("knows", [True, False], ids=["by its note", "by its name"])
def test_a_killed_launcher_finds_its_job_again(
    cluster: Cluster, experiment: Experiment, knows: bool
) -> None:
    """Without its note it was killed between sbatch and writing the job's number down."""
    (experiment.out / "seconds").write_text("8")
    note = experiment.out / "launch/job.json"
    command = [sys.executable, "-c", LAUNCH, str(experiment.out)]
    first = subprocess.Popen(command, cwd=ROOT, env=cluster.environment)
    try:
        wait_for(note.exists)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    if not knows:
        note.unlink()
    launch.main(experiment=experiment, machine=MACHINE, poll_s=0.5)
    (job,) = jobs_of(cluster, experiment)
    assert job["JobId"] == read_json(note)["job_id"]
    assert starts_of(experiment, 3) == ["l40s-2"]


def test_two_launchers_at_once_start_one_job(cluster: Cluster, experiment: Experiment) -> None:
    (experiment.out / "seconds").write_text("3")
    command = [sys.executable, "-c", LAUNCH, str(experiment.out)]
    both = [subprocess.Popen(command, cwd=ROOT, env=cluster.environment) for _ in range(2)]
    assert [launcher.wait(120) for launcher in both] == [0, 0]
    assert len(jobs_of(cluster, experiment)) == 1


def test_a_job_that_ended_while_nobody_waited_is_not_run_again(
    cluster: Cluster, experiment: Experiment
) -> None:
    launch.main(experiment=experiment, machine=MACHINE, poll_s=0.5)
    what = launch.identity(experiment, num_ranks=4)
    (experiment.checkpoints / "settings.json").write_text(json.dumps(what))
    # Snakemake removes what a killed job may have left half-written.
    (experiment.out / "metrics.json").unlink()
    launch.main(experiment=experiment, machine=MACHINE, poll_s=0.5)
    assert (experiment.out / "metrics.json").exists()
    assert len(jobs_of(cluster, experiment)) == 1


def test_a_broken_rank_ends_the_job_with_its_traceback(
    cluster: Cluster, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "NODE_GRACE_S", 1.0)
    (experiment.out / "seconds").write_text("600")
    with launched(experiment, MACHINE) as failures:
        (experiment.out / "break-2").touch()
    (failure,) = failures
    assert "training failed on rank 2" in str(failure)
    assert "RuntimeError: rank 2 broke" in str(failure)
    assert "_2_log.err" in str(failure)
    wait_for(lambda: state_of(cluster, experiment) == "CANCELLED")


def state_of(cluster: Cluster, experiment: Experiment) -> str:
    """Return SLURM's word for the state of an experiment's job."""
    return jobs_of(cluster, experiment)[0]["JobState"]


@contextmanager
def launched(experiment: Experiment, machine: launch.Machine) -> Iterator[list[BaseException]]:
    """Launch in a thread, wait until the last rank runs, and at the end until all is over."""
    failures: list[BaseException] = []

    def target() -> None:
        try:
            launch.main(experiment=experiment, machine=machine, poll_s=0.5)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    ranks = range(machine.ranks_per_node() * machine.nodes)
    wait_for(lambda: all(starts_of(experiment, rank) for rank in ranks) or not thread.is_alive())
    yield failures
    thread.join(180)
    assert not thread.is_alive()


def wait_for(claim: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until a claim holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def test_a_preempted_training_is_queued_again(cluster: Cluster, experiment: Experiment) -> None:
    (experiment.out / "seconds").write_text("600")
    with launched(experiment, MACHINE) as failures:
        (job,) = jobs_of(cluster, experiment)
        # What SLURM sends before it takes the nodes away.
        cluster.ask("scancel", "--signal=USR2", job["JobId"])
    assert not failures
    # Ranks have reported; the job's script ends a moment later.
    wait_for(lambda: state_of(cluster, experiment) == "COMPLETED")
    (job,) = jobs_of(cluster, experiment)
    assert job["Restarts"] == "1"
    assert [len(starts_of(experiment, rank)) for rank in range(4)] == [2, 2, 2, 2]


def test_a_training_goes_on_when_one_of_its_nodes_died(
    cluster: Cluster, experiment: Experiment
) -> None:
    """The rank that lives fails for want of its partner; that must not end the training."""
    (experiment.out / "seconds").write_text("600")
    with launched(experiment, replace(MACHINE, gpus=2)) as failures:
        (node,) = starts_of(experiment, 0)
        cluster.stop_node(node)
        (experiment.out / "break-1").touch()
        try:
            wait_for(lambda: jobs_of(cluster, experiment)[0].get("Restarts") == "1", seconds=120)
        finally:
            cluster.start_node(node)
    assert not failures
    wait_for(lambda: state_of(cluster, experiment) == "COMPLETED")
    assert len(jobs_of(cluster, experiment)) == 1
    assert [len(starts_of(experiment, rank)) for rank in range(2)] == [2, 2]
    wait_for(lambda: set(cluster.states().values()) == {"IDLE"})
