"""Training's launcher on a live cluster, with submitit: where ranks run, and one job only."""

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
from workflow_scripts.train.train import Experiment

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

    def __call__(self) -> str | None:
        launch.TorchDistributedEnvironment().export(set_cuda_visible_devices=False)
        rank, node = os.environ["RANK"], os.environ["SLURMD_NODENAME"]
        with (self.experiment.out / f"starts-{rank}.txt").open("a") as file:
            file.write(f"{node}\n")
        # Once it was queued again there is nothing left to do.
        if "SLURM_RESTART_COUNT" not in os.environ:
            time.sleep(float((self.experiment.out / "seconds").read_text()))
        return None


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Return an experiment that takes no time; its ranks note where they run."""
    monkeypatch.setattr(launch, "Rank", Rank)
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


def test_a_killed_launcher_finds_its_job_again(cluster: Cluster, experiment: Experiment) -> None:
    (experiment.out / "seconds").write_text("12")
    code = (
        "import sys; from pathlib import Path; from tests.slurm import test_launch as toy\n"
        "toy.launch.Rank = toy.Rank; out = Path(sys.argv[1])\n"
        "toy.launch.main(machine=toy.MACHINE, poll_s=0.5, experiment=toy.Experiment(\n"
        "name='toy', base='no/such', data=out / 'data.json', images=out, out=out))"
    )
    note = experiment.out / "launch/job.json"
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(experiment.out)], cwd=ROOT, env=cluster.environment
    )
    try:
        deadline = time.monotonic() + 60
        while not note.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    launch.main(experiment=experiment, machine=MACHINE, poll_s=0.5)
    (job,) = jobs_of(cluster, experiment)
    assert job["JobId"] == read_json(note)["job_id"]
    assert starts_of(experiment, 3) == ["l40s-2"]


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
    last = machine.ranks_per_node() * machine.nodes - 1
    wait_for(lambda: bool(starts_of(experiment, last)) or not thread.is_alive())
    yield failures
    thread.join(120)
    assert not thread.is_alive()


def wait_for(claim: Callable[[], bool], seconds: float = 60) -> None:
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
    wait_for(lambda: jobs_of(cluster, experiment)[0]["JobState"] == "COMPLETED")
    (job,) = jobs_of(cluster, experiment)
    assert job["Restarts"] == "1"
    assert [len(starts_of(experiment, rank)) for rank in range(4)] == [2, 2, 2, 2]


def test_a_training_whose_node_dies_goes_on_elsewhere(
    cluster: Cluster, experiment: Experiment
) -> None:
    (experiment.out / "seconds").write_text("600")
    with launched(experiment, replace(MACHINE, nodes=1, gpus=2)) as failures:
        (node,) = starts_of(experiment, 0)
        cluster.stop_node(node)
        try:
            wait_for(lambda: len(starts_of(experiment, 0)) == 2, seconds=120)
        finally:
            cluster.start_node(node)
    assert not failures
    wait_for(lambda: jobs_of(cluster, experiment)[0]["JobState"] == "COMPLETED")
    assert len(jobs_of(cluster, experiment)) == 1
    assert starts_of(experiment, 0)[1] != node
    assert starts_of(experiment, 0)[1].startswith("l40s-")
    wait_for(lambda: set(cluster.states().values()) == {"IDLE"})
