"""A micro training that is launched on the live cluster and interrupted half-way."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from testing.micro_training import experiment_in, make_data
from testing.slurm.cluster import ACCOUNT, Cluster
from testing.slurm.user import ROOT
from testing.wait import MAX_WAIT_S, wait_until
from workflow_scripts.train import launch
from workflow_scripts.train.vlm.experiment import VlmExperiment

STEPS, SAVE_STEPS = 24, 6
# The step at whose end a training waits to be cut off: past a checkpoint, far from the end.
INTERRUPT_AT_STEP = SAVE_STEPS + 2
MACHINE = launch.JobResources(
    cluster="slurm",
    gpus=2,
    gpu_model="l40s",
    partition="gpu",
    account=ACCOUNT,
    # Ranks are told five minutes before the end: no machine is so slow that it cannot save by then.
    minutes=50,
    mem_mb=8000,
    threads=1,
)


class PausingRank(launch.Rank):
    """A rank that, where a file says so, waits in the middle of its first life to be cut off there.

    It goes on when SLURM gives notice, or when the file is gone.
    """

    def run_training(self, should_stop: Callable[[], bool]) -> None:
        restart_count = os.environ.get("SLURM_RESTART_COUNT", "0")
        out = self.spec.out
        done = 0

        def step_ends() -> bool:
            nonlocal done
            done += 1
            if os.environ["RANK"] == "0":
                with (out / f"steps-{restart_count}.txt").open("a") as file:
                    file.write(f"{time.time()}\n")
            while (
                restart_count == "0"
                and done == INTERRUPT_AT_STEP
                and hold_file(out).exists()
                and not should_stop()
            ):
                time.sleep(0.1)
            if restart_count == "0" and os.environ["RANK"] == "0" and should_stop():
                (out / "left").touch()
            return should_stop()

        super().run_training(step_ends)


def hold_file(out: Path) -> Path:
    """Return the file that holds a training in the middle while it is there."""
    return out / "held"


@dataclass
class InterruptedTraining:
    """A training under way, or over."""

    experiment: VlmExperiment
    thread: threading.Thread
    failures: list[BaseException]
    interrupted_s: float = 0.0
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
        assert self.thread.is_alive(), self.failures or "the training is over"
        return any(job["JobState"] == "RUNNING" for job in self.jobs(cluster))

    def steps(self, restart_count: int) -> list[float]:
        """Return when the steps of a life ended, seconds since 1970."""
        path = self.experiment.out / f"steps-{restart_count}.txt"
        return [float(line) for line in path.read_text().split()] if path.exists() else []

    def stopped_s(self) -> float:
        """Return when the first life took notice of its end, seconds since 1970."""
        return (self.experiment.out / "left").stat().st_mtime

    def is_waiting(self) -> bool:
        """Say whether the training waits in the middle to be cut off."""
        assert self.thread.is_alive(), self.failures or "the training is over"
        return len(self.steps(0)) >= INTERRUPT_AT_STEP

    def finish(self) -> None:
        """Wait for the end."""
        self.thread.join(MAX_WAIT_S)
        assert not self.thread.is_alive(), "the training did not end"
        assert not self.failures, self.failures


def launch_in_thread(
    experiment: VlmExperiment, resources: launch.JobResources, *, hold: bool = False
) -> InterruptedTraining:
    """Launch a training in a thread of its own."""
    experiment.out.mkdir(parents=True)
    if hold:
        hold_file(experiment.out).touch()
    failures: list[BaseException] = []

    def target() -> None:
        try:
            launch.run_or_attach(experiment, resources, poll_s=0.5)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return InterruptedTraining(experiment, thread, failures)


@contextmanager
def settings() -> Iterator[None]:
    """Let trainings of this process believe in processors; a job inherits what it sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "Rank", PausingRank)
        for key, value in (
            ("DS_ACCELERATOR", "cpu"),
            ("OMP_NUM_THREADS", "1"),
            ("PYTHONPATH", str(ROOT)),
            ("TOKENIZERS_PARALLELISM", "false"),
        ):
            patch.setenv(key, value)
        yield


def make_experiment(folder: Path) -> VlmExperiment:
    """Return the training that is cut off: ZeRO-3, a checkpoint every six steps."""
    data = make_data(folder)
    return experiment_in(
        folder / "here", data, deepspeed="zero3", steps=STEPS, save_steps=SAVE_STEPS
    )


def in_sibling_folder(plan: VlmExperiment, name: str) -> VlmExperiment:
    """Return the same training in another folder."""
    return replace(plan, out=plan.out.with_name(name))


def interrupt_three_trainings(
    cluster: Cluster, plan: VlmExperiment
) -> dict[str, InterruptedTraining]:
    """Cut three trainings off in the middle, and wait until each has ended."""
    machines = {
        "signal": MACHINE,
        "limit": replace(MACHINE, gpu_model="a6000"),
        # Two nodes, of which one dies; the rank on the other fails for want of its partner. It
        # may go on at any two nodes that are free.
        "node": replace(MACHINE, gpu_model="", nodes=2),
    }
    runs: dict[str, InterruptedTraining] = {}
    for name, resources in machines.items():
        runs[name] = run = launch_in_thread(in_sibling_folder(plan, name), resources, hold=True)
        # One after the other: the two nodes of the last must not be those that another asks for.
        wait_until(partial(run.has_begun, cluster), f"{name} to have its nodes")
    for name, run in runs.items():
        wait_until(run.is_waiting, f"{name} to be in the middle")
    cluster.ask("scancel", "--signal=USR2", runs["signal"].job(cluster)["JobId"])
    runs["signal"].interrupted_s = time.time()
    node = runs["node"].job(cluster)["BatchHost"]
    runs["node"].interrupted_s, runs["node"].lost_node = time.time(), node
    cluster.stop_node(node)
    # Its rank on the other node goes on, and misses its partner.
    hold_file(runs["node"].experiment.out).unlink()
    try:
        shorten_time_limit(cluster, runs["limit"])
        for run in runs.values():
            run.finish()
    finally:
        cluster.start_node(node)
    wait_until(lambda: set(cluster.states().values()) == {"IDLE"}, "all nodes to be idle")
    return runs


def shorten_time_limit(cluster: Cluster, run: InterruptedTraining) -> None:
    """Let a training reach its time limit as soon as SLURM can see to it; its next life is long.

    A limit that is short from the start would be over before a busy machine has started to train.
    """
    job = run.job(cluster)
    hours, minutes, seconds = map(int, job["RunTime"].split(":"))
    notice = MACHINE.notice_s() // 60
    soon = 60 * hours + minutes + bool(seconds) + notice
    cluster.ask("scontrol", "update", f"JobId={job['JobId']}", f"TimeLimit={soon}")
    wait_until(lambda: run.job(cluster)["Restarts"] != "0", "the time limit")
    cluster.ask("scontrol", "update", f"JobId={job['JobId']}", f"TimeLimit={MACHINE.minutes}")
