"""A micro training to be launched on the live cluster, and cut off in the middle."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.slurm.cluster import ACCOUNT, Cluster
from tests.slurm.conftest import ROOT
from tests.train.micro import experiment_in, make_data
from workflow_scripts.train import launch
from workflow_scripts.train.experiment import Experiment

STEPS, SAVE_STEPS = 24, 6
# Steps after which a training dawdles: past a checkpoint, far from the end.
CUT_AT = SAVE_STEPS + 2
PACE_S = 15.0
MACHINE = launch.Machine(
    cluster="slurm",
    gpus=2,
    gpu_model="l40s",
    partition="gpu",
    account=ACCOUNT,
    minutes=20,
    mem_mb=8000,
    threads=1,
)


class PacedRank(launch.Rank):
    """A rank that dawdles in the middle until it was queued again, to be cut off there.

    It does so by itself: on a busy machine a training that waits to be told may be over by then.
    """

    def work(self, is_leaving: Callable[[], bool]) -> None:
        life = os.environ.get("SLURM_RESTART_COUNT", "0")
        out = self.experiment.out
        pace_s = float((out / "pace_s").read_text())
        done = 0

        def step_ends() -> bool:
            nonlocal done
            done += 1
            if os.environ["RANK"] == "0":
                with (out / f"steps-{life}.txt").open("a") as file:
                    file.write(f"{time.time()}\n")
            if life == "0" and done >= CUT_AT:
                time.sleep(pace_s)
            return is_leaving()

        super().work(step_ends)


@dataclass
class Run:
    """A training under way, or over."""

    experiment: Experiment
    thread: threading.Thread
    failures: list[BaseException]
    cut_s: float = 0.0
    lost_node: str = ""

    def jobs(self, cluster: Cluster) -> list[dict[str, str]]:
        """Return what SLURM says about the jobs of the training: one, once it is submitted."""
        folder = f"{self.experiment.out.absolute()}/"
        return [job for job in cluster.jobs() if job.get("StdErr", "").startswith(folder)]

    def job(self, cluster: Cluster) -> dict[str, str]:
        """Return what SLURM says about the one job."""
        (job,) = self.jobs(cluster)
        return job

    def has_begun(self, cluster: Cluster) -> bool:
        """Say whether SLURM has given the job its nodes."""
        assert not self.failures, self.failures
        return any(job["JobState"] == "RUNNING" for job in self.jobs(cluster))

    def steps(self, life: int) -> list[float]:
        """Return when the steps of a life ended, seconds since 1970."""
        path = self.experiment.out / f"steps-{life}.txt"
        return [float(line) for line in path.read_text().split()] if path.exists() else []

    def finish(self) -> None:
        """Wait for the end."""
        self.thread.join(900)
        assert not self.thread.is_alive(), "the training did not end"
        assert not self.failures, self.failures


def launched(experiment: Experiment, machine: launch.Machine, pace_s: float = 0.0) -> Run:
    """Launch a training in a thread of its own."""
    experiment.out.mkdir(parents=True)
    (experiment.out / "pace_s").write_text(str(pace_s))
    failures: list[BaseException] = []

    def target() -> None:
        try:
            launch.main(experiment=experiment, machine=machine, poll_s=0.5)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return Run(experiment, thread, failures)


def wait_for(claim: Callable[[], bool], seconds: float = 400) -> None:
    """Wait until a claim holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@contextmanager
def settings() -> Iterator[None]:
    """Let trainings of this process believe in processors; a job inherits what it sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "Rank", PacedRank)
        for key, value in (
            ("DS_ACCELERATOR", "cpu"),
            ("OMP_NUM_THREADS", "1"),
            ("PYTHONPATH", str(ROOT)),
            ("TOKENIZERS_PARALLELISM", "false"),
        ):
            patch.setenv(key, value)
        yield


def plan_in(folder: Path) -> Experiment:
    """Return the training that is cut off: ZeRO-3, a checkpoint every six steps."""
    data = make_data(folder)
    return experiment_in(
        folder / "here", data, deepspeed="zero3", steps=STEPS, save_steps=SAVE_STEPS
    )


def beside(plan: Experiment, name: str) -> Experiment:
    """Return the same training in another folder."""
    return replace(plan, out=plan.out.with_name(name))


def cut_off_three(cluster: Cluster, plan: Experiment) -> dict[str, Run]:
    """Cut three trainings off in the middle, and wait until each has ended."""
    machines = {
        "signal": MACHINE,
        "limit": replace(MACHINE, gpu_model="a6000"),
        # Two nodes, of which one dies; the rank on the other fails for want of its partner. It
        # may go on at any two nodes that are free.
        "node": replace(MACHINE, gpu_model="", nodes=2),
    }
    runs: dict[str, Run] = {}
    for name, machine in machines.items():
        runs[name] = run = launched(beside(plan, name), machine, pace_s=PACE_S)
        # One after the other: the two nodes of the last must not be those that another asks for.
        wait_for(lambda run=run: run.has_begun(cluster))
    for run in runs.values():
        wait_for(lambda run=run: len(run.steps(0)) >= CUT_AT)
    cluster.ask("scancel", "--signal=USR2", runs["signal"].job(cluster)["JobId"])
    runs["signal"].cut_s = time.time()
    node = runs["node"].job(cluster)["BatchHost"]
    runs["node"].cut_s, runs["node"].lost_node = time.time(), node
    cluster.stop_node(node)
    try:
        limit_soon(cluster, runs["limit"])
        for run in runs.values():
            run.finish()
    finally:
        cluster.start_node(node)
    wait_for(lambda: set(cluster.states().values()) == {"IDLE"})
    return runs


def limit_soon(cluster: Cluster, run: Run) -> None:
    """Let a training reach its time limit as soon as SLURM can see to it; its next life is long.

    A limit that is short from the start would be over before a busy machine has started to train.
    """
    job = run.job(cluster)
    hours, minutes, seconds = map(int, job["RunTime"].split(":"))
    notice = MACHINE.notice_s() // 60
    soon = 60 * hours + minutes + bool(seconds) + notice
    cluster.ask("scontrol", "update", f"JobId={job['JobId']}", f"TimeLimit={soon}")
    wait_for(lambda: run.job(cluster)["Restarts"] != "0")
    cluster.ask("scontrol", "update", f"JobId={job['JobId']}", f"TimeLimit={MACHINE.minutes}")
