"""DeepSpeed trainings on a live cluster: two nodes as two ranks here, and three ways to be cut off.

The cut-off trainings run at the same time, each on a node of its own, for most of it is waiting.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from tests.slurm.cluster import ACCOUNT, Cluster
from tests.slurm.conftest import ROOT
from tests.train.micro import experiment_in, losses, make_data, validation_losses
from workflow_scripts.common.storage import read_json
from workflow_scripts.train import launch
from workflow_scripts.train.experiment import Experiment

STEPS, SAVE_STEPS = 24, 6
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
    """A rank that trains slowly until it was queued again, so that it is cut off in the middle."""

    def work(self, is_leaving: Callable[[], bool]) -> None:
        life = os.environ.get("SLURM_RESTART_COUNT", "0")
        out = self.experiment.out
        pace_s = float((out / "pace_s").read_text()) if life == "0" else 0.0

        def step_ends() -> bool:
            if os.environ["RANK"] == "0":
                with (out / f"steps-{life}.txt").open("a") as file:
                    file.write(f"{time.time()}\n")
            time.sleep(pace_s)
            return is_leaving()

        super().work(step_ends)


@dataclass
class Run:
    """A training under way, or over."""

    experiment: Experiment
    thread: threading.Thread
    failures: list[BaseException]

    def job(self, cluster: Cluster) -> dict[str, str]:
        """Return what SLURM says about the one job."""
        folder = f"{self.experiment.out.absolute()}/"
        (job,) = [job for job in cluster.jobs() if job.get("StdErr", "").startswith(folder)]
        return job

    def steps(self, life: int) -> list[float]:
        """Return when the steps of a life ended, seconds since 1970."""
        path = self.experiment.out / f"steps-{life}.txt"
        return [float(line) for line in path.read_text().split()] if path.exists() else []

    def finish(self) -> None:
        """Wait for the end."""
        self.thread.join(400)
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


def wait_for(claim: Callable[[], bool], seconds: float = 200) -> None:
    """Wait until a claim holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def plan(settings: None, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Return the training of all tests here: ZeRO-3, a checkpoint every six steps."""
    folder = tmp_path_factory.mktemp("trainings")
    data = make_data(folder)
    return experiment_in(
        folder / "here", data, deepspeed="zero3", steps=STEPS, save_steps=SAVE_STEPS
    )


@pytest.fixture(scope="module")
def here(plan: Experiment) -> Experiment:
    """Return the undisturbed training, two ranks on this machine."""
    launched(plan, launch.Machine(cluster="local", num_processes=2, threads=1)).finish()
    return plan


def beside(plan: Experiment, name: str) -> Experiment:
    """Return the same training in another folder."""
    return replace(plan, out=plan.out.with_name(name))


def assert_same_end(run: Run, here: Experiment) -> None:
    """Compare to the last printed digit; a digit may round either way."""
    assert losses(run.experiment)[-1] == pytest.approx(losses(here)[-1], abs=1.5e-6)
    assert validation_losses(run.experiment)[-1] == pytest.approx(
        validation_losses(here)[-1], abs=1.5e-6
    )
    rows = read_json(run.experiment.out / "metrics.json")["history"]
    assert len(rows) == len(read_json(here.out / "metrics.json")["history"])


@pytest.mark.timeout(500)
def test_two_nodes_train_as_two_ranks_here(
    cluster: Cluster, plan: Experiment, here: Experiment
) -> None:
    run = launched(beside(plan, "nodes"), replace(MACHINE, nodes=2))
    run.finish()
    job = run.job(cluster)
    assert (job["NumNodes"], job["NumTasks"], job["NodeList"]) == ("2", "2", "l40s-[1-2]")
    # Sums over two ranks have one order, so even the noise is the same; 1e-5 is that of float32.
    assert losses(run.experiment) == pytest.approx(losses(here), abs=1e-5)
    assert validation_losses(run.experiment) == pytest.approx(validation_losses(here), abs=1e-5)
    assert losses(here)[-1] < losses(here)[0] - 0.5


@pytest.fixture(scope="module")
def cut_off(cluster: Cluster, plan: Experiment, here: Experiment) -> dict[str, Run]:
    """Cut three trainings off in the middle, and wait until each has ended."""
    runs = {
        "signal": launched(beside(plan, "signal"), MACHINE, pace_s=1.0),
        # SLURM gives notice 30 to 60 s early, looks every 30 s and counts in minutes.
        "limit": launched(
            beside(plan, "limit"), replace(MACHINE, gpu_model="a6000", minutes=2), pace_s=8.0
        ),
        # Two nodes, of which one dies; the rank on the other fails for want of its partner. It
        # may go on at any two nodes that are free.
        "node": launched(beside(plan, "node"), replace(MACHINE, gpu_model="", nodes=2), pace_s=1.0),
    }
    for name in ("signal", "node"):
        wait_for(lambda name=name: len(runs[name].steps(0)) >= SAVE_STEPS + 2)
    cluster.ask("scancel", "--signal=USR2", runs["signal"].job(cluster)["JobId"])
    node = runs["node"].job(cluster)["BatchHost"]
    cluster.stop_node(node)
    (plan.out.with_name("node") / "died").write_text(f"{node} {time.time()}")
    try:
        for run in runs.values():
            run.finish()
    finally:
        cluster.start_node(node)
    wait_for(lambda: set(cluster.states().values()) == {"IDLE"})
    return runs


@pytest.mark.timeout(590)
@pytest.mark.parametrize("name", ["signal", "limit", "node"])
def test_a_training_that_is_cut_off_ends_as_if_nothing_had_been(
    cluster: Cluster, cut_off: dict[str, Run], here: Experiment, name: str
) -> None:
    run = cut_off[name]
    job = run.job(cluster)
    # On a busy machine the second life may reach its time limit, too.
    assert job["Restarts"] == "1" or (name == "limit" and int(job["Restarts"]) > 1)
    done = [len(run.steps(life)) for life in range(int(job["Restarts"]) + 1)]
    assert 0 < done[0] < STEPS
    lost = sum(done) - STEPS
    # Notice is time to save; a dead node takes what was done since the last checkpoint.
    assert lost == 0 if name != "node" else 0 <= lost <= SAVE_STEPS
    assert_same_end(run, here)
    log = "".join(path.read_text() for path in run.experiment.out.glob("launch/*_0_log.*"))
    assert re.search(r"from checkpoint-\d+", log)
    if name == "node":
        died = (run.experiment.out / "died").read_text().split()[0]
        assert died not in job["NodeList"]
